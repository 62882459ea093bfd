"""One table of a whole run: ``python -m mobile.report --run_dir=runs/x --model_dir=build/x``.

Joins what `camtf.evaluate`, `mobile.verify` and `mobile.benchmark` measured. Writes ``report.json`` into the run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from camtf import command
from camtf.evaluation.columns import rate, table
from camtf.evaluation.findings import BOTS
from camtf.evaluation.record import FILE as EVALUATION
from camtf.evaluation.record import EvaluationRecord
from camtf.files import FileError, write_json, write_text
from mobile.files import PackError, cut
from mobile.pack import Pack
from mobile.results import check_models, check_weights, read_evaluation, read_result

FLAGS = flags.FLAGS


def join(evaluation: EvaluationRecord, verified: dict[str, Any], timed: dict[str, Any]) -> list[dict[str, Any]]:
    """One dictionary per character: win rates, and size, latency and agreement by precision."""
    generalist, specialist = (evaluation.table(kind, "trained") for kind in ("generalist", "specialist"))
    rows = []
    for k, character in enumerate(evaluation.characters):
        of = [m for m in verified["models"] if m["character"] == character]
        times = [r for r in timed["results"] if r["model"] == character]
        first = {p: next(r for r in times if r["precision"] == p) for p in dict.fromkeys(r["precision"] for r in times)}
        rows.append(
            {
                "character": character,
                "name": evaluation.titles[k],
                "generalist": generalist.rate(k)["win_rate"],
                "specialist": specialist.rate(k),
                "specialist_against_bots": _against_bots(evaluation, k),
                "size_bytes": {p: r["size_bytes"] for p, r in first.items()},
                "median_us": {p: r["median_us"] for p, r in first.items()},
                "runtime": next(iter(first.values()))["runtime"],
                "agreement": {m["precision"]: m["agreement"] for m in of},
            }
        )
    return rows


def _against_bots(evaluation: EvaluationRecord, character: int) -> dict[str, float]:
    """Win rate of a Specialist against each scripted bot."""
    return {
        bot: evaluation.table("specialist", bots.name).rate(character, number)["win_rate"]
        for bots in evaluation.set_of(BOTS)
        for number, bot in enumerate(bots.strategies)
    }


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


def read_all(run: Path, models: Path) -> tuple[EvaluationRecord, dict[str, Any], dict[str, Any]]:
    """Evaluation, verification and benchmark of a run and its pack.

    Raises PackError where one is missing or damaged, or they are not all of the same weights and models.
    """
    pack = Pack(models)
    evaluated = run / EVALUATION
    files = {"verification": models / "verify.json", "benchmark": models / "benchmark.json"}
    evaluation = read_evaluation(evaluated, pack.manifest["weights"])
    verified, timed = (read_result(file, kind) for kind, file in files.items())
    check_weights(files["verification"], "verification", verified["weights"], pack.manifest["weights"])
    compared = ((m["character"], m["precision"], m["model_sha256"]) for m in verified["models"])
    check_models(files["verification"], "verification", compared, pack.models)
    measured = ((r["model"], r["precision"], r["model_sha256"]) for r in timed["results"])
    check_models(files["benchmark"], "benchmark", measured, pack.models)
    strangers = set(evaluation.characters) - {m.character for m in pack.models}
    if strangers:
        raise PackError(f"{evaluated} is of {cut(', '.join(sorted(strangers)))}, which {models} does not hold")
    return evaluation, verified, timed


def main() -> None:
    run, models = Path(FLAGS.run_dir), Path(FLAGS.model_dir)
    try:
        evaluation, verified, timed = read_all(run, models)
        rows = join(evaluation, verified, timed)
        origin = {key: getattr(evaluation, key) for key in ("commit", "machine", "versions", "seed", "weights")}
        text = format_report(rows, verified["positions"])
        write_text(run / "report.txt", text + "\n")
        write_json(run / "report.json", {**origin, "characters": rows})
    except (PackError, FileError) as error:
        raise command.failure(error) from error
    print(f"{text}\n")
    for what, where in (
        ("Generalists", run / "generalists"),
        ("Specialists", run / "specialists"),
        ("TFLite models", models),
        ("all win rates", run / EVALUATION),
        ("this table", run / "report.txt"),
    ):
        print(f"{what:14} {where}")
    print(json.dumps({"characters": rows}))


if __name__ == "__main__":
    define_flags()
    command.run(main)
