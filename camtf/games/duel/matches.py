"""B matches as compiled code plays them: reset, a decision of everyone, observation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from camtf.games.duel.compiled import compiled
from camtf.games.duel.observing import observe_both
from camtf.games.duel.rules.conditions import movement_is_legal, skill_is_legal
from camtf.games.duel.rules.constants import COMBO_CREDIT_CAP
from camtf.games.duel.rules.decisions import decide_both, remember
from camtf.games.duel.rules.ticks import next_random, tick
from camtf.games.duel.state import (
    FULL_MANA,
    HALF_DEPTH_MM,
    MATCH_TICKS,
    MOVEMENTS,
    NO_MOVE,
    SKILLS,
    START_DISTANCE_MM,
    TICKS_PER_DECISION,
    TIME_BINS,
)


class Matches(NamedTuple):
    """B matches, as the compiled code takes them."""

    match: np.ndarray  # MATCH [B]
    fighters: np.ndarray  # FIGHTER [P, B]
    ended: np.ndarray  # FIGHTER [P, B], as the battle that ended last left them
    ended_match: np.ndarray  # MATCH [B], likewise
    next_characters: np.ndarray  # int32 [P, B]
    blank: np.ndarray  # FIGHTER [1], before a match


class Settings(NamedTuple):
    """What is the same for all matches."""

    health: float  # what a full bar, a victory, all combo credit and full mana weigh in the reward
    result: float
    combo: float
    mana: float
    delay_ticks: int
    staggered: bool


@compiled
def reset_all(matches: Any, tables: Any, settings: Any, out: Any) -> None:
    """Start every match anew; ``tables`` are `camtf.games.duel.roster.Roster.tables`, ``out`` is an Observation."""
    for b in range(matches.match.shape[0]):
        match = matches.match[b]
        _restart(b, matches, tables.characters)
        if settings.staggered:
            match.tick = TICKS_PER_DECISION * next_random(match, MATCH_TICKS // TICKS_PER_DECISION)
        observe_both(b, out, match, matches.fighters[0, b], matches.fighters[1, b], tables)


@compiled
def restart_some(matches: Any, which: Any, tables: Any, out: Any) -> None:
    """Start some matches anew, bool ``[B]``, and write what their players see; the others' rows stay as they are."""
    for b in range(matches.match.shape[0]):
        if which[b]:
            _restart(b, matches, tables.characters)
            observe_both(b, out, matches.match[b], matches.fighters[0, b], matches.fighters[1, b], tables)


@compiled
def step_all(matches: Any, tables: Any, settings: Any, actions: Any, out: Any, result: Any) -> None:
    """Play one decision of every match; what comes of it goes to ``out`` (Observation) and ``result`` (Step)."""
    for b in range(matches.match.shape[0]):
        match = matches.match[b]
        f = matches.fighters[0, b]
        o = matches.fighters[1, b]
        before = _potential(f, o, settings, tables.characters)
        remember(f, actions[0, b, 0], actions[0, b, 1])
        remember(o, actions[1, b, 0], actions[1, b, 1])
        for k in range(TICKS_PER_DECISION):
            _play_tick(k, match, f, o, settings, tables)
        result.done[b] = f.health_hp <= 0 or o.health_hp <= 0 or match.tick >= MATCH_TICKS
        result.outcome[b] = 0.5
        gain = _potential(f, o, settings, tables.characters) - before
        if result.done[b]:
            lead = _health(f, tables.characters) - _health(o, tables.characters)
            sign = 1.0 if lead > 0 else (-1.0 if lead < 0 else 0.0)
            result.outcome[b] = 0.5 + 0.5 * sign
            gain += settings.result * sign
            for p in range(2):
                matches.ended[p, b] = matches.fighters[p, b]
            matches.ended_match[b] = matches.match[b]
            _restart(b, matches, tables.characters)
        result.reward[0, b] = gain
        result.reward[1, b] = -result.reward[0, b]
        observe_both(b, out, match, f, o, tables)


