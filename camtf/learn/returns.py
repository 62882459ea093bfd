"""Returns over a rollout segment: lambda-returns (GAE, n-step) and V-trace."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class VTrace(NamedTuple):
    """What V-trace gives, float32 ``[T, L]`` each."""

    target: np.ndarray  # v_s, for the critic
    advantage_target: np.ndarray  # q_t, to which the policy's advantage is rho_t (q_t - baseline)
    rho: np.ndarray  # clipped importance weights of the policy gradient


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


def vtrace(
    log_ratio: np.ndarray,
    reward: np.ndarray,
    value: np.ndarray,
    bootstrap_value: np.ndarray,
    done: np.ndarray,
    discount: float,
    lambda_: float,
    rho_clip: float,
    c_clip: float,
) -> VTrace:
    """V-trace: returns of the target policy from data of a behaviour policy (Espeholt et al. 2018, IMPALA, eq. 1).

    ``v_t = V_t + delta_t + discount (1 - done_t) c_t (v_{t+1} - V_{t+1})`` with
    ``delta_t = rho_t (r_t + discount (1 - done_t) V_{t+1} - V_t)``, ``rho_t = min(rho_clip, pi/mu)`` and
    ``c_t = lambda min(c_clip, pi/mu)`` (remarks 1 and 2 of the paper). The policy gradient weighs ``q_t - V_t`` with
    ``rho_t``, where ``q_t = r_t + discount (1 - done_t) ((1 - lambda) V_{t+1} + lambda v_{t+1})``, which for
    lambda = 1 is the paper's. On data of the target policy itself (and clips of at least 1), both ``target`` and
    ``advantage_target`` are `lambda_returns`.

    Args:
        log_ratio: float ``[T, L]``, log-probability by the target policy less that by the behaviour policy.
        reward, value, bootstrap_value, done: as in `lambda_returns`; values are the target network's.
        rho_clip: bounds what the values converge to (1: those of a policy between both).
        c_clip: bounds how far a surprise travels back in time.
    """
    assert log_ratio.shape == reward.shape == value.shape == done.shape and bootstrap_value.shape == reward.shape[1:]
    ratio = np.exp(log_ratio)
    rho, c = np.minimum(rho_clip, ratio), lambda_ * np.minimum(c_clip, ratio)
    target, advantage_target = np.empty(reward.shape, np.float32), np.empty(reward.shape, np.float32)
    next_value, next_target = bootstrap_value, bootstrap_value
    for t in range(len(reward) - 1, -1, -1):
        alive = discount * (1.0 - done[t])
        delta = rho[t] * (reward[t] + alive * next_value - value[t])
        advantage_target[t] = reward[t] + alive * ((1.0 - lambda_) * next_value + lambda_ * next_target)
        next_target = value[t] + delta + alive * c[t] * (next_target - next_value)
        next_value = value[t]
        target[t] = next_target
    return VTrace(target, advantage_target, rho.astype(np.float32))
