"""The four modules of an observation, written by compiled code straight into the buffers that the network reads.

Everything is canonical: a player sees itself first, and x grows towards the opponent (``forward`` of the movement
head). Module by module (ranges in brackets; a time is divided by the longest time of its kind):

*Basic*, float32 ``[BASIC_WIDTH]``, in order
  - two fighters, own first: of each FIGHTER_FIELDS (below), then its PROJECTILES with PROJECTILE_FIELDS each;
  - ENVIRONMENT_FIELDS;
  - the last HISTORY decisions, latest first; of each, own then opponent's movement as (length, depth) in {-1, 0, 1}
    in that player's own canonical frame and skill as a one-hot over `camtf.games.duel.state.SKILLS`.
*Buff*, float32 ``[2, BUFF_KINDS, 3]``: own, then opponent's; slot k is buff k of
  `camtf.games.duel.roster.schema.BUFFS`; remaining time, stacks and magnitude, each [0, 1].
*Element*, int32 ``[2, ELEMENT_WIDTH]``: own, then opponent's; ids, then declared attributes in per mille of their
  range, [0, 1000], a lunge that goes back down to -1000 (see `camtf.games.duel.roster`). Constant during a battle.
*Action-Mask*, float32 ``[MASK_WIDTH]``, each 0 or 1: legal movements, legal skills, skills that root movement.
"""

from __future__ import annotations

from typing import Any

from camtf.games.duel.compiled import compiled
from camtf.games.duel.roster import Roster
from camtf.games.duel.roster.schema import BUFFS, MAX_BUFF_MAGNITUDE, MAX_BUFF_TICKS, MAX_STACKS
from camtf.games.duel.rules.conditions import movement_is_legal, roots_movement, skill_is_legal, towards
from camtf.games.duel.rules.constants import (
    COMBO_CAP,
    DASH_COOLDOWN_TICKS,
    DASH_TICKS,
    DOWN_TICKS,
    SUBSTITUTE_COOLDOWN_TICKS,
)
from camtf.games.duel.state import (
    CD_DASH,
    CD_SUBSTITUTE,
    CD_SUMMON,
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
    TICKS_PER_DECISION,
)
from camtf.types import GameSpec

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

PROJECTILES_AT = len(FIGHTER_FIELDS)  # in a fighter's part
PROJECTILE_WIDTH = len(PROJECTILE_FIELDS)
FIGHTER_WIDTH = PROJECTILES_AT + PROJECTILES * PROJECTILE_WIDTH
ENVIRONMENT_WIDTH = len(ENVIRONMENT_FIELDS)
ACTION_WIDTH = 2 + len(SKILLS)
ENVIRONMENT_AT = 2 * FIGHTER_WIDTH
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
_X = FIGHTER_FIELDS.index("x")
_FACING = FIGHTER_FIELDS.index("facing")
_PUSH = FIGHTER_FIELDS.index("push")
_SUMMON_DX = FIGHTER_FIELDS.index("summon_dx")


def duel_spec(roster: Roster) -> GameSpec:
    """Shapes of the duel's modules and heads with a roster."""
    return GameSpec(
        movements=MOVEMENT_COUNT,
        skills=SKILL_COUNT,
        fighter_width=FIGHTER_WIDTH,
        environment_width=ENVIRONMENT_WIDTH,
        buff_kinds=BUFF_KINDS,
        buff_fields=len(BUFF_FIELDS),
        id_counts=roster.id_counts,
        attributes=roster.element_module.shape[1] - len(roster.id_counts),
        history=HISTORY,
        history_width=2 * ACTION_WIDTH,
        fixed_elements=True,
        movement_names=MOVEMENTS,
        skill_names=SKILLS,
    )


@compiled
def clip(value: float) -> float:
    return min(max(value, -1.0), 1.0)


