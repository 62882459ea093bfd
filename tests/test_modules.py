"""The four modules: sparse, and equal to the layers they stand for."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from camtf.config import NetworkConfig
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.roster import Roster
from camtf.model.modules import PatchConv1D
from camtf.model.policy import build_network
from camtf.types import Observation
from tests.playing import random_actions

MODULES = ("basic", "buff", "element", "mask")
HEADS = ("movement", "skill", "value")


@pytest.fixture(scope="module")
def network(roster: Roster) -> keras.Model:
    return build_network(NetworkConfig(), duel_spec(roster), seed=1)


def inputs(roster: Roster, n: int = 4) -> dict[str, np.ndarray]:
    """Real observations of n matches, after some seconds of play, and a mixture."""
    game = DuelGame(roster, n, 3)
    rng = np.random.default_rng(0)
    observation = game.reset(rng.integers(0, len(roster), (2, n)))
    for _ in range(60):
        observation, _ = game.step(random_actions(observation, rng))
    mixture = rng.dirichlet(np.ones(NetworkConfig().mixture_slots), n).astype(np.float32)
    return {**Observation(*(x[0] for x in observation))._asdict(), "mixture": mixture}


def test_size_and_outputs(network: keras.Model, roster: Roster) -> None:
    assert network.count_params() >= 60_000
    outputs = network(inputs(roster))
    assert {name: tuple(x.shape) for name, x in outputs.items()} == {
        "movement": (4, 9),
        "skill": (4, 10),
        "value": (4, 1),
    }


def test_names_and_order_of_weights(network: keras.Model) -> None:
    """Checkpoints and seeds hang on both."""
    layers = ["fighters", "history", "buffs", "ids", "elements", "masks", "trunk_1", "trunk_2", *HEADS]
    kinds = {"ids": ("embeddings",)}
    assert [v.path for v in network.variables] == [f"{x}/{y}" for x in layers for y in kinds.get(x, ("kernel", "bias"))]


@pytest.mark.parametrize("changed", MODULES)
def test_no_path_from_a_module_to_another_encoder(network: keras.Model, roster: Roster, changed: str) -> None:
    """Change one module's input: its own features change and every other encoder's stay the same, bit for bit."""
    before = inputs(roster)
    after = dict(before)
    after[changed] = before[changed][::-1].copy()
    assert not np.array_equal(before[changed], after[changed])
    encoders = {name: network.get_layer(f"{name}_module") for name in MODULES}
    for name, encoder in encoders.items():
        assert len(encoder.inputs) == 1
        features = [np.concatenate(keras.tree.flatten(encoder(x[name])), axis=-1) for x in (before, after)]
        assert np.array_equal(*features) == (name != changed)


def test_modules_meet_only_at_the_trunk(network: keras.Model, roster: Roster) -> None:
    """In the whole graph: the gradient of a module's columns at the trunk's door reaches that input alone."""
    door = keras.Model(network.inputs, network.get_layer("trunk_input").output)
    names = [x.name for x in network.inputs]
    given = {name: tf.constant(x, tf.float32 if name != "element" else tf.int32) for name, x in inputs(roster).items()}
    start = 0
    for module in [*MODULES, "mixture"]:
        features = network.get_layer(f"{module}_module").output if module in MODULES else given[module]
        width = sum(x.shape[-1] for x in keras.tree.flatten(features))
        floats = [name for name in names if name != "element"]
        with tf.GradientTape() as tape:
            for name in floats:
                tape.watch(given[name])
            part = tf.reduce_sum(door(given)[:, start : start + width])
        gradients = dict(zip(floats, tape.gradient(part, [given[name] for name in floats]), strict=True))
        reached = {name for name, g in gradients.items() if g is not None and np.any(g.numpy())}
        assert reached == ({module} - {"element"})
        start += width
    assert start == door.output.shape[-1]


def test_every_module_reaches_every_head(network: keras.Model, roster: Roster) -> None:
    before = inputs(roster)
    base = network(before)
    for name in before:
        other = network({**before, name: before[name][::-1].copy()})
        for head in base:
            assert not np.array_equal(base[head].numpy(), other[head].numpy()), (name, head)


@pytest.mark.parametrize("history", [0, 3, 8, 16])
def test_a_game_may_keep_other_histories(roster: Roster, history: int) -> None:
    spec = dataclasses.replace(duel_spec(roster), history=history)
    network = build_network(NetworkConfig(), spec, seed=1)
    observation = spec.empty_observation(2)._asdict()
    assert network({**observation, "mixture": np.zeros((2, NetworkConfig().mixture_slots))})["value"].shape == (2, 1)


@pytest.mark.parametrize(
    ("lacking", "layers"),
    [
        ({"fighter_width": 0}, {"fighters"}),
        ({"buff_kinds": 0}, {"buffs"}),
        ({"id_counts": ()}, {"ids"}),
        ({"id_counts": (), "attributes": 0}, {"ids", "elements"}),
        ({"fighter_width": 0, "environment_width": 0, "history": 0}, {"fighters", "history"}),
    ],
)
def test_what_a_game_lacks_has_no_layer(roster: Roster, lacking: dict[str, object], layers: set[str]) -> None:
    whole = duel_spec(roster)
    spec = dataclasses.replace(whole, **lacking)  # type: ignore[arg-type]
    network = build_network(NetworkConfig(), spec, seed=1)
    names = {v.path.split("/")[0] for v in network.variables}
    full = {v.path.split("/")[0] for v in build_network(NetworkConfig(), whole, seed=1).variables}
    assert full - names == layers
    seen = spec.empty_observation(3)._asdict()
    assert network({**seen, "mixture": np.zeros((3, NetworkConfig().mixture_slots))})["skill"].shape == (3, 10)


def test_a_history_that_is_no_whole_number_of_windows(roster: Roster) -> None:
    with pytest.raises(ValueError, match="at most 8 or a multiple of it, got 12"):
        build_network(NetworkConfig(), dataclasses.replace(duel_spec(roster), history=12), seed=1)


@pytest.mark.parametrize(("steps", "kernel"), [(6, 1), (6, 2), (6, 3), (6, 6)])
def test_patch_convolution_is_a_convolution(steps: int, kernel: int) -> None:
    x = np.random.default_rng(0).normal(size=(5, steps, 7)).astype(np.float32)
    patch = PatchConv1D(11, kernel, activation="relu")
    plain = keras.layers.Conv1D(11, kernel, strides=kernel, activation="relu")
    patch.build(x.shape)
    plain.build(x.shape)
    plain.set_weights(patch.get_weights())
    np.testing.assert_allclose(patch(x), plain(x), rtol=1e-5, atol=1e-5)
