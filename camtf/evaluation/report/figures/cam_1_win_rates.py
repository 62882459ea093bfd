"""CAM figure 1: win rate of every character by Generalist and by Specialist against the Generalist population."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation import statistics
from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict, judge, number, numbers
from camtf.evaluation.statistics import Estimate

KEY, TITLE, SOURCE = "cam_1", "Win rates before and after specialisation", "CAM figure 1"
REPORTED = 0.132
_SHOWN = 8


def section(runs: Runs) -> Section:
    """The whole section. Raises NotMeasured."""
    against = runs.trained()
    before, after = (runs.rate_of_each(kind, against) for kind in ("generalist", "specialist"))
    gain, mean = (
        runs.gain_of_each("specialist", "generalist", against),
        runs.mean_gain("specialist", "generalist", against),
    )
    adjusted = statistics.holm(gain.p)
    shown, how = strongest(runs)
    verdict = judge(mean, REPORTED)
    rows = [
        (name, *cells, Number(float(p)))
        for name, *cells, p in zip(
            runs.titles, numbers(before, 100), numbers(after, 100), numbers(gain, 100), adjusted, strict=True
        )
    ]
    better = int(((adjusted < 0.05) & (gain.value > 0)).sum())
    return Section(
        KEY,
        TITLE,
        SOURCE,
        "+13.2% in the mean of the top 8 agents",
        verdict,
        f"Specialising changes the mean win rate against the population by {number(mean, 100).text()} points, the "
        f"papers report +13.2: {claim(verdict)}. {better} of {len(gain.value)} characters surely gain (Holm, 5%).",
        f"Both play the same battles. {runs.basis()}. {how}",
        {
            "bars": bars(runs, gain, shown, against),
            "matrix": matrix(runs, shown, against),
        },
        (
            Sheet(
                "Win rate and gain, % and points",
                ("character", "Generalist", "Specialist", "gain", "p (Holm)"),
                (*rows, ("mean", *_means(runs, against), number(mean, 100), Number(float(mean.p)))),
                2,
            ),
        ),
    )


def claim(verdict: Verdict) -> str:
    """A verdict on a size as half a sentence."""
    return {
        Verdict.HOLDS: "the gain is there, and its interval reaches what they report",
        Verdict.WEAKER: "there is a gain, but a smaller one",
        Verdict.FAILS: "the gain is not found here",
        Verdict.OPEN: "the interval allows both no gain and theirs, so this does not decide it",
        Verdict.NONE: "",
    }[verdict]


def strongest(runs: Runs) -> tuple[np.ndarray, str]:
    """Up to eight characters to show, chosen on other battles than those shown, and how."""
    if len(runs.titles) <= _SHOWN:
        return np.arange(len(runs.titles)), "All characters are shown."
    for other in (*runs.first.set_of("bots"), *runs.first.set_of("held_out"), *runs.first.set_of("players")):
        if any((t.kind, t.opponents) == ("generalist", other.name) for t in runs.first.tables):
            order = np.argsort(-runs.rates("generalist", other.name).mean(axis=0), kind="stable")
            return order[:_SHOWN], f"The figures show the 8 best Generalists of their battles against {other.name}."
    return np.arange(len(runs.titles)), "All are shown: no other battles are there to choose the 8 best on."


def bars(runs: Runs, gain: Estimate, shown: np.ndarray, against: str) -> Figure:
    """Generalist and Specialist side by side, one dot for each seed; the gain with its interval beside them."""
    figure, ((left, right),) = style.figure(8.2, 0.42 * len(shown) + 1.3, 1, 2)
    places = np.arange(len(shown))
    for kind, offset in (("generalist", -0.19), ("specialist", 0.19)):
        rates = 100 * runs.rates(kind, against)[:, shown]
        left.barh(places + offset, rates.mean(axis=0), 0.36, color=style.kind_colour(kind), alpha=0.75, label=kind)
        for place, values in zip(places, rates.T, strict=True):
            style.dots(left, place + offset, values, style.kind_colour(kind), upright=False)
    left.set_yticks(places, [runs.titles[i] for i in shown])
    left.invert_yaxis()
    left.set_xlim(0, 100)
    left.axvline(50, color=style.GRID, zorder=0)
    left.set_xlabel("battles won against the population, %")
    figure.legend(loc="outside upper left", ncols=2)
    value, low, high = (100 * np.asarray(x)[shown] for x in gain[:3])
    right.errorbar(value, places, xerr=[value - low, high - value], fmt="o", ms=4, color=style.SPECIALIST, capsize=2)
    for place, values in zip(places, 100 * runs.gains("specialist", "generalist", against).T[shown], strict=True):
        style.dots(right, place, values, style.SPECIALIST, upright=False)
    right.axvline(0, color=style.INK, linewidth=0.8)
    right.axvline(100 * REPORTED, color=style.PAPER, linestyle="--", linewidth=1.2)
    right.text(
        100 * REPORTED,
        1.01,
        "papers: +13.2",
        color=style.PAPER,
        fontsize=8,
        ha="center",
        transform=right.get_xaxis_transform(),
    )
    right.set_yticks(places, [])
    right.set_ylim(left.get_ylim())
    right.set_xlabel("gain, points")
    return figure


def matrix(runs: Runs, shown: np.ndarray, against: str) -> Figure:
    """Win rate of the row against the column, once by Generalists and once by Specialists; mean over seeds."""
    names = tuple(runs.titles[i] for i in shown)
    figure, panels = style.figure(8.6, 0.3 * len(shown) + 1.8, 1, 2)
    for panel, kind in zip(panels[0], ("generalist", "specialist"), strict=True):
        tables = np.stack([record.table(kind, against).mean for record in runs.records])
        rates = 100 * np.nanmean(tables, axis=(0, 2))[np.ix_(shown, shown)]
        style.heatmap(panel, rates, names, names)
        panel.set_title(f"{kind} (row), battles won in %")
    panels[0, 1].set_yticks([])
    return figure


def _means(runs: Runs, against: str) -> tuple[Number, Number]:
    before, after = (100 * float(runs.rates(kind, against).mean()) for kind in ("generalist", "specialist"))
    return Number(before), Number(after)
