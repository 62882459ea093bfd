"""The four modules of an observation, written by compiled code straight into the buffers that the network reads.

Everything is canonical: a player sees itself first, and x grows towards the opponent (``forward`` of the movement
head). Module by module (ranges in brackets; a time is divided by the longest time of its kind):

*Basic*, float32 ``[BASIC_WIDTH]``, in order
  - two fighters, own first, FIGHTER_FIELDS each (below);
  - own and opponent's projectiles, PROJECTILES each, PROJECTILE_FIELDS each;
  - ENVIRONMENT_FIELDS;
  - the last HISTORY decisions, latest first; of each, own then opponent's movement as (length, depth) in {-1, 0, 1}
    in that player's own canonical frame and skill as a one-hot over `camtf.game.state.SKILLS`.
*Buff*, float32 ``[2, BUFF_KINDS, 3]``: own, then opponent's; slot k is buff k of `camtf.game.roster.schema.BUFFS`;
  remaining time, stacks and magnitude, each [0, 1].
*Element*, int32 ``[2, ELEMENT_WIDTH]``: own, then opponent's; ids, then declared attributes in per mille of their
  range [0, 1000] (see `camtf.game.roster`). Constant during a battle.
*Action-Mask*, float32 ``[MASK_WIDTH]``, each 0 or 1: legal movements, legal skills, skills that root movement.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from camtf.game.roster.schema import BUFFS, MAX_BUFF_MAGNITUDE, MAX_BUFF_TICKS, MAX_STACKS
from camtf.game.rules import (
    COMBO_CAP,
    DASH_COOLDOWN_TICKS,
    DASH_TICKS,
    DOWN_TICKS,
    SUBSTITUTE_COOLDOWN_TICKS,
    movement_is_legal,
    roots_movement,
    skill_is_legal,
    towards,
)
from camtf.game.state import (
    CD_DASH,
    CD_SUBSTITUTE,
    COOLDOWNS,
    DASHING,
    FULL_MANA,
    HALF_DEPTH_MM,
    HALF_LENGTH_MM,
    HISTORY,
    MATCH_TICKS,
    MOVEMENT_DEPTH,
    MOVEMENT_LENGTH,
    MOVEMENTS,
    NO_MOVE,
    PROJECTILES,
    SKILLS,
)
from camtf.types import Observation

FIGHTER_FIELDS = (
    "health",  # of the own full bar [0, 1]; a fallen fighter shows 0
    "mana",  # [0, 1]
    "x",  # from the middle of the arena [-1, 1]
    "y",  # [-1, 1]
    "facing",  # -1 or 1
    "stun",  # time left [0, 1]
    "down",  # time left [0, 1]
    "invincible",  # time left [0, 1]
    "guarding",  # 0 or 1
    "push",  # knock-back speed [-1, 1]
    "combo_taken",  # hits of the combo that runs against this fighter [0, 1]
    "connected",  # the move under way has hit: 0 or 1
    "startup_left",  # of the move under way, time [0, 1]
    "active_left",  # [0, 1]
    "recovery_left",  # [0, 1]
    "move_chain_1",  # which move is under way, one-hot
    "move_chain_2",
    "move_chain_3",
    "move_skill_1",
    "move_skill_2",
    "move_ultimate",
    "move_scroll",
    "move_dash",
    "cooldown_skill_1",  # part of the full cooldown still to wait [0, 1]
    "cooldown_skill_2",
    "cooldown_ultimate",
    "cooldown_scroll",
    "cooldown_dash",
    "cooldown_substitute",
    "cooldown_summon",
    "reach",  # of the move under way, in reach_mm of 6 m [0, 1]
    "summon_time",  # part of 20 s still there [0, 1]
    "summon_dx",  # from the other fighter, canonical [-1, 1]; 0 without a summon
    "summon_dy",
    "summon_wait",  # until it can strike, of 10 s [0, 1]
)
PROJECTILE_FIELDS = ("there", "dx", "dy", "speed", "time_left")
"""dx, dy from the fighter it flies at, canonical, in [-1, 1]; speed along canonical x in [-1, 1]."""
ENVIRONMENT_FIELDS = ("dx", "dy", "near_x", "near_y", "time_left", "health_lead")
"""Offset to the opponent over the whole arena, the same on a scale of 1.5 m (clipped), time, lead in health."""
BUFF_FIELDS = ("remaining", "stacks", "magnitude")

FIGHTER_WIDTH = len(FIGHTER_FIELDS)
PROJECTILE_WIDTH = len(PROJECTILE_FIELDS)
ENVIRONMENT_WIDTH = len(ENVIRONMENT_FIELDS)
ACTION_WIDTH = 2 + len(SKILLS)
PROJECTILES_AT = 2 * FIGHTER_WIDTH
ENVIRONMENT_AT = PROJECTILES_AT + 2 * PROJECTILES * PROJECTILE_WIDTH
HISTORY_AT = ENVIRONMENT_AT + ENVIRONMENT_WIDTH
BASIC_WIDTH = HISTORY_AT + HISTORY * 2 * ACTION_WIDTH
BUFF_KINDS = len(BUFFS)
MOVEMENT_COUNT = len(MOVEMENTS)
SKILL_COUNT = len(SKILLS)
MASK_WIDTH = MOVEMENT_COUNT + 2 * SKILL_COUNT

_NEAR_MM = 1500.0
_LONGEST_STUN_TICKS = 40
_LONGEST_PHASE_TICKS = 40
_LONGEST_SUMMON_TICKS = 600
_LONGEST_SUMMON_WAIT_TICKS = 300
_FASTEST_MM_PER_TICK = 600
_LONGEST_REACH_MM = 6000
_MOVE_ONE_HOT = FIGHTER_FIELDS.index("move_chain_1")
_COOLDOWN_AT = FIGHTER_FIELDS.index("cooldown_skill_1")
_REACH = FIGHTER_FIELDS.index("reach")


def empty_observation(leading: tuple[int, ...], element_width: int) -> Observation:
    """Zeroed buffers of an observation with the given leading dimensions."""
    return Observation(
        basic=np.zeros((*leading, BASIC_WIDTH), np.float32),
        buff=np.zeros((*leading, 2, BUFF_KINDS, len(BUFF_FIELDS)), np.float32),
        element=np.zeros((*leading, 2, element_width), np.int32),
        mask=np.zeros((*leading, MASK_WIDTH), np.float32),
    )


@njit(cache=True)
def clip(value: float) -> float:
    return min(max(value, -1.0), 1.0)


@njit(cache=True)
def write_fighter(out: Any, at: int, f: Any, o: Any, ahead: int, moves: Any, characters: Any, summons: Any) -> None:
    """FIGHTER_FIELDS of ``f`` from the place ``at``; ``ahead`` is canonical forward."""
    c = characters[f.character]
    out[at + 0] = max(f.health_hp, 0) / c.max_health_hp
    out[at + 1] = f.mana / FULL_MANA
    out[at + 2] = ahead * f.x_mm / HALF_LENGTH_MM
    out[at + 3] = f.y_mm / HALF_DEPTH_MM
    out[at + 4] = ahead * f.facing
    out[at + 5] = f.stun_ticks / _LONGEST_STUN_TICKS
    out[at + 6] = f.down_ticks / DOWN_TICKS
    out[at + 7] = f.invincible_ticks / DOWN_TICKS
    out[at + 8] = f.guarding
    out[at + 9] = ahead * f.push_mm_per_tick / _FASTEST_MM_PER_TICK if f.push_ticks > 0 else 0.0
    out[at + 10] = min(f.combo_taken, COMBO_CAP) / COMBO_CAP
    out[at + 11] = f.connected if f.move != NO_MOVE else 0.0
    for i in range(12, FIGHTER_WIDTH):
        out[at + i] = 0.0
    if f.move != NO_MOVE:
        out[at + _MOVE_ONE_HOT + f.move] = 1.0
        if f.move == DASHING:
            out[at + 13] = (DASH_TICKS - f.move_tick) / _LONGEST_PHASE_TICKS
        else:
            m = moves[f.character, f.move]
            until_active = m.startup_ticks - f.move_tick
            until_recovery = until_active + m.active_ticks
            until_end = until_recovery + m.recovery_ticks
            out[at + 12] = max(until_active, 0) / _LONGEST_PHASE_TICKS
            out[at + 13] = max(min(until_recovery, m.active_ticks), 0) / _LONGEST_PHASE_TICKS
            out[at + 14] = max(min(until_end, m.recovery_ticks), 0) / _LONGEST_PHASE_TICKS
            out[at + _REACH] = m.reach_mm / _LONGEST_REACH_MM
    for k in range(4):
        full = moves[f.character, 3 + k].cooldown_ticks
        out[at + _COOLDOWN_AT + k] = f.cooldown_ticks[k] / max(full, 1)
    s = summons[c.summon]
    out[at + _COOLDOWN_AT + 4] = f.cooldown_ticks[CD_DASH] / DASH_COOLDOWN_TICKS
    out[at + _COOLDOWN_AT + 5] = f.cooldown_ticks[CD_SUBSTITUTE] / SUBSTITUTE_COOLDOWN_TICKS
    out[at + _COOLDOWN_AT + 6] = f.cooldown_ticks[len(COOLDOWNS) - 1] / s.cooldown_ticks
    if f.summon_ticks > 0:
        out[at + _REACH + 1] = f.summon_ticks / _LONGEST_SUMMON_TICKS
        out[at + _REACH + 2] = ahead * (o.x_mm - f.summon_x_mm) / (2 * HALF_LENGTH_MM)
        out[at + _REACH + 3] = (o.y_mm - f.summon_y_mm) / (2 * HALF_DEPTH_MM)
        out[at + _REACH + 4] = f.summon_wait_ticks / _LONGEST_SUMMON_WAIT_TICKS


@njit(cache=True)
def write_projectiles(out: Any, at: int, f: Any, o: Any, ahead: int) -> None:
    for i in range(PROJECTILES):
        place = at + i * PROJECTILE_WIDTH
        there = f.projectile_ticks[i] > 0
        out[place] = there
        out[place + 1] = clip(ahead * (o.x_mm - f.projectile_x_mm[i]) / (2 * HALF_LENGTH_MM)) if there else 0.0
        out[place + 2] = (o.y_mm - f.projectile_y_mm[i]) / (2 * HALF_DEPTH_MM) if there else 0.0
        out[place + 3] = ahead * f.projectile_mm_per_tick[i] / _FASTEST_MM_PER_TICK if there else 0.0
        out[place + 4] = f.projectile_ticks[i] / 90 if there else 0.0


@njit(cache=True)
def write_history(out: Any, at: int, f: Any, decisions: int) -> None:
    """Past actions of ``f``; decisions before the match began are all zero."""
    for i in range(HISTORY):
        place = at + i * 2 * ACTION_WIDTH
        for k in range(ACTION_WIDTH):
            out[place + k] = 0.0
        if i < decisions:
            out[place] = MOVEMENT_LENGTH[f.past_movement[i]]
            out[place + 1] = MOVEMENT_DEPTH[f.past_movement[i]]
            out[place + 2 + f.past_skill[i]] = 1.0


@njit(cache=True)
def write_buffs(out: Any, f: Any) -> None:
    for k in range(BUFF_KINDS):
        out[k, 0] = f.buff_ticks[k] / MAX_BUFF_TICKS
        out[k, 1] = f.buff_stacks[k] / MAX_STACKS
        out[k, 2] = f.buff_magnitude[k] / MAX_BUFF_MAGNITUDE


@njit(cache=True)
def write_mask(out: Any, f: Any, moves: Any) -> None:
    for i in range(MOVEMENT_COUNT):
        out[i] = movement_is_legal(f, i)
    for k in range(SKILL_COUNT):
        out[MOVEMENT_COUNT + k] = skill_is_legal(f, k, moves)
        out[MOVEMENT_COUNT + SKILL_COUNT + k] = roots_movement(k)


@njit(cache=True)
def observe(
    basic: Any, buff: Any, element: Any, mask: Any, match: Any, f: Any, o: Any,
    moves: Any, characters: Any, summons: Any, element_rows: Any, decisions: int,
) -> None:  # fmt: skip
    """Write what ``f`` sees into one row of each module."""
    ahead = towards(f, o)
    write_fighter(basic, 0, f, o, ahead, moves, characters, summons)
    write_fighter(basic, FIGHTER_WIDTH, o, f, ahead, moves, characters, summons)
    write_projectiles(basic, PROJECTILES_AT, f, o, ahead)
    write_projectiles(basic, PROJECTILES_AT + PROJECTILES * PROJECTILE_WIDTH, o, f, ahead)
    dx = ahead * (o.x_mm - f.x_mm)
    dy = o.y_mm - f.y_mm
    basic[ENVIRONMENT_AT] = dx / (2 * HALF_LENGTH_MM)
    basic[ENVIRONMENT_AT + 1] = dy / (2 * HALF_DEPTH_MM)
    basic[ENVIRONMENT_AT + 2] = clip(dx / _NEAR_MM)
    basic[ENVIRONMENT_AT + 3] = clip(dy / _NEAR_MM)
    basic[ENVIRONMENT_AT + 4] = 1.0 - match.tick / MATCH_TICKS
    basic[ENVIRONMENT_AT + 5] = basic[0] - basic[FIGHTER_WIDTH]
    write_history(basic, HISTORY_AT, f, decisions)
    write_history(basic, HISTORY_AT + ACTION_WIDTH, o, decisions)
    write_buffs(buff[0], f)
    write_buffs(buff[1], o)
    for k in range(element_rows.shape[1]):
        element[0, k] = element_rows[f.character, k]
        element[1, k] = element_rows[o.character, k]
    write_mask(mask, f, moves)
