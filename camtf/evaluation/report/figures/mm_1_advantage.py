"""M&M figure 1: advantage of the characters over what the policies before them expected, by opponent."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation import statistics
from camtf.evaluation.findings import Advantage
from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict, number

KEY, TITLE, SOURCE = "mm_1", "Advantage over the prior iteration", "M&M figure 1"
_MOST = 12


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured."""
    specialists, generalists = (pick(runs, newest) for newest in (True, False))
    ratios = np.array([reach(s) / reach(g) for s, g in zip(specialists, generalists, strict=True)])
    lengths = [
        np.mean([np.sqrt(np.nansum(a.deviation**2, axis=1)) for a in x], axis=0) for x in (generalists, specialists)
    ]
    rows = tuple((name, *(Number(float(of[k])) for of in lengths)) for k, name in enumerate(runs.titles))
    if runs.seeds > 1:
        ratio = statistics.ratio_over_seeds(ratios)
        verdict = Verdict.HOLDS if ratio.low > 1 else Verdict.FAILS if ratio.high < 1 else Verdict.OPEN
        times = number(ratio).text(2)
    else:
        above = ratios[0] > 1 + noise(specialists[0], generalists[0])
        below = ratios[0] < 1 - noise(specialists[0], generalists[0])
        verdict = Verdict.HOLDS if above else Verdict.FAILS if below else Verdict.OPEN
        times = f"{ratios[0]:.2f}" if ratios[0] > 0 else "(no more than their noise)"
    word = {
        Verdict.HOLDS: "further from",
        Verdict.FAILS: "nearer to",
        Verdict.OPEN: "not surely further from or nearer to",
    }[verdict]
    return Section(
        KEY, TITLE, SOURCE, "Generalists near the centre, Specialists far from it", verdict,
        f"The Specialists' advantages deviate {times} times as much from the population's mean as the Generalists': "
        f"they lie {word} the centre.",
        "Advantage against the policies before: what was gained less what their critic expected, in units of the "
        f"reward; the mean over the characters is taken off. Shown is the run {runs.first.run}.",
        {"radial": draw(runs.titles, generalists[0], specialists[0])},
        (Sheet("Length of the deviation", ("character", "Generalist", "Specialist"), rows, 3),),
    )  # fmt: skip


def pick(runs: Runs, specialist: bool) -> list[Advantage]:
    """The Specialists' advantages of each run, or those of the last Generalists. Raises NotMeasured."""
    found = [[a for a in r.advantages if (a.player == "specialist") == specialist] for r in runs.records]
    if not all(found):
        who = "the Specialists" if specialist else "the last Generalists over those before them"
        raise runs.lacks_kind("specialist" if specialist else "generalist", f"the advantage of {who} was not measured")
    return [one[-1] for one in found]


def reach(advantage: Advantage) -> float:
    """Root mean square of the deviations, sampling noise taken off; not a number where they are no more than that."""
    n = advantage.mean.shape[0]
    square = np.nanmean(advantage.deviation**2) - np.nanmean(advantage.errors**2) * (n - 1) / n
    return float(np.sqrt(square)) if square > 0 else float("nan")


def noise(specialist: Advantage, generalist: Advantage) -> float:
    """Two standard errors of the ratio of `reach` that the battles of one run make, to first order."""
    parts = []
    for advantage in (specialist, generalist):
        variance = 4 * np.nansum((advantage.deviation * advantage.errors) ** 2) / advantage.mean.size**2
        parts.append(variance / (2 * reach(advantage) ** 2) ** 2)
    return float(2 * np.sqrt(sum(parts)) * reach(specialist) / reach(generalist))


def draw(titles: tuple[str, ...], generalist: Advantage, specialist: Advantage) -> Figure:
    """A radial panel for each character: deviation from the mean, by opponent. The dashed circle is no deviation."""
    n = min(len(titles), _MOST)
    columns = min(n, 3)
    lines = -(-n // columns)
    figure, panels = style.figure(8.8, 2.9 * lines + 0.4, lines, columns, polar=True)
    far = 1.05 * max(float(np.nanmax(np.abs(a.deviation))) for a in (generalist, specialist))
    for k, panel in enumerate(panels.flat):
        if k >= n:
            panel.set_visible(False)
            continue
        for name, found in (("generalist", generalist), ("specialist", specialist)):
            style.radial(
                panel, np.nan_to_num(found.deviation[k]), titles, style.kind_colour(name), name if k == 0 else ""
            )
        panel.plot(np.linspace(0, 2 * np.pi, 90), np.zeros(90), "--", color=style.INK, linewidth=0.6)
        panel.set_ylim(-far, far)
        panel.set_yticklabels([])
        panel.set_title(titles[k], fontsize=8.5)
    figure.legend(loc="outside upper right", ncols=2)
    return figure
