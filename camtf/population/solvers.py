"""Graph solvers F: pure functions from win rates to a mixture of opponents."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Solver = Callable[[np.ndarray], np.ndarray]
"""From the learner's win rates against n opponents ``[..., n]`` to a mixture of them ``[..., n]`` that sums to 1."""


def exploit(win_rates: np.ndarray) -> np.ndarray:
    """Each opponent by its win probability against the learner: the papers' prioritised matchmaking (M&M 3.3).

    Where nothing wins at all, uniform.
    """
    weights = 1.0 - np.asarray(win_rates, np.float64)
    total = weights.sum(axis=-1, keepdims=True)
    return np.where(total > 0, weights / np.where(total > 0, total, 1.0), uniform(win_rates))


def uniform(win_rates: np.ndarray) -> np.ndarray:
    """All opponents alike: fictitious play."""
    return np.full(np.shape(win_rates), 1.0 / np.shape(win_rates)[-1])


SOLVERS: dict[str, Solver] = {"exploit": exploit, "uniform": uniform}
