"""Ctrl-C at any time: a run that is asked to stop stops, and says so."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def loads_tensorflow(pid: int, run: Path) -> bool:
    return "tensorflow" in Path(f"/proc/{pid}/maps").read_text()


def builds_graphs(pid: int, run: Path) -> bool:
    return (run / "config.json").exists()


@pytest.mark.parametrize("moment", [loads_tensorflow, builds_graphs])
def test_ctrl_c_while_a_run_starts(tmp_path: Path, moment: Callable[[int, Path], bool]) -> None:
    """Also where the shell has started it in the background, which makes it deaf to Ctrl-C at first."""
    run = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "camtf.train", "--preset=test", f"--run_dir={run}", "--generalists.frames=1000000"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    while process.poll() is None and not moment(process.pid, run):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=240)
    assert process.returncode == 130 and "Traceback" not in text, text[-3000:]
    last = text.splitlines()[-1]
    assert last.endswith("generation_01: stopped after update 0 of 1563; the same command goes on from there"), last
