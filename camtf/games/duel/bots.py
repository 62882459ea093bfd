"""Scripted opponents: the fixed yardstick. They read the game's state, never learn, and are never trained against.

Each is a `camtf.games.protocol.Bot`. What it decides for one match is compiled scalar code, so that an opponent costs
less than the match that it plays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from camtf.games.bots import uniform_legal
from camtf.games.duel.compiled import compiled
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import MOVEMENT_COUNT
from camtf.games.duel.roster import element_column, schema
from camtf.games.duel.state import (
    ATTACK,
    DASH,
    DASHING,
    GUARD,
    HALF_LENGTH_MM,
    NONE,
    PROJECTILES,
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
    return _decided(_zone_all, game, player, observation, uniforms)


def rusher(game: BatchedGame, player: int, observation: Observation, uniforms: np.ndarray) -> np.ndarray:
    """Walks straight at the opponent and strikes in reach, turning every hit into the strongest thing that is ready;
    sends scroll and summon on the way, guards while the opponent cannot be hit, and now and then besides."""
    return _decided(_rush_all, game, player, observation, uniforms)


def punisher(game: BatchedGame, player: int, observation: Observation, uniforms: np.ndarray) -> np.ndarray:
    """Reads what the opponent has begun: guards or steps out of what is coming, leaves a combo by substitution, and
    strikes into recovery and stun with the strongest thing that reaches; otherwise a rusher that also shoots."""
    return _decided(_punish_all, game, player, observation, uniforms)


BOTS: dict[str, Bot] = {
    "idle": idle,
    "random_legal": uniform_legal,
    "zoner": zoner,
    "rusher": rusher,
    "punisher": punisher,
}
"""By name, in rising strength."""

_SHOWN = ("chain_1", "skill_1", "skill_2", "ultimate")
_MOVE_TO_SHOWN = (0, 0, 0, 1, 2, 3, 0)
"""Which of the shown moves stands for each move: the first hit for the whole chain, and for the scroll."""
_MARGIN_MM = 100
_TOUCH_MM = 450
_SAME_DEPTH_MM = 300
_WAIT_TICKS = 4
_GUARD_SHARE = np.float32(0.1)
_NOTICED_SHARE = np.float32(0.85)
_HESITATING_SHARE = np.float32(0.08)
_CORNER_MM = 1200
_KEEP_AWAY_MM = 2200
_KEEP_NEAR_MM = 3200
_STEP_BACK_MM = 900
_DASH_MM = 2600
_LEAVE_AFTER_HITS = 2
_SHOT_AHEAD_MM = 1500
_MOVEMENT_FOR = np.array([[6, 5, 4], [7, 0, 3], [8, 1, 2]])
"""Movement by [length + 1][depth + 1]: back, nothing, forward; down, level, up."""


class _Declared(NamedTuple):
    """Where the Element module shows a number of each of the shown moves, and what it was divided by."""

    columns: tuple[int, ...]
    scale: int


def _declared(number: str) -> _Declared:
    allowed = schema.MOVE_NUMBERS[number]
    columns = tuple(element_column(move, number) for move in _SHOWN)
    return _Declared(columns, max(abs(allowed.low), abs(allowed.high)))


_REACH = _declared("reach_mm")
_STARTUP = _declared("startup_ticks")
_ACTIVE = _declared("active_ticks")
_LUNGE = _declared("lunge_mm_per_tick")
_FLIGHT = _declared("projectile_mm_per_tick")


class _Scene(NamedTuple):
    """What every bot looks at."""

    dx: int  # distance along the length, mm
    depth: int  # -1, 0 or 1: the way to the opponent's depth
    near: bool  # the first hit of the chain reaches
    helpless: bool  # the opponent cannot be hit for a while
    level: bool  # both are at the same depth


def _decided(
    decide_all: Any, game: BatchedGame, player: int, observation: Observation, uniforms: np.ndarray
) -> np.ndarray:
    """Actions int32 ``[n, H]``: the wished ones where they are legal, else nothing."""
    assert isinstance(game, DuelGame)
    out = np.empty((len(uniforms), 2), np.int32)
    element, mask = np.ascontiguousarray(observation.element), np.ascontiguousarray(observation.mask)
    decide_all(game.fighters[player], game.fighters[1 - player], element, mask, np.ascontiguousarray(uniforms), out)
    return out


@compiled
def _number(row: Any, declared: Any, shown: int) -> int:
    """A declared number of one of the shown moves, in its unit; ``row`` is of the Element module."""
    return row[declared.columns[shown]] * declared.scale // 1000


@compiled
def _legal(mask: Any, skill: int) -> bool:
    return mask[MOVEMENT_COUNT + skill] > 0


@compiled
def _first(mask: Any, first: int, second: int) -> int:
    """The first of two skills that is legal, or none."""
    if _legal(mask, first):
        return first
    return second if _legal(mask, second) else NONE


@compiled
def _one(mask: Any, skill: int) -> int:
    return skill if _legal(mask, skill) else NONE


@compiled
def _look(f: Any, o: Any, own: Any) -> _Scene:
    """``own`` is the fighter's row of the Element module."""
    dx = abs(o.x_mm - f.x_mm)
    dy = o.y_mm - f.y_mm
    level = abs(dy) < _SAME_DEPTH_MM
    return _Scene(
        dx=dx,
        depth=1 if dy > _SAME_DEPTH_MM else (-1 if dy < -_SAME_DEPTH_MM else 0),
        near=dx < _number(own, _REACH, 0) - _MARGIN_MM and level,
        helpless=o.down_ticks + o.invincible_ticks > _WAIT_TICKS,
        level=level,
    )


