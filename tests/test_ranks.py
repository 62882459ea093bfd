"""Horovod with real processes: what two ranks compute, apart and together, and that nothing kills a run."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from camtf.checkpoint import RunDirectory
from camtf.files import read_arrays
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.roster import load_roster
from camtf.model.policy import Policy
from tests.test_learner import NETWORK

POPULATIONS = ("neupl", "simplex_neupl", "mia", "psro", "independent")
"""What `tests.ranks_program` trains, too; four ranks, which two cores share, the first alone. Nothing that ranks share
tells `psro_c` from `psro`."""

ROOT = Path(__file__).parents[1]
TRAIN = [sys.executable, "-m", "camtf.train", "--preset=test"]


def horovodrun(ranks: int, command: list[str], **kwargs: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(ROOT / "launch" / "horovodrun"), "-np", str(ranks), "--disable-cache", *command],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs,
    )  # fmt: skip


def finished(process: subprocess.Popen[str], seconds: float = 400) -> str:
    """What it printed, once it has ended well."""
    text, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0, text[-3000:]
    return text


def weights(run_dir: Path) -> dict[str, dict[str, np.ndarray]]:
    """All arrays of every finished policy of a run."""
    files = sorted(run_dir.glob("*s/*.npz"))
    return {str(file.relative_to(run_dir)): read_arrays(file)[0] for file in files}


@pytest.mark.ranks
def test_one_two_and_four_ranks_compute_the_same(tmp_path: Path) -> None:
    results = []
    for ranks in (1, 2, 4):
        file = tmp_path / f"{ranks}.npz"
        algorithms = POPULATIONS[:1] if ranks == 4 else POPULATIONS
        finished(horovodrun(ranks, [sys.executable, "-m", "tests.ranks_program", str(file), *algorithms]))
        results.append(dict(np.load(file)))
    one = results[0]
    names = Policy(NETWORK, duel_spec(load_roster())).get_weights().keys()
    trained = {name for name in one if name.split("|")[0] in POPULATIONS}
    assert one.keys() - trained == {"reward", "wins", "drawn", "evaluation"} | {
        name.replace("/", "|") for name in names
    }
    assert 0 < one["wins"].sum() < one["wins"].size * 4  # of four battles each
    for left_out, more in (((), results[1]), (POPULATIONS[1:], results[2])):
        assert more.keys() == {name for name in one if name.split("|")[0] not in left_out}
        # The battles of the first segment are the same bit for bit: same weights, same chance. Later ones may part by
        # the order of floating-point sums.
        assert np.array_equal(one["reward"][:, :20], more["reward"][:, :20])
        assert np.array_equal(one["wins"], more["wins"])  # a network against a bot: the same in every pair
        assert str(one["evaluation"]) == str(more["evaluation"])  # every measure, to the last bit
        for name in more.keys() - {"reward", "wins", "evaluation"}:
            np.testing.assert_allclose(more[name], one[name], atol=2e-4, err_msg=name)
    for algorithm in POPULATIONS:
        assert f"{algorithm}|payoffs" in trained and (one[f"{algorithm}|payoffs"] != 0.5).any()


@pytest.mark.ranks
def test_two_groups_train_what_one_rank_trains(tmp_path: Path) -> None:
    """Each of two ranks is a group of its own and trains Specialists, one of them one more than the other: bit for bit
    what one rank trains alone."""
    train = [*TRAIN, "--generalists.generations=1", "--game.characters=ember_fox,gale_archer,iron_bull"]
    finished(horovodrun(1, [*train, f"--run_dir={tmp_path}/alone"]))
    shutil.copytree(tmp_path / "alone" / "generalists", tmp_path / "apart" / "generalists")
    text = finished(
        horovodrun(2, [*train, f"--run_dir={tmp_path}/apart", "--stage=specialists", "--specialists.groups=2"])
    )
    done = {name: f"specialist_{name} is done" in text for name in ("ember_fox", "gale_archer", "iron_bull")}
    assert "[0]<stderr>" in text and all(done.values()), done
    alone, apart = weights(tmp_path / "alone"), weights(tmp_path / "apart")
    assert alone.keys() == apart.keys() and "specialists/ember_fox.npz" in alone
    for file, arrays in alone.items():
        assert all(np.array_equal(array, apart[file][name]) for name, array in arrays.items()), file
    # Gone on with by one rank, which two groups cannot share.
    gone = RunDirectory(tmp_path / "apart").specialist_file("gale_archer")
    gone.unlink()
    text = finished(horovodrun(1, [*train, f"--run_dir={tmp_path}/apart", "--specialists.groups=2"]))
    assert "specialists.groups = 2 cannot share 1 rank(s) evenly: 1 group(s) train" in text
    again = read_arrays(gone)[0]
    assert all(np.array_equal(array, again[name]) for name, array in alone["specialists/gale_archer.npz"].items())


LONG = [
    "--generalists.generations=1", "--generalists.frames=51200", "--stage=generalists", "--checkpoint_updates=1",
    "--ppo.epochs=1", "--ppo.minibatches=4",
]  # fmt: skip
"""80 updates with few gradient steps, and so few waits of the ranks for each other, but a checkpoint after each."""
KILLS = 4
"""The launcher, each rank, and Ctrl-C for the launcher."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run of two ranks that nothing stopped."""
    folder = tmp_path_factory.mktemp("ranks") / "whole"
    finished(horovodrun(2, [*TRAIN, f"--run_dir={folder}", *LONG]))
    return RunDirectory(folder)


