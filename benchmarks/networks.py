"""How fast is the four-module network beside others? ``python -m benchmarks.networks``.

Rates of the network alone, without game and opponents, in one process: gradient samples a second (a pass of PPO with
its losses and Adam over real observations) and inferences a second (sampled actions). Beside it

- an arrangement of the modules from before: two layers of Conv1D over the last decisions, and a layer of its own for
  the mixture;
- a multilayer perceptron with the same inputs and heads, whose two equal hidden layers are as wide as makes its
  floating-point operations the same, as TensorFlow's profiler counts them.

They take turns, so that what slows the machine slows all. How well each of them learns to play:
``python -m benchmarks.learning --compare``.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import flags
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from benchmarks import results
from camtf import command, distributed
from camtf.config import Config, NetworkConfig, preset
from camtf.evaluation.columns import table
from camtf.games.loading import load_game
from camtf.games.protocol import Game
from camtf.learn.learner import Learner, Targets, tensors
from camtf.learn.rollout import Layout, Rollout
from camtf.model import modules
from camtf.model.policy import BuildNetwork, Policy, build_network
from camtf.population.matchmaking import Graph, GraphMatchmaker
from camtf.population.payoffs import Nodes
from camtf.population.pool import Pool
from camtf.population.strategies import Served
from camtf.provenance import provenance
from camtf.types import GameSpec

FLAGS = flags.FLAGS

_WARM_UP = 3


def perceptron(width: int) -> BuildNetwork:
    """A plain network: all inputs flattened into one vector, two hidden layers, the same heads."""

    def build(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
        keras.utils.set_random_seed(seed)
        inputs = {name: keras.Input(x.shape[1:], name=name) for name, x in spec.empty_observation(1)._asdict().items()}
        inputs["mixture"] = keras.Input((config.mixture_slots,), name="mixture")
        scale = {"element": 1e-3}  # ids and per mille as numbers around 1
        hidden = keras.layers.Concatenate()([keras.layers.Flatten()(x) * scale.get(n, 1.0) for n, x in inputs.items()])
        for i in range(2):
            hidden = keras.layers.Dense(width, activation="relu", name=f"hidden_{i}")(hidden)
        heads = {"movement": spec.movements, "skill": spec.skills, "value": 1}
        return keras.Model(inputs, {name: keras.layers.Dense(n, name=name)(hidden) for name, n in heads.items()})

    return build


def two_convolutions(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    """The four modules in an arrangement of before, with its widths."""
    keras.utils.set_random_seed(seed)
    config = dataclasses.replace(config, fighter_filters=32, history_filters=16, element_filters=24, mask_units=16)
    start = keras.initializers.Orthogonal(2**0.5)

    def windows(filters: int, size: int, name: str) -> keras.layers.Layer:
        return modules.PatchConv1D(filters, size, activation="relu", kernel_initializer=start, name=name)

    without = dataclasses.replace(spec, history=0)
    basic = keras.Input((spec.basic_width,), name="basic")
    history = keras.layers.Reshape((spec.history, spec.history_width))(basic[:, without.basic_width :])
    history = windows(config.history_filters, 2, "history")(history)
    history = windows(2 * config.history_filters, spec.history // 2, "history_summary")(history)
    others = modules.basic_encoder(config, without)(basic[:, : without.basic_width])
    mixture = keras.Input((config.mixture_slots,), name="mixture")
    features = [*others, keras.layers.Flatten()(history)]
    inputs = {"basic": basic, "mixture": mixture}
    for name, encoder in {
        "buff": modules.buff_encoder(config, spec),
        "element": modules.element_encoder(config, spec),
        "mask": modules.mask_encoder(config, spec),
    }.items():
        inputs[name] = keras.Input(encoder.input_shape[1:], dtype=encoder.inputs[0].dtype, name=name)
        features.append(encoder(inputs[name]))
    features.append(keras.layers.Dense(8, activation="relu", kernel_initializer=start, name="mixture_encoder")(mixture))
    trunk = keras.layers.Concatenate()(features)
    for i, width in enumerate(config.trunk):
        trunk = keras.layers.Dense(width, activation="relu", kernel_initializer=start, name=f"trunk_{i + 1}")(trunk)
    gains = {"movement": (spec.movements, 0.01), "skill": (spec.skills, 0.01), "value": (1, 1.0)}
    return keras.Model(
        inputs,
        {
            name: keras.layers.Dense(n, kernel_initializer=keras.initializers.Orthogonal(gain), name=name)(trunk)
            for name, (n, gain) in gains.items()
        },
    )


def operations(policy: Policy) -> int:
    """Floating-point operations of one row's forward pass."""
    one = {name: tf.convert_to_tensor(x) for name, x in policy.spec.empty_observation(1)._asdict().items()}
    one["mixture"] = tf.zeros((1, policy.config.mixture_slots))
    frozen = convert_variables_to_constants_v2(tf.function(policy.network).get_concrete_function(one))
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return int(tf.compat.v1.profiler.profile(frozen.graph, options=options).total_float_ops)


