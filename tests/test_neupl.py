"""`neupl` and `simplex_neupl` on games whose answers are known, through the real trainer."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.known_games import BOTTOMS, CASES, RUNGS, SETTINGS
from camtf.algorithms import train_population
from camtf.algorithms.neupl import Slots
from camtf.config import Config, ConfigError, GeneralistConfig, override, preset
from camtf.games.open_spiel import GOOFSPIEL_4
from camtf.games.protocol import Game
from camtf.interrupt import Interrupted
from camtf.population import training
from camtf.population.payoffs import Nodes
from camtf.population.strategies import Strategies
from tests.conftest import begun
from tests.small_game import GUESS


def trained(name: str, folder: Path, changes: dict[str, Any]) -> dict[str, float]:
    """A game of the benchmark with fewer frames, and what it measures of it."""
    case = CASES[name]
    context = begun(folder, case.game(), override(preset("test"), {**SETTINGS, **case.settings, **changes}))
    strategies = train_population(context)
    return {"accepted": len(strategies) - 1, **case.measure(context, strategies)}


SHORT = {"seed": 4, "generalists.frames": 120_000}


def test_rock_paper_scissors_with_a_sink(tmp_path: Path) -> None:
    """Paper, then scissors; of the sink and both the known equilibrium, which nothing more beats."""
    found = trained("rps_with_sink", tmp_path / "run", SHORT)
    assert found["accepted"] == 2
    assert found["paper"] > 0.95 and found["scissors"] > 0.95
    assert found["sigma_error"] < 0.06 and found["exploitability"] < 0.05


def test_transitive_ladder(tmp_path: Path) -> None:
    """Each rung is found, against the one before it; after the last nothing more."""
    assert RUNGS < BOTTOMS / 2 + 1
    found = trained("transitive_ladder", tmp_path / "run", SHORT)
    assert found["accepted"] == RUNGS - 1
    assert found["least_on_its_rung"] > 0.95 and found["least_on_the_row_before"] > 0.95


def slots(margin: float) -> Slots:
    nodes = Nodes(4, (0,), by_character=False)
    return Slots(GeneralistConfig(algorithm="neupl", slots=4, accept_margin=margin), nodes, 4)


def test_a_slot_is_accepted_and_given_up_again() -> None:
    """Slot 1 beats the sink, and counts; when it surely no longer does, it is the newest again."""
    own = slots(0.02)
    own.payoffs.set_edge(1, 0, 52.0, 100.0)
    own.accept()
    assert own.accepted == 0  # 52 of 100 may be luck
    own.payoffs.set_edge(1, 0, 700.0, 1000.0)
    own.accept()
    assert own.accepted == 1 and own.newest == 2
    np.testing.assert_allclose(own.sigma[2], [0, 1, 0, 0])
    own.payoffs.set_edge(1, 0, 510.0, 1000.0)
    own.give_up()
    assert own.accepted == 1  # it may still be better by the margin
    own.payoffs.set_edge(1, 0, 450.0, 1000.0)
    own.give_up()
    assert own.accepted == 0 and own.newest == 1 and not own.sigma[2].any()


def test_belief_is_refused_where_a_game_has_none(tmp_path: Path) -> None:
    config = override(preset("test"), {"game.characters": (), "generalists.algorithm": "neupl", **BELIEF})
    with pytest.raises(ConfigError, match="guess has neither fully_observed"):
        train_population(begun(tmp_path / "run", GUESS, config))


BELIEF = {"generalists.belief": True}


@pytest.mark.parametrize(("name", "mode"), [("duel", "synchronous"), ("goofspiel", "impala")])
def test_with_belief_a_stopped_run_resumes_to_the_same_bits(
    name: str, mode: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is believed of opponents in battles under way is in the checkpoint, and so are the weights it is by."""
    game: Game = request.getfixturevalue("duel") if name == "duel" else GOOFSPIEL_4
    config: Config = override(
        preset("test"),
        {
            "ppo.mode": mode,
            "ppo.segment": 10,
            "ppo.minibatches": 2,
            "generalists.algorithm": "simplex_neupl",
            "generalists.generations": 1,
            "generalists.frames": 1_000,
            "generalists.solve_updates": 2,
            "generalists.slots": 4,
            "generalists.accept_margin": 0.0,
            **BELIEF,
            **({} if name == "duel" else {"game.characters": ()}),
        },
    )
    whole, other = begun(tmp_path / "whole", game, config), begun(tmp_path / "other", game, config)
    expected = train_population(whole)
    calls = itertools.count(1)
    with monkeypatch.context() as patched:
        patched.setattr(training, "requested", lambda: next(calls) >= 5)
        with pytest.raises(Interrupted, match="stopped after update 4"):
            train_population(other)
    assert_equal(expected, train_population(other))


def assert_equal(expected: Strategies, found: Strategies) -> None:
    """The same strategies, bit for bit."""
    assert expected.names == found.names
    for one, two in zip(expected.snapshots, found.snapshots, strict=True):
        np.testing.assert_array_equal(one.mixture, two.mixture)
        for path, weight in one.weights.items():
            np.testing.assert_array_equal(weight, two.weights[path])
