"""A Specialist with everything that is constant for it computed beforehand.

It always plays the same character and is always conditioned on the same mixture, so that the mixture and, where a game
says so, the features of its own row of the Element module are numbers; their part of the first trunk layer moves into
its bias.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from camtf.model import modules
from camtf.model.policy import Policy, PolicyOutput, build_network
from camtf.types import Observation

Network = Callable[[Observation], PolicyOutput]


def fold(policy: Policy, mixture: np.ndarray, own_element: np.ndarray | None) -> Network:
    """The policy as a function of the observation alone.

    Args:
        policy: with the default network; another one is taken as it is, with the mixture as a constant.
        mixture: float32 ``[S]``.
        own_element: int32 ``[ELEMENT_WIDTH]``, what always stands in its own row of the Element module, which is no
            longer read; None where that is not always the same.
    """
    if policy.build is not build_network:
        return lambda observation: policy(observation, tf.constant(np.tile(mixture, (observation.mask.shape[0], 1))))
    network = policy.network
    encoders: dict[str, Callable[[tf.Tensor], list[tf.Tensor]]] = {
        name: _encoder(network.get_layer(f"{name}_module")) for name in Observation._fields
    }
    constants = {"mixture": mixture}
    if own_element is not None:
        one = modules.element_encoder(policy.config, policy.spec, players=1)
        one.set_weights(network.get_layer("element_module").get_weights())
        constants["element"] = one(own_element[None, None]).numpy()[0]  # the first half of the module's features
        encoders["element"] = lambda element: [one(element[:, 1:])]

    first = network.get_layer("trunk_1")
    kernel, bias, places = first.kernel.numpy(), first.bias.numpy(), _places(network)
    rows = {name: slice(places[name], places[name] + len(values)) for name, values in constants.items()}
    bias = tf.constant(bias + sum(values @ kernel[rows[name]] for name, values in constants.items()))
    weights = tf.constant(np.delete(kernel, np.r_[tuple(rows.values())], axis=0))
    order = [name for name in places if name != "mixture"]
    rest = [network.get_layer(f"trunk_{i + 2}") for i in range(len(policy.config.trunk) - 1)]

    def folded(observation: Observation) -> PolicyOutput:
        features = [part for name in order for part in encoders[name](getattr(observation, name))]
        trunk = tf.nn.relu(tf.nn.bias_add(tf.matmul(tf.concat(features, -1), weights), bias))
        for layer in rest:
            trunk = layer(trunk)
        movement, skill, value = (network.get_layer(name)(trunk) for name in ("movement", "skill", "value"))
        return PolicyOutput(movement, skill, tf.squeeze(value, -1))

    return folded


def _encoder(module: keras.Model) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    return lambda given: tf.nest.flatten(module(given))


def _places(network: keras.Model) -> dict[str, int]:
    """By module, and for the mixture: the first of its columns in what the trunk takes, in their order."""
    places: dict[str, int] = {}
    at = 0
    for tensor in network.get_layer("trunk_input").input:
        places.setdefault(tensor._keras_history.operation.name.removesuffix("_module"), at)
        at += tensor.shape[-1]
    return places
