"""Scripted opponents: the fixed yardstick. They read the game's state, never learn, and are never trained against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camtf.game.observation import MOVEMENT_COUNT, SKILL_COUNT
from camtf.game.roster import element_column, schema
from camtf.game.state import ATTACK, GUARD, SUMMON, USE_SCROLL, USE_SKILL_1, USE_SKILL_2, USE_ULTIMATE
from camtf.types import Observation

Bot = Callable[[Observation, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]
"""(observation ``[n, ...]``, fighters ``[n]``, their opponents ``[n]``, random numbers) -> legal actions ``[n, H]``.

Fighters are `camtf.game.state.FIGHTER` records."""


def random_legal(
    observation: Observation, fighters: np.ndarray, opponents: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Uniform over the legal movements and, apart, over the legal skills."""
    movement, skill = _masks(observation)
    return np.stack([_uniform(movement, rng), _uniform(skill, rng)], axis=1)


def rusher(
    observation: Observation, fighters: np.ndarray, opponents: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Walks straight at the opponent and strikes in reach, turning every hit into the strongest thing that is ready;
    sends scroll and summon on the way, guards while the opponent cannot be hit, and now and then besides."""
    movement, skill = _masks(observation)
    dx = np.abs(opponents["x_mm"] - fighters["x_mm"])
    dy = opponents["y_mm"] - fighters["y_mm"]
    depth = np.where(dy > _SAME_DEPTH_MM, 1, np.where(dy < -_SAME_DEPTH_MM, -1, 0))
    reach_mm = observation.element[:, 0, _REACH_COLUMN] * schema.MOVE_NUMBERS["reach_mm"].high // 1000
    near = (dx < reach_mm - _MARGIN_MM) & (np.abs(dy) < _SAME_DEPTH_MM)
    helpless = opponents["down_ticks"] + opponents["invincible_ticks"] > _WAIT_TICKS

    wished = _MOVEMENT_FOR[np.where(dx > _TOUCH_MM, 1, 0), depth + 1]
    chosen_movement = np.where(_at(movement, wished), wished, 0)
    in_reach = np.where(fighters["connected"] == 1, _first_legal(skill, _AFTER_A_HIT), _first_legal(skill, (ATTACK,)))
    attack = np.where(near, in_reach, _first_legal(skill, _ON_THE_WAY))
    guard = near & (helpless | (rng.random(len(fighters)) < _GUARD_SHARE))
    wished = np.where(guard, GUARD, attack)
    return np.stack([chosen_movement, np.where(_at(skill, wished), wished, 0)], axis=1).astype(np.int32)


BOTS: dict[str, Bot] = {"random_legal": random_legal, "rusher": rusher}
"""By name, in rising strength."""

_REACH_COLUMN = element_column("chain_1", "reach_mm")
_MARGIN_MM = 100
_TOUCH_MM = 450
_SAME_DEPTH_MM = 300
_WAIT_TICKS = 4
_GUARD_SHARE = 0.1
_AFTER_A_HIT = (USE_ULTIMATE, USE_SKILL_1, USE_SKILL_2, ATTACK)
_ON_THE_WAY = (SUMMON, USE_SCROLL)
_MOVEMENT_FOR = np.array([[7, 0, 3], [8, 1, 2]])
"""Movement by [forward?][depth + 1]: down, stay, up; forward-down, forward, forward-up."""


def _masks(observation: Observation) -> tuple[np.ndarray, np.ndarray]:
    mask = observation.mask > 0
    return mask[:, :MOVEMENT_COUNT], mask[:, MOVEMENT_COUNT : MOVEMENT_COUNT + SKILL_COUNT]


def _uniform(legal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(legal, rng.random(legal.shape), -1.0).argmax(axis=1).astype(np.int32)


def _at(legal: np.ndarray, choice: np.ndarray) -> np.ndarray:
    return np.take_along_axis(legal, choice[:, None], 1)[:, 0]


def _first_legal(legal: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """The first legal skill of ``order``, or none."""
    chosen = np.zeros(len(legal), np.int64)
    for skill in reversed(order):
        chosen = np.where(legal[:, skill], skill, chosen)
    return chosen
