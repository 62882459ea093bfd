"""How the figures look: colours that can be told apart on light and dark ground, and SVG that takes the page's ink."""

from __future__ import annotations

import io
import re
from contextlib import AbstractContextManager

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, GRID = "#1a1b1e", "#d3d4d8"
"""Text and lines, and what is behind them. In a page both follow its light or dark ground: see `svg`."""

GENERALIST, SPECIALIST, PAPER = "#3f7fd0", "#d9534a", "#80848d"
CONTROLS = ("#4aa564", "#b07cc6", "#d69a2d", "#5fb3b3")
RATES = "RdBu"
_PIXELS = 1.5
"""Of a page for each point of a figure."""

_STYLE = {
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "camtf",
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def ground() -> AbstractContextManager[None]:
    """What figures are drawn in, so that all of their text has the ink of the page."""
    return matplotlib.rc_context(_STYLE)


def kind_colour(kind: str, number: int = 0) -> str:
    """Of a kind of players; the n-th control has a colour of its own."""
    return {"generalist": GENERALIST, "specialist": SPECIALIST}.get(kind, CONTROLS[number % len(CONTROLS)])


def figure(
    width: float, height: float, rows: int = 1, columns: int = 1, polar: bool = False
) -> tuple[Figure, np.ndarray]:
    """A figure of some inches with its panels ``[rows, columns]``."""
    with ground():
        made = Figure(figsize=(width, height), layout="constrained")
        panels = made.subplots(rows, columns, squeeze=False, subplot_kw={"projection": "polar"} if polar else None)
    return made, panels


def heatmap(
    panel: Axes, values: np.ndarray, rows: tuple[str, ...], columns: tuple[str, ...], span: float = 50.0
) -> None:
    """Rates in per cent ``[rows, columns]`` around 50, each with its number where there is room."""
    panel.pcolormesh(np.ma.masked_invalid(values), cmap=RATES, vmin=50 - span, vmax=50 + span)
    panel.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=45, ha="right")
    panel.set_yticks(np.arange(len(rows)) + 0.5, rows)
    panel.invert_yaxis()
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    if max(values.shape) <= 16:
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                dark = abs(value - 50) > 0.6 * span
                panel.text(j + 0.5, i + 0.5, f"{value:.0f}", ha="center", va="center", fontsize=7.5,
                           color="#fefefe" if dark else "#16171a")  # fmt: skip


def radial(panel: Axes, values: np.ndarray, names: tuple[str, ...], colour: str, label: str, style: str = "-") -> None:
    """A closed line over directions ``[n]`` of a polar panel."""
    angles = np.linspace(0, 2 * np.pi, len(values), endpoint=False)
    panel.plot(
        np.append(angles, angles[0]), np.append(values, values[0]), style, color=colour, linewidth=1.4, label=label
    )
    panel.fill(angles, values, color=colour, alpha=0.12)
    panel.set_xticks(angles, names, fontsize=6.5)
    panel.tick_params(axis="y", labelsize=6)


def dots(panel: Axes, at: float, values: np.ndarray, colour: str, upright: bool = True) -> None:
    """One dot for each training seed."""
    where = np.full(len(values), at)
    x, y = (where, values) if upright else (values, where)
    panel.scatter(x, y, s=11, color=colour, edgecolor="#ffffff", linewidth=0.4, zorder=4)


def svg(made: Figure, label: str) -> str:
    """The figure as an SVG document on white ground.

    Args:
        label: what it shows, for those who cannot see it.
    """
    stream = io.StringIO()
    with ground():
        made.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Title": label}, facecolor="white")
    made.set_layout_engine("none")  # the places have been found: drawing again need not find them
    return stream.getvalue()


def inline(document: str) -> str:
    """An SVG document of `svg` as a part of a page: without a prolog and a ground, in the ink and grid of the page, no
    larger than it was drawn."""
    text = document[document.index("<svg") :].replace(INK, "currentColor").replace(GRID, "var(--grid)")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="patch_1">.*?</g>', "", text, count=1, flags=re.DOTALL)
    points = float(re.search(r'width="([0-9.]+)pt"', text)[1])  # type: ignore[index]
    size = f'style="max-width: {points * _PIXELS:.0f}px; min-width: min({points * _PIXELS:.0f}px, 560px)"'
    return re.sub(r'<svg ([^>]*?)width="[^"]*" ', rf'<svg role="img" {size} \1', text, count=1)


def png(made: Figure) -> bytes:
    """The figure as a picture on white ground."""
    stream = io.BytesIO()
    with ground():
        made.savefig(stream, format="png", dpi=110, facecolor="white")
    return stream.getvalue()
