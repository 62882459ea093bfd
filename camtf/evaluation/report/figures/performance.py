"""Relative population performance against populations of other runs."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation.findings import Performance
from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict

KEY, TITLE, SOURCE = "performance", "Population against population", "Balduzzi et al. 2019"


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured."""
    found = [(record.run, one) for record in runs.records for one in record.performance]
    if not found:
        raise runs.lacks("no population of another run was met", "--opponents=<other runs>")
    ahead = sum(one.value > 0 for _, one in found)
    worst = min(found, key=lambda x: x[1].value)
    rows = tuple(
        (f"{run} v. {one.other}", Number(one.value), Number(100 * float(one.mean.mean()))) for run, one in found
    )
    return Section(
        KEY, TITLE, SOURCE, "", Verdict.NONE,
        f"At the equilibrium of both populations the value of the game is positive in {ahead} of {len(found)} "
        f"meetings, and least {worst[1].value:+.3f} ({worst[0]} v. {worst[1].other}); in [-1, 1], 0 is even.",
        f"{found[0][1].games:,} battles of each pair of strategies, both sides and all characters; no interval.",
        {"meetings": draw(found[:4])},
        (Sheet("Value, and mean win rate in %", ("meeting", "value", "mean"), rows, 3),),
    )  # fmt: skip


def draw(found: list[tuple[str, Performance]]) -> Figure:
    """Win rates of own strategies (rows) against those of another run."""
    rows = max(len(one.own_names) for _, one in found)
    figure, panels = style.figure(min(9.0, 4.2 * len(found)), 0.36 * rows + 2.0, 1, len(found))
    for panel, (run, one) in zip(panels[0], found, strict=True):
        style.heatmap(panel, 100 * np.asarray(one.mean), one.own_names, one.other_names)
        panel.set_title(f"{run} v. {one.other}", fontsize=9)
    return figure
