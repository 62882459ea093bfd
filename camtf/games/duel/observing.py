"""Observations, written by compiled code straight into the buffers that the network reads."""

from __future__ import annotations

from typing import Any

from camtf.games.duel.compiled import compiled
from camtf.games.duel.observation import (
    ACTION_WIDTH,
    BUFF_FIELDS,
    BUFF_KINDS,
    ENVIRONMENT_AT,
    ENVIRONMENT_WIDTH,
    FIGHTER_FIELDS,
    FIGHTER_WIDTH,
    HISTORY_AT,
    MOVEMENT_COUNT,
    MOVEMENT_WIDTH,
    PROJECTILE_WIDTH,
    PROJECTILES_AT,
    SKILL_COUNT,
    BuffFields,
    EnvironmentFields,
    FighterFields,
    ProjectileFields,
)
from camtf.games.duel.roster.schema import (
    MAX_BUFF_MAGNITUDE,
    MAX_BUFF_TICKS,
    MAX_STACKS,
    MAX_STUN_TICKS,
    MOVE_NUMBERS,
    MOVES,
    SKILL_1,
    SUMMON_NUMBERS,
)
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
    NO_MOVE,
    PROJECTILES,
    TICKS_PER_DECISION,
)

_FIGHTER = FighterFields(*range(len(FIGHTER_FIELDS)))
_PROJECTILE = ProjectileFields(*range(PROJECTILE_WIDTH))
_ENVIRONMENT = EnvironmentFields(*range(ENVIRONMENT_WIDTH))
_BUFF = BuffFields(*range(len(BUFF_FIELDS)))
_ALONG_X = (_FIGHTER.x, _FIGHTER.facing, _FIGHTER.push, _FIGHTER.summon_dx)
"""Columns of a fighter that turn round where it is seen from the other side."""

_NEAR_MM = 1500.0
_LONGEST_PHASE_TICKS = max(MOVE_NUMBERS[f"{phase}_ticks"].high for phase in ("startup", "active", "recovery"))
_LONGEST_REACH_MM = MOVE_NUMBERS["reach_mm"].high
_LONGEST_FLIGHT_TICKS = MOVE_NUMBERS["projectile_ticks"].high
_FASTEST_MM_PER_TICK = max(MOVE_NUMBERS[f"{what}_mm_per_tick"].high for what in ("projectile", "push"))
_LONGEST_SUMMON_TICKS = SUMMON_NUMBERS["life_ticks"].high
_LONGEST_SUMMON_WAIT_TICKS = SUMMON_NUMBERS["interval_ticks"].high


@compiled
def clip(value: float) -> float:
    return min(max(value, -1.0), 1.0)


@compiled
def write_fighter(out: Any, f: Any, o: Any, ahead: int, c: Any, moves: Any, s: Any) -> None:
    """FighterFields of ``f``, of character ``c`` with its ``moves`` and summon ``s``, as it sees itself.

    ``ahead`` is canonical forward. ``out`` is zero.
    """
    out[_FIGHTER.health] = max(f.health_hp, 0) / c.max_health_hp
    out[_FIGHTER.mana] = f.mana / FULL_MANA
    out[_FIGHTER.x] = ahead * f.x_mm / HALF_LENGTH_MM
    out[_FIGHTER.y] = f.y_mm / HALF_DEPTH_MM
    out[_FIGHTER.facing] = ahead * f.facing
    out[_FIGHTER.stun] = f.stun_ticks / MAX_STUN_TICKS
    out[_FIGHTER.down] = f.down_ticks / DOWN_TICKS
    out[_FIGHTER.invincible] = f.invincible_ticks / DOWN_TICKS
    out[_FIGHTER.guarding] = f.guarding
    if f.push_ticks > 0:
        out[_FIGHTER.push] = ahead * f.push_mm_per_tick / _FASTEST_MM_PER_TICK
    out[_FIGHTER.combo_taken] = min(f.combo_taken, COMBO_CAP) / COMBO_CAP
    if f.move != NO_MOVE:
        out[_FIGHTER.connected] = f.connected
        out[_FIGHTER.move_chain_1 + f.move] = 1.0
        if f.move == DASHING:
            out[_FIGHTER.active_left] = (DASH_TICKS - f.move_tick) / _LONGEST_PHASE_TICKS
        else:
            m = moves[f.move]
            until_active = m.startup_ticks - f.move_tick
            until_recovery = until_active + m.active_ticks
            until_end = until_recovery + m.recovery_ticks
            out[_FIGHTER.startup_left] = max(until_active, 0) / _LONGEST_PHASE_TICKS
            out[_FIGHTER.active_left] = max(min(until_recovery, m.active_ticks), 0) / _LONGEST_PHASE_TICKS
            out[_FIGHTER.recovery_left] = max(min(until_end, m.recovery_ticks), 0) / _LONGEST_PHASE_TICKS
            out[_FIGHTER.reach] = m.reach_mm / _LONGEST_REACH_MM
    for k in range(len(MOVES) - SKILL_1):
        if f.cooldown_ticks[k] > 0:
            out[_FIGHTER.cooldown_skill_1 + k] = f.cooldown_ticks[k] / moves[SKILL_1 + k].cooldown_ticks
    out[_FIGHTER.cooldown_dash] = f.cooldown_ticks[CD_DASH] / DASH_COOLDOWN_TICKS
    out[_FIGHTER.cooldown_substitute] = f.cooldown_ticks[CD_SUBSTITUTE] / SUBSTITUTE_COOLDOWN_TICKS
    if f.cooldown_ticks[CD_SUMMON] > 0:
        out[_FIGHTER.cooldown_summon] = f.cooldown_ticks[CD_SUMMON] / s.cooldown_ticks
    if f.summon_ticks > 0:
        out[_FIGHTER.summon_time] = f.summon_ticks / _LONGEST_SUMMON_TICKS
        out[_FIGHTER.summon_dx] = ahead * (o.x_mm - f.summon_x_mm) / (2 * HALF_LENGTH_MM)
        out[_FIGHTER.summon_dy] = (o.y_mm - f.summon_y_mm) / (2 * HALF_DEPTH_MM)
        out[_FIGHTER.summon_wait] = f.summon_wait_ticks / _LONGEST_SUMMON_WAIT_TICKS


