"""Matches of the duel one episode at a time, as the interfaces of other libraries want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from camtf.games.duel.compiled import compiled
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import MOVEMENT_COUNT, SKILL_COUNT
from camtf.games.duel.roster import Roster
from camtf.prng import counted_uniforms, decision_uniforms, match_seeds
from camtf.types import Observation, Step

ILLEGAL = ("nothing", "refuse")
"""What becomes of a choice that the mask forbids."""

Pair = Sequence[str | None]
"""Ids of the characters of player 0 and player 1; None for any, drawn anew for every episode."""

_STARTS, _CHARACTERS, _CHANCE = range(3)
"""What the random numbers of a match are for."""


class Episodes:
    """B matches of a `DuelGame`, each of which stands still when its battle has ended, its last moment to be seen,
    until it is begun anew.

    All that happens in a match depends on its own seed and on what is done in it: the same match alone and among others
    is the same bit for bit.

    Attributes:
        seen: the current observation of both players, leaves ``[P, B, ...]``; written to by every call.
        ended: bool ``[B]``, the matches that stand still.
        game: what is being played, for bots.

    Args:
        roster: who can fight.
        matches: B.
        characters: who fights; anybody where None.
        illegal: one of ILLEGAL: the head with a forbidden choice does nothing, or ValueError.
        staggered: see `DuelGame`; the episodes begun by `start`.
    """

    game: DuelGame
    seen: Observation

    def __init__(
        self,
        roster: Roster,
        matches: int,
        characters: Pair | None = None,
        illegal: str = "nothing",
        staggered: bool = False,
    ) -> None:
        if illegal not in ILLEGAL:
            raise ValueError(f"illegal must be one of {', '.join(ILLEGAL)}; got {illegal!r}")
        self.roster = roster
        self.matches = matches
        self._characters = self._indices(characters)
        self._illegal = illegal
        self._staggered = staggered
        self.ended = np.ones(matches, np.bool_)
        self._playing = np.zeros((2, matches), np.int64)
        self._episode = np.zeros(matches, np.int64)
        self._decision = np.zeros(matches, np.int64)

    def start(self, seeds: np.ndarray, characters: Pair | None = None) -> None:
        """Begin the first episode of every match. ``seeds``: uint64 ``[B]``, one for all the chance of each match."""
        self._character_seeds = match_seeds(_CHARACTERS, seeds)
        self._chance_seeds = match_seeds(_CHANCE, seeds)
        self._episode[:] = self._decision[:] = 0
        everyone = np.ones(self.matches, np.bool_)
        self._draw(everyone, characters)
        self.game = DuelGame(self.roster, self.matches, _STARTS, match_ids=seeds, staggered=self._staggered)
        self.seen = self.game.reset(self._playing)
        self.ended = ~everyone

    def begin(self, which: np.ndarray, characters: Pair | None = None) -> None:
        """Begin the next episode of some matches, bool ``[B]``, wherever they are. Raises RosterError on an unknown
        character."""
        self._episode[which] += 1
        self._decision[which] = 0
        self._draw(which, characters)
        self.game.assign(self._playing)
        self.game.restart(which, self.seen)
        self.ended = self.ended & ~which

    def play(self, actions: np.ndarray, anew: np.ndarray | None = None) -> Step:
        """One decision of every match.

        Args:
            actions: int32 ``[P, B, H]``, each in its range. Forbidden ones are changed in place where they do nothing.
            anew: bool ``[B]``, matches that begin anew in place of it: without a reward.

        Raises:
            RuntimeError: a match has ended, and is not to begin anew.
            ValueError: a choice is forbidden, and to be refused. Nothing was played.
        """
        over = self.ended if anew is None else self.ended & ~anew
        if over.any():
            raise RuntimeError(f"no match is running: call reset() first (match {int(over.argmax())})")
        if anew is not None:
            actions[:, anew] = 0
        if self._illegal == "nothing":
            _make_legal(actions, self.seen.mask)
        _, step = self.game.step(actions, self.seen)
        self._decision += 1
        if anew is not None and anew.any():
            self.begin(anew)
            step.reward[:, anew] = 0.0
        self.ended = step.done.copy()
        if step.done.any():
            self.game.observe_ended(step.done, self.seen)
        return step

    def uniforms(self) -> np.ndarray:
        """The chance of a bot in the coming decision, float32 ``[B, M + K]`` in (0, 1)."""
        return decision_uniforms(self._chance_seeds, self._episode, self._decision, MOVEMENT_COUNT + SKILL_COUNT)

    def characters_of(self, match: int) -> tuple[str, str]:
        """Ids of both characters of a match."""
        first, second = (self.roster.ids[int(c)] for c in self._playing[:, match])
        return first, second

    def _indices(self, characters: Pair | None) -> list[int | None]:
        """Raises ValueError, RosterError where the id is unknown."""
        pair = (None, None) if characters is None else characters
        if isinstance(pair, str) or len(pair) != 2:
            raise ValueError(f"characters must be two, each an id or None for any; got {characters!r}")
        return [None if character is None else self.roster.index(character) for character in pair]

    def _draw(self, which: np.ndarray, characters: Pair | None) -> None:
        """Who plays the episodes that begin."""
        pair = self._characters if characters is None else self._indices(characters)
        matches = np.flatnonzero(which)
        for player, character in enumerate(pair):
            if character is None:
                seeds, episodes = self._character_seeds[matches], self._episode[matches]
                drawn = counted_uniforms(seeds, episodes, np.full(len(matches), player)) * len(self.roster)
            self._playing[player, matches] = drawn.astype(np.int64) if character is None else character


@compiled
def _make_legal(actions: Any, mask: Any) -> None:
    for player in range(actions.shape[0]):
        for b in range(actions.shape[1]):
            if mask[player, b, actions[player, b, 0]] == 0:
                actions[player, b, 0] = 0
            if mask[player, b, MOVEMENT_COUNT + actions[player, b, 1]] == 0:
                actions[player, b, 1] = 0
