"""Intervals for win rates. Without SciPy: what reads results on a device needs them, too."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np

NORMAL_95 = 1.96
"""Standard errors to either side of a 95% interval, and of a one-sided bound of 97.5%."""


def wilson(wins: float, games: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a rate (Wilson 1927).

    ``wins`` may hold half wins: a draw counts 0.5, which makes the interval a little wider than it need be.
    """
    if not 0 <= wins <= games or games <= 0:
        raise ValueError(f"wins must be in [0, games] and games positive, got {wins} of {games}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = wins / games
    middle = (rate + z**2 / (2 * games)) / (1 + z**2 / games)
    half = z / (1 + z**2 / games) * np.sqrt(rate * (1 - rate) / games + z**2 / (4 * games**2))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def rate_with_interval(wins: float, games: int) -> dict[str, Any]:
    """A win rate as results keep it: ``win_rate``, ``low`` and ``high`` of its 95% interval, ``games``."""
    low, high = wilson(float(wins), games)
    return {"win_rate": float(wins) / games, "low": low, "high": high, "games": games}
