"""The PPO loss, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from camtf.learn.losses import ppo_loss


def loss(ratio: list[float], advantage: list[float], clip: float = 0.2, value: float = 1.0, target: float = 3.0):  # type: ignore[no-untyped-def]
    old = tf.constant([-1.0] * len(ratio))
    return ppo_loss(
        old + tf.math.log(tf.constant(ratio)),
        old,
        tf.constant(advantage),
        tf.fill((len(ratio),), value),
        tf.fill((len(ratio),), target),
        clip,
    )


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [
        (1.1, 2.0, -2.2),  # inside
        (1.5, 2.0, -2.4),  # clipped at 1.2
        (0.5, 2.0, -1.0),  # a smaller ratio is not clipped where the advantage is positive
        (0.5, -2.0, 1.6),  # clipped at 0.8
        (1.5, -2.0, 3.0),  # nor a larger one where it is negative
    ],
)
def test_policy_loss(ratio: float, advantage: float, expected: float) -> None:
    assert loss([ratio], [advantage]).policy.numpy() == pytest.approx(expected, rel=1e-5)


def test_means_and_diagnostics() -> None:
    result = loss([1.1, 1.5, 0.5, 1.0], [2.0, 2.0, -2.0, 0.0])
    assert result.policy.numpy() == pytest.approx((-2.2 - 2.4 + 1.6 + 0.0) / 4, rel=1e-5)
    assert result.value.numpy() == pytest.approx(0.5 * 4.0)
    assert result.clip_fraction.numpy() == pytest.approx(0.5)
    ratios = np.array([1.1, 1.5, 0.5, 1.0])
    assert result.kl.numpy() == pytest.approx(np.mean(ratios - 1 - np.log(ratios)), rel=1e-4)


def test_a_clipped_sample_has_no_gradient() -> None:
    log_prob = tf.Variable([np.log(1.5), np.log(1.1)], dtype=tf.float32)
    with tf.GradientTape() as tape:
        part = ppo_loss(log_prob, tf.zeros(2), tf.ones(2), tf.zeros(2), tf.zeros(2), 0.2)
    gradient = tape.gradient(part.policy, log_prob).numpy()
    assert gradient[0] == 0.0 and gradient[1] == pytest.approx(-1.1 / 2, rel=1e-5)


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="incompatible"):
        ppo_loss(tf.zeros(2), tf.zeros(3), tf.zeros(2), tf.zeros(2), tf.zeros(2), 0.2)


def test_value_clip_takes_the_worse_error() -> None:
    """Old value 1, target 3, clip 0.5: a value of 2.5 may count only as 1.5; one of 4 is worse than the clipped."""
    zeros = tf.zeros(1)

    def value_loss(value: float) -> float:
        part = ppo_loss(
            zeros, zeros, zeros, tf.constant([value]), tf.constant([3.0]), 0.2, old_value=tf.ones(1), value_clip=0.5
        )
        return float(part.value)

    assert value_loss(2.5) == pytest.approx(0.5 * 1.5**2)
    assert value_loss(1.2) == pytest.approx(0.5 * 1.8**2)
    assert value_loss(-1.0) == pytest.approx(0.5 * 4.0**2)