@compiled
def _after_a_hit(mask: Any) -> int:
    """What a hit is turned into: the strongest that is ready."""
    chosen = _first(mask, USE_ULTIMATE, USE_SKILL_1)
    return chosen if chosen != NONE else _first(mask, USE_SKILL_2, ATTACK)


@compiled
def _on_the_way(mask: Any) -> int:
    return _first(mask, SUMMON, USE_SCROLL)


@compiled
def _would_reach(skill: int, scene: Any, own: Any, mask: Any) -> bool:
    """A skill is legal and would reach, lunge and flight counted."""
    if scene.helpless or not scene.level or not _legal(mask, skill):
        return False
    shown = skill - ATTACK
    if _number(own, _FLIGHT, shown) > 0:
        return True
    lunge = _number(own, _LUNGE, shown) * _number(own, _ACTIVE, shown)
    return scene.dx < _number(own, _REACH, shown) + lunge - _MARGIN_MM


@compiled
def _reaching(scene: Any, own: Any, mask: Any) -> int:
    """The strongest skill that would reach, or none."""
    if _would_reach(USE_ULTIMATE, scene, own, mask):
        return USE_ULTIMATE
    if _would_reach(USE_SKILL_1, scene, own, mask):
        return USE_SKILL_1
    return USE_SKILL_2 if _would_reach(USE_SKILL_2, scene, own, mask) else NONE


@compiled
def _shot(scene: Any, own: Any, mask: Any) -> int:
    """A ready skill with a projectile, or none."""
    for skill in range(USE_SKILL_1, USE_ULTIMATE + 1):
        if scene.level and _number(own, _FLIGHT, skill - ATTACK) > 0 and _legal(mask, skill):
            return skill
    return NONE


@compiled
def _is_coming(o: Any, scene: Any, opponents: Any) -> bool:
    """The opponent has begun a blow that would reach and whose active ticks are not over."""
    if o.move < 0 or o.move == DASHING or scene.depth != 0:
        return False
    shown = _MOVE_TO_SHOWN[o.move]
    active = _number(opponents, _ACTIVE, shown)
    if o.move_tick >= _number(opponents, _STARTUP, shown) + active:
        return False
    return scene.dx < _number(opponents, _REACH, shown) + _number(opponents, _LUNGE, shown) * active + _MARGIN_MM


