"""What the ranks add up of a segment, and the refusal of what is not finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class NotFiniteError(RuntimeError):
    """An update met infinities or NaN. Names the update and what became so."""


class Moments(NamedTuple):
    """Sums over a segment, scalars in float64, from which means and variances over all ranks follow."""

    samples: float
    reward: float
    advantage: float
    advantage_square: float
    value_target: float
    value_target_square: float
    value_error_square: float


def moments(reward: np.ndarray, advantage: np.ndarray, value_target: np.ndarray, value: np.ndarray) -> Moments:
    """The moments of one rank's segment, from float32 ``[T, L]`` each; the value is the critic's, before the update."""

    def total(x: np.ndarray) -> float:
        return float(np.sum(x, dtype=np.float64))

    def square(x: np.ndarray) -> float:
        with np.errstate(over="ignore"):  # for `check_finite` to find
            return total(np.square(x))

    return Moments(
        samples=advantage.size,
        reward=total(reward),
        advantage=total(advantage),
        advantage_square=square(advantage),
        value_target=total(value_target),
        value_target_square=square(value_target),
        value_error_square=square(value_target - value),
    )


def check_finite(reduced: Mapping[str, float], update: int) -> None:
    """Raises NotFiniteError where one of these is not. They are sums over the ranks: either all ranks raise or none."""
    wrong = [name for name, value in reduced.items() if not np.isfinite(value)]
    if wrong:
        raise NotFiniteError(
            f"update {update}: {', '.join(wrong)} became infinite or NaN; nothing of it is saved, and the same command "
            "goes on from the last checkpoint. The cause is in the game's rewards or observations, or a step size that "
            "is too large"
        )
