"""The rule book: one tick of one match, as compiled scalar code.

``f`` is the fighter whose turn a function describes and ``o`` the opponent; both are records of `camtf.game.state`.
Whatever both fighters do in a tick is decided for both before it is applied to either, so that no player has the
advantage of being first. All quantities are integers; products that are divided are taken on magnitudes, so that a
mirrored match mirrors exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from camtf.game.compiled import compiled
from camtf.game.roster.schema import BUFFS, CHAIN_LENGTH, MAX_STACKS, PASSIVES, SCROLL, SKILL_1
from camtf.game.state import (
    ATTACK,
    CD_DASH,
    CD_SUBSTITUTE,
    CD_SUMMON,
    COOLDOWNS,
    DASH,
    DASHING,
    FULL_MANA,
    GUARD,
    HALF_DEPTH_MM,
    HALF_LENGTH_MM,
    HISTORY,
    MOVEMENT_DEPTH,
    MOVEMENT_LENGTH,
    NO_MOVE,
    NONE,
    PROJECTILES,
    SUBSTITUTE,
    SUMMON,
    TICKS_PER_SECOND,
    USE_SCROLL,
    USE_SKILL_1,
)

SLOW, ROOT, SILENCE, STUN, BURN, POISON, MANA_DRAIN = (BUFFS.index(b) for b in BUFFS[:7])
VULNERABLE, HASTE, SHIELD, ARMOUR, MIGHT, SUPER_ARMOUR, REGENERATION = (BUFFS.index(b) for b in BUFFS[7:])
BERSERK, EXECUTIONER, OPENER, VENOM, DRAIN, THORNS = range(6)
FOCUS, IRON_WILL, BULWARK, SHADOW, HANDLER, SPRINTER = range(6, len(PASSIVES))

DASH_TICKS = 6
DASH_MM_PER_TICK = 330
DASH_COOLDOWN_TICKS = 45
SUBSTITUTE_INVINCIBLE_TICKS = 12
SUBSTITUTE_BEHIND_MM = 700
SUBSTITUTE_COOLDOWN_TICKS = 450
DOWN_TICKS = 21
GET_UP_INVINCIBLE_TICKS = 15
PUSH_TICKS = 6
GUARD_DAMAGE_PER_MILLE = 200
GUARD_STUN_PER_MILLE = 450
ARMOUR_DAMAGE_PER_MILLE = 700
COMBO_CAP = 12
"""Hits in one combo after which the victim falls."""
COMBO_DECAY_PER_MILLE = 80
COMBO_FLOOR_PER_MILLE = 300
COMBO_CREDIT_CAP = 50
"""Hits beyond the first of each combo that count for the reward of one match."""
MANA_FOR_HIT = 30
MANA_FOR_BEING_HIT = 20
LOW_HEALTH_PER_MILLE = 400
"""Below this part of the full bar, berserk and executioner work."""
VENOM_TICKS = 60
BEHIND_MM = 150
"""How far behind an attacker's front a hit still reaches."""
BODY_MM = 400
BODY_DEPTH_MM = 250
DIAGONAL_PER_MILLE = 707
CARRY_PER_HP = 10 * TICKS_PER_SECOND
"""Damage and healing over time are given in 1/10 HP a second and added up each tick; this much makes one HP."""


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
def towards(f: Any, o: Any) -> int:
    """The direction along x from ``f`` to ``o``; where they stand on one line, where ``f`` faces."""
    if o.x_mm > f.x_mm:
        return 1
    if o.x_mm < f.x_mm:
        return -1
    return f.facing


@compiled
def decide_both(f: Any, o: Any, age: int, time_bin: int, moves: Any, summons: Any, characters: Any) -> None:
    """Begin what both players chose ``age`` decisions ago; each sees the other as it stood before.

    What has become illegal since it was chosen is not begun: nothing is done in its place.
    """
    f_ahead, f_attacking = towards(f, o), is_attacking(f, moves)
    o_ahead, o_attacking = towards(o, f), is_attacking(o, moves)
    f_x, f_y, f_facing = f.x_mm, f.y_mm, f.facing
    o_x, o_y, o_facing = o.x_mm, o.y_mm, o.facing
    movement, skill = still_legal(f, age, moves)
    f.event_starts[skill, time_bin] += 1
    decide(f, f_ahead, movement, skill, o_attacking, o_x, o_y, o_facing, moves, summons, characters)
    movement, skill = still_legal(o, age, moves)
    o.event_starts[skill, time_bin] += 1
    decide(o, o_ahead, movement, skill, f_attacking, f_x, f_y, f_facing, moves, summons, characters)


