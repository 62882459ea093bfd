"""What a character's health is worth, and which one would make it even."""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging
from scipy.special import logit

from camtf import distributed, files
from camtf.evaluation.best_play import Battles, Candidates, outcomes, rates
from camtf.evaluation.intervals import NORMAL_95
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import load_roster

HEALTH_HP = (1000, 3600)
"""Least and most that a character may be given."""

_STEP_HP = 5
_TRIED = (0.8, 0.9, 1.0, 1.1, 1.25)
"""Of a character's health, to see what it is worth."""
TUNING_STEP = 0.5
"""Change of the logarithm of health for a win rate of 100 in place of 50%."""
_LEAST_SLOPE = 0.25
"""Of the logarithm of the odds against the logarithm of health: below it, health changes nothing that can be used."""


def rounded(health: np.ndarray | float) -> np.ndarray:
    """A health that a character may have."""
    return np.clip(np.round(np.asarray(health) / _STEP_HP) * _STEP_HP, *HEALTH_HP).astype(int)


def write_health(folder: Path, health: Mapping[str, int]) -> None:
    """Write the health of some characters, by id, into the files of a roster."""
    for file in sorted(folder.glob("characters*.toml")):
        text = file.read_text(encoding="utf-8")

        def replaced(match: re.Match[str]) -> str:
            return f"{match[1]}{health.get(match[2], match[3])}"

        pattern = r'(\nid = "(\w+)"\n(?:(?!\[\[)[^\n]*\n)*?max_health_hp = )(\d+)'
        files.write_text(file, re.sub(pattern, replaced, text))


def with_health(game: Duel, folder: Path, health: Mapping[str, int]) -> Duel:
    """The duel with other healths, which both sides see as well.

    Args:
        folder: of the game's roster, left as it is.
    """
    with tempfile.TemporaryDirectory() as made:
        copy = Path(made) / "roster"
        shutil.copytree(folder, copy)
        write_health(copy, health)
        return dataclasses.replace(game, roster=load_roster(copy))


def suggestion(
    game: Duel, folder: Path, known: Candidates, battles: Battles, character: int, seed: int
) -> dict[str, Any]:
    """The health with which a character would win half of its battles, and what it wins with it in fresh ones.

    The logarithm of the odds is taken as a straight line in the logarithm of health. Nobody is trained anew: all play
    as they did, on both sides.
    """
    some, place = battles.of(character), known.characters[character]
    own, now = game.roster.ids[place], int(game.roster.characters["max_health_hp"][place])
    sign = some.own == character

    def strength(health: int, of_seed: int) -> np.ndarray:
        won = outcomes(with_health(game, folder, {own: health}), known.side, some, of_seed)
        return np.where(sign, won, 1.0 - won)

    tried = np.unique(rounded(now * np.array(_TRIED)))
    won = np.array([strength(int(h), seed).mean() for h in tried])
    slope, level = np.polyfit(np.log(tried), logit(np.clip(won, 0.01, 0.99)), 1)
    about = {"health_hp": now, "tried_hp": tried.tolist(), "win_rates": won.tolist(), "slope": float(slope)}
    if slope < _LEAST_SLOPE:
        return {**about, "suggested_hp": None}
    suggested = int(rounded(float(np.exp(-level / slope))))
    fresh = strength(suggested, seed + 1)
    half = NORMAL_95 * fresh.std(ddof=1) / np.sqrt(len(fresh))
    after = {"win_rate": float(fresh.mean()), "low": float(fresh.mean() - half), "high": float(fresh.mean() + half)}
    return {**about, "suggested_hp": suggested, **after}


def tune(
    game: Duel, folder: Path, known: Candidates, battles: Battles, band: tuple[float, float], rounds: int, seed: int
) -> dict[str, int]:
    """Healths, by id, with which no character's win rate surely lies outside a band; those after the last round where
    that was not reached. Every round has fresh battles, and nobody is trained anew."""
    ids = [game.roster.ids[c] for c in known.characters]
    health = game.roster.characters["max_health_hp"][known.characters].astype(float)
    for number in range(rounds):
        now = with_health(game, folder, dict(zip(ids, rounded(health).tolist(), strict=True)))
        found = rates(battles, outcomes(now, known.side, battles, seed + number), len(ids))
        margin = NORMAL_95 * found.strength_error
        outside = (found.strength - margin > band[1]) | (found.strength + margin < band[0])
        if distributed.rank() == 0:
            logging.info(
                "round %d: win rates %.3f to %.3f, %d of %d surely outside the band",
                number + 1, found.strength.min(), found.strength.max(), outside.sum(), len(ids),
            )  # fmt: skip
        if not outside.any():
            break
        health = np.where(outside, health * np.exp(TUNING_STEP * (0.5 - found.strength)), health)
    return dict(zip(ids, rounded(health).tolist(), strict=True))
