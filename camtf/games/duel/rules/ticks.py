"""One tick of one match, in its order."""

from __future__ import annotations

from typing import Any

import numpy as np

from camtf.games.duel.compiled import compiled
from camtf.games.duel.rules.conditions import casts_skill
from camtf.games.duel.rules.effects import end_move, run_clocks
from camtf.games.duel.rules.hits import bite, damage_bonus, fires, hit, melee_hits, projectile_hits, shoot, summon_hits
from camtf.games.duel.rules.motion import advance_projectiles, advance_summon, keep_apart, move_fighter, turn


@compiled
def tick(f: Any, o: Any, tables: Any) -> None:
    """Advance both fighters by one tick, in the order: clocks, movement, then hits of everything that can hit."""
    moves, characters, summons = tables.moves, tables.characters, tables.summons
    run_clocks(f, characters)
    run_clocks(o, characters)
    move_fighter(f, moves, characters)
    move_fighter(o, moves, characters)
    keep_apart(f, o)
    turn(f, o)
    turn(o, f)
    advance_projectiles(f)
    advance_projectiles(o)
    advance_summon(f, o, summons, characters)
    advance_summon(o, f, summons, characters)

    f_hits = melee_hits(f, o, moves)
    o_hits = melee_hits(o, f, moves)
    f_shot = projectile_hits(f, o, moves)
    o_shot = projectile_hits(o, f, moves)
    f_bite = summon_hits(f, o, summons, characters)
    o_bite = summon_hits(o, f, summons, characters)
    f_casts = casts_skill(f, moves)
    o_casts = casts_skill(o, moves)
    f_move = f.move
    o_move = o.move
    if f_hits:
        f.connected = 1
    if o_hits:
        o.connected = 1
    fires(f, moves)
    fires(o, moves)
    f_bonus = damage_bonus(f, o, characters)
    o_bonus = damage_bonus(o, f, characters)
    if f_hits:
        hit(f, o, f_move, f.facing, f_bonus, o_casts, tables)
    if o_hits:
        hit(o, f, o_move, o.facing, o_bonus, f_casts, tables)
    shoot(f, o, f_shot, f_bonus, o_casts, tables)
    shoot(o, f, o_shot, o_bonus, f_casts, tables)
    if f_bite:
        bite(f, o, tables)
    if o_bite:
        bite(o, f, tables)
    end_move(f, moves)
    end_move(o, moves)


@compiled
def next_random(match: Any, bound: int) -> int:
    """A number in ``[0, bound)`` from the match's own generator: high bits of a linear congruential sequence."""
    match.random = match.random * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
    return int(np.int64(match.random >> np.uint64(33))) % bound
