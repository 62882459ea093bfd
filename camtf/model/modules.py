"""The four modules' encoders: Basic, Buff, Element, Action-Mask.

Each is a Keras model of its own over one input, so that nothing connects the modules below the trunk: the sparse
design of CAM figure 4 and M&M figure 6, with Conv1D in place of dense layers and embeddings for the ids. A Conv1D
slides over things of one kind (the two fighters, their buffs, what they carry, the last decisions) with the same
weights for each. What a game has none of (fighters, buffs, ids and attributes) has no layer.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from camtf.config import NetworkConfig
from camtf.types import GameSpec

_DECISIONS_PER_WINDOW = 8


@keras.saving.register_keras_serializable("camtf")
class PatchConv1D(keras.layers.Conv1D):
    """Conv1D whose windows do not overlap (stride = kernel size), computed as one matrix product.

    The same layer, weights and result as `keras.layers.Conv1D`; on a CPU the product is several times faster than
    the general convolution's gradient at these sizes.
    """

    def __init__(self, filters: int, kernel_size: int, **kwargs: Any) -> None:
        kwargs.setdefault("strides", kernel_size)
        super().__init__(filters, kernel_size, **kwargs)

    def call(self, inputs: Any) -> Any:
        """``[..., steps, channels]`` -> ``[..., steps / kernel size, filters]``."""
        steps, channels = inputs.shape[1], inputs.shape[2]
        width = self.kernel_size[0]
        patches = ops.reshape(inputs, (-1, width * channels))
        outputs = ops.matmul(patches, ops.reshape(self.kernel, (width * channels, self.filters)))
        outputs = self.activation(ops.add(outputs, self.bias))
        return ops.reshape(outputs, (-1, steps // width, self.filters))


@keras.saving.register_keras_serializable("camtf")
class IdEmbedding(keras.layers.Embedding):
    """Embedding of ids that are never negative: one gather, without Keras's operations that wrap negative ones."""

    def call(self, inputs: Any) -> Any:
        """Int ``[...]`` -> ``[..., output_dim]``."""
        return tf.gather(self.embeddings, inputs)


def basic_encoder(config: NetworkConfig, spec: GameSpec) -> keras.Model:
    """``[BASIC_WIDTH]`` -> features of both fighters, the last decisions and the environment, a list. The trunk joins
    them: to join them here too would copy them twice."""
    basic = keras.Input((spec.basic_width,), name="basic")
    if not spec.basic_width:
        return _nothing(basic, "basic_module")
    environment_at = 2 * spec.fighter_width
    history_at = environment_at + spec.environment_width
    parts = []
    if spec.fighter_width:
        fighters = keras.layers.Reshape((2, spec.fighter_width))(basic[:, :environment_at])
        parts.append(_conv(config.fighter_filters, 1, "fighters")(fighters))
    if spec.history:
        window = min(_DECISIONS_PER_WINDOW, spec.history)
        if spec.history % window:
            raise ValueError(f"GameSpec.history must be at most {window} or a multiple of it, got {spec.history}")
        history = keras.layers.Reshape((spec.history, spec.history_width))(basic[:, history_at:])
        parts.append(_conv(config.history_filters, window, "history")(history))
    flat = [keras.layers.Flatten()(part) for part in parts]
    environment = [basic[:, environment_at:history_at]] if spec.environment_width else []
    return keras.Model(basic, [*flat, *environment], name="basic_module")


def buff_encoder(config: NetworkConfig, spec: GameSpec) -> keras.Model:
    """``[2, BUFF_KINDS, 3]`` -> features of both players' buffs."""
    buff = keras.Input((2, spec.buff_kinds, spec.buff_fields), name="buff")
    if not spec.buff_kinds * spec.buff_fields:
        return _nothing(buff, "buff_module")
    slots = keras.layers.Reshape((2, spec.buff_kinds * spec.buff_fields))(buff)
    features = _conv(config.buff_filters, 1, "buffs")(slots)
    return keras.Model(buff, keras.layers.Flatten()(features), name="buff_module")


def element_encoder(config: NetworkConfig, spec: GameSpec, players: int = 2) -> keras.Model:
    """``[players, ELEMENT_WIDTH]`` ids and attributes -> features of each character and what it carries. Weights are
    the same for any number of players.

    All ids share one embedding table: each kind of id has its own range of rows, so that one look-up serves all.
    """
    element = keras.Input((players, spec.element_width), dtype="int32", name="element")
    if not spec.element_width:
        return _nothing(element, "element_module")
    kinds = len(spec.id_counts)
    firsts = [sum(spec.id_counts[:i]) for i in range(kinds)]
    # A matrix first: TensorFlow cuts it by plain copies of memory, which it does not for three dimensions.
    rows = ops.reshape(element, (-1, spec.element_width))
    parts = []
    if kinds:
        # Minus a negative: TensorFlow turns a sum with a vector into a BiasAdd, which TFLite lacks for integers.
        ids = rows[:, :kinds] - ops.convert_to_tensor([-first for first in firsts], dtype="int32")
        embedded = IdEmbedding(sum(spec.id_counts), config.embedding, name="ids")(ids)
        parts.append(ops.reshape(embedded, (-1, kinds * config.embedding)))
    if spec.attributes:
        parts.append(ops.cast(rows[:, kinds:], "float32") * 1e-3)
    features = parts[0] if len(parts) == 1 else keras.layers.Concatenate()(parts)
    features = ops.reshape(features, (-1, players, features.shape[-1]))
    features = _conv(config.element_filters, 1, "elements")(features)
    return keras.Model(element, keras.layers.Flatten()(features), name="element_module")


def mask_encoder(config: NetworkConfig, spec: GameSpec) -> keras.Model:
    """``[MASK_WIDTH]`` -> features of what is possible now."""
    mask = keras.Input((spec.mask_width,), name="mask")
    row = keras.layers.Reshape((1, spec.mask_width))(mask)
    features = _conv(config.mask_units, 1, "masks")(row)
    return keras.Model(mask, keras.layers.Flatten()(features), name="mask_module")


def _nothing(empty: Any, name: str) -> keras.Model:
    """The encoder of a module without a number: no features and no weights, so that a network can be built, folded and
    exported like any other. (Keras takes no model whose output does not come from its input.)"""
    return keras.Model(empty, keras.layers.Flatten()(ops.cast(empty, "float32")), name=name)


def _conv(filters: int, kernel_size: int, name: str) -> keras.layers.Layer:
    return PatchConv1D(
        filters, kernel_size, activation="relu", kernel_initializer=keras.initializers.Orthogonal(2**0.5), name=name
    )
