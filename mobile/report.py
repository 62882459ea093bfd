"""One table of a whole run: ``python -m mobile.report --run_dir=runs/x --model_dir=build/x``.

Joins what `camtf.evaluate`, `mobile.verify` and `mobile.benchmark` measured. Writes ``report.json`` into the run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

from camtf.evaluation.report import rate, table

FLAGS = flags.FLAGS


def join(evaluation: dict[str, Any], verified: dict[str, Any], timed: dict[str, Any]) -> list[dict[str, Any]]:
    """One dictionary per character: win rates, and size, latency and agreement by precision."""
    rows = []
    for row in evaluation["characters"]:
        of = [m for m in verified["models"] if m["character"] == row["character"]]
        times = [r for r in timed["results"] if r["model"] == row["character"]]
        first = {p: next(r for r in times if r["precision"] == p) for p in dict.fromkeys(r["precision"] for r in times)}
        rows.append(
            {
                "character": row["character"],
                "name": row["name"],
                "generalist": row["generalist"]["win_rate"],
                "specialist": {key: row["specialist"][key] for key in ("win_rate", "low", "high", "games")},
                "specialist_against_bots": {
                    bot: result["win_rate"] for bot, result in row["specialist"]["against_bots"].items()
                },
                "size_bytes": {p: r["size_bytes"] for p, r in first.items()},
                "median_us": {p: r["median_us"] for p, r in first.items()},
                "runtime": next(iter(first.values()))["runtime"],
                "agreement": {m["precision"]: m["agreement"] for m in of},
            }
        )
    return rows


def format_report(rows: list[dict[str, Any]], positions: int) -> str:
    """The table, and below it what its columns mean."""
    precisions = list(rows[0]["agreement"])
    header = ["character", "Generalist", "Specialist [95%]", "v. bots"]
    for title in ("KiB", "us", "same, %"):
        header += [f"{p} {title}" if i == 0 else p for i, p in enumerate(precisions)]
    lines = []
    for row in rows:
        bots = np.mean(list(row["specialist_against_bots"].values()))
        line = [row["name"], f"{100 * row['generalist']:.1f}", rate(row["specialist"]), f"{100 * bots:.1f}"]
        line += [f"{row['size_bytes'][p] / 1024:.0f}" for p in precisions]
        line += [f"{row['median_us'][p]:.1f}" for p in precisions]
        line += [f"{100 * row['agreement'][p]:.2f}" for p in precisions]
        lines.append(line)
    means = [np.mean([r["generalist"] for r in rows]), np.mean([r["specialist"]["win_rate"] for r in rows])]
    bots = np.mean([list(r["specialist_against_bots"].values()) for r in rows])
    blank = [""] * (3 * len(precisions))
    lines.append(["mean", *(f"{100 * m:.1f}" for m in means), f"{100 * bots:.1f}", *blank])
    return (
        f"{table(header, lines)}\n\n"
        "Generalist, Specialist: battles won (%) as this character against the Generalist as every character, "
        f"{rows[0]['specialist']['games']:,} each.\n"
        "v. bots: battles the Specialist won (%), mean of the scripted opponents. KiB: size of the TFLite file.\n"
        f"us: median time of one inference in {rows[0]['runtime']}, one thread. same: best legal decisions that equal "
        f"Keras's, of {positions:,} real ones."
    )


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("run_dir", None, "Directory of the run.", required=True)
    flags.DEFINE_string("model_dir", None, "Folder of the models.", required=True)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}")
    run, models = Path(FLAGS.run_dir), Path(FLAGS.model_dir)
    files = [run / "evaluation.json", models / "verify.json", models / "benchmark.json"]
    missing = [str(file) for file in files if not file.exists()]
    if missing:
        raise SystemExit(
            f"error: {', '.join(missing)} missing; camtf.evaluate, mobile.verify and mobile.benchmark write these"
        )
    evaluation, verified, timed = (json.loads(file.read_text(encoding="utf-8")) for file in files)
    rows = join(evaluation, verified, timed)
    origin = {key: evaluation[key] for key in ("commit", "machine", "versions", "seed")}
    text = format_report(rows, verified["positions"])
    (run / "report.txt").write_text(text + "\n", encoding="utf-8")
    (run / "report.json").write_text(json.dumps({**origin, "characters": rows}, indent=2) + "\n", encoding="utf-8")
    print(f"{text}\n")
    for what, where in (
        ("Generalists", run / "generalists"),
        ("Specialists", run / "specialists"),
        ("TFLite models", models),
        ("all win rates", run / "evaluation.json"),
        ("this table", run / "report.txt"),
    ):
        print(f"{what:14} {where}")
    print(json.dumps({"characters": rows}))


if __name__ == "__main__":
    define_flags()
    app.run(main)
