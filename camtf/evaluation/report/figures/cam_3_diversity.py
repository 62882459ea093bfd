"""CAM figure 3: how differently the characters act, before and after specialisation."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation import statistics
from camtf.evaluation.findings import Behaviour
from camtf.evaluation.record import EvaluationRecord
from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict, judge, number
from camtf.evaluation.statistics import Estimate

KEY, TITLE, SOURCE = "cam_3", "Which skills, and when", "CAM figure 3"
REPORTED = 1.0585 / 0.9210


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured."""
    before, after = (behaviours(runs, kind) for kind in ("generalist", "specialist"))
    means = np.array([[float(statistics.diversity(b.skill, b.skill_noise)) for b in kind] for kind in (before, after)])
    ratio = ratio_of(runs, before, after)
    verdict = judge(ratio, REPORTED, 1.0)
    word = {
        Verdict.HOLDS: "more diverse, by as much or more",
        Verdict.WEAKER: "more diverse, but less so than in the papers",
        Verdict.FAILS: "not more diverse, unlike in the papers",
        Verdict.OPEN: "neither surely more diverse nor surely less than in the papers",
        Verdict.NONE: "",
    }[verdict]
    rows = tuple(
        (record.run, Number(float(one)), Number(float(other)), Number(float(other / one)))
        for record, one, other in zip(runs.records, *means, strict=True)
    )
    return Section(
        KEY, TITLE, SOURCE, "0.9210 to 1.0585, a ratio of 1.149", verdict,
        f"The mean distance between two characters' action frequencies becomes {number(ratio).text(3)} times as "
        f"large; the papers report 1.149. The Specialists are {word}.",
        f"Euclidean distance between skill frequencies; sampling noise is taken off. {runs.basis()}.",
        {"timing": timing(runs.first, before[0], after[0])},
        (Sheet("Mean pairwise distance", ("run", "Generalist", "Specialist", "ratio"), rows, 4),),
    )  # fmt: skip


def behaviours(runs: Runs, kind: str) -> list[Behaviour]:
    """Of a kind against the population, one for each run. Raises NotMeasured."""
    against = runs.trained()
    found = [[b for b in r.behaviour if (b.kind, b.opponents) == (kind, against)] for r in runs.records]
    if not all(found):
        raise runs.lacks_kind(kind, f"what the {kind} does was not recorded")
    return [one[0] for one in found]


def ratio_of(runs: Runs, before: list[Behaviour], after: list[Behaviour]) -> Estimate:
    """Specialists' diversity over that of the Generalists."""
    if len(before) == 1:
        rng = np.random.default_rng(runs.first.seed)
        return statistics.diversity_ratio(
            (after[0].skill, after[0].skill_noise), (before[0].skill, before[0].skill_noise), rng
        )
    means = [[float(statistics.diversity(b.skill, b.skill_noise)) for b in kind] for kind in (after, before)]
    return statistics.ratio_over_seeds(np.array(means[0]) / np.array(means[1]))


def timing(record: EvaluationRecord, before: Behaviour, after: Behaviour) -> Figure:
    """Share of each skill among a character's decisions (left), and over the time of a battle (lines), of one run."""
    skills = record.skill_names or tuple(map(str, range(before.skill.shape[1])))
    order = np.argsort(-(before.skill + after.skill).mean(axis=0), kind="stable")
    used = [int(k) for k in order if skills[k] != "none"][:6]
    n = min(len(record.titles), 8)
    figure, panels = style.figure(8.6, 0.62 * n + 1.2, n, 2)
    for row in range(n):
        for column, (kind, found) in enumerate((("generalist", before), ("specialist", after))):
            panel = panels[row, column]
            for number_, k in enumerate(used):
                panel.plot(
                    100 * found.timing[row, k],
                    color=f"C{number_}",
                    linewidth=1.1,
                    label=skills[k] if row + column == 0 else None,
                )
            panel.set_ylim(0, 100 * np.nanmax([before.timing[row, used], after.timing[row, used]]) + 1e-9)
            panel.set_xticks([])
            panel.tick_params(labelsize=6)
            if not column:
                panel.set_ylabel(record.titles[row], rotation=0, ha="right", va="center", fontsize=8)
            if not row:
                panel.set_title(kind, color=style.kind_colour(kind))
    for panel in panels[-1]:
        panel.set_xlabel(f"time in the battle (bins of {before.bin_decisions} decisions)", fontsize=8)
    figure.legend(loc="outside upper center", ncols=6, fontsize=7.5)
    figure.supylabel("share of decisions, %", fontsize=8)
    return figure
