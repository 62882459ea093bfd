"""A Specialist with everything that is constant for it computed beforehand.

It always plays the same character and is always conditioned on the same mixture, so that the features of its own row of
the Element module and the mixture are numbers; their part of the first trunk layer moves into its bias.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from camtf.model import modules
from camtf.model.policy import Policy, PolicyOutput, build_network
from camtf.types import Observation

Network = Callable[[Observation], PolicyOutput]


def fold(policy: Policy, mixture: np.ndarray, own_element: np.ndarray) -> Network:
    """The policy as a function of the observation alone, which no longer reads its own row of the Element module.

    Args:
        policy: with the default network; another one is taken as it is, with the mixture as a constant.
        mixture: float32 ``[S]``.
        own_element: int32 ``[ELEMENT_WIDTH]``, its own row.
    """
    if policy.build is not build_network:
        return lambda observation: policy(observation, tf.constant(mixture[None]))
    network = policy.network
    encoders = {name: network.get_layer(f"{name}_module") for name in ("basic", "buff", "element", "mask")}
    one = modules.element_encoder(policy.config, policy.spec, players=1)
    one.set_weights(encoders["element"].get_weights())
    own = one(own_element[None, None]).numpy()[0]

    first = network.get_layer("trunk_1")
    kernel = first.kernel.numpy()
    before = sum(x.shape[-1] for name in ("basic", "buff") for x in encoders[name].outputs)
    own_rows = slice(before, before + len(own))
    mixture_rows = slice(len(kernel) - len(mixture), len(kernel))
    bias = tf.constant(first.bias.numpy() + own @ kernel[own_rows] + mixture @ kernel[mixture_rows])
    weights = tf.constant(np.delete(kernel, np.r_[own_rows, mixture_rows], axis=0))
    rest = [network.get_layer(f"trunk_{i + 2}") for i in range(len(policy.config.trunk) - 1)]

    def folded(observation: Observation) -> PolicyOutput:
        features = [
            *tf.nest.flatten(encoders["basic"](observation.basic)),
            encoders["buff"](observation.buff),
            one(observation.element[:, 1:]),
            encoders["mask"](observation.mask),
        ]
        trunk = tf.nn.relu(tf.nn.bias_add(tf.matmul(tf.concat(features, -1), weights), bias))
        for layer in rest:
            trunk = layer(trunk)
        movement, skill, value = (network.get_layer(name)(trunk) for name in ("movement", "skill", "value"))
        return PolicyOutput(movement, skill, tf.squeeze(value, -1))

    return folded
