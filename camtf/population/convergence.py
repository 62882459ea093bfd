"""Has a learner converged? Its gain from one evaluation to the next, over battles that are the same each time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camtf.evaluation.intervals import NORMAL_95
from camtf.specialist_config import ConvergenceConfig

EVALUATIONS = 3
"""Evaluations in a row in which there is surely no gain."""


class Convergence:
    """Converged when the upper bound of the gain since the evaluation before is below delta, `EVALUATIONS` times in a
    row.

    All evaluations have the same battles, with the same chance: a gain is a mean of paired differences.

    Args:
        config: delta, and how often to look.
        play: outcomes of the learner's battles as it is now, float ``[games]``.
    """

    def __init__(self, config: ConvergenceConfig, play: Callable[[], np.ndarray]) -> None:
        self._config, self._play = config, play
        self._first = self._last = np.zeros(0)
        self._below = 0
        self._evaluations = 0

    def reached(self, updates: int) -> bool:
        """Evaluate where it is time, after so many updates; whether the learner has converged."""
        if not self._config.gain or updates < self._evaluations * self._config.updates:
            return False
        now = self._play()
        if self._evaluations:
            gain, error = paired_gain(self._last, now)
            self._below = self._below + 1 if gain + NORMAL_95 * error < self._config.gain else 0
        else:
            self._first = now
        self._last = now
        self._evaluations += 1
        return self._below >= EVALUATIONS

    def shown(self) -> dict[str, float]:
        """The win rate at the last evaluation, and the gain since the first; nothing before there is one."""
        if not self._evaluations:
            return {}
        gain, error = paired_gain(self._first, self._last)
        return {"measured_win_rate": float(self._last.mean()), "gain": gain, "gain_error": error}

    def arrays(self) -> dict[str, np.ndarray]:
        """All there is, for a checkpoint."""
        counts = np.array([self._below, self._evaluations])
        return {"convergence_first": self._first, "convergence_last": self._last, "convergence_counts": counts}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from `arrays`."""
        self._first, self._last = arrays["convergence_first"], arrays["convergence_last"]
        self._below, self._evaluations = map(int, arrays["convergence_counts"])


def paired_gain(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Mean of ``after - before`` over the same battles, float ``[games]`` each, and its standard error. With one battle
    more of either result, so that battles which all came out as before are no proof."""
    difference = np.concatenate([after - before, [0.5, -0.5]])
    return float((after - before).mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))


def all_converged(gains: list[tuple[float, float]], delta: float) -> bool:
    """Whether the mean of several learners' gains, each with its standard error, is surely below delta."""
    mean = np.mean([gain for gain, _ in gains])
    error = np.sqrt(np.sum(np.square([error for _, error in gains]))) / len(gains)
    return bool(mean + NORMAL_95 * error < delta)
