"""The learner: a segment of experience in, one PPO update of the network out, the same on every rank."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from camtf import distributed
from camtf.config import PPOConfig
from camtf.learn.losses import ppo_loss
from camtf.learn.moments import Moments, check_finite, moments
from camtf.learn.returns import lambda_returns, vtrace
from camtf.model.policy import Policy, distributions, tensor
from camtf.prng import MINIBATCHES, uniforms
from camtf.types import Observation, Segment

_SAMPLES_AT_ONCE = 1024
"""About how many samples' gradient is computed at a time. Their activations stay in the cache; those of a whole
minibatch do not, and ranks that go to memory for them wait for each other there."""


class Batch(NamedTuple):
    """What a gradient step reads beside observations, ``[T, L]`` or n samples of it."""

    mixture: tf.Tensor  # [..., S]
    action: tf.Tensor  # int32 [..., H]
    log_prob: tf.Tensor
    advantage: tf.Tensor  # normalised
    value: tf.Tensor  # when acting
    value_target: tf.Tensor


_MEANS = ("policy_loss", "value_loss", "kl", "clip_fraction", "entropy_movement", "entropy_skill")
DIAGNOSTICS = (*_MEANS, "gradient_seconds", "allreduce_seconds", "gradient_norm")
"""What a gradient step returns: means over its minibatch, seconds, and the norm before it is clipped."""


class Targets(NamedTuple):
    """What a segment is to teach, ``[T, L]`` each."""

    advantage: np.ndarray
    value_target: np.ndarray
    log_prob: np.ndarray  # of the policy at the start of the update
    value: np.ndarray  # by the critic at the start of the update


class FusedAdam(keras.optimizers.Adam):
    """Keras's Adam with the whole rule of a variable in one operation; the same numbers, a fraction of the time."""

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor) -> None:
        """One step of one variable."""
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations.value + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


