"""Convergence: evaluations worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from camtf.population.convergence import EVALUATIONS, Convergence, all_converged, paired_gain
from camtf.specialist_config import ConvergenceConfig

GAMES = 1_000


class Learner:
    """Wins the first of its battles, more of them with each evaluation."""

    def __init__(self, *wins: int) -> None:
        self.wins = list(wins)

    def play(self) -> np.ndarray:
        won = np.zeros(GAMES)
        won[: self.wins.pop(0)] = 1.0
        return won


def looks(convergence: Convergence, updates: int, every: int = 1) -> list[bool]:
    return [convergence.reached(u) for u in range(0, updates, every)]


def test_three_evaluations_without_a_gain() -> None:
    """Delta is 2 points, of 1,000 battles. A gain of 10 points, then none, none, 5 points, and none three times: the 5
    points begin the count again."""
    learner = Learner(500, 600, 600, 600, 650, 650, 650, 650)
    convergence = Convergence(ConvergenceConfig(gain=0.02, updates=5, games=GAMES), learner.play)
    assert looks(convergence, 36) == [False] * 35 + [True]  # evaluated at 0, 5, ..., 35
    assert not learner.wins
    shown = convergence.shown()
    assert shown["measured_win_rate"] == 0.65 and shown["gain"] == pytest.approx(0.15)


def test_a_gain_that_cannot_be_told_is_none_yet() -> None:
    """Half of the battles come out the other way each time: the mean gain is 0, and its bound is not."""
    turn = [np.tile([0.0, 1.0], 50), np.tile([1.0, 0.0], 50)] * 4
    convergence = Convergence(ConvergenceConfig(gain=0.05, updates=1, games=100), lambda: turn.pop(0))
    assert looks(convergence, 8) == [False] * 8


def test_without_a_delta_nothing_is_played() -> None:
    convergence = Convergence(ConvergenceConfig(), Learner().play)
    assert looks(convergence, 50) == [False] * 50 and convergence.shown() == {}


def test_it_goes_on_from_what_it_was() -> None:
    config = ConvergenceConfig(gain=0.02, updates=2, games=GAMES)
    whole, before = (Convergence(config, Learner(500, 500, 500, 500).play) for _ in range(2))
    assert looks(before, 4) == [False] * 4  # evaluated at 0 and 2
    after = Convergence(config, Learner(500, 500).play)
    after.restore(before.arrays())
    assert [after.reached(u) for u in range(4, 7)] == looks(whole, 7)[4:] == [False, False, True]
    assert after.shown() == whole.shown()


def test_paired_gains_by_hand() -> None:
    """Three battles of four as before: the mean is a quarter; with one more of either result the variance is that of
    (0, 0, 0, 1, 0.5, -0.5)."""
    gain, error = paired_gain(np.array([0.0, 1.0, 0.5, 0.0]), np.array([0.0, 1.0, 0.5, 1.0]))
    assert gain == 0.25
    assert error == pytest.approx(np.std([0, 0, 0, 1, 0.5, -0.5], ddof=1) / np.sqrt(6))
    assert paired_gain(np.ones(4), np.ones(4))[1] > 0.1  # four equal battles are no proof
    assert EVALUATIONS == 3


def test_a_population_converges_by_its_mean() -> None:
    assert all_converged([(0.01, 0.004), (0.0, 0.003)], 0.02)
    assert not all_converged([(0.01, 0.004), (0.05, 0.003)], 0.02)
    assert not all_converged([(0.01, 0.04), (0.0, 0.03)], 0.02)  # nor where it cannot be told
