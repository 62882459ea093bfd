"""CAM figure 2: how many characters gain, by the size of the population and the algorithm of stage 1."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation import statistics
from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import NotMeasured, Number, Section, Sheet, Verdict, numbers

KEY, TITLE, SOURCE = "cam_2", "Who gains, in populations of two sizes", "CAM figure 2"
_MOST_SHOWN = 16


def section(groups: list[Runs]) -> Section:
    """Of groups of runs, each of one algorithm and population. Raises NotMeasured where there is only one group."""
    if len(groups) < 2:
        n = len(groups[0].titles)
        raise NotMeasured(
            f"the papers compare populations of 8 and 50; these runs have one population, of {n} "
            f"({groups[0].first.algorithm})",
            "python -m camtf.report --run_dir=<these runs>,<runs of another size or algorithm>",
        )
    rows, surely, worse, total = [], 0, 0, 0
    for group in groups:
        gain = group.gain_of_each("specialist", "generalist", group.trained())
        p = statistics.holm(gain.p)
        better, lost = (p < 0.05) & (gain.value > 0), (p < 0.05) & (gain.value < 0)
        surely, worse, total = surely + int(better.sum()), worse + int(lost.sum()), total + len(p)
        rows += [
            (f"{label(group)}: {name}", g, Number(float(q)))
            for name, g, q in zip(group.titles, numbers(gain, 100), p, strict=True)
        ]
    most = surely >= total * 14 / 16
    verdict = Verdict.HOLDS if most else Verdict.FAILS if worse > total * 2 / 16 else Verdict.OPEN
    return Section(
        KEY, TITLE, SOURCE, "14 of 16 shown agents gain", verdict,
        f"{surely} of {total} characters surely gain, {worse} surely lose, and the others' intervals hold 0; in the "
        "papers 14 of 16 shown agents gain.",
        f"Holm over the characters of a population, 5%. {groups[0].basis()}.",
        {"gains": draw(groups)},
        (Sheet("Gain, points", ("character", "gain", "p (Holm)"), tuple(rows), 2),),
    )  # fmt: skip


def label(group: Runs) -> str:
    """Of a group of runs."""
    return f"{group.first.algorithm}-{len(group.titles)}"


def draw(groups: list[Runs]) -> Figure:
    """Win rates before and after, an arrow a character, a panel a group."""
    figure, panels = style.figure(8.2, 0.3 * min(max(len(g.titles) for g in groups), _MOST_SHOWN) + 1.2, 1, len(groups))
    for panel, group in zip(panels[0], groups, strict=True):
        against = group.trained()
        before, after = (100 * group.rates(kind, against)[:, :_MOST_SHOWN] for kind in ("generalist", "specialist"))
        for place in range(before.shape[1]):
            ends = before[:, place].mean(), after[:, place].mean()
            panel.annotate(
                "", (ends[1], place), (ends[0], place), arrowprops={"arrowstyle": "->", "color": style.PAPER}
            )
            style.dots(panel, place, before[:, place], style.GENERALIST, upright=False)
            style.dots(panel, place, after[:, place], style.SPECIALIST, upright=False)
        panel.set_yticks(np.arange(before.shape[1]), group.titles[:_MOST_SHOWN])
        panel.invert_yaxis()
        panel.set_xlim(0, 100)
        panel.set_title(label(group))
        panel.set_xlabel("battles won, %")
    return figure
