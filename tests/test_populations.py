"""Every population algorithm on a small matrix game: what it leaves, whom its learners meet, and a run that is stopped
and resumed."""

from __future__ import annotations

import functools
import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from camtf.algorithms import generalists, population, specialists, train_population
from camtf.config import ALGORITHMS, Config, override, preset
from camtf.evaluation.summary import summary
from camtf.games.matrix import MatrixGame
from camtf.interrupt import Interrupted
from camtf.population import training
from camtf.population.pool import UNIFORM
from camtf.population.strategies import Served, Strategies
from camtf.population.training import Context
from camtf.types import Observation
from tests.conftest import begun

GAME = MatrixGame(np.array([[0, -1, -1], [1, 0, -1], [1, 1, 0]]), rounds=3, copies=2)
"""A ladder: each row beats those before it. A policy soon beats the uniform one."""
FRAMES = 768
CONFIG = override(
    preset("test"),
    {
        "game.characters": (),
        "network.trunk": (8,),
        "network.mixture_slots": 4,
        "ppo.segment": 6,
        "ppo.minibatches": 2,
        "ppo.learning_rate": 0.02,
        "generalists.frames": FRAMES,
        "generalists.slots": 4,
        "generalists.solve_updates": 4,
        "generalists.accept_margin": 0.0,
        "generalists.measured_games": 40,
        "checkpoint_updates": 100,  # none but that of a run that is asked to stop
        "histogram_updates": 3,
    },
)
STOPPED_BY_EPSILON = {"generalists.generations": 3, "generalists.epsilon": 0.5}
"""No generation wins more than 100% against the one before it: the second one is the last."""
TASKS = {
    "mia": ("generation_01", "generation_02"),
    "neupl": ("neupl",),
    "simplex_neupl": ("simplex_neupl",),
    "psro": ("iteration_01", "iteration_02"),
    "psro_c": ("iteration_01", "iteration_02"),
    "independent": ("round_01_player_1", "round_01_player_2", "round_02_player_1", "round_02_player_2"),
}
MODES = [*((algorithm, "synchronous") for algorithm in ALGORITHMS), ("neupl", "impala")]


def config(algorithm: str, mode: str = "synchronous") -> Config:
    changes = STOPPED_BY_EPSILON if algorithm == "mia" else {}
    return override(CONFIG, {**changes, "generalists.algorithm": algorithm, "ppo.mode": mode})


