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
    frames of its own, all of them together have taken N times f.

    Args:
        snapshots: names of stage 1's policies, oldest first.
        specialists: ids of the characters, ``[N]``.
    """
    found, total = [], 0.0
    for task in dict.fromkeys([algorithm, *snapshots]):
        if run.metrics_file(task).exists():
            found.append(_curve(run, task, "generalists", total, 1.0))
            total = float(found[-1].frames[-1])
    there = [f"specialist_{i}" for i in specialists if run.metrics_file(f"specialist_{i}").exists()]
    found += [_curve(run, task, "specialists", total, float(len(specialists))) for task in there]
    for file in sorted((run.path / "metrics").glob("control_*.jsonl")):
        together = 1.0 if file.stem == "control_matched" else float(len(specialists))
        found.append(_curve(run, file.stem, "controls", total, together))
    return found


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
