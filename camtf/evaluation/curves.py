"""Learning curves over the frames of a whole run, from the metrics of its tasks."""

from __future__ import annotations

import numpy as np

from camtf.checkpoint import RunDirectory
from camtf.evaluation.findings import Curve

POINTS = 200
"""Of a curve at most; what lies between them is left out."""

_SHOWN = ("win_rate", "entropy", "reward_per_frame", "effective_population")


def curves(run: RunDirectory, algorithm: str, snapshots: list[str], specialists: list[str]) -> list[Curve]:
    """Of every task of a run whose metrics are there, in the order in which they were trained.

    Total frames count everything the run has learned from before. Specialists are trained beside each other: at f
    frames of its own, all of them together have taken N times f. Controls begin where stage 2 began.

    Args:
        snapshots: names of stage 1's policies, oldest first.
        specialists: ids of the characters, ``[N]``.
    """
    found, total = [], 0.0
    for task in dict.fromkeys([algorithm, *snapshots]):
        if run.metrics_file(task).exists():
            found.append(_curve(run, task, "generalists", total, 1.0))
            total = float(found[-1].frames[-1])
    generalists, number, together = total, 1, float(len(specialists))
    while there := [t for t in _round(specialists, number) if run.metrics_file(t).exists()]:
        found += [_curve(run, task, "specialists", total, together) for task in there]
        total = max(float(curve.frames[-1]) for curve in found[-len(there) :])
        number += 1
    for file in sorted((run.path / "metrics").glob("control_*.jsonl")):
        factor = 1.0 if file.stem == "control_matched" else together
        found.append(_curve(run, file.stem, "controls", generalists, factor))
    return found


def _round(specialists: list[str], number: int) -> list[str]:
    """Tasks of a round of Specialists."""
    return [f"specialist_{i}" if number == 1 else f"specialist_{i}_round_{number:02d}" for i in specialists]


def _curve(run: RunDirectory, task: str, stage: str, start: float, factor: float) -> Curve:
    lines = run.metrics(task)
    bots = sorted({name for line in lines for name in line if name.startswith("v_")})
    kept = [i for i, line in enumerate(lines) if i == len(lines) - 1 or any(bot in line for bot in bots)]
    every = -(-len(lines) // POINTS)
    chosen = sorted({*kept[-POINTS:], *range(every - 1, len(lines), every), len(lines) - 1})
    values = {
        name: np.array([lines[i].get(name, np.nan) for i in chosen], np.float64)
        for name in (*_SHOWN, *bots)
        if any(name in lines[i] for i in chosen)
    }
    frames = start + factor * np.array([lines[i]["frames"] for i in chosen], np.float64)
    return Curve(task, stage, start, factor, frames, values)
