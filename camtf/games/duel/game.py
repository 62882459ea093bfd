"""`Duel`: the duel as a `camtf.games.protocol.Game`."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from camtf.config import RewardConfig
from camtf.games.duel.bots import BOTS
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.roster import Roster
from camtf.games.duel.situations import SITUATIONS
from camtf.games.duel.state import RULES_VERSION
from camtf.types import GameSpec

if TYPE_CHECKING:
    from camtf.games.protocol import Bot
    from camtf.games.situations import Situation


@dataclass(frozen=True)
class Duel:
    """The duel with a roster. Implements `camtf.games.protocol.Game`.

    Args:
        roster: who can fight.
        reward: weights of the reward.
        input_delay_ticks: ticks from choice to start.
    """

    roster: Roster
    reward: RewardConfig = field(default_factory=RewardConfig)
    input_delay_ticks: int = 0
    name: str = "duel"

    @functools.cached_property
    def spec(self) -> GameSpec:
        """Shapes of the observation and the heads."""
        return duel_spec(self.roster)

    @property
    def characters(self) -> tuple[str, ...]:
        """Ids of the roster."""
        return tuple(self.roster.ids)

    @property
    def default_characters(self) -> tuple[str, ...]:
        """All that are not held out."""
        return tuple(i for i in self.roster.ids if i not in self.roster.holdout)

    @property
    def titles(self) -> tuple[str, ...]:
        """Names of the characters."""
        return tuple(self.roster.names)

    @property
    def roles(self) -> bool:
        """Anybody can meet anybody."""
        return False

    @property
    def fully_observed(self) -> bool:
        """What one sees, the other sees; and what one chooses, unless it starts later."""
        return self.input_delay_ticks == 0

    @property
    def digest(self) -> str:
        """Of the version of the rules and the roster."""
        return hashlib.sha256(f"{RULES_VERSION} {self.roster.digest}".encode()).hexdigest()

    @property
    def bots(self) -> Mapping[str, Bot]:
        """The scripted opponents."""
        return BOTS

    @property
    def situations(self) -> Mapping[str, Situation]:
        """What a designer may ask of a moment."""
        return SITUATIONS

    def make(self, seed: int, match_ids: np.ndarray, staggered: bool = False) -> DuelGame:
        """Matches of the duel."""
        return DuelGame(
            self.roster, len(match_ids), seed, self.reward, match_ids, self.input_delay_ticks, staggered=staggered
        )
