"""The Nash equilibrium of maximum entropy and what follows from it, on games whose answers are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyspiel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from open_spiel.python.algorithms.nash_averaging import nash_averaging
from scipy.optimize import linprog
from scipy.special import entr

from camtf.population.equilibrium import (
    PayoffError,
    antisymmetric,
    centred,
    effective_diversity,
    exploitability,
    nash,
    relative_population_performance,
)

RPS = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
BIASED_RPS = np.array([[0, -25, 50], [25, 0, -5], [-50, 5, 0]])
LADDER = np.sign(np.arange(6)[:, None] - np.arange(6))


def skew(upper: np.ndarray) -> np.ndarray:
    """Antisymmetric payoffs from what is above the diagonal."""
    return np.triu(upper, 1) - np.triu(upper, 1).T


@st.composite
def games(draw: st.DrawFn) -> np.ndarray:
    """Payoffs with few values, so with ties and duplicates, or with any."""
    n = draw(st.integers(1, 9))
    few = st.integers(-2, 2).map(float)
    any_value = st.floats(-1, 1).filter(lambda x: x == 0 or abs(x) > 1e-4)
    return skew(draw(arrays(np.float64, (n, n), elements=draw(st.sampled_from([few, any_value])))))


@pytest.mark.parametrize(
    ("payoffs", "expected"),
    [
        (RPS, [1 / 3] * 3),
        (RPS[np.ix_([0, 0, 1, 2], [0, 0, 1, 2])], [1 / 6, 1 / 6, 1 / 3, 1 / 3]),
        (BIASED_RPS, [1 / 16, 10 / 16, 5 / 16]),
        (LADDER, [0, 0, 0, 0, 0, 1]),
        (np.kron(np.eye(2), RPS), [1 / 6] * 6),
        (np.zeros((4, 4)), [1 / 4] * 4),
        ([[0]], [1]),
        ([[0, 0, 1], [0, 0, -1], [-1, 1, 0]], [1 / 2, 1 / 2, 0]),
    ],
    ids=["rps", "rock twice", "biased rps", "ladder", "two rps", "all tie", "one strategy", "a tie at the edge"],
)
def test_known_equilibria(payoffs: np.ndarray, expected: list[float]) -> None:
    np.testing.assert_allclose(nash(payoffs), expected, atol=1e-6)


def test_the_entropy_may_peak_at_the_edge_of_the_equilibria() -> None:
    """Two strategies tie and a third gains 3 from one and loses 1 to the other: (x, 1 - x) with 3x <= 1 - x."""
    payoffs = np.array([[0, 0, -3], [0, 0, 1], [3, -1, 0]])
    np.testing.assert_allclose(nash(payoffs), [1 / 4, 3 / 4, 0], atol=1e-6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(games(), st.floats(1e-3, 1e3), st.randoms(use_true_random=False))
def test_properties_of_the_equilibrium(payoffs: np.ndarray, scale: float, random: np.random.Generator) -> None:
    """A distribution that nothing exploits; units and order do not matter; a duplicate shares with its original."""
    p = nash(payoffs)
    assert (p >= 0).all() and abs(p.sum() - 1) < 1e-12
    assert exploitability(payoffs, p) <= 1e-6
    np.testing.assert_allclose(nash(scale * payoffs), p, atol=1e-5)
    order = np.array(random.sample(range(len(p)), len(p)))
    np.testing.assert_allclose(nash(payoffs[np.ix_(order, order)]), p[order], atol=1e-5)
    twice = [*range(len(p)), 0]
    shared = nash(payoffs[np.ix_(twice, twice)])
    assert shared[0] == pytest.approx(shared[-1], abs=1e-6) and entr(shared).sum() >= entr(p).sum() - 1e-6


@pytest.mark.parametrize("seed", range(12))
def test_no_equilibrium_has_more_entropy(seed: int) -> None:
    """Entropy is concave: p is its maximum over the equilibria where no q of them has ``-q'log p > H(p)``."""
    rng = np.random.default_rng(seed)
    payoffs = skew(rng.integers(-1, 2, (12, 12)) * (rng.random((12, 12)) < 0.4)).astype(float)
    p = nash(payoffs)
    support = p > 0
    kinds = {
        "entropy": (-np.log(np.where(support, p, 1.0)), entr(p).sum() + 1e-5),
        "support": ((~support).astype(float), 1e-5),
    }
    for name, (gain, bound) in kinds.items():
        best = linprog(-gain, payoffs, np.zeros(12), np.ones((1, 12)), [1.0])
        assert best.status == 0 and -best.fun <= bound, name


