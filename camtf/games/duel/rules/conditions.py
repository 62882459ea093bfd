"""What a fighter can do now, and small questions that the other rules ask."""

from __future__ import annotations

from typing import Any

from camtf.games.duel.compiled import compiled
from camtf.games.duel.roster.schema import CHAIN_LENGTH, SCROLL, SKILL_1
from camtf.games.duel.rules.constants import ROOT, SILENCE, SUPER_ARMOUR
from camtf.games.duel.state import (
    ATTACK,
    CD_DASH,
    CD_SUBSTITUTE,
    CD_SUMMON,
    DASH,
    DASHING,
    GUARD,
    NO_MOVE,
    NONE,
    SUBSTITUTE,
    SUMMON,
    USE_SCROLL,
    USE_SKILL_1,
)


@compiled
def is_free(f: Any) -> bool:
    """No move under way, not stunned, not on the floor."""
    return f.move == NO_MOVE and f.stun_ticks == 0 and f.down_ticks == 0


@compiled
def in_recovery(f: Any, moves: Any) -> bool:
    """The move under way has done its part."""
    m = moves[f.character, f.move]
    return f.move_tick >= m.startup_ticks + m.active_ticks


@compiled
def can_cancel(f: Any) -> bool:
    """A chain hit that has connected may be cut short by the next chain hit or by a skill."""
    return f.move >= 0 and f.move < CHAIN_LENGTH and f.connected == 1 and f.stun_ticks == 0 and f.down_ticks == 0


@compiled
def skill_is_legal(f: Any, skill: int, moves: Any) -> bool:
    """Whether the skill head may choose ``skill`` now."""
    if skill == NONE:
        return True
    free = is_free(f)
    if skill == ATTACK:
        return free or (can_cancel(f) and f.move < CHAIN_LENGTH - 1)
    if skill == GUARD:
        return free
    if skill == DASH:
        return free and f.cooldown_ticks[CD_DASH] == 0 and f.buff_ticks[ROOT] == 0
    if skill == SUBSTITUTE:
        return f.cooldown_ticks[CD_SUBSTITUTE] == 0 and f.down_ticks == 0 and (free or f.stun_ticks > 0)
    if f.buff_ticks[SILENCE] > 0:
        return False
    if skill == SUMMON:
        return free and f.cooldown_ticks[CD_SUMMON] == 0 and f.summon_ticks == 0
    if skill == USE_SCROLL:
        return free and f.cooldown_ticks[SCROLL - SKILL_1] == 0
    move = SKILL_1 + skill - USE_SKILL_1
    ready = f.cooldown_ticks[move - SKILL_1] == 0 and f.mana >= moves[f.character, move].mana_per_mille
    return ready and (free or can_cancel(f))


@compiled
def movement_is_legal(f: Any, movement: int) -> bool:
    """Whether the movement head may choose ``movement`` now. Staying always is."""
    return movement == 0 or (is_free(f) and f.buff_ticks[ROOT] == 0)


@compiled
def roots_movement(skill: int) -> bool:
    """Whether choosing ``skill`` leaves no effect to the movement head (a dash needs it, doing nothing too)."""
    return skill != NONE and skill != DASH and skill != SUMMON


@compiled
def towards(f: Any, o: Any) -> int:
    """The direction along x from ``f`` to ``o``; where they stand on one line, where ``f`` faces."""
    if o.x_mm > f.x_mm:
        return 1
    if o.x_mm < f.x_mm:
        return -1
    return f.facing


@compiled
def is_attacking(f: Any, moves: Any) -> bool:
    """A move that can hurt is before or in its active ticks."""
    if f.move < 0 or f.move == DASHING:
        return False
    return moves[f.character, f.move].damage_hp > 0 and not in_recovery(f, moves)


@compiled
def casts_skill(f: Any, moves: Any) -> bool:
    """A skill is in its startup: the moment at which it can be countered."""
    if f.move < SKILL_1 or f.move == DASHING:
        return False
    return f.move_tick < moves[f.character, f.move].startup_ticks


@compiled
def can_be_hit(o: Any) -> bool:
    return o.invincible_ticks == 0 and o.down_ticks == 0


@compiled
def has_armour(o: Any, moves: Any) -> bool:
    if o.buff_ticks[SUPER_ARMOUR] > 0:
        return True
    if o.move < 0 or o.move == DASHING or o.stun_ticks > 0:
        return False
    return moves[o.character, o.move].armoured == 1 and not in_recovery(o, moves)


@compiled
def strength(c: Any, passive: int) -> int:
    """Strength of a passive in per mille, 0 where the character has another one."""
    return c.passive_per_mille if c.passive == passive else 0


@compiled
def shortened(ticks: int, c: Any, passive: int) -> int:
    """A time that a passive makes shorter."""
    return ticks * (1000 - strength(c, passive)) // 1000


@compiled
def clamp(value: int, limit: int) -> int:
    return min(max(value, -limit), limit)