@compiled
def still_legal(f: Any, age: int, moves: Any) -> tuple[int, int]:
    """The decision of ``age`` decisions ago, with what is not legal any more left out."""
    movement = f.past_movement[age]
    skill = f.past_skill[age]
    return movement if movement_is_legal(f, movement) else 0, skill if skill_is_legal(f, skill, moves) else NONE


@compiled
def decide(
    f: Any, ahead: int, movement: int, skill: int, o_attacking: bool, o_x_mm: int, o_y_mm: int, o_facing: int,
    moves: Any, summons: Any, characters: Any,
) -> None:  # fmt: skip
    """Begin what one player chose. The choice is legal; ``ahead`` is the direction to the opponent."""
    c = characters[f.character]
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
        substitute(f, c, o_attacking, o_x_mm, o_y_mm, o_facing)
    elif skill == SUMMON:
        kind = c.summon
        f.cooldown_ticks[CD_SUMMON] = shortened(summons[kind].cooldown_ticks, c, HANDLER)
        f.summon_ticks = summons[kind].life_ticks
        f.summon_wait_ticks = summons[kind].interval_ticks // 2
        f.summon_x_mm = f.x_mm
        f.summon_y_mm = f.y_mm
    else:
        if skill == ATTACK:
            move = f.move + 1 if f.move >= 0 and f.move < CHAIN_LENGTH - 1 else 0
        else:
            move = SCROLL if skill == USE_SCROLL else SKILL_1 + skill - USE_SKILL_1
        m = moves[f.character, move]
        if m.damage_hp > 0 and not o_attacking:
            f.event_forcing_moves += 1
        if move >= SKILL_1:
            f.mana -= m.mana_per_mille
            f.cooldown_ticks[move - SKILL_1] = m.cooldown_ticks
        f.facing = ahead
        start_move(f, move)


@compiled
def remember(f: Any, movement: int, skill: int) -> None:
    """Put a decision at the head of the history."""
    for i in range(HISTORY - 1, 0, -1):
        f.past_movement[i] = f.past_movement[i - 1]
        f.past_skill[i] = f.past_skill[i - 1]
    f.past_movement[0] = movement
    f.past_skill[0] = skill


@compiled
def strength(c: Any, passive: int) -> int:
    """Strength of a passive in per mille, 0 where the character has another one."""
    return c.passive_per_mille if c.passive == passive else 0


@compiled
def shortened(ticks: int, c: Any, passive: int) -> int:
    """A time that a passive makes shorter."""
    return ticks * (1000 - strength(c, passive)) // 1000


@compiled
def start_move(f: Any, move: int) -> None:
    f.move = move
    f.move_tick = 0
    f.connected = 0


@compiled
def is_attacking(f: Any, moves: Any) -> bool:
    """A move that can hurt is before or in its active ticks."""
    if f.move < 0 or f.move == DASHING:
        return False
    return moves[f.character, f.move].damage_hp > 0 and not in_recovery(f, moves)


@compiled
def substitute(f: Any, c: Any, o_attacking: bool, o_x_mm: int, o_y_mm: int, o_facing: int) -> None:
    """Leave a decoy: free at once, invincible for a moment, behind the opponent."""
    if f.stun_ticks > 0 or o_attacking:
        f.event_clone_substitutes += 1
    f.cooldown_ticks[CD_SUBSTITUTE] = shortened(SUBSTITUTE_COOLDOWN_TICKS, c, SHADOW)
    f.stun_ticks = 0
    f.buff_ticks[STUN] = 0
    f.push_ticks = 0
    f.combo_taken = 0
    f.move = NO_MOVE
    f.walk_x = 0
    f.walk_y = 0
    f.invincible_ticks = SUBSTITUTE_INVINCIBLE_TICKS
    f.x_mm = clamp(o_x_mm - o_facing * SUBSTITUTE_BEHIND_MM, HALF_LENGTH_MM)
    f.y_mm = o_y_mm
    f.facing = o_facing


@compiled
def clamp(value: int, limit: int) -> int:
    return min(max(value, -limit), limit)


@compiled
def tick(f: Any, o: Any, moves: Any, characters: Any, summons: Any, multipliers: Any) -> None:
    """Advance both fighters by one tick, in the order: clocks, movement, then hits of everything that can hit."""
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
    if f_hits:
        hit(f, o, f_move, f.facing, o_casts, moves, characters, multipliers)
    if o_hits:
        hit(o, f, o_move, o.facing, f_casts, moves, characters, multipliers)
    shoot(f, o, f_shot, o_casts, moves, characters, multipliers)
    shoot(o, f, o_shot, f_casts, moves, characters, multipliers)
    if f_bite:
        bite(f, o, summons, characters)
    if o_bite:
        bite(o, f, summons, characters)
    end_move(f, moves)
    end_move(o, moves)