@compiled
def write_projectiles(out: Any, f: Any, o: Any, ahead: int) -> None:
    """ProjectileFields of the projectiles of ``f`` as it sees them. ``out`` is zero."""
    for i in range(PROJECTILES):
        if f.projectile_ticks[i] > 0:
            place = i * PROJECTILE_WIDTH
            out[place + _PROJECTILE.there] = 1.0
            out[place + _PROJECTILE.dx] = clip(ahead * (o.x_mm - f.projectile_x_mm[i]) / (2 * HALF_LENGTH_MM))
            out[place + _PROJECTILE.dy] = (o.y_mm - f.projectile_y_mm[i]) / (2 * HALF_DEPTH_MM)
            out[place + _PROJECTILE.speed] = ahead * f.projectile_mm_per_tick[i] / _FASTEST_MM_PER_TICK
            out[place + _PROJECTILE.time_left] = f.projectile_ticks[i] / _LONGEST_FLIGHT_TICKS


@compiled
def write_environment(out: Any, f: Any, o: Any, ahead: int, tick: int, lead: float) -> None:
    """EnvironmentFields as ``f`` sees them."""
    dx = ahead * (o.x_mm - f.x_mm)
    dy = o.y_mm - f.y_mm
    out[_ENVIRONMENT.dx] = dx / (2 * HALF_LENGTH_MM)
    out[_ENVIRONMENT.dy] = dy / (2 * HALF_DEPTH_MM)
    out[_ENVIRONMENT.near_x] = clip(dx / _NEAR_MM)
    out[_ENVIRONMENT.near_y] = clip(dy / _NEAR_MM)
    out[_ENVIRONMENT.time_left] = 1.0 - tick / MATCH_TICKS
    out[_ENVIRONMENT.health_lead] = lead


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
        own[place + MOVEMENT_WIDTH + f.past_skill[i]] = 1.0
        others[there + MOVEMENT_WIDTH + f.past_skill[i]] = 1.0


@compiled
def write_buffs(own: Any, others: Any, f: Any) -> None:
    """BuffFields of ``f`` for both players."""
    for k in range(BUFF_KINDS):
        own[k, _BUFF.remaining] = f.buff_ticks[k] / MAX_BUFF_TICKS
        own[k, _BUFF.stacks] = f.buff_stacks[k] / MAX_STACKS
        own[k, _BUFF.magnitude] = f.buff_magnitude[k] / MAX_BUFF_MAGNITUDE
        for i in range(len(BUFF_FIELDS)):
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
    for k in _ALONG_X:
        basic[FIGHTER_WIDTH + k] *= flip
    for i in range(PROJECTILES):
        place = FIGHTER_WIDTH + PROJECTILES_AT + i * PROJECTILE_WIDTH
        basic[place + _PROJECTILE.dx] *= flip
        basic[place + _PROJECTILE.speed] *= flip


@compiled
def observe_both(b: int, out: Any, match: Any, f: Any, o: Any, tables: Any) -> None:
    """Write what both players of match ``b`` see into their rows of each module.

    Every fighter is described once, for itself, and copied for the other.
    """
    f_basic = out.basic[0, b]
    o_basic = out.basic[1, b]
    f_basic[:] = 0.0
    o_basic[:] = 0.0
    f_ahead = towards(f, o)
    o_ahead = towards(o, f)
    moves, summons = tables.moves, tables.summons
    f_is, o_is = tables.characters[f.character], tables.characters[o.character]
    write_fighter(f_basic, f, o, f_ahead, f_is, moves[f.character], summons[f_is.summon])
    write_fighter(o_basic, o, f, o_ahead, o_is, moves[o.character], summons[o_is.summon])
    write_projectiles(f_basic[PROJECTILES_AT:], f, o, f_ahead)
    write_projectiles(o_basic[PROJECTILES_AT:], o, f, o_ahead)
    copy_others(f_basic, o_basic, f_ahead * o_ahead)
    copy_others(o_basic, f_basic, f_ahead * o_ahead)
    lead = f_basic[_FIGHTER.health] - o_basic[_FIGHTER.health]
    write_environment(f_basic[ENVIRONMENT_AT:], f, o, f_ahead, match.tick, lead)
    write_environment(o_basic[ENVIRONMENT_AT:], o, f, o_ahead, match.tick, -lead)
    decisions = match.tick // TICKS_PER_DECISION
    write_history(f_basic[HISTORY_AT:], o_basic[HISTORY_AT:], f, decisions)
    write_history(o_basic[HISTORY_AT:], f_basic[HISTORY_AT:], o, decisions)
    write_buffs(out.buff[0, b, 0], out.buff[1, b, 1], f)
    write_buffs(out.buff[1, b, 0], out.buff[0, b, 1], o)
    rows = tables.element_module
    for k in range(rows.shape[1]):
        out.element[0, b, 0, k] = rows[f.character, k]
        out.element[1, b, 1, k] = rows[f.character, k]
        out.element[0, b, 1, k] = rows[o.character, k]
        out.element[1, b, 0, k] = rows[o.character, k]
    write_mask(out.mask[0, b], f, tables.moves)
    write_mask(out.mask[1, b], o, tables.moves)
