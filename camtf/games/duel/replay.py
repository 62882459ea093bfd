"""Replays: a match as its seed, its characters and its actions, played again bit for bit by the game itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from camtf import files
from camtf.games.duel.env import DuelGame
from camtf.games.duel.roster import Roster
from camtf.games.duel.state import RULES_VERSION
from camtf.types import Observation

_LIMIT_BYTES = 1 << 20
"""Of a replay's content. A match of a minute has 600 decisions, or 2,400 bytes."""


class ReplayError(files.FileError):
    """A replay is damaged, or of other rules or another roster than those given. Names both sides."""


@dataclass(frozen=True)
class Replay:
    """One match.

    Attributes:
        characters: ids of player 0's and player 1's character.
        players: who played them, for people.
        actions: int8 ``[T, P, H]``, one row a decision.
        seed, input_delay_ticks: of the game.
        rules_version, roster_digest: what the match was played by.
        digest: SHA-256 of all states of the match.
    """

    characters: tuple[str, str]
    players: tuple[str, str]
    actions: np.ndarray
    seed: int
    input_delay_ticks: int
    rules_version: int
    roster_digest: str
    digest: str


@dataclass(frozen=True)
class Moment:
    """The match before one decision, and what is chosen then."""

    fighters: np.ndarray  # camtf.games.duel.state.FIGHTER [P], a copy
    observation: Observation  # leaves [P, ...], copies
    actions: np.ndarray  # int [P, H]; all zero after the end


def record(
    roster: Roster,
    characters: tuple[str, str],
    actions: np.ndarray,
    seed: int,
    players: tuple[str, str] = ("player 0", "player 1"),
    input_delay_ticks: int = 0,
) -> Replay:
    """Keep a match that was played: match 0 of a game with this seed, from actions ``[T, P, H]`` to the end.

    Raises:
        RosterError: unknown character.
        ReplayError: the match does not end with the last of the actions.
    """
    game, _ = _start(roster, characters, seed, input_delay_ticks)
    digest = hashlib.sha256(_state(game))
    ends = []
    for number, chosen in enumerate(actions, start=1):
        _, step = game.step(chosen[:, None])
        digest.update(_state(game))
        if step.done[0]:
            ends.append(number)
    if ends != [len(actions)]:
        raise ReplayError(f"a replay is one whole match; of {len(actions)} decisions those that end one are {ends}")
    return Replay(
        characters, players, actions.astype(np.int8), seed, input_delay_ticks, RULES_VERSION, roster.digest,
        digest.hexdigest(),
    )  # fmt: skip


def play_back(roster: Roster, replay: Replay) -> Iterator[Moment]:
    """The match again, moment by moment; the last one shows both fighters as the match left them.

    Raises:
        ReplayError: other rules or another roster, or (at the end) the states were not those of the recording.
    """
    for what, own, given in (
        ("rules version", RULES_VERSION, replay.rules_version),
        ("roster", roster.digest[:16], replay.roster_digest[:16]),
    ):
        if own != given:
            raise ReplayError(f"the replay was recorded with the {what} {given}, this game has {own}")
    try:
        game, observation = _start(roster, replay.characters, replay.seed, replay.input_delay_ticks)
    except ValueError as error:
        raise ReplayError(f"the replay is damaged: {error}") from error
    digest = hashlib.sha256(_state(game))
    for actions in replay.actions:
        yield Moment(game.fighters[:, 0].copy(), _both(observation), actions)
        try:
            observation, _ = game.step(actions[:, None].astype(np.int32))
        except ValueError as error:
            raise ReplayError(f"the replay is damaged: {error}") from error
        digest.update(_state(game))
    if digest.hexdigest() != replay.digest:
        raise ReplayError(
            f"the replay is damaged: its states have the digest {digest.hexdigest()[:16]}, recorded was "
            f"{replay.digest[:16]}"
        )
    yield Moment(game.last_fighters[:, 0].copy(), _both(observation), np.zeros((2, 2), np.int8))


def save(replay: Replay, file: Path) -> None:
    """Write a replay: a few kilobytes, whole or not there, without pickle. Raises FileError."""
    files.write_bytes(file, to_bytes(replay))


def to_bytes(replay: Replay) -> bytes:
    """The content of a replay's file."""
    about = {name: value for name, value in vars(replay).items() if name != "actions"}
    return files.arrays_to_bytes({"actions": replay.actions}, about, compress=True)


def load(file: Path) -> Replay:
    """Read a replay. Raises ReplayError."""
    arrays, about = files.read_arrays(file, ReplayError, _LIMIT_BYTES)
    try:
        characters, players = (tuple(map(str, about.pop(name))) for name in ("characters", "players"))
        actions = arrays["actions"]
        replay = Replay(characters=characters, players=players, actions=actions, **about)  # type: ignore[arg-type]
    except (KeyError, TypeError) as error:
        raise ReplayError(f"{file} is not a replay: {error}") from error
    if actions.dtype != np.int8 or actions.ndim != 3 or actions.shape[1:] != (2, 2):
        raise ReplayError(f"{file} is not a replay: actions are {actions.dtype} {actions.shape}, not int8 (T, 2, 2)")
    kinds = [type(value) for name, value in vars(replay).items() if name not in ("characters", "players", "actions")]
    if len(characters) != 2 or len(players) != 2 or kinds != [int, int, int, str, str]:
        raise ReplayError(f"{file} is not a replay: a field is missing or of another type")
    return replay


def _start(
    roster: Roster, characters: tuple[str, str], seed: int, input_delay_ticks: int
) -> tuple[DuelGame, Observation]:
    game = DuelGame(roster, 1, seed, input_delay_ticks=input_delay_ticks)
    return game, game.reset(np.array([[roster.index(i)] for i in characters]))


def _state(game: DuelGame) -> bytes:
    return b"".join(array.tobytes() for array in game.state().values())


def _both(observation: Observation) -> Observation:
    return Observation(*(x[:, 0].copy() for x in observation))
