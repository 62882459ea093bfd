"""M&M figure 2: whom each character would train against, and how sparse that is."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation import statistics
from camtf.evaluation.findings import SocialGraph
from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict, number

KEY, TITLE, SOURCE = "mm_2", "Social graphs", "M&M figure 2"
_MOST = 12


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured."""
    before, after = (pick(runs, kind) for kind in ("generalist", "specialist"))
    change = np.array([float((a.entropy - b.entropy).mean()) for a, b in zip(after, before, strict=True)])
    uniform = float(np.log(before[0].sigma.shape[1]))
    if runs.seeds > 1:
        estimate = statistics.mean_over_seeds(change)
        sparser = Verdict.HOLDS if estimate.high < 0 else Verdict.FAILS if estimate.low > 0 else Verdict.OPEN
        by = number(estimate).text(3)
    else:
        sparser, by = Verdict.OPEN, f"{change[0]:.3f}"
    word = {
        Verdict.HOLDS: "sparser, as in the papers",
        Verdict.FAILS: "denser, unlike in the papers",
        Verdict.OPEN: "not surely other than those of the Generalists" if runs.seeds > 1 else
        ("sparser" if change[0] < 0 else "no sparser") + " in this one run, which decides nothing",
    }[sparser]  # fmt: skip
    rows = tuple(
        (
            name,
            Number(float(np.mean([g.entropy[k] for g in before]))),
            Number(float(np.mean([g.entropy[k] for g in after]))),
        )
        for k, name in enumerate(runs.titles)
    )
    return Section(
        KEY, TITLE, SOURCE, "Generalists uniform, Specialists sparse", sparser,
        f"The rows' mean entropy changes by {by} nats from Generalists to Specialists (uniform: {uniform:.3f}): the "
        f"Specialists' graphs are {word}.",
        f"Sigma = F(U), F = {before[0].solver}; shown is the deviation from the mean row, of the run {runs.first.run}.",
        {"radial": draw(runs.titles, before[0], after[0])},
        (Sheet("Entropy of each row, nats", ("character", "Generalist", "Specialist"), rows, 3),),
    )  # fmt: skip


def pick(runs: Runs, kind: str) -> list[SocialGraph]:
    """Of a kind against the population, one for each run. Raises NotMeasured."""
    against = runs.trained()
    found = [[g for g in r.social_graphs if (g.kind, g.opponents) == (kind, against)] for r in runs.records]
    if not all(found):
        raise runs.lacks_kind(kind, f"the social graph of the {kind} was not solved")
    return [one[0] for one in found]


def by_character(graph: SocialGraph) -> np.ndarray:
    """Deviation from the mean row, summed over strategies: ``[N, N]``."""
    n = len(graph.sigma)
    return graph.deviation.reshape(n, -1, n).sum(axis=1)


def draw(titles: tuple[str, ...], before: SocialGraph, after: SocialGraph) -> Figure:
    """Two radial panels: a line for each character, as far out as it meets an opponent more than the others do."""
    figure, ((left, right),) = style.figure(8.6, 4.4, 1, 2, polar=True)
    far = 1.05 * max(float(np.abs(by_character(g)).max()) for g in (before, after)) + 1e-9
    for panel, graph, name in ((left, before, "generalist"), (right, after, "specialist")):
        for k, row in enumerate(by_character(graph)[:_MOST]):
            style.radial(panel, row, titles, f"C{k % 10}", titles[k] if panel is left else "")
        panel.set_ylim(-far, far)
        panel.set_yticklabels([])
        panel.set_title(f"{name}s", color=style.kind_colour(name))
    figure.legend(loc="outside lower center", ncols=4, fontsize=7.5)
    return figure