@compiled
def _is_shot_at(f: Any, o: Any) -> bool:
    """One of the opponent's projectiles is about to arrive."""
    for i in range(PROJECTILES):
        ahead = f.x_mm - o.projectile_x_mm[i]
        if o.projectile_mm_per_tick[i] <= 0:
            ahead = -ahead if o.projectile_mm_per_tick[i] < 0 else 0
        level = abs(f.y_mm - o.projectile_y_mm[i]) < 2 * _SAME_DEPTH_MM
        if o.projectile_ticks[i] > 0 and level and -_MARGIN_MM < ahead < _SHOT_AHEAD_MM:
            return True
    return False


@compiled
def _write(out: Any, mask: Any, length: int, depth: int, wished: int) -> None:
    """The wished step and skill, each where it is legal, else nothing."""
    step = _MOVEMENT_FOR[length + 1, depth + 1]
    out[0] = step if mask[step] > 0 else 0
    out[1] = _one(mask, wished)


@compiled
def _zone_all(fighters: Any, opponents: Any, element: Any, mask: Any, uniforms: Any, out: Any) -> None:
    for b in range(fighters.shape[0]):
        f, own, legal = fighters[b], element[b, 0], mask[b]
        scene = _look(f, opponents[b], own)
        cornered = abs(f.x_mm) > HALF_LENGTH_MM - _CORNER_MM
        length = -1 if scene.dx < _KEEP_AWAY_MM else (1 if scene.dx > _KEEP_NEAR_MM else 0)
        if cornered and length < 0:
            length = 1
        wished = _reaching(scene, own, legal)
        if wished == NONE:
            wished = _on_the_way(legal)
        if wished == NONE and scene.near and (cornered or f.connected == 1):
            wished = ATTACK
        _write(out[b], legal, length, scene.depth, wished)


@compiled
def _rush_all(fighters: Any, opponents: Any, element: Any, mask: Any, uniforms: Any, out: Any) -> None:
    for b in range(fighters.shape[0]):
        f, own, legal = fighters[b], element[b, 0], mask[b]
        scene = _look(f, opponents[b], own)
        if scene.near and (scene.helpless or uniforms[b, 0] < _GUARD_SHARE):
            wished = GUARD
        elif scene.near:
            wished = _after_a_hit(legal) if f.connected == 1 else ATTACK
        else:
            wished = _on_the_way(legal)
        _write(out[b], legal, 1 if scene.dx > _TOUCH_MM else 0, scene.depth, wished)


@compiled
def _punish_all(fighters: Any, opponents: Any, element: Any, mask: Any, uniforms: Any, out: Any) -> None:
    for b in range(fighters.shape[0]):
        f, o, legal = fighters[b], opponents[b], mask[b]
        scene = _look(f, o, element[b, 0])
        coming = _is_coming(o, scene, element[b, 1]) and uniforms[b, 0] < _NOTICED_SHARE
        wished = _punish(f, o, scene, element[b, 0], legal, coming)
        if uniforms[b, 1] < _HESITATING_SHARE:
            wished = NONE
        length = 1 if scene.dx > _TOUCH_MM else 0
        if scene.helpless and scene.dx < _STEP_BACK_MM:
            length = -1
        _write(out[b], legal, length, scene.depth, wished)


@compiled
def _punish(f: Any, o: Any, scene: Any, own: Any, legal: Any, coming: bool) -> int:
    """The skill that the punisher wishes for, with what comes at it in view."""
    connected = f.connected == 1
    wished = NONE
    if scene.near:
        wished = _after_a_hit(legal) if connected else _one(legal, ATTACK)
    if not connected and (o.stun_ticks > 0 or (o.move >= 0 and not coming)):
        reaching = _reaching(scene, own, legal)
        wished = reaching if reaching != NONE else wished
    if wished == NONE and not scene.near:
        wished = _shot(scene, own, legal)
        if wished == NONE:
            wished = _on_the_way(legal)
    if not connected and (coming or _is_shot_at(f, o) or (scene.near and scene.helpless)):
        wished = GUARD
    if f.stun_ticks > 0 and f.combo_taken >= _LEAVE_AFTER_HITS and _legal(legal, SUBSTITUTE):
        wished = SUBSTITUTE
    if wished == NONE and scene.dx > _DASH_MM:
        wished = _one(legal, DASH)
    return wished
