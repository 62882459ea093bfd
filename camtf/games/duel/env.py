"""`DuelGame`: B matches at once, stepped by compiled code."""

from __future__ import annotations

import numpy as np

from camtf.config import RewardConfig
from camtf.games.duel.matches import (
    Matches,
    Settings,
    first_illegal,
    observe_all,
    observe_ended,
    reset_all,
    restart_some,
    show_ticks,
    step_all,
)
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.openings import COUNTED, find_openings
from camtf.games.duel.roster import Roster
from camtf.games.duel.state import (
    EVENTS,
    FIGHTER,
    MATCH,
    MATCH_TICKS,
    MAX_INPUT_DELAY_TICKS,
    MOVEMENTS,
    SKILLS,
    TICKS_PER_DECISION,
)
from camtf.prng import match_seeds
from camtf.types import Observation, Step


class DuelGame:
    """A 1-vs-1 fighting game, B matches side by side.

    A match lasts at most 60 s: 1,800 ticks of 1/30 s, 600 decisions of each player. A knock-out, or more health (in
    parts of its own full bar) at the bell, wins; equal is a draw. Both players decide at the same time, and nothing in
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
        input_delay_ticks: ticks from choice to start, 0 to 8. What has become illegal by then is not started; the
            mask says what is legal at the time of choosing.
        match_ids: global id of each match, so that ranks together play what one rank would play; 0 to B - 1 if None.
        staggered: every match's first battle begins with a part of its 60 s gone, drawn at random: so a batch holds
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
        self._matches = Matches(
            match=np.zeros(matches, MATCH),
            fighters=np.zeros((2, matches), FIGHTER),
            ended=np.zeros((2, matches), FIGHTER),
            ended_match=np.zeros(matches, MATCH),
            next_characters=np.zeros((2, matches), np.int32),
            blank=np.zeros(1, FIGHTER),
        )
        self._matches.match["random"] = match_seeds(seed, np.arange(matches) if match_ids is None else match_ids)
        reward = reward or RewardConfig()
        self._settings = Settings(
            health=float(reward.own_health + reward.opponent_health) / 2,
            result=float(reward.result),
            combo=float(reward.combo),
            mana=float(reward.mana),
            delay_ticks=input_delay_ticks,
            staggered=staggered,
        )
        self._tables = roster.tables

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
        self._matches.next_characters[...] = characters

    def reset(self, characters: np.ndarray, out: Observation | None = None) -> Observation:
        """Start every match anew with the given characters ``[P, B]``."""
        self.assign(characters)
        out = out or self.empty_observation()
        reset_all(self._matches, self._tables, self._settings, out)
        return out

    def restart(self, which: np.ndarray, out: Observation) -> None:
        """Start some matches anew, bool ``[B]``, with the characters that were last assigned to them, wherever their
        battles are. Writes their rows of ``out`` alone."""
        assert which.shape == (self.matches,) and which.dtype == np.bool_
        restart_some(self._matches, which, self._tables, out)

    def step(self, actions: np.ndarray, out: Observation | None = None) -> tuple[Observation, Step]:
        """Play one decision (3 ticks) of every match.

        Args:
            actions: int32 ``[P, B, H]``.
            out: buffers for the next observation; new ones where None.

        Raises:
            ValueError: an action is out of range or masked. Names match, player and action; nothing was played.
        """
        actions = self._legal(actions)
        out = out or self.empty_observation()
        result = Step(
            reward=np.empty((2, self.matches), np.float32),
            done=np.empty(self.matches, np.bool_),
            outcome=np.empty(self.matches, np.float32),
        )
        step_all(self._matches, self._tables, self._settings, actions, out, result)
        return out, result

    def ticks(self, actions: np.ndarray) -> np.ndarray:
        """The fighters after each tick of the decision that `step` would play with these actions, to be shown:
        `camtf.games.duel.state.FIGHTER` ``[TICKS_PER_DECISION, P, B]``. Plays nothing. Raises ValueError as `step`."""
        actions = self._legal(actions)
        copies = self._matches._replace(match=self._matches.match.copy(), fighters=self._matches.fighters.copy())
        shown = np.zeros((self.matches, TICKS_PER_DECISION, 2), FIGHTER)
        for b in range(self.matches):
            show_ticks(b, copies, self._tables, self._settings, actions, shown[b])
        return shown.transpose(1, 2, 0)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that the future depends on, arrays ``[B, ...]``; see `restore`."""
        return {
            "fighters": _bytes(self._matches.fighters).swapaxes(0, 1).copy(),
            "match": _bytes(self._matches.match).copy(),
            "next_characters": self._matches.next_characters.T.copy(),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a `state`. Raises ValueError where it is of other matches or another version of the rules."""
        own = self.state()
        for name, array in own.items():
            if state[name].shape != array.shape:
                raise ValueError(f"state of {name!r} has shape {state[name].shape}, this game needs {array.shape}")
        _bytes(self._matches.fighters)[...] = state["fighters"].swapaxes(0, 1)
        _bytes(self._matches.match)[...] = state["match"]
        self._matches.next_characters[...] = state["next_characters"].T

    def observe(self, out: Observation | None = None) -> Observation:
        """The current observation, without playing."""
        out = out or self.empty_observation()
        observe_all(self._matches, self._tables, out)
        return out

    def observe_ended(self, which: np.ndarray, out: Observation) -> None:
        """What both players of some matches, bool ``[B]``, saw when the battle that ended last there ended. Writes
        their rows of ``out`` alone. Means nothing where none has ended."""
        assert which.shape == (self.matches,) and which.dtype == np.bool_
        observe_ended(self._matches, which, self._tables, out)

    @property
    def fighters(self) -> np.ndarray:
        """Read-only view of the fighters, `camtf.games.duel.state.FIGHTER` ``[P, B]``; bots and events read it."""
        view = self._matches.fighters.view()
        view.flags.writeable = False
        return view

    @property
    def last_fighters(self) -> np.ndarray:
        """The fighters as the battle that ended last in each match left them, ``[P, B]``; zero where none has."""
        return self._matches.ended.copy()

    @property
    def events(self) -> dict[str, np.ndarray]:
        """The rules' counters of the running matches, each ``[P, B]``; ``starts`` of the skill head by kind and 5 s of
        time ``[P, B, K, TIME_BINS]``."""
        return _events(self._matches.fighters)

    @property
    def last_events(self) -> dict[str, np.ndarray]:
        """The same for the battle that ended last in each match; zero where none has."""
        return _events(self._matches.ended)

    @property
    def counted(self) -> tuple[str, ...]:
        """See `camtf.games.protocol.Counting`."""
        return COUNTED

    @property
    def longest(self) -> int:
        """See `camtf.games.protocol.Counting`: to the bell."""
        return MATCH_TICKS // TICKS_PER_DECISION

    def last_counts(self) -> np.ndarray:
        """See `camtf.games.protocol.Counting`."""
        return np.stack([self._matches.ended[f"event_{name}"] for name in COUNTED], axis=-1)

    def possible(self) -> np.ndarray:
        """See `camtf.games.protocol.Counting` and `camtf.games.duel.openings`."""
        out = np.zeros((2, self.matches, len(COUNTED)), np.bool_)
        find_openings(self._matches.fighters, self._tables.moves, out)
        return out

    def _legal(self, actions: np.ndarray) -> np.ndarray:
        """Actions as compiled code takes them. Raises ValueError where one is not allowed."""
        actions = np.ascontiguousarray(actions, np.int32)
        if actions.shape != (2, self.matches, 2):
            raise ValueError(f"actions must have shape {(2, self.matches, 2)}, got {actions.shape}")
        wrong = first_illegal(self._matches.fighters, actions, self.roster.moves)
        if wrong >= 0:
            self._refuse(actions, wrong)
        return actions

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
