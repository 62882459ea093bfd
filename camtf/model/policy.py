"""The conditional policy and value network, and what is done with its logits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from camtf.config import NetworkConfig
from camtf.model import modules
from camtf.types import ALIGNMENT, GameSpec, Observation

_MASKED_LOGIT = -1e9
"""Logit of what the mask forbids. Applied outside the network: inside, it would ruin the ranges of an int8 export."""


class PolicyOutput(NamedTuple):
    """Raw outputs of the network for n rows."""

    movement: tf.Tensor  # float32 [n, M] logits before the mask
    skill: tf.Tensor  # float32 [n, K] logits before the mask
    value: tf.Tensor  # float32 [n], in units of scaled reward


def build_network(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    """The four-module network ``Pi(a | s, i, sigma)``.

    Inputs, by name: the leaves of an `Observation` and ``mixture`` float32 ``[S]``, the opponent mixture sigma; the
    character i stands in the Element module. Outputs: raw logits ``movement`` ``[M]`` and ``skill`` ``[K]``,
    ``value`` ``[1]``.
    """
    keras.utils.set_random_seed(seed)
    encoders = {
        "basic": modules.basic_encoder(config, spec),
        "buff": modules.buff_encoder(config, spec),
        "element": modules.element_encoder(config, spec),
        "mask": modules.mask_encoder(config, spec),
    }
    inputs = {
        name: keras.Input(encoder.input_shape[1:], dtype=encoder.inputs[0].dtype, name=name)
        for name, encoder in encoders.items()
    }
    inputs["mixture"] = keras.Input((config.mixture_slots,), name="mixture")
    features = keras.tree.flatten([encoder(inputs[name]) for name, encoder in encoders.items()])
    trunk = keras.layers.Concatenate(name="trunk_input")([*features, inputs["mixture"]])
    for i, width in enumerate(config.trunk):
        trunk = _dense(width, 2**0.5, f"trunk_{i + 1}", "relu")(trunk)
    outputs = {
        "movement": _dense(spec.movements, 0.01, "movement")(trunk),
        "skill": _dense(spec.skills, 0.01, "skill")(trunk),
        "value": _dense(1, 1.0, "value")(trunk),
    }
    return keras.Model(inputs, outputs, name="four_module_policy")


BuildNetwork = Callable[[NetworkConfig, GameSpec, int], keras.Model]
"""From sizes, game and seed to a network."""


def _dense(units: int, gain: float, name: str, activation: str | None = None) -> keras.layers.Dense:
    return keras.layers.Dense(
        units, activation=activation, kernel_initializer=keras.initializers.Orthogonal(gain), name=name
    )


def tensor(array: np.ndarray) -> tf.Tensor:
    """The array as a tensor that shares its memory, where that lies as TensorFlow wants it; else a copy."""
    shareable = array.ctypes.data % ALIGNMENT == 0 and array.flags.c_contiguous and array.flags.writeable
    if not shareable or array.size == 0:
        return tf.convert_to_tensor(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def rows_of(dtype: tf.DType) -> tf.TensorSpec:
    """Any number of rows of any width."""
    return tf.TensorSpec((None, None), dtype)


def compiled(function: Callable[..., Any], *signature: Any) -> Callable[..., Any]:
    """The graph of a function of tensors, for what is called many times a second: calls it without TensorFlow's look at
    the arguments, which takes as long as the network itself for a hundred rows. What is passed must be as the
    signature says, with the tensors of named tuples in their order; arrays pass for tensors."""
    graph = tf.function(function, input_signature=signature).get_concrete_function()
    types = [x.dtype for x in graph.outputs]

    def call(*arguments: Any) -> Any:
        inputs = [*tf.nest.flatten(arguments), *graph.captured_inputs]
        outputs = tf.raw_ops.StatefulPartitionedCall(args=inputs, Tout=types, f=graph)
        return tf.nest.pack_sequence_as(graph.structured_outputs, outputs)

    return call


class Policy:
    """A network with the ways in which the rest of camtf calls it.

    Args:
        build: makes the network from the other arguments; inputs and outputs as those of `build_network`.

    ``inputs`` are the TensorFlow types of any number of observations and of their mixtures.
    """

    def __init__(
        self, config: NetworkConfig, spec: GameSpec, seed: int = 0, build: BuildNetwork = build_network
    ) -> None:
        self.config = config
        self.spec = spec
        self.build = build
        self.network = build(config, spec, seed)
        one = spec.empty_observation(1)
        self.inputs = [Observation(*(tf.TensorSpec((None, *x.shape[1:]), x.dtype) for x in one)), rows_of(tf.float32)]

    def __call__(self, observation: Observation, mixture: tf.Tensor) -> PolicyOutput:
        """Outputs for n rows. Leaves ``[n, ...]``, mixture ``[n, S]``."""
        outputs = self.network({**observation._asdict(), "mixture": mixture})
        return PolicyOutput(outputs["movement"], outputs["skill"], tf.squeeze(outputs["value"], -1))

    @functools.cached_property
    def act(self) -> Callable[..., tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        """`_act` as one graph for any number of rows."""
        return compiled(self._act, *self.inputs, rows_of(tf.float32))

    @functools.cached_property
    def log_prob_and_value(self) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
        """`_log_prob_and_value` as one graph for any number of rows."""
        return compiled(self._log_prob_and_value, *self.inputs, rows_of(tf.int32))

    @functools.cached_property
    def values(self) -> Callable[..., tf.Tensor]:
        """Values ``[n]`` of observations and mixtures, as one graph for any number of rows."""
        return compiled(lambda observation, mixture: self(observation, mixture).value, *self.inputs)

    @functools.cached_property
    def log_probs(self) -> Callable[..., tf.Tensor]:
        """Log-probabilities of every action, movements first, float32 ``[n, M + K]``, of observations and mixtures, as
        one graph for any number of rows; about -1e9 where an action is not legal."""

        def both(observation: Observation, mixture: tf.Tensor) -> tf.Tensor:
            heads = distributions(self(observation, mixture), observation.mask)
            return tf.concat([head.log_probs for head in heads], -1)

        return compiled(both, *self.inputs)

    def _act(
        self, observation: Observation, mixture: tf.Tensor, uniforms: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Sample actions. ``uniforms`` float32 ``[n, M + K]`` in (0, 1) is all the chance there is.

        Returns actions int32 ``[n, H]``, their log-probabilities ``[n]`` and values ``[n]``.
        """
        output = self(observation, mixture)
        actions = sample(output, observation.mask, uniforms)
        return actions, log_prob(output, observation.mask, actions), output.value

    def _log_prob_and_value(
        self, observation: Observation, mixture: tf.Tensor, actions: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Log-probabilities ``[n]`` of actions ``[n, H]``, and values ``[n]``."""
        output = self(observation, mixture)
        return log_prob(output, observation.mask, actions), output.value

    @property
    def variables(self) -> list[tf.Variable]:
        """The weights as TensorFlow variables (what Keras 3 keeps are wrappers)."""
        return [v.value for v in self.network.variables]

    def get_weights(self) -> dict[str, np.ndarray]:
        """Weights by the path of their variable."""
        return {v.path: v.numpy() for v in self.network.variables}

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Take over weights of a network of the same shape. Raises ValueError naming the first difference."""
        own = {v.path: v for v in self.network.variables}
        if own.keys() != weights.keys():
            raise ValueError(
                f"weights are of another network: {sorted(own.keys() ^ weights.keys())[0]!r} is on one side only"
            )
        for path, variable in own.items():
            if tuple(variable.shape) != weights[path].shape:
                raise ValueError(
                    f"weight {path!r} has shape {weights[path].shape}, the network needs {tuple(variable.shape)}"
                )
            variable.assign(weights[path])

    def zero_value(self) -> None:
        """Set the critic's last layer to 0, so that every value is exactly 0 from now on and learns from there.

        Raises ValueError where the network's value is not the output of a linear layer.
        """
        layer = self.network.output["value"]._keras_history.operation
        if not isinstance(layer, keras.layers.Dense) or layer.activation is not keras.activations.linear:
            raise ValueError(
                f"the network's value must be the output of a keras.layers.Dense without an activation, got "
                f"{type(layer).__name__} {layer.name!r}"
            )
        for variable in layer.trainable_variables:
            variable.assign(np.zeros(variable.shape))

    @property
    def parameters(self) -> int:
        """Number of trained numbers."""
        return int(self.network.count_params())


def split_mask(output: PolicyOutput, mask: Any) -> tuple[Any, Any]:
    """Legal movements ``[..., M]`` and legal skills ``[..., K]`` of an Action-Mask module, for these logits."""
    movements, skills = output.movement.shape[-1], output.skill.shape[-1]
    return mask[..., :movements], mask[..., movements : movements + skills]


class MaskedCategorical(tfp.distributions.Categorical):
    """A categorical distribution over what is legal. Normalises once for log-probability and entropy together.

    Args:
        logits: float32 ``[n, actions]``.
        legal: ``[n, actions]``, positive where an action is allowed.
    """

    def __init__(self, logits: tf.Tensor, legal: tf.Tensor) -> None:
        self._log_probs = tf.nn.log_softmax(tf.where(legal > 0, logits, _MASKED_LOGIT))
        super().__init__(logits=self._log_probs)

    @property
    def log_probs(self) -> tf.Tensor:
        """Log-probabilities of every action, float32 ``[n, actions]``."""
        return self._log_probs

    def _log_prob(self, value: tf.Tensor) -> tf.Tensor:
        return tf.gather(self._log_probs, value, batch_dims=1)

    def _entropy(self) -> tf.Tensor:
        return -tf.reduce_sum(tf.exp(self._log_probs) * self._log_probs, -1)


def distributions(output: PolicyOutput, mask: tf.Tensor) -> tuple[MaskedCategorical, MaskedCategorical]:
    """The two heads over what the mask allows."""
    movement, skill = split_mask(output, mask)
    return MaskedCategorical(output.movement, movement), MaskedCategorical(output.skill, skill)


def log_prob(output: PolicyOutput, mask: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
    """Log-probability of actions ``[n, H]``; the heads are independent given the state, so theirs add."""
    movement, skill = distributions(output, mask)
    return movement.log_prob(actions[:, 0]) + skill.log_prob(actions[:, 1])


def sample(output: PolicyOutput, mask: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Actions int32 ``[n, H]`` by the Gumbel-max rule from uniform numbers ``[n, M + K]`` in (0, 1)."""
    gumbel = -tf.math.log(-tf.math.log(uniforms))
    movements = output.movement.shape[-1]
    return _argmax(output.movement + gumbel[:, :movements], output.skill + gumbel[:, movements:], output, mask)


def best(output: PolicyOutput, mask: tf.Tensor) -> tf.Tensor:
    """The most probable legal action of each head, int32 ``[n, H]``."""
    return _argmax(output.movement, output.skill, output, mask)


def _argmax(movement: tf.Tensor, skill: tf.Tensor, output: PolicyOutput, mask: tf.Tensor) -> tf.Tensor:
    heads = zip((movement, skill), split_mask(output, mask), strict=True)
    return tf.stack([tf.argmax(tf.where(legal > 0, x, _MASKED_LOGIT), -1, tf.int32) for x, legal in heads], -1)
