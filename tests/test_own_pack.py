"""A user's own game and own network go through export to a pack that decides as Keras does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from camtf.checkpoint import RunDirectory
from camtf.config import NetworkConfig, override, preset
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster
from camtf.games.loading import load_game
from camtf.games.matrix import rock_paper_scissors
from camtf.games.protocol import Game
from camtf.model import modules
from camtf.model.policy import BuildNetwork, Policy, build_network
from camtf.types import GameSpec, Observation, Snapshot
from mobile.exporter import Exporter, Options
from mobile.files import PackError
from mobile.fold import fold
from mobile.pack import GENERALIST, Pack
from mobile.positions import Specialists
from mobile.runtime import open_policy
from mobile.timing import golden_rows
from mobile.verify import Verifier
from tests.small_game import GUESS, SPEC, Guess, GuessMatches

FIXED = replace(GUESS, spec=replace(SPEC, fixed_elements=True, movement_names=("rock", "paper", "scissors")))
ROUNDS = rock_paper_scissors(rounds=3)


class ChangingMatches(GuessMatches):
    """The Element module holds the turn."""

    def observe(self, out: Observation | None = None) -> Observation:
        out = super().observe(out)
        out.element[..., 0] = self._turn[None, :, None]
        return out


class Changing(Guess):
    def make(self, seed: int, match_ids: np.ndarray, staggered: bool = False) -> ChangingMatches:
        return ChangingMatches(seed, match_ids)


CHANGING = Changing(spec=FIXED.spec)
NAMESAKE = replace(GUESS, characters=("ann", GENERALIST), default_characters=("ann", GENERALIST))
LONG = replace(GUESS, characters=("ann", 101 * "b"), default_characters=("ann", 101 * "b"))


def flat_network(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    """One dense layer over all that there is."""
    keras.utils.set_random_seed(seed)
    shapes = {name: x.shape[1:] for name, x in spec.empty_observation(1)._asdict().items()}
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    inputs["mixture"] = keras.Input((config.mixture_slots,), name="mixture")
    hidden = keras.layers.Concatenate()([keras.layers.Flatten()(x) for x in inputs.values()])
    hidden = keras.layers.Dense(16, activation="relu", name="hidden")(hidden)
    heads = {"movement": spec.movements, "skill": spec.skills, "value": 1}
    return keras.Model(inputs, {name: keras.layers.Dense(n, name=name)(hidden) for name, n in heads.items()})


def snapshot(name: str, seed: int, run: RunDirectory, game: Game, build: BuildNetwork) -> Snapshot:
    """A network whose every number is random."""
    rng, config = np.random.default_rng(seed), run.config().network
    weights = Policy(config, game.spec, build=build).get_weights()
    weights = {path: rng.normal(scale=0.4, size=w.shape).astype(np.float32) for path, w in weights.items()}
    mixture = rng.dirichlet(np.ones(config.mixture_slots), size=len(game.characters)).astype(np.float32)
    return Snapshot(name, weights, mixture)


def own_run(folder: Path, game_name: str, build: BuildNetwork) -> RunDirectory:
    """A finished run of a game: a Generalist, and Specialists of all characters."""
    changes = {"game.name": f"tests.test_own_pack:{game_name}", "game.characters": (), "generalists.generations": 1}
    config, run = override(preset("test"), changes), RunDirectory(folder)
    game = load_game(config)
    run.begin(config, game, write=True)
    generalist = snapshot("generation_01", 0, run, game, build)
    run.write_snapshot(run.generalist_file(generalist.name), generalist, {})
    everyone = [[0] * len(game.characters)]
    about = {"strategies": [generalist.name], "snapshots": [generalist.name], "serving": everyone, "payoffs": [[0.5]]}
    run.write_population(about)
    for seed, character in enumerate(game.characters, 1):
        own = snapshot(character, seed, run, game, build)
        run.write_snapshot(run.specialist_file(character), own, {"generalist": generalist.digest})
    return run


@pytest.mark.parametrize(
    ("game", "build", "inputs"),
    [
        ("FIXED", build_network, ["basic", "buff", "element", "mask"]),
        ("GUESS", flat_network, ["basic", "buff", "element", "mask"]),
        ("ROUNDS", build_network, ["basic", "mask"]),  # one character, who carries nothing and has no buffs
    ],
)
def test_own_games_and_networks_are_exported(tmp_path: Path, game: str, build: BuildNetwork, inputs: list[str]) -> None:
    run = own_run(tmp_path / "run", game, build)
    precisions = ("float32", "int8", "delta") if game == "FIXED" else ("float32", "delta")
    options = Options(precisions, value=True, generalist=True, calibration=40)
    Exporter(run, tmp_path / "models", options, build).export()
    specialists = Specialists(run, build)
    pack = Pack(tmp_path / "models", specialists.game.digest)
    assert pack.manifest["game"] == specialists.game.name and list(pack.manifest["inputs"]) == inputs
    meanings = {"FIXED": ["rock", "paper", "scissors"], "GUESS": ["0", "1", "2"], "ROUNDS": ["0"]}
    assert pack.manifest["outputs"]["movement"]["meaning"] == meanings[game]
    results = Verifier(specialists, pack, positions=50, battles=4, runtime="litert", seed=3).verify()
    assert len(results) == len(precisions) * (len(specialists.ids) + 1) - 1  # no delta of the Generalist
    for result in results:
        if result["precision"] == "float32":
            assert result["agreement"] == 1.0 and result["largest_difference"] < 1e-4
            assert result["win_rate_vs_keras"]["squares"] == 0.0
        assert result["agreement"] > 0.7
    entry = pack.entry(GENERALIST, "float32")
    assert list(open_policy(pack, entry, "tflite_runtime").inputs) == [*inputs, "mixture"]
    assert len(golden_rows(pack, entry)) == 64


def test_a_game_that_says_what_is_not_so_is_refused(tmp_path: Path) -> None:
    run = own_run(tmp_path / "run", "CHANGING", build_network)
    with pytest.raises(
        ValueError, match=r"the game guess has GameSpec.fixed_elements, but the own row .* of ann changes"
    ):
        Exporter(run, tmp_path / "models", Options(("float32",))).export()


@pytest.mark.parametrize(("game", "name"), [("NAMESAKE", "'generalist'"), ("LONG", "'b{101}'")])
def test_a_character_that_cannot_name_files_is_refused_before_the_work(tmp_path: Path, game: str, name: str) -> None:
    run = own_run(tmp_path / "run", game, build_network)
    with pytest.raises(PackError, match=f"the character {name} cannot name files: an id has 1 to 100 lower-case"):
        Exporter(run, tmp_path / "models", Options())


def test_every_action_has_a_name_or_none(roster: Roster) -> None:
    with pytest.raises(ValueError, match=r"GameSpec.skill_names must name all of 1 actions or none, got 2"):
        replace(SPEC, skill_names=("a", "b"))
    assert len(Duel(roster).spec.movement_names) == 9 and Duel(roster).spec.fixed_elements


def reordered(policy: Policy) -> None:
    """Give a policy a network that is the same but for the order in which the trunk takes the modules."""
    config, spec = policy.config, policy.spec
    encoders = {
        "mask": modules.mask_encoder(config, spec), "element": modules.element_encoder(config, spec),
        "basic": modules.basic_encoder(config, spec), "buff": modules.buff_encoder(config, spec),
    }  # fmt: skip
    inputs = {"mixture": keras.Input((config.mixture_slots,), name="mixture")} | {
        name: keras.Input(encoder.input_shape[1:], dtype=encoder.inputs[0].dtype, name=name)
        for name, encoder in encoders.items()
    }
    features = keras.tree.flatten([encoder(inputs[name]) for name, encoder in encoders.items()])
    trunk = keras.layers.Concatenate(name="trunk_input")([features[0], inputs["mixture"], *features[1:]])
    trunk = keras.layers.Dense(config.trunk[0], activation="relu", name="trunk_1")(trunk)
    heads = {"movement": spec.movements, "skill": spec.skills, "value": 1}
    policy.network = keras.Model(inputs, {name: keras.layers.Dense(n, name=name)(trunk) for name, n in heads.items()})


@pytest.mark.parametrize("change_order", [False, True])
@pytest.mark.parametrize("game", [FIXED, GUESS, ROUNDS, None])
def test_folding_changes_no_output(
    game: Game | None, change_order: bool, roster: Roster, rng: np.random.Generator
) -> None:
    """For random weights; the own row of the Element module is read where it may change, and not where it is fixed."""
    spec = (game or Duel(roster)).spec
    policy = Policy(preset("test").network, spec)
    if change_order:
        reordered(policy)
    for variable in policy.network.variables:
        variable.assign(rng.normal(scale=0.3, size=variable.shape).astype(np.float32))
    n, slots = 5, policy.config.mixture_slots
    mixture = rng.random(slots).astype(np.float32)
    seen = spec.empty_observation(n)
    seen.basic[...], seen.buff[...] = rng.random(seen.basic.shape), rng.random(seen.buff.shape)
    for column, count in enumerate(spec.id_counts):
        seen.element[..., column] = rng.integers(count, size=(n, 2))
    seen.element[:, 0] = seen.element[0, 0]
    own = seen.element[0, 0].copy() if spec.fixed_elements else None
    folded = fold(policy, mixture, own)
    whole = policy(Observation(*map(tf.constant, seen)), tf.constant(np.tile(mixture, (n, 1))))
    for a, b in zip(folded(Observation(*map(tf.constant, seen))), whole, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)
    if spec.element_width:
        seen.element[:, 0, 0] = (seen.element[:, 0, 0] + 1) % spec.id_counts[0]
        other = folded(Observation(*map(tf.constant, seen)))
        assert np.allclose(other.movement, whole.movement, atol=2e-5) == spec.fixed_elements
