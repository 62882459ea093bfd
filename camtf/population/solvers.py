"""Graph solvers F: pure functions from win rates to a mixture of opponents."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camtf.population.meta_strategies import pfsp_row

Solver = Callable[[np.ndarray], np.ndarray]
"""From the learner's win rates against n opponents ``[..., n]`` to a mixture of them ``[..., n]`` that sums to 1."""


def uniform(win_rates: np.ndarray) -> np.ndarray:
    """All opponents equally: fictitious play."""
    return np.full(np.shape(win_rates), 1.0 / np.shape(win_rates)[-1])


SOLVERS: dict[str, Solver] = {"exploit": pfsp_row, "uniform": uniform}
"""``exploit`` is the papers' prioritised matchmaking (M&M 3.3)."""
