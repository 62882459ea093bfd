"""Stage 2 on matrix games whose best responses are known: rounds, convergence, clusters, controls, and every option
stopped and resumed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camtf.algorithms import clusters, specialists, train_population
from camtf.algorithms.freezing import freeze
from camtf.checkpoint import CheckpointError
from camtf.config import Config, ConfigError, override
from camtf.files import read_arrays
from camtf.games.matrix import MatrixGame, rock_paper_scissors
from camtf.interrupt import Interrupted
from camtf.population import training
from camtf.population.measuring import Measured
from camtf.population.strategies import Strategies, one_policy_each
from camtf.population.training import Context
from camtf.types import Observation, Snapshot
from tests.conftest import begun

ROCK, PAPER, SCISSORS = range(3)
FRAMES = 64  # of an update
CONFIG = override(
    Config(),
    {
        "game.matches": 16,
        "network.trunk": (8,),
        "network.mixture_slots": 2,
        "generalists.generations": 1,
        "ppo.segment": 4,
        "ppo.minibatches": 2,
        "ppo.epochs": 2,
        "ppo.entropy_cost": 0.0,
        "specialists.learning_rate": 0.05,
        "specialists.frames": 3 * FRAMES,
        "checkpoint_updates": 1,
        "histogram_updates": 0,
    },
)


def game(characters: int = 1) -> MatrixGame:
    return MatrixGame(rock_paper_scissors().payoff, copies=characters)


def prepared(folder: Path, changes: dict[str, Any], characters: int = 1) -> tuple[Context, Strategies]:
    """A run whose Generalist mostly plays rock, and expects what it gets against itself: nothing."""
    context = begun(folder, game(characters), override(CONFIG, changes))
    policy = context.policy(1)
    policy.zero_value()
    weights = policy.get_weights() | {"skill/bias": np.array([2.0, 0.0, 0.0], np.float32)}
    told = np.zeros((characters, CONFIG.network.mixture_slots), np.float32)
    frozen = one_policy_each([Snapshot("generation_01", weights, told)], characters)
    return context, freeze(context, frozen, Measured(np.array([[0.5]]), np.zeros((1, 1)), np.zeros((1, 1))), 1)


def played(context: Context, snapshot: Snapshot) -> np.ndarray:
    """Probability of each row."""
    policy = context.policy()
    policy.set_weights(snapshot.weights)
    seen = context.game.information_states  # type: ignore[attr-defined]
    first = Observation(*(x[:1] for x in seen))
    return np.exp(policy.log_probs(first, snapshot.mixture[:1]).numpy()[0, 1:])


def test_the_best_response_is_found(tmp_path: Path) -> None:
    """Against rock, paper."""
    context, generalists = prepared(tmp_path / "run", {"specialists.frames": 40 * FRAMES})
    (specialist,) = specialists.train(context, generalists).values()
    assert 0.7 < played(context, generalists.of(0))[ROCK] < 0.9
    assert played(context, specialist)[PAPER] > 0.9
    _, meta = read_arrays(context.run.specialist_file("player_1"))
    assert meta["generalist"] == meta["start"] == generalists.of(0).digest and meta["frames"] == 40 * FRAMES


def test_a_round_joins_the_pool_as_a_whole(tmp_path: Path) -> None:
    """In round 2 both Specialists meet both of round 1, and each begins as it was."""
    context, generalists = prepared(tmp_path / "run", {"specialists.rounds": 2}, characters=2)
    specialists.train(context, generalists)
    run, ids = context.run, context.game.characters
    after = [[run.copy_of(generalists.of(0), run.specialist_file(i, n)) for i in ids] for n in (1, 0)]
    pool = [generalists.of(0).digest]
    for number, reached in enumerate(after):
        for k, (snapshot, meta) in enumerate(reached):
            assert meta["opponents"] == pool
            assert meta["start"] == (after[number - 1][k][0].digest if number else pool[0])
            assert snapshot.digest != meta["start"]
        pool += [snapshot.digest for snapshot, _ in reached]
    assert len(set(pool)) == 5


def test_a_pool_serves_each_specialist_as_its_own_character() -> None:
    frozen, one, two = (Snapshot(name, {}, np.full((3, 1), i, np.float32)) for i, name in enumerate("abc"))
    pool = one_policy_each([frozen], 3)
    more = specialists.joined(pool, "round_01", {0: one, 2: two})
    assert more.names == ("a", "round_01") and more.serving.tolist() == [[0, 0, 0], [1, 0, 2]]
    shared = specialists.joined(more, "round_02", {0: two, 2: two})
    assert shared.serving[2].tolist() == [3, 0, 3] and len(shared.snapshots) == 4
    assert specialists.latest(shared, 1).serving.tolist() == [[1, 0, 1]]
    assert specialists.latest(shared, 0).serving.tolist() == shared.serving.tolist()


def test_a_specialist_that_gains_nothing_ends_early(tmp_path: Path) -> None:
    """Without a step size nothing is gained: after the first evaluation and three more it has converged, and so has the
    population, so that no second round is played."""
    changes = {
        "specialists.learning_rate": 0.0,
        "specialists.frames": 100 * FRAMES,
        "specialists.rounds": 3,
        "specialists.convergence.gain": 0.1,
        "specialists.convergence.updates": 2,
        "specialists.convergence.games": 60,
    }
    context, generalists = prepared(tmp_path / "run", changes)
    specialists.train(context, generalists)
    run = context.run
    _, meta = run.copy_of(generalists.of(0), run.specialist_file("player_1"))
    assert meta["updates"] == 6 and meta["gain"] == 0.0 and meta["measured_win_rate"] == pytest.approx(0.5, abs=0.1)
    assert run.specialist_file("player_1", 1).exists() and not run.specialist_file("player_1", 2).exists()
    before = {file: file.read_bytes() for file in run.path.rglob("*.npz")}
    specialists.train(context, generalists)  # started again, nothing is trained
    assert {file: file.read_bytes() for file in run.path.rglob("*.npz")} == before


OPTIONS: dict[str, dict[str, Any]] = {
    "terms and a residual critic": {
        "specialists.advantage": "residual",
        "specialists.entropy_cost": 0.01,
        "specialists.mutual_information": 0.1,
        "specialists.generalist_kl": 0.1,
        "specialists.self_play_share": 0.5,
        "specialists.frames": 4 * FRAMES,  # with self-play, three updates
    },
    "rounds that may converge": {
        "specialists.rounds": 2,
        "specialists.keep_optimizer": True,
        "specialists.convergence.gain": 0.01,
        "specialists.convergence.games": 20,
        "specialists.convergence.updates": 1,
    },
    "a cluster and its controls": {
        "specialists.clusters.count": 1,
        "specialists.clusters.by": "actions",
        "specialists.controls": ("matched", "own_critic"),
    },
}


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_resumes_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    """Asked to stop again and again, wherever it is, and started again each time."""
    characters = 2 if "cluster" in option else 1
    files = []
    for name in ("whole", "stopped"):
        context, generalists = prepared(tmp_path / name, OPTIONS[option], characters)
        if OPTIONS[option].get("specialists.keep_optimizer"):
            kept = specialists.learner_of(context, generalists.of(0))
            learner = training.Learner(context.policy(1), context.config.ppo, 1)
            context.run.write_optimizer(kept, learner.optimizer_state())
        stops = 0
        while True:
            calls = itertools.count(1)
            with monkeypatch.context() as patched:
                if name == "stopped":
                    patched.setattr(training, "requested", lambda calls=calls: next(calls) >= 3)
                try:
                    specialists.train(context, generalists)
                    break
                except Interrupted:
                    stops += 1
        assert stops == 0 if name == "whole" else stops >= 1
        there = sorted(file for file in context.run.path.rglob("*.npz") if "generalists" not in file.parts)
        files.append({str(file.relative_to(context.run.path)): file.read_bytes() for file in there})
    assert files[0].keys() == files[1].keys()
    for name in files[0]:
        assert files[0][name] == files[1][name], name


def test_controls_have_the_frames_of_the_specialists(tmp_path: Path) -> None:
    """One character over two rounds: both controls learn from as many frames, against the pool of the second."""
    changes = {"specialists.rounds": 2, "specialists.controls": ("matched", "own_critic")}
    context, generalists = prepared(tmp_path / "run", changes)
    specialists.train(context, generalists)
    run, start = context.run, {"player_1": generalists.of(0)}
    assert run.controls() == ("start", "matched", "own_critic") and run.control("start", start) == start
    trained = [run.control(name, start)["player_1"].digest for name in ("matched", "own_critic")]
    assert len({*trained, start["player_1"].digest}) == 3
    for name, advantage in (("matched", "cam"), ("own_critic", "own_critic")):
        _, meta = run.copy_of(generalists.of(0), run.control_file(name, "player_1"))
        assert meta["frames"] == 2 * 3 * FRAMES and meta["advantage"] == advantage
        assert meta["opponents"] == [
            start["player_1"].digest,
            run.read_snapshot(run.specialist_file("player_1", 1)).digest,
        ]
    with pytest.raises(CheckpointError, match=r"matched.npz was copied from the Generalist .*, but round_01 of this"):
        run.control("matched", {"player_1": Snapshot("round_01", {}, np.zeros((2, 2), np.float32))})
    with pytest.raises(CheckpointError, match="controls are start, matched, own_critic; got 'best'"):
        run.control("best", start)


def test_rows_that_are_like_each_other_are_grouped(rng: np.random.Generator) -> None:
    middles = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    kind = np.array([0, 1, 0, 2, 2, 1, 0])
    rows = middles[kind] + 0.05 * rng.normal(size=(7, 2))
    assert clusters.grouped(rows, 3) == [[0, 2, 6], [1, 5], [3, 4]]
    assert clusters.grouped(rows, 7) == [[i] for i in range(7)]
    assert clusters.grouped(rows, 1) == [list(range(7))]
    assert clusters.grouped(rows[:1], 1) == [[0]]


def test_a_cluster_has_one_specialist_and_the_control_one_network(tmp_path: Path) -> None:
    changes = {"specialists.clusters.count": 1, "specialists.frames": 2 * FRAMES}
    changes |= {"specialists.controls": ("matched",)}
    context, generalists = prepared(tmp_path / "run", changes, characters=2)
    first, second = specialists.train(context, generalists).values()
    assert first.name == "player_1" and second.name == "player_2"
    assert all(np.array_equal(first.weights[name], second.weights[name]) for name in first.weights)
    start = dict.fromkeys(context.game.characters, generalists.of(0))
    matched = context.run.control("matched", start)
    assert matched["player_1"] is not first and matched["player_1"].digest == matched["player_2"].digest != first.digest
    assert len(context.run.metrics("control_matched")) == 2  # as many frames as the one Specialist, as both characters
    rows = clusters.what_is_won(context, generalists), clusters.what_is_done(context, generalists)
    np.testing.assert_allclose(rows[0], 0.5, atol=0.35)  # rock against rock
    np.testing.assert_allclose(rows[1][:, :2], [[1.0, 0.79]] * 2, atol=0.15)  # the one movement; rock
    other = prepared(tmp_path / "other", {**changes, "seed": 2}, characters=2)[0]
    other.run.clusters_file.parent.mkdir(exist_ok=True)
    other.run.clusters_file.write_bytes(context.run.clusters_file.read_bytes())
    changed = Strategies(generalists.names, (Snapshot("else", {}, np.zeros((2, 2))),), generalists.serving)
    with pytest.raises(CheckpointError, match=r"clusters.json was made from the Generalist"):
        clusters.teams(other, changed)


def test_more_clusters_than_characters_are_refused(tmp_path: Path) -> None:
    context, generalists = prepared(tmp_path / "run", {"specialists.clusters.count": 3}, characters=2)
    with pytest.raises(ConfigError, match="count must not exceed the 2 characters that take part, got 3"):
        specialists.train(context, generalists)


class Seats(MatrixGame):
    """Its two characters are the seats of the game."""

    roles = True  # type: ignore[assignment]


def test_self_play_in_a_game_of_two_roles_is_refused(tmp_path: Path) -> None:
    seats = Seats(rock_paper_scissors().payoff, copies=2)
    context = begun(tmp_path / "run", seats, override(CONFIG, {"specialists.self_play_share": 0.5}))
    with pytest.raises(ConfigError, match="self_play_share must be 0 in matrix, whose characters are its two roles"):
        clusters.check(context)
    clusters.check(begun(tmp_path / "other", seats, CONFIG))


def test_generalists_may_inform_each_other(tmp_path: Path) -> None:
    """`mia` with its optional term: the information is measured, and the weights are others than without it."""
    policies = []
    for weight in (0.0, 1.0):
        changes = {"generalists.mutual_information": weight, "generalists.frames": 4 * FRAMES}
        context = begun(tmp_path / str(weight), game(), override(CONFIG, changes))
        policies.append(train_population(context).snapshots[0])
        lines = context.run.metrics("generation_01")
        assert all(("mutual_information" in line) == (weight > 0) for line in lines) and len(lines) == 2
        assert set(context.run.read_optimizer("generation_01")) >= {"0", "1", "2"}  # kept for its Specialists
    assert policies[0].digest != policies[1].digest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"specialists.controls": ("matched", "best")}, "controls must be one of matched, own_critic; got 'best'"),
        ({"specialists.advantage": "mm"}, "advantage must be one of cam, own_critic, residual; got 'mm'"),
        ({"specialists.entropy_cost": -0.5}, "entropy_cost must be -1 or at least 0, got -0.5"),
        ({"specialists.self_play_share": 1.5}, r"self_play_share must be in \[0.0, 1.0\], got 1.5"),
        ({"specialists.mutual_information": -1.0}, r"mutual_information must be in \[0.0, 1000.0\], got -1.0"),
        ({"specialists.clusters.by": "names"}, "ClusterConfig.by must be one of payoffs, actions; got 'names'"),
        ({"specialists.convergence.games": 1}, r"ConvergenceConfig.games must be in \[2, 1000000\], got 1"),
        (
            {"generalists.algorithm": "independent", "specialists.controls": ("matched",)},
            "need a Generalist that plays every character; GeneralistConfig.algorithm = independent leaves "
            r"one network for each \(--specialists.controls= ",
        ),
    ],
)
def test_wrong_values_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        override(CONFIG, changes)