def equal_perceptron(policy: Policy) -> BuildNetwork:
    """The perceptron whose operations are closest to those of a policy's network."""
    target, low, high = operations(policy), 8, 4096

    def count(width: int) -> int:
        return operations(Policy(policy.config, policy.spec, build=perceptron(width)))

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= target else (low, middle)
    return perceptron(min((low, high), key=lambda width: abs(count(width) - target)))


ARRANGEMENTS = ("four_module", "two_convolutions", "perceptron")
"""What is compared."""


def arrangement(name: str, config: Config, game: Game) -> BuildNetwork:
    """One of the `ARRANGEMENTS`. Finding the equal perceptron takes a while."""
    if name == "perceptron":
        return equal_perceptron(Policy(config.network, game.spec))
    return {"four_module": build_network, "two_convolutions": two_convolutions}[name]


class Kernels:
    """The calls of training, on one real unroll of one rank."""

    def __init__(self, config: Config, game: Game, matches: int, build: BuildNetwork = build_network) -> None:
        self.policy = Policy(config.network, game.spec, config.seed, build)
        nodes = Nodes(1, tuple(range(len(game.characters))), by_character=False)
        told = np.eye(1, config.network.mixture_slots, dtype=np.float32)
        graph = Graph(np.array([0]), np.zeros((1, 1)), told, mirror=np.ones((1, 1)))
        pool = Pool(config.network, game.spec, [], build)
        opponents = Served(pool, np.zeros((1, len(game.characters)), np.int64))
        layout = Layout(np.arange(matches), mirrored=matches)
        batched = game.make(1, layout.ids, staggered=True)
        rollout = Rollout(
            batched, self.policy, opponents, GraphMatchmaker(nodes, graph), layout, 1, config.ppo.segment
        )  # fmt: skip
        self._unroll, _ = rollout.collect()
        self._learner = Learner(self.policy, config.ppo, 1)
        nothing = np.zeros_like(self._unroll.reward)
        targets = Targets(nothing, nothing, self._unroll.log_prob, self._unroll.value)
        self._data = tensors(self._unroll, targets)
        self._times = self._learner.minibatches(config.ppo.segment, 0)
        self._first = type(self._unroll.observation)(*(tf.constant(x[0]) for x in self._unroll.observation))
        self._chance = tf.fill((2 * matches, game.spec.movements + game.spec.skills), 0.5)

    def calls(self) -> dict[str, tuple[Callable[[], Any], int]]:
        """What to time, and how many samples a call works on."""
        mixture = tf.constant(self._unroll.mixture[0])
        return {
            "train_samples_per_second": (
                lambda: self._learner.steps.one_pass(*self._data, self._times).numpy(),
                self._unroll.reward.size,
            ),
            "inferences_per_second": (
                lambda: self.policy.act(self._first, mixture, self._chance)[0].numpy(),
                len(self._chance),
            ),
        }


def rates(networks: dict[str, Kernels], repeats: int) -> dict[str, dict[str, float]]:
    """Samples per second of every call of every network, medians of calls that take turns."""
    seconds: dict[tuple[str, str], list[float]] = {}
    for _ in range(repeats + _WARM_UP):
        for network, kernels in networks.items():
            for name, (call, _) in kernels.calls().items():
                began = time.perf_counter()
                call()
                seconds.setdefault((network, name), []).append(time.perf_counter() - began)
    return {
        network: {
            name: size / float(np.median(seconds[network, name][_WARM_UP:]))
            for name, (_, size) in kernels.calls().items()
        }
        for network, kernels in networks.items()
    }


def compare(config: Config, game: Game, matches: int, repeats: int) -> dict[str, dict[str, float]]:
    """Rates, parameters and operations of each of the `ARRANGEMENTS`."""
    networks = {name: Kernels(config, game, matches, arrangement(name, config, game)) for name in ARRANGEMENTS}
    found = rates(networks, repeats)
    for name, kernels in networks.items():
        found[name] |= {"operations": operations(kernels.policy), "parameters": kernels.policy.parameters}
    return found


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_integer("matches", 1024, "Matches of the rank.", 1)
    flags.DEFINE_integer("repeats", 20, "Timed calls of each kind.", 1)
    flags.DEFINE_string("out", "", "Also write the results to this file.")


def main() -> None:
    distributed.start()
    config = preset("quickstart")
    found = compare(config, load_game(config), FLAGS.matches, FLAGS.repeats)
    columns = ["train_samples_per_second", "inferences_per_second", "operations", "parameters"]
    rows = [[name, *(f"{values[c]:,.0f}" for c in columns)] for name, values in found.items()]
    print(table(["network", *(c.replace("_", " ") for c in columns)], rows))
    summary: dict[str, Any] = {f"{name}_{c}": round(values[c]) for name, values in found.items() for c in columns}
    for other in (name for name in found if name != "four_module"):
        summary |= {f"{c}_against_{other}": round(found["four_module"][c] / found[other][c], 3) for c in columns[:2]}
    summary |= {"matches": FLAGS.matches, **provenance()}
    results.give(summary, FLAGS.out)


if __name__ == "__main__":
    define_flags()
    command.run(main)
