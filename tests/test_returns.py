"""Returns against a naive sum, and their limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtf.learn.returns import lambda_returns


def naive_advantage(
    reward: np.ndarray, value: np.ndarray, bootstrap: float, done: np.ndarray, discount: float, lambda_: float
) -> np.ndarray:
    """Schulman et al. 2016, eq. 16: the sum of discounted TD errors, O(T^2), for one row."""
    length = len(reward)
    following = np.append(value[1:], bootstrap)
    delta = reward + discount * following * (1 - done) - value
    advantage = np.zeros(length)
    for t in range(length):
        weight = 1.0
        for k in range(t, length):
            advantage[t] += weight * delta[k]
            if done[k]:
                break
            weight *= discount * lambda_
    return advantage


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    length=st.integers(1, 30),
    discount=st.floats(0, 1),
    lambda_=st.floats(0, 1),
    share_done=st.floats(0, 0.5),
)
def test_equals_the_naive_sum(seed: int, length: int, discount: float, lambda_: float, share_done: float) -> None:
    rng = np.random.default_rng(seed)
    reward, value = rng.normal(size=(2, length, 3))
    bootstrap, done = rng.normal(size=3), rng.random((length, 3)) < share_done
    returns = lambda_returns(reward, value, bootstrap, done, discount, lambda_)
    for row in range(3):
        expected = naive_advantage(reward[:, row], value[:, row], bootstrap[row], done[:, row], discount, lambda_)
        np.testing.assert_allclose(returns[:, row] - value[:, row], expected, rtol=1e-4, atol=1e-5)


def test_worked_by_hand() -> None:
    reward, value = np.array([[1.0], [2.0], [3.0]]), np.array([[10.0], [20.0], [30.0]])
    done = np.array([[False], [True], [False]])
    returns = lambda_returns(reward, value, np.array([40.0]), done, 0.5, 0.5)
    # G2 = 3 + 0.5 * 40; G1 ends: 2; G0 = 1 + 0.5 * (0.5 * 20 + 0.5 * 2)
    assert returns[:, 0].tolist() == pytest.approx([6.5, 2.0, 23.0])


def test_limits() -> None:
    rng = np.random.default_rng(1)
    reward, value = rng.normal(size=(2, 5, 1))
    bootstrap, done = np.array([2.0]), np.zeros((5, 1), bool)
    np.testing.assert_allclose(lambda_returns(reward, value, bootstrap, done, 0.0, 0.7), reward, rtol=1e-6)
    one_step = reward + 0.9 * np.append(value[1:], [[2.0]], axis=0)
    np.testing.assert_allclose(lambda_returns(reward, value, bootstrap, done, 0.9, 0.0), one_step, rtol=1e-6)
    total = reward[::-1].cumsum(axis=0)[::-1] + 2.0
    np.testing.assert_allclose(lambda_returns(reward, value, bootstrap, done, 1.0, 1.0), total, rtol=1e-6)
