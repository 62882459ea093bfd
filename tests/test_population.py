"""Both stages in small: what is trained, from what, against whom; and a run that is stopped and resumed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from camtf.checkpoint import CheckpointError, RunDirectory, read_arrays
from camtf.config import Config, override, preset
from camtf.game.env import DuelGame
from camtf.game.observation import duel_spec
from camtf.game.roster import Roster, RosterError
from camtf.model.policy import Policy
from camtf.population import generalists, specialists
from camtf.population.pool import Pool
from camtf.types import Observation, Snapshot

CONFIG = preset("test")


def start(folder: Path, roster: Roster, config: Config = CONFIG) -> RunDirectory:
    run = RunDirectory(folder)
    run.begin(config, roster, write=True)
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, roster: Roster) -> RunDirectory:
    """A whole run of the test preset."""
    run = start(tmp_path_factory.mktemp("whole") / "run", roster)
    specialists.train(CONFIG, roster, run, generalists.train(CONFIG, roster, run))
    return run


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


def test_a_finished_run_trains_nothing_again(run: RunDirectory, roster: Roster) -> None:
    before = {file: file.read_bytes() for file in run.path.rglob("*.npz")}
    specialists.train(CONFIG, roster, run, generalists.train(CONFIG, roster, run))
    assert {file: file.read_bytes() for file in run.path.rglob("*.npz")} == before


class Stop(Exception):
    """Raised where a test interrupts a run."""


@pytest.mark.parametrize("after", [2, 5])
def test_a_stopped_run_resumes_to_the_same_bits(
    run: RunDirectory, roster: Roster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Stopped after some updates: in generation 1, and at the first update of generation 2."""
    other = start(tmp_path / "run", roster)
    lines = 0
    append = RunDirectory.append_metrics

    def stop_after(self: RunDirectory, line: dict) -> None:
        nonlocal lines
        append(self, line)
        lines += 1
        if lines == after:
            raise Stop

    with monkeypatch.context() as patched:
        patched.setattr(RunDirectory, "append_metrics", stop_after)
        with pytest.raises(Stop):
            generalists.train(CONFIG, roster, other)
    assert other.checkpoint_file.exists()
    resumed = generalists.train(CONFIG, roster, other)
    for one, two in zip(run.generalists(), resumed, strict=True):
        assert equal(one, two)
        assert np.array_equal(one.mixture, two.mixture)


def test_a_damaged_checkpoint_stops_the_run(run: RunDirectory, roster: Roster, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    other = RunDirectory(tmp_path / "run")
    other.generalist_file(2).unlink()
    other.checkpoint_file.write_bytes(other.checkpoint_file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"checkpoint.npz is damaged"):
        generalists.train(CONFIG, roster, other)


def test_specialists_are_independent_of_each_other(run: RunDirectory, roster: Roster, tmp_path: Path) -> None:
    """One that is trained again alone is the same as in its place in the row."""
    shutil.copytree(run.path, tmp_path / "run")
    other = RunDirectory(tmp_path / "run")
    other.specialist_file("gale_archer").unlink()
    again = specialists.train(CONFIG, roster, other, other.generalists())
    assert equal(again["gale_archer"], run.read_snapshot(run.specialist_file("gale_archer")))


def test_own_critic_differs_from_the_comparative_advantage(run: RunDirectory, roster: Roster, tmp_path: Path) -> None:
    config = override(CONFIG, {"specialists.advantage": "own_critic"})
    other = start(tmp_path / "run", roster, config)
    shutil.copytree(run.path / "generalists", other.path / "generalists")
    control = specialists.train(config, roster, other, other.generalists())
    assert not equal(control["ember_fox"], run.read_snapshot(run.specialist_file("ember_fox")))


def test_an_unknown_participant_is_named(roster: Roster) -> None:
    with pytest.raises(RosterError, match="unknown character 'nobody'"):
        generalists.participants(override(CONFIG, {"game.characters": ("nobody",)}), roster)


def test_a_pool_plays_each_row_by_its_snapshot(run: RunDirectory, roster: Roster, rng: np.random.Generator) -> None:
    snapshots = run.generalists()
    pool = Pool(CONFIG.network, duel_spec(roster), snapshots)
    game = DuelGame(roster, 16, 1)
    characters = rng.integers(0, 2, (2, 16))
    observation = Observation(*(x[0] for x in game.reset(characters)))
    uniforms = rng.random((16, 19)).astype(np.float32)
    which = np.arange(16) % 2
    together = pool.act(observation, which, characters[0], uniforms)
    for s, snapshot in enumerate(snapshots):
        policy = Policy(CONFIG.network, duel_spec(roster))
        policy.set_weights(snapshot.weights)
        rows = which == s
        alone, _, _ = policy.act(
            Observation(*(x[rows] for x in observation)), snapshot.mixture[characters[0][rows]], uniforms[rows]
        )
        np.testing.assert_array_equal(together[rows], alone.numpy())
    assert pool.act(Observation(*(x[:0] for x in observation)), which[:0], which[:0], uniforms[:0]).shape == (0, 2)
