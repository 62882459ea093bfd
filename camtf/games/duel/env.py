"""`DuelGame`: B matches at once, stepped by compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np

from camtf.config import RewardConfig
from camtf.games.duel.compiled import compiled
from camtf.games.duel.observation import duel_spec, observe_both
from camtf.games.duel.roster import Roster
from camtf.games.duel.rules.conditions import movement_is_legal, skill_is_legal
from camtf.games.duel.rules.constants import COMBO_CREDIT_CAP
from camtf.games.duel.rules.decisions import decide_both, remember
from camtf.games.duel.rules.ticks import next_random, tick
from camtf.games.duel.state import (
    EVENTS,
    FIGHTER,
    FULL_MANA,
    HALF_DEPTH_MM,
    MATCH,
    MATCH_TICKS,
    MAX_INPUT_DELAY_TICKS,
    MOVEMENTS,
    NO_MOVE,
    SKILLS,
    START_DISTANCE_MM,
    TICKS_PER_DECISION,
    TIME_BINS,
)
from camtf.prng import match_seeds
from camtf.types import Observation, Step

_BLANK = np.zeros(1, FIGHTER)


class DuelGame:
    """A 1-vs-1 fighting game, B matches side by side.

    A match lasts at most 60 s: 1,800 ticks of 1/30 s, 600 decisions of each player. A knock-out, or more health (in
    parts of the own full bar) at the bell, wins; equal is a draw. Both players decide at the same time, and nothing in
    a match is random once both stand in the arena. An ended match restarts by itself with the characters that
    were last assigned to it.

    Observation: see `camtf.games.duel.observation`. Leaves are ``[P, B, ...]``.
    Action: int32 ``[P, B, H]``, movement in ``[0, 9)`` and skill in ``[0, 10)``, both legal by the mask.
    Reward: float32 ``[P, B]``, ``reward[1] == -reward[0]``: changes of health, mana and combo credit and the result,
    own minus opponent's, weighted by `camtf.config.RewardConfig`.
    End: ``done`` ``[B]``; the observation that comes with it already belongs to the next match.

    Args:
        roster: who can fight.
        matches: B.
        seed: one seed for all; each match draws its starts from its own generator, seeded by (seed, its global id).
        reward: weights of the reward.
        input_delay_ticks: ticks from a choice to its begin, 0 to 8. What has become illegal by then is not begun; the
            mask says what is legal at the time of choosing.
        match_ids: global id of each match, so that ranks together play what one rank would play; 0 to B - 1 if None.
        staggered: every match's first battle begins with a part of its 60 s gone, drawn by lot, so that a batch holds
            all phases of a battle at any time. For training: a batch that goes through the phases in step teaches
            one of them at a time.
    """

    def __init__(
        self,
        roster: Roster,
        matches: int,
        seed: int,
        reward: RewardConfig | None = None,
        match_ids: np.ndarray | None = None,
        input_delay_ticks: int = 0,
        staggered: bool = False,
    ) -> None:
        if not 0 <= input_delay_ticks <= MAX_INPUT_DELAY_TICKS:
            raise ValueError(f"input_delay_ticks must be in [0, {MAX_INPUT_DELAY_TICKS}], got {input_delay_ticks}")
        if matches < 1:
            raise ValueError(f"matches must be at least 1, got {matches}")
        self.roster = roster
        self.spec = duel_spec(roster)
        self.characters = len(roster)
        self.matches = matches
        self.input_delay_ticks = input_delay_ticks
        self.staggered = staggered
        self._fighters = np.zeros((2, matches), FIGHTER)
        self._ended = np.zeros((2, matches), FIGHTER)
        self._match = np.zeros(matches, MATCH)
        self._match["random"] = match_seeds(seed, np.arange(matches) if match_ids is None else match_ids)
        self._next_characters = np.zeros((2, matches), np.int32)
        reward = reward or RewardConfig()
        self._weights = np.array(
            [(reward.own_health + reward.opponent_health) / 2, reward.result, reward.combo, reward.mana], np.float64
        )
        self._tables = (roster.moves, roster.characters, roster.summons, roster.multipliers, roster.element_module)

    def empty_observation(self, *leading: int) -> Observation:
        """Buffers for ``leading`` + ``[P, B]`` observations."""
        return self.spec.empty_observation(*leading, 2, self.matches)

    def assign(self, characters: np.ndarray) -> None:
        """Say who fights in each match from its next start on. Integers ``[P, B]``."""
        characters = np.asarray(characters)
        if characters.shape != (2, self.matches):
            raise ValueError(f"characters must have shape {(2, self.matches)}, got {characters.shape}")
        if characters.min() < 0 or characters.max() >= len(self.roster):
            raise ValueError(f"characters must be in [0, {len(self.roster)}), got up to {characters.max()}")
        self._next_characters[...] = characters

    def reset(self, characters: np.ndarray, out: Observation | None = None) -> Observation:
        """Start every match anew with the given characters ``[P, B]``."""
        self.assign(characters)
        out = out or self.empty_observation()
        _reset_all(
            self._fighters, self._match, self._next_characters, _BLANK, self.staggered, out, *self._tables
        )  # fmt: skip
        return out

    def step(self, actions: np.ndarray, out: Observation | None = None) -> tuple[Observation, Step]:
        """Play one decision (3 ticks) of every match.

        Args:
            actions: int32 ``[P, B, H]``.
            out: buffers for the next observation; new ones where None.

        Raises:
            ValueError: an action is out of range or masked. Names match, player and action; nothing was played.
        """
        actions = np.ascontiguousarray(actions, np.int32)
        if actions.shape != (2, self.matches, 2):
            raise ValueError(f"actions must have shape {(2, self.matches, 2)}, got {actions.shape}")
        wrong = first_illegal(self._fighters, actions, self.roster.moves)
        if wrong >= 0:
            self._refuse(actions, wrong)
        out = out or self.empty_observation()
        reward = np.empty((2, self.matches), np.float32)
        done = np.empty(self.matches, np.bool_)
        outcome = np.empty(self.matches, np.float32)
        _step_all(
            self._fighters, self._match, self._next_characters, _BLANK, self._ended,
            actions, self._weights, self.input_delay_ticks, reward, done, outcome, out, *self._tables,
        )  # fmt: skip
        return out, Step(reward, done, outcome)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the future depends on, arrays ``[B, ...]``; see `restore`."""
        return {
            "fighters": _bytes(self._fighters).swapaxes(0, 1).copy(),
            "match": _bytes(self._match).copy(),
            "next_characters": self._next_characters.T.copy(),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a `state`. Raises ValueError where it is of other matches or another version of the rules."""
        own = self.state()
        for name, array in own.items():
            if state[name].shape != array.shape:
                raise ValueError(f"state of {name!r} has shape {state[name].shape}, this game needs {array.shape}")
        _bytes(self._fighters)[...] = state["fighters"].swapaxes(0, 1)
        _bytes(self._match)[...] = state["match"]
        self._next_characters[...] = state["next_characters"].T

    def observe(self, out: Observation | None = None) -> Observation:
        """The current observation, without playing."""
        out = out or self.empty_observation()
        _observe_all(self._fighters, self._match, out, *self._tables)
        return out

    @property
    def fighters(self) -> np.ndarray:
        """Read-only view of the fighters, `camtf.games.duel.state.FIGHTER` ``[P, B]``; bots and events read it."""
        view = self._fighters.view()
        view.flags.writeable = False
        return view

    @property
    def last_fighters(self) -> np.ndarray:
        """The fighters as the battle that ended last in each match left them, ``[P, B]``; zero where none has."""
        return self._ended.copy()

    @property
    def events(self) -> dict[str, np.ndarray]:
        """The rules' counters of the running matches, each ``[P, B]``; ``starts`` of the skill head by kind and 5 s of
        time ``[P, B, K, TIME_BINS]``."""
        return _events(self._fighters)

    @property
    def last_events(self) -> dict[str, np.ndarray]:
        """The same for the battle that ended last in each match; zero where none has."""
        return _events(self._ended)

    def _refuse(self, actions: np.ndarray, wrong: int) -> None:
        player, match = divmod(wrong, self.matches)
        movement, skill = (int(a) for a in actions[player, match])
        if not (0 <= movement < len(MOVEMENTS) and 0 <= skill < len(SKILLS)):
            reason = f"movement must be in [0, {len(MOVEMENTS)}) and skill in [0, {len(SKILLS)})"
        else:
            reason = f"{MOVEMENTS[movement]!r} with {SKILLS[skill]!r} is masked now"
        raise ValueError(f"match {match}, player {player}: illegal action ({movement}, {skill}): {reason}")


def _events(fighters: np.ndarray) -> dict[str, np.ndarray]:
    return {name.removeprefix("event_"): fighters[name].copy() for name in EVENTS}


def _bytes(records: np.ndarray) -> np.ndarray:
    """A view of records ``[...]`` as bytes ``[..., itemsize]``."""
    return records.view(np.uint8).reshape(*records.shape, records.itemsize)


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
def _restart(b: int, match: Any, fighters: Any, next_characters: Any, blank: Any, characters: Any) -> None:
    for p in range(2):
        fighters[p, b] = blank[0]
        fighters[p, b].character = next_characters[p, b]
    _start(match, fighters[0, b], fighters[1, b], characters)


@compiled
def _observe_all(
    fighters: Any, match: Any, out: Any, moves: Any, characters: Any, summons: Any, multipliers: Any, elements: Any
) -> None:
    for b in range(match.shape[0]):
        observe_both(b, out, match[b], fighters[0, b], fighters[1, b], moves, characters, summons, elements)


@compiled
def _reset_all(
    fighters: Any, match: Any, next_characters: Any, blank: Any, staggered: bool, out: Any,
    moves: Any, characters: Any, summons: Any, multipliers: Any, elements: Any,
) -> None:  # fmt: skip
    for b in range(match.shape[0]):
        _restart(b, match[b], fighters, next_characters, blank, characters)
        if staggered:
            match[b].tick = TICKS_PER_DECISION * next_random(match[b], MATCH_TICKS // TICKS_PER_DECISION)
        observe_both(b, out, match[b], fighters[0, b], fighters[1, b], moves, characters, summons, elements)


@compiled
def _health(f: Any, characters: Any) -> float:
    return max(f.health_hp, 0) / characters[f.character].max_health_hp


@compiled
def _potential(f: Any, o: Any, weights: Any, characters: Any) -> float:
    """Weighted lead of ``f``; the reward without the result is its change."""
    lead = weights[0] * (_health(f, characters) - _health(o, characters))
    lead += weights[2] * (f.combo_credit - o.combo_credit) / COMBO_CREDIT_CAP
    return lead + weights[3] * (f.mana - o.mana) / FULL_MANA


@compiled
def _step_all(
    fighters: Any, match: Any, next_characters: Any, blank: Any, ended: Any,
    actions: Any, weights: Any, delay_ticks: int, reward: Any, done: Any, outcome: Any, out: Any,
    moves: Any, characters: Any, summons: Any, multipliers: Any, elements: Any,
) -> None:  # fmt: skip
    for b in range(match.shape[0]):
        m = match[b]
        f = fighters[0, b]
        o = fighters[1, b]
        before = _potential(f, o, weights, characters)
        remember(f, actions[0, b, 0], actions[0, b, 1])
        remember(o, actions[1, b, 0], actions[1, b, 1])
        for k in range(TICKS_PER_DECISION):
            if f.health_hp > 0 and o.health_hp > 0:
                if k == delay_ticks % TICKS_PER_DECISION:
                    age = delay_ticks // TICKS_PER_DECISION
                    decide_both(f, o, age, m.tick * TIME_BINS // MATCH_TICKS, moves, summons, characters)
                tick(f, o, moves, characters, summons, multipliers)
            m.tick += 1
        done[b] = f.health_hp <= 0 or o.health_hp <= 0 or m.tick >= MATCH_TICKS
        outcome[b] = 0.5
        gain = _potential(f, o, weights, characters) - before
        if done[b]:
            lead = _health(f, characters) - _health(o, characters)
            result = 1.0 if lead > 0 else (-1.0 if lead < 0 else 0.0)
            outcome[b] = 0.5 + 0.5 * result
            gain += weights[1] * result
            ended[0, b] = fighters[0, b]
            ended[1, b] = fighters[1, b]
            _restart(b, m, fighters, next_characters, blank, characters)
        reward[0, b] = gain
        reward[1, b] = -reward[0, b]
        observe_both(b, out, m, f, o, moves, characters, summons, elements)
