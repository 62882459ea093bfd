"""CAM figure 5 and M&M figure 7: every generation against every other; and what trained exploiters find."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation import statistics
from camtf.evaluation.intervals import NORMAL_95
from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict, number
from camtf.evaluation.statistics import Estimate

KEY, TITLE, SOURCE = "cam_5", "Every strategy against every other", "CAM figure 5, M&M figure 7"
EPSILON = 0.076


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured."""
    names = runs.first.strategies.names
    if len(names) < 2:
        raise runs.lacks(f"stage 1 has {len(names)} strategy, and none to meet", "  # a run of more generations")
    steps = last_steps(runs)
    last = Estimate(*(x[-1] for x in steps))
    falling = [f"{names[i + 1]} v. {names[i]}" for i in np.flatnonzero(steps.high < 0.5)]
    settled = float(last.high) <= 0.5 + EPSILON
    verdict = (
        Verdict.FAILS if falling or float(last.low) > 0.5 + EPSILON else Verdict.HOLDS if settled else Verdict.OPEN
    )
    monotone = (
        f"{len(falling)} of {len(steps.value)} steps surely lose against the one before ({', '.join(falling)})"
        if falling
        else f"{int((steps.low > 0.5).sum())} of {len(steps.value)} steps surely beat the one before, none surely loses"
    )
    word = (
        "no more than" if settled else "surely more than" if float(last.low) > 0.5 + EPSILON else "not surely less than"
    )
    best = exploiters(runs)
    found = f" Trained exploiters win up to {best.text()}% against their mixture, a lower bound." if best else ""
    pairs = tuple((f"{names[i + 1]} v. {names[i]}", _row(steps, i)) for i in range(len(steps.value)))
    return Section(
        KEY, TITLE, SOURCE, "monotone; the 13th wins 57.6% against the 12th", verdict,
        f"{monotone}; {names[-1]} wins {number(last, 100).text()}% against {names[-2]}, {word} the papers' "
        f"57.6%.{found}",
        f"Over all pairs of characters. {runs.basis()}.",
        {"heatmap": draw(runs)},
        (Sheet("Win rate against the strategy before, %", ("pair", "win rate"), pairs), *_exploiter_sheet(runs)),
    )  # fmt: skip


def last_steps(runs: Runs) -> Estimate:
    """Win rate of every strategy against the one before it, ``[S - 1]``; of runs of other lengths the common ones."""
    count = min(len(record.strategies.names) for record in runs.records)
    newer = np.arange(1, count)
    if runs.seeds == 1:
        found = runs.first.strategies
        mean, variance = (x[newer, newer - 1][:, None] for x in (found.mean, found.variance))
        return statistics.mean_over_battles(mean, variance, max(found.games, 2))
    values = np.stack([record.strategies.mean[newer, newer - 1] for record in runs.records], axis=-1)
    return statistics.mean_over_seeds(values, null=0.5)


def exploiters(runs: Runs) -> Number | None:
    """The largest win rate of an exploiter, % with its interval over battles."""
    found = [e for record in runs.records for e in record.exploiters]
    if not found:
        return None
    best = max(found, key=lambda e: e.win_rate)
    return Number(*(100 * (best.win_rate + side * NORMAL_95 * best.error) for side in (0, -1, 1)))


def draw(runs: Runs) -> Figure:
    """Win rate of the row against the column, mean over seeds."""
    names = runs.first.strategies.names
    alike = [r.strategies.mean for r in runs.records if len(r.strategies.names) == len(names)]
    size = max(3.6, 0.42 * len(names) + 1.6)
    figure, ((panel,),) = style.figure(size + 0.8, size)
    rates = 100 * np.mean(alike, axis=0)
    short = tuple(name.removeprefix("generation_") for name in names)
    style.heatmap(panel, rates, short, short)
    panel.set_title("row against column, battles won in %")
    return figure


def _row(steps: Estimate, i: int) -> Number:
    return Number(*(100 * float(x[i]) for x in steps[:3]))


def _exploiter_sheet(runs: Runs) -> list[Sheet]:
    rows = tuple(
        (
            f"{record.run}: against {', '.join(e.target)} (seed {e.seed})",
            Number(*(100 * (e.win_rate + side * NORMAL_95 * e.error) for side in (0, -1, 1))),
            Number(e.frames / 1e6),
        )
        for record in runs.records
        for e in record.exploiters
    )
    header = ("exploiter", "win rate, %", "million frames")
    return [Sheet("Trained best responses to frozen mixtures", header, rows, 2)] if rows else []
