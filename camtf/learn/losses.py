"""The PPO loss (Schulman et al. 2017). Takes ratios, advantages and values, never a network."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class PPOLoss(NamedTuple):
    """Parts of the loss and its diagnostics, each a scalar mean over the minibatch."""

    policy: tf.Tensor
    value: tf.Tensor
    kl: tf.Tensor  # estimate of KL(old || new): mean of (ratio - 1) - log ratio, never negative
    clip_fraction: tf.Tensor  # share of ratios outside the clip range


def ppo_loss(
    log_prob: tf.Tensor,
    old_log_prob: tf.Tensor,
    advantage: tf.Tensor,
    value: tf.Tensor,
    value_target: tf.Tensor,
    clip_epsilon: float,
    old_value: tf.Tensor | None = None,
    value_clip: float = 0.0,
) -> PPOLoss:
    """Clipped surrogate and squared value error.

    ``policy = -mean(min(rho A, clip(rho, 1 - epsilon, 1 + epsilon) A))`` with ``rho = exp(log_prob - old_log_prob)``
    (eq. 7); ``value = 0.5 mean((V - G)^2)``, or with a value clip the larger of this and the error of a value that
    moved no further than ``value_clip`` from the old one.

    Args:
        log_prob, old_log_prob, advantage, value, value_target: float32 ``[n]``.
        clip_epsilon: half-width of the range that the ratio is clipped to.
        old_value: float32 ``[n]``; needed where there is a value clip.
        value_clip: half-width of the range of values, in units of scaled reward; 0 for none.
    """
    for tensor in (old_log_prob, advantage, value, value_target):
        tensor.shape.assert_is_compatible_with(log_prob.shape)
    log_ratio = log_prob - old_log_prob
    ratio = tf.exp(log_ratio)
    clipped = tf.clip_by_value(ratio, 1.0 - clip_epsilon, 1.0 + clip_epsilon)
    error = tf.square(value - value_target)
    if value_clip:
        assert old_value is not None
        near = old_value + tf.clip_by_value(value - old_value, -value_clip, value_clip)
        error = tf.maximum(error, tf.square(near - value_target))
    return PPOLoss(
        policy=-tf.reduce_mean(tf.minimum(ratio * advantage, clipped * advantage)),
        value=0.5 * tf.reduce_mean(error),
        kl=tf.reduce_mean(ratio - 1.0 - log_ratio),
        clip_fraction=tf.reduce_mean(tf.cast(tf.abs(ratio - 1.0) > clip_epsilon, tf.float32)),
    )
