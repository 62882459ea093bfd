"""Horovod as it may be installed: what cannot train says so at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import horovod
import pytest

from camtf import distributed

ROOT = Path(__file__).parents[1]


def test_a_horovod_without_tensorflow_says_how_to_build_one(tmp_path: Path) -> None:
    """What pip makes where TensorFlow is not there yet: Horovod without its compiled part for it."""
    shutil.copytree(
        Path(horovod.__file__).parent, tmp_path / "horovod", ignore=shutil.ignore_patterns("mpi_lib*", "__pycache__")
    )
    done = subprocess.run(
        [sys.executable, "-m", "camtf.train", "--preset=test", f"--run_dir={tmp_path / 'run'}"], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    (line,) = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 1 and line.startswith("error: training needs TensorFlow and a Horovod built for it: ")
    assert "horovod.tensorflow has not been built" in line and "HOROVOD_WITH_TENSORFLOW=1" in line
    assert not (tmp_path / "run").exists()


def test_a_horovod_without_gloo_says_how_to_build_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed.hvd, "gloo_built", lambda: False)
    with pytest.raises(SystemExit, match=r"this one has no Gloo; .*HOROVOD_WITH_GLOO=1 pip install"):
        distributed.start()