def heavy_tailed(rng: np.random.Generator, n: int) -> np.ndarray:
    """Payoffs over six orders of magnitude."""
    return skew(rng.choice([-1, 1], (n, n)) * np.exp(3 * rng.normal(size=(n, n))))


def near_duplicates(rng: np.random.Generator, n: int) -> np.ndarray:
    """A third as many strategies as it looks, but for a millionth."""
    kinds = rng.integers(0, n // 3, n)
    return skew(rng.uniform(-1, 1, (n, n)))[np.ix_(kinds, kinds)] + 1e-6 * skew(rng.normal(size=(n, n)))


def noisy_ladder(rng: np.random.Generator, n: int) -> np.ndarray:
    """Elo and a little that is not transitive."""
    skill = rng.normal(size=n)
    return np.tanh(skill[:, None] - skill) + 0.05 * skew(rng.normal(size=(n, n)))


@pytest.mark.parametrize("kind", [heavy_tailed, near_duplicates, noisy_ladder])
def test_hard_payoffs(kind: Callable[[np.random.Generator, int], np.ndarray]) -> None:
    for seed in [*range(8), 68, 117, 130]:  # the last three are the hardest near-duplicates of 150
        rng = np.random.default_rng(seed)
        payoffs = kind(rng, int(rng.integers(6, 30)))
        payoffs = (payoffs - payoffs.T) / 2
        assert exploitability(payoffs, nash(payoffs)) <= 1e-8 * np.abs(payoffs).max(), seed


def test_open_spiel_agrees() -> None:
    """200 games of 2 to 30 strategies: values to 1e-6; strategies to 1e-4 where there is one equilibrium.

    Half of them have any payoffs, half small integers. (Their solver gives up now and then; not on these.)
    """
    unique = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 31))
        payoffs = skew(rng.integers(-2, 3, (n, n)).astype(float) if seed % 2 else rng.uniform(-1, 1, (n, n)))
        theirs, values = nash_averaging(pyspiel.create_matrix_game(payoffs, -payoffs), eps=0.0)
        p, q = nash(payoffs), theirs[:, 0]
        assert abs((payoffs @ p).max() - values.max()) <= 1e-6, seed
        if only_one(payoffs, p):
            unique += 1
            np.testing.assert_allclose(p, q, atol=1e-4, err_msg=f"seed {seed}")
        else:
            assert entr(p).sum() >= entr(np.maximum(q, 0)).sum() - 1e-4, seed
    assert 120 <= unique < 200  # both kinds were seen


def only_one(payoffs: np.ndarray, p: np.ndarray) -> bool:
    """Whether an equilibrium is the only one: all outside its support lose, and inside nothing else ties with all."""
    support = p > 0
    ranks = np.linalg.matrix_rank(payoffs[np.ix_(support, support)], tol=1e-9)
    return bool((payoffs @ p)[~support].max(initial=-1.0) < -1e-6) and ranks == support.sum() - 1


def test_centred_win_rates() -> None:
    u = np.array([[0.5, 0.25, 1.0], [0.75, 0.5, 0.5], [0.0, 0.5, 0.5]])
    a = centred(u)
    np.testing.assert_array_equal(a, 2 * u - 1)
    np.testing.assert_array_equal(a, -a.T)
    rounded = centred(np.array([[0.5, 0.1], [0.9, 0.5]], np.float32))
    assert rounded.dtype == np.float64 and rounded[0, 1] == -rounded[1, 0] == pytest.approx(-0.8)


def test_exploitability_is_the_best_pure_strategy() -> None:
    assert exploitability(RPS, np.array([1.0, 0.0, 0.0])) == 1.0
    assert exploitability(RPS, np.array([0.5, 0.5, 0.0])) == 0.5
    assert exploitability(RPS, np.full(3, 1 / 3)) == pytest.approx(0)


