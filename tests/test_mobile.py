"""Export, pack, runtime, verification and timing of real Specialists, small ones."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.config import preset
from camtf.game.roster import Roster
from camtf.population import generalists, specialists
from mobile import report
from mobile.benchmark import benchmark
from mobile.export import convert, export
from mobile.pack import HEADS, MODULES, PRECISIONS, Pack, PackError
from mobile.positions import Specialists
from mobile.runtime import Policy, installed_runtimes, load_interpreter
from mobile.verify import summarise, verify

CONFIG = preset("test")
IDS = CONFIG.game.characters


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, roster: Roster) -> RunDirectory:
    run = RunDirectory(tmp_path_factory.mktemp("mobile") / "run")
    run.begin(CONFIG, roster, write=True)
    specialists.train(CONFIG, roster, run, generalists.train(CONFIG, roster, run))
    return run


@pytest.fixture(scope="module")
def pack(run: RunDirectory) -> Pack:
    folder = run.path.parent / "models"
    export(run, folder, list(PRECISIONS), calibration=200, seed=1)
    return Pack(folder)


def test_the_pack_has_every_specialist_in_every_precision(pack: Pack, roster: Roster) -> None:
    assert {(m.character, m.precision) for m in pack.models} == {(i, p) for i in IDS for p in PRECISIONS}
    size = {p: pack.entry(IDS[0], p).size_bytes for p in PRECISIONS}
    assert size["int8"] < size["float16"] < size["float32"]
    assert pack.manifest["roster_digest"] == roster.digest
    assert list(pack.manifest["inputs"]) == list(MODULES) and list(pack.manifest["outputs"]) == list(HEADS)
    assert pack.manifest["inputs"]["element"]["dtype"] == "int32"


def test_the_contract_says_the_shapes_of_the_models(pack: Pack) -> None:
    text = (Path(__file__).parents[1] / "mobile" / "README.md").read_text(encoding="utf-8")
    inputs = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\dx ]+) \|", text, re.M)
    assert {name: {"shape": [int(n) for n in shape.split("x")], "dtype": dtype} for name, dtype, shape in inputs} == (
        pack.manifest["inputs"]
    )
    outputs = re.findall(r"^\| `(\w+)` \| (1 x \d+) \|", text, re.M)
    assert {name: [int(n) for n in shape.split("x")] for name, shape in outputs} == {
        name: tensor["shape"] for name, tensor in pack.manifest["outputs"].items()
    }


@pytest.mark.parametrize("runtime", ["tflite_runtime", "litert"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_models_load_in_both_runtimes_and_match_their_golden_logits(pack: Pack, precision: str, runtime: str) -> None:
    assert runtime in installed_runtimes()
    golden = pack.golden(IDS[1])
    policy = Policy(pack.read(pack.entry(IDS[1], precision)), runtime)
    tolerance = {"float32": 1e-5, "float16": 2e-3, "int8": 0.1}[precision]
    for i in range(0, 64, 7):
        logits = policy.logits(*(golden[name][i : i + 1] for name in MODULES))
        for head, values in zip(HEADS, logits, strict=True):
            np.testing.assert_allclose(values, golden[head][i : i + 1], atol=tolerance)


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


def test_verification_measures_agreement(pack: Pack, run: RunDirectory) -> None:
    results = verify(Specialists(run), pack, positions=300, matches=4, runtime="", seed=9)
    assert len(results) == len(pack.models)
    for r in results:
        assert r["agreement"] >= {"float32": 0.995, "float16": 0.98, "int8": 0.8}[r["precision"]]
        assert r["agreement"] <= min(r["agreement_movement"], r["agreement_skill"]) <= 1
        assert r["win_rate_vs_keras"]["games"] == 4
    summary = summarise(results, 300, 4)
    assert set(summary["agreement"]) == set(PRECISIONS) and summary["positions"] == 300
    swapped = {m.character: m for m in pack.models if m.precision == "float32"}
    a, b = (Policy(pack.read(swapped[i])) for i in IDS)
    golden = pack.golden(IDS[0])
    rows = [[golden[name][i : i + 1] for name in MODULES] for i in range(64)]
    assert any(not np.array_equal(a.logits(*row)[0], b.logits(*row)[0]) for row in rows)  # two Specialists, not one


def test_timing_reports_what_it_promises(pack: Pack) -> None:
    one = Pack(pack.folder)
    one.models = one.models[:1]
    results = benchmark(one, installed_runtimes(), [1], runs=50)
    assert [r["runtime"] for r in results] == installed_runtimes()
    for r in results:
        assert 0 < r["median_us"] <= r["p95_us"] <= r["p99_us"]
        assert r["decision_median_us"] > r["median_us"] and r["size_bytes"] == one.models[0].size_bytes
        assert r["memory_kib"] >= 0


def damaged(pack: Pack, tmp_path: Path) -> Path:
    shutil.copytree(pack.folder, tmp_path / "models")
    return tmp_path / "models"


def test_a_changed_model_is_refused(pack: Pack, tmp_path: Path) -> None:
    folder = damaged(pack, tmp_path)
    entry = pack.models[0]
    (folder / entry.file).write_bytes((folder / pack.models[1].file).read_bytes())
    with pytest.raises(PackError, match=rf"{entry.file} has the digest \w+, its manifest says {entry.sha256[:16]}"):
        Pack(folder).read(entry)
    (folder / entry.file).unlink()
    with pytest.raises(PackError, match=rf"{entry.file} is in the manifest, but does not exist"):
        Pack(folder).read(entry)


def test_a_bad_manifest_is_refused(pack: Pack, tmp_path: Path) -> None:
    folder = damaged(pack, tmp_path)
    file = folder / "manifest.json"
    whole = file.read_text()
    file.write_text(whole[:200])
    with pytest.raises(PackError, match=r"manifest.json is damaged"):
        Pack(folder)
    file.write_text(json.dumps({**json.loads(whole), "format": 99}))
    with pytest.raises(PackError, match="has format 99, this version reads 1"):
        Pack(folder)
    with pytest.raises(PackError, match=r"manifest.json does not exist"):
        Pack(tmp_path)
    with pytest.raises(PackError, match="no model of 'nobody' in 'int8'; it holds ember_fox float32"):
        pack.entry("nobody", "int8")


def test_wrong_shapes_runtimes_and_precisions_are_named(pack: Pack, tmp_path: Path) -> None:
    policy = Policy(pack.read(pack.models[0]))
    golden = pack.golden(IDS[0])
    with pytest.raises(ValueError, match=r"basic must have shape \(1, 288\), got \(2, 288\)"):
        policy.logits(*(golden[name][:2] for name in MODULES))
    with pytest.raises(ImportError, match=r"'other' is not installed; camtf uses tflite_runtime .* or litert"):
        load_interpreter(b"", "other")
    with pytest.raises(ValueError, match="one of float32, float16, int8; got 'int4'"):
        convert("", "int4", None)  # type: ignore[arg-type]


def test_an_unfinished_run_is_not_exported(run: RunDirectory, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    (tmp_path / "run" / "specialists" / f"{IDS[1]}.npz").unlink()
    with pytest.raises(CheckpointError, match=f"{IDS[1]}.npz does not exist"):
        export(RunDirectory(tmp_path / "run"), tmp_path / "models", ["float32"], 10, 1)


def test_the_report_joins_all_three(pack: Pack) -> None:
    rate = {"win_rate": 0.5, "low": 0.4, "high": 0.6, "games": 100}
    evaluation = {
        "characters": [
            {"character": i, "name": i.title(), "generalist": rate, "specialist": {**rate, "against_bots": {"a": rate}}}
            for i in IDS
        ]
    }
    verified = {
        "models": [{"character": m.character, "precision": m.precision, "agreement": 0.99} for m in pack.models]
    }
    times = {"median_us": 7.25, "runtime": "litert"}
    timed = {
        "results": [
            {"model": m.character, "precision": m.precision, "size_bytes": m.size_bytes, **times} for m in pack.models
        ]
    }
    rows = report.join(evaluation, verified, timed)
    assert [row["character"] for row in rows] == list(IDS) and rows[0]["agreement"]["int8"] == 0.99
    text = report.format_report(rows, 123)
    assert "Ember_Fox" in text and "50.0 [40.0, 60.0]" in text and "123 real ones" in text
