"""What hits whom, and what a hit does."""

from __future__ import annotations

from typing import Any

from camtf.games.duel.compiled import compiled
from camtf.games.duel.roster.schema import CHAIN_LENGTH, SKILL_1
from camtf.games.duel.rules.conditions import can_be_hit, has_armour, in_recovery, shortened, strength
from camtf.games.duel.rules.constants import (
    ARMOUR,
    ARMOUR_DAMAGE_PER_MILLE,
    BEHIND_MM,
    BERSERK,
    BULWARK,
    CARRY_PER_HP,
    COMBO_DECAY_PER_MILLE,
    COMBO_FLOOR_PER_MILLE,
    DRAIN,
    EXECUTIONER,
    FOCUS,
    GUARD_DAMAGE_PER_MILLE,
    GUARD_STUN_PER_MILLE,
    IRON_WILL,
    LOW_HEALTH_PER_MILLE,
    MANA_FOR_BEING_HIT,
    MANA_FOR_HIT,
    MIGHT,
    OPENER,
    POISON,
    SHIELD,
    STUN,
    THORNS,
    VENOM,
    VENOM_TICKS,
    VULNERABLE,
)
from camtf.games.duel.rules.effects import add_buff, gain_mana, hurt, interrupt, push
from camtf.games.duel.state import DASHING, PROJECTILES


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
def fires(f: Any, moves: Any) -> None:
    """At the first active tick a move lets its projectile go and grants its healing and its buff."""
    if f.move < 0 or f.move == DASHING or f.stun_ticks > 0:
        return
    m = moves[f.character, f.move]
    if f.move_tick != m.startup_ticks:
        return
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
    f.heal_carry += m.heal_hp * CARRY_PER_HP
    if m.gain >= 0:
        add_buff(f, m.gain, m.gain_ticks, m.gain_magnitude_per_mille)  # last: a stun ends the move


@compiled
def shoot(f: Any, o: Any, slot: int, bonus: int, casting: bool, tables: Any) -> None:
    """The projectile in ``slot`` (-1: none) hits and is gone."""
    if slot >= 0:
        f.projectile_ticks[slot] = 0
        speed = f.projectile_mm_per_tick[slot]
        direction = 1 if speed > 0 or (speed == 0 and f.facing > 0) else -1
        hit(f, o, f.projectile_move[slot], direction, bonus, casting, tables)


@compiled
def hit(f: Any, o: Any, move: int, direction: int, bonus: int, casting: bool, tables: Any) -> None:
    """``f`` hits ``o`` with ``move`` flying in ``direction``; ``casting`` says that ``o`` was casting a skill.

    ``bonus`` is the attacker's `damage_bonus` before anyone was hit in this tick.
    """
    m = tables.moves[f.character, move]
    attacker = tables.characters[f.character]
    defender = tables.characters[o.character]
    damage = m.damage_hp * tables.multipliers[attacker.element, defender.element]
    damage = damage * (1000 + attacker.damage_per_mille + bonus) // 1000
    damage = damage * (1000 - defender.protection_per_mille) // 1000
    damage = damage * (1000 + o.buff_magnitude[VULNERABLE] - o.buff_magnitude[SHIELD]) // 1000
    damage = damage * max(COMBO_FLOOR_PER_MILLE, 1000 - COMBO_DECAY_PER_MILLE * o.combo_taken) // 1000
    damage = max(damage - 100 * o.buff_magnitude[ARMOUR], min(damage, 1000))
    gain_mana(f, MANA_FOR_HIT * (1000 + strength(attacker, FOCUS)) // 1000)
    gain_mana(o, MANA_FOR_BEING_HIT * (1000 + strength(defender, FOCUS)) // 1000)

    stun = shortened(m.stun_ticks, defender, IRON_WILL)
    guarded = o.guarding == 1 and o.facing == -direction and m.unblockable == 0
    armoured = has_armour(o, tables.moves) and m.unblockable == 0
    if guarded:
        damage = shortened(damage * GUARD_DAMAGE_PER_MILLE // 1000, defender, BULWARK)
        o.stun_ticks = max(o.stun_ticks, stun * GUARD_STUN_PER_MILLE // 1000)
        push(o, direction * (m.push_mm_per_tick // 2))
    elif armoured:
        damage = damage * ARMOUR_DAMAGE_PER_MILLE // 1000
    elif m.stun_ticks > 0:
        if casting and move >= SKILL_1:
            f.event_counter_moves += 1
        interrupt(f, o, stun, m.knock_down)
        push(o, direction * m.push_mm_per_tick)
    if not guarded:
        if m.inflict >= 0 and not (armoured and m.inflict == STUN):
            add_buff(o, m.inflict, m.inflict_ticks, m.inflict_magnitude_per_mille)
        if move < CHAIN_LENGTH and attacker.passive == VENOM:
            add_buff(o, POISON, VENOM_TICKS, attacker.passive_per_mille)
    hurt(f, o, damage // 1000)
    f.heal_carry += damage * strength(attacker, DRAIN) // 1000 * CARRY_PER_HP // 1000
    if m.projectile_ticks == 0:
        f.health_hp -= damage * strength(defender, THORNS) // 1_000_000


@compiled
def damage_bonus(f: Any, o: Any, characters: Any) -> int:
    """Damage in addition by the attacker's might and passive, per mille."""
    attacker = characters[f.character]
    defender = characters[o.character]
    if attacker.passive == BERSERK:
        works = f.health_hp * 1000 < LOW_HEALTH_PER_MILLE * attacker.max_health_hp
    elif attacker.passive == EXECUTIONER:
        works = o.health_hp * 1000 < LOW_HEALTH_PER_MILLE * defender.max_health_hp
    else:
        works = attacker.passive == OPENER and o.combo_taken == 0
    return f.buff_magnitude[MIGHT] + (attacker.passive_per_mille if works else 0)


@compiled
def bite(f: Any, o: Any, tables: Any) -> None:
    """The summon of ``f`` strikes: with all its damage through guard and super-armour, but it interrupts neither."""
    s = tables.summons[tables.characters[f.character].summon]
    f.summon_wait_ticks = s.interval_ticks
    armoured = has_armour(o, tables.moves)
    if s.stun_ticks > 0 and not armoured and o.guarding == 0:
        interrupt(f, o, s.stun_ticks, 0)
    if s.inflict >= 0 and not (s.inflict == STUN and (armoured or o.guarding == 1)):
        add_buff(o, s.inflict, s.inflict_ticks, s.inflict_magnitude_per_mille)
    f.heal_carry += s.heal_hp * CARRY_PER_HP
    hurt(f, o, s.damage_hp)
