"""Horovod with real processes: two ranks on half of the matches each do what one rank does on all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.ranks
def test_two_ranks_equal_one(tmp_path: Path) -> None:
    results = []
    for ranks in (1, 2):
        file = tmp_path / f"{ranks}.npz"
        command = ["horovodrun", "-np", str(ranks), sys.executable, "-m", "tests.ranks_program", str(file)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        results.append(dict(np.load(file)))
    one, two = results
    # The battles of the first segment are the same to the bit: same weights, same chance. Later ones may part by
    # the order of floating-point sums.
    assert np.array_equal(one["reward"][:, :20], two["reward"][:, :20])
    assert one["wins"].sum() > 0 and abs(one["wins"].sum() - two["wins"].sum()) < 0.25 * one["wins"].sum()
    weights = [name for name in one if name not in ("reward", "wins")]
    assert len(weights) > 20
    for name in weights:
        np.testing.assert_allclose(two[name], one[name], atol=2e-4, err_msg=name)
