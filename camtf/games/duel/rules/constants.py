"""The numbers of the rule book. Ticks are 1/30 s; what is not said otherwise is per tick."""

from __future__ import annotations

from camtf.games.duel.roster.schema import BUFFS, PASSIVES
from camtf.games.duel.state import TICKS_PER_SECOND

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
