"""What came out of a study: one line for each result of the papers, and flat numbers for programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from camtf import files
from camtf.evaluation import record, statistics
from camtf.evaluation.columns import table
from camtf.evaluation.report.figures import cam_3_diversity, cam_5_generations, information, mm_4_balance
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.statistics import Estimate
from camtf.studies.steps import Plan

RESULTS = {
    "cam_1": "CAM figure 1: win rates before and after",
    "cam_2": "CAM figure 2: who gains, by population",
    "cam_3": "CAM figure 3: which skills, and when",
    "cam_5": "CAM figure 5, M&M figure 7: every generation against every other",
    "mm_1": "M&M figure 1: advantage over the prior iteration",
    "mm_2": "M&M figure 2: social graphs",
    "mm_3": "M&M figure 3: counted moves",
    "mm_4": "M&M figure 4: balance between the characters",
    "mm_5": "M&M figure 5: further Generalists against specialising",
    "mutual_information": "mutual information",
    "controls": "beside the papers: gains over every control",
}
"""Sections of a report that answer a result of the papers, by key."""

_SETS = ("trained", "held_out", "bots")


def results(plan: Plan, hours: float, frames: int) -> dict[str, Any]:
    """All that a finished study says, for programs. Raises FileError where a part of it is missing."""
    main, generations = plan.study.main, plan.study.generations
    runs = _runs(plan, main)
    found: dict[str, Any] = {}
    for control in runs.controls("specialist", "trained"):
        name = "start" if control == "generalist" else control
        for opponents in _SETS:
            key = f"gain_over_{name}" + ("" if opponents == "trained" else f"_{opponents}")
            found |= _flat(key, runs.mean_gain("specialist", control, opponents))
    against = runs.trained()
    behaviours = (cam_3_diversity.behaviours(runs, kind) for kind in ("generalist", "specialist"))
    found |= _flat("diversity_ratio", cam_3_diversity.ratio_of(runs, *behaviours))
    found |= _flat("spread_ratio", mm_4_balance.ratio_of(runs, against, np.arange(len(runs.titles))))
    last = cam_5_generations.last_steps(_runs(plan, generations))
    found |= _flat("last_generation_win_rate", Estimate(*(x[-1] for x in last)))
    found |= _flat("mutual_information_ratio", information_ratio(runs))
    if further := [name for name, p in plan.study.populations.items() if p.first_of]:
        found["further_generations"] = {name: _further(plan, name) for name in further}
    return found | {
        "seeds": len(plan.seeds),
        "characters": len(runs.titles),
        "games_per_pairing": runs.first.table("specialist", against).games,
        "learner_frames": frames,
        "hours": round(hours, 2),
        "results": _answers(plan, main),
        "results_by_population": {name: _answers(plan, name) for name in plan.study.specialists if name != main},
    }


def report(found: dict[str, Any]) -> str:
    """The results of the papers as a table, then the numbers."""
    rows = [[RESULTS[key], x["verdict"], x["sentence"]] for key, x in found["results"].items()]
    numbers = [
        [key, f"{value:.3f}", _interval(found, key)]
        for key, value in found.items()
        if isinstance(value, float) and not key.endswith(("_low", "_high"))
    ]
    said = "\n\n".join(f"{name}: {verdict}.\n  {sentence}" for name, verdict, sentence in rows)
    return f"{said}\n\n{table(['', 'value', '95%'], numbers)}"


def information_ratio(runs: Runs) -> Estimate:
    """Mutual information of Specialists with the Generalist over that of Generalists, both less their null.

    Not a number where the information of a seed does not exceed its null. The interval is over seeds; of one seed there
    is none, because all pairs share their battles.
    """
    before, after = (
        information.beyond_null(information.pick(runs, kind)).mean(axis=1) for kind in ("generalist", "specialist")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where((before > 0) & (after > 0), after / before, np.nan)
    if runs.seeds > 1:
        return statistics.ratio_over_seeds(ratios)
    none = np.array(np.nan)
    return Estimate(ratios[0], none, none, none)


def _runs(plan: Plan, population: str) -> Runs:
    """The evaluations of a population of all seeds."""
    paths = [plan.run(population, seed) for seed in plan.seeds]
    return Runs(tuple(record.read(path / record.FILE) for path in paths), tuple(map(str, paths)))


def _answers(plan: Plan, population: str) -> dict[str, Any]:
    """What the report of a population says of each result of the papers."""
    numbers = files.read_json(plan.report(population) / "report" / "numbers.json")
    answers = {}
    for key in RESULTS:
        if key in numbers["sections"]:
            section = numbers["sections"][key]
            answers[key] = {x: section[x] for x in ("reported", "verdict", "sentence")}
        else:
            lacking = numbers["not_measured"].get(key, {"what": "not a part of this study"})["what"]
            answers[key] = {"reported": "", "verdict": "not measured", "sentence": lacking}
    return answers


def _further(plan: Plan, name: str) -> dict[str, Any]:
    """M&M figure 5: what the Generalists gain by the further generations against the population of ``name``, beside
    what its Specialists gain, each with its learner frames over all networks together."""
    p = plan.study.populations[name]
    gained = []
    for seed in plan.seeds:
        evaluated = record.read(plan.run(p.first_of, seed) / record.FILE)
        own = record.read(plan.run(name, seed) / record.FILE)
        after = evaluated.table("generalist", own.run).rows.mean()
        gained.append(float(after - own.table("generalist", _trained(own)).rows.mean()))
    whole = plan.study.populations[p.first_of].settings
    more = whole["generalists.generations"] - p.generations
    found = statistics.with_interval(gained)
    frames = plan.scaled(whole["generalists.frames"]) * more
    return {"generations": more, "frames": frames, **{f"gain_{k}": v for k, v in found.items()}}


def _trained(of: record.EvaluationRecord) -> str:
    return of.set_of("trained")[0].name


def _flat(key: str, estimate: Estimate) -> dict[str, Any]:
    """A value and its bounds, None for what is no number."""
    named = zip((key, f"{key}_low", f"{key}_high"), estimate[:3], strict=True)
    return {name: None if np.isnan(x) else float(x) for name, x in named}


def _interval(found: dict[str, Any], key: str) -> str:
    low, high = found.get(f"{key}_low"), found.get(f"{key}_high")
    return "" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"
