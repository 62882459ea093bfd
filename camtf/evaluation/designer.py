"""Balance for a designer: who is too strong, against whom, by which skill, what change would mend it, and how sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camtf.evaluation.best_play import Battles, Candidates, Rates, outcomes, rates, skills_that_win
from camtf.evaluation.columns import table
from camtf.evaluation.health import suggestion
from camtf.evaluation.intervals import NORMAL_95
from camtf.games.duel.game import Duel

_SHOWN = 3


@dataclass(frozen=True)
class Balance:
    """What balance is measured with.

    Attributes:
        game, folder: the duel, and the folder of its roster.
        known: the policies.
        battles: chosen among them by `camtf.evaluation.best_play.choose`.
        band: lowest and highest mean win rate that is even enough.
        seed: of the battles that are reported, unlike that by which they were chosen.
    """

    game: Duel
    folder: Path
    known: Candidates
    battles: Battles
    band: tuple[float, float]
    seed: int

    def measure(self) -> dict[str, Any]:
        """Every character, the strongest first; skills and healths of those that surely lie outside the band."""
        n = len(self.known.characters)
        found = rates(self.battles, outcomes(self.game, self.known.side, self.battles, self.seed), n)
        return {
            "policies": list(self.known.names),
            "band": list(self.band),
            "battles_per_pair": len(self.battles.own) // (n * (n - 1) // 2),
            "characters": n,
            "spread": float(found.strength.std(ddof=1)),
            "by_character": [self._character(found, int(k)) for k in np.argsort(-found.strength)],
        }

    def _character(self, found: Rates, k: int) -> dict[str, Any]:
        ids = [self.game.characters[c] for c in self.known.characters]
        own = _rate(found.strength[k], found.strength_error[k])
        about = {"character": ids[k], "name": self.game.titles[self.known.characters[k]], **own}
        about["verdict"] = judged(own, self.band)
        about["matchups"] = {
            ids[j]: _rate(found.matchup[k, j], found.matchup_error[k, j])
            for j in np.argsort(-found.matchup[k])
            if j != k
        }
        if about["verdict"] in ("too strong", "too weak"):
            about["skills"] = skills_that_win(self.game, self.known, self.battles, k, self.seed + 1)
            about["health"] = suggestion(self.game, self.folder, self.known, self.battles, k, self.seed + 2)
        return about


def judged(rate: Mapping[str, float], band: tuple[float, float]) -> str:
    """What a win rate with its interval says of a character."""
    if rate["low"] > band[1]:
        return "too strong"
    if rate["high"] < band[0]:
        return "too weak"
    return "even" if rate["low"] >= band[0] and rate["high"] <= band[1] else "not sure"


def report(found: dict[str, Any]) -> str:
    """The tables for people."""
    low, high = (100 * x for x in found["band"])
    rows = []
    for one in found["by_character"]:
        matchups = list(one["matchups"].items())
        best, worst = matchups[:_SHOWN], matchups[::-1][:_SHOWN]
        rows.append([one["name"], shown(one), one["verdict"], _against(best), _against(worst)])
    header = [
        "played as is known best",
        "wins, % [95%]",
        f"band {low:g} to {high:g}",
        "most against",
        "least against",
    ]
    parts = [table(header, rows)]
    for one in found["by_character"]:
        if "skills" in one:
            parts.append(_outlier(one))
    return "\n\n".join(parts)


def _outlier(one: dict[str, Any]) -> str:
    skills = [f"{x['skill']} {_points(x)}" for x in one["skills"][:_SHOWN]]
    lines = [
        f"{one['name']} is {one['verdict']}: it wins {shown(one)} %.",
        f"  without a skill: {', '.join(skills)} points",
    ]
    health = one["health"]
    if health["suggested_hp"] is None:
        lines.append(f"  health changes too little to mend it (tried {health['tried_hp']} hp)")
    else:
        lines.append(
            f"  health {health['health_hp']} -> {health['suggested_hp']} hp: it would win {shown(health)} %, if "
            "everybody went on playing as now"
        )
    return "\n".join(lines)


def shown(rate: Mapping[str, Any]) -> str:
    """A win rate with its interval, in per cent."""
    return f"{100 * rate['win_rate']:.1f} [{100 * rate['low']:.1f}, {100 * rate['high']:.1f}]"


def _rate(rate: float, error: float) -> dict[str, float]:
    half = NORMAL_95 * error
    return {"win_rate": float(rate), "low": float(rate - half), "high": float(rate + half)}


def _points(change: Mapping[str, float]) -> str:
    return f"{100 * change['change']:+.1f} [{100 * change['low']:.1f}, {100 * change['high']:.1f}]"


def _against(matchups: list[tuple[str, dict[str, float]]]) -> str:
    return ", ".join(f"{name} {100 * rate['win_rate']:.0f}" for name, rate in matchups)
