"""Over training seeds: interquartile means and the probability of improvement, with every seed's own value."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation import statistics
from camtf.evaluation.record import EvaluationRecord
from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import NotMeasured, Number, Section, Sheet, Verdict, number
from camtf.evaluation.statistics import Estimate

KEY, TITLE, SOURCE = "seeds", "Over training seeds", "Agarwal et al. 2021"


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured where there is one seed."""
    if runs.seeds < 2:
        raise NotMeasured(
            f"all is of one training seed, {runs.first.training_seed}; a claim about training needs several",
            f"python -m camtf.report --run_dir={runs.paths[0]},<runs of other seeds>",
        )
    against = runs.trained()
    kinds = [kind.name for kind in runs.first.kinds if all(_has(r, kind.name, against) for r in runs.records)]
    rng = np.random.default_rng(runs.first.seed)
    middles = {kind: statistics.interquartile_mean(runs.rates(kind, against), rng) for kind in kinds}
    improved = {
        kind: statistics.probability_of_improvement(runs.rates("specialist", against), runs.rates(kind, against))
        for kind in kinds
        if kind != "specialist" and runs.seeds >= 3
    }
    chance = improved.get("generalist")
    if chance is None:
        verdict, said = Verdict.OPEN, "the probability of improvement needs three seeds"
    else:
        verdict = Verdict.HOLDS if chance.low > 0.5 else Verdict.FAILS if chance.high < 0.5 else Verdict.OPEN
        said = f"a Specialist of one seed beats the Generalist of another with probability {number(chance).text(2)}"
    nothing = (Number(float("nan")),)
    rows = tuple(
        (kind, number(middles[kind], 100), *((number(improved[kind]),) if kind in improved else nothing))
        for kind in kinds
    )
    means = {kind: number(middles[kind], 100).text() for kind in kinds}
    return Section(
        KEY, TITLE, SOURCE, "", verdict,
        f"Interquartile mean of the win rates over {runs.seeds} seeds and {len(runs.titles)} characters: "
        f"{', '.join(f'{kind} {text}%' for kind, text in means.items())}; {said}.",
        f"{runs.basis()}; the seeds are drawn for all characters together.",
        {"seeds": draw(runs, kinds, against, middles)},
        (Sheet("Against the population", ("kind", "interquartile mean, %", "P(Specialist is better)"), rows, 2),),
    )  # fmt: skip


def draw(runs: Runs, kinds: list[str], against: str, middles: dict[str, Estimate]) -> Figure:
    """A line for each kind: the interquartile mean with its interval, and below it a dot for each seed's mean."""
    figure, ((panel,),) = style.figure(7.4, 0.6 * len(kinds) + 1.0)
    for place, kind in enumerate(kinds):
        value, low, high = (100 * float(x) for x in middles[kind][:3])
        colour = style.kind_colour(kind, place)
        panel.errorbar([value], [place], xerr=[[value - low], [high - value]], fmt="D", ms=6, capsize=4, color=colour)
        style.dots(panel, place + 0.25, 100 * runs.rates(kind, against).mean(axis=1), colour, upright=False)
    panel.set_yticks(np.arange(len(kinds)), kinds)
    panel.set_ylim(len(kinds) - 0.4, -0.6)
    panel.set_xlabel("battles won against the population, %: interquartile mean, below it the mean of each seed")
    return figure


def _has(record: EvaluationRecord, kind: str, against: str) -> bool:
    return any((t.kind, t.opponents) == (kind, against) for t in record.tables)
