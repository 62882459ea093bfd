"""Losses: from a policy and a batch to a scalar and its diagnostics.

A loss is called as ``loss(policy, observation, batch)`` and names its diagnostics, so that one can be added, or another
loss be given to `camtf.learn.learner.Learner`, without touching either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import tensorflow as tf

from camtf.config import PPOConfig
from camtf.model.policy import MaskedCategorical, Policy, distributions
from camtf.types import Observation

Diagnostics = dict[str, tf.Tensor]
"""Scalars by name."""


class Batch(NamedTuple):
    """What a loss reads beside observations: n samples, or ``[T, L]`` of them."""

    mixture: tf.Tensor  # float32 [..., S]
    action: tf.Tensor  # int32 [..., H]
    log_prob: tf.Tensor  # float32 [...], of the policy at the start of the update
    advantage: tf.Tensor  # float32 [...], normalised
    value: tf.Tensor  # float32 [...], by the critic at the start of the update
    value_target: tf.Tensor  # float32 [...]
    information: tf.Tensor | None = None  # float32 [..., M + K], nats that each own action says of what the other did
    prior: tf.Tensor | None = None  # float32 [..., M + K], log-probabilities of all actions by a frozen policy
    progress: tf.Tensor = 0.0  # float32 [], part of the training that is done; the same for all samples


class Loss(Protocol):
    """What the learner minimises."""

    @property
    def diagnostics(self) -> tuple[str, ...]:
        """Names of what a call returns beside the loss, each a mean over the batch."""

    def __call__(
        self, policy: Policy, observation: Observation, batch: Batch
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The loss of n samples, a scalar mean, and its diagnostics by name. Leaves ``[n, ...]``."""


@dataclass(frozen=True)
class PPOLoss:
    """Proximal policy optimisation (Schulman et al. 2017, eq. 9).

    ``-mean(min(rho A, clip(rho, 1 - epsilon, 1 + epsilon) A)) + c_value 0.5 mean((V - G)^2) - c_entropy H``
    with ``rho = pi(a|s) / pi_old(a|s)`` (eq. 7).

    Attributes:
        entropy_cost: ``c_entropy`` where it changes in training; that of the configuration where None.
    """

    config: PPOConfig
    entropy_cost: tf.Variable | None = None
    diagnostics: ClassVar[tuple[str, ...]] = (
        "policy_loss", "value_loss", "kl", "clip_fraction", "entropy_movement", "entropy_skill",
    )  # fmt: skip

    def __call__(
        self, policy: Policy, observation: Observation, batch: Batch
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """See `Loss`."""
        output = policy(observation, batch.mixture)
        return self.of(output.value, distributions(output, observation.mask), batch)

    def of(
        self, value: tf.Tensor, heads: tuple[MaskedCategorical, MaskedCategorical], batch: Batch
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The loss of what a policy has said of the batch: values ``[n]`` and both heads."""
        c, (movement, skill) = self.config, heads
        log_prob = movement.log_prob(batch.action[:, 0]) + skill.log_prob(batch.action[:, 1])
        log_ratio = log_prob - batch.log_prob
        ratio = tf.exp(log_ratio)
        policy_loss = -tf.reduce_mean(clipped_surrogate(ratio, batch.advantage, c.clip_epsilon))
        value_loss = 0.5 * tf.reduce_mean(value_error(value, batch.value_target, batch.value, c.value_clip))
        entropy_movement, entropy_skill = tf.reduce_mean(movement.entropy()), tf.reduce_mean(skill.entropy())
        entropy_cost = c.entropy_cost if self.entropy_cost is None else self.entropy_cost
        loss = policy_loss + c.value_cost * value_loss - entropy_cost * (entropy_movement + entropy_skill)
        outside = tf.cast(tf.abs(ratio - 1.0) > c.clip_epsilon, tf.float32)
        kl = tf.reduce_mean(ratio - 1.0 - log_ratio)
        found = (policy_loss, value_loss, kl, tf.reduce_mean(outside), entropy_movement, entropy_skill)
        return loss, dict(zip(self.diagnostics, found, strict=True))


def clipped_surrogate(ratio: tf.Tensor, advantage: tf.Tensor, epsilon: float) -> tf.Tensor:
    """``min(rho A, clip(rho, 1 - epsilon, 1 + epsilon) A)`` (Schulman et al. 2017, eq. 7), float32 ``[n]``.

    Args:
        ratio, advantage: float32 ``[n]``.
        epsilon: half-width of the clip range.
    """
    advantage.shape.assert_is_compatible_with(ratio.shape)
    clipped = tf.clip_by_value(ratio, 1.0 - epsilon, 1.0 + epsilon)
    return tf.minimum(ratio * advantage, clipped * advantage)


def value_error(value: tf.Tensor, target: tf.Tensor, old_value: tf.Tensor, value_clip: float) -> tf.Tensor:
    """Squared error of the critic, float32 ``[n]``; with a clip the larger of this and the error of a value that moved
    no further than ``value_clip`` from the old one (the paper's reference implementation).

    Args:
        value, target, old_value: float32 ``[n]``.
        value_clip: half-width of the range of values, in units of scaled reward; 0 for none.
    """
    for other in (target, old_value):
        other.shape.assert_is_compatible_with(value.shape)
    error = tf.square(value - target)
    if value_clip:
        near = old_value + tf.clip_by_value(value - old_value, -value_clip, value_clip)
        error = tf.maximum(error, tf.square(near - target))
    return error
