"""Mutual information between two policies, measured on equal states, beside what chance alone would show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from camtf.learn.information import mutual_information


@dataclass(frozen=True)
class Information:
    """What two policies' actions say of each other, in nats, summed over the heads.

    Attributes:
        value: I of the pairs as they were met.
        null: mean of I over shufflings of who was met where: what states without any connection show.
        null_low, null_high: 95% of the shufflings lie between.
    """

    value: float
    null: float
    null_low: float
    null_high: float


def information_between(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray], rng: np.random.Generator, shuffles: int = 200
) -> Information:
    """Mutual information of two players over joint states, ``I = KL(mean_s pi_x (x) pi_y || P_x (x) P_y)``.

    Probabilities, and not sampled actions: the average over what each would do in a state is exact.

    Args:
        first, second: probabilities of each head's actions, ``[n, actions]``, of either player in the same n states,
            each at what it sees itself there; as many heads on both sides. To compare policies, give each pair of them
            the same states.
        rng: of the shufflings.
        shuffles: each joins the first player's states to the second's at random. States of one battle are alike, which
            a shuffling takes apart: draw few states from each of many battles, or the interval is too narrow.

    Raises:
        ValueError: the sides do not fit together, or a row is no distribution.
    """
    heads = list(zip(first, second, strict=True))
    counts = {len(x) for head in heads for x in head}
    if len(counts) != 1 or not min(counts) or shuffles < 1:
        raise ValueError(f"all heads must have the same states, at least 1, and shuffles be at least 1, got {counts}")
    for probabilities in (*first, *second):
        if (probabilities < 0).any() or not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-4):
            raise ValueError("each row of probabilities must sum to 1 and have none below 0")
    exact = [(np.asarray(x, np.float64), np.asarray(y, np.float64)) for x, y in heads]
    orders = [rng.permutation(min(counts)) for _ in range(shuffles)]
    null = [sum(mutual_information(x.T @ y[order]) for x, y in exact) for order in orders]
    low, high = np.quantile(null, [0.025, 0.975])
    return Information(
        sum(mutual_information(x.T @ y) for x, y in exact), float(np.mean(null)), float(low), float(high)
    )