class Learner:
    """Trains one policy by PPO over all ranks.

    Advantages are normalised over the segments of ALL ranks: divided by their standard deviation after their mean
    was taken off, or, where they are taken against a frozen baseline, divided by their root mean square alone, because
    there a positive mean is what is sought. A minibatch is every match at some time steps, drawn anew in each pass:
    the same on any number of ranks, and whole blocks of memory.

    In impala mode a segment may come from the policy of one update ago: V-trace with the present policy's
    log-probabilities and values gives the targets, and PPO's ratio is against the present policy.
    """

    def __init__(self, policy: Policy, config: PPOConfig, seed: int) -> None:
        self.policy = policy
        self.config = config
        self.updates = 0
        self._seed = seed
        self._trainable = [v.value for v in policy.network.trainable_variables]
        self._sizes = [v.shape.num_elements() for v in self._trainable]
        self.optimizer = FusedAdam(config.learning_rate, epsilon=1e-5)
        self.optimizer.build(policy.network.trainable_variables)
        self.train_pass = tf.function(self._one_pass)

    @property
    def variables(self) -> list[tf.Variable]:
        """Weights and the optimiser's slots: what makes two learners equal."""
        return [*self.policy.variables, *(v.value for v in self.optimizer.variables)]

    def synchronise(self) -> None:
        """Give all ranks rank 0's weights and optimiser slots."""
        distributed.broadcast(self.variables)

    def update(self, segment: Segment, progress: float = 0.0, center_advantages: bool = True) -> dict[str, float]:
        """One PPO update: ``epochs`` passes over the segment. Returns diagnostics, means over ranks.

        Args:
            segment: this rank's experience; every rank calls with a segment of the same shape.
            progress: part of the phase that is done, which sets the step size.
            center_advantages: take the mean off the advantages; false for the comparative advantage.

        Raises:
            NotFiniteError: on all ranks, where the segment of any holds infinities or NaN (the weights are as before
                then) or a gradient step brought them (they are not, and must not be saved).
        """
        c = self.config
        self.optimizer.learning_rate = c.learning_rate * (1.0 - (1.0 - c.final_learning_rate) * progress)
        targets = self._targets(segment)
        own = moments(segment.reward, targets.advantage, targets.value_target, targets.value)
        total = Moments(*map(float, distributed.sum_over_ranks(own, "advantage_moments")))
        check_finite(total._asdict(), self.updates + 1)
        count = total.samples
        mean, square = total.advantage / count, total.advantage_square / count
        scale = max(square - mean**2 if center_advantages else square, 0.0) ** 0.5 + 1e-8
        advantage = (targets.advantage - (mean if center_advantages else 0.0)) / scale
        observation, batch = tensors(segment, targets._replace(advantage=advantage.astype(np.float32)))

        sums, steps = np.zeros(len(DIAGNOSTICS)), 0
        for epoch in range(c.epochs):
            one_pass = self.train_pass(observation, batch, self.minibatches(len(segment.reward), epoch)).numpy()
            sums += one_pass
            steps += c.minibatches
            if c.target_kl and self._mean_kl(one_pass) > c.target_kl:
                break
        means = distributed.sum_over_ranks([sums / distributed.size()], "diagnostics")[0]
        check_finite(dict(zip(DIAGNOSTICS, means, strict=True)), self.updates + 1)
        self.updates += 1
        metrics = {
            name: float(total if name.endswith("_seconds") else total / steps)
            for name, total in zip(DIAGNOSTICS, means, strict=True)
        }
        target_variance = total.value_target_square / count - (total.value_target / count) ** 2
        return metrics | {
            "entropy": metrics["entropy_movement"] + metrics["entropy_skill"],
            "epochs": steps / c.minibatches,
            "advantage_mean": mean,
            "advantage_std": max(square - mean**2, 0.0) ** 0.5,
            "explained_variance": 1.0 - (total.value_error_square / count) / max(target_variance, 1e-12),
            "reward_per_frame": total.reward / count,
        }

    def _targets(self, segment: Segment) -> Targets:
        c = self.config
        reward = segment.reward * np.float32(c.reward_scale)
        if c.mode == "synchronous":
            target = lambda_returns(
                reward, segment.value, segment.bootstrap_value, segment.done, c.discount, c.gae_lambda
            )
            baseline = segment.value if segment.baseline is None else segment.baseline
            return Targets(target - baseline, target, segment.log_prob, segment.value)
        log_prob, values = self._present(segment)
        result = vtrace(
            log_prob - segment.log_prob, reward, values[:-1], values[-1], segment.done,
            c.discount, c.gae_lambda, c.rho_clip, c.c_clip,
        )  # fmt: skip
        baseline = values[:-1] if segment.baseline is None else segment.baseline
        return Targets(result.rho * (result.advantage_target - baseline), result.target, log_prob, values[:-1])

    def _present(self, segment: Segment) -> tuple[np.ndarray, np.ndarray]:
        """Log-probabilities ``[T, L]`` and values ``[T + 1, L]`` by the present network."""
        length, rows = segment.reward.shape
        log_prob, value = np.empty((length, rows), np.float32), np.empty((length + 1, rows), np.float32)
        for t in range(length + 1):
            seen = Observation(*(tensor(x[t, :rows]) for x in segment.observation))
            if t == length:
                value[t] = self.policy.values(seen, segment.mixture[t])
            else:
                log_prob[t], value[t] = self.policy.evaluate(seen, segment.mixture[t], segment.action[t])
        return log_prob, value

    def _mean_kl(self, sums: np.ndarray) -> float:
        """KL of one pass, a mean over its minibatches and the ranks."""
        own = np.float64(sums[DIAGNOSTICS.index("kl")]) / self.config.minibatches / distributed.size()
        return float(distributed.sum_over_ranks([own], "kl")[0])

    def minibatches(self, length: int, epoch: int) -> tf.Tensor:
        """The time steps of each minibatch of a pass, int32 ``[minibatches, T / minibatches]``."""
        step = self.updates * self.config.epochs + epoch
        chance = uniforms(self._seed, MINIBATCHES, step, np.zeros(1, np.int64), (length,))[0]
        order = np.argsort(chance, kind="stable").astype(np.int32)
        return tf.constant(order.reshape(self.config.minibatches, -1))

    def _one_pass(self, observation: Observation, batch: Batch, minibatches: tf.Tensor) -> tf.Tensor:
        """A gradient step for every minibatch. Returns the sums of `DIAGNOSTICS`."""
        sums = tf.zeros(len(DIAGNOSTICS))
        for times in minibatches:
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            gradient, found = self._gradient(observation, batch, times)
            sums += tf.concat([found, self._apply(gradient)], 0)
        return sums

    def _gradient(self, observation: Observation, batch: Batch, times: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Gradient of this rank's part of a minibatch, all variables end to end, and its diagnostics."""
        rows = batch.action.shape[1]
        samples = rows * times.shape[0]
        parts = parts_of(samples, rows)
        began = tf.timestamp()
        with tf.control_dependencies([began]):
            gradient, means, numbers = tf.zeros(sum(self._sizes)), tf.zeros(len(_MEANS)), tf.range(parts)
        for part in numbers:
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            take = _taker(times, rows, part, parts)
            own = Batch(*map(take, batch))
            of_part = self._gradient_of(Observation(*map(take, observation)), own)
            share = tf.cast(tf.shape(own.action)[0] / samples, tf.float32)
            gradient += share * of_part[0]
            means += share * of_part[1]
        with tf.control_dependencies([gradient]):
            seconds = tf.cast(tf.timestamp() - began, tf.float32)
        return gradient, tf.concat([means, [seconds]], 0)

    def _gradient_of(self, observation: Observation, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Gradient of the mean loss of n samples, leaves ``[n, ...]``, and its diagnostics."""
        c = self.config
        with tf.GradientTape() as tape:
            output = self.policy(observation, batch.mixture)
            heads = distributions(output, observation.mask)
            log_prob = tf.add_n([head.log_prob(batch.action[:, i]) for i, head in enumerate(heads)])
            entropies = [tf.reduce_mean(head.entropy()) for head in heads]
            loss = ppo_loss(
                log_prob, batch.log_prob, batch.advantage, output.value, batch.value_target, c.clip_epsilon,
                batch.value, c.value_clip,
            )  # fmt: skip
            total = loss.policy + c.value_cost * loss.value - c.entropy_cost * tf.add_n(entropies)
        gradients = tape.gradient(total, self._trainable)
        return tf.concat([tf.reshape(g, (-1,)) for g in gradients], 0), tf.stack([*loss, *entropies])

    def _apply(self, gradient: tf.Tensor) -> tf.Tensor:
        """Average over the ranks and take a step. Returns the seconds of averaging and the norm."""
        with tf.control_dependencies([gradient]):
            began = tf.timestamp()
        with tf.control_dependencies([began]):
            averaged = distributed.average(tf.identity(gradient), "gradient")
        with tf.control_dependencies([averaged]):
            seconds = tf.cast(tf.timestamp() - began, tf.float32)
        clipped = tf.split(tf.clip_by_norm(averaged, self.config.gradient_norm), self._sizes)
        gradients = [tf.reshape(g, v.shape) for g, v in zip(clipped, self._trainable, strict=True)]
        self.optimizer.apply(gradients, self.policy.network.trainable_variables)
        return tf.stack([seconds, tf.norm(averaged)])


def parts_of(samples: int, rows: int) -> int:
    """In how many parts the gradient of so many samples, ``rows`` of each time step, is computed: about
    `_SAMPLES_AT_ONCE` each. From half to one and a half times that size, better each within a time step (see `_taker`),
    else all of the same size."""
    about = max(round(samples / _SAMPLES_AT_ONCE), 1)
    least, most = max(-(-2 * samples // (3 * _SAMPLES_AT_ONCE)), 1), max(2 * samples // _SAMPLES_AT_ONCE, 1)
    even = [parts for parts in range(least, most + 1) if samples % parts == 0]
    within = [parts for parts in even if rows % (samples // parts) == 0]
    return min(within or even, key=lambda parts: abs(parts - about), default=about)


def _taker(times: tf.Tensor, rows: int, part: tf.Tensor, parts: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """What takes one part of a minibatch, ``[n, ...]``, from the ``[T, R, ...]`` of a segment. The minibatch is the
    first ``rows`` at each of its times. A part within a time step is a block of memory, which need not be copied."""
    samples = times.shape[0] * rows
    first, end, size = part * samples // parts, (part + 1) * samples // parts, samples // parts
    even = size * parts == samples
    sample = tf.range(first, end)
    if even:  # of a known size, so that TensorFlow need not work out shapes in every part
        sample.set_shape(size)

    def gather(x: tf.Tensor) -> tf.Tensor:
        return tf.gather(_flat(x), tf.gather(times, sample // rows) * tf.shape(x)[1] + sample % rows)

    def block(x: tf.Tensor) -> tf.Tensor:
        x, at = _flat(x), times[first // rows] * tf.shape(x)[1] + first % rows
        others = x.shape.rank - 1
        return tf.slice(x, [at] + others * [0], [size] + others * [-1])

    return block if even and rows % size == 0 else gather


def _flat(x: tf.Tensor) -> tf.Tensor:
    """``[T, R, ...]`` as ``[T R, ...]``."""
    return tf.reshape(x, (tf.shape(x)[0] * tf.shape(x)[1], *x.shape[2:]))


def tensors(segment: Segment, targets: Targets) -> tuple[Observation, Batch]:
    """What `Learner.train_step` reads: all observations of a segment ``[T + 1, R, ...]``, the rest ``[T, L, ...]``."""
    batch = Batch(
        segment.mixture[:-1],
        segment.action,
        targets.log_prob,
        targets.advantage,
        targets.value,
        targets.value_target,
    )
    return Observation(*map(tensor, segment.observation)), Batch(*map(tf.convert_to_tensor, batch))