@compiled
def write_fighter(out: Any, f: Any, o: Any, ahead: int, moves: Any, characters: Any, summons: Any) -> None:
    """FIGHTER_FIELDS of ``f`` as it sees itself; ``ahead`` is canonical forward. ``out`` is zero."""
    c = characters[f.character]
    out[0] = max(f.health_hp, 0) / c.max_health_hp
    out[1] = f.mana / FULL_MANA
    out[_X] = ahead * f.x_mm / HALF_LENGTH_MM
    out[3] = f.y_mm / HALF_DEPTH_MM
    out[_FACING] = ahead * f.facing
    out[5] = f.stun_ticks / _LONGEST_STUN_TICKS
    out[6] = f.down_ticks / DOWN_TICKS
    out[7] = f.invincible_ticks / DOWN_TICKS
    out[8] = f.guarding
    if f.push_ticks > 0:
        out[_PUSH] = ahead * f.push_mm_per_tick / _FASTEST_MM_PER_TICK
    out[10] = min(f.combo_taken, COMBO_CAP) / COMBO_CAP
    if f.move != NO_MOVE:
        out[11] = f.connected
        out[_MOVE_ONE_HOT + f.move] = 1.0
        if f.move == DASHING:
            out[13] = (DASH_TICKS - f.move_tick) / _LONGEST_PHASE_TICKS
        else:
            m = moves[f.character, f.move]
            until_active = m.startup_ticks - f.move_tick
            until_recovery = until_active + m.active_ticks
            until_end = until_recovery + m.recovery_ticks
            out[12] = max(until_active, 0) / _LONGEST_PHASE_TICKS
            out[13] = max(min(until_recovery, m.active_ticks), 0) / _LONGEST_PHASE_TICKS
            out[14] = max(min(until_end, m.recovery_ticks), 0) / _LONGEST_PHASE_TICKS
            out[_REACH] = m.reach_mm / _LONGEST_REACH_MM
    for k in range(4):
        if f.cooldown_ticks[k] > 0:
            out[_COOLDOWN_AT + k] = f.cooldown_ticks[k] / moves[f.character, 3 + k].cooldown_ticks
    out[_COOLDOWN_AT + 4] = f.cooldown_ticks[CD_DASH] / DASH_COOLDOWN_TICKS
    out[_COOLDOWN_AT + 5] = f.cooldown_ticks[CD_SUBSTITUTE] / SUBSTITUTE_COOLDOWN_TICKS
    if f.cooldown_ticks[CD_SUMMON] > 0:
        out[_COOLDOWN_AT + 6] = f.cooldown_ticks[CD_SUMMON] / summons[c.summon].cooldown_ticks
    if f.summon_ticks > 0:
        out[_REACH + 1] = f.summon_ticks / _LONGEST_SUMMON_TICKS
        out[_SUMMON_DX] = ahead * (o.x_mm - f.summon_x_mm) / (2 * HALF_LENGTH_MM)
        out[_REACH + 3] = (o.y_mm - f.summon_y_mm) / (2 * HALF_DEPTH_MM)
        out[_REACH + 4] = f.summon_wait_ticks / _LONGEST_SUMMON_WAIT_TICKS


@compiled
def write_projectiles(out: Any, f: Any, o: Any, ahead: int) -> None:
    """PROJECTILE_FIELDS of the projectiles of ``f`` as it sees them. ``out`` is zero."""
    for i in range(PROJECTILES):
        if f.projectile_ticks[i] > 0:
            place = i * PROJECTILE_WIDTH
            out[place] = 1.0
            out[place + 1] = clip(ahead * (o.x_mm - f.projectile_x_mm[i]) / (2 * HALF_LENGTH_MM))
            out[place + 2] = (o.y_mm - f.projectile_y_mm[i]) / (2 * HALF_DEPTH_MM)
            out[place + 3] = ahead * f.projectile_mm_per_tick[i] / _FASTEST_MM_PER_TICK
            out[place + 4] = f.projectile_ticks[i] / 90


@compiled
def write_environment(out: Any, f: Any, o: Any, ahead: int, tick: int, lead: float) -> None:
    """ENVIRONMENT_FIELDS as ``f`` sees them."""
    dx = ahead * (o.x_mm - f.x_mm)
    dy = o.y_mm - f.y_mm
    out[0] = dx / (2 * HALF_LENGTH_MM)
    out[1] = dy / (2 * HALF_DEPTH_MM)
    out[2] = clip(dx / _NEAR_MM)
    out[3] = clip(dy / _NEAR_MM)
    out[4] = 1.0 - tick / MATCH_TICKS
    out[5] = lead


