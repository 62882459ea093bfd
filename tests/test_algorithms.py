"""Both stages of the duel in small: what is trained, from what, against whom; and a run that is stopped and resumed.

What holds for each of the population algorithms is in `tests.test_populations`."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from camtf.algorithms import population, specialists, train_population
from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.config import override, preset
from camtf.evaluation.yardstick import periodic_evaluation
from camtf.files import read_arrays
from camtf.games.duel.bots import BOTS
from camtf.games.duel.env import DuelGame
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster
from camtf.interrupt import Interrupted
from camtf.learn.moments import NotFiniteError
from camtf.population import training
from camtf.population.training import Context
from camtf.types import Observation, Snapshot, Step
from tests.conftest import begun

CONFIG = preset("test")


def train(context: Context) -> list[Snapshot]:
    """Stage 1: its policies, in order."""
    return list(train_population(context).snapshots)


def equal(a: Snapshot, b: Snapshot) -> bool:
    return all(np.array_equal(a.weights[name], b.weights[name]) for name in a.weights)


def test_a_run_leaves_what_it_says(run: RunDirectory, roster: Roster) -> None:
    generations = run.generalists()
    assert [g.name for g in generations] == ["generation_01", "generation_02"]
    assert not equal(*generations)
    played = [roster.index(i) for i in CONFIG.game.characters]
    # Generation 1 plays itself; generation 2 itself and generation 1, half and half.
    np.testing.assert_allclose(generations[0].mixture[played][:, :2], [[1, 0], [1, 0]])
    np.testing.assert_allclose(generations[1].mixture[played][:, :2], [[0.5, 0.5], [0.5, 0.5]], atol=1e-6)
    own = [run.read_snapshot(run.specialist_file(i)) for i in CONFIG.game.characters]
    assert not equal(*own) and not any(equal(generations[-1], s) for s in own)
    _, meta = read_arrays(run.specialist_file("ember_fox"))
    assert meta["frames"] >= CONFIG.specialists.frames and len(meta["fingerprint"]) == 16


def test_a_finished_run_trains_nothing_again(run: RunDirectory, duel: Duel) -> None:
    before = {file: file.read_bytes() for file in run.path.rglob("*.npz")}
    context = Context(CONFIG, duel, run)
    specialists.train(context, train_population(context))
    assert {file: file.read_bytes() for file in run.path.rglob("*.npz")} == before


def stop_after(updates: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run is asked to stop by the n-th time that it looks, which it does before a phase and at each update."""
    calls = itertools.count(1)
    monkeypatch.setattr(training, "requested", lambda: next(calls) >= updates)


