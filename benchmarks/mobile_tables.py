"""Writes the tables of mobile/README.md from the result files: ``python -m benchmarks.mobile_tables``.

Reads ``docs/results/mobile_verify.json``, ``mobile_benchmark.json``, ``packs.json`` and ``mirror.json``, and replaces
what stands between the README's markers ``<!-- table NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from camtf import command, files
from camtf.evaluation.columns import rate
from mobile.files import PackError

ROOT = Path(__file__).parents[1]


def precisions(verified: dict[str, Any], timed: dict[str, Any]) -> str:
    """Agreement, battles and speed of each precision. Raises PackError where the two are not of the same models."""
    digests = {(m["character"], m["precision"], m["model_sha256"]) for m in verified["models"]}
    if digests != {(r["model"], r["precision"], r["model_sha256"]) for r in timed["results"]}:
        raise PackError("mobile_verify.json and mobile_benchmark.json are not of the same models; measure both again")
    rows = []
    for precision, together in verified["win_rate_vs_keras"].items():
        same = [100 * m["agreement"] for m in verified["models"] if m["precision"] == precision]
        lost = f"{verified['models_that_lost'][precision]} of {len(same)}"
        times = [_times(timed, precision, runtime) for runtime in ("tflite_runtime", "litert")]
        agreement = f"{min(same):.2f} to {max(same):.2f}" if min(same) < max(same) else f"{same[0]:.2f}"
        detectable = f"{100 * together['detectable']:.1f}"
        rows.append([f"`{precision}`", agreement, rate(together), detectable, lost, *times])
    header = ["", "same decision as Keras, %", "wins against Keras, % [95%]", "detectable loss, points",
              "models that lost", "tflite-runtime, us", "ai-edge-litert, us"]  # fmt: skip
    return _table(header, rows)


def ways(packs: dict[str, Any]) -> str:
    """Size and battles of each way to store Specialists."""
    rows = [
        [name, f"{way['bytes_per_specialist']:,}", f"{way['megabytes_of_320']:.1f}", rate(way["against_original"]),
         f"{100 * way['against_original']['detectable']:.1f}", str(way["specialists_that_lost"])]
        for name, way in packs["ways"].items()
    ]  # fmt: skip
    header = ["way", "bytes each", "MB of 320", "wins against the original, % [95%]", "detectable loss, points",
              f"Specialists that lost, of {packs['specialists']}"]  # fmt: skip
    return _table(header, rows)


def mirror(result: dict[str, Any]) -> str:
    """Battles of equals."""
    header = ["measurements", "battles each", "won by player 0, %", "standard error", "spread, points",
              "spread expected", "95% intervals without 50"]  # fmt: skip
    row = [str(result["seeds"]), f"{result['battles']:,}"]
    row += [f"{100 * result[name]:.2f}" for name in ("mean", "mean_error", "spread", "spread_expected")]
    return _table(header, [[*row, str(result["intervals_without_half"])]])


def fill(text: str, tables: dict[str, str]) -> str:
    """A text with its tables replaced by others. Raises PackError where a marker is missing."""
    for name, table in tables.items():
        text, count = re.subn(rf"(<!-- table {name} -->\n).*?(<!-- end -->)", rf"\g<1>{table}\n\g<2>", text, flags=re.S)
        if count != 1:
            raise PackError(f"mobile/README.md must have one place between <!-- table {name} --> and <!-- end -->")
    return text


def _times(timed: dict[str, Any], precision: str, runtime: str) -> str:
    """Median over the models, of the inference and of the whole decision, one thread."""
    chosen = [
        r for r in timed["results"] if (r["precision"], r["runtime"], r["threads"]) == (precision, runtime, 1)
    ]  # fmt: skip
    medians = [sorted(r[key] for r in chosen)[len(chosen) // 2] for key in ("median_us", "decision_median_us")]
    return " / ".join(f"{value:.1f}" for value in medians)


def _table(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows])


def main() -> None:
    readme, results = ROOT / "mobile" / "README.md", ROOT / "docs" / "results"
    try:
        names = ("mobile_verify", "mobile_benchmark", "packs", "mirror")
        verified, timed, packs, equals = (files.read_json(results / f"{name}.json") for name in names)
        tables = {"precisions": precisions(verified, timed), "ways": ways(packs), "mirror": mirror(equals)}
        files.write_text(readme, fill(readme.read_text(encoding="utf-8"), tables))
    except (PackError, files.FileError) as error:
        raise command.failure(error) from error
    print(f"{readme}: {len(tables)} tables are written")


if __name__ == "__main__":
    command.run(main)
