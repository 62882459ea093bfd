"""The four modules of an observation: what stands where, in which range. `camtf.games.duel.observing` writes them.

Everything is canonical: a player sees itself first, and x grows towards the opponent (``forward`` of the movement
head). Module by module (ranges in brackets; a time is divided by the longest time of its kind):

*Basic*, float32 ``[BASIC_WIDTH]``, in order
  - two fighters, own first: of each `FighterFields`, then its PROJECTILES with `ProjectileFields` each;
  - `EnvironmentFields`;
  - the last HISTORY decisions, latest first; of each, own then opponent's movement as (length, depth) in {-1, 0, 1}
    in that player's own canonical frame and skill as a one-hot over `camtf.games.duel.state.SKILLS`.
*Buff*, float32 ``[2, BUFF_KINDS, 3]``: own, then opponent's; slot k is buff k of
  `camtf.games.duel.roster.schema.BUFFS`; remaining time, stacks and magnitude, each [0, 1].
*Element*, int32 ``[2, ELEMENT_WIDTH]``: own, then opponent's; ids, then declared attributes in per mille of their
  range, [0, 1000], a lunge that goes back down to -1000 (see `camtf.games.duel.roster`). Constant during a battle.
*Action-Mask*, float32 ``[MASK_WIDTH]``, each 0 or 1: legal movements, legal skills, skills that root movement.
"""

from __future__ import annotations

from typing import NamedTuple

from camtf.games.duel.roster import Roster
from camtf.games.duel.roster.schema import BUFFS
from camtf.games.duel.state import HISTORY, MOVEMENTS, PROJECTILES, SKILLS
from camtf.types import GameSpec


class FighterFields(NamedTuple):
    """Columns of a fighter's part of the Basic module."""

    health: int  # of its own full bar [0, 1]; a fallen fighter shows 0
    mana: int  # [0, 1]
    x: int  # from the middle of the arena [-1, 1]
    y: int  # [-1, 1]
    facing: int  # -1 or 1
    stun: int  # time left [0, 1]
    down: int  # time left [0, 1]
    invincible: int  # time left [0, 1]
    guarding: int  # 0 or 1
    push: int  # knock-back speed [-1, 1]
    combo_taken: int  # hits of the combo that runs against this fighter [0, 1]
    connected: int  # the move under way has hit: 0 or 1
    startup_left: int  # of the move under way, time [0, 1]
    active_left: int  # [0, 1]
    recovery_left: int  # [0, 1]
    move_chain_1: int  # which move is under way, one-hot
    move_chain_2: int
    move_chain_3: int
    move_skill_1: int
    move_skill_2: int
    move_ultimate: int
    move_scroll: int
    move_dash: int
    cooldown_skill_1: int  # part of the full cooldown still to wait [0, 1]
    cooldown_skill_2: int
    cooldown_ultimate: int
    cooldown_scroll: int
    cooldown_dash: int
    cooldown_substitute: int
    cooldown_summon: int
    reach: int  # of the move under way, in reach_mm of 6 m [0, 1]
    summon_time: int  # part of 20 s still there [0, 1]
    summon_dx: int  # from the other fighter, canonical [-1, 1]; 0 without a summon
    summon_dy: int
    summon_wait: int  # until it can strike, of 10 s [0, 1]


class ProjectileFields(NamedTuple):
    """Columns of one projectile."""

    there: int  # 0 or 1
    dx: int  # from the fighter that it flies at, canonical [-1, 1]
    dy: int
    speed: int  # along canonical x [-1, 1]
    time_left: int  # [0, 1]


class EnvironmentFields(NamedTuple):
    """Columns of the environment."""

    dx: int  # offset to the opponent over the whole arena, canonical [-1, 1]
    dy: int
    near_x: int  # the same on a scale of 1.5 m, clipped [-1, 1]
    near_y: int
    time_left: int  # [0, 1]
    health_lead: int  # [-1, 1]


class BuffFields(NamedTuple):
    """Columns of one buff, each [0, 1]."""

    remaining: int  # time
    stacks: int
    magnitude: int


FIGHTER_FIELDS = FighterFields._fields
PROJECTILE_FIELDS = ProjectileFields._fields
ENVIRONMENT_FIELDS = EnvironmentFields._fields
BUFF_FIELDS = BuffFields._fields

PROJECTILES_AT = len(FIGHTER_FIELDS)  # in a fighter's part
PROJECTILE_WIDTH = len(PROJECTILE_FIELDS)
FIGHTER_WIDTH = PROJECTILES_AT + PROJECTILES * PROJECTILE_WIDTH
ENVIRONMENT_WIDTH = len(ENVIRONMENT_FIELDS)
MOVEMENT_WIDTH = 2  # of a past action: length and depth
ACTION_WIDTH = MOVEMENT_WIDTH + len(SKILLS)
ENVIRONMENT_AT = 2 * FIGHTER_WIDTH
HISTORY_AT = ENVIRONMENT_AT + ENVIRONMENT_WIDTH
BASIC_WIDTH = HISTORY_AT + HISTORY * 2 * ACTION_WIDTH
BUFF_KINDS = len(BUFFS)
MOVEMENT_COUNT = len(MOVEMENTS)
SKILL_COUNT = len(SKILLS)
MASK_WIDTH = MOVEMENT_COUNT + 2 * SKILL_COUNT


def duel_spec(roster: Roster) -> GameSpec:
    """Shapes of the duel's modules and heads with a roster."""
    return GameSpec(
        movements=MOVEMENT_COUNT,
        skills=SKILL_COUNT,
        fighter_width=FIGHTER_WIDTH,
        environment_width=ENVIRONMENT_WIDTH,
        buff_kinds=BUFF_KINDS,
        buff_fields=len(BUFF_FIELDS),
        id_counts=roster.id_counts,
        attributes=roster.element_module.shape[1] - len(roster.id_counts),
        history=HISTORY,
        history_width=2 * ACTION_WIDTH,
        fixed_elements=True,
        movement_names=MOVEMENTS,
        skill_names=SKILLS,
    )
