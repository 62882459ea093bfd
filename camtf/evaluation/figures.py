"""Figures of results, drawn with Matplotlib (extra ``figures``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def learning_curves(runs: list[list[dict[str, Any]]], file: str | Path) -> None:
    """Win rate against every scripted bot over learner frames and over minutes, a line for each run.

    Args:
        runs: for each run its looks at the bots, with ``frames``, ``minutes`` and ``v_<bot>`` in [0, 1].
        file: where to write it; the ending names the format.
    """
    bots = [key.removeprefix("v_") for key in runs[0][0] if key.startswith("v_")]
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for panel, (key, unit, label) in zip(
        panels, [("frames", 1e6, "million learner frames"), ("minutes", 1.0, "minutes")], strict=True
    ):
        for number, bot in enumerate(bots):
            for i, looks in enumerate(runs):
                panel.plot(
                    [look[key] / unit for look in looks],
                    [100 * look[f"v_{bot}"] for look in looks],
                    color=f"C{number}",
                    linewidth=1.2,
                    label=bot if i == 0 else None,
                )
        panel.set_xlabel(label)
        panel.set_xlim(left=0)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("battles won, %")
    panels[0].set_ylim(0, 101)
    panels[1].legend(loc="lower right", title="against")
    figure.savefig(file, dpi=110)
