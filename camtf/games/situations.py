"""Situations of a game: questions about what a player sees, each with a few named answers.

A game may offer an attribute ``situations``, a mapping from names to `Situation`. They are for people, who want to know
where something happens; nothing is trained by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camtf.types import Observation


@dataclass(frozen=True)
class Situation:
    """One question.

    Attributes:
        answers: for people, at least two.
        answer: from observations, leaves ``[n, ...]``, to the number of the answer of each, int ``[n]``.
    """

    answers: tuple[str, ...]
    answer: Callable[[Observation], np.ndarray]


def between(
    answers: tuple[str, ...], edges: tuple[float, ...], number: Callable[[Observation], np.ndarray]
) -> Situation:
    """Which of the ranges between rising edges a number is in: below the first, ..., at the last or above it.

    Raises ValueError where there is not one answer more than edges.
    """
    if len(answers) != len(edges) + 1:
        raise ValueError(f"{len(edges)} edges need {len(edges) + 1} answers, got {len(answers)}")
    return Situation(answers, lambda observation: np.digitize(number(observation), edges))


def situations_of(game: Any) -> Mapping[str, Situation]:
    """What a game offers; nothing where it does not."""
    return getattr(game, "situations", {})
