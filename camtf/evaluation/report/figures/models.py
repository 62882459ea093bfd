"""Sizes and latencies of the exported models."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from camtf.evaluation.report import style
from camtf.evaluation.report.section import Number, Section, Sheet, Verdict

KEY, TITLE, SOURCE = "models", "The exported models", "CAM section 13, M&M A.2"


def section(results: list[dict[str, Any]]) -> Section:
    """Of what `mobile.benchmark` measured: ``precision``, ``runtime``, ``threads``, ``median_us``, ``p99_us``,
    ``size_bytes`` of each model."""
    single = [r for r in results if r["threads"] == 1] or results
    groups = sorted({(r["precision"], r["runtime"]) for r in single})
    of = {g: [r for r in single if (r["precision"], r["runtime"]) == g] for g in groups}
    rows = tuple(
        (f"{precision}, {runtime}", *(_median(of[precision, runtime], key, unit) for key, unit in
         (("size_bytes", 1024.0), ("median_us", 1.0), ("p99_us", 1.0))))
        for precision, runtime in groups
    )  # fmt: skip
    least = min(single, key=lambda r: r["size_bytes"])
    quickest = min(single, key=lambda r: r["median_us"])
    return Section(
        KEY, TITLE, SOURCE, "runs on mobile devices; no numbers", Verdict.NONE,
        f"The smallest models take {least['size_bytes'] / 1024:.0f} KiB ({least['precision']}), and the quickest "
        f"decide in {quickest['median_us']:.1f} microseconds ({quickest['precision']} in {quickest['runtime']}).",
        f"{len({r['model'] for r in single})} models; one thread; medians over the models.",
        {"latency": draw(of)},
        (Sheet("Size and time of one decision", ("precision, runtime", "KiB", "median, us", "99%, us"), rows),),
    )  # fmt: skip


def draw(of: dict[tuple[str, str], list[dict[str, Any]]]) -> Figure:
    """Median time and size of each model."""
    figure, ((panel,),) = style.figure(6.8, 3.2)
    for i, ((precision, runtime), results) in enumerate(of.items()):
        panel.scatter([r["size_bytes"] / 1024 for r in results], [r["median_us"] for r in results], s=18, color=f"C{i}",
                      label=f"{precision}, {runtime}")  # fmt: skip
    panel.set_xlim(left=0)
    panel.set_ylim(bottom=0)
    panel.set_xlabel("size of the file, KiB")
    panel.set_ylabel("median of one decision, us")
    panel.grid(alpha=0.5)
    figure.legend(loc="outside right upper", fontsize=7.5)
    return figure


def _median(results: list[dict[str, Any]], key: str, unit: float) -> Number:
    return Number(float(np.median([r[key] for r in results])) / unit)
