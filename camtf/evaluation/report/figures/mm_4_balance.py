"""M&M figure 4: the characters' win rates and how far they lie apart, before and after specialisation."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation import statistics
from camtf.evaluation.report import style
from camtf.evaluation.report.figures.cam_1_win_rates import strongest
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict, judge, number
from camtf.evaluation.statistics import Estimate

KEY, TITLE, SOURCE = "mm_4", "Balance between the characters", "M&M figure 4"
REPORTED = 5.99 / 9.95


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured."""
    against = runs.trained()
    shown, how = strongest(runs)
    if len(shown) < 2:
        raise runs.lacks("a spread needs two characters", "  # of a run of more")
    before, after = (runs.rates(kind, against)[:, shown] for kind in ("generalist", "specialist"))
    ratio = ratio_of(runs, against, shown)
    verdict = judge(ratio, REPORTED, 1.0)
    word = {
        Verdict.HOLDS: "the characters become more equal, by as much",
        Verdict.WEAKER: "the characters become more equal, but less so than in the papers",
        Verdict.FAILS: "the characters do not become more equal",
        Verdict.OPEN: "the interval holds both no change and the papers' ratio",
        Verdict.NONE: "",
    }[verdict]
    rows = tuple(
        (record.run, *(Number(100 * x) for b in (before[s], after[s]) for x in (b.min(), b.max(), b.std(ddof=1))))
        for s, record in enumerate(runs.records)
    )
    names = tuple(f"{kind} {what}" for kind in ("Generalist", "Specialist") for what in ("least", "most", "deviation"))
    return Section(
        KEY, TITLE, SOURCE, "58.2–92.5% to 77.6–97.3%; standard deviation 9.95 to 5.99, a ratio of 0.602", verdict,
        f"The standard deviation between the characters' win rates becomes {number(ratio).text(2)} times that of "
        f"before, the papers' 0.60: {word}.",
        f"What battles add to the spread is taken off the ratio. {runs.basis()}. {how}",
        {"spread": draw(before, after)},
        (Sheet("Win rates, %", ("run", *names), rows),),
    )  # fmt: skip


def ratio_of(runs: Runs, against: str, shown: np.ndarray) -> Estimate:
    """Spread of the Specialists over that of the Generalists."""
    rng = np.random.default_rng(runs.first.seed)
    ratios = []
    for record in runs.records:
        before, after = record.table("generalist", against), record.table("specialist", against)
        gain = record.gain("specialist", "generalist", against)
        errors = np.stack([x.errors[shown] for x in (after, before, gain)])
        ratios.append(statistics.spread_ratio(after.rows[shown], before.rows[shown], errors, rng))
    return ratios[0] if len(ratios) == 1 else statistics.ratio_over_seeds(np.array([r.value for r in ratios]))


def draw(before: np.ndarray, after: np.ndarray) -> Figure:
    """Win rates ``[S, N]`` of both, a line for each character, a dot for each seed."""
    figure, ((panel,),) = style.figure(6.4, 3.4)
    for k in range(before.shape[1]):
        panel.plot([0, 1], [100 * before[:, k].mean(), 100 * after[:, k].mean()], color=style.PAPER, linewidth=0.8)
        style.dots(panel, 0.0, 100 * before[:, k], style.GENERALIST)
        style.dots(panel, 1.0, 100 * after[:, k], style.SPECIALIST)
    for at, (low, high) in ((-0.3, (58.2, 92.5)), (1.3, (77.6, 97.3))):
        panel.plot([at, at], [low, high], color=style.PAPER, linewidth=5, alpha=0.6, solid_capstyle="round")
        panel.text(at, high + 2, "papers", color=style.PAPER, ha="center", fontsize=8)
    panel.set_xticks([0, 1], ["Generalist", "Specialist"])
    panel.set_xlim(-0.6, 1.6)
    panel.set_ylim(0, 102)
    panel.set_ylabel("battles won, %")
    return figure
