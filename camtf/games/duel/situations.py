"""The duel's situations: how far apart, who leads, who attacks, what is ready."""

from __future__ import annotations

import numpy as np

from camtf.games.duel.observation import (
    ENVIRONMENT_AT,
    ENVIRONMENT_FIELDS,
    FIGHTER_FIELDS,
    FIGHTER_WIDTH,
    EnvironmentFields,
    FighterFields,
)
from camtf.games.duel.state import HALF_DEPTH_MM, HALF_LENGTH_MM
from camtf.games.situations import Situation, between
from camtf.types import Observation

_FIGHTER = FighterFields(*range(len(FIGHTER_FIELDS)))
_ENVIRONMENT = EnvironmentFields(*range(len(ENVIRONMENT_FIELDS)))
_SKILLS = (_FIGHTER.cooldown_skill_1, _FIGHTER.cooldown_skill_2, _FIGHTER.cooldown_ultimate)


def distance_m(observation: Observation) -> np.ndarray:
    """Between the fighters, metres."""
    part = observation.basic[:, ENVIRONMENT_AT:]
    along, across = part[:, _ENVIRONMENT.dx] * 2 * HALF_LENGTH_MM, part[:, _ENVIRONMENT.dy] * 2 * HALF_DEPTH_MM
    return np.hypot(along, across) / 1000.0


def health_lead(observation: Observation) -> np.ndarray:
    """Own health less the opponent's, in parts of a full bar."""
    return observation.basic[:, ENVIRONMENT_AT + _ENVIRONMENT.health_lead]


def attackers(observation: Observation) -> np.ndarray:
    """0 nobody, 1 oneself, 2 the opponent, 3 both: whose move is before or at its hits. A dash is none."""
    fighters = observation.basic[:, : 2 * FIGHTER_WIDTH].reshape(-1, 2, FIGHTER_WIDTH)
    under_way = fighters[..., _FIGHTER.startup_left] + fighters[..., _FIGHTER.active_left] > 0
    attacks = under_way & (fighters[..., _FIGHTER.move_dash] == 0)
    return attacks[:, 0] + 2 * attacks[:, 1]


def skills_ready(observation: Observation) -> np.ndarray:
    """How many of both skills and the ultimate have cooled down."""
    return (observation.basic[:, list(_SKILLS)] == 0).sum(axis=1)


SITUATIONS: dict[str, Situation] = {
    "distance": between(("under 1 m", "1 to 2 m", "2 to 4 m", "4 m and more"), (1.0, 2.0, 4.0), distance_m),
    "health": between(("behind by a quarter", "near even", "ahead by a quarter"), (-0.25, 0.25), health_lead),
    "attacking": Situation(("nobody", "oneself", "the opponent", "both"), attackers),
    "skills ready": Situation(("none", "one", "two", "three"), skills_ready),
}
"""What a designer may ask of a moment, by name."""
