"""Files of a run: whole or not there, checked when read, without pickle; and what a full disk does to a run."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from camtf import evaluate, files
from camtf.algorithms import train_population
from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.config import override, preset
from camtf.files import FileError
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster
from camtf.monitor import Monitor
from camtf.population import training
from camtf.population.training import Context
from camtf.types import Snapshot
from tests.damage import full_disk, mutations, replace

SNAPSHOT = Snapshot("generation_01", {"trunk/kernel": np.ones((2, 2))}, np.zeros((3, 4), np.float32))
STATE = {"variable:0": np.arange(6, dtype=np.float32), "match:ids": np.array([1 << 60]), "state:sigma": np.ones((2, 2))}
LINES = [{"update": n, "frames": 640 * n, "kl": 0.1 / n} for n in range(1, 8)]


def population(*names: str) -> dict[str, Any]:
    """What ``population.json`` says of strategies of which each has a policy of its own."""
    payoffs = [[0.5] * len(names)] * len(names)
    serving = [[i] * 3 for i in range(len(names))]
    return {"strategies": list(names), "snapshots": list(names), "serving": serving, "payoffs": payoffs}


@pytest.fixture
def begun(tmp_path: Path, roster: Roster) -> RunDirectory:
    """A run with one file of each kind."""
    run = RunDirectory(tmp_path / "run")
    run.begin(override(preset("test"), {"generalists.generations": 1}), Duel(roster), write=True)
    run.write_snapshot(run.generalist_file("generation_01"), SNAPSHOT, {"frames": 5})
    run.write_population(population("generation_01"))
    for line in LINES:
        run.append_metrics("x", line)
    run.write_checkpoint("x", 7, STATE, {"updates": 7, "unrolls": 7, "ranks": 1}, keep=2)
    return run


def plain(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in arrays.items()}


def read_configuration(run: RunDirectory, roster: Roster) -> Any:
    run.check_game(Duel(roster))
    return run.config()


def read_snapshot(run: RunDirectory, roster: Roster) -> Any:
    (snapshot,) = run.generalists()
    return snapshot.name, plain(snapshot.weights), plain({"": snapshot.mixture})


def read_population(run: RunDirectory, roster: Roster) -> Any:
    return run.read_population()


def read_checkpoint(run: RunDirectory, roster: Roster) -> Any:
    saved = run.read_checkpoint("x")
    return saved and (plain(saved[0]), saved[1])


def read_metrics(run: RunDirectory, roster: Roster) -> Any:
    """As a run does that goes on after its seventh update."""
    run.trim_metrics("x", 7)
    return run.metrics("x")


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("config.json", read_configuration),
        ("generalists/generation_01.npz", read_snapshot),
        ("generalists/population.json", read_population),
        ("checkpoints/x/00000007.npz", read_checkpoint),
        ("metrics/x.jsonl", read_metrics),
    ],
)
def test_damage_is_found(
    begun: RunDirectory, roster: Roster, name: str, read: Callable[[RunDirectory, Roster], Any]
) -> None:
    """What is read is what was written, or the error names the file."""
    file = begun.path / name
    whole, expected = file.read_bytes(), read(begun, roster)
    refused = 0
    for damaged in mutations(whole, 300):
        replace(file, damaged)
        try:
            assert read(begun, roster) == expected
        except CheckpointError as error:
            assert str(file) in str(error)
            refused += 1
    assert refused > 200


def test_files_of_before_are_refused(begun: RunDirectory) -> None:
    np.savez(begun.generalist_file("generation_01"), __meta__=np.array("{}"), mixture=np.zeros(1))
    with pytest.raises(CheckpointError, match=r"generation_01.npz is damaged or of an earlier version"):
        begun.generalists()
    begun.metrics_file("x").write_text('{"update": 1}\n')
    with pytest.raises(CheckpointError, match=r"x.jsonl is damaged or of an earlier version"):
        begun.metrics("x")
    (begun.path / "config.json").write_text('{"config": {}}\n')
    with pytest.raises(CheckpointError, match=r"config.json is damaged or of an earlier version"):
        begun.config()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "none")
    with pytest.raises(CheckpointError, match=r"is not a run directory"):
        run.config()
    with pytest.raises(CheckpointError, match=r"ember_fox.npz does not exist"):
        run.read_snapshot(run.specialist_file("ember_fox"))
    with pytest.raises(CheckpointError, match=r"x.jsonl does not exist"):
        run.metrics("x")
    assert run.read_checkpoint("x") is None


def test_metrics_go_on_where_the_checkpoint_is(begun: RunDirectory) -> None:
    """Lines after it go, whole, torn or damaged; those before it must be there, unless the file was moved away."""
    file = begun.metrics_file("x")
    whole = file.read_bytes()
    for later in (b"", b'{"update": 8', b"\0" * 100, b'{"update": 8, "crc32": "00000000"}\n', whole):
        file.write_bytes(whole + later)
        begun.trim_metrics("x", 7)
        assert file.read_bytes() == whole
    begun.trim_metrics("x", 3)
    begun.append_metrics("x", LINES[3])
    assert begun.metrics("x") == LINES[:4]
    with pytest.raises(CheckpointError, match=r"x.jsonl is damaged: it ends before update 7; move it away to go on"):
        begun.trim_metrics("x", 7)
    begun.trim_metrics("x", 0)
    assert not file.exists()
    begun.trim_metrics("x", 7)
    begun.append_metrics("x", {"update": 8})
    begun.trim_metrics("x", 8)
    assert begun.metrics("x") == [{"update": 8}]


def test_a_run_belongs_to_its_configuration_and_roster(tmp_path: Path, roster: Roster, plain: Roster) -> None:
    run, config = RunDirectory(tmp_path / "run"), preset("test")
    run.begin(config, Duel(roster), write=True)
    run.begin(config, Duel(roster), write=True)  # the same again is a resume
    assert run.config() == config
    with pytest.raises(CheckpointError, match=r"another configuration \(ppo.clip_epsilon: 0.2 there, 0.3 given\)"):
        run.begin(override(config, {"ppo.clip_epsilon": 0.3}), Duel(roster), write=True)
    with pytest.raises(CheckpointError, match=r"the run has the game \(rules and roster\) \w{16}, given is \w{16}"):
        run.begin(config, Duel(plain), write=True)
    files.write_json(tmp_path / "run" / "config.json", {"config": {"sed": 1}, "game_digest": ""})
    with pytest.raises(CheckpointError, match=r"not a configuration of this version"):
        run.config()
    files.write_json(tmp_path / "run" / "config.json", {"characters": [], "bots": {}})
    with pytest.raises(CheckpointError, match=r"is not the configuration of a run: it holds characters, bots"):
        run.config()


def test_snapshots_come_back(begun: RunDirectory) -> None:
    (back,) = begun.generalists()
    assert back.name == "generation_01" and np.array_equal(back.weights["trunk/kernel"], np.ones((2, 2)))
    for arrays in ({"a": np.zeros(1)}, STATE):
        files.write_arrays(begun.path / "x.npz", arrays, {})
        with pytest.raises(CheckpointError, match=r"x.npz holds no policy"):
            begun.read_snapshot(begun.path / "x.npz")


def test_a_full_disk_stops_a_run_and_nothing_is_lost(
    run: RunDirectory, tmp_path: Path, roster: Roster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full from the first update of generation 2 on; with room, the run ends as if nothing had been."""
    config, other = run.config(), RunDirectory(tmp_path / "other")
    with full_disk(1000), pytest.raises(FileError, match=r"config.json cannot be written: files may not become so"):
        other.begin(config, Duel(roster), write=True)
    other = RunDirectory(tmp_path / "other")
    other.begin(config, Duel(roster), write=True)
    context = Context(config, Duel(roster), other)
    updates = itertools.count(1)
    with monkeypatch.context() as patched, contextlib.ExitStack() as full:

        def fill() -> bool:
            if next(updates) == 4:  # of looks: before a generation and at each update
                full.enter_context(full_disk(100_000))
            return False

        patched.setattr(training, "requested", fill)
        with pytest.raises(FileError, match=r"generation_02/00000001.npz cannot be written: .* start the same command"):
            train_population(context)
    first, second = (f"generation_{tau:02d}" for tau in (1, 2))
    assert other.generalist_file(first).read_bytes() == run.generalist_file(first).read_bytes()
    assert not list(other.path.rglob("*.tmp")) and other.read_checkpoint(second) is None
    assert not other.has_population()
    train_population(context)
    assert other.generalist_file(second).read_bytes() == run.generalist_file(second).read_bytes()
    assert other.read_population() == run.read_population()
    lines = [[line["kl"] for line in r.metrics("generation_02")] for r in (run, other)]
    assert lines[0] == lines[1]


