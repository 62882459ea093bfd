"""From the choices of both players to what their fighters begin."""

from __future__ import annotations

from typing import Any, NamedTuple

from camtf.games.duel.compiled import compiled
from camtf.games.duel.roster.schema import CHAIN_LENGTH, SCROLL, SKILL_1
from camtf.games.duel.rules.conditions import (
    clamp,
    is_attacking,
    is_free,
    movement_is_legal,
    shortened,
    skill_is_legal,
    towards,
)
from camtf.games.duel.rules.constants import (
    DASH_COOLDOWN_TICKS,
    HANDLER,
    SHADOW,
    SPRINTER,
    STUN,
    SUBSTITUTE_BEHIND_MM,
    SUBSTITUTE_COOLDOWN_TICKS,
    SUBSTITUTE_INVINCIBLE_TICKS,
)
from camtf.games.duel.rules.effects import end_buff
from camtf.games.duel.state import (
    ATTACK,
    CD_DASH,
    CD_SUBSTITUTE,
    CD_SUMMON,
    DASH,
    DASHING,
    GUARD,
    HALF_LENGTH_MM,
    HISTORY,
    MOVEMENT_DEPTH,
    MOVEMENT_LENGTH,
    NO_MOVE,
    NONE,
    SUBSTITUTE,
    SUMMON,
    USE_SCROLL,
    USE_SKILL_1,
)


class Stance(NamedTuple):
    """How a fighter stood before either player's choice began."""

    x_mm: int
    y_mm: int
    facing: int
    attacking: bool


@compiled
def remember(f: Any, movement: int, skill: int) -> None:
    """Put a decision at the head of the history."""
    for i in range(HISTORY - 1, 0, -1):
        f.past_movement[i] = f.past_movement[i - 1]
        f.past_skill[i] = f.past_skill[i - 1]
    f.past_movement[0] = movement
    f.past_skill[0] = skill


@compiled
def decide_both(f: Any, o: Any, age: int, time_bin: int, tables: Any) -> None:
    """Begin what both players chose ``age`` decisions ago; each sees the other as it stood before.

    What has become illegal since it was chosen is not begun: nothing is done in its place.
    """
    moves, summons = tables.moves, tables.summons
    f_is, o_is = tables.characters[f.character], tables.characters[o.character]
    f_ahead, o_ahead = towards(f, o), towards(o, f)
    f_stance = Stance(f.x_mm, f.y_mm, f.facing, is_attacking(f, moves))
    o_stance = Stance(o.x_mm, o.y_mm, o.facing, is_attacking(o, moves))
    movement, skill = still_legal(f, age, moves)
    f.event_starts[skill, time_bin] += 1
    decide(f, f_ahead, movement, skill, o_stance, f_is, moves[f.character], summons[f_is.summon])
    movement, skill = still_legal(o, age, moves)
    o.event_starts[skill, time_bin] += 1
    decide(o, o_ahead, movement, skill, f_stance, o_is, moves[o.character], summons[o_is.summon])


@compiled
def still_legal(f: Any, age: int, moves: Any) -> tuple[int, int]:
    """The decision of ``age`` decisions ago, with what is not legal any more left out."""
    movement = f.past_movement[age]
    skill = f.past_skill[age]
    return movement if movement_is_legal(f, movement) else 0, skill if skill_is_legal(f, skill, moves) else NONE


@compiled
def decide(f: Any, ahead: int, movement: int, skill: int, other: Stance, c: Any, moves: Any, s: Any) -> None:
    """Begin what one player chose, which is legal.

    ``ahead`` is the direction to the ``other``; ``c`` is the fighter's character, with its ``moves`` and summon ``s``.
    """
    if is_free(f):
        f.facing = ahead
        f.walk_x = ahead * MOVEMENT_LENGTH[movement]
        f.walk_y = MOVEMENT_DEPTH[movement]
        f.guarding = 0
    if skill == NONE:
        return
    if skill == GUARD:
        f.guarding = 1
        f.walk_x = 0
        f.walk_y = 0
    elif skill == DASH:
        if movement == 0:
            f.walk_x = ahead
        start_move(f, DASHING)
        f.cooldown_ticks[CD_DASH] = shortened(DASH_COOLDOWN_TICKS, c, SPRINTER)
    elif skill == SUBSTITUTE:
        substitute(f, c, other)
    elif skill == SUMMON:
        f.cooldown_ticks[CD_SUMMON] = shortened(s.cooldown_ticks, c, HANDLER)
        f.summon_ticks = s.life_ticks
        f.summon_wait_ticks = s.interval_ticks // 2
        f.summon_x_mm = f.x_mm
        f.summon_y_mm = f.y_mm
    else:
        if skill == ATTACK:
            move = f.move + 1 if f.move >= 0 and f.move < CHAIN_LENGTH - 1 else 0
        else:
            move = SCROLL if skill == USE_SCROLL else SKILL_1 + skill - USE_SKILL_1
        m = moves[move]
        if m.damage_hp > 0 and not other.attacking:
            f.event_forcing_moves += 1
        if move >= SKILL_1:
            f.mana -= m.mana_per_mille
            f.cooldown_ticks[move - SKILL_1] = m.cooldown_ticks
        f.facing = ahead
        start_move(f, move)


@compiled
def start_move(f: Any, move: int) -> None:
    """Begin a move or a dash. Only a dash keeps the direction that was chosen with it: a move roots movement."""
    f.move = move
    f.move_tick = 0
    f.connected = 0
    if move != DASHING:
        f.walk_x = 0
        f.walk_y = 0


@compiled
def substitute(f: Any, c: Any, other: Stance) -> None:
    """Leave a decoy: free at once, invincible for a moment, behind the opponent."""
    if f.stun_ticks > 0 or other.attacking:
        f.event_clone_substitutes += 1
    f.cooldown_ticks[CD_SUBSTITUTE] = shortened(SUBSTITUTE_COOLDOWN_TICKS, c, SHADOW)
    f.stun_ticks = 0
    end_buff(f, STUN)
    f.push_ticks = 0
    f.combo_taken = 0
    f.move = NO_MOVE
    f.walk_x = 0
    f.walk_y = 0
    f.invincible_ticks = SUBSTITUTE_INVINCIBLE_TICKS
    f.x_mm = clamp(other.x_mm - other.facing * SUBSTITUTE_BEHIND_MM, HALF_LENGTH_MM)
    f.y_mm = other.y_mm
    f.facing = other.facing
