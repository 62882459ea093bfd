"""Lists of battles that an evaluation plays: both ways round, in parts that are kept, so that it can be interrupted.

A fight's battles are numbered, and all that is kept of them is added up exactly: integers, or one number a battle. So
the same list gives the same bits on any number of ranks, for any number of matches at a time, and however often it was
interrupted.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from camtf import distributed, files
from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.evaluation.battles import BotSide, Side, Turn, View, turns
from camtf.evaluation.columns import bar
from camtf.games.protocol import Game
from camtf.progress import Progress
from camtf.types import Observation

LOT = 16_384
"""Battles that are played in one go and kept as one part: what an interruption can cost."""


class Lot(NamedTuple):
    """Some battles of a fight in the order of their numbers."""

    first: int  # number of the first battle
    cell: np.ndarray  # int [n], which pair plays each
    player: np.ndarray  # int [n], which player the first side is


class Tally(Protocol):
    """Counts what happens in a lot. Ranks add theirs up: integers, or numbers of single battles, 0 for all others."""

    def add(self, turn: Turn, battle: np.ndarray) -> None:
        """One decision of the matches under way; ``battle`` int ``[B]`` is the place of each in the lot."""

    def rows(self) -> dict[str, np.ndarray]:
        """By battle, ``[n, ...]`` each."""

    def sums(self) -> dict[str, np.ndarray]:
        """What is added up over lots."""


@dataclass(frozen=True)
class Fight:
    """Battles between members of two sides.

    Attributes:
        name: for people and for files.
        content: says which policies play and what is counted: digests of all that changes a result.
        pairs: int ``[cells, 2]``, member of the first side and of the second.
        half: battles of a cell with the first side as player 0; as many again as player 1.
        seed: of all chance.
        tally: makes the counter of a lot, or None.
        possible: count what was possible, too (`camtf.games.protocol.Counting`).
    """

    name: str
    content: str
    first: Side
    second: Side
    pairs: np.ndarray
    half: int
    seed: int
    tally: Callable[[Lot], Tally] | None = None
    possible: bool = False

    @property
    def battles(self) -> int:
        """All of them."""
        return 2 * self.half * len(self.pairs)

    def lots(self) -> Iterator[Lot]:
        """In the order of their numbers: first all battles with the first side as player 0. Few snapshots play at the
        same time then, which are computed faster than many."""
        each = self.half * len(self.pairs)
        for begin in range(0, 2 * each, LOT):
            numbers = np.arange(begin, min(begin + LOT, 2 * each))
            yield Lot(begin, numbers % each // self.half, numbers // each)


class Played(NamedTuple):
    """What came of a fight."""

    outcome: np.ndarray  # float64 [cells, 2 * half] of the first side, 1 won, 0.5 draw, 0 lost
    rows: dict[str, np.ndarray]  # of the tally, [cells, 2 * half, ...]
    sums: dict[str, np.ndarray]


class Fighter:
    """Plays fights, and keeps the parts of them in a run directory.

    Args:
        battles: of all fights together, for the time that is left; 0: say nothing.
        matches: how many a rank plays at a time.
    """

    def __init__(self, game: Game, run: RunDirectory, battles: int = 0, matches: int = 1024) -> None:
        self.game, self.matches = game, matches
        self.parts = Parts(run)
        self._progress = _Progress(battles)

    def play(self, fight: Fight) -> Played:
        """All battles of a fight. Every rank calls, and all get the same."""
        lots = list(fight.lots())
        parts = [self._lot(fight, lot) for lot in lots]
        rows = {
            name: _by_cell(fight, [part[f"row:{name}"] for part in parts])
            for name in sorted(key.removeprefix("row:") for key in parts[0] if key.startswith("row:"))
        }
        sums = {
            key.removeprefix("sum:"): np.sum([part[key] for part in parts], axis=0)
            for key in sorted(parts[0])
            if key.startswith("sum:")
        }
        return Played(rows.pop("outcome"), rows, sums)

    def _lot(self, fight: Fight, lot: Lot) -> dict[str, np.ndarray]:
        key = (
            f"{self.game.digest} {fight.content} {fight.seed} {fight.half} {lot.first} {len(lot.cell)} "
            f"{hashlib.sha256(np.ascontiguousarray(fight.pairs, np.int64).tobytes()).hexdigest()}"
        )
        kept = self.parts.get(f"{fight.name}.{lot.first}", key)
        if kept is None:
            own = play_lot(self.game, fight, lot, distributed.rank(), distributed.size(), self.matches)
            kept = dict(zip(own, distributed.sum_over_ranks(list(own.values()), "evaluation"), strict=True))
            self.parts.put(f"{fight.name}.{lot.first}", key, kept)
            self._progress.add(len(lot.cell), played=True)
        else:
            self._progress.add(len(lot.cell), played=False)
        return kept


def play_lot(game: Game, fight: Fight, lot: Lot, rank: int, size: int, matches: int) -> dict[str, np.ndarray]:
    """One rank's part of a lot, every ``size``-th battle: ``row:<name>`` by battle and ``sum:<name>``."""
    side = _Either(fight.first, fight.second)
    own = np.arange(len(lot.cell))[rank::size]
    pairs = fight.pairs[lot.cell[own]] + [0, len(fight.first.character)]
    players = np.where(lot.player[own, None] == 0, pairs, pairs[:, ::-1])
    outcome = np.zeros(len(lot.cell))
    tally = None if fight.tally is None else fight.tally(lot)
    for turn in turns(game, side, side, lot.first + own, players, fight.seed, matches, fight.possible):
        battle = turn.battle - lot.first
        if tally is not None:
            tally.add(turn, battle)
        ended = battle[turn.done]
        won = turn.outcome[turn.done].astype(np.float64)
        outcome[ended] = np.where(lot.player[ended] == 0, won, 1.0 - won)
    rows = {"outcome": outcome, **(tally.rows() if tally is not None else {})}
    sums = tally.sums() if tally is not None else {}
    return {f"row:{name}": x for name, x in rows.items()} | {f"sum:{name}": x for name, x in sums.items()}


