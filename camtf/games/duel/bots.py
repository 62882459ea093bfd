"""Scripted opponents: the fixed yardstick. They read the game's state, never learn, and are never trained against.

Each is a `camtf.games.protocol.Bot`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from camtf.games.bots import uniform_legal
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import MOVEMENT_COUNT, SKILL_COUNT
from camtf.games.duel.roster import element_column, schema
from camtf.games.duel.state import (
    ATTACK,
    DASH,
    DASHING,
    GUARD,
    HALF_LENGTH_MM,
    SUBSTITUTE,
    SUMMON,
    USE_SCROLL,
    USE_SKILL_1,
    USE_SKILL_2,
    USE_ULTIMATE,
)
from camtf.types import Observation

if TYPE_CHECKING:
    from camtf.games.protocol import BatchedGame, Bot


def idle(game: BatchedGame, player: int, observation: Observation, uniforms: np.ndarray) -> np.ndarray:
    """Stands still."""
    return np.zeros((len(uniforms), 2), np.int32)


def zoner(game: BatchedGame, player: int, observation: Observation, uniforms: np.ndarray) -> np.ndarray:
    """Keeps out of reach and lets skills, scroll and summon do the work; at a wall or in a corner it fights."""
    fighters, opponents = _fighters(game, player)
    movement, skill = _masks(observation)
    scene = _look(observation, fighters, opponents)
    cornered = np.abs(fighters["x_mm"]) > HALF_LENGTH_MM - _CORNER_MM
    away = np.where(scene.dx < _KEEP_AWAY_MM, -1, np.where(scene.dx > _KEEP_NEAR_MM, 1, 0))
    length = np.where(cornered & (away < 0), 1, away)
    wished = _first_ready(skill, scene, (USE_ULTIMATE, USE_SKILL_1, USE_SKILL_2), (SUMMON, USE_SCROLL))
    near = scene.near & (cornered | (fighters["connected"] == 1))
    wished = np.where(near & (wished == 0), _first_legal(skill, (ATTACK,)), wished)
    return _legal(movement, skill, length, scene.depth, wished)


def rusher(game: BatchedGame, player: int, observation: Observation, uniforms: np.ndarray) -> np.ndarray:
    """Walks straight at the opponent and strikes in reach, turning every hit into the strongest thing that is ready;
    sends scroll and summon on the way, guards while the opponent cannot be hit, and now and then besides."""
    fighters, opponents = _fighters(game, player)
    movement, skill = _masks(observation)
    scene = _look(observation, fighters, opponents)
    in_reach = np.where(fighters["connected"] == 1, _first_legal(skill, _AFTER_A_HIT), _first_legal(skill, (ATTACK,)))
    attack = np.where(scene.near, in_reach, _first_legal(skill, _ON_THE_WAY))
    guard = scene.near & (scene.helpless | (uniforms[:, 0] < _GUARD_SHARE))
    return _legal(movement, skill, np.where(scene.dx > _TOUCH_MM, 1, 0), scene.depth, np.where(guard, GUARD, attack))


def punisher(game: BatchedGame, player: int, observation: Observation, uniforms: np.ndarray) -> np.ndarray:
    """Reads what the opponent has begun: guards or steps out of what is coming, leaves a combo by substitution, and
    strikes into recovery and stun with the strongest thing that reaches; otherwise a rusher that also shoots."""
    fighters, opponents = _fighters(game, player)
    movement, skill = _masks(observation)
    scene = _look(observation, fighters, opponents)
    coming = _is_coming(observation, opponents, scene) & (uniforms[:, 0] < _NOTICED_SHARE)
    shot_at = ((opponents["projectile_ticks"] > 0) & _flies_at(fighters, opponents)).any(axis=1)
    caught = (fighters["stun_ticks"] > 0) & (fighters["combo_taken"] >= _LEAVE_AFTER_HITS)
    open_ = (opponents["stun_ticks"] > 0) | ((opponents["move"] >= 0) & ~coming)

    connected = fighters["connected"] == 1
    reaching = _first_ready(skill, scene, (USE_ULTIMATE, USE_SKILL_1, USE_SKILL_2), ())
    strike = np.where(scene.near, _first_legal(skill, (ATTACK,)), 0)
    wished = np.where(connected & scene.near, _first_legal(skill, _AFTER_A_HIT), strike)
    wished = np.where(open_ & ~connected & (reaching > 0), reaching, wished)
    wished = np.where((wished == 0) & ~scene.near & (scene.shot > 0), scene.shot, wished)
    wished = np.where((wished == 0) & ~scene.near, _first_legal(skill, _ON_THE_WAY), wished)
    wait = (coming | shot_at | (scene.near & scene.helpless)) & ~connected
    wished = np.where(wait, GUARD, wished)
    wished = np.where(caught & skill[:, SUBSTITUTE], SUBSTITUTE, wished)
    length = np.where(scene.dx > _TOUCH_MM, 1, 0)
    length = np.where(scene.helpless & (scene.dx < _STEP_BACK_MM), -1, length)
    dash_in = (wished == 0) & (scene.dx > _DASH_MM) & skill[:, DASH]
    wished = np.where(dash_in, DASH, wished)
    hesitates = uniforms[:, 1] < _HESITATING_SHARE
    return _legal(movement, skill, length, scene.depth, np.where(hesitates, 0, wished))


BOTS: dict[str, Bot] = {
    "idle": idle,
    "random_legal": uniform_legal,
    "zoner": zoner,
    "rusher": rusher,
    "punisher": punisher,
}
"""By name, in rising strength."""

_SHOWN = ("chain_1", "skill_1", "skill_2", "ultimate")
_COLUMNS = {
    number: [element_column(move, number) for move in _SHOWN]
    for number in ("reach_mm", "startup_ticks", "active_ticks", "lunge_mm_per_tick", "projectile_mm_per_tick")
}
_MOVE_TO_SHOWN = np.array([0, 0, 0, 1, 2, 3, 0])
"""Which of the shown moves stands for each move: the first hit for the whole chain, and for the scroll."""
_MARGIN_MM = 100
_TOUCH_MM = 450
_SAME_DEPTH_MM = 300
_WAIT_TICKS = 4
_GUARD_SHARE = 0.1
_NOTICED_SHARE = 0.85
_HESITATING_SHARE = 0.08
_CORNER_MM = 1200
_KEEP_AWAY_MM = 2200
_KEEP_NEAR_MM = 3200
_STEP_BACK_MM = 900
_DASH_MM = 2600
_LEAVE_AFTER_HITS = 2
_SHOT_AHEAD_MM = 1500
_AFTER_A_HIT = (USE_ULTIMATE, USE_SKILL_1, USE_SKILL_2, ATTACK)
_ON_THE_WAY = (SUMMON, USE_SCROLL)
_MOVEMENT_FOR = np.array([[6, 5, 4], [7, 0, 3], [8, 1, 2]])
"""Movement by [length + 1][depth + 1]: back, nothing, forward; down, level, up."""


def _fighters(game: BatchedGame, player: int) -> tuple[np.ndarray, np.ndarray]:
    """The player's fighters and the opponent's, `camtf.games.duel.state.FIGHTER` ``[n]``."""
    assert isinstance(game, DuelGame)
    return game.fighters[player], game.fighters[1 - player]


class _Scene(NamedTuple):
    """What every bot looks at, each ``[n]`` but ``reaches``."""

    dx: np.ndarray  # distance along the length, mm
    depth: np.ndarray  # -1, 0 or 1: the way to the opponent's depth
    near: np.ndarray  # the first hit of the chain reaches
    helpless: np.ndarray  # the opponent cannot be hit for a while
    reaches: np.ndarray  # bool [n, 4]: which of the shown moves would reach, lunge and flight counted
    shot: np.ndarray  # a ready skill with a projectile, 0 where there is none


def _look(observation: Observation, fighters: np.ndarray, opponents: np.ndarray) -> _Scene:
    dx = np.abs(opponents["x_mm"] - fighters["x_mm"])
    dy = opponents["y_mm"] - fighters["y_mm"]
    level = np.abs(dy) < _SAME_DEPTH_MM
    reach = _attribute(observation, 0, "reach_mm")
    lunge = _attribute(observation, 0, "lunge_mm_per_tick") * _attribute(observation, 0, "active_ticks")
    flies = _attribute(observation, 0, "projectile_mm_per_tick") > 0
    reaches = level[:, None] & np.where(flies, True, dx[:, None] < reach + lunge - _MARGIN_MM)
    skill = observation.mask[:, MOVEMENT_COUNT : MOVEMENT_COUNT + SKILL_COUNT] > 0
    shots = flies[:, 1:] & skill[:, USE_SKILL_1 : USE_ULTIMATE + 1] & level[:, None]
    return _Scene(
        dx=dx,
        depth=np.where(dy > _SAME_DEPTH_MM, 1, np.where(dy < -_SAME_DEPTH_MM, -1, 0)),
        near=(dx < reach[:, 0] - _MARGIN_MM) & level,
        helpless=opponents["down_ticks"] + opponents["invincible_ticks"] > _WAIT_TICKS,
        reaches=reaches,
        shot=np.where(shots.any(axis=1), USE_SKILL_1 + shots.argmax(axis=1), 0),
    )


def _is_coming(observation: Observation, opponents: np.ndarray, scene: _Scene) -> np.ndarray:
    """The opponent has begun a blow that would reach and whose active ticks are not over."""
    move = opponents["move"]
    rows = np.arange(len(move))
    shown = _MOVE_TO_SHOWN[np.clip(move, 0, len(_MOVE_TO_SHOWN) - 1)]
    timing = [_attribute(observation, 1, name)[rows, shown] for name in ("startup_ticks", "active_ticks", "reach_mm")]
    lunge = _attribute(observation, 1, "lunge_mm_per_tick")[rows, shown] * timing[1]
    begun = (move >= 0) & (move != DASHING) & (opponents["move_tick"] < timing[0] + timing[1])
    return begun & (scene.dx < timing[2] + lunge + _MARGIN_MM) & (scene.depth == 0)


def _flies_at(fighters: np.ndarray, opponents: np.ndarray) -> np.ndarray:
    """Which of the opponent's projectiles is about to arrive, ``[n, projectiles]``."""
    ahead = (fighters["x_mm"][:, None] - opponents["projectile_x_mm"]) * np.sign(opponents["projectile_mm_per_tick"])
    level = np.abs(fighters["y_mm"][:, None] - opponents["projectile_y_mm"]) < 2 * _SAME_DEPTH_MM
    return level & (ahead > -_MARGIN_MM) & (ahead < _SHOT_AHEAD_MM)


