"""What players do: shares and timing of actions, counted events, and how differently the characters of a kind act."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit

from camtf.evaluation.battles import Turn
from camtf.evaluation.fights import Lot, Played
from camtf.evaluation.findings import Behaviour, Diversity
from camtf.evaluation.statistics import distances
from camtf.games.protocol import Counting, Game
from camtf.types import GameSpec

TIME_BINS = 12
GROUPS = 10
"""Groups of battles that diversity's standard error comes from, each left out once."""


def event_names(game: Game) -> tuple[str, ...]:
    """What the game counts, ``[E]``; empty where it counts nothing."""
    batch = game.make(0, np.arange(1))
    return tuple(batch.counted) if isinstance(batch, Counting) else ()


def bin_decisions(game: Game) -> int:
    """Decisions of a bin of time: the longest battle fills all bins. 1 where the game does not say how long it is."""
    batch = game.make(0, np.arange(1))
    return -(-batch.longest // TIME_BINS) if isinstance(batch, Counting) else 1


def counting(game: Game, pairs: np.ndarray) -> Callable[[Lot], Counter]:
    """Makes the counter of a lot: of the first side of these pairs, by its member."""
    events, decisions, members = len(event_names(game)), bin_decisions(game), int(pairs[:, 0].max()) + 1

    def make(lot: Lot) -> Counter:
        return Counter(game.spec, lot, pairs[lot.cell, 0], members, events, decisions)

    return make


class Counter:
    """Counts what the first side's members do in a lot. Implements `camtf.evaluation.fights.Tally`.

    Args:
        member: of the first side in each battle, int ``[n]``.
        members: N.
        events: E.
        decisions: of a bin of time.
    """

    def __init__(self, spec: GameSpec, lot: Lot, member: np.ndarray, members: int, events: int, decisions: int) -> None:
        n, k = len(member), spec.skills
        self._member, self._player, self._bin_decisions = member, lot.player, decisions
        self._group = (lot.first + np.arange(n)) % GROUPS
        self._skill = np.zeros((n, k), np.int64)  # by battle
        self._length = np.zeros(n, np.int64)
        self._events, self._possible = np.zeros((2, n, events), np.int64)
        self._movement = np.zeros((members, spec.movements), np.int64)
        self._legal = np.zeros((members, k), np.int64)
        self._timing = np.zeros((members, k, TIME_BINS), np.int64)
        self._time = np.zeros((members, TIME_BINS), np.int64)

    def add(self, turn: Turn, battle: np.ndarray) -> None:
        """See `camtf.evaluation.fights.Tally`."""
        if turn.possible is not None:
            rows = np.flatnonzero(turn.counts)
            self._possible[battle[rows]] += turn.possible[self._player[battle[rows]], rows]
        _count(
            turn.counts, battle, self._member, self._player, turn.actions, turn.observation.mask, self._length,
            self._skill, self._movement, self._legal, self._timing, self._time, self._bin_decisions,
        )  # fmt: skip
        if isinstance(turn.game, Counting) and turn.done.any():
            ended = np.flatnonzero(turn.done)
            self._events[battle[ended]] = turn.game.last_counts()[self._player[battle[ended]], ended]

    def rows(self) -> dict[str, np.ndarray]:
        """See `camtf.evaluation.fights.Tally`."""
        return {}

    def sums(self) -> dict[str, np.ndarray]:
        """See `camtf.evaluation.fights.Tally`: sums over battles, and of squares and products, by member."""
        members = len(self._movement)
        length = self._length[:, None]

        def by_member(rows: np.ndarray) -> np.ndarray:
            total = np.zeros((members, *rows.shape[1:]), np.int64)
            np.add.at(total, self._member, rows)
            return total

        grouped = np.zeros((GROUPS, members, self._skill.shape[1]), np.int64)
        np.add.at(grouped, (self._group, self._member), self._skill)
        return {
            "battles": by_member(self._played()),
            "skill_groups": grouped,
            "skill_squares": by_member(self._skill**2),
            "skill_lengths": by_member(self._skill * length),
            "lengths": by_member(length),
            "length_squares": by_member(length**2),
            "events": by_member(self._events),
            "event_squares": by_member(self._events**2),
            "possible": by_member(self._possible),
            "movement": self._movement,
            "legal": self._legal,
            "timing": self._timing,
            "time": self._time,
        }

    def _played(self) -> np.ndarray:
        """1 for the battles that this rank has played, ``[n, 1]``."""
        return (self._length > 0).astype(np.int64)[:, None]


@njit(cache=True)
def _count(
    counts: np.ndarray, battle: np.ndarray, member: np.ndarray, player: np.ndarray, actions: np.ndarray,
    mask: np.ndarray, length: np.ndarray, skill: np.ndarray, movement: np.ndarray, legal: np.ndarray,
    timing: np.ndarray, time: np.ndarray, bin_decisions: int,
) -> None:  # fmt: skip
    """One decision of the matches that go on."""
    first = movement.shape[1]
    for b in range(len(counts)):
        if counts[b]:
            row = battle[b]
            own, p = member[row], player[row]
            chosen = actions[p, b, 1]
            when = min(length[row] // bin_decisions, time.shape[1] - 1)
            movement[own, actions[p, b, 0]] += 1
            skill[row, chosen] += 1
            timing[own, chosen, when] += 1
            time[own, when] += 1
            for i in range(legal.shape[1]):
                if mask[p, b, first + i] > 0:
                    legal[own, i] += 1
            length[row] += 1


def behaviour(kind: str, opponents: str, game: Game, played: list[Played]) -> Behaviour:
    """What fights with `counting` have found."""
    s = {name: np.sum([one.sums[name] for one in played], axis=0) for name in played[0].sums}
    battles, decisions = s["battles"], s["lengths"]
    skill_counts = s["skill_groups"].sum(axis=0)
    skill = skill_counts / decisions
    # Of a ratio of sums over battles: sum of squares of what is left of each battle when its expected share is taken.
    left = s["skill_squares"] - 2 * skill * s["skill_lengths"] + skill**2 * s["length_squares"]
    noise = (left / decisions**2 * battles / np.maximum(battles - 1, 1)).sum(axis=1)
    mean = s["events"] / battles
    spread = np.maximum(s["event_squares"] / battles - mean**2, 0.0)
    counted = bool(event_names(game))
    with np.errstate(invalid="ignore"):
        timing = s["timing"] / s["time"][:, None]
    return Behaviour(
        kind=kind,
        opponents=opponents,
        battles=int(battles.min()),
        decisions=decisions[:, 0],
        movement=s["movement"] / decisions,
        skill=skill,
        skill_groups=s["skill_groups"],
        skill_noise=noise,
        legal=s["legal"] / decisions,
        timing=timing,
        bin_decisions=bin_decisions(game),
        events=mean,
        event_errors=np.sqrt(spread / np.maximum(battles - 1, 1)),
        opportunities=s["possible"] / battles if counted else np.zeros_like(mean),
    )


def diversity(found: Behaviour) -> Diversity:
    """Distances between the characters' shares of skills, with the noise of sampling taken off."""
    between, raw = _distances(found.skill, found.skill_noise)
    groups = found.skill_groups
    left_out = [_without(groups, g, found.skill_noise) for g in range(len(groups)) if groups[g].any()]
    count = len(left_out)
    error = float(np.sqrt((count - 1) / count * np.square(np.array(left_out) - np.mean(left_out)).sum()))
    return Diversity(found.kind, found.opponents, between, _mean(between), error, _mean(raw))


def _without(groups: np.ndarray, group: int, noise: np.ndarray) -> float:
    """Mean distance without a group of battles."""
    counts = np.delete(groups, group, axis=0).sum(axis=0)
    skill = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return _mean(_distances(skill, noise * len(groups) / (len(groups) - 1))[0])


def _distances(rows: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of the differences of rows ``[N, K]``, ``[N, N]``: without noise ``[N]``, and with it."""
    without, raw = np.zeros((2, len(rows), len(rows)))
    pairs = np.triu_indices(len(rows), 1)
    for matrix, off in ((without, noise), (raw, np.zeros(len(rows)))):
        matrix[pairs] = distances(rows, off)
        matrix += matrix.T
    return without, raw


def _mean(between: np.ndarray) -> float:
    """Over all pairs; 0 where there is one character alone."""
    pairs = between[np.triu_indices(len(between), 1)]
    return float(pairs.mean()) if len(pairs) else 0.0
