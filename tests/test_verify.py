"""Verification, and the report that joins it with evaluation and timing of the same weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camtf import files
from camtf.checkpoint import RunDirectory
from camtf.config import preset
from camtf.evaluation.coding import to_json
from camtf.evaluation.columns import rate
from mobile import report
from mobile.files import PackError
from mobile.pack import PRECISIONS, Pack
from mobile.paired import Paired
from mobile.positions import Specialists
from mobile.results import read_evaluation, read_result
from mobile.runtime import Policy
from mobile.timing import golden_rows
from mobile.verify import Verifier, format_report, summarise
from tests.damage import mutations
from tests.test_pack import change

IDS = preset("test").game.characters


def test_verification_measures_agreement(pack: Pack, run: RunDirectory) -> None:
    results = Verifier(Specialists(run), pack, positions=100, battles=4, runtime="", seed=9).verify()
    assert len(results) == len(pack.models)
    digests = {model.file: model.model_sha256 for model in pack.models}
    for r in results:
        assert r["agreement"] >= {"float32": 0.995, "float16": 0.98, "int8": 0.8, "delta": 0.8}[r["precision"]]
        assert r["agreement"] <= min(r["agreement_movement"], r["agreement_skill"]) <= 1
        assert r["win_rate_vs_keras"]["games"] == 4 and r["model_sha256"] == digests[r["file"]]
    exact = [r["win_rate_vs_keras"] for r in results if r["precision"] == "float32"]
    assert [(rate["win_rate"], rate["squares"]) for rate in exact] == 3 * [(0.5, 0.0)]  # no decision differs
    summary = summarise(results, 100, 4)
    assert set(summary["agreement"]) == set(PRECISIONS) and summary["positions"] == 100
    assert summary["win_rate_vs_keras"]["delta"]["games"] == 8
    swapped = {m.character: m for m in pack.models if m.precision == "float32"}
    a, b = (Policy(pack.read(swapped[i])) for i in IDS)
    rows = golden_rows(pack, swapped[IDS[0]])
    assert any(not np.array_equal(a.logits(*row)[0], b.logits(*row)[0]) for row in rows)  # two Specialists, not one


def result(precision: str, paired: Paired) -> dict[str, Any]:
    agreement = {"agreement": 0.9, "largest_difference": 0.1, "mean_difference": 0.01}
    return {"file": f"x.{precision}", "precision": precision, "win_rate_vs_keras": paired.rate(), **agreement}


def test_the_judge_sees_a_loss_and_says_what_it_could_have_seen() -> None:
    results = [
        result("float32", Paired(1000, 0.0, 2.0)),
        result("int8", Paired(1000, -80.0, 500.0)),
        result("int8", Paired(1000, -20.0, 500.0)),
    ]
    summary = summarise(results, 10, 2000)
    assert summary["lost"] == {"float32": False, "int8": True} and summary["models_that_lost"]["int8"] == 1
    assert summary["win_rate_vs_keras"]["int8"]["win_rate"] == 0.475
    assert summary["win_rate_vs_keras"]["int8"]["games"] == 4000
    text = format_report(results, summary)
    assert (
        "int8     all models together v. Keras 47.5 [46.0, 49.0]: loses to Keras; 4,000 battles find a loss of " in text
    )
    few = [result("delta", Paired(10, 0.0, 5.0))]
    summary = summarise(few, 10, 20)
    detectable = 100 * summary["win_rate_vs_keras"]["delta"]["detectable"]
    assert 30 < detectable < 35
    assert f"no loss measured; 20 battles find a loss of {detectable:.1f} points with a probability of 80%" in (
        format_report(few, summary)
    )


def test_a_pack_of_other_weights_is_not_compared(pack: Pack, run: RunDirectory, tmp_path: Path) -> None:
    folder = shutil.copytree(pack.folder, tmp_path / "models")
    change(folder, lambda manifest: manifest["weights"].update({IDS[1]: "0123456789abcdef"}))
    message = (
        rf"manifest.json is of other weights of {IDS[1]} \(0123456789abcdef there, \w{{16}} here\); python -m mobile"
    )
    with pytest.raises(PackError, match=message):
        Verifier(Specialists(run), Pack(folder), positions=1, battles=1, runtime="", seed=0)


@pytest.fixture
def measured(pack: Pack, evaluated: RunDirectory, tmp_path: Path) -> Path:
    """A folder with a pack and everything that was measured of it and its run."""
    shutil.copytree(pack.folder, tmp_path, dirs_exist_ok=True)
    weights = pack.manifest["weights"]
    shutil.copy(evaluated.path / "evaluation.json", tmp_path)
    models = [
        {"character": m.character, "precision": m.precision, "model_sha256": m.model_sha256, "agreement": 0.99}
        for m in pack.models
    ]
    files.write_json(tmp_path / "verify.json", {"models": models, "positions": 123, "weights": weights})
    times = {"median_us": 7.25, "runtime": "litert", "size_bytes": 2048}
    results = [{**m, "model": m["character"], **times} for m in models]
    files.write_json(tmp_path / "benchmark.json", {"results": results})
    return tmp_path


def test_the_report_joins_all_three(measured: Path) -> None:
    evaluation, verified, timed = report.read_all(measured, measured)
    rows = report.join(evaluation, verified, timed)
    assert [row["character"] for row in rows] == list(IDS) and rows[0]["agreement"]["int8"] == 0.99
    text = report.format_report(rows, list(evaluation.gains), 123)
    table, against_bots = (evaluation.table("specialist", name) for name in ("trained", "bots"))
    assert rows[1]["win_rate"]["specialist"] == table.rate(1) != rows[1]["win_rate"]["generalist"]
    assert rate(table.rate(0)) in text and "Ember Fox" in text and "123 real ones" in text
    mean = f"{100 * np.mean([np.mean(list(row['win_rate_against_bots']['specialist'].values())) for row in rows]):.1f}"
    assert mean == f"{100 * against_bots.rows.mean():.1f}" and text.split("mean")[1].split("\n")[0].split()[-1] == mean
    gain = evaluation.gain("specialist", "generalist", "bots").rows.mean()
    assert f"Specialists over start, against the bots: {100 * gain:+.1f} points [" in text


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(file.read_text())
    del content["digest"]
    change(content)
    files.write_json(file, content)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "evaluation",
            lambda x: x["weights"].update({IDS[0]: "f" * 16}),
            rf"other weights of {IDS[0]} \(f{{16}} there, ",
        ),
        ("evaluation", lambda x: x["weights"].pop("generation_02"), r"other weights of generation_02 \(none there, "),
        ("evaluation", lambda x: x["characters"].__setitem__(0, "a"), "is of a, which"),
        ("verify", lambda x: x["weights"].update({IDS[1]: ""}), rf"other weights of {IDS[1]} \( there, "),
        (
            "verify",
            lambda x: x["models"][0].update(model_sha256="a" * 64),
            r"another ember_fox.float32.tflite \(a{16} there",
        ),
        ("benchmark", lambda x: x["results"].pop(), r"another gale_archer.delta \(none there, \w{16} here\)"),
        (
            "benchmark",
            lambda x: x["results"][1].pop("median_us"),
            r"damaged or of another version: data.results\[1\] must",
        ),
        ("evaluation", lambda x: x.pop("weights"), "damaged or of another version: record.weights is missing"),
        ("evaluation", lambda x: x.update(version=0), "is of version 0 of the record, this is 1"),
        (
            "verify",
            lambda x: x.update(positions="x" * 10_000),
            "damaged or of another version: data.positions must be int",
        ),
    ],
)
def test_results_of_other_weights_are_not_joined(
    measured: Path, name: str, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    edit(measured / f"{name}.json", change)
    again = r"|python -m (camtf.evaluate|mobile.verify|mobile.benchmark) makes it anew"
    with pytest.raises(PackError, match=rf"{name}.json .*({message}{again})") as caught:
        report.read_all(measured, measured)
    assert message.startswith("is of a") or "makes it anew" in str(caught.value)
    assert len(str(caught.value)) < 600


def test_what_is_missing_or_damaged_is_named(measured: Path) -> None:
    """300 ways to damage each result: one named error, and nothing is read with other content."""
    weights = Pack(measured).manifest["weights"]
    for name, read in (
        ("evaluation", lambda file: to_json(read_evaluation(file, weights))),
        ("verify", lambda file: read_result(file, "verification")),
        ("benchmark", lambda file: read_result(file, "benchmark")),
    ):
        file = measured / f"{name}.json"
        whole = file.read_bytes()
        content = read(file)
        for damaged in mutations(whole, 300):
            file.write_bytes(damaged)
            try:
                assert read(file) == content  # white space between the values may differ
            except PackError as error:
                assert str(file) in str(error)
        file.unlink()
        with pytest.raises(PackError, match=rf"{name}.json does not exist; python -m \w+.\w+ writes it"):
            report.read_all(measured, measured)
        file.write_bytes(whole)