@compiled
def run_clocks(f: Any, characters: Any) -> None:
    """Cooldowns, buffs, stun, regeneration and damage over time."""
    for c in range(len(COOLDOWNS)):
        f.cooldown_ticks[c] = max(f.cooldown_ticks[c] - 1, 0)
    if f.invincible_ticks > 0:
        f.invincible_ticks -= 1
    if f.down_ticks > 0:
        f.down_ticks -= 1
        if f.down_ticks == 0:
            f.invincible_ticks = GET_UP_INVINCIBLE_TICKS
    elif f.stun_ticks > 0:
        f.stun_ticks -= 1
    if f.stun_ticks == 0 and f.down_ticks == 0:
        f.combo_taken = 0

    f.regen_carry += characters[f.character].mana_regen_per_mille_per_second
    if f.regen_carry >= TICKS_PER_SECOND:
        gain_mana(f, f.regen_carry // TICKS_PER_SECOND)
        f.regen_carry %= TICKS_PER_SECOND

    any_buff = 0
    for k in range(len(BUFFS)):
        any_buff |= f.buff_ticks[k]
    if any_buff != 0:
        run_buffs(f)
    if f.heal_carry >= CARRY_PER_HP:
        heal(f, f.heal_carry // CARRY_PER_HP, characters)
        f.heal_carry %= CARRY_PER_HP


@compiled
def run_buffs(f: Any) -> None:
    """Damage, healing and mana drain over time, then a tick of every buff's time."""
    f.harm_carry += f.buff_magnitude[BURN] * f.buff_stacks[BURN] + f.buff_magnitude[POISON] * f.buff_stacks[POISON]
    f.health_hp -= f.harm_carry // CARRY_PER_HP
    f.harm_carry %= CARRY_PER_HP
    f.heal_carry += f.buff_magnitude[REGENERATION] * f.buff_stacks[REGENERATION]
    gain_mana(f, -(f.buff_magnitude[MANA_DRAIN] * f.buff_stacks[MANA_DRAIN] // 100))
    for k in range(len(BUFFS)):
        if f.buff_ticks[k] > 0:
            f.buff_ticks[k] -= 1
            if f.buff_ticks[k] == 0:
                f.buff_stacks[k] = 0
                f.buff_magnitude[k] = 0


@compiled
def gain_mana(f: Any, amount: int) -> None:
    f.mana = min(max(f.mana + amount, 0), FULL_MANA)


@compiled
def heal(f: Any, amount: int, characters: Any) -> None:
    """Healing does not bring back who has fallen."""
    if f.health_hp > 0:
        f.health_hp = min(f.health_hp + amount, characters[f.character].max_health_hp)


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


@compiled
def can_be_hit(o: Any) -> bool:
    return o.invincible_ticks == 0 and o.down_ticks == 0


@compiled
def melee_hits(f: Any, o: Any, moves: Any) -> bool:
    """The active ticks of a blow find the opponent in reach, in front and in depth."""
    if f.move < 0 or f.move == DASHING or f.connected == 1 or f.stun_ticks > 0 or not can_be_hit(o):
        return False
    m = moves[f.character, f.move]
    if m.reach_mm == 0 or m.projectile_ticks > 0 or f.move_tick < m.startup_ticks or in_recovery(f, moves):
        return False
    ahead = (o.x_mm - f.x_mm) * f.facing
    return -BEHIND_MM <= ahead <= m.reach_mm and abs(o.y_mm - f.y_mm) <= m.width_mm


@compiled
def projectile_hits(f: Any, o: Any, moves: Any) -> int:
    """Index of a projectile of ``f`` that touches ``o``, or -1."""
    if not can_be_hit(o):
        return -1
    for i in range(PROJECTILES):
        if f.projectile_ticks[i] > 0:
            m = moves[f.character, f.projectile_move[i]]
            if abs(o.x_mm - f.projectile_x_mm[i]) <= m.reach_mm and abs(o.y_mm - f.projectile_y_mm[i]) <= m.width_mm:
                return i
    return -1


@compiled
def summon_hits(f: Any, o: Any, summons: Any, characters: Any) -> bool:
    if f.summon_ticks == 0 or f.summon_wait_ticks > 0 or not can_be_hit(o):
        return False
    reach = summons[characters[f.character].summon].reach_mm
    return abs(o.x_mm - f.summon_x_mm) <= reach and abs(o.y_mm - f.summon_y_mm) <= reach


@compiled
def casts_skill(f: Any, moves: Any) -> bool:
    """A skill is in its startup: the moment at which it can be countered."""
    if f.move < SKILL_1 or f.move == DASHING:
        return False
    return f.move_tick < moves[f.character, f.move].startup_ticks


@compiled
def fires(f: Any, moves: Any) -> None:
    """At the first active tick a move grants its buff and healing, and lets its projectile go."""
    if f.move < 0 or f.move == DASHING or f.stun_ticks > 0:
        return
    m = moves[f.character, f.move]
    if f.move_tick != m.startup_ticks:
        return
    if m.gain >= 0:
        add_buff(f, m.gain, m.gain_ticks, m.gain_magnitude_per_mille)
    f.heal_carry += m.heal_hp * CARRY_PER_HP
    if m.projectile_ticks > 0:
        slot = 0
        for i in range(1, PROJECTILES):
            if f.projectile_ticks[i] < f.projectile_ticks[slot]:
                slot = i
        f.projectile_ticks[slot] = m.projectile_ticks
        f.projectile_move[slot] = f.move
        f.projectile_x_mm[slot] = f.x_mm
        f.projectile_y_mm[slot] = f.y_mm
        f.projectile_mm_per_tick[slot] = f.facing * m.projectile_mm_per_tick


@compiled
def add_buff(f: Any, kind: int, ticks: int, magnitude: int) -> None:
    """A kind that is already there is refreshed; damage over time also stacks. A stun also ends what ``f`` does."""
    if kind in (BURN, POISON) and f.buff_ticks[kind] > 0:
        f.buff_stacks[kind] = min(f.buff_stacks[kind] + 1, MAX_STACKS)
    else:
        f.buff_stacks[kind] = 1
    f.buff_ticks[kind] = max(f.buff_ticks[kind], ticks)
    f.buff_magnitude[kind] = max(f.buff_magnitude[kind], magnitude)
    if kind == STUN:
        stop(f)
        f.stun_ticks = max(f.stun_ticks, ticks)


@compiled
def stop(o: Any) -> None:
    """End whatever ``o`` is doing."""
    o.move = NO_MOVE
    o.guarding = 0
    o.walk_x = 0
    o.walk_y = 0


@compiled
def shoot(f: Any, o: Any, slot: int, casting: bool, moves: Any, characters: Any, multipliers: Any) -> None:
    """The projectile in ``slot`` (-1: none) hits and is gone."""
    if slot >= 0:
        f.projectile_ticks[slot] = 0
        direction = 1 if f.projectile_mm_per_tick[slot] > 0 else -1
        hit(f, o, f.projectile_move[slot], direction, casting, moves, characters, multipliers)


@compiled
def hit(
    f: Any, o: Any, move: int, direction: int, casting: bool, moves: Any, characters: Any, multipliers: Any
) -> None:
    """``f`` hits ``o`` with ``move`` flying in ``direction``; ``casting`` says that ``o`` was casting a skill."""
    m = moves[f.character, move]
    attacker = characters[f.character]
    defender = characters[o.character]
    damage = m.damage_hp * multipliers[attacker.element, defender.element]
    bonus = attacker.damage_per_mille + f.buff_magnitude[MIGHT] + passive_bonus(f, o, attacker, defender)
    damage = damage * (1000 + bonus) // 1000
    damage = damage * (1000 - defender.protection_per_mille) // 1000
    damage = damage * (1000 + o.buff_magnitude[VULNERABLE] - o.buff_magnitude[SHIELD]) // 1000
    damage = damage * max(COMBO_FLOOR_PER_MILLE, 1000 - COMBO_DECAY_PER_MILLE * o.combo_taken) // 1000
    damage = max(damage - 100 * o.buff_magnitude[ARMOUR], min(damage, 1000))
    gain_mana(f, MANA_FOR_HIT * (1000 + strength(attacker, FOCUS)) // 1000)
    gain_mana(o, MANA_FOR_BEING_HIT * (1000 + strength(defender, FOCUS)) // 1000)

    stun = shortened(m.stun_ticks, defender, IRON_WILL)
    guarded = o.guarding == 1 and o.facing == -direction and m.unblockable == 0
    if guarded:
        damage = shortened(damage * GUARD_DAMAGE_PER_MILLE // 1000, defender, BULWARK)
        o.stun_ticks = max(o.stun_ticks, stun * GUARD_STUN_PER_MILLE // 1000)
        push(o, direction * (m.push_mm_per_tick // 2))
    elif has_armour(o, moves) and m.unblockable == 0:
        damage = damage * ARMOUR_DAMAGE_PER_MILLE // 1000
    elif m.stun_ticks > 0:
        if casting and move >= SKILL_1:
            f.event_counter_moves += 1
        interrupt(f, o, stun, m.knock_down)
        push(o, direction * m.push_mm_per_tick)
    if not guarded:
        if m.inflict >= 0:
            add_buff(o, m.inflict, m.inflict_ticks, m.inflict_magnitude_per_mille)
        if move < CHAIN_LENGTH and attacker.passive == VENOM:
            add_buff(o, POISON, VENOM_TICKS, attacker.passive_per_mille)
    hurt(f, o, damage // 1000)
    f.heal_carry += damage * strength(attacker, DRAIN) // 1000 * CARRY_PER_HP // 1000
    if m.projectile_ticks == 0:
        f.health_hp -= damage * strength(defender, THORNS) // 1_000_000


@compiled
def passive_bonus(f: Any, o: Any, attacker: Any, defender: Any) -> int:
    """Damage in addition by the attacker's passive, per mille."""
    if attacker.passive == BERSERK:
        works = f.health_hp * 1000 < LOW_HEALTH_PER_MILLE * attacker.max_health_hp
    elif attacker.passive == EXECUTIONER:
        works = o.health_hp * 1000 < LOW_HEALTH_PER_MILLE * defender.max_health_hp
    else:
        works = attacker.passive == OPENER and o.combo_taken == 0
    return attacker.passive_per_mille if works else 0


@compiled
def has_armour(o: Any, moves: Any) -> bool:
    if o.buff_ticks[SUPER_ARMOUR] > 0:
        return True
    if o.move < 0 or o.move == DASHING or o.stun_ticks > 0:
        return False
    return moves[o.character, o.move].armoured == 1 and not in_recovery(o, moves)


@compiled
def interrupt(f: Any, o: Any, stun_ticks: int, knock_down: int) -> None:
    """``o`` is stunned out of what it was doing; the combo of ``f`` grows."""
    if o.combo_taken > 0 and f.combo_credit < COMBO_CREDIT_CAP:
        f.combo_credit += 1
    o.combo_taken += 1
    f.event_longest_combo = max(f.event_longest_combo, o.combo_taken)
    stop(o)
    o.stun_ticks = max(o.stun_ticks, stun_ticks)
    if knock_down == 1 or o.combo_taken >= COMBO_CAP:
        o.stun_ticks = 0
        o.down_ticks = DOWN_TICKS


@compiled
def push(o: Any, mm_per_tick: int) -> None:
    o.push_mm_per_tick = mm_per_tick
    o.push_ticks = PUSH_TICKS


@compiled
def hurt(f: Any, o: Any, damage_hp: int) -> None:
    o.health_hp -= damage_hp
    f.event_damage_hp += damage_hp
    f.event_hits += 1


@compiled
def bite(f: Any, o: Any, summons: Any, characters: Any) -> None:
    """The summon of ``f`` strikes; a guard or armour does not matter to it, a short stun does not knock back."""
    s = summons[characters[f.character].summon]
    f.summon_wait_ticks = s.interval_ticks
    if o.buff_ticks[SUPER_ARMOUR] == 0 and s.stun_ticks > 0 and o.guarding == 0:
        interrupt(f, o, s.stun_ticks, 0)
    if s.inflict >= 0:
        add_buff(o, s.inflict, s.inflict_ticks, s.inflict_magnitude_per_mille)
    f.heal_carry += s.heal_hp * CARRY_PER_HP
    hurt(f, o, s.damage_hp)


@compiled
def end_move(f: Any, moves: Any) -> None:
    """Count the move's ticks and end it after its recovery."""
    if f.move == NO_MOVE:
        return
    f.move_tick += 1
    if f.move == DASHING:
        if f.move_tick >= DASH_TICKS:
            f.move = NO_MOVE
    else:
        m = moves[f.character, f.move]
        if f.move_tick >= m.startup_ticks + m.active_ticks + m.recovery_ticks:
            f.move = NO_MOVE


@compiled
def roots_movement(skill: int) -> bool:
    """Whether choosing ``skill`` leaves no effect to the movement head (a dash needs it, doing nothing too)."""
    return skill != NONE and skill != DASH and skill != SUMMON


@compiled
def next_random(match: Any, bound: int) -> int:
    """A number in ``[0, bound)`` from the match's own generator: high bits of a linear congruential sequence."""
    match.random = match.random * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
    return int(np.int64(match.random >> np.uint64(33))) % bound
