"""M&M figure 5: what a frame of training brings, by further Generalists and by Specialists, over TOTAL frames."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation.findings import Curve
from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict

KEY, TITLE, SOURCE = "mm_5", "What training costs", "M&M figure 5"


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured."""
    metric = common_metric(runs)
    stages = [stage for stage in ("generalists", "specialists", "controls") if curves(runs, stage, metric)]
    gains = {
        stage: [gain for gain in (step(c, metric) for c in curves(runs, stage, metric)) if gain] for stage in stages
    }
    rows = tuple(
        (stage, Number(float(np.mean([g for g, _ in found]))), Number(float(np.sum([f for _, f in found]) / 1e6)))
        for stage, found in gains.items()
        if found
    )
    if not rows:
        raise runs.lacks("no learner was measured more than once")
    said = "; ".join(f"{stage} {row[1].text()} points a learner" for stage, row in zip([r[0] for r in rows], rows))
    return Section(
        KEY, TITLE, SOURCE, "+16.1% in 170k learning steps for 2 more rounds of Generalists; 130k for a Specialist",
        Verdict.NONE,
        f"From its first to its last measurement, {label(metric)} changes by: {said}. Frames are counted over "
        "all learners together, so that N Specialists beside each other cost N times their own; the papers count "
        "learning steps of their own kind, and no step of theirs can be compared with a frame here.",
        "From the metrics that training keeps; means over learners, without an interval.",
        {"curves": draw(runs, stages, metric)},
        (Sheet("Change over each learner's training", ("stage", "points", "million frames, all"), rows, 2),),
    )  # fmt: skip


def curves(runs: Runs, stage: str, metric: str) -> list[Curve]:
    """Of a stage, those that hold a metric."""
    return [c for r in runs.records for c in r.curves if c.stage == stage and metric in c.values]


def common_metric(runs: Runs) -> str:
    """The win rate against a scripted bot that most curves hold, or else that in training. Raises NotMeasured."""
    held = [name for r in runs.records for c in r.curves for name, x in c.values.items() if np.isfinite(x).any()]
    rates = [name for name in held if name.startswith("v_")] or [name for name in held if name == "win_rate"]
    if not rates:
        raise runs.lacks("no learning curve holds a win rate")
    return max(dict.fromkeys(rates), key=rates.count)


def label(metric: str) -> str:
    """Of a metric, for people."""
    return f"the win rate against the bot {metric[2:]}" if metric.startswith("v_") else "the win rate in training"


def step(curve: Curve, metric: str) -> tuple[float, float] | None:
    """Change in points from the first to the last measurement, and the total frames between them."""
    there = np.flatnonzero(np.isfinite(curve.values[metric]))
    if len(there) < 2:
        return None
    first, last = there[0], there[-1]
    return (
        100 * float(curve.values[metric][last] - curve.values[metric][first]),
        float(curve.frames[last] - curve.frames[first]),
    )


def draw(runs: Runs, stages: list[str], metric: str) -> Figure:
    """A line for each learner, coloured by its stage."""
    figure, ((panel,),) = style.figure(8.2, 3.4)
    colours = {"generalists": style.GENERALIST, "specialists": style.SPECIALIST, "controls": style.CONTROLS[0]}
    for stage in stages:
        for i, curve in enumerate(curves(runs, stage, metric)):
            there = np.isfinite(curve.values[metric])
            panel.plot(curve.frames[there] / 1e6, 100 * curve.values[metric][there], ".-", color=colours[stage],
                       alpha=0.7, linewidth=1.1, markersize=3, label=stage if i == 0 else None)  # fmt: skip
    panel.set_xlabel("million learner frames of the whole run")
    panel.set_ylabel(f"{metric.replace('_', ' ')}, %")
    panel.set_ylim(0, 102)
    panel.grid(alpha=0.5)
    panel.legend(loc="lower right")
    return figure
