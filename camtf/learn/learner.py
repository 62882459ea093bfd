"""The learner: a segment of experience in, one PPO update of the network out, the same on every rank."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from camtf import distributed
from camtf.chance import MINIBATCHES, uniforms
from camtf.config import PPOConfig
from camtf.learn.ppo import ppo_loss
from camtf.learn.returns import lambda_returns
from camtf.model.policy import Policy, distributions
from camtf.types import Observation, Segment


class Batch(NamedTuple):
    """What a gradient step reads, n samples."""

    observation: Observation  # leaves [n, ...]
    mixture: tf.Tensor  # [n, S]
    action: tf.Tensor  # int32 [n, H]
    log_prob: tf.Tensor  # [n]
    advantage: tf.Tensor  # [n], normalised
    value_target: tf.Tensor  # [n]


class Learner:
    """Trains one policy by PPO over all ranks.

    Advantages are normalised over the segments of ALL ranks: divided by their standard deviation after their mean
    was taken off, or, where they are taken against a frozen baseline, divided by their root mean square alone, because
    there a positive mean is what is sought. A minibatch holds the same number of decisions of every match, chosen
    by the match's own chance, so that any number of ranks makes the same minibatches of the same matches.

    Args:
        row_ids: global id of each of the L learner rows (`camtf.learn.rollout.Rollout.row_ids`).
    """

    def __init__(self, policy: Policy, config: PPOConfig, seed: int, row_ids: np.ndarray) -> None:
        self.policy = policy
        self.config = config
        self.updates = 0
        self._seed = seed
        self._row_ids = row_ids
        self._trainable = [v.value for v in policy.network.trainable_variables]
        self.optimizer = keras.optimizers.Adam(config.learning_rate, epsilon=1e-5)
        self.optimizer.build(policy.network.trainable_variables)
        self.train_step = tf.function(self._one_step, reduce_retracing=True)

    @property
    def variables(self) -> list[tf.Variable]:
        """Weights and the optimiser's slots: what makes two learners equal."""
        return [*self.policy.variables, *(v.value for v in self.optimizer.variables)]

    def synchronise(self) -> None:
        """Give all ranks rank 0's weights and optimiser slots."""
        distributed.broadcast(self.variables)

    def update(self, segment: Segment, center_advantages: bool = True) -> dict[str, float]:
        """One PPO update: ``epochs`` passes over the segment. Returns diagnostics, means over ranks.

        Args:
            segment: this rank's experience; every rank calls with a segment of the same shape.
            center_advantages: take the mean off the advantages; false for the comparative advantage.
        """
        c = self.config
        reward = segment.reward * np.float32(c.reward_scale)
        target = lambda_returns(reward, segment.value, segment.bootstrap_value, segment.done, c.discount, c.gae_lambda)
        advantage = target - segment.baseline
        moments = [np.sum(advantage), np.sum(np.square(advantage)), advantage.size,
                   np.sum(np.square(target - segment.value)), np.sum(target), np.sum(np.square(target)),
                   np.sum(segment.reward)]  # fmt: skip
        total = [float(x) for x in distributed.sum_over_ranks([np.float64(m) for m in moments], "advantage_moments")]
        count = total[2]
        mean, square = total[0] / count, total[1] / count
        scale = max(square - mean**2 if center_advantages else square, 0.0) ** 0.5 + 1e-8
        normalised = (advantage - (mean if center_advantages else 0.0)) / scale

        whole = flatten(segment, normalised.astype(np.float32), target)
        sums = np.zeros(6)
        steps = 0
        for epoch in range(c.epochs):
            for rows in self._minibatches(segment, epoch):
                sums += np.array(self.train_step(whole, rows))
                steps += 1
        self.updates += 1
        means = distributed.sum_over_ranks([sums / steps / distributed.size()], "diagnostics")[0]
        target_variance = total[5] / count - (total[4] / count) ** 2
        names = ("policy_loss", "value_loss", "kl", "clip_fraction", "entropy", "gradient_norm")
        return dict(zip(names, means.tolist(), strict=True)) | {
            "advantage_mean": mean,
            "advantage_std": max(square - mean**2, 0.0) ** 0.5,
            "explained_variance": 1.0 - (total[3] / count) / max(target_variance, 1e-12),
            "reward_per_frame": total[6] / count,
        }

    def _minibatches(self, segment: Segment, epoch: int) -> list[tf.Tensor]:
        """Rows of the flattened segment for each minibatch of a pass: T / minibatches decisions of every match."""
        length, rows = segment.reward.shape
        step = self.updates * self.config.epochs + epoch
        order = np.argsort(uniforms(self._seed, MINIBATCHES, step, self._row_ids, (length,)), axis=1, kind="stable")
        flat = order.T * rows + np.arange(rows)
        return [tf.constant(part.ravel(), tf.int32) for part in np.split(flat, self.config.minibatches)]

    def _one_step(self, whole: Batch, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        c = self.config
        batch: Batch = tf.nest.map_structure(lambda x: tf.gather(x, rows), whole)
        with tf.GradientTape() as tape:
            output = self.policy(batch.observation, batch.mixture)
            heads = distributions(output, batch.observation.mask)
            log_prob = tf.add_n([head.log_prob(batch.action[:, i]) for i, head in enumerate(heads)])
            entropy = tf.add_n([tf.reduce_mean(head.entropy()) for head in heads])
            loss = ppo_loss(log_prob, batch.log_prob, batch.advantage, output.value, batch.value_target, c.clip)
            total = loss.policy + c.value * loss.value - c.entropy * entropy
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(total, self._trainable)]
        gradients = distributed.average_gradients(gradients)
        gradients, norm = tf.clip_by_global_norm(gradients, c.gradient_norm)
        self.optimizer.apply(gradients, self.policy.network.trainable_variables)
        return loss.policy, loss.value, loss.kl, loss.clip_fraction, entropy, norm


def flatten(segment: Segment, advantage: np.ndarray, target: np.ndarray) -> Batch:
    """``[T, L, ...]`` arrays as ``[T * L, ...]`` tensors, time-major."""

    def flat(x: np.ndarray) -> tf.Tensor:
        return tf.convert_to_tensor(x.reshape(-1, *x.shape[2:]))

    return Batch(
        observation=Observation(*map(flat, segment.observation)),
        mixture=flat(segment.mixture),
        action=flat(segment.action),
        log_prob=flat(segment.log_prob),
        advantage=flat(advantage),
        value_target=flat(target),
    )