def test_monitoring_on_a_full_disk(tmp_path: Path) -> None:
    """Metrics first, then TensorBoard's file, which TensorFlow writes."""
    run = RunDirectory(tmp_path)
    metrics = {"win_rate": 0.5, "entropy": 1.0, "kl": 0.1} | {f"v_{i}": 0.5 for i in range(40)}
    policy: Any = None  # no histograms
    for limit_bytes, where in ((500, r"metrics/x.jsonl"), (2000, r"tensorboard/x")):
        monitor = Monitor(run, "x", 2, 0, 640, preset("test"))
        run.trim_metrics("x", 0)
        with full_disk(limit_bytes), pytest.raises(FileError, match=rf"{where} cannot be written: files may not"):
            monitor.update(1, metrics, policy, dict)
    assert run.metrics("x") == [{"update": 1, "frames": 640, **metrics}]


def test_evaluation_on_a_full_disk(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was measured is shown all the same. First with room, so that Numba has kept what it compiles."""
    copy = RunDirectory(shutil.copytree(run.path, tmp_path / "copy"))
    monkeypatch.setattr(
        evaluate,
        "FLAGS",
        SimpleNamespace(
            run_dir=str(copy.path),
            games=1,
            bot_games=1,
            seed=5,
            opponents=[],
            against=[],
            exploiters=0,
            exploiter_frames=1,
        ),
    )
    evaluate.main()
    (copy.path / "evaluation.json").unlink()
    capsys.readouterr()
    with full_disk(1000), pytest.raises(SystemExit, match=r"^error: .*evaluation.json cannot be written: [^\n]*$"):
        evaluate.main()
    assert "Ember Fox" in capsys.readouterr().out and not (copy.path / "evaluation.json").exists()


def test_training_says_so_in_one_line(tmp_path: Path) -> None:
    """As a user sees it: the command under a shell's limit."""
    train = f"{sys.executable} -m camtf.train --preset=test --run_dir={tmp_path / 'run'}"
    done = subprocess.run(
        ["sh", "-c", f"ulimit -f 1; exec {train}"], cwd=Path(__file__).parents[1], capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    (line,) = (line for line in done.stderr.splitlines() if "cannot be written" in line)
    assert line.startswith("error: ") and "run/config.json cannot be written: files may not become so large" in line
    assert done.returncode == 1 and done.stderr.endswith(f"{line}\n") and "Traceback" not in done.stderr
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["lock"]


def test_what_does_not_change_training_may_change(tmp_path: Path, roster: Roster) -> None:
    """And stands in config.json afterwards, which keeps all else; another setting beside it is refused."""
    run, config = RunDirectory(tmp_path / "run"), preset("test")
    run.begin(config, Duel(roster), write=True)
    before = files.read_json(run.path / "config.json")
    changes = {
        "evaluation.games": 9, "evaluation.bot_games": 9, "evaluation.yardstick_updates": 3, "checkpoints_kept": 5,
        "evaluation.yardstick_games": 2, "checkpoint_updates": 7, "histogram_updates": 0, "specialists.groups": 2,
        "game.roster": "moved",
    }  # fmt: skip
    other = override(config, changes)
    run.begin(other, Duel(roster), write=False)
    assert run.config() == config  # only who writes takes them over
    run.begin(other, Duel(roster), write=True)
    assert run.config() == other
    after = files.read_json(run.path / "config.json")
    assert {**after, "config": 0} == {**before, "config": 0}
    with pytest.raises(CheckpointError, match=r"another configuration \(seed: 1 there, 2 given\)"):
        run.begin(override(config, {"seed": 2}), Duel(roster), write=True)
    assert run.config() == other


def policy(name: str, value: float = 1.0) -> Snapshot:
    return Snapshot(name, {"trunk/kernel": np.full((2, 2), value, np.float32)}, np.zeros((3, 4), np.float32))


def test_a_digest_says_which_policy_it_is() -> None:
    """Whatever its name and the order of its weights; other weights, paths or mixtures are another one."""
    two = {"a": np.ones((2, 3), np.float32), "b": np.zeros(4, np.float32)}
    one = Snapshot("x", two, np.zeros((3, 4), np.float32))
    assert len(one.digest) == 16 and int(one.digest, 16) >= 0
    assert Snapshot("y", dict(reversed(two.items())), one.mixture).digest == one.digest
    others = [
        Snapshot("x", {**two, "b": np.full(4, 1e-9, np.float32)}, one.mixture),
        Snapshot("x", {"a": two["a"], "c": two["b"]}, one.mixture),
        Snapshot("x", two, np.full((3, 4), 0.25, np.float32)),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 4


def test_a_population_is_whole_and_in_order(tmp_path: Path, roster: Roster) -> None:
    """In the order in which it was trained, also the hundredth, whose name sorts before the ninety-ninth. What is
    unfinished or lacks a policy is refused."""
    run, names = RunDirectory(tmp_path), [f"generation_{tau:02d}" for tau in range(1, 102)]
    run.begin(preset("test"), Duel(roster), write=True)
    with pytest.raises(CheckpointError, match=r"holds no finished population \(nothing so far\); finish the"):
        run.generalists()
    for name in names:
        run.write_snapshot(run.generalist_file(name), policy(name), {})
    with pytest.raises(CheckpointError, match=r"\(generation_01, .* so far\); finish .* --stage=generalists"):
        run.generalists()
    assert not run.has_population()
    run.write_population(population(*names))
    assert run.has_population() and [g.name for g in run.generalists()] == names
    run.generalist_file("generation_03").unlink()
    with pytest.raises(CheckpointError, match=r"generation_03.npz does not exist"):
        run.generalists()
    run.write_population({"strategies": names})
    with pytest.raises(CheckpointError, match=r"population.json is no population: it holds strategies"):
        run.generalists()


def test_the_newest_checkpoint_is_that_of_the_largest_number(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    for update in (99_999_998, 99_999_999, 100_000_000):
        run.write_checkpoint("phase", update, STATE, {"update": update}, keep=2)
    saved = run.read_checkpoint("phase")
    assert saved and saved[1]["update"] == 100_000_000
    assert len(list((tmp_path / "checkpoints" / "phase").iterdir())) == 2


def test_a_specialist_belongs_to_its_generalist(tmp_path: Path) -> None:
    run, generalist, other = RunDirectory(tmp_path), policy("generation_02"), policy("generation_02", 2.0)
    run.write_snapshot(run.specialist_file("fox"), policy("fox", 3.0), {"generalist": generalist.digest})
    assert run.specialist("fox", generalist).digest == policy("fox", 3.0).digest
    with pytest.raises(CheckpointError, match=rf"fox.npz was copied from the Generalist {generalist.digest}, but "
                                              rf"generation_02 of this run is {other.digest}"):  # fmt: skip
        run.specialist("fox", other)
    run.write_snapshot(run.specialist_file("owl"), policy("owl"), {})
    with pytest.raises(CheckpointError, match=r"owl.npz was copied from the Generalist None"):
        run.specialist("owl", generalist)
