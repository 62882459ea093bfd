"""At which decisions a fighter could do what the rules count: the denominators of counts per opportunity."""

from __future__ import annotations

from typing import Any

from camtf.games.duel.compiled import compiled
from camtf.games.duel.roster.schema import SCROLL, SKILL_1
from camtf.games.duel.rules.conditions import can_be_hit, casts_skill, is_attacking, skill_is_legal
from camtf.games.duel.state import ATTACK, SUBSTITUTE, USE_SCROLL, USE_SKILL_1

COUNTED = ("forcing_moves", "counter_moves", "clone_substitutes")
"""Of `camtf.games.duel.state.EVENTS`, in the order of `find_openings`."""

_OWN_SKILLS = SCROLL - SKILL_1


@compiled
def find_openings(fighters: Any, moves: Any, out: Any) -> None:
    """Fill bool ``[P, B, E]`` for fighters ``[P, B]`` as they stand before a decision.

    ForcingMoves: the opponent is not attacking, and a move that can hurt is legal. CounterMoves: the opponent casts a
    skill and can be hit, and a skill is legal. CloneSubstitute: the substitution is legal, and the fighter is stunned
    or the opponent attacks.
    """
    for b in range(fighters.shape[1]):
        for p in range(2):
            f = fighters[p, b]
            o = fighters[1 - p, b]
            attacked = is_attacking(o, moves)
            out[p, b, 0] = not attacked and can_hurt(f, moves)
            out[p, b, 1] = casts_skill(o, moves) and can_be_hit(o) and can_use_skill(f, moves)
            out[p, b, 2] = skill_is_legal(f, SUBSTITUTE, moves) and (attacked or f.stun_ticks > 0)


@compiled
def can_hurt(f: Any, moves: Any) -> bool:
    """Whether a decision for a move with damage is legal."""
    if skill_is_legal(f, ATTACK, moves):
        return True
    if moves[f.character, SCROLL].damage_hp > 0 and skill_is_legal(f, USE_SCROLL, moves):
        return True
    for i in range(_OWN_SKILLS):
        if moves[f.character, SKILL_1 + i].damage_hp > 0 and skill_is_legal(f, USE_SKILL_1 + i, moves):
            return True
    return False


@compiled
def can_use_skill(f: Any, moves: Any) -> bool:
    """Whether one of the fighter's skills, or the scroll, is legal."""
    legal = skill_is_legal(f, USE_SCROLL, moves)
    for i in range(_OWN_SKILLS):
        legal = legal or skill_is_legal(f, USE_SKILL_1 + i, moves)
    return legal
