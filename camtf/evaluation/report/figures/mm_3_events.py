"""M&M figure 3: ForcingMoves, CounterMoves and CloneSubstitute of every character, as deviations from the mean."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation import statistics
from camtf.evaluation.findings import Behaviour
from camtf.evaluation.intervals import NORMAL_95
from camtf.evaluation.report import style
from camtf.evaluation.report.figures.cam_3_diversity import behaviours
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict, number

KEY, TITLE, SOURCE = "mm_3", "Timing and strategy: counted moves", "M&M figure 3"


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured."""
    if not runs.first.event_names:
        raise runs.lacks(f"the game {runs.first.game} counts no events", "  # of a game that does")
    before, after = (behaviours(runs, kind) for kind in ("generalist", "specialist"))
    ratios = np.array([spread(a) / spread(b) for a, b in zip(after, before, strict=True)])  # [S, E]
    names = tuple(name.replace("_", " ") for name in runs.first.event_names)
    if runs.seeds > 1:
        found = [statistics.ratio_over_seeds(ratios[:, e]) for e in range(len(names))]
        texts = [f"{name} {number(x).text(2)}" for name, x in zip(names, found, strict=True)]
        more, less = sum(bool(x.low > 1) for x in found), sum(bool(x.high < 1) for x in found)
        verdict = Verdict.HOLDS if more == len(names) else Verdict.FAILS if less > more else Verdict.OPEN
        sure = f"surely more for {more} of {len(names)} kinds of moves, surely less for {less}"
    else:
        noise = "(no more than their noise)"
        texts = [f"{name} {f'{x:.2f}' if x > 0 else noise}" for name, x in zip(names, ratios[0], strict=True)]
        verdict, sure = Verdict.OPEN, "one run alone decides nothing"
    header = ("character", *(f"{kind} {name}" for kind in ("Generalist", "Specialist") for name in names))
    rows = tuple(
        (title, *(_cell(kind[0], k, e) for kind in (before, after) for e in range(len(names))))
        for k, title in enumerate(runs.titles)
    )
    per_chance = tuple(
        (title, *(Number(float(x)) for kind in (before, after) for x in per_opportunity(kind[0])[k]))
        for k, title in enumerate(runs.titles)
    )
    return Section(
        KEY, TITLE, SOURCE, "Generalists alike, Specialists vary", verdict,
        f"The characters' counts spread, Specialists over Generalists: {', '.join(texts)} times; {sure}.",
        f"Per battle, sampling noise taken off the spread; shown is the run {runs.first.run}.",
        {"events": draw(runs.titles, names, before[0], after[0])},
        (Sheet("Moves per battle", header, rows, 2), Sheet("Moves per 100 opportunities", header, per_chance, 2)),
    )  # fmt: skip


def spread(found: Behaviour) -> np.ndarray:
    """Standard deviation between characters of each event, sampling noise taken off, ``[E]``; not a number where there
    is none beyond it."""
    square = found.events.var(axis=0, ddof=1) - (found.event_errors**2).mean(axis=0)
    return np.sqrt(np.where(square > 0, square, np.nan))


def per_opportunity(found: Behaviour) -> np.ndarray:
    """Events for 100 decisions at which they were possible, ``[N, E]``; not a number where the game does not say."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(found.opportunities > 0, 100 * found.events / found.opportunities, np.nan)


def draw(titles: tuple[str, ...], names: tuple[str, ...], before: Behaviour, after: Behaviour) -> Figure:
    """A panel for each event: deviation from the characters' mean, with standard errors over battles."""
    figure, panels = style.figure(8.6, 0.26 * len(titles) + 1.5, 1, len(names))
    places = np.arange(len(titles))
    for e, panel in enumerate(panels[0]):
        for kind, found, offset in (("generalist", before, -0.18), ("specialist", after, 0.18)):
            values = found.events[:, e] - found.events[:, e].mean()
            panel.barh(places + offset, values, 0.34, xerr=NORMAL_95 * found.event_errors[:, e],
                       color=style.kind_colour(kind),
                       error_kw={"lw": 0.8, "ecolor": style.INK}, label=kind if e == 0 else None)  # fmt: skip
        panel.axvline(0, color=style.INK, linewidth=0.8)
        panel.set_yticks(places, titles if e == 0 else [])
        panel.invert_yaxis()
        panel.set_title(names[e])
        panel.set_xlabel("per battle, from the mean", fontsize=8)
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def _cell(found: Behaviour, k: int, e: int) -> Number:
    value, half = float(found.events[k, e]), NORMAL_95 * float(found.event_errors[k, e])
    return Number(value, value - half, value + half)
