"""U: counts, decay, intervals, and what a checkpoint keeps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtf.population.payoffs import Nodes, Payoffs
from camtf.types import Outcomes


def test_an_edge_that_was_never_played_is_a_half() -> None:
    payoffs = Payoffs(3)
    assert (payoffs.rates() == 0.5).all() and (payoffs.games() == 0).all()


def test_three_battles_by_hand() -> None:
    """Won, won, drawn, with one drawn battle to begin with: (2.5 + 0.5) / 4."""
    payoffs = Payoffs(2)
    payoffs.count(np.array([0, 1, 0]), np.array([1, 0, 1]), np.array([1.0, 0.0, 0.5]))
    np.testing.assert_allclose(payoffs.rates(), [[0.5, 0.75], [0.25, 0.5]])
    np.testing.assert_allclose(payoffs.games(), [[0, 3], [3, 0]])


def test_old_battles_count_less() -> None:
    payoffs = Payoffs(2, decay=0.5, prior_games=0.0)
    payoffs.count(np.array([0]), np.array([1]), np.array([1.0]))
    payoffs.fade()
    payoffs.count(np.array([0]), np.array([1]), np.array([0.0]))
    assert payoffs.rates()[0, 1] == pytest.approx(1 / 3)
    assert payoffs.games()[0, 1] == pytest.approx(1.5)


def test_a_battle_of_a_node_against_itself_or_of_no_node_says_nothing() -> None:
    payoffs = Payoffs(2)
    payoffs.count(np.array([0, -1, 1]), np.array([0, 1, -1]), np.array([1.0, 1.0, 1.0]))
    assert (payoffs.games() == 0).all()


@settings(deadline=None, derandomize=True, max_examples=30)
@given(st.integers(0, 2**31))
def test_it_is_square_and_what_one_wins_the_other_loses(seed: int) -> None:
    """Over thousands of updates, so that the counts are rescaled, U stays exactly antisymmetric and in [0, 1]."""
    rng = np.random.default_rng(seed)
    payoffs = Payoffs(5, decay=0.9)
    for _ in range(300):
        payoffs.fade()
        first, second = rng.integers(0, 5, (2, 7))
        payoffs.count(first, second, rng.choice([0.0, 0.5, 1.0], 7))
    u = payoffs.rates()
    assert (u + u.T == 1.0).all() and (u >= 0).all() and (u <= 1).all()
    np.testing.assert_array_equal(payoffs.rates(np.array([3, 1])), u[[3, 1]])
    assert payoffs.games().sum() / 2 <= 7 / (1 - 0.9) + 1e-3  # what is remembered is bounded


def test_a_checkpoint_holds_it_all() -> None:
    rng = np.random.default_rng(1)
    one, other = Payoffs(6, 0.9), Payoffs(6, 0.9)
    other.count(np.array([0]), np.array([5]), np.array([1.0]))  # forgotten by restore
    for payoffs in (one,):
        for _ in range(20):
            payoffs.fade()
            payoffs.count(*rng.integers(0, 4, (2, 3)), rng.choice([0.0, 1.0], 3))
    other.restore(one.arrays())
    for payoffs in (one, other):
        payoffs.fade()
        payoffs.count(np.array([1]), np.array([2]), np.array([0.5]))
    np.testing.assert_array_equal(one.rates(), other.rates())
    assert len(one.arrays()["payoff_edge"]) <= 12  # edges that were played alone


def test_the_error_against_a_mixture_covers_what_it_should() -> None:
    """Simulated battles: the 97.5% bound is exceeded by the truth in at most about 2.5% of the cases."""
    rng = np.random.default_rng(3)
    truth, mixture, games = np.array([0.5, 0.55, 0.4, 0.7]), np.array([0.0, 0.5, 0.3, 0.2]), np.array([0, 40, 25, 15])
    below = 0
    for _ in range(2000):
        payoffs = Payoffs(4, prior_games=0.0)
        for other in (1, 2, 3):
            payoffs.set_edge(0, other, rng.binomial(games[other], truth[other]), games[other])
        rate, error = payoffs.against(0, mixture)
        below += rate - 1.96 * error > truth @ mixture
    assert 0.01 < below / 2000 < 0.035


def test_nodes_are_numbered_strategy_major() -> None:
    nodes = Nodes(3, (2, 5), by_character=True)
    assert nodes.count == 6
    np.testing.assert_array_equal(nodes.strategy, [0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(nodes.character, [2, 5, 2, 5, 2, 5])
    np.testing.assert_array_equal(nodes.of(np.array([0, 1, 2]), np.array([5, 2, 5])), [1, 2, 5])
    np.testing.assert_array_equal(nodes.as_everyone(1), [2, 3])
    shared = Nodes(3, (2, 5), by_character=False)
    assert shared.count == 3 and (shared.character == -1).all()
    np.testing.assert_array_equal(shared.of(np.array([0, 2]), np.array([5, 2])), [0, 2])


def test_outcomes_are_counted_by_strategy_and_character() -> None:
    nodes = Nodes(2, (2, 5), by_character=True)
    payoffs = Payoffs(nodes.count, prior_games=0.0)
    strategy = np.array([[1, 0], [1, 0], [-1, 0]])
    character = np.array([[5, 2], [2, 5], [2, 5]])
    payoffs.count_outcomes(nodes, Outcomes(strategy, character, np.array([1.0, 0.0, 1.0])))
    u = payoffs.rates()
    assert u[3, 0] == 1.0 and u[0, 3] == 0.0 and u[2, 1] == 0.0
    assert payoffs.games().sum() == 4  # the one of no slot is left out
