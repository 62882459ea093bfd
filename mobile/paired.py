"""Battles between two policies that are nearly the same: what one costs the other, apart from luck.

Every battle is played twice. The second time the policies have exchanged sides and each has the random numbers that the
other had before, so that luck which has helped one helps the other as much: two policies that are the same win exactly
half, and of two that differ a little most luck cancels out. A battle's two outcomes belong together; the interval is
that of the mean of independent differences.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import t

from camtf.evaluation.battles import Side, play
from camtf.games.protocol import Game


class Paired(NamedTuple):
    """Sums over battles that were played twice.

    A difference is the first policy's outcome of the one (1 won, 0.5 drawn, 0 lost) less the second policy's of the
    other: 0 where it did not matter who was who.
    """

    pairs: int
    difference: float
    squares: float

    def rate(self) -> dict[str, Any]:
        """The first policy's ``win_rate``, ``low`` and ``high`` of its 95% interval, ``games`` (two a pair),
        ``detectable`` and the sums.

        The interval is Wald's for matched pairs with half a pair added to each of the four outcomes (Agresti and Min
        2005), so that it is never empty, and with Student's quantiles. ``detectable`` is the loss of win rate that so
        many battles would find significant with a probability of 80%.
        """
        pairs, squares = self.pairs + 2, self.squares + 1
        middle = self.difference / pairs
        error = math.sqrt((squares / pairs - middle**2) / pairs) / 2
        half = _quantile(0.975, self.pairs) * error
        return {
            "win_rate": 0.5 + self.difference / self.pairs / 2,
            "low": max(0.0, 0.5 + middle / 2 - half),
            "high": min(1.0, 0.5 + middle / 2 + half),
            "games": 2 * self.pairs,
            "detectable": half + _quantile(0.8, self.pairs) * error,
            **self._asdict(),
        }


def add(several: Iterable[Paired]) -> Paired:
    """Of several policies together, whose battles are independent."""
    return Paired(*(sum(sums) for sums in zip(*several, strict=True)))


def play_paired(game: Game, first: Side, second: Side, pairs: np.ndarray, battles: int, seed: int) -> list[Paired]:
    """Sums for each pair of members, of so many battles, one more where that is odd.

    Args:
        pairs: int ``[pairs, 2]``, member of the first side and of the second.
        battles: per pair of members, at least 1.
        seed: of the battles. The same seed gives the same luck.
    """
    each = -(-battles // 2)
    listed = np.repeat(pairs, each, axis=0)
    once, again = (
        play(game, *sides, order, 1, seed)
        for sides, order in (((first, second), listed), ((second, first), listed[:, ::-1]))
    )
    differences = (once - again).reshape(len(pairs), each)
    return [Paired(each, float(d.sum()), float(np.square(d).sum())) for d in differences]


def play_beside(
    game: Game, first: Side, second: Side, opponents: Side, pairs: np.ndarray, battles: int, seed: int
) -> Paired:
    """Sums where characters are roles, so that two policies for one cannot meet: both play the same battles, with the
    same luck, against the same opponents.

    Args:
        pairs: int ``[pairs, 2]``, member of the first and of the second side, and of the opponents.
        battles: in all, at least 1; half of them by each policy.
        seed: of the battles.
    """
    each = -(-battles // (2 * len(pairs)))
    listed = np.repeat(pairs, each, axis=0)
    once, again = (play(game, side, opponents, listed, 1, seed) for side in (first, second))
    difference = once - again
    return Paired(len(listed), float(difference.sum()), float(np.square(difference).sum()))


@functools.cache
def _quantile(probability: float, pairs: int) -> float:
    """Of Student's distribution: with few pairs the normal one makes intervals too narrow."""
    return float(t.ppf(probability, pairs))
