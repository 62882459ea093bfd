"""Meta-strategy solvers on games whose answers are known."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from open_spiel.python.algorithms.projected_replicator_dynamics import projected_replicator_dynamics
from open_spiel.python.egt import alpharank

from camtf.population.meta_strategies import (
    ROWS,
    SOLVERS,
    WEIGHTINGS,
    PayoffError,
    alpha_rank,
    centred,
    cycle,
    lower_triangular,
    nash,
    pfsp,
    pfsp_row,
    pfsp_rows,
    prd,
    rectified_nash,
    self_play,
    uniform,
)

RPS = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
BIASED_RPS = np.array([[0, -25, 50], [25, 0, -5], [-50, 5, 0]])
LADDER = np.sign(np.arange(5)[:, None] - np.arange(5))


def random_game(seed: int, n: int) -> np.ndarray:
    upper = np.triu(np.random.default_rng(seed).uniform(-1, 1, (n, n)), 1)
    return upper - upper.T


def test_it_can_be_used_without_tensorflow() -> None:
    program = "import sys, camtf.population.meta_strategies; print({'tensorflow', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(1, 6).flatmap(lambda n: arrays(np.int64, (n, n), elements=st.integers(-100, 100))))
def test_mixtures_and_rows_are_distributions(upper: np.ndarray) -> None:
    payoffs = (np.triu(upper, 1) - np.triu(upper, 1).T) / 100
    for name, solver in SOLVERS.items():
        mixture = solver(payoffs)
        assert mixture.shape == (len(payoffs),) and (mixture >= 0).all(), name
        assert mixture.sum() == pytest.approx(1), name
    for name, rows in ROWS.items():
        sigma = rows(payoffs)
        assert sigma.shape == payoffs.shape and (sigma >= 0).all(), name
        assert np.isclose(sigma.sum(axis=1), 1).all() or name == "rectified_nash", name


@pytest.mark.parametrize("solver", [*SOLVERS.values(), *ROWS.values(), lambda a: lower_triangular(a, uniform)])
def test_every_solver_refuses_bad_payoffs_and_keeps_good_ones(solver: object) -> None:
    assert callable(solver)
    for bad in (np.zeros((2, 3)), np.zeros((0, 0)), np.ones((2, 2)), np.full((2, 2), np.nan)):
        with pytest.raises(PayoffError):
            solver(bad)
    payoffs = RPS.astype(float)
    solver(payoffs)
    np.testing.assert_array_equal(payoffs, RPS)


def test_solvers_that_look_at_no_payoff() -> None:
    np.testing.assert_array_equal(uniform(LADDER), [0.2] * 5)
    np.testing.assert_array_equal(self_play(RPS), [0, 0, 1])
    np.testing.assert_array_equal(cycle(RPS), [[0, 0, 1], [1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize(
    ("weighting", "expected"), [("linear", [2 / 3, 1 / 3, 0]), ("hard", [0.8, 0.2, 0]), ("even", [0.4, 0.6, 0])]
)
def test_pfsp_weighs_opponents_by_the_learners_win_rate(weighting: str, expected: list[float]) -> None:
    win_rates = np.array([0.2, 0.6, 1.0])
    np.testing.assert_allclose(pfsp_row(win_rates, weighting), expected)
    batch = np.stack([win_rates, np.ones(3), np.full(3, 0.5)]).reshape(3, 1, 3)
    np.testing.assert_allclose(pfsp_row(batch, weighting), np.array([expected, [1 / 3] * 3, [1 / 3] * 3])[:, None])


def test_pfsp_of_a_population() -> None:
    payoffs = centred(np.array([[0.5, 0.1, 0.8], [0.9, 0.5, 0.4], [0.2, 0.6, 0.5]]))
    np.testing.assert_allclose(pfsp_rows(payoffs)[0], np.array([0.5, 0.9, 0.2]) / 1.6)
    np.testing.assert_allclose(pfsp(payoffs), np.array([0.8, 0.4, 0.5]) / 1.7)
    np.testing.assert_allclose(pfsp(payoffs, "even"), np.array([0.16, 0.24, 0.25]) / 0.65)


def test_bad_win_rates_are_refused() -> None:
    with pytest.raises(PayoffError, match=f"weighting must be one of {', '.join(WEIGHTINGS)}, got 'squared'"):
        pfsp_row(np.array([0.5]), "squared")
    for bad in ([0.5, 1.1], [-0.1, 0.5], [np.nan, 0.5], [], 0.5):
        with pytest.raises(PayoffError, match=r"rows of numbers in \[0, 1\], got shape"):
            pfsp_row(np.array(bad))
    with pytest.raises(PayoffError, match=r"2 U - 1, in \[-1, 1\], got 50"):
        pfsp(BIASED_RPS)


def test_rectified_nash_trains_against_what_it_beats_or_ties_with() -> None:
    np.testing.assert_allclose(rectified_nash(RPS), np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]]) / 2, atol=1e-6)
    expected = [[1 / 6, 0, 5 / 6], [1 / 11, 10 / 11, 0], [0, 2 / 3, 1 / 3]]
    np.testing.assert_allclose(rectified_nash(BIASED_RPS), expected, atol=1e-6)
    only_the_last = np.zeros((5, 5))
    only_the_last[-1, -1] = 1.0
    np.testing.assert_array_equal(rectified_nash(LADDER), only_the_last)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 10.0, 1e6])
def test_alpha_rank_of_symmetric_games_is_uniform(alpha: float) -> None:
    np.testing.assert_allclose(alpha_rank(RPS, alpha), 1 / 3, rtol=1e-9)
    np.testing.assert_allclose(alpha_rank(np.zeros((4, 4)), alpha), 1 / 4, rtol=1e-9)


def test_alpha_rank_of_two_strategies() -> None:
    """The chain of two is reversible: pi_1 / pi_0 = rho(u) / rho(-u) = e^((m - 1) u)."""
    worse, better = alpha_rank(np.array([[0, -0.1], [0.1, 0]]), alpha=0.5, population=20)
    assert better / worse == pytest.approx(np.exp(19 * 0.5 * 0.2))


def test_alpha_rank_with_a_large_alpha_finds_what_nothing_leaves() -> None:
    np.testing.assert_allclose(alpha_rank(LADDER, 1e5), [0, 0, 0, 0, 1], atol=1e-12)
    sink_below_rps = np.array([[0, -1, -1, -1], [1, 0, -1, 1], [1, 1, 0, -1], [1, -1, 1, 0]])
    np.testing.assert_allclose(alpha_rank(sink_below_rps, 1e5), [0, 1 / 3, 1 / 3, 1 / 3], atol=1e-9)


@pytest.mark.parametrize("alpha", [0.3, 30.0, 1e4])
def test_alpha_rank_is_the_weight_of_the_trees(alpha: float) -> None:
    """Markov chain tree theorem: pi_r ~ the sum, over trees that lead to r, of the product of their rates."""
    payoffs, m = random_game(3, 4), 10
    u = 2 * alpha * payoffs.T
    with np.errstate(all="ignore"):
        log_rho = np.where(
            u > 0,
            np.log1p(-np.exp(-u)) - np.log1p(-np.exp(-m * u)),
            (m - 1) * u + np.log1p(-np.exp(u)) - np.log1p(-np.exp(m * u)),
        )
    weights = np.full(4, -np.inf)
    for root in range(4):
        others = [s for s in range(4) if s != root]
        for goals in itertools.product(range(4), repeat=3):
            step = {**dict(zip(others, goals)), root: root}
            if all(step[step[step[s]]] == root for s in others):
                weights[root] = np.logaddexp(weights[root], sum(log_rho[s, step[s]] for s in others))
    np.testing.assert_allclose(
        np.log(alpha_rank(payoffs, alpha, m)), weights - np.logaddexp.reduce(weights), atol=1e-8
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_open_spiel_agrees_on_alpha_rank(seed: int) -> None:
    payoffs = random_game(seed, 3 + seed)
    theirs = alpharank.compute([payoffs], m=30, alpha=0.2, use_local_selection_model=True)[2]
    np.testing.assert_allclose(alpha_rank(payoffs, 0.2, 30), theirs, atol=1e-9)


@pytest.mark.parametrize(("alpha", "population"), [(-1.0, 50), (np.inf, 50), (np.nan, 50), (1e11, 50), (1.0, 1)])
def test_bad_settings_of_alpha_rank_are_refused(alpha: float, population: int) -> None:
    with pytest.raises(PayoffError, match=f"got population {population}, alpha"):
        alpha_rank(RPS, alpha, population)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 0.9])
def test_open_spiel_agrees_on_projected_replicator_dynamics(gamma: float) -> None:
    payoffs = random_game(5, 6)
    payoffs /= np.abs(payoffs).max()
    theirs = projected_replicator_dynamics(
        [payoffs, -payoffs], prd_iterations=2_000, prd_dt=0.05, prd_gamma=gamma / 6
    )  # fmt: skip
    np.testing.assert_allclose(prd(payoffs, gamma, 2_000, 0.05), theirs[0], atol=1e-9)


def test_projected_replicator_dynamics_go_from_equilibrium_to_uniform() -> None:
    biased = np.array([[0, -2, 1], [2, 0, -1], [-1, 1, 0]])
    np.testing.assert_allclose(prd(biased, gamma=0.0, steps=20_000), [1 / 4, 1 / 4, 1 / 2], atol=0.01)
    np.testing.assert_allclose(prd(BIASED_RPS, gamma=1.0), 1 / 3)
    np.testing.assert_allclose(prd(LADDER, gamma=0.5, steps=20_000), [0.1] * 4 + [0.6], atol=0.01)
    np.testing.assert_allclose(prd(1e-3 * BIASED_RPS, steps=100), prd(BIASED_RPS, steps=100))


@pytest.mark.parametrize("settings", [{"gamma": 1.1}, {"gamma": -0.1}, {"steps": 0}, {"step_size": 0.0}])
def test_bad_settings_of_projected_replicator_dynamics_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(PayoffError, match=r"gamma must be in \[0, 1\], steps 1 or more, step_size in \(0, 1\], got"):
        prd(RPS, **settings)  # type: ignore[arg-type]


def test_psro_nash_of_a_ladder_is_self_play() -> None:
    np.testing.assert_array_equal(lower_triangular(LADDER, nash), np.eye(5, k=-1))
    np.testing.assert_array_equal(lower_triangular(LADDER, self_play), np.eye(5, k=-1))
    np.testing.assert_array_equal(lower_triangular(np.zeros((1, 1)), nash), [[0]])


def test_psro_nash_of_rock_paper_scissors_with_a_sink() -> None:
    """The sink plays (1 - 2e, e, e); then come paper, scissors, rock. Paper beats the sink by a = 1 - 3e, and so on."""
    e = 0.1
    a = 1 - 3 * e
    mixed = np.array([[1 - 2 * e, e, e], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    expected = [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], np.array([1, a, a, 0]) / (1 + 2 * a)]
    np.testing.assert_allclose(lower_triangular(mixed @ RPS @ mixed.T, nash), expected, atol=1e-6)


def test_a_row_depends_on_nothing_after_it() -> None:
    payoffs = random_game(7, 8)
    sigma = lower_triangular(payoffs, nash)
    np.testing.assert_array_equal(np.triu(sigma), 0)
    np.testing.assert_allclose(lower_triangular(payoffs[:5, :5], nash), sigma[:5, :5])
    np.testing.assert_allclose(sigma[6, :6], nash(payoffs[:6, :6]))
