"""Runs of ``camtf.train`` that a benchmark compares: one process each, so that several train beside each other."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from absl import logging

from camtf.checkpoint import RunDirectory


def camtf_train(run: RunDirectory, stage: str, settings: dict[str, Any]) -> None:
    """One run of ``camtf.train``. Raises SystemExit with the end of what was printed where it fails."""
    run.path.mkdir(parents=True, exist_ok=True)
    log = run.path / "training.log"
    arguments = [
        sys.executable, "-m", "camtf.train", "--preset=quickstart", f"--stage={stage}", f"--run_dir={run.path}",
        *(f"--{name}={value}" for name, value in settings.items()),
    ]  # fmt: skip
    with log.open("a", encoding="utf-8") as out:
        done = subprocess.run(arguments, stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise SystemExit(f"error: {run.path} failed: {log.read_text(encoding='utf-8')[-2000:]}")
    logging.info("%s is trained", run.path)
