"""The records that a match consists of, and the names of the actions. Integers only, so that every machine agrees."""

from __future__ import annotations

import numpy as np

from camtf.games.duel.roster.schema import BUFFS

RULES_VERSION = 2
"""Raise it with every change of the rules after which the same actions lead to another match: replays name it."""

TICKS_PER_SECOND = 30
TICKS_PER_DECISION = 3
MATCH_TICKS = 60 * TICKS_PER_SECOND
MAX_INPUT_DELAY_TICKS = 8
HISTORY = 8
"""Past decisions of both players that the Basic module shows."""

TIME_BINS = 12
"""Parts of a match, 5 s each, in which the starts of skills are counted."""

HALF_LENGTH_MM = 6000
HALF_DEPTH_MM = 2000
START_DISTANCE_MM = 2500
FULL_MANA = 1000
PROJECTILES = 2
"""Projectiles that one fighter can have in flight."""

MOVEMENTS = (
    "stay",
    "forward",
    "forward_up",
    "up",
    "back_up",
    "back",
    "back_down",
    "down",
    "forward_down",
)
"""The movement head. Forward is towards the opponent along the arena's length; up is one side of its depth."""
MOVEMENT_LENGTH = np.array([0, 1, 1, 0, -1, -1, -1, 0, 1], np.int32)
MOVEMENT_DEPTH = np.array([0, 0, 1, 1, 1, 0, -1, -1, -1], np.int32)

SKILLS = (
    "none",
    "attack",
    "skill_1",
    "skill_2",
    "ultimate",
    "guard",
    "dash",
    "substitute",
    "scroll",
    "summon",
)
"""The skill head."""
NONE, ATTACK, USE_SKILL_1, USE_SKILL_2, USE_ULTIMATE, GUARD, DASH, SUBSTITUTE, USE_SCROLL, SUMMON = range(len(SKILLS))

COOLDOWNS = ("skill_1", "skill_2", "ultimate", "scroll", "dash", "substitute", "summon")
"""What a fighter waits for. The first four stand in the order of the moves from `schema.SKILL_1` on."""
CD_DASH, CD_SUBSTITUTE, CD_SUMMON = 4, 5, 6

NO_MOVE = -1
DASHING = 7
"""Value of ``Fighter.move`` during a dash, beside the indices of `schema.MOVES`."""

FIGHTER = np.dtype(
    [
        ("character", "i4"),
        ("x_mm", "i4"),
        ("y_mm", "i4"),
        ("facing", "i4"),  # +1 or -1 along x
        ("health_hp", "i4"),
        ("mana", "i4"),  # per mille
        ("regen_carry", "i4"),  # fractions of mana, and below of damage and healing over time, kept for the next tick
        ("harm_carry", "i4"),
        ("heal_carry", "i4"),
        ("walk_x", "i4"),  # the walk or dash chosen at the last decision, -1, 0 or 1
        ("walk_y", "i4"),
        ("move", "i4"),  # index of schema.MOVES, DASHING or NO_MOVE
        ("move_tick", "i4"),  # ticks since the move began
        ("connected", "i4"),  # the move has hit or was guarded
        ("guarding", "i4"),
        ("stun_ticks", "i4"),
        ("down_ticks", "i4"),
        ("invincible_ticks", "i4"),
        ("push_mm_per_tick", "i4"),  # signed, along x
        ("push_ticks", "i4"),
        ("combo_taken", "i4"),  # hits suffered without getting free
        ("combo_credit", "i4"),  # own hits beyond the first of each combo, capped
        ("cooldown_ticks", "i4", (len(COOLDOWNS),)),
        ("buff_ticks", "i4", (len(BUFFS),)),
        ("buff_stacks", "i4", (len(BUFFS),)),
        ("buff_magnitude", "i4", (len(BUFFS),)),
        ("projectile_ticks", "i4", (PROJECTILES,)),
        ("projectile_move", "i4", (PROJECTILES,)),
        ("projectile_x_mm", "i4", (PROJECTILES,)),
        ("projectile_y_mm", "i4", (PROJECTILES,)),
        ("projectile_mm_per_tick", "i4", (PROJECTILES,)),
        ("summon_ticks", "i4"),
        ("summon_wait_ticks", "i4"),
        ("summon_x_mm", "i4"),
        ("summon_y_mm", "i4"),
        ("past_movement", "i4", (HISTORY,)),  # latest first
        ("past_skill", "i4", (HISTORY,)),
        ("event_damage_hp", "i4"),  # the rules' own count of what happened, see EVENTS
        ("event_hits", "i4"),
        ("event_longest_combo", "i4"),
        ("event_forcing_moves", "i4"),
        ("event_counter_moves", "i4"),
        ("event_clone_substitutes", "i4"),
        ("event_starts", "i4", (len(SKILLS), TIME_BINS)),
    ],
    align=True,
)
"""One fighter in one match."""

EVENTS = tuple(name for name in FIGHTER.names or () if name.startswith("event_"))
"""Counters of a fighter since the match began."""

MATCH = np.dtype([("tick", "i4"), ("left_player", "i4"), ("random", "u8")], align=True)
"""One match: its clock, the player who began on the left, and the state of its own random numbers."""
