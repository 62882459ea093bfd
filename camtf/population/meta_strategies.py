"""Meta-strategy solvers F: pure functions from the payoffs between strategies to who trains against whom.

Payoffs ``A [n, n]`` are antisymmetric, as `camtf.population.equilibrium` says; from win rates `centred` makes them:
``A = 2 U - 1``. A `Solver` gives one mixture of the strategies; `Rows` hold one for each strategy, row i being whom
strategy i trains against; `lower_triangular` makes rows of a solver. Usable alone: NumPy and SciPy, no TensorFlow.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from scipy.special import log_softmax, logsumexp

from camtf.population.equilibrium import (
    PayoffError,
    antisymmetric,
    centred,
    described,
    effective_diversity,
    exploitability,
    nash,
    relative_population_performance,
)

__all__ = [
    "PayoffError",
    "centred",
    "antisymmetric",
    "Solver",
    "SOLVERS",
    "nash",
    "uniform",
    "self_play",
    "pfsp",
    "alpha_rank",
    "prd",
    "Rows",
    "ROWS",
    "cycle",
    "pfsp_rows",
    "pfsp_row",
    "WEIGHTINGS",
    "RowSolver",
    "ROW_SOLVERS",
    "rectified_nash",
    "lower_triangular",
    "exploitability",
    "relative_population_performance",
    "effective_diversity",
]

Solver = Callable[[np.ndarray], np.ndarray]
"""From payoffs ``[n, n]`` to a mixture ``[n]``."""
Rows = Callable[[np.ndarray], np.ndarray]
"""From payoffs ``[n, n]`` to a mixture for each strategy ``[n, n]``; a row of zeros does not train."""

RowSolver = Callable[[np.ndarray], np.ndarray]
"""From a learner's win rates against n opponents ``[..., n]`` to a mixture of them ``[..., n]``."""

WEIGHTINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda x: 1.0 - x,
    "hard": lambda x: (1.0 - x) ** 2,
    "even": lambda x: x * (1.0 - x),
}
"""Weight of an opponent, of the learner's win rate x against it (see `pfsp_row`)."""


def uniform(payoffs: np.ndarray) -> np.ndarray:
    """All strategies the same: fictitious play (Brown 1951), a meta-strategy in Lanctot et al. 2017."""
    n = len(antisymmetric(payoffs))
    return np.full(n, 1.0 / n)


def self_play(payoffs: np.ndarray) -> np.ndarray:
    """The last strategy alone."""
    return np.eye(len(antisymmetric(payoffs)))[-1]


def cycle(payoffs: np.ndarray) -> np.ndarray:
    """Rows: each strategy against the one before it, the first against the last.

    The "strategic cycle" of Liu et al. 2022 (NeuPL), figure 1, with the strategies numbered the other way round.
    """
    return np.roll(np.eye(len(antisymmetric(payoffs))), -1, axis=1)


def pfsp_row(win_rates: np.ndarray, weighting: str = "linear") -> np.ndarray:
    """Prioritised fictitious self-play: opponents by how they fare against the learner.

        P(opponent j) = f(x_j) / sum_k f(x_k),   x_j = P(the learner beats j)

    with f "linear" ``1 - x``, "hard" ``(1 - x)^2``, "even" ``x (1 - x)``: Vinyals et al. 2019, Methods, "Prioritized
    fictitious self-play" (f_hard with p = 1 and 2, f_var). ``win_rates [..., n]`` gives ``[..., n]``. Where all
    weights are 0, as where nothing beats the learner at all, the row is uniform.
    """
    x = np.asarray(win_rates, np.float64)
    if weighting not in WEIGHTINGS:
        raise PayoffError(f"weighting must be one of {', '.join(WEIGHTINGS)}, got {weighting!r}")
    if x.ndim == 0 or x.shape[-1] == 0 or not ((x >= 0) & (x <= 1)).all():
        raise PayoffError(f"win rates must be rows of numbers in [0, 1], got {described(x)}")
    weights = WEIGHTINGS[weighting](x)
    total = weights.sum(axis=-1, keepdims=True)
    return np.where(total > 0, weights / np.where(total > 0, total, 1.0), 1.0 / x.shape[-1])


def pfsp_rows(payoffs: np.ndarray, weighting: str = "linear") -> np.ndarray:
    """Rows: `pfsp_row` of each strategy against all, itself among them at a win rate of 0.5. Payoffs are 2 U - 1."""
    a = antisymmetric(payoffs)
    if np.abs(a).max() > 1.0:
        raise PayoffError(f"pfsp needs payoffs 2 U - 1, in [-1, 1], got {np.abs(a).max():g}")
    return pfsp_row((1.0 + a) / 2.0, weighting)


def pfsp(payoffs: np.ndarray, weighting: str = "linear") -> np.ndarray:
    """The last row of `pfsp_rows`: the newest strategy is the learner."""
    return pfsp_rows(payoffs, weighting)[-1]


def rectified_nash(payoffs: np.ndarray) -> np.ndarray:
    """Rows: each strategy of the Nash equilibrium p trains against those of them that it beats or ties with.

        row_i  ~  p_j [A_ij >= 0]   where p_i > 0,   else 0      (Balduzzi et al. 2019, algorithm 4, PSRO_rN)

    Strategies outside the equilibrium do not train. Each ties with itself, so no other row is 0.
    """
    a = antisymmetric(payoffs)
    p = nash(a)
    weights = (a >= 0) * p * (p > 0)[:, None]
    total = weights.sum(axis=1, keepdims=True)
    return weights / np.where(total > 0, total, 1.0)


