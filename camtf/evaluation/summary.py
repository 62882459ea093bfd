"""What stage 1 has left, as one table for people, from the files of a finished run."""

from __future__ import annotations

from typing import Any

import numpy as np

from camtf.checkpoint import RunDirectory
from camtf.evaluation.columns import rate, table
from camtf.evaluation.intervals import NORMAL_95
from camtf.population.equilibrium import centred, exploitability, nash
from camtf.population.payoffs import against

_SHOWN = 3
"""Opponents of a mixture that are named."""
_LEAST = 0.005
"""Weight below which an opponent is not named."""


def summary(run: RunDirectory) -> str:
    """Every strategy and what it wins; the effective population, exploitability within U, frames and minutes.

    Raises CheckpointError where stage 1 is not finished.
    """
    about = run.read_population()
    if not {"games", "mixtures", "effective_population", "relative_population_performance"} <= about.keys():
        return f"{run.population_file} keeps no battles behind its payoffs: it was written by an earlier version"
    names = about["strategies"]
    payoffs, games, mixtures = (np.array(about[key]) for key in ("payoffs", "games", "mixtures"))
    header = ["strategy", "trained against", "win rate, % [95%]", "battles", f"v. {names[0]}", "battles"]
    rows = []
    for i, name in enumerate(names):
        met = mixtures[i] > 0
        first = np.eye(len(names))[0]
        rows.append([
            name,
            _brief(names, mixtures[i]),
            *(_won(payoffs[i], games[i], mixtures[i], games[i, met].sum()) if met.any() else ["", ""]),
            *(_won(payoffs[i], games[i], first, games[i, 0]) if i else ["", ""]),
        ])  # fmt: skip
    a = centred(payoffs)
    p, last, uniform = nash(a), np.eye(len(a))[-1], np.full(len(a), 1 / len(a))
    exploited = [f"{50 * exploitability(a, mixture):.1f}" for mixture in (p, last, uniform)]
    earlier = about["relative_population_performance"]
    frames, minutes = _took(run, about)
    lines = [
        f"The population of {about['algorithm']}, win rates with 95% intervals:",
        "",
        table(header, rows),
        "",
        f"effective population: {about['effective_population']} of {len(names)} strategies",
        f"Nash mixture: {_brief(names, p)}",
        f"exploitability within U, in per cent of battles above 50: Nash mixture {exploited[0]}, {names[-1]} "
        f"{exploited[1]}, all alike {exploited[2]}",
        "relative population performance against the run's own earlier populations, -1 to 1: "
        + (", ".join(f"since {name} {value:+.2f}" for name, value in earlier.items()) or "there were none"),
        f"{frames:,} learner frames, {minutes:.1f} minutes of playing and learning",
    ]
    return "\n".join(lines)


def _won(rates: np.ndarray, games: np.ndarray, mixture: np.ndarray, battles: float) -> list[str]:
    """Win rate against a mixture with its interval, and the battles behind it."""
    won, error = against(rates, games, mixture)
    low, high = max(0.0, won - NORMAL_95 * error), min(1.0, won + NORMAL_95 * error)
    return [rate({"win_rate": won, "low": low, "high": high}), f"{battles:,.0f}"]


def _brief(names: list[str], mixture: np.ndarray) -> str:
    """The largest parts of a mixture in words."""
    largest = [i for i in np.argsort(-mixture, kind="stable") if mixture[i] >= _LEAST]
    parts = [f"{names[i]} {100 * mixture[i]:.0f}%" for i in largest[:_SHOWN]]
    return ", ".join([*parts, *(["..."] if len(largest) > _SHOWN else [])]) or "-"


def _took(run: RunDirectory, about: dict[str, Any]) -> tuple[int, float]:
    """Learner frames of stage 1, and minutes of playing and learning, by the metrics of its tasks."""
    frames, seconds = 0, 0.0
    for task in (about["algorithm"], *about["snapshots"]):
        if run.metrics_file(task).exists():
            lines = run.metrics(task)
            frames += lines[-1]["frames"] if lines else 0
            seconds += sum(line["act_seconds"] + line["learn_seconds"] for line in lines)
    return frames, seconds / 60.0