@compiled
def show_ticks(b: int, matches: Any, tables: Any, settings: Any, actions: Any, shown: Any) -> None:
    """Play one decision of match ``b`` and write its fighters after each tick, FIGHTER ``shown [ticks, P]``. The match
    does not end. For matches that are a copy."""
    match = matches.match[b]
    f = matches.fighters[0, b]
    o = matches.fighters[1, b]
    remember(f, actions[0, b, 0], actions[0, b, 1])
    remember(o, actions[1, b, 0], actions[1, b, 1])
    for k in range(TICKS_PER_DECISION):
        _play_tick(k, match, f, o, settings, tables)
        for p in range(2):
            shown[k, p] = matches.fighters[p, b]


@compiled
def observe_all(matches: Any, tables: Any, out: Any) -> None:
    """Write what both players of every match see."""
    for b in range(matches.match.shape[0]):
        observe_both(b, out, matches.match[b], matches.fighters[0, b], matches.fighters[1, b], tables)


@compiled
def observe_ended(matches: Any, which: Any, tables: Any, out: Any) -> None:
    """The same of the battles that ended last in some matches, bool ``[B]``, as they ended."""
    for b in range(matches.match.shape[0]):
        if which[b]:
            observe_both(b, out, matches.ended_match[b], matches.ended[0, b], matches.ended[1, b], tables)


@compiled
def first_illegal(fighters: Any, actions: Any, moves: Any) -> int:
    """Row of the first illegal action, player-major, or -1."""
    for p in range(2):
        for b in range(fighters.shape[1]):
            movement = actions[p, b, 0]
            skill = actions[p, b, 1]
            if not (0 <= movement < len(MOVEMENTS) and 0 <= skill < len(SKILLS)):
                return p * fighters.shape[1] + b
            f = fighters[p, b]
            if not movement_is_legal(f, movement) or not skill_is_legal(f, skill, moves):
                return p * fighters.shape[1] + b
    return -1


@compiled
def _play_tick(k: int, match: Any, f: Any, o: Any, settings: Any, tables: Any) -> None:
    """Tick ``k`` of a decision; after a knock-out only the clock goes on."""
    if f.health_hp > 0 and o.health_hp > 0:
        if k == settings.delay_ticks % TICKS_PER_DECISION:
            age = settings.delay_ticks // TICKS_PER_DECISION
            decide_both(f, o, age, match.tick * TIME_BINS // MATCH_TICKS, tables)
        tick(f, o, tables)
    match.tick += 1


@compiled
def _restart(b: int, matches: Any, characters: Any) -> None:
    """Begin the next match in place ``b``."""
    for p in range(2):
        matches.fighters[p, b] = matches.blank[0]
        matches.fighters[p, b].character = matches.next_characters[p, b]
    _start(matches.match[b], matches.fighters[0, b], matches.fighters[1, b], characters)


@compiled
def _start(match: Any, f: Any, o: Any, characters: Any) -> None:
    """Put both fighters, already cleared and given their character, on their marks."""
    match.tick = 0
    match.left_player = next_random(match, 2)
    depth = next_random(match, HALF_DEPTH_MM) - HALF_DEPTH_MM // 2
    side = 1 if match.left_player == 0 else -1
    f.x_mm = -side * START_DISTANCE_MM
    o.x_mm = side * START_DISTANCE_MM
    f.y_mm = depth
    o.y_mm = depth
    f.facing = side
    o.facing = -side
    for fighter in (f, o):
        fighter.health_hp = characters[fighter.character].max_health_hp
        fighter.mana = FULL_MANA // 2
        fighter.move = NO_MOVE


@compiled
def _potential(f: Any, o: Any, settings: Any, characters: Any) -> float:
    """Weighted lead of ``f``; the reward without the result is its change."""
    lead = settings.health * (_health(f, characters) - _health(o, characters))
    lead += settings.combo * (f.combo_credit - o.combo_credit) / COMBO_CREDIT_CAP
    return lead + settings.mana * (f.mana - o.mana) / FULL_MANA


@compiled
def _health(f: Any, characters: Any) -> float:
    return max(f.health_hp, 0) / characters[f.character].max_health_hp