Whole = Callable[[str, str], tuple[Context, Strategies]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Runs that nothing stopped, by algorithm and mode. Nothing may change them."""

    @functools.cache
    def trained(algorithm: str, mode: str) -> tuple[Context, Strategies]:
        context = begun(tmp_path_factory.mktemp(f"{algorithm}_{mode}") / "run", GAME, config(algorithm, mode))
        return context, train_population(context)

    return trained


def same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> bool:
    return one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_names_and_who_plays_them(whole: Whole, algorithm: str) -> None:
    context, strategies = whole(algorithm, "synchronous")
    snapshots = [s.name for s in strategies.snapshots]
    if algorithm.endswith("neupl"):
        assert snapshots == [f"slot_{i:02d}" for i in range(1, len(strategies))]
        assert all(same(s.weights, strategies.snapshots[0].weights) for s in strategies.snapshots)  # one network
    else:
        assert snapshots == list(TASKS[algorithm])
    first = [] if algorithm == "mia" else ["uniform"]
    if algorithm == "independent":  # each character by its own network
        assert strategies.names == ("uniform", "round_01", "round_02")
        assert strategies.serving.tolist() == [[UNIFORM, UNIFORM], [0, 1], [2, 3]]
    else:
        assert strategies.names == (*first, *snapshots)
        numbers = [*[UNIFORM] * len(first), *range(len(snapshots))]
        assert strategies.serving.tolist() == [[number, number] for number in numbers]
    assert not list((context.run.path / "checkpoints").glob("*"))  # a finished task leaves none


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_is_measured_between_strategies(whole: Whole, algorithm: str) -> None:
    context, strategies = whole(algorithm, "synchronous")
    about = context.run.read_population()
    payoffs, games, mixtures = (np.array(about[key]) for key in ("payoffs", "games", "mixtures"))
    n = len(strategies)
    assert payoffs.shape == games.shape == mixtures.shape == (n, n)
    np.testing.assert_allclose(payoffs + payoffs.T, 1.0, atol=1e-12)
    np.testing.assert_array_equal(np.diag(payoffs), 0.5)
    np.testing.assert_array_equal(games, games.T)
    assert (games[~np.eye(n, dtype=bool)] > 0).all() and not np.diag(games).any()
    assert not np.triu(mixtures).any()  # each was trained against those before it
    np.testing.assert_allclose(mixtures[1:].sum(axis=1), 1.0, atol=1e-6)
    assert 0 <= about["effective_population"] <= n
    values = about["relative_population_performance"].values()
    assert values and all(-1 <= value <= 1 for value in values)
    text = summary(context.run)
    assert all(name in text for name in strategies.names) and f"The population of {algorithm}" in text


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_the_policies_are_told(whole: Whole, algorithm: str) -> None:
    context, strategies = whole(algorithm, "synchronous")
    mixtures = np.array(context.run.read_population()["mixtures"])
    for number, snapshot in enumerate(strategies.snapshots):
        if algorithm == "mia":  # generation 1 plays itself; generation 2 itself and generation 1, half and half
            expected = np.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0]][number])
        elif algorithm.endswith("neupl"):  # its row of Sigma
            expected = np.pad(mixtures[number + 1], (0, 4 - len(mixtures)))
        else:
            expected = np.zeros(4)
        np.testing.assert_allclose(snapshot.mixture, [expected, expected], atol=1e-6)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_all_learn_from_as_many_frames(whole: Whole, algorithm: str) -> None:
    """Two generations, iterations, rounds of `FRAMES`, or one network for twice as many: up to an update of each."""
    context, _ = whole(algorithm, "synchronous")
    lines = [context.run.metrics(task) for task in TASKS[algorithm]]
    frames, updates = sum(line[-1]["frames"] for line in lines), sum(line[0]["frames"] for line in lines)
    assert 2 * FRAMES <= frames < 2 * FRAMES + updates
    assert all("effective_population" in line for task in lines for line in task)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_its_graph_is_shown(whole: Whole, algorithm: str) -> None:
    """Two pictures every three updates, U and Sigma, in each task's events for TensorBoard."""
    context, _ = whole(algorithm, "synchronous")
    for task in TASKS[algorithm]:
        (events,) = (context.run.path / "tensorboard" / task).iterdir()
        shown = [v.tag for event in tf.compat.v1.train.summary_iterator(str(events)) for v in event.summary.value]
        pictures = len(context.run.metrics(task)) // 3
        assert shown.count("payoffs") == shown.count("sigma") == pictures > 0


def test_effective_population_of_neupl_is_what_was_accepted(whole: Whole) -> None:
    """Slot 1 learns to beat the sink on a ladder; then at least one more than what was accepted trains."""
    context, strategies = whole("neupl", "synchronous")
    accepted = context.run.read_population()["effective_population"]
    assert accepted == len(strategies) - 1 >= 1
    assert context.run.metrics("neupl")[-1]["effective_population"] == accepted
    assert context.run.read_population()["payoffs"][1][0] > 0.6
    earlier = sorted(file.stem for file in (context.run.path / "earlier").iterdir())
    assert earlier == ["quarter_1", "quarter_2", "quarter_3"]
    assert list(context.run.read_population()["relative_population_performance"]) == earlier


@pytest.mark.parametrize("algorithm", ["neupl", "psro", "independent"])
def test_specialists_begin_from_every_algorithm(whole: Whole, tmp_path: Path, algorithm: str) -> None:
    """Each as a copy of who plays its character last, against all strategies of the population."""
    trained = whole(algorithm, "synchronous")[0].run.path
    changed = override(config(algorithm), {"specialists.frames": 100, "specialists.opponents": 0})
    context = begun(tmp_path / "run", GAME, changed)
    shutil.copytree(trained / "generalists", tmp_path / "run" / "generalists")
    generalists = population(context)
    specialists.train(context, generalists)
    for character, name in enumerate(GAME.characters):
        copied = generalists.of(character)
        own, meta = context.run.copy_of(copied, context.run.specialist_file(name))
        assert not same(own.weights, copied.weights)
        assert meta["opponents"] == [s.digest for s in generalists.snapshots]
        own_network = algorithm == "independent" and character == 1
        assert (copied.digest != generalists.of(0).digest) == own_network


@pytest.mark.parametrize(("algorithm", "mode"), MODES)
def test_a_stopped_run_resumes_to_the_same_bits(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algorithm: str, mode: str
) -> None:
    """Asked to stop while the first task is under way, between two, and while the second is, started again each time:
    weights, conditioning, U, Sigma, what was accepted and all metrics are those of a run that was never stopped."""
    expected_context, expected = whole(algorithm, mode)
    context = begun(tmp_path / "run", GAME, config(algorithm, mode))
    for requested in stops(context, TASKS[algorithm]):
        with monkeypatch.context() as patched:
            patched.setattr(training, "requested", requested)
            with pytest.raises(Interrupted, match=r"stopped after update \d+ of \d+"):
                train_population(context)
    found = train_population(context)
    assert found.names == expected.names
    for one, two in zip(expected.snapshots, found.snapshots, strict=True):
        assert same(one.weights, two.weights) and np.array_equal(one.mixture, two.mixture)
    assert context.run.read_population() == expected_context.run.read_population()
    for task in TASKS[algorithm]:
        lines = [
            [
                {name: value for name, value in line.items() if not name.endswith("seconds")}
                for line in run.metrics(task)
            ]
            for run in (expected_context.run, context.run)
        ]
        assert lines[0] == lines[1]  # each update stands there once


def stops(context: Context, tasks: tuple[str, ...]) -> Iterator[Callable[[], bool]]:
    """When to ask a run to stop: after two updates of its first task, as soon as that is done, after two updates of the
    second task; where there is one task alone, after eleven of its updates, which are no whole number of solutions."""
    run = context.run

    def after(task: str, updates: int) -> bool:
        return run.metrics_file(task).exists() and len(run.metrics(task)) >= updates

    if len(tasks) == 1:
        yield lambda: after(tasks[0], 10)
    else:
        yield lambda: after(tasks[0], 2)
        yield run.generalist_file(tasks[0]).exists
        yield lambda: after(tasks[1], 2)


@pytest.mark.parametrize(
    ("algorithm", "seeds"),
    [("psro", [2, 3]), ("psro_c", [1, 1]), ("independent", [1, 1])],
)
def test_what_each_network_begins_with(tmp_path: Path, algorithm: str, seeds: list[int]) -> None:
    """With a step size of 0 each ends as it began. `psro` begins every iteration from scratch; `psro_c` goes on from
    the one before, and so does a character of `independent`."""
    changes = {"ppo.learning_rate": 0.0, "generalists.frames": 1, "generalists.measured_games": 1}
    changes |= {"game.characters": ("player_1",)}
    context = begun(tmp_path / "run", GAME, override(config(algorithm), changes))
    for snapshot, seed in zip(train_population(context).snapshots, seeds, strict=True):
        assert same(snapshot.weights, context.policy(seed).get_weights()), snapshot.name


def test_opponents_of_neupl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told their own row of Sigma and act by the weights that the learner had when the unroll began."""
    told: list[tuple[np.ndarray, np.ndarray]] = []
    weights: list[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]] = []
    act, refresh = Served.act, Served.refresh
    learner: list[Any] = []

    def acted(self: Served, observation: Observation, strategy: np.ndarray, *given: np.ndarray) -> np.ndarray:
        told.append((strategy.copy(), given[1].copy()))
        weights.append((self.pool.snapshots[0].weights, learner[0].get_weights()))
        return act(self, observation, strategy, *given)

    def refreshed(self: Served, policy: Any) -> None:
        learner[:] = [policy]
        refresh(self, policy)

    monkeypatch.setattr(Served, "act", acted)
    monkeypatch.setattr(Served, "refresh", refreshed)
    train_population(begun(tmp_path / "run", GAME, config("neupl")))
    strategies, mixtures = np.concatenate([s for s, _ in told]), np.concatenate([m for _, m in told])
    assert {0, 1} <= set(strategies)  # slot 1, once it was accepted
    np.testing.assert_array_equal(mixtures[strategies == 0], 0.0)  # the sink has no row
    np.testing.assert_array_equal(mixtures[strategies == 1][:, 0], 1.0)
    for later in set(strategies) - {0}:
        np.testing.assert_allclose(mixtures[strategies == later].sum(axis=1), 1.0, atol=1e-6)
        assert not mixtures[strategies == later][:, later:].any()
    unrolls = [weights[i : i + CONFIG.ppo.segment] for i in range(0, len(weights), CONFIG.ppo.segment)]
    assert len(unrolls) == 24
    for unroll in unrolls:
        assert all(same(opponents, own) for opponents, own in unroll)
    firsts = [unroll[0][0] for unroll in unrolls]
    assert not any(same(one, two) for one, two in itertools.pairwise(firsts))


@pytest.mark.parametrize(
    ("newest", "epsilon", "expected"),
    [(0.576, 0.076, True), (0.577, 0.076, False), (0.4, 0.076, True), (0.4, 0.0, False)],
)
def test_mia_has_converged(newest: float, epsilon: float, expected: bool) -> None:
    """By the newest generation against the one before it; what it wins from older ones does not matter."""
    payoffs = np.array([[0.5, 0.5, 0.1], [0.5, 0.5, 1 - newest], [0.9, newest, 0.5]])
    assert generalists.converged(payoffs, epsilon) == expected
    assert not generalists.converged(payoffs[:1, :1], epsilon)
