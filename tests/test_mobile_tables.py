"""The tables of mobile/README.md come from result files, and what measures equals sees what is not even."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import mirror, mobile_tables
from mobile.files import PackError
from mobile.paired import Paired


def results() -> tuple[dict[str, Any], dict[str, Any]]:
    """A verification and a benchmark of two models in two precisions."""
    models = [
        {"character": c, "precision": p, "model_sha256": f"{c}{p}", "agreement": agreement}
        for p, several in (("float32", (1.0, 1.0)), ("int8", (0.98, 0.99)))
        for c, agreement in zip(("a", "b"), several, strict=True)
    ]
    rates = {"float32": Paired(2000, 0.0, 0.0).rate(), "int8": Paired(2000, -10.0, 500.0).rate()}
    verified = {"models": models, "win_rate_vs_keras": rates, "models_that_lost": {"float32": 0, "int8": 1}}
    timed = [
        {**m, "model": m["character"], "runtime": runtime, "threads": 1, "median_us": us, "decision_median_us": 10 + us}
        for m in models
        for runtime, us in (("tflite_runtime", 4.0), ("litert", 3.04))
    ]
    return verified, {"results": timed}


def test_a_table_says_what_was_measured() -> None:
    verified, timed = results()
    rows = mobile_tables.precisions(verified, timed).splitlines()
    assert rows[2] == "| `float32` | 100.00 | 50.0 [50.0, 50.0] | 0.1 | 0 of 2 | 4.0 / 14.0 | 3.0 / 13.0 |"
    assert rows[3].startswith("| `int8` | 98.00 to 99.00 | 49.8 [48.7, 50.8] | 1.6 | 1 of 2 |")
    timed["results"][0]["model_sha256"] = "other"
    with pytest.raises(PackError, match=r"mobile_verify.json and mobile_benchmark.json are not of the same models"):
        mobile_tables.precisions(verified, timed)
    way = {"bytes_per_specialist": 24_000, "megabytes_of_320": 7.68, "specialists_that_lost": 0}
    packs = {"ways": {"float16": {**way, "against_original": Paired(10, 0.0, 2.0).rate()}}, "specialists": 6}
    assert "| float16 | 24,000 | 7.7 | 50.0 [33.9, 66.1] | " in mobile_tables.ways(packs)


def test_the_readme_has_a_place_for_every_table() -> None:
    text = (Path(__file__).parents[1] / "mobile" / "README.md").read_text(encoding="utf-8")
    filled = mobile_tables.fill(text, {"precisions": "| one |", "ways": "| two |", "mirror": "| three |"})
    assert [line for line in filled.splitlines() if line.startswith("| ") and line.count("|") == 2] == [
        "| one |",
        "| three |",
        "| two |",
    ]
    assert mobile_tables.fill(filled, {"ways": "| two |"}) == filled
    with pytest.raises(PackError, match="must have one place between <!-- table other -->"):
        mobile_tables.fill(text, {"other": ""})


def test_equals_that_are_not_even_or_not_independent_are_seen(rng: np.random.Generator) -> None:
    fair = mirror.measure((rng.random((40, 1000)) < 0.5).astype(float))
    assert abs(fair["mean"] - 0.5) < 3 * fair["mean_error"] and fair["intervals_without_half"] <= 6
    assert 0.7 < fair["spread"] / fair["spread_expected"] < 1.3
    assert abs(fair["correlation"]) < 3 * fair["correlation_error"]
    uneven = mirror.measure((rng.random((40, 1000)) < 0.53).astype(float))
    assert uneven["mean"] - 0.5 > 5 * uneven["mean_error"] and uneven["intervals_without_half"] > 10
    dependent = mirror.measure(np.repeat(rng.random((40, 250)) < 0.5, 4, axis=1).astype(float))
    assert dependent["spread"] > 1.5 * dependent["spread_expected"] and dependent["correlation"] > 0.5
