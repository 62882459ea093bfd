"""What finished strategies win from each other, and what the population is worth, by examples worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from camtf.config import override, preset
from camtf.games.matrix import MatrixGame
from camtf.population.measuring import NOTHING, Measured, effective_population, since_each, win_rates, with_newest
from camtf.population.pool import UNIFORM
from camtf.population.strategies import Strategies
from tests.conftest import begun

ROCK_PAPER_SCISSORS = np.array([[0.5, 0.0, 1.0], [1.0, 0.5, 0.0], [0.0, 1.0, 0.5]])
GAME = MatrixGame(np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]), copies=2)
CONFIG = override(preset("test"), {"game.characters": (), "generalists.measured_games": 10})


def ladder(strategies: int, rate: float) -> np.ndarray:
    """Each beats all before it by the same rate."""
    newer = np.sign(np.subtract.outer(np.arange(strategies), np.arange(strategies)))
    return 0.5 + (rate - 0.5) * newer


def measured(payoffs: np.ndarray, games: float) -> Measured:
    return Measured(payoffs, np.full(payoffs.shape, games), np.zeros(payoffs.shape))


@pytest.mark.parametrize(
    ("payoffs", "games", "expected"),
    [
        (ladder(4, 0.8), 100, 3),
        (ladder(4, 0.8), 2, 0),  # not surely
        (ladder(4, 0.51), 1e6, 0),  # surely, but not by more than the margin of 0.02
        (ladder(4, 0.5), 100, 0),  # the same strategy again and again
        (ROCK_PAPER_SCISSORS, 100, 2),  # paper beats rock, scissors the mixture of the two before it, which is paper
        (np.array([[0.5]]), 0, 0),
    ],
)
def test_effective_population(payoffs: np.ndarray, games: float, expected: int) -> None:
    assert effective_population(measured(payoffs, games), 0.02) == expected


def test_effective_population_of_nothing() -> None:
    assert effective_population(NOTHING, 0.02) == 0


def test_what_newer_strategies_gain_from_older_ones() -> None:
    """Paper and scissors against rock: paper wins all. Scissors against rock and paper: rock wins all."""
    np.testing.assert_allclose(since_each(ROCK_PAPER_SCISSORS), [1.0, -1.0], atol=1e-9)
    np.testing.assert_allclose(since_each(ladder(3, 0.75)), [0.5, 0.5], atol=1e-9)
    assert since_each(np.array([[0.5]])).shape == (0,)


def test_the_newest_meets_all_before_it(tmp_path: Path) -> None:
    """Two strategies that play uniformly, so that both win half of what is not drawn."""
    context = begun(tmp_path, GAME, CONFIG)
    one = Strategies(("a",), (), np.full((1, 2), UNIFORM))
    two = Strategies(("a", "b"), (), np.full((2, 2), UNIFORM))
    first = with_newest(context, one, NOTHING, np.zeros(0))
    assert first.payoffs.tolist() == [[0.5]] and first.games.tolist() == [[0]] and first.mixtures.tolist() == [[0]]
    both = with_newest(context, two, first, np.ones(1))
    assert both.games.tolist() == [[0, 12], [12, 0]]  # 10 are no whole number for each of 4 pairs of characters
    assert both.mixtures.tolist() == [[0, 0], [1, 0]]
    np.testing.assert_array_equal(both.payoffs + both.payoffs.T, 1.0)
    rates, each = win_rates(context, two, [(1, 0)], 4_000)
    assert each == 4_000 and rates[0] == pytest.approx(0.5, abs=0.03)
    assert (both.payoffs[1, 0] * 24) % 1 == 0  # halves of 12 battles