@dataclass(frozen=True)
class _Either:
    """The members of one side, then those of another, as one side."""

    first: Side
    second: Side

    @property
    def character(self) -> np.ndarray:
        """See `camtf.evaluation.battles.Side`."""
        return np.concatenate([self.first.character, self.second.character])

    def act(self, view: View) -> np.ndarray:
        """See `camtf.evaluation.battles.Side`."""
        members = len(self.first.character)
        of_first = view.member < members
        actions = np.zeros((len(view.member), 2), np.int32)
        for side, rows, shift in ((self.first, of_first, 0), (self.second, ~of_first, members)):
            if rows.all():
                return side.act(replace(view, member=view.member - shift))
            if rows.any():
                actions[rows] = _some(side, view, np.flatnonzero(rows), shift)
        return actions


def _some(side: Side, view: View, rows: np.ndarray, shift: int) -> np.ndarray:
    """Actions of a side in some of the matches. A bot looks at all of them, for it may read the game."""
    if isinstance(side, BotSide):
        return side.act(view)[rows]
    observation = Observation(*(x[rows] for x in view.observation))
    return side.act(View(view.game, view.player, observation, view.member[rows] - shift, view.uniforms[rows]))


class Parts:
    """Results of parts of an evaluation, kept in ``evaluation/`` of a run until they are no longer those of any.

    A part is found again by all that it depends on, which is written into it.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._folder = run.path / "evaluation"
        self._used: set[str] = set()

    def get(self, name: str, key: str) -> dict[str, np.ndarray] | None:
        """A part that was kept, or None. Raises CheckpointError where its file is damaged."""
        file = self._file(name, key)
        self._used.add(file.name)
        distributed.barrier()  # all ranks find the same
        if not file.exists():
            return None
        arrays, meta = files.read_arrays(file, CheckpointError, limit_bytes=1 << 33)
        if meta.get("key") != key:
            raise CheckpointError(f"{file} is a part of another evaluation; remove it")
        return arrays

    def put(self, name: str, key: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep a part."""
        distributed.barrier()
        if distributed.rank() == 0:
            files.write_arrays(self._file(name, key), arrays, {"key": key}, compress=True)

    def tidy(self) -> None:
        """Remove what this evaluation has not asked for."""
        if distributed.rank() == 0 and self._folder.is_dir():
            for file in self._folder.glob("*.npz"):
                if file.name not in self._used:
                    file.unlink()

    def _file(self, name: str, key: str) -> Path:
        name = re.sub(r"[^A-Za-z0-9_.-]", "-", name)
        return self._folder / f"{name}.{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"


def _by_cell(fight: Fight, lots: list[np.ndarray]) -> np.ndarray:
    """Rows of all lots ``[battles, ...]`` as ``[cells, 2 * half, ...]``."""
    rows = np.concatenate(lots)
    ways = rows.reshape(2, len(fight.pairs), fight.half, *rows.shape[1:])
    return np.concatenate([ways[0], ways[1]], axis=1)


class _Progress:
    """Says how much of an evaluation is done, and how long the rest will take."""

    def __init__(self, battles: int) -> None:
        self._battles, self._done, self._played = battles, 0, 0
        self._began, self._line = time.monotonic(), Progress()

    def add(self, battles: int, played: bool) -> None:
        """So many more are there, played now or found."""
        self._done += battles
        self._played += battles * played
        if not self._battles or distributed.rank() or not self._line.due():
            return
        rate = self._played / max(time.monotonic() - self._began, 1e-9)
        left = f"{max(self._battles - self._done, 0) / rate:,.0f} s left" if rate else "time left unknown"
        self._line.show(
            f"evaluation {bar(self._done, self._battles)} {self._done:,} of {self._battles:,} battles, "
            f"{rate:,.0f} battles/s, {left}"
        )