@compiled
def write_history(own: Any, others: Any, f: Any, decisions: int) -> None:
    """Past actions of ``f`` into both players' zeroed histories; decisions before the match began stay zero."""
    for i in range(min(HISTORY, decisions)):
        place = i * 2 * ACTION_WIDTH
        there = place + ACTION_WIDTH
        own[place] = MOVEMENT_LENGTH[f.past_movement[i]]
        others[there] = MOVEMENT_LENGTH[f.past_movement[i]]
        own[place + 1] = MOVEMENT_DEPTH[f.past_movement[i]]
        others[there + 1] = MOVEMENT_DEPTH[f.past_movement[i]]
        own[place + 2 + f.past_skill[i]] = 1.0
        others[there + 2 + f.past_skill[i]] = 1.0


@compiled
def write_buffs(own: Any, others: Any, f: Any) -> None:
    for k in range(BUFF_KINDS):
        own[k, 0] = f.buff_ticks[k] / MAX_BUFF_TICKS
        own[k, 1] = f.buff_stacks[k] / MAX_STACKS
        own[k, 2] = f.buff_magnitude[k] / MAX_BUFF_MAGNITUDE
        for i in range(3):
            others[k, i] = own[k, i]


@compiled
def write_mask(out: Any, f: Any, moves: Any) -> None:
    for i in range(MOVEMENT_COUNT):
        out[i] = movement_is_legal(f, i)
    for k in range(SKILL_COUNT):
        out[MOVEMENT_COUNT + k] = skill_is_legal(f, k, moves)
        out[MOVEMENT_COUNT + SKILL_COUNT + k] = roots_movement(k)


@compiled
def copy_others(basic: Any, others: Any, flip: int) -> None:
    """What the opponent sees of itself, as this player sees it: lengths turned round where the frames differ."""
    for k in range(FIGHTER_WIDTH):
        basic[FIGHTER_WIDTH + k] = others[k]
    for k in (_X, _FACING, _PUSH, _SUMMON_DX):
        basic[FIGHTER_WIDTH + k] *= flip
    for i in range(PROJECTILES):
        place = FIGHTER_WIDTH + PROJECTILES_AT + i * PROJECTILE_WIDTH
        basic[place + 1] *= flip
        basic[place + 3] *= flip


@compiled
def observe_both(
    b: int, out: Any, match: Any, f: Any, o: Any, moves: Any, characters: Any, summons: Any, element_rows: Any
) -> None:
    """Write what both players of match ``b`` see into their rows of each module.

    Every fighter is described once, for itself, and copied for the other.
    """
    f_basic = out.basic[0, b]
    o_basic = out.basic[1, b]
    f_basic[:] = 0.0
    o_basic[:] = 0.0
    f_ahead = towards(f, o)
    o_ahead = towards(o, f)
    write_fighter(f_basic, f, o, f_ahead, moves, characters, summons)
    write_fighter(o_basic, o, f, o_ahead, moves, characters, summons)
    write_projectiles(f_basic[PROJECTILES_AT:], f, o, f_ahead)
    write_projectiles(o_basic[PROJECTILES_AT:], o, f, o_ahead)
    copy_others(f_basic, o_basic, f_ahead * o_ahead)
    copy_others(o_basic, f_basic, f_ahead * o_ahead)
    lead = f_basic[0] - o_basic[0]
    write_environment(f_basic[ENVIRONMENT_AT:], f, o, f_ahead, match.tick, lead)
    write_environment(o_basic[ENVIRONMENT_AT:], o, f, o_ahead, match.tick, -lead)
    decisions = match.tick // TICKS_PER_DECISION
    write_history(f_basic[HISTORY_AT:], o_basic[HISTORY_AT:], f, decisions)
    write_history(o_basic[HISTORY_AT:], f_basic[HISTORY_AT:], o, decisions)
    write_buffs(out.buff[0, b, 0], out.buff[1, b, 1], f)
    write_buffs(out.buff[1, b, 0], out.buff[0, b, 1], o)
    for k in range(element_rows.shape[1]):
        out.element[0, b, 0, k] = element_rows[f.character, k]
        out.element[1, b, 1, k] = element_rows[f.character, k]
        out.element[0, b, 1, k] = element_rows[o.character, k]
        out.element[1, b, 0, k] = element_rows[o.character, k]
    write_mask(out.mask[0, b], f, moves)
    write_mask(out.mask[1, b], o, moves)
