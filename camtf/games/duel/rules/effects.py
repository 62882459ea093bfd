"""What happens to a fighter: mana, healing, buffs, stun, and the passing of a tick."""

from __future__ import annotations

from typing import Any

from camtf.games.duel.compiled import compiled
from camtf.games.duel.roster.schema import BUFFS, MAX_STACKS
from camtf.games.duel.rules.constants import (
    BURN,
    CARRY_PER_HP,
    COMBO_CAP,
    COMBO_CREDIT_CAP,
    DASH_TICKS,
    DOWN_TICKS,
    GET_UP_INVINCIBLE_TICKS,
    MANA_DRAIN,
    POISON,
    PUSH_TICKS,
    REGENERATION,
    STUN,
)
from camtf.games.duel.state import COOLDOWNS, DASHING, FULL_MANA, NO_MOVE, TICKS_PER_SECOND


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
                end_buff(f, k)


@compiled
def end_buff(f: Any, kind: int) -> None:
    """Nothing of a buff that has ended stays."""
    f.buff_ticks[kind] = 0
    f.buff_stacks[kind] = 0
    f.buff_magnitude[kind] = 0


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
def gain_mana(f: Any, amount: int) -> None:
    f.mana = min(max(f.mana + amount, 0), FULL_MANA)


@compiled
def heal(f: Any, amount: int, characters: Any) -> None:
    """Healing does not bring back who has fallen."""
    if f.health_hp > 0:
        f.health_hp = min(f.health_hp + amount, characters[f.character].max_health_hp)


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