@pytest.mark.parametrize(
    ("payoffs", "value"),
    [
        ([[1, 2], [3, 4]], 3.0),  # a saddle point
        ([[2, -1], [-1, 1]], 0.2),  # (2 * 1 - 1 * 1) / (2 + 1 + 1 + 1)
        ([[3, -1, -3], [-2, 1, 3]], 1 / 7),  # the third column: (3 * 1 - 2 * 1) / 7 against the first two
        (RPS[:2], -1 / 3),  # rock and paper against all three
        ([[0.0, 0.0]], 0.0),
        (BIASED_RPS, 0.0),
    ],
)
def test_known_relative_population_performance(payoffs: np.ndarray, value: float) -> None:
    payoffs = np.array(payoffs)
    assert relative_population_performance(payoffs) == pytest.approx(value, abs=1e-6)
    assert relative_population_performance(-payoffs.T) == pytest.approx(-value, abs=1e-6)
    assert relative_population_performance(1e4 * payoffs) == pytest.approx(1e4 * value, abs=1e-2)


def test_more_strategies_never_perform_worse() -> None:
    payoffs = np.random.default_rng(1).uniform(-1, 1, (8, 5))
    values = [relative_population_performance(payoffs[:m]) for m in range(1, 9)]
    assert (np.diff(values) >= -1e-9).all() and values[-1] > values[0]


def test_effective_diversity() -> None:
    assert effective_diversity(RPS) == pytest.approx(1 / 3)
    assert effective_diversity(BIASED_RPS) == pytest.approx(750 / 256)  # 1 * 5 * 50 + 10 * 1 * 25 + 5 * 10 * 5
    assert effective_diversity(LADDER) == 0.0


@pytest.mark.parametrize(
    ("payoffs", "message"),
    [
        (np.zeros((2, 3)), r"square matrix and not empty, got shape \(2, 3\)"),
        (np.zeros((0, 0)), r"not empty, got shape \(0, 0\)"),
        (np.zeros(4), r"got shape \(4,\)"),
        (np.zeros((2, 2, 2)), r"got shape \(2, 2, 2\)"),
        (0.0, r"got shape \(\)"),
        ([[0, np.nan], [0, 0]], "must be finite, got nan in row 0, column 1"),
        ([[0, 1], [-np.inf, 0]], "must be finite, got -inf in row 1, column 0"),
        ([[0, 1], [1, 0]], r"A\[j, i\] = -A\[i, j\], got \[0, 1\] = 1 and \[1, 0\] = 1"),
        ([[1, 0], [0, 0]], r"got \[0, 0\] = 1"),
        ([[0, 1], [-1.1, 0]], r"got \[0, 1\] = 1 and \[1, 0\] = -1.1"),
        ([["a", "b"], ["c", "d"]], "matrix of numbers, got <U1"),
        ([[0, 1], [0]], "matrix of numbers"),
        (np.zeros((2, 2), complex), "matrix of numbers, got complex128"),
    ],
)
def test_bad_payoffs_are_refused(payoffs: np.ndarray, message: str) -> None:
    for solver in (antisymmetric, nash, effective_diversity):
        with pytest.raises(PayoffError, match=message):
            solver(payoffs)


def test_other_bad_input_is_refused() -> None:
    with pytest.raises(PayoffError, match=r"win rates must be in \[0, 1\], got -1 to 1"):
        centred(RPS)
    with pytest.raises(PayoffError, match=r"U\[j, i\] = 1 - U\[i, j\], got \[0, 1\] = 0.7 and \[1, 0\] = 0.7"):
        centred(np.array([[0.5, 0.7], [0.7, 0.5]]))
    with pytest.raises(PayoffError, match=r"payoffs must be a matrix and not empty, got shape \(0, 2\)"):
        relative_population_performance(np.zeros((0, 2)))
    for mixture in ([0.5, 0.5], [0.5, 0.6, 0.0], [1.5, -0.5, 0.0], [np.nan, 0.5, 0.5]):
        with pytest.raises(PayoffError, match="a distribution over 3 strategies, got shape"):
            exploitability(RPS, np.array(mixture))
