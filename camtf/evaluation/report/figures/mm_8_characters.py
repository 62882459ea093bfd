"""M&M figure 8: the characters that gain most and least, opponent by opponent."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict

KEY, TITLE, SOURCE = "mm_8", "Who gains most, and who least", "M&M figure 8"


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured."""
    against = runs.trained()
    gain = runs.gain_of_each("specialist", "generalist", against)
    rates = {kind: 100 * runs.rates(kind, against).mean(axis=0) for kind in ("generalist", "specialist")}
    most, least = int(np.argmax(gain.value)), int(np.argmin(gain.value))
    clear = float(gain.low[most]) > float(gain.high[least])
    names = runs.titles
    cells = by_opponent(runs, against)
    header = ("opponent", *(f"{names[k]} {kind}" for k in (most, least) for kind in ("Generalist", "Specialist")))
    rows = tuple(
        (names[j], *(Number(float(cells[kind][k, j])) for k in (most, least) for kind in ("generalist", "specialist")))
        for j in range(len(names))
    )
    return Section(
        KEY, TITLE, SOURCE, "Agent H from 72.7% to 87.2%; Agent T stays at 87%",
        Verdict.HOLDS if clear else Verdict.OPEN,
        f"{names[most]} gains most, from {rates['generalist'][most]:.1f}% to {rates['specialist'][most]:.1f}%, and "
        f"{names[least]} least, from {rates['generalist'][least]:.1f}% to {rates['specialist'][least]:.1f}%; "
        + ("their intervals are apart: some characters gain more than others, as in the papers." if clear
           else "their intervals overlap, so that who gains more is not decided."),
        f"The two were chosen on the battles that are shown, which exaggerates what lies between them. {runs.basis()}.",
        {"opponents": draw(names, cells, (most, least))},
        (Sheet("Battles won, %", header, rows),),
    )  # fmt: skip


def by_opponent(runs: Runs, against: str) -> dict[str, np.ndarray]:
    """Win rates in % against each opponent's character, by kind, ``[N, N]``; mean over strategies and seeds."""
    return {
        kind: 100 * np.nanmean(np.stack([r.table(kind, against).mean for r in runs.records]), axis=(0, 2))
        for kind in ("generalist", "specialist")
    }


def draw(titles: tuple[str, ...], cells: dict[str, np.ndarray], shown: tuple[int, int]) -> Figure:
    """A radial panel for each of the two: battles won against each opponent."""
    figure, panels = style.figure(8.6, 4.2, 1, 2, polar=True)
    for panel, k, word in zip(panels[0], shown, ("most", "least"), strict=True):
        for kind, rates in cells.items():
            style.radial(
                panel, np.nan_to_num(rates[k]), titles, style.kind_colour(kind), kind if word == "most" else ""
            )
        panel.set_ylim(0, 100)
        panel.set_title(f"{titles[k]} (gains {word})", fontsize=9)
    figure.legend(loc="outside lower center", ncols=2)
    return figure
