"""Export, pack, runtime, verification and timing of real Specialists, small ones."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.config import preset
from camtf.evaluation.intervals import rate_with_interval
from camtf.games.duel.roster import Roster
from camtf.games.duel.state import RULES_VERSION
from mobile import deltas, report
from mobile.convert import convert
from mobile.decisions import decide
from mobile.export import Exporter, Options
from mobile.pack import GENERALIST, HEADS, MODULES, PRECISIONS, Pack, PackError
from mobile.positions import Specialists
from mobile.runtime import Policy, choose, gumbel, installed_runtimes, load_interpreter, open_policy
from mobile.timing import golden_rows
from mobile.verify import Verifier, summarise
from mobile.weights import common_base, weight_tensors

ROOT = Path(__file__).parents[1]
CONFIG = preset("test")
IDS = CONFIG.game.characters


def test_the_pack_has_every_specialist_in_every_precision(pack: Pack, roster: Roster) -> None:
    found = {(m.character, m.precision) for m in pack.models}
    files = [p for p in PRECISIONS if p != "delta"]
    assert found == {(i, p) for i in IDS for p in PRECISIONS} | {(GENERALIST, p) for p in files}
    size = {p: pack.entry(IDS[0], p).size_bytes for p in PRECISIONS}
    assert size["delta"] < size["int8"] < size["float16"] < size["float32"]
    assert pack.manifest["roster_digest"] == roster.digest and pack.manifest["rules_version"] == RULES_VERSION
    assert list(pack.manifest["inputs"]) == list(MODULES) and list(pack.manifest["outputs"]) == list(HEADS)
    assert pack.manifest["inputs"]["element"]["dtype"] == "int32"


def test_a_second_export_keeps_what_is_the_same(pack: Pack, run: RunDirectory, tmp_path: Path) -> None:
    folder = damaged(pack, tmp_path)
    (folder / f"{IDS[0]}.int8.tflite").write_bytes(b"damaged")
    before = {file.name: file.stat().st_mtime_ns for file in folder.glob("*.tflite")}
    exporter = Exporter(run, folder, Options(generalist=True, seed=1))
    exporter.export()
    after = {file.name: file.stat().st_mtime_ns for file in folder.glob("*.tflite")}
    assert {name for name in after if after[name] != before[name]} == {f"{IDS[0]}.int8.tflite", "base.tflite"}
    assert exporter.kept == 3 * 3 - 1
    assert [m.sha256 for m in Pack(folder).models] == [m.sha256 for m in pack.models]
    other = Exporter(run, folder, Options(precisions=("int8",), calibration=100, seed=1))
    assert other.export() and other.kept == 0  # another calibration makes other models


def test_folding_the_own_character_changes_nothing(pack: Pack, run: RunDirectory) -> None:
    policy = open_policy(pack, pack.entry(IDS[0], "float32"))
    (basic, buff, element, mask), *_ = golden_rows(pack, pack.entry(IDS[0], "float32"))
    other = element.copy()
    other[:, 0] = 0  # its own row is not read any more
    for a, b in zip(policy.logits(basic, buff, element, mask), policy.logits(basic, buff, other, mask), strict=True):
        np.testing.assert_array_equal(a, b)
    other[:, 1, 10] += 500
    assert not np.array_equal(policy.logits(basic, buff, other, mask)[0], policy.logits(basic, buff, element, mask)[0])


def test_batch_and_value_are_options(run: RunDirectory, pack: Pack, tmp_path: Path) -> None:
    Exporter(run, tmp_path, Options(("float32",), batch=5, value=True, seed=1)).export()
    many = Pack(tmp_path)
    policy = open_policy(many, many.entry(IDS[0], "float32"))
    rows = golden_rows(many, many.entry(IDS[0], "float32"))[0]
    movement, skill, value = policy.logits(*rows)
    golden = many.golden(IDS[0])
    np.testing.assert_allclose(movement, golden["movement"][:5], atol=1e-5)
    np.testing.assert_allclose(skill, golden["skill"][:5], atol=1e-5)
    np.testing.assert_allclose(value, golden["value"][:5], atol=1e-5)
    assert policy.best(*rows).shape == (5, 2)


def test_the_generalist_takes_its_mixture(pack: Pack) -> None:
    entry = pack.entry(GENERALIST, "float32")
    policy = open_policy(pack, entry)
    rows = golden_rows(pack, entry)
    assert list(policy.inputs) == [*MODULES, "mixture"] and set(pack.manifest["mixtures"]) == set(IDS)
    golden = pack.golden(GENERALIST)
    for i in range(0, 64, 9):
        np.testing.assert_allclose(policy.logits(*rows[i])[0], golden["movement"][i : i + 1], atol=1e-5)
    with pytest.raises(ValueError, match="the model takes basic, buff, element, mask, mixture; got 4 arrays"):
        policy.logits(*rows[0][:4])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_deltas_bring_back_a_model_within_half_a_step(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 700), min_size=1, max_size=4))
    seed, coarseness = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.floats(0.05, 3.0))
    rng = np.random.default_rng(seed)
    parts = [b"head", *(rng.normal(size=n).astype("<f4").tobytes() + b"between" for n in sizes)]
    base, tensors, at = b"".join(parts), [], 4
    for n in sizes:
        tensors.append((at, n))
        at += 4 * n + 7
    model = bytearray(base)
    for offset, n in tensors:
        moved = np.frombuffer(base, "<f4", n, offset) + rng.normal(scale=0.1, size=n).astype(np.float32)
        model[offset : offset + 4 * n] = moved.tobytes()
    delta = deltas.encode(base, bytes(model), tensors, coarseness)
    made = deltas.decode(base, delta, tensors)
    assert len(made) == len(base) and made[:4] == b"head" and made[-7:] == b"between"
    for offset, n in tensors:
        wanted, found = np.frombuffer(bytes(model), "<f4", n, offset), np.frombuffer(made, "<f4", n, offset)
        difference = wanted - np.frombuffer(base, "<f4", n, offset)
        _, step = deltas.quantise(difference, coarseness)
        assert np.abs(found - wanted).max() <= 0.5001 * step + 1e-6
        small = n <= deltas.SMALL
        assert step <= max(np.abs(difference).max() / 127, 0 if small else coarseness * 0.2) + 1e-9
    assert deltas.decode(base, deltas.encode(base, base, tensors, coarseness), tensors) == base


def test_a_delta_worked_by_hand() -> None:
    numbers, step = deltas.quantise(np.array([0.0, 1.0, -2.54, 0.011], np.float32), 1.0)
    assert step == pytest.approx(0.02) and numbers.tolist() == [0, 50, -127, 1]
    assert deltas.apply(np.array([1.0, 1.0], np.float32), np.array([3, -2], np.int8), np.float32(0.5)).tolist() == [
        2.5,
        0.0,
    ]


def test_models_of_one_run_differ_in_weights_alone(pack: Pack) -> None:
    one, other = (pack.read(pack.entry(i, "float32")) for i in IDS)
    tensors = weight_tensors(one)
    assert tensors == weight_tensors(other) and sum(n for _, n in tensors) > 15_000
    base = common_base([one, other], tensors)
    for offset, n in tensors[-2:]:
        a, b, mean = (np.frombuffer(x, "<f4", n, offset) for x in (one, other, base))
        np.testing.assert_allclose(mean, (a + b) / 2, atol=1e-7)
    with pytest.raises(ValueError, match="model 1 differs from the first in more than its weights"):
        common_base([one, other[:-1] + bytes([other[-1] ^ 1])], tensors)


def test_the_contract_says_the_shapes_of_the_models(pack: Pack) -> None:
    text = (Path(__file__).parents[1] / "mobile" / "README.md").read_text(encoding="utf-8")
    inputs = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\dx ]+) \|", text, re.M)
    said = {name: {"shape": [int(n) for n in shape.split("x")], "dtype": dtype} for name, dtype, shape in inputs}
    assert said == {
        name: {key: tensor[key] for key in ("shape", "dtype")} for name, tensor in pack.manifest["inputs"].items()
    }
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


def test_verification_measures_agreement(pack: Pack, run: RunDirectory) -> None:
    results = Verifier(Specialists(run), pack, positions=300, matches=4, runtime="", seed=9).verify()
    assert len(results) == len(pack.models)
    for r in results:
        assert r["agreement"] >= {"float32": 0.995, "float16": 0.98, "int8": 0.8, "delta": 0.8}[r["precision"]]
        assert r["agreement"] <= min(r["agreement_movement"], r["agreement_skill"]) <= 1
        assert r["win_rate_vs_keras"]["games"] == 4
    summary = summarise(results, 300, 4)
    assert set(summary["agreement"]) == set(PRECISIONS) and summary["positions"] == 300
    assert summary["win_rate_vs_keras"]["delta"]["games"] == 8
    swapped = {m.character: m for m in pack.models if m.precision == "float32"}
    a, b = (Policy(pack.read(swapped[i])) for i in IDS)
    rows = golden_rows(pack, swapped[IDS[0]])
    assert any(not np.array_equal(a.logits(*row)[0], b.logits(*row)[0]) for row in rows)  # two Specialists, not one


def test_the_judge_sees_a_loss() -> None:
    def result(precision: str, won: float) -> dict:
        rate = rate_with_interval(won * 2000, 2000)
        return {"precision": precision, "agreement": 0.9, "win_rate_vs_keras": rate}

    summary = summarise([result("float32", 0.5), result("int8", 0.46), result("int8", 0.49)], 10, 2000)
    assert summary["lost"] == {"float32": False, "int8": True} and summary["models_that_lost"]["int8"] == 1


def damaged(pack: Pack, tmp_path: Path) -> Path:
    shutil.copytree(pack.folder, tmp_path / "models")
    return tmp_path / "models"


def test_a_changed_model_is_refused(pack: Pack, tmp_path: Path) -> None:
    folder = damaged(pack, tmp_path)
    entry = pack.entry(IDS[0], "float32")
    (folder / entry.file).write_bytes((folder / pack.entry(IDS[1], "float32").file).read_bytes())  # swapped
    with pytest.raises(PackError, match=rf"{entry.file} has the digest \w+, its manifest says {entry.sha256[:16]}"):
        Pack(folder).read(entry)
    (folder / entry.file).write_bytes((pack.folder / entry.file).read_bytes()[:-100])  # truncated
    with pytest.raises(PackError, match=rf"{entry.file} has the digest"):
        Pack(folder).read(entry)
    (folder / entry.file).unlink()
    with pytest.raises(PackError, match=rf"{entry.file} is in the manifest, but does not exist"):
        Pack(folder).read(entry)


def test_a_changed_delta_or_base_is_refused(pack: Pack, tmp_path: Path) -> None:
    folder = damaged(pack, tmp_path)
    one, other = (pack.entry(i, "delta") for i in IDS)
    whole = (folder / one.file).read_bytes()
    (folder / one.file).write_bytes(whole[:-50])
    with pytest.raises(PackError, match=rf"{one.file}: damaged: "):
        Pack(folder).read(one)
    (folder / one.file).write_bytes((folder / other.file).read_bytes())
    with pytest.raises(PackError, match=rf"{one.file} has the digest \w+, its manifest says {one.sha256[:16]}"):
        Pack(folder).read(one)
    (folder / one.file).write_bytes(zlib.compress(b"short"))
    with pytest.raises(PackError, match=rf"{one.file}: 5 bytes of differences, the base needs \d+"):
        Pack(folder).read(one)
    base = folder / "base.tflite"
    base.write_bytes(base.read_bytes()[:-4] + b"oops")
    with pytest.raises(PackError, match=r"base.tflite has the digest"):
        Pack(folder).read(other)


def test_a_bad_manifest_is_refused(pack: Pack, tmp_path: Path) -> None:
    folder = damaged(pack, tmp_path)
    file = folder / "manifest.json"
    whole = file.read_text()
    file.write_text(whole[:200])
    with pytest.raises(PackError, match=r"manifest.json is damaged"):
        Pack(folder)
    file.write_text(json.dumps({**json.loads(whole), "format": 99}))
    with pytest.raises(PackError, match="has format 99, this version reads 2"):
        Pack(folder)
    for change, message in (
        ({"rules_version": "one"}, "data.rules_version must be integer"),
        ({"models": []}, "data.models must contain at least 1 items"),
        ({"more": 1}, "data must not contain {'more'} properties"),
    ):
        file.write_text(json.dumps({**json.loads(whole), **change}))
        with pytest.raises(PackError, match=re.escape(f"manifest.json is damaged: {message}")):
            Pack(folder)
    broken = json.loads(whole)
    broken["models"][2]["sha256"] = "1234"
    file.write_text(json.dumps(broken))
    with pytest.raises(PackError, match=r"damaged: data.models\[2\].sha256 must match pattern"):
        Pack(folder)
    with pytest.raises(PackError, match=r"manifest.json does not exist"):
        Pack(tmp_path)
    with pytest.raises(PackError, match="no model of 'nobody' in 'int8'; it holds ember_fox float32"):
        pack.entry("nobody", "int8")


def test_another_game_or_other_shapes_are_refused(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=f"models are for rules_version {RULES_VERSION}, this game has 99"):
        Pack(pack.folder, rules_version=99)
    with pytest.raises(PackError, match=r"models are for roster_digest '.*', this game has 'other'"):
        Pack(pack.folder, RULES_VERSION, "other")
    folder = damaged(pack, tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["inputs"]["basic"]["shape"] = [1, 300]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    changed = Pack(folder)
    with pytest.raises(PackError, match=r"int8.tflite: basic has shape \(1, 288\), its manifest says \(1, 300\)"):
        open_policy(changed, changed.entry(IDS[0], "int8"))
    entry = pack.entry(IDS[0], "int8")
    (folder / entry.file).write_bytes(b"no model")
    manifest = json.loads((folder / "manifest.json").read_text())
    next(m for m in manifest["models"] if m["file"] == entry.file)["sha256"] = hashlib.sha256(b"no model").hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(PackError, match=r"int8\.tflite is no TFLite model"):
        open_policy(Pack(folder), Pack(folder).entry(IDS[0], "int8"))


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
        Exporter(RunDirectory(tmp_path / "run"), tmp_path / "models", Options(("float32",)))


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


def test_the_examples_of_the_contract() -> None:
    text = (Path(__file__).parents[1] / "mobile" / "README.md").read_text(encoding="utf-8")
    assert "00 00 00 3f | 00 00 80 3e | 03 | fe 04" in text and "2.5, 1.5 and 4.0" in text
    base = bytes(16) + np.array([1.0], "<f4").tobytes() + bytes(4) + np.array([2.0, 3.0], "<f4").tobytes()
    delta = zlib.compress(bytes.fromhex("0000003f 0000803e 03 fe04"))
    made = np.frombuffer(deltas.decode(base, delta, [(16, 1), (24, 2)]), "<f4")
    assert made[[4, 6, 7]].tolist() == [2.5, 1.5, 4.0]

    assert "movement logits 0.3, 1.2, -0.5" in text and "`sample` gives 2" in text
    logits = np.array([[0.3, 1.2, -0.5, *[0.0] * 6, *[0.0] * 10]])
    mask = np.zeros((1, 29))
    mask[0, [0, 2, 9]] = 1
    uniforms = np.full((1, 19), 0.5)
    uniforms[0, 2] = 0.9
    assert choose(logits, mask, 9)[0, 0] == 0 and choose(logits, mask, 9, gumbel(uniforms))[0, 0] == 2
