"""The PPO loss, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from camtf.config import PPOConfig
from camtf.learn.losses import Batch, PPOLoss, clipped_surrogate, value_error
from camtf.model.policy import PolicyOutput
from camtf.types import Observation


def surrogate(ratio: list[float], advantage: list[float]) -> np.ndarray:
    return clipped_surrogate(tf.constant(ratio), tf.constant(advantage), 0.2).numpy()


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
def test_the_surrogate_by_hand(ratio: float, advantage: float, expected: float) -> None:
    np.testing.assert_allclose(-surrogate([ratio], [advantage]), [expected], rtol=1e-5)


def test_a_clipped_sample_has_no_gradient() -> None:
    log_ratio = tf.Variable([np.log(1.5), np.log(1.1)], dtype=tf.float32)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(clipped_surrogate(tf.exp(log_ratio), tf.ones(2), 0.2))
    gradient = tape.gradient(loss, log_ratio).numpy()
    assert gradient[0] == 0.0 and gradient[1] == pytest.approx(-1.1 / 2, rel=1e-5)


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="incompatible"):
        clipped_surrogate(tf.zeros(2), tf.zeros(3), 0.2)
    with pytest.raises(ValueError, match="incompatible"):
        value_error(tf.zeros(2), tf.zeros(3), tf.zeros(2), 0.0)


def test_value_clip_takes_the_worse_error() -> None:
    """Old value 1, target 3, clip 0.5: a value of 2.5 may count only as 1.5; one of 4 is worse than the clipped."""

    def error(value: float, clip: float = 0.5) -> float:
        return float(value_error(tf.constant([value]), tf.constant([3.0]), tf.ones(1), clip)[0])

    assert error(2.5) == pytest.approx(1.5**2)
    assert error(1.2) == pytest.approx(1.8**2)
    assert error(-1.0) == pytest.approx(4.0**2)
    assert error(2.5, clip=0.0) == pytest.approx(0.5**2)


def test_the_whole_loss_by_hand() -> None:
    """A policy whose logits and value are numbers: two movements, three skills of which one is masked."""
    logits, value = np.array([[0.0, np.log(3.0)], [0.0, 0.0]]), np.array([1.0, -1.0])
    skills = np.array([[0.0, np.log(4.0), 9.0], [0.0, 0.0, 9.0]])  # the last one is not legal

    def policy(observation: Observation, mixture: tf.Tensor) -> PolicyOutput:
        return PolicyOutput(*(tf.constant(x, tf.float32) for x in (logits, skills, value)))

    mask = tf.constant([[1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]] * 2)
    nothing = tf.zeros((2, 0))
    batch = Batch(
        mixture=nothing,
        action=tf.constant([[1, 1], [0, 0]]),
        log_prob=tf.math.log(tf.constant([0.6 / 1.1, 0.25 / 0.5])),  # ratios 1.1 and 0.5
        advantage=tf.constant([2.0, -2.0]),
        value=tf.zeros(2),
        value_target=tf.constant([3.0, 0.0]),
    )
    config = PPOConfig(clip_epsilon=0.2, value_cost=0.5, entropy_cost=0.1)
    loss, found = PPOLoss(config)(policy, Observation(nothing, nothing, nothing, mask), batch)  # type: ignore[arg-type]
    assert tuple(found) == PPOLoss.diagnostics
    ratios = np.array([1.1, 0.5])
    expected = {
        "policy_loss": (-1.1 * 2.0 + 0.8 * 2.0) / 2,
        "value_loss": 0.5 * (4.0 + 1.0) / 2,
        "kl": np.mean(ratios - 1 - np.log(ratios)),
        "clip_fraction": 0.5,
        "entropy_movement": (-0.75 * np.log(0.75) - 0.25 * np.log(0.25) + np.log(2)) / 2,
        "entropy_skill": (-0.8 * np.log(0.8) - 0.2 * np.log(0.2) + np.log(2)) / 2,
    }
    for name, number in expected.items():
        assert float(found[name]) == pytest.approx(number, rel=1e-4), name
    entropy = expected["entropy_movement"] + expected["entropy_skill"]
    assert float(loss) == pytest.approx(
        expected["policy_loss"] + 0.5 * expected["value_loss"] - 0.1 * entropy, rel=1e-4
    )
