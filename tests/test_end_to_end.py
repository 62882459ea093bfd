"""The whole line as a user runs it: horovodrun, evaluation, export, verification, timing, report."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from camtf.checkpoint import RunDirectory
from tests.programs import ROOT, run_program

TRAIN = ["-m", "camtf.train", "--preset=test"]


def python(*arguments: str, ranks: int = 0, fails: bool = False) -> str:
    """Run Python as a user would, ``-m module ...``; all that it prints."""
    if not ranks:
        status, text = run_program(*arguments[1:])
    else:
        done = subprocess.run(
            ["horovodrun", "-np", str(ranks), sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, timeout=400, check=False,
        )  # fmt: skip
        status, text = done.returncode, done.stdout + done.stderr
    assert (status != 0) == fails, text[-4000:]
    return text


def last_json(text: str) -> dict:
    lines = [line.removeprefix("[0]<stdout>:") for line in text.splitlines()]
    return json.loads(next(line for line in reversed(lines) if line.startswith("{")))


GAME = "--game=camtf.games.matrix:MatrixGame([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], rounds=4, copies=2)"


@pytest.mark.ranks
def test_the_whole_line(tmp_path: Path) -> None:
    """On a small game; of the duel, the same steps are tested one by one."""
    run, models = f"--run_dir={tmp_path / 'run'}", f"--model_dir={tmp_path / 'models'}"
    text = python(*TRAIN, run, GAME, ranks=2)
    assert "generation_02 is done" in text and "specialist_player_2 is done" in text
    text = python("-m", "camtf.evaluate", run, "--games=3", "--bot_games=4", ranks=2)
    assert "specialist_win_rate_player_1" in last_json(text)
    python("-m", "mobile.export", run, f"--out_dir={tmp_path / 'models'}", "--precision=float32,int8")
    verified = last_json(python("-m", "mobile.verify", run, models, "--positions=100", "--matches=2"))
    assert verified["agreement"]["float32"] > 0.99 and verified["positions"] == 100
    timed = last_json(python("-m", "mobile.benchmark", models, "--runs=20", "--runtime=tflite_runtime"))
    assert len(timed["results"]) == 4
    text = python("-m", "mobile.report", run, models)
    assert "Player 1" in text and str(tmp_path / "models") in text and "camtf.play" not in text  # this is no duel
    assert len(last_json(text)["characters"]) == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--preset=nothing"], "quickstart"),
        (["--ppo.clip_epsilon=3"], "PPOConfig.clip_epsilon must be in [1e-06, 1.0], got 3.0"),
        (["--ppo.clip_epsilo=0.1"], "Unknown command line flag 'ppo.clip_epsilo'"),
        (
            ["--stage=specialists"],
            "run holds no finished population (nothing so far); finish the Generalists first: camtf.train with the",
        ),
        (["--game.matches=18"], "game.matches = 18 cannot be shared evenly by 4 ranks; 16 or 24 can"),
        (["--run_dir={file}"], "lock cannot be written: Not a directory"),
        (["--run_dir={file}/below"], "lock cannot be written: Not a directory"),
    ],
)
def test_wrong_flags_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], message: str
) -> None:
    """In one line, at once and with nothing made; here as one of four ranks, which `horovodrun` tells a process."""
    monkeypatch.setenv("HOROVOD_SIZE", "4")
    (tmp_path / "file").touch()
    given = [flag.format(file=tmp_path / "file") for flag in flags]
    text = python(*TRAIN, f"--run_dir={tmp_path / 'run'}", *given, fails=True)
    assert message in text and len(text.splitlines()) == 1, text
    assert not (tmp_path / "run").exists()


def test_a_wrong_character_is_named(tmp_path: Path) -> None:
    text = python(*TRAIN, f"--run_dir={tmp_path / 'run'}", "--game.characters=ember_fox,nobody", fails=True)
    assert "unknown character 'nobody'; duel has ember_fox" in text and "Traceback" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["camtf.watch", "--out={file}/match.html"], "match.html cannot be written: Not a directory"),
        (["camtf.watch", "--film={folder}"], "cannot be written: Is a directory"),
        (["camtf.balance", "--out={folder}"], "cannot be written: Is a directory"),
        (
            ["camtf.balance", "--games=99999999999"],
            "flag --games=99999999999: 99999999999 is not an integer in the range",
        ),
        (["camtf.evaluate", "--run_dir=x", "--games=99999999999"], "an integer in the range [1, 100000]"),
        (["camtf.evaluate", "--run_dir=x", "more"], "unexpected arguments ['more']"),
    ],
)
def test_results_that_cannot_be_are_refused_before_the_work(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    given = [argument.format(file=tmp_path / "file", folder=tmp_path / "folder") for argument in arguments]
    text = python("-m", *given, fails=True)
    assert message in text and "error: " in text and "Traceback" not in text, text


def test_a_specialist_of_another_generalist_is_not_evaluated(tmp_path: Path, run: RunDirectory) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    other = RunDirectory(tmp_path / "run")
    first, second = (other.generalist_file(f"generation_{tau:02d}") for tau in (1, 2))
    other.write_snapshot(second, other.read_snapshot(first), {})
    text = python("-m", "camtf.evaluate", f"--run_dir={other.path}", fails=True)
    was, now = (run.generalists()[i].digest for i in (1, 0))
    assert (
        f"copied from the Generalist {was}, but generation_01 of this run is {now}" in text and "Traceback" not in text
    )


def test_missing_files_are_named(tmp_path: Path) -> None:
    text = python("-m", "camtf.evaluate", f"--run_dir={tmp_path / 'none'}", fails=True)
    assert "is not a run directory" in text and "Traceback" not in text
    text = python("-m", "mobile.benchmark", f"--model_dir={tmp_path}", fails=True)
    assert "manifest.json does not exist" in text and "Traceback" not in text


def test_the_games_benchmark_reports_its_key() -> None:
    text = python("-m", "benchmarks.game", "--matches=16", "--steps=20", "--repeats=2")
    result = last_json(text)
    assert result["decisions_per_second"] > 0 and result["versions"]["numba"] != "not installed"
