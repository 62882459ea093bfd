"""Intervals for win rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import norm, t


def wilson(wins: float, games: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a rate (Wilson 1927).

    ``wins`` may hold half wins: a draw counts 0.5, which makes the interval a little wider than it need be.
    """
    if not 0 <= wins <= games or games <= 0:
        raise ValueError(f"wins must be in [0, games] and games positive, got {wins} of {games}")
    z = norm.ppf(0.5 + confidence / 2)
    rate = wins / games
    middle = (rate + z**2 / (2 * games)) / (1 + z**2 / games)
    half = z / (1 + z**2 / games) * np.sqrt(rate * (1 - rate) / games + z**2 / (4 * games**2))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def rate_with_interval(wins: float, games: int) -> dict[str, Any]:
    """A win rate as results keep it: ``win_rate``, ``low`` and ``high`` of its 95% interval, ``games``."""
    low, high = wilson(float(wins), games)
    return {"win_rate": float(wins) / games, "low": low, "high": high, "games": games}


def mean_with_interval(values: Sequence[float], confidence: float = 0.95) -> dict[str, Any]:
    """``mean`` of one value a training seed, ``low`` and ``high`` of Student's interval (None from a single value), and
    the ``values``. With three seeds the interval is 4.3 standard errors to a side: it says how little three are."""
    x = np.asarray(values, np.float64)
    mean, found = float(x.mean()), {"values": x.tolist()}
    if len(x) < 2:
        return {"mean": mean, "low": None, "high": None, **found}
    half = float(t.ppf(0.5 + confidence / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    return {"mean": mean, "low": mean - half, "high": mean + half, **found}
