"""Returns over a rollout segment."""

from __future__ import annotations

import numpy as np


def lambda_returns(
    reward: np.ndarray,
    value: np.ndarray,
    bootstrap_value: np.ndarray,
    done: np.ndarray,
    discount: float,
    lambda_: float,
) -> np.ndarray:
    """Truncated lambda-returns, the targets of the critic and ``V + GAE``.

    ``G_t = r_t + discount (1 - done_t) ((1 - lambda) V_{t+1} + lambda G_{t+1})``, where ``V_T = G_T`` is the value at
    the cut. A battle that ended (also by the bell, which has a result) is a real end and has no future; the cut of the
    segment is none and bootstraps. ``G_t - V_t`` is the generalised advantage estimate (Schulman et al. 2016,
    eq. 16) truncated to the segment; lambda = 1 gives the n-step return.

    Args:
        reward, value: float ``[T, L]``.
        bootstrap_value: float ``[L]``, value of the state after the last step.
        done: bool ``[T, L]``.

    Returns:
        float32 ``[T, L]``.
    """
    assert reward.shape == value.shape == done.shape and bootstrap_value.shape == reward.shape[1:]
    returns = np.empty(reward.shape, np.float32)
    next_value, future = bootstrap_value, bootstrap_value
    for t in range(len(reward) - 1, -1, -1):
        alive = discount * (1.0 - done[t])
        future = reward[t] + alive * ((1.0 - lambda_) * next_value + lambda_ * future)
        returns[t] = future
        next_value = value[t]
    return returns
