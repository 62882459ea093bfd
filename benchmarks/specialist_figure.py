"""When does specialising pay? ``python -m benchmarks.specialist_figure --results=docs/results/specialists.json``.

Draws what `benchmarks.specialists` has measured of its cases ``grid_*`` and ``frames_*``: the gain of the Specialists
over the shared network that was trained on for as many frames, by generations of the Generalist, number of characters
and size of the network, and over frames. Prints where the gain passes 0, where it does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from absl import flags
from matplotlib.figure import Figure

from benchmarks.specialists import CASES, NETWORKS
from camtf import command, files
from camtf.evaluation.columns import table
from camtf.evaluation.report import style
from camtf.evaluation.statistics import CONFIDENCE
from camtf.provenance import provenance

FLAGS = flags.FLAGS

_RESAMPLES = 2_000


class Point(NamedTuple):
    """A case: where it stands on the axis, and its gain for each seed, with the interval that was given."""

    x: float
    gains: np.ndarray  # [seeds], a share of battles
    low: float
    high: float


class Crossover(NamedTuple):
    """Where a line through gains passes 0, on the axis of the points."""

    x: float
    low: float
    high: float


def crossover(points: Sequence[Point], rng: np.random.Generator) -> Crossover | None:
    """Where the straight line through mean gains against log x passes 0.

    None where the gains at both ends have not opposite signs beyond their intervals. The interval is that of a
    bootstrap which draws seeds whole, all points of a seed together; with one seed it is not a number.
    """
    first, last = points[0], points[-1]
    if not (first.high < 0 < last.low or last.high < 0 < first.low):
        return None
    log_x, gains = np.log([p.x for p in points]), np.stack([p.gains for p in points], axis=1)
    seeds = len(gains)

    def zero(of: np.ndarray) -> float:
        slope, level = np.polyfit(log_x, of.mean(axis=0), 1)
        return float(np.exp(-level / slope))

    if seeds < 2:
        return Crossover(zero(gains), np.nan, np.nan)
    drawn = [zero(gains[rng.integers(0, seeds, seeds)]) for _ in range(_RESAMPLES)]
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Crossover(zero(gains), float(low), float(high))


def lines(results: Mapping[str, Any], against: str) -> Iterator[tuple[str, int, str, list[Point]]]:
    """Lines of at least two measured points: axis (``generations`` or ``million frames``), characters, network, points.

    Args:
        results: as `benchmarks.specialists` writes them.
        against: ``population`` or ``held_out``.
    """
    for axis, prefix in (("generations", "grid"), ("million frames", "frames")):
        found: dict[tuple[int, str], list[Point]] = {}
        for name, case in CASES.items():
            in_frames = axis == "million frames" and name.startswith("grid") and case.generations == 13
            measured = results["cases"].get(name, {}).get(f"gain_over_matched_{against}_low") is not None
            if (name.startswith(prefix) or in_frames) and measured:
                x = float(case.generations if axis == "generations" else case.total_frames / 1e6)
                found.setdefault((case.characters, case.network), []).append(_point(results, name, against, x))
        for (characters, network), points in found.items():
            if len(points) > 1:
                yield axis, characters, network, sorted(points)


def _point(results: Mapping[str, Any], name: str, against: str, x: float) -> Point:
    key, line = f"gain_over_matched_{against}", results["cases"][name]
    runs = [run[key]["gain"] for of, run in results["runs"].items() if of.rpartition("_")[0] == name and key in run]
    return Point(x, np.array(runs), line[f"{key}_low"], line[f"{key}_high"])


def draw(results: Mapping[str, Any]) -> Figure:
    """A column for each number of characters, rows by axis and set of opponents."""
    against = {"population": "trained against", "held_out": "never met"}
    every = [(a, *line) for a in against for line in lines(results, a)]
    rows = list(dict.fromkeys((axis, a) for a, axis, *_ in every))
    columns = sorted({characters for _, _, characters, *_ in every})
    figure, panels = style.figure(2.9 * len(columns) + 0.6, 2.5 * len(rows) + 0.4, len(rows), len(columns))
    colours = dict(zip(NETWORKS, style.CONTROLS, strict=False))
    for a, axis, characters, network, points in every:
        panel = panels[rows.index((axis, a))][columns.index(characters)]
        x, mean = [p.x for p in points], [100 * p.gains.mean() for p in points]
        bounds = [[m - 100 * p.low for m, p in zip(mean, points)], [100 * p.high - m for m, p in zip(mean, points)]]
        panel.errorbar(x, mean, yerr=bounds, fmt=".-", capsize=2, color=colours[network], label=f"{network} parameters")
        for p in points:
            panel.plot([p.x] * len(p.gains), 100 * p.gains, ".", color=colours[network], alpha=0.4, markersize=3)
    for (axis, a), row in zip(rows, panels, strict=True):
        for characters, panel in zip(columns, row, strict=True):
            panel.axhline(0, color=style.INK, linewidth=0.8)
            panel.set_xscale("log")
            panel.set_title(f"{characters} characters, opponents {against[a]}", fontsize=8)
            panel.set_xlabel("generations of the Generalist" if axis == "generations" else axis)
        row[0].set_ylabel("gain over matched, points")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    return figure


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("results", "docs/results/specialists.json", "What benchmarks.specialists wrote.")
    flags.DEFINE_string("out", "docs/results/when_specialising_pays", "Picture and crossovers, without an ending.")


def main() -> None:
    """Draw, and print where gains pass 0."""
    try:
        results = files.read_json(Path(FLAGS.results))
    except files.FileError as error:
        raise command.failure(error) from error
    rng, found = np.random.default_rng(1), []
    for against in ("population", "held_out"):
        for axis, characters, network, points in lines(results, against):
            passes = crossover(points, rng)
            values = passes._asdict() if passes else {"x": None, "low": None, "high": None}
            found.append({"axis": axis, "characters": characters, "network": network, "against": against, **values})
    if not found:
        raise command.failure(f"{FLAGS.results} holds no two cases of one line; benchmarks.specialists measures them")
    with style.ground():
        draw(results).savefig(f"{FLAGS.out}.png", dpi=110)
    rows = [[f["axis"], str(f["characters"]), f["network"], f["against"], _shown(f)] for f in found]
    print(table(["axis", "characters", "network", "against", "gain passes 0 at [95%]"], rows))
    files.write_json(Path(f"{FLAGS.out}.json"), {"crossovers": found, "of": FLAGS.results, **provenance()})
    print(json.dumps({"lines": len(found), "crossovers": sum(f["x"] is not None for f in found)}))


def _shown(found: Mapping[str, Any]) -> str:
    if found["x"] is None:
        return "nowhere surely"
    interval = "" if np.isnan(found["low"]) else f" [{found['low']:.2g}, {found['high']:.2g}]"
    return f"{found['x']:.2g}{interval}"


if __name__ == "__main__":
    define_flags()
    command.run(main)
