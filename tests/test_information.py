"""Mutual information: known tables, its gradient, and what chance alone shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtf.evaluation.information import information_between
from camtf.learn.information import joint_counts, mutual_information, pointwise_information


@pytest.mark.parametrize(
    ("joint", "nats"),
    [
        (np.outer([0.2, 0.8], [0.5, 0.3, 0.2]), 0.0),  # independent
        (np.eye(4), np.log(4)),  # one tells the other
        ([[0.4, 0.1], [0.1, 0.4]], 0.8 * np.log(1.6) + 0.2 * np.log(0.4)),
        ([[40, 10], [10, 40]], 0.8 * np.log(1.6) + 0.2 * np.log(0.4)),  # weights need not sum to 1
    ],
)
def test_known_tables(joint: np.ndarray, nats: float) -> None:
    assert mutual_information(np.array(joint)) == pytest.approx(nats, abs=1e-12)


@pytest.mark.parametrize("wrong", [[[0.5, -0.1]], [[0.0]], [[np.nan]], [0.5, 0.5]])
def test_what_is_no_distribution_is_refused(wrong: list) -> None:
    with pytest.raises(ValueError, match="a joint distribution must be a matrix of numbers"):
        mutual_information(np.array(wrong))


def test_pairs_are_counted() -> None:
    first, second = np.array([[0, 1], [1, 1]]), np.array([[2, 0], [0, 2]])
    np.testing.assert_array_equal(joint_counts(first, second, 2, 3), [[0, 0, 1], [2, 0, 1]])


def test_empty_cells_are_smoothed() -> None:
    """By hand: 4 samples in one row of two columns; the empty row says nothing."""
    table = pointwise_information(np.array([[2.0, 2.0], [0.0, 0.0]]))
    np.testing.assert_allclose(table, 0.0, atol=1e-12)
    table = pointwise_information(np.array([[3.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_allclose(table[0], np.log([4 / 3.25, 1 / 1.75]))
    assert np.isfinite(pointwise_information(np.zeros((2, 2)))).all()


def test_the_table_of_many_samples_is_the_logarithm(rng: np.random.Generator) -> None:
    joint = np.array([[0.3, 0.1], [0.2, 0.4]])
    exact = np.log(joint / (joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)))
    drawn = rng.choice(4, size=400_000, p=joint.ravel())
    counts = joint_counts(drawn // 2, drawn % 2, 2, 2)
    np.testing.assert_allclose(pointwise_information(counts), exact, atol=0.02)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(2, 4), st.integers(2, 4))
@settings(max_examples=30)
def test_the_gradient_needs_the_table_alone(seed: int, states: int, rows: int, columns: int) -> None:
    """Against finite differences of the true I, which depends on the logits through P and its logarithm."""
    chance = np.random.default_rng(seed)
    logits, other = chance.normal(size=(states, rows)), softmax(chance.normal(size=(states, columns)))

    def joint(x: np.ndarray) -> np.ndarray:
        return softmax(x).T @ other / states

    p = joint(logits)
    table = np.log(p / (p.sum(1, keepdims=True) * p.sum(0, keepdims=True)))
    own, told = softmax(logits), other @ table.T  # [states, rows]: what each own action says of the other's
    gradient = own * (told - (own * told).sum(axis=1, keepdims=True)) / states
    for s, a in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[s, a] = 1e-5
        difference = (mutual_information(joint(logits + step)) - mutual_information(joint(logits - step))) / 2e-5
        assert gradient[s, a] == pytest.approx(difference, abs=1e-7)


def test_two_policies_that_follow_the_same_state(rng: np.random.Generator) -> None:
    """Both do what the state says: log 2 nats a head; shuffled, next to nothing. Random ones lie within the null."""
    state = rng.integers(0, 2, 2_000)
    follow, blind = np.eye(2)[state], np.full((2_000, 2), 0.5)
    told = information_between([follow, blind], [follow, follow], rng)
    assert told.value == pytest.approx(mutual_information(follow.T @ follow)) == pytest.approx(np.log(2), abs=1e-3)
    assert told.null_high < 0.01 and told.null_low <= told.null <= told.null_high
    apart = information_between([follow], [np.eye(2)[rng.integers(0, 2, 2_000)]], rng)
    assert apart.null_low <= apart.value <= 1.5 * apart.null_high
    both = information_between([follow, follow], [follow, follow], rng)
    assert both.value == pytest.approx(2 * told.value)


def test_sides_that_do_not_fit_are_refused(rng: np.random.Generator) -> None:
    two = np.full((2, 2), 0.5)
    for first, second, message in (
        ([two], [two[:1]], "the same states"),
        ([two], [2 * two], "must sum to 1"),
        ([two, two], [two], "zip"),
        ([], [], "the same states"),
    ):
        with pytest.raises(ValueError, match=message):
            information_between(first, second, rng)
