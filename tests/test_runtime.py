"""What runs on the device: models in both runtimes, mask, choice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from camtf.config import preset
from mobile.convert import convert
from mobile.decisions import decide
from mobile.pack import HEADS, MODULES, PRECISIONS, Pack
from mobile.runtime import Policy, installed_runtimes, load_interpreter

ROOT = Path(__file__).parents[1]
IDS = preset("test").game.characters


@pytest.mark.parametrize("runtime", ["tflite_runtime", "litert"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_models_load_in_both_runtimes_and_match_their_golden_logits(pack: Pack, precision: str, runtime: str) -> None:
    assert runtime in installed_runtimes()
    golden = pack.golden(IDS[1])
    policy = Policy(pack.read(pack.entry(IDS[1], precision)), runtime)
    tolerance = {"float32": 1e-5, "float16": 2e-3, "int8": 0.1, "delta": 0.1}[precision]
    for i in range(0, 64, 7):
        logits = policy.logits(*(golden[name][i : i + 1] for name in MODULES))
        for head, values in zip(HEADS, logits, strict=True):
            np.testing.assert_allclose(values, golden[head][i : i + 1], atol=tolerance)


def test_a_process_with_horovod_computes_what_a_device_computes(pack: Pack) -> None:
    """Horovod opens TensorFlow for the whole process: a runtime must not take its functions from there."""
    command = [sys.executable, "-m", "mobile.decisions", "pack", str(pack.folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["models"] == decide(pack)["models"]


def test_the_runtime_masks_and_samples(pack: Pack, rng: np.random.Generator) -> None:
    golden = pack.golden(IDS[0])
    policy = Policy(pack.read(pack.entry(IDS[0], "float32")))
    modules = [golden[name][:1].copy() for name in MODULES]
    movement, skill = policy.logits(*modules)
    modules[3][:] = 0
    modules[3][0, [4, 9 + 7]] = 1  # one movement and one skill
    assert policy.best(*modules).tolist() == [[4, 7]]
    assert policy.sample(rng.random((1, 19)), *modules).tolist() == [[4, 7]]
    modules[3][0, [5, 9 + 2]] = 1
    draws = np.concatenate([policy.sample(rng.random((1, 19)), *modules) for _ in range(2000)])
    movement, skill = policy.logits(*modules)
    for head, (a, b) in ((0, (4, 5)), (1, (7, 2))):
        logits = (movement, skill)[head][0]
        expected = 1 / (1 + np.exp(logits[b] - logits[a]))
        assert abs((draws[:, head] == a).mean() - expected) < 0.045  # 4 standard deviations
        assert set(draws[:, head]) <= {a, b}


def test_wrong_shapes_runtimes_and_precisions_are_named(pack: Pack) -> None:
    policy = Policy(pack.read(pack.models[0]))
    golden = pack.golden(IDS[0])
    with pytest.raises(ValueError, match=r"basic must have shape \(1, 288\), got \(2, 288\)"):
        policy.logits(*(golden[name][:2] for name in MODULES))
    with pytest.raises(ImportError, match=r"'other' is not installed; camtf uses tflite_runtime .* or litert"):
        load_interpreter(b"", "other")
    with pytest.raises(ValueError, match="one of float32, float16, int8; got 'int4'"):
        convert(None, ["int4"], {})  # type: ignore[arg-type]
