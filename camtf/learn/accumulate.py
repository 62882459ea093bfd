"""The gradient of a minibatch, computed in parts that stay in the cache, averaged over the ranks, applied.

This is the plumbing between a loss and a step of the optimiser; nothing here knows what is learned.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from camtf import distributed
from camtf.learn.losses import Batch, Loss
from camtf.model.policy import Policy
from camtf.types import Observation

_SAMPLES_AT_ONCE = 1024
"""About how many samples' gradient is computed at a time. Their activations stay in the cache; those of a whole
minibatch do not, and ranks that go to memory for them wait for each other there."""

_MEASURED = ("gradient_seconds", "allreduce_seconds", "gradient_norm")
"""What a gradient step measures of itself: seconds, and the norm before it is clipped."""


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


class GradientSteps:
    """Passes of gradient steps on a loss, the same on every rank.

    Args:
        optimizer: built on the policy's trainable variables.
        gradient_norm: the averaged gradient is clipped to it.

    ``diagnostics`` names what `one_pass` returns the sums of: the loss's own, then seconds and the gradient's norm.
    """

    def __init__(self, policy: Policy, loss: Loss, optimizer: keras.optimizers.Optimizer, gradient_norm: float) -> None:
        self.diagnostics = (*loss.diagnostics, *_MEASURED)
        self.one_pass = tf.function(self._one_pass)
        self._policy, self._loss, self._optimizer = policy, loss, optimizer
        self._gradient_norm = gradient_norm
        self._trainable = [v.value for v in policy.network.trainable_variables]
        self._sizes = [v.shape.num_elements() for v in self._trainable]

    def _one_pass(self, observation: Observation, batch: Batch, minibatches: tf.Tensor) -> tf.Tensor:
        """A gradient step for every minibatch, given by its time steps, int32 ``[minibatches, steps]``. Returns the
        sums of `diagnostics`."""
        sums = tf.zeros(len(self.diagnostics))
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
            gradient, means = tf.zeros(sum(self._sizes)), tf.zeros(len(self._loss.diagnostics))
            numbers = tf.range(parts)
        for part in numbers:
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            take = _taker(times, rows, part, parts)
            own = _part_of(batch, take)
            of_part = self._gradient_of(Observation(*map(take, observation)), own)
            share = tf.cast(tf.shape(own.action)[0] / samples, tf.float32)
            gradient += share * of_part[0]
            means += share * of_part[1]
        with tf.control_dependencies([gradient]):
            seconds = tf.cast(tf.timestamp() - began, tf.float32)
        return gradient, tf.concat([means, [seconds]], 0)

    def _gradient_of(self, observation: Observation, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Gradient of the mean loss of n samples, leaves ``[n, ...]``, and its diagnostics."""
        with tf.GradientTape() as tape:
            loss, found = self._loss(self._policy, observation, batch)
        gradients = tape.gradient(loss, self._trainable)
        means = tf.stack([found[name] for name in self._loss.diagnostics])
        return tf.concat([tf.reshape(g, (-1,)) for g in gradients], 0), means

    def _apply(self, gradient: tf.Tensor) -> tf.Tensor:
        """Average over the ranks and take a step. Returns the seconds of averaging and the norm."""
        with tf.control_dependencies([gradient]):
            began = tf.timestamp()
        with tf.control_dependencies([began]):
            averaged = distributed.average(tf.identity(gradient), "gradient")
        with tf.control_dependencies([averaged]):
            seconds = tf.cast(tf.timestamp() - began, tf.float32)
        clipped = tf.split(tf.clip_by_norm(averaged, self._gradient_norm), self._sizes)
        gradients = [tf.reshape(g, v.shape) for g, v in zip(clipped, self._trainable, strict=True)]
        self._optimizer.apply(gradients, self._policy.network.trainable_variables)
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
    """What takes one part of a minibatch, ``[n, ...]``, from the ``[T, R, ...]`` of an unroll. The minibatch is the
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


def _part_of(batch: Batch, take: Callable[[tf.Tensor], tf.Tensor]) -> Batch:
    """What is taken of each field that has samples: one may be missing, and one may be a number for all of them."""
    return Batch(*(x if x is None or not x.shape.rank else take(x) for x in batch))


def _flat(x: tf.Tensor) -> tf.Tensor:
    """``[T, R, ...]`` as ``[T R, ...]``."""
    return tf.reshape(x, (tf.shape(x)[0] * tf.shape(x)[1], *x.shape[2:]))