def _attribute(observation: Observation, whose: int, name: str) -> np.ndarray:
    """A declared number of the shown moves, own (0) or opponent's (1), in its unit: ``[n, 4]``."""
    number = schema.MOVE_NUMBERS[name]
    scale = max(abs(number.low), abs(number.high))
    return observation.element[:, whose, _COLUMNS[name]] * scale // 1000


def _first_ready(skill: np.ndarray, scene: _Scene, order: tuple[int, ...], otherwise: tuple[int, ...]) -> np.ndarray:
    """The first legal skill of ``order`` that would reach, else the first legal one of ``otherwise``."""
    chosen = _first_legal(skill, otherwise)
    for wished in reversed(order):
        usable = skill[:, wished] & scene.reaches[:, wished - ATTACK] & ~scene.helpless
        chosen = np.where(usable, wished, chosen)
    return chosen


def _legal(
    movement: np.ndarray, skill: np.ndarray, length: np.ndarray, depth: np.ndarray, wished: np.ndarray
) -> np.ndarray:
    """Actions int32 ``[n, H]``: the wished ones where they are legal, else nothing."""
    step = _MOVEMENT_FOR[length + 1, depth + 1]
    chosen = [np.where(_at(legal, choice), choice, 0) for legal, choice in ((movement, step), (skill, wished))]
    return np.stack(chosen, axis=1).astype(np.int32)


def _masks(observation: Observation) -> tuple[np.ndarray, np.ndarray]:
    mask = observation.mask > 0
    return mask[:, :MOVEMENT_COUNT], mask[:, MOVEMENT_COUNT : MOVEMENT_COUNT + SKILL_COUNT]


def _at(legal: np.ndarray, choice: np.ndarray) -> np.ndarray:
    return np.take_along_axis(legal, choice[:, None], 1)[:, 0]


def _first_legal(skill: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """The first legal skill of ``order``, or none."""
    chosen = np.zeros(len(skill), np.int64)
    for wished in reversed(order):
        chosen = np.where(skill[:, wished], wished, chosen)
    return chosen
