"""How fighters, projectiles and summons move in a tick."""

from __future__ import annotations

from typing import Any

from camtf.games.duel.compiled import compiled
from camtf.games.duel.rules.conditions import clamp, in_recovery, is_free, towards
from camtf.games.duel.rules.constants import (
    BODY_DEPTH_MM,
    BODY_MM,
    DASH_MM_PER_TICK,
    DIAGONAL_PER_MILLE,
    HASTE,
    ROOT,
    SLOW,
)
from camtf.games.duel.state import DASHING, HALF_DEPTH_MM, HALF_LENGTH_MM, NO_MOVE, PROJECTILES


@compiled
def move_fighter(f: Any, moves: Any, characters: Any) -> None:
    """Knock-back, lunge, dash or walk, whichever the fighter's state allows, within the walls."""
    dx = 0
    dy = 0
    if f.push_ticks > 0:
        f.push_ticks -= 1
        dx = f.push_mm_per_tick
    elif f.stun_ticks > 0 or f.down_ticks > 0:
        dx = 0
    elif f.move == DASHING:
        scale = DIAGONAL_PER_MILLE if f.walk_x != 0 and f.walk_y != 0 else 1000
        dx = f.walk_x * (DASH_MM_PER_TICK * scale // 1000)
        dy = f.walk_y * (DASH_MM_PER_TICK * scale // 1000)
    elif f.move != NO_MOVE:
        m = moves[f.character, f.move]
        if f.move_tick >= m.startup_ticks - 1 and not in_recovery(f, moves) and f.connected == 0:
            dx = f.facing * m.lunge_mm_per_tick
    elif f.guarding == 0 and f.buff_ticks[ROOT] == 0:
        speed = characters[f.character].walk_mm_per_tick
        speed = speed * (1000 + f.buff_magnitude[HASTE]) // 1000
        speed = speed * (1000 - min(f.buff_magnitude[SLOW], 900)) // 1000
        if f.walk_x != 0 and f.walk_y != 0:
            speed = speed * DIAGONAL_PER_MILLE // 1000
        dx = f.walk_x * speed
        dy = f.walk_y * speed
    f.x_mm = clamp(f.x_mm + dx, HALF_LENGTH_MM)
    f.y_mm = clamp(f.y_mm + dy, HALF_DEPTH_MM)


@compiled
def keep_apart(f: Any, o: Any) -> None:
    """Two standing bodies do not share a place: each gives way by half of the overlap."""
    if f.down_ticks > 0 or o.down_ticks > 0 or f.move == DASHING or o.move == DASHING:
        return
    dx = o.x_mm - f.x_mm
    overlap = BODY_MM - abs(dx)
    if overlap <= 0 or abs(o.y_mm - f.y_mm) >= BODY_DEPTH_MM or dx == 0:
        return
    shift = (overlap + 1) // 2
    side = 1 if dx > 0 else -1
    f.x_mm = clamp(f.x_mm - side * shift, HALF_LENGTH_MM)
    o.x_mm = clamp(o.x_mm + side * shift, HALF_LENGTH_MM)


@compiled
def turn(f: Any, o: Any) -> None:
    if is_free(f):
        f.facing = towards(f, o)


@compiled
def advance_projectiles(f: Any) -> None:
    for i in range(PROJECTILES):
        if f.projectile_ticks[i] > 0:
            f.projectile_ticks[i] -= 1
            f.projectile_x_mm[i] += f.projectile_mm_per_tick[i]
            if abs(f.projectile_x_mm[i]) > HALF_LENGTH_MM:
                f.projectile_ticks[i] = 0


@compiled
def advance_summon(f: Any, o: Any, summons: Any, characters: Any) -> None:
    """The summon of ``f`` walks towards ``o``."""
    if f.summon_ticks == 0:
        return
    f.summon_ticks -= 1
    if f.summon_wait_ticks > 0:
        f.summon_wait_ticks -= 1
    speed = summons[characters[f.character].summon].speed_mm_per_tick
    f.summon_x_mm += clamp(o.x_mm - f.summon_x_mm, speed)
    f.summon_y_mm += clamp(o.y_mm - f.summon_y_mm, speed)