@pytest.mark.ranks
def test_a_run_goes_on_with_another_number_of_ranks(tmp_path: Path, whole: RunDirectory) -> None:
    """Two ranks are stopped by Ctrl-C, one goes on, and says that its sums have another order."""
    run = RunDirectory(tmp_path / "run")
    process = horovodrun(2, [*TRAIN, f"--run_dir={run.path}", *LONG], start_new_session=True)
    while process.poll() is None and newest(run.path) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=400)
    assert process.returncode == 130 and "the same command goes on from there" in text, text[-3000:]
    assert text.splitlines()[-1] == "stopped; start the same command again to go on from there"
    stopped = newest(run.path)
    text = finished(horovodrun(1, [*TRAIN, f"--run_dir={run.path}", *LONG]))
    assert "the checkpoint is of 2 ranks, now there are 1: the result will differ by floating-point order" in text
    lines, expected = run.metrics("generation_01"), whole.metrics("generation_01")
    assert [line["update"] for line in lines] == [line["update"] for line in expected]
    for name in ("reward_per_frame", "advantage_mean", "value_loss", "gradient_norm"):  # of the first update after it
        assert lines[stopped][name] == pytest.approx(expected[stopped][name], rel=1e-3, abs=1e-5), name


KILLED = "error: rank {} was killed by SIGKILL (is the memory full?); start the same command again to go on from the"
LAST_LINES = [f"{KILLED.format(rank)} last checkpoint" for rank in range(2)] + [
    "stopped; start the same command again to go on from there"
]


@pytest.mark.ranks
def test_nothing_that_is_killed_is_lost(tmp_path: Path, whole: RunDirectory) -> None:
    """Ranks and launcher of a run are killed at seven moments of updates that each end with a checkpoint; started
    again each time, it ends with the weights of a run that was never stopped. One Ctrl-C is among them, which ends the
    run by itself. Unless the launcher itself was killed, the last line says what happened."""
    chance = random.Random(3)
    run, kills = tmp_path / "run", 0
    while True:
        process = horovodrun(2, [*TRAIN, f"--run_dir={run}", *LONG], start_new_session=True)
        before = newest(run)
        while process.poll() is None and newest(run) <= before:
            time.sleep(0.02)
        if kills < KILLS and process.poll() is None:
            time.sleep(chance.uniform(0.0, 0.3))
            with contextlib.suppress(psutil.NoSuchProcess):  # it may be ending by itself just now
                victim = [process.pid, *ranks_of(process.pid)][kills % 3]
                psutil.Process(victim).send_signal(signal.SIGINT if kills == KILLS - 1 else signal.SIGKILL)
                kills += 1
        text, _ = process.communicate(timeout=400)
        if process.returncode == 0:
            break
        assert "Traceback" not in text, text[-3000:]
        assert process.returncode < 0 or text.splitlines()[-1] in LAST_LINES, text[-3000:]
    assert kills == KILLS, f"the run ended after {kills} kills"
    expected, killed = weights(whole.path), weights(run)
    files = {"generalists/generation_01.npz", "generalists/generation_01.payoffs.npz"}
    assert expected.keys() == killed.keys() == files
    for file, arrays in expected.items():
        assert all(np.array_equal(array, killed[file][name]) for name, array in arrays.items()), file


def ranks_of(launcher: int) -> list[int]:
    """The two training processes under a launcher; `NoSuchProcess` where they are not both there."""
    everyone = psutil.Process(launcher).children(recursive=True)
    ranks = sorted(p.pid for p in everyone if p.cmdline()[1:3] == ["-m", "camtf.train"])
    if len(ranks) != 2:
        raise psutil.NoSuchProcess(launcher)
    return ranks


def newest(run: Path) -> int:
    """The update of the newest checkpoint, -1 where there is none."""
    return max([int(file.stem) for file in run.glob("checkpoints/generation_01/*.npz")], default=-1)