def test_a_damaged_checkpoint_stops_the_run(duel: Duel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, and so is the one before it; moved away, the run goes on from that to the same bits."""
    config = override(CONFIG, {"generalists.frames": 6_000})
    expected = train(begun(tmp_path / "whole", duel, config))
    context = begun(tmp_path / "run", duel, config)
    run = context.run
    with monkeypatch.context() as patched:
        stop_after(5, patched)
        with pytest.raises(Interrupted):
            train(context)
    folder = run.path / "checkpoints" / "generation_01"
    assert sorted(file.name for file in folder.iterdir()) == ["00000003.npz", "00000004.npz"]  # the last two are kept
    newest = folder / "00000004.npz"
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"00000004.npz is damaged.*; move it away to go on from 00000003.npz"):
        train(context)
    newest.unlink()
    for one, two in zip(expected, train(context), strict=True):
        assert equal(one, two)


class FaultyGame(DuelGame):
    """The duel, until in the third unroll a reward is NaN."""

    steps = 0

    def step(self, actions: np.ndarray, out: Observation | None = None) -> tuple[Observation, Step]:
        observation, step = super().step(actions, out)
        self.steps += 1
        if self.steps == 2 * CONFIG.ppo.segment + 5:
            step.reward[0, 3] = np.nan
        return observation, step


@pytest.mark.parametrize("mode", ["synchronous", "impala"])
def test_what_is_not_finite_is_never_saved(
    duel: Duel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """A NaN reward ends the run before its update is saved; with the fault mended it goes on to the same bits."""
    config = override(CONFIG, {"ppo.mode": mode, "generalists.frames": 2_500, "generalists.generations": 1})
    expected = train(begun(tmp_path / "whole", duel, config))
    context = begun(tmp_path / "run", duel, config)
    run = context.run
    with monkeypatch.context() as patched:
        patched.setattr("camtf.games.duel.game.DuelGame", FaultyGame)
        with pytest.raises(NotFiniteError, match=r"^update 3: reward, advantage, .* became infinite or NaN"):
            train(context)
    assert [line["update"] for line in run.metrics("generation_01")] == [1, 2]
    for file in run.path.rglob("*.npz"):
        assert all(np.isfinite(array).all() for array in read_arrays(file)[0].values() if array.dtype.kind == "f"), file
    assert equal(*expected, *train(context))


def test_first_update_of_impala_is_the_synchronous_one(duel: Duel, tmp_path: Path) -> None:
    """The first unroll is the present policy's own, where V-trace is the lambda-return; then the two part."""
    weights = {}
    for mode in ("synchronous", "impala"):
        for updates in (1, 3):
            config = override(
                CONFIG, {"ppo.mode": mode, "generalists.generations": 1, "generalists.frames": 640 * updates}
            )
            (snapshot,) = train(begun(tmp_path / f"{mode}{updates}", duel, config))
            weights[mode, updates] = snapshot.weights
    for name, weight in weights["synchronous", 1].items():
        np.testing.assert_allclose(weights["impala", 1][name], weight, atol=1e-5)
    assert any(not np.allclose(weights["impala", 3][n], w, atol=1e-5) for n, w in weights["synchronous", 3].items())


def test_metrics_are_written_for_people_and_for_tensorboard(duel: Duel, tmp_path: Path) -> None:
    changes = {"histogram_updates": 2, "evaluation.yardstick_updates": 2, "evaluation.yardstick_games": 4}
    config = override(CONFIG, {**changes, "generalists.generations": 1})

    periodic = periodic_evaluation(duel, config.evaluation.yardstick_games)
    context = dataclasses.replace(begun(tmp_path / "run", duel, config), periodic=periodic)
    train(context)
    run = context.run
    lines = run.metrics("generation_01")
    assert [line["update"] for line in lines] == [1, 2]
    bots = {f"v_{name}" for name in BOTS}
    assert bots <= set(lines[1]) and not bots & set(lines[0]) and all(0 <= lines[1][bot] <= 1 for bot in bots)
    seconds = {"act_game_seconds", "act_learner_seconds", "act_opponents_seconds", "gradient_seconds",
               "allreduce_seconds"}  # fmt: skip
    assert all(line[name] >= 0 for line in lines for name in seconds)
    (events,) = (run.path / "tensorboard" / "generation_01").iterdir()
    tags = {v.tag for event in tf.compat.v1.train.summary_iterator(str(events)) for v in event.summary.value}
    assert {"kl", "explained_variance", "v_rusher", "trunk_1/kernel"} <= tags
    assert {"payoffs", "sigma", "effective_population"} <= tags


def test_specialists_are_independent_of_each_other(run: RunDirectory, duel: Duel, tmp_path: Path) -> None:
    """One that is trained again alone is the same as in its place in the row."""
    shutil.copytree(run.path, tmp_path / "run")
    other = RunDirectory(tmp_path / "run")
    other.specialist_file("gale_archer").unlink()
    again = specialists.train(Context(CONFIG, duel, other), population(Context(CONFIG, duel, other)))
    assert equal(again["gale_archer"], run.read_snapshot(run.specialist_file("gale_archer")))


def test_a_specialist_of_another_generalist_is_refused(run: RunDirectory, duel: Duel, tmp_path: Path) -> None:
    """A finished one, before any other is trained, and one under way."""
    shutil.copytree(run.path, tmp_path / "run")
    other = RunDirectory(tmp_path / "run")
    first, last = other.generalists()
    other.write_snapshot(other.generalist_file("generation_02"), first, {})
    other.specialist_file("gale_archer").unlink()
    metrics = other.metrics_file("specialist_gale_archer").read_bytes()
    with pytest.raises(CheckpointError, match=rf"ember_fox.npz was copied .* {last.digest}, but .* is {first.digest}"):
        specialists.train(Context(CONFIG, duel, other), population(Context(CONFIG, duel, other)))
    assert other.metrics_file("specialist_gale_archer").read_bytes() == metrics
    other.specialist_file("ember_fox").unlink()
    meta = {"updates": 1, "unrolls": 1, "ranks": 1, "origin": last.digest}
    other.write_checkpoint("specialist_ember_fox", 1, {}, meta, keep=2)
    with pytest.raises(
        CheckpointError, match=rf"specialist_ember_fox began as .* {last.digest}, but .* is {first.digest}"
    ):
        specialists.train(Context(CONFIG, duel, other), population(Context(CONFIG, duel, other)))


def test_no_self_play_is_a_share_too(duel: Duel, tmp_path: Path) -> None:
    """Generation 1, which has no other opponents, plays itself nevertheless; generation 2 plays generation 1 alone."""
    config = override(CONFIG, {"generalists.self_play_share": 0.0})
    first, second = train(begun(tmp_path / "run", duel, config))
    played = [duel.roster.index(i) for i in CONFIG.game.characters]
    np.testing.assert_allclose(first.mixture[played][:, :2], [[1, 0], [1, 0]])
    np.testing.assert_allclose(second.mixture[played][:, :2], [[1, 0], [1, 0]], atol=1e-6)
    assert not equal(first, second)


def test_own_critic_differs_from_the_comparative_advantage(run: RunDirectory, duel: Duel, tmp_path: Path) -> None:
    config = override(CONFIG, {"specialists.advantage": "own_critic"})
    context = begun(tmp_path / "run", duel, config)
    shutil.copytree(run.path / "generalists", context.run.path / "generalists")
    control = specialists.train(context, population(context))
    assert not equal(control["ember_fox"], run.read_snapshot(run.specialist_file("ember_fox")))
