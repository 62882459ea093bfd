"""What an entry of the roster may say: every field with its range, and the packed records that the rules read.

A `Number` is an integer in ``[low, high]``; ``default=None`` makes it required. A range is also a unit of observation:
the Element module shows numbers divided by their range, and the Basic and Buff modules divide what a number causes by
the largest that is allowed here. Whatever is accepted keeps the ranges that `camtf.games.duel.observation` promises.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Number(NamedTuple):
    """An integer field: allowed range and default (None: the field is required)."""

    low: int
    high: int
    default: int | None = None


BUFFS = (
    "slow",  # magnitude: walking speed lost, per mille
    "root",  # no walking, no dash
    "silence",  # no skill, ultimate, scroll or summon
    "stun",  # no action at all; substitution ends it
    "burn",  # magnitude: 1/10 HP a second and stack
    "poison",  # the same, slower and longer, stacks apart from burn
    "mana_drain",  # magnitude: mana lost, 1/100 per mille a tick and stack
    "vulnerable",  # magnitude: damage taken in addition, per mille
    "haste",  # magnitude: walking speed gained, per mille
    "shield",  # magnitude: damage not taken, per mille
    "armour",  # magnitude: 1/10 HP taken off every hit
    "might",  # magnitude: damage dealt in addition, per mille
    "super_armour",  # hits do not interrupt
    "regeneration",  # magnitude: 1/10 HP a second
)
"""Buffs and debuffs, in the order of the Buff module's slots. Their effects are in `camtf.games.duel.rules`."""

PASSIVES = (
    "berserk",  # more damage while own health is below 40%
    "executioner",  # more damage while the opponent's health is below 40%
    "opener",  # more damage with the first hit of a combo
    "venom",  # chain hits poison, with the passive's strength as magnitude
    "drain",  # heals a part of the damage dealt by hits
    "thorns",  # a part of the damage of a blow goes back to the attacker
    "focus",  # more mana from hits, given and taken
    "iron_will",  # shorter stun
    "bulwark",  # less damage through a guard
    "shadow",  # shorter cooldown of the substitution
    "handler",  # shorter cooldown of the summon
    "sprinter",  # shorter cooldown of the dash
)
"""What a character always has; its strength is ``passive_per_mille``. Their effects are in `camtf.games.duel.rules`."""

MAX_STACKS = 3
MAX_BUFF_TICKS = 300
MAX_BUFF_MAGNITUDE = 1000
MAX_STUN_TICKS = 40
"""Of a blow's own stun and of the buff."""

CHAIN_LENGTH = 3
SKILL_1, SKILL_2, ULTIMATE, SCROLL = 3, 4, 5, 6
MOVES = ("chain_1", "chain_2", "chain_3", "skill_1", "skill_2", "ultimate", "scroll")
"""The moves of a character, in packed order: three hits of the attack chain, skills, ultimate, scroll."""

MOVE_NUMBERS = {
    "startup_ticks": Number(1, 30),
    "active_ticks": Number(1, 30, 1),
    "recovery_ticks": Number(1, 40),
    "reach_mm": Number(0, 6000, 0),
    "width_mm": Number(0, 3000, 0),
    "damage_hp": Number(0, 400, 0),
    "stun_ticks": Number(0, MAX_STUN_TICKS, 0),
    "push_mm_per_tick": Number(-300, 300, 0),
    "lunge_mm_per_tick": Number(-400, 400, 0),
    "projectile_mm_per_tick": Number(0, 600, 0),
    "projectile_ticks": Number(0, 90, 0),
    "mana_per_mille": Number(0, 1000, 0),
    "cooldown_ticks": Number(0, 900, 0),
    "heal_hp": Number(0, 300, 0),
    "armoured": Number(0, 1, 0),
    "unblockable": Number(0, 1, 0),
    "knock_down": Number(0, 1, 0),
    "inflict_ticks": Number(0, MAX_BUFF_TICKS, 0),
    "inflict_magnitude_per_mille": Number(0, MAX_BUFF_MAGNITUDE, 0),
    "gain_ticks": Number(0, MAX_BUFF_TICKS, 0),
    "gain_magnitude_per_mille": Number(0, MAX_BUFF_MAGNITUDE, 0),
}
"""Numbers of a move. ``inflict`` and ``gain`` beside them name a buff, or are left out; see `buff_ticks`."""

SCROLL_NUMBERS = {**MOVE_NUMBERS, "mana_per_mille": Number(0, 0, 0)}
"""A scroll is a move without mana cost."""

ELEMENTS = Number(3, 32)
"""How many elements the cycle may have."""
ADVANTAGE_PER_MILLE = Number(0, 500)
"""Damage in addition against the next element of the cycle, and not dealt against the one before."""
CHARACTER_NUMBERS = {
    "max_health_hp": Number(500, 4000),
    "walk_mm_per_tick": Number(40, 250),
    "mana_regen_per_mille_per_second": Number(0, 100),
    "passive_per_mille": Number(0, 500),
}
SUMMON_NUMBERS = {
    "life_ticks": Number(1, 600),
    "speed_mm_per_tick": Number(0, 300),
    "reach_mm": Number(1, 3000),
    "interval_ticks": Number(5, 300),
    "damage_hp": Number(0, 100),
    "stun_ticks": Number(0, 30, 0),
    "heal_hp": Number(0, 50, 0),
    "cooldown_ticks": Number(1, 900),
    "inflict_ticks": Number(0, MAX_BUFF_TICKS, 0),
    "inflict_magnitude_per_mille": Number(0, MAX_BUFF_MAGNITUDE, 0),
}
"""Numbers of a summon; every strike heals ``heal_hp`` to its owner. ``inflict`` may name a buff beside them; see
`buff_ticks`."""
WEAPON_NUMBERS = {"damage_per_mille": Number(0, 100)}
ARMOUR_NUMBERS = {"protection_per_mille": Number(0, 100)}


def buff_ticks(buff: str) -> Number:
    """What ``inflict_ticks`` or ``gain_ticks`` must be where ``buff`` is named beside it."""
    return Number(1, MAX_STUN_TICKS if buff == "stun" else MAX_BUFF_TICKS)


MOVE_DTYPE = np.dtype([(name, "i4") for name in MOVE_NUMBERS] + [("inflict", "i4"), ("gain", "i4")], align=True)
CHARACTER_DTYPE = np.dtype(
    [(name, "i4") for name in CHARACTER_NUMBERS]
    + [(name, "i4") for name in ("element", "scroll", "summon", "weapon", "armour", "passive")]
    + [(name, "i4") for name in ("damage_per_mille", "protection_per_mille")],
    align=True,
)
SUMMON_DTYPE = np.dtype([(name, "i4") for name in SUMMON_NUMBERS] + [("inflict", "i4")], align=True)
