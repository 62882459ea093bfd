"""Mutual information between two players' actions, before and after specialisation, beside its null."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation import statistics
from camtf.evaluation.findings import Information
from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict, number

KEY, TITLE, SOURCE = "mutual_information", "Mutual information", "CAM section 8, M&M section 3"


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured."""
    before, after = (pick(runs, kind) for kind in ("generalist", "specialist"))
    both = [beyond_null(x) for x in (before, after)]  # [S, N] each
    change = both[1].mean(axis=1) - both[0].mean(axis=1)
    if runs.seeds > 1:
        estimate = statistics.mean_over_seeds(change)
        verdict = Verdict.HOLDS if estimate.high < 0 else Verdict.FAILS if estimate.low > 0 else Verdict.OPEN
        by = number(estimate).text(4)
    else:
        falls, rises = apart(after[0], before[0]), apart(before[0], after[0])
        verdict = Verdict.HOLDS if falls else Verdict.FAILS if rises else Verdict.OPEN
        by = f"{change[0]:+.4f}"
    word = {
        Verdict.HOLDS: "falls, as the papers derive",
        Verdict.FAILS: "rises, unlike the papers derive",
        Verdict.OPEN: "does not surely change",
    }[verdict]
    rows = tuple(
        (
            name,
            *(_cell(x[0], k) for x in (before, after)),
            *(Number(float(x[0].null[k].mean())) for x in (before, after)),
        )
        for k, name in enumerate(runs.titles)
    )
    header = ("character", "Generalist–Generalist", "Specialist–Generalist", "null", "null (Specialist)")
    return Section(
        KEY, TITLE, SOURCE, "falls (derived, not measured)", verdict,
        f"The mutual information with a Generalist, less its null, changes by {by} nats: it {word}.",
        f"On {before[0].states:,} equal joint states a pair; the null shuffles the pairs. "
        f"Shown is the run {runs.first.run}.",
        {"information": draw(runs.titles, before, after)},
        (Sheet("Nats beyond the null, mean over opponents", header, rows, 4),),
    )  # fmt: skip


def pick(runs: Runs, kind: str) -> list[Information]:
    """Of a kind with the Generalist, one for each run. Raises NotMeasured."""
    found = [[i for i in r.information if i.kind == kind] for r in runs.records]
    if not all(found):
        raise runs.lacks_kind(kind, f"the mutual information of {kind} and generalist was not measured")
    return [one[0] for one in found]


def beyond_null(found: list[Information]) -> np.ndarray:
    """Information less its null, mean over opponents, ``[S, N]``."""
    return np.stack([np.nanmean(one.value - one.null, axis=1) for one in found])


def apart(lower: Information, upper: Information) -> bool:
    """Whether the mean intervals of two measurements of one run do not touch. Their halves are averaged, not divided by
    the root of the number of pairs: the pairs share their battles, so that this errs on the wide side."""
    return bool(np.nanmean(lower.high) < np.nanmean(upper.low))


def draw(titles: tuple[str, ...], before: list[Information], after: list[Information]) -> Figure:
    """A dot for each character and seed, less the null."""
    figure, ((panel,),) = style.figure(7.4, 0.34 * len(titles) + 1.2)
    for kind, found, offset in (("generalist", before, -0.16), ("specialist", after, 0.16)):
        values = beyond_null(found)
        for k in range(len(titles)):
            style.dots(panel, k + offset, values[:, k], style.kind_colour(kind), upright=False)
            low, high = (np.nanmean(x[k]) for x in (found[0].low, found[0].high))
            panel.plot([low, high], [k + offset] * 2, color=style.kind_colour(kind), linewidth=1.2,
                       label=f"{kind}–generalist" if k == 0 else None)  # fmt: skip
    panel.axvline(0, color=style.INK, linewidth=0.8)
    panel.set_yticks(np.arange(len(titles)), titles)
    panel.invert_yaxis()
    panel.set_xlabel("mutual information less its null, nats")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def _cell(found: Information, k: int) -> Number:
    return Number(*(float(np.nanmean(x[k])) for x in (found.value - found.null, found.low, found.high)))
