"""The tables of an evaluation, for people."""

from __future__ import annotations

import numpy as np

from camtf.evaluation.columns import rate, table
from camtf.evaluation.findings import BOTS, HELD_OUT, PLAYERS, TRAINED, Opponents
from camtf.evaluation.intervals import NORMAL_95, rate_with_interval
from camtf.evaluation.record import EvaluationRecord


def evaluation_tables(record: EvaluationRecord) -> str:
    """Win rates of every kind against every set of opponents, gains, then strategies against each other."""
    parts = [_win_rates(record, opponents) for opponents in record.opponents]
    if len(record.strategies.names) > 1:
        parts.append(_strategies(record))
    return "\n\n".join(parts)


def flat_summary(record: EvaluationRecord) -> dict[str, float]:
    """One line for programs, flat keys: ``<kind>_win_rate_<character>`` and their mean against the population trained
    against, ``<kind>_win_rate_against_<set>``, ``<kind>_win_rate_against_bot_<bot>``, ``gain_over_<kind>_<set>``."""
    found: dict[str, float] = {}
    for measured in record.tables:
        opponents = record.opponents_named(measured.opponents)
        if opponents.group == TRAINED:
            rows = zip(record.characters, measured.rows, strict=True)
            found |= {f"{measured.kind}_win_rate_{character}": float(row) for character, row in rows}
        found[f"{measured.kind}_win_rate_against_{measured.opponents}"] = float(measured.rows.mean())
        if opponents.group == BOTS:
            rates = zip(opponents.strategies, np.nanmean(measured.mean, axis=(0, 2)), strict=True)
            found |= {f"{measured.kind}_win_rate_against_bot_{bot}": float(rate) for bot, rate in rates}
    found |= {f"gain_over_{g.control}_against_{g.opponents}": float(g.rows.mean()) for g in record.gains}
    return {key: round(value, 4) for key, value in found.items()}


_SETS = {
    TRAINED: "the population that Specialists train against",
    HELD_OUT: "the population of another run, {name}",
    BOTS: "the scripted bots",
    PLAYERS: "this run's {name}s",
}


def _win_rates(record: EvaluationRecord, opponents: Opponents) -> str:
    """A row for each character: every kind, and what the Specialist gains over the others."""
    tables = [t for t in record.tables if t.opponents == opponents.name]
    gains = [g for g in record.gains if g.opponents == opponents.name]
    header = ["win rate, % [95%]", *(t.kind for t in tables), *(f"gain over {g.control}" for g in gains)]
    rows = [
        [title] + [rate(t.rate(k)) for t in tables] + [_difference(g.rows[k], g.errors[k]) for g in gains]
        for k, title in enumerate(record.titles)
    ]
    means = [f"{100 * t.rows.mean():.1f}" for t in tables] + [f"{100 * g.rows.mean():+.1f}" for g in gains]
    text = f"Against {_SETS[opponents.group].format(name=opponents.name)}:\n\n"
    return text + table(header, [*rows, ["mean", *means]])


def _strategies(record: EvaluationRecord) -> str:
    s = record.strategies
    header = ["win rate, % [95%]", *(f"v. {name}" for name in s.names[:-1])]
    rows = [
        [name]
        + [rate(rate_with_interval(s.mean[i, j] * s.games, s.games)) if j < i else "" for j in range(len(s.names) - 1)]
        for i, name in enumerate(s.names)
        if i
    ]
    return "Every strategy of the population against the ones before it:\n\n" + table(header, rows)


def _difference(gain: float, error: float) -> str:
    """A difference of two rates with its 95% interval, in per cent, by the standard error over battles."""
    low, high = (100 * (gain + sign * NORMAL_95 * error) for sign in (-1, 1))
    return f"{100 * gain:+.1f} [{low:.1f}, {high:.1f}]"
