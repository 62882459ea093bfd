"""The compiled game is the same code interpreted, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_compiled_equals_interpreted() -> None:
    digests = []
    for disabled in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore::RuntimeWarning", "-m", "tests.interpreted_program"],
            cwd=ROOT, env={**os.environ, "NUMBA_DISABLE_JIT": disabled}, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        digests.append(done.stdout.strip())
    assert digests[0] == digests[1]