def alpha_rank(payoffs: np.ndarray, alpha: float = 10.0, population: int = 50) -> np.ndarray:
    """alpha-Rank of a symmetric game: how often each strategy has taken a population over, in the long run.

        C_sr = rho_sr / (n - 1)  for s != r,   rho_sr = (1 - e^-u) / (1 - e^-mu),   u = alpha (A_rs - A_sr)

    and rho = 1 / m for u = 0: the probability that a single r replaces m - 1 of s (Omidshafiei et al. 2019, the
    discrete-time "macro-model" of one population); the mixture is the stationary distribution of C. ``alpha >= 0`` is
    the ranking intensity, against the scale of the payoffs; ``population`` is m. A large alpha makes transitions as
    rare as e^-100000: eigenvectors would be noise and probabilities 0, so states are eliminated without a subtraction
    (Grassmann, Taksar and Heyman 1985), in logarithms.
    """
    a = antisymmetric(payoffs)
    if not 0 <= alpha * np.abs(a).max() * population <= 1e12 or population < 2:
        raise PayoffError(
            f"population must be 2 or more, alpha at least 0 and alpha x largest payoff x population at most 1e12, "
            f"got population {population}, alpha {alpha:g}, largest payoff {np.abs(a).max():g}"
        )
    u = 2.0 * alpha * a.T  # [s, r]
    v = np.where(u != 0, np.abs(u), 1.0)
    log_rho = np.log(-np.expm1(-v)) - np.log(-np.expm1(-population * v)) + (population - 1) * np.minimum(u, 0.0)
    return _stationary(np.where(u != 0, log_rho, -np.log(population)))


def prd(payoffs: np.ndarray, gamma: float = 0.01, steps: int = 5_000, step_size: float = 0.02) -> np.ndarray:
    """Projected replicator dynamics from the uniform mixture, averaged over time.

        x <- P(x + dt x (A x - x'A x)),   P the nearest mixture with every x_i >= gamma / n

    (Lanctot et al. 2017, "Meta-strategy solvers"; their K + 1 policies are the n strategies here). ``gamma`` in [0, 1]
    is how much is explored: 0 nothing, 1 uniformly. ``step_size`` dt is in units of 1 / the largest payoff. Without a
    floor the average is an equilibrium but for an error that falls as 1 / (steps dt).
    """
    a = antisymmetric(payoffs)
    if not 0 <= gamma <= 1 or steps < 1 or not 0 < step_size <= 1:
        raise PayoffError(
            f"gamma must be in [0, 1], steps 1 or more, step_size in (0, 1], got {gamma:g}, {steps}, {step_size:g}"
        )
    n = len(a)
    a *= step_size / (np.abs(a).max() or 1.0)
    x = np.full(n, 1.0 / n)
    total = x.copy()
    for _ in range(steps):
        x = _projected(x + x * (a @ x), gamma / n)  # x'A x = 0
        total += x
    return total / total.sum()


def lower_triangular(payoffs: np.ndarray, solver: Solver) -> np.ndarray:
    """NeuPL's ``Sigma [n, n]``: row i is the solver's mixture of the strategies before i (Liu et al. 2022, section 2).

    Strategy 0 is the sink, which does not train: its row is 0. With `nash` it is their PSRO-Nash.
    """
    a = antisymmetric(payoffs)
    sigma = np.zeros_like(a)
    for i in range(1, len(a)):
        sigma[i, :i] = solver(a[:i, :i])
    return sigma


SOLVERS: dict[str, Solver] = {
    "nash": nash,
    "uniform": uniform,
    "self_play": self_play,
    "pfsp": pfsp,
    "alpha_rank": alpha_rank,
    "prd": prd,
}
ROWS: dict[str, Rows] = {"cycle": cycle, "pfsp": pfsp_rows, "rectified_nash": rectified_nash}
ROW_SOLVERS: dict[str, RowSolver] = {
    "pfsp": pfsp_row,
    "pfsp_hard": functools.partial(pfsp_row, weighting="hard"),
    "pfsp_even": functools.partial(pfsp_row, weighting="even"),
    "uniform": lambda win_rates: np.full(np.shape(win_rates), 1.0 / np.shape(win_rates)[-1]),
}


def _stationary(log_rates: np.ndarray) -> np.ndarray:
    """The stationary distribution of a chain, from logarithms of its rates ``[from, to]``; the diagonal is ignored."""
    rates = log_rates.copy()
    n = len(rates)
    for k in range(n - 1, 0, -1):  # state k goes; where those before it went there, they now go where it went
        rates[:k, k] -= logsumexp(rates[k, :k])
        np.logaddexp(rates[:k, :k], rates[:k, k, None] + rates[k, :k], out=rates[:k, :k])
    log_p = np.zeros(n)
    for k in range(1, n):
        log_p[k] = logsumexp(log_p[:k] + rates[:k, k])
    return np.exp(log_softmax(log_p))


def _projected(x: np.ndarray, floor: float) -> np.ndarray:
    """The nearest mixture to ``x [n]``, which sums to 1, with no probability below a floor of at most 1 / n.

    Euclidean: ``max(x - shift, floor)`` with the shift that makes the sum 1, found among n by sorting.
    """
    if x.min() >= floor:
        return x
    above = np.sort(x)[::-1] - floor
    shifts = (np.cumsum(above) - (1.0 - len(x) * floor)) / np.arange(1, len(x) + 1)
    return np.maximum(x - shifts[np.flatnonzero(above >= shifts)[-1]], floor)
