"""One table of a whole run: ``python -m mobile.report --run_dir=runs/x --model_dir=build/x``.

Joins what `camtf.evaluate`, `mobile.verify` and `mobile.benchmark` measured. Writes ``report.json`` into the run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from camtf import command
from camtf.evaluation.columns import rate, table
from camtf.evaluation.findings import BOTS, TRAINED, Gain
from camtf.evaluation.intervals import NORMAL_95
from camtf.evaluation.record import FILE as EVALUATION
from camtf.evaluation.record import EvaluationRecord
from camtf.files import FileError, write_json, write_text
from camtf.games.duel.game import Duel
from mobile.files import PackError, cut
from mobile.pack import Pack
from mobile.results import check_models, check_weights, read_evaluation, read_result

FLAGS = flags.FLAGS

_TITLES = {"generalist": "start", "specialist": "Specialist"}
_SETS = {"trained": "the population", "bots": "the bots"}


def join(evaluation: EvaluationRecord, verified: dict[str, Any], timed: dict[str, Any]) -> list[dict[str, Any]]:
    """One dictionary per character: win rates of every kind of player, and size, latency, agreement by precision."""
    kinds = [kind.name for kind in evaluation.kinds]
    rows = []
    for k, character in enumerate(evaluation.characters):
        of = [m for m in verified["models"] if m["character"] == character]
        times = [r for r in timed["results"] if r["model"] == character]
        first = {p: next(r for r in times if r["precision"] == p) for p in dict.fromkeys(r["precision"] for r in times)}
        rows.append(
            {
                "character": character,
                "name": evaluation.titles[k],
                "win_rate": {kind: evaluation.table(kind, TRAINED).rate(k) for kind in kinds},
                "win_rate_against_bots": {kind: _against_bots(evaluation, kind, k) for kind in kinds},
                "size_bytes": {p: r["size_bytes"] for p, r in first.items()},
                "median_us": {p: r["median_us"] for p, r in first.items()},
                "runtime": next(iter(first.values()))["runtime"],
                "agreement": {m["precision"]: m["agreement"] for m in of},
            }
        )
    return rows


def _against_bots(evaluation: EvaluationRecord, kind: str, character: int) -> dict[str, float]:
    """Win rate of a kind against each scripted bot."""
    return {
        bot: evaluation.table(kind, bots.name).rate(character, number)["win_rate"]
        for bots in evaluation.set_of(BOTS)
        for number, bot in enumerate(bots.strategies)
    }


def format_report(rows: list[dict[str, Any]], gains: list[Gain], positions: int) -> str:
    """Win rates beside their controls, then the models, and below each table what its columns mean.

    Args:
        gains: of the Specialists over each control, against each set of opponents.
    """
    return f"{win_rates(rows)}\n\n{gained(gains)}\n\n{models(rows, positions)}"


def win_rates(rows: list[dict[str, Any]]) -> str:
    """Every kind of player against the population and the bots, the Specialists last."""
    kinds = sorted(rows[0]["win_rate"], key=lambda kind: kind == "specialist")
    met = bool(rows[0]["win_rate_against_bots"][kinds[0]])
    header = ["battles won, %", *(_TITLES.get(k, k) for k in kinds[:-1]), f"{_TITLES[kinds[-1]]} [95%]"]
    header += [f"{'v. bots: ' if i == 0 else ''}{_TITLES.get(k, k)}" for i, k in enumerate(kinds)] if met else []
    lines = []
    for row in rows:
        line = [row["name"], *(f"{100 * row['win_rate'][k]['win_rate']:.1f}" for k in kinds[:-1])]
        line += [rate(row["win_rate"][kinds[-1]])]
        line += [f"{100 * _mean(row['win_rate_against_bots'][k]):.1f}" for k in kinds] if met else []
        lines.append(line)
    means = [np.mean([row["win_rate"][k]["win_rate"] for row in rows]) for k in kinds]
    means += [np.mean([_mean(row["win_rate_against_bots"][k]) for row in rows]) for k in kinds] if met else []
    lines.append(["mean", *(f"{100 * mean:.1f}" for mean in means)])
    said = (
        f"{table(header, lines)}\n\n"
        "As this character against the population that Specialists train against, as every character, "
        f"{rows[0]['win_rate'][kinds[-1]]['games']:,} battles each; v. bots: mean of the scripted opponents.\n"
        "start: the Generalist that a Specialist was copied from"
    )
    matched = "; matched: it, trained on as all characters for as many frames as all Specialists together"
    return f"{said}{matched if 'matched' in kinds else ''}."


def gained(gains: list[Gain]) -> str:
    """What the Specialists gain over each control, in one line each."""
    lines = []
    for gain in gains:
        mean, half = 100 * gain.rows.mean(), 100 * NORMAL_95 * np.sqrt((gain.errors**2).sum()) / len(gain.rows)
        title = _TITLES.get(gain.control, gain.control)
        lines.append(
            f"Specialists over {title}, against {_SETS.get(gain.opponents, gain.opponents)}: "
            f"{mean:+.1f} points [{mean - half:.1f}, {mean + half:.1f}]"
        )
    return "\n".join([*lines, "(95% over the battles of this one training; another seed may say otherwise)"])


def models(rows: list[dict[str, Any]], positions: int) -> str:
    """The exported models."""
    precisions = list(rows[0]["agreement"])
    header = ["model"]
    for title in ("KiB", "us", "same, %"):
        header += [f"{p} {title}" if i == 0 else p for i, p in enumerate(precisions)]
    lines = []
    for row in rows:
        line = [row["name"], *(f"{row['size_bytes'][p] / 1024:.0f}" for p in precisions)]
        line += [f"{row['median_us'][p]:.1f}" for p in precisions]
        line += [f"{100 * row['agreement'][p]:.2f}" for p in precisions]
        lines.append(line)
    return (
        f"{table(header, lines)}\n\n"
        f"KiB: size of the TFLite file. us: median time of one inference in {rows[0]['runtime']}, one thread. same: "
        f"best legal decisions that equal Keras's, of {positions:,} real ones."
    )


def _mean(rates: dict[str, float]) -> float:
    return float(np.mean(list(rates.values())))


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
        playable = Pack(models).manifest["game"] == Duel.name
        rows = join(evaluation, verified, timed)
        origin = {key: getattr(evaluation, key) for key in ("commit", "machine", "versions", "seed", "weights")}
        text = format_report(rows, [g for g in evaluation.gains if g.kind == "specialist"], verified["positions"])
        write_text(run / "report.txt", text + "\n")
        write_json(run / "report.json", {**origin, "characters": rows})
    except (PackError, FileError) as error:
        raise command.failure(error) from error
    print(text)
    where = {
        "Generalists": run / "generalists",
        "Specialists": run / "specialists",
        "TFLite models": models,
        "all win rates": run / EVALUATION,
        "this table": run / "report.txt",
    }
    then = {"every figure": f"python -m camtf.report {command.flag('run_dir', run)}"}
    if playable:
        then["fight one"] = f"python -m camtf.play {command.flag('run_dir', run)} {command.flag('pack', models)}"
    command.say_last(where, then)
    command.print_result({"characters": rows}, run / "report.json")


if __name__ == "__main__":
    define_flags()
    command.run(main)
