"""Battles played twice: equal policies win half, the interval holds what it says, and a difference is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camtf.checkpoint import RunDirectory
from camtf.evaluation.battles import BotSide
from mobile.paired import Paired, add, play_paired
from mobile.positions import Specialists


def test_equal_policies_win_exactly_half(run: RunDirectory) -> None:
    """Luck is the same for both, whatever the seed."""
    s = Specialists(run)
    pairs = np.array([(0, 0), (1, 1)])
    for seed in (3, 4):
        for paired in play_paired(s.game, s.side, s.side, pairs, battles=7, seed=seed):
            assert paired == Paired(4, 0.0, 0.0)  # one battle more, for there are two of each
            rate = paired.rate()
            assert rate["win_rate"] == 0.5 and rate["games"] == 8 and 0 < rate["low"] < 0.5 < rate["high"] < 1
    assert add([Paired(4, 1.0, 2.5), Paired(6, -3.0, 4.0)]) == Paired(10, -2.0, 6.5)


def test_who_is_better_wins_whichever_side_it_stands_on(run: RunDirectory) -> None:
    s = Specialists(run)
    strong, weak = (BotSide(s.game.bots[name], s.side.character) for name in ("rusher", "random_legal"))
    (first,) = play_paired(s.game, strong, weak, np.array([(0, 1)]), battles=40, seed=5)
    (second,) = play_paired(s.game, weak, strong, np.array([(1, 0)]), battles=40, seed=5)
    assert first.rate()["low"] > 0.8 and second == Paired(20, -first.difference, first.squares)


def test_an_interval_worked_by_hand() -> None:
    """100 battles played twice: in 9 the first policy won both, in 3 it lost both, 88 did not depend on who was who."""
    rate = Paired(100, 6.0, 12.0).rate()
    # Agresti and Min: (9.5 - 3.5) / 102, and the root of (13 - 6**2 / 102) / 102**2.
    middle, error = 6 / 102, np.sqrt(13 - 36 / 102) / 102
    assert rate["win_rate"] == 0.53 and rate["games"] == 200
    assert rate["low"] == pytest.approx(0.5 + (middle - 1.983972 * error) / 2)
    assert rate["high"] == pytest.approx(0.5 + (middle + 1.983972 * error) / 2)
    assert rate["detectable"] == pytest.approx((1.983972 + 0.845230) * error / 2)


@pytest.mark.parametrize("pairs", [10, 100, 1000])
@pytest.mark.parametrize("differing", [0.02, 0.3, 0.6])
def test_intervals_hold_the_truth_and_find_what_they_promise(
    pairs: int, differing: float, rng: np.random.Generator
) -> None:
    """Of 4,000 simulated measurements 95% hold the true rate, and a loss as large as they say is found in 80%. (Two
    unlike policies of one strength differ in half of the battles; equal ones in none.)"""

    def measure(lost: float) -> list[dict[str, Any]]:
        chances = [differing * (1 - lost), 1 - differing, differing * lost]
        outcomes = rng.multinomial(pairs, chances, size=4000).tolist()
        return [Paired(pairs, float(w - x), float(w + x)).rate() for w, _, x in outcomes]

    equal = measure(0.5)
    for lost, rates in ((0.5, equal), (0.7, measure(0.7))):
        truth = 0.5 + differing * (1 - 2 * lost) / 2
        assert np.mean([r["low"] <= truth <= r["high"] for r in rates]) > 0.943  # two standard deviations below
    loss = np.mean([r["detectable"] for r in equal])
    if loss < 0.4 * differing:  # so many battles can find one
        assert 0.77 < np.mean([r["high"] < 0.5 for r in measure(0.5 + loss / differing)]) < 0.85
