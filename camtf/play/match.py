"""One match of a person against an opponent, decision by decision, kept as a replay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camtf.games.duel import replay as replays
from camtf.games.duel.game import Duel
from camtf.games.duel.rules.conditions import towards
from camtf.games.duel.state import MOVEMENTS, SKILLS
from camtf.play.opponents import Opponent
from camtf.play.person import Person

PERSON = "person"
"""Who played player 0, in the replay."""


@dataclass(frozen=True)
class Turn:
    """What a decision of both came to.

    Attributes:
        ticks: the fighters after each of its ticks, `camtf.games.duel.state.FIGHTER` ``[TICKS_PER_DECISION, P]``.
        actions: what both chose, int ``[P, H]``.
    """

    ticks: np.ndarray
    actions: np.ndarray


class Match:
    """A match that is being played. The person is player 0.

    Args:
        characters: ids of the person's and the opponent's.
        seed: of where both start.

    Raises:
        RosterError: there is no such character.
    """

    def __init__(self, game: Duel, characters: tuple[str, str], opponent: Opponent, seed: int) -> None:
        self.game = game
        self.characters = characters
        self.person = Person()
        self.outcome: float | None = None
        self.opponent = opponent
        self._seed = seed
        self._actions: list[np.ndarray] = []
        self.indices = [game.roster.index(i) for i in characters]
        self._match = game.make(seed, np.zeros(1, np.int64))
        self._observation = self._match.reset(np.array(self.indices)[:, None])
        self.fighters = self._match.fighters[:, 0].copy()

    @property
    def decisions(self) -> int:
        """How many have been played."""
        return len(self._actions)

    @property
    def legal(self) -> np.ndarray:
        """What the person may choose now: movements, then skills, 0 or 1 each. Nothing after the end."""
        now = self._observation.mask[0, 0, : len(MOVEMENTS) + len(SKILLS)]  # after the end, of a match not played
        return now if self.outcome is None else np.zeros_like(now)

    def play(self) -> Turn:
        """Play a decision. Where it is the last one, ``outcome`` is 1, 0.5 or 0 afterwards: won, drawn, lost."""
        fighters = self._match.fighters[:, 0]
        own = self.person.act(self._observation.mask[0, 0], int(towards(fighters[0], fighters[1])))
        actions = np.stack([own, self.opponent.act(self._match, self._observation)])
        ticks = self._match.ticks(actions[:, None])[..., 0]
        self._observation, step = self._match.step(actions[:, None])
        self._actions.append(actions)
        self.fighters = ticks[-1]
        if step.done[0]:
            self.outcome = float(step.outcome[0])
        return Turn(ticks, actions)

    def replay(self) -> replays.Replay:
        """The finished match. Raises ReplayError before its end."""
        actions = np.stack(self._actions) if self._actions else np.zeros((0, 2, 2), np.int32)
        return replays.record(
            self.game.roster, self.characters, actions, self._seed, (PERSON, self.opponent.title),
            self.game.input_delay_ticks,
        )  # fmt: skip
