"""Which network a configuration means: a user's own goes the whole line, what is none is refused, and so is another."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from camtf.algorithms import specialists, train_population
from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.config import ConfigError, NetworkConfig, override, preset
from camtf.evaluation.population import evaluate
from camtf.evaluation.subject import Options as EvaluationOptions
from camtf.games.loading import load_game
from camtf.model.loading import describe, load_network
from camtf.model.policy import build_network
from camtf.population.training import Context
from mobile.exporter import Exporter, Options
from mobile.pack import Pack
from mobile.positions import Specialists
from mobile.verify import Verifier
from tests import small_networks
from tests.end_to_end_checks import check_exported
from tests.small_game import GUESS

SIZES = NetworkConfig(mixture_slots=4)


def named(name: str) -> NetworkConfig:
    return dataclasses.replace(SIZES, name=f"tests.small_networks:{name}")


def test_the_four_modules_are_the_default() -> None:
    assert load_network(SIZES, GUESS.spec) is build_network
    assert describe(build_network, SIZES, GUESS.spec) is None


def test_a_network_of_ones_own_by_its_name() -> None:
    assert load_network(named("plain"), GUESS.spec) is small_networks.plain
    assert load_network(named("partly_blind"), GUESS.spec) is small_networks.partly_blind


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_model", r"must give a keras.Model, got str"),
        ("nothing", r"network.name: the module 'tests.small_networks' has no 'nothing'"),
        ("of_two", r"must take three arguments, NetworkConfig, GameSpec and seed: too many positional"),
        ("subclassed", r"functional keras.Model\(inputs, outputs\) with the inputs basic \(5,\), buff \(2, 1, 1\)"),
        ("with_a_list", r"the model's inputs must be a dictionary by name: basic \(5,\), .*, mixture \(4,\)"),
        ("without_mixture", r"the model lacks the input 'mixture'; it must have basic \(5,\), "),
        ("with_memory", r"the model has an input 'memory' that nothing gives"),
        ("for_more_slots", r"input 'mixture' has shape \(99,\) a row, this game gives \(4,\)"),
        ("one_head", r"the model's outputs must be a dictionary by name: movement, skill, value"),
        ("without_value", r"the model lacks the output 'value'; it gives movement, skill"),
        ("with_wide_skills", r"output 'skill' must be float32 of shape \(1,\) a row, got float32 of \(4,\)"),
        ("with_statistics", r"has state beside its trained weights, 'statistics/moving_mean'"),
        (
            "nameless",
            r"differ in their weights, 'dense.*/kernel' and 'dense_.*/kernel'; give every layer",
        ),
    ],
)
def test_what_is_no_network_is_refused(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_network(named(name), GUESS.spec)
    with pytest.raises(ConfigError, match=r"network.name must be empty or module:attribute, got 'mlp'"):
        load_network(dataclasses.replace(SIZES, name="mlp"), GUESS.spec)


def test_a_run_keeps_its_network(tmp_path: Path) -> None:
    """Another name is another configuration; the same name for another network is refused by what differs."""
    config = override(preset("test"), {"network.name": "tests.small_networks:plain"})
    run = RunDirectory(tmp_path)
    run.begin(config, GUESS, True, describe(small_networks.plain, SIZES, GUESS.spec))
    run.begin(config, GUESS, True, describe(small_networks.plain, SIZES, GUESS.spec))
    with pytest.raises(CheckpointError, match=r"\(network.name: 'tests.small_networks:plain' there, '' given\)"):
        run.begin(override(config, {"network.name": ""}), GUESS, True)
    for build, difference in (
        (small_networks.wider, r"weight 'hidden/bias' has shape \[8\] there, \[9\] now"),
        (small_networks.of_another_function, r"its weights are alike, but it computes something else"),
        (build_network, r"one is the default network"),
    ):
        with pytest.raises(CheckpointError, match=rf"config.json: the run has another network .* now: {difference}"):
            run.check_network(describe(build, SIZES, GUESS.spec))


@pytest.mark.parametrize(
    ("game", "network"),
    [
        ("tests.small_game:GUESS", "partly_blind"),
        ("camtf.games.matrix:rock_paper_scissors", "plain"),  # which has modules of no width
        ("camtf.games.open_spiel:KUHN_POKER", "plain"),  # whose characters are its seats
    ],
)
def test_ones_own_network_goes_the_whole_line(tmp_path: Path, game: str, network: str) -> None:
    """Also one that looks at a part of the modules alone: a model takes all of the game's."""
    config = override(preset("test"), {"game.name": game, "network.name": f"tests.small_networks:{network}"})
    config = override(config, {"game.characters": (), "generalists.frames": 640, "specialists.frames": 320})
    loaded = load_game(config)
    build = load_network(config.network, loaded.spec)
    run = RunDirectory(tmp_path / "run")
    run.begin(config, loaded, True, describe(build, config.network, loaded.spec))
    context = Context(config, loaded, run, build)
    strategies = train_population(context)
    specialists.train(context, strategies)
    assert evaluate(context, EvaluationOptions(seed=1)).table("specialist", "bots").rate(0)["games"] > 0
    Exporter(run, tmp_path / "models", Options(("float32", "int8"), calibration=20)).export()
    check_exported(run.path, tmp_path / "models")
    pack = Pack(tmp_path / "models", loaded.digest)
    verified = Verifier(Specialists(run), pack, positions=20, battles=4, runtime="litert", seed=3).verify()
    for result in (r for r in verified if r["precision"] == "float32"):
        assert result["agreement"] == 1.0 and result["win_rate_vs_keras"]["win_rate"] == 0.5


def test_networks_of_each_character_are_exported_too(tmp_path: Path) -> None:
    """What `independent` leaves: a Generalist for each character, and none that plays all."""
    changes = {"game.name": "tests.small_game:GUESS", "game.characters": (), "generalists.algorithm": "independent"}
    frames = {"generalists.generations": 1, "generalists.frames": 640, "specialists.frames": 320}
    config = override(preset("test"), {**changes, **frames})
    run = RunDirectory(tmp_path / "run")
    run.begin(config, GUESS, True)
    context = Context(config, GUESS, run)
    specialists.train(context, train_population(context))
    Exporter(run, tmp_path / "models", Options(("float32",), calibration=20)).export()
    check_exported(run.path, tmp_path / "models")
    with pytest.raises(ValueError, match=r"a Generalist for each character \(round_01_ann, round_01_bob\), not one"):
        Exporter(run, tmp_path / "models", Options(generalist=True))
