"""Returns against a naive sum, and their limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtf.learn.returns import lambda_returns, vtrace


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


def naive_vtrace(
    ratio: np.ndarray,
    reward: np.ndarray,
    value: np.ndarray,
    bootstrap: float,
    done: np.ndarray,
    discount: float,
    lambda_: float,
    rho_clip: float,
    c_clip: float,
) -> np.ndarray:
    """Espeholt et al. 2018, eq. 1 as it is printed: a sum over later steps of products, O(T^3), for one row."""
    length = len(reward)
    following = np.append(value[1:], bootstrap)
    target = np.zeros(length)
    for s in range(length):
        target[s] = value[s]
        for t in range(s, length):
            if any(done[s:t]):
                break
            weight = np.prod([discount * lambda_ * min(c_clip, ratio[i]) for i in range(s, t)])
            future = discount * following[t] * (1 - done[t])
            target[s] += weight * min(rho_clip, ratio[t]) * (reward[t] + future - value[t])
    return target


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    length=st.integers(1, 20),
    discount=st.floats(0, 1),
    lambda_=st.floats(0, 1),
    rho_clip=st.floats(0.1, 3),
    c_clip=st.floats(0.1, 3),
    share_done=st.floats(0, 0.5),
)
def test_vtrace_equals_the_papers_sum(
    seed: int, length: int, discount: float, lambda_: float, rho_clip: float, c_clip: float, share_done: float
) -> None:
    rng = np.random.default_rng(seed)
    log_ratio, reward, value = rng.normal(size=(3, length, 3))
    bootstrap, done = rng.normal(size=3), rng.random((length, 3)) < share_done
    got = vtrace(log_ratio, reward, value, bootstrap, done, discount, lambda_, rho_clip, c_clip)
    for row in range(3):
        expected = naive_vtrace(
            np.exp(log_ratio[:, row]), reward[:, row], value[:, row], bootstrap[row], done[:, row],
            discount, lambda_, rho_clip, c_clip,
        )  # fmt: skip
        np.testing.assert_allclose(got.target[:, row], expected, rtol=1e-4, atol=1e-4)
        after = lambda_ * np.append(expected[1:], bootstrap[row])
        after += (1 - lambda_) * np.append(value[1:, row], bootstrap[row])
        np.testing.assert_allclose(
            got.advantage_target[:, row], reward[:, row] + discount * after * (1 - done[:, row]), rtol=1e-4, atol=1e-4
        )
    np.testing.assert_allclose(got.rho, np.minimum(rho_clip, np.exp(log_ratio)), rtol=1e-6)


def test_vtrace_of_the_policys_own_data_is_the_lambda_return(rng: np.random.Generator) -> None:
    reward, value = rng.normal(size=(2, 20, 4))
    bootstrap, done = rng.normal(size=4), rng.random((20, 4)) < 0.1
    own = vtrace(np.zeros_like(reward), reward, value, bootstrap, done, 0.9, 0.8, 1.0, 1.0)
    for got in (own.target, own.advantage_target):
        np.testing.assert_allclose(got, lambda_returns(reward, value, bootstrap, done, 0.9, 0.8), rtol=1e-5, atol=1e-6)
    assert (own.rho == 1.0).all()


def test_vtrace_ignores_what_the_target_policy_would_never_do() -> None:
    """An action that the target policy does not take teaches nothing: the value stays."""
    target = vtrace(
        np.full((1, 1), -50.0), np.full((1, 1), 7.0), np.full((1, 1), 2.0), np.zeros(1), np.ones((1, 1), bool),
        0.9, 1.0, 1.0, 1.0,
    ).target  # fmt: skip
    assert target[0, 0] == pytest.approx(2.0)
