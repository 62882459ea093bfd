"""Who plays against the person: a policy, made weaker as the person likes, or a scripted opponent."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import MOVEMENT_COUNT, SKILL_COUNT
from camtf.games.duel.state import TICKS_PER_DECISION, TICKS_PER_SECOND
from camtf.games.protocol import Bot
from camtf.settings import Checked, setting
from camtf.types import Observation

MILLISECONDS_PER_DECISION = 1000 * TICKS_PER_DECISION // TICKS_PER_SECOND
MOST_TEMPERATURE = 5.0
MOST_DELAY = 10
_PLAYER = 1
"""The person is player 0."""


class ModelsError(ValueError):
    """There is no such model, or it cannot be used. Says what there is."""


@dataclass(frozen=True)
class Offer:
    """A kind of policies that can be played against.

    Attributes:
        kind: ``specialist`` or ``generalist``, say; no name of a scripted opponent.
        precisions: which models of it there are.
        characters: ids of those that it can play.
    """

    kind: str
    precisions: tuple[str, ...]
    characters: tuple[str, ...]


class Model(Protocol):
    """A policy that plays one character."""

    def choose(self, seen: Observation, legal: np.ndarray, temperature: float, uniforms: np.ndarray) -> np.ndarray:
        """An action int32 ``[H]``.

        Args:
            seen: what the decision is made from, leaves ``[1, ...]``.
            legal: the Action-Mask ``[1, MASK_WIDTH]`` of the moment at which it is to start.
            temperature: divides the logits before an action is drawn; 0 takes the most probable one.
            uniforms: numbers in (0, 1), ``[1, M + K]``, all the chance there is.
        """


class Models(Protocol):
    """Where policies come from."""

    @property
    def offers(self) -> tuple[Offer, ...]:
        """What there is, the best opponent first; at least one."""

    def open(self, kind: str, character: str, precision: str) -> Model:
        """One of them. Raises ModelsError, or ValueError where it is damaged."""


@dataclass(frozen=True)
class Wish(Checked):
    """The opponent that a person asks for.

    Attributes:
        opponent: the kind of an `Offer`, or the name of a scripted opponent.
        character: id of whom it plays.
        precision: of the model; of no meaning for a scripted opponent.
        temperature, delay: see `Learned`; of no meaning for a scripted opponent.
    """

    opponent: str
    character: str
    precision: str = ""
    temperature: float = setting(1.0, "what logits are divided by; 0: the best action", 0.0, MOST_TEMPERATURE)
    delay: int = setting(0, "decisions of 100 ms from seeing to acting", 0, MOST_DELAY)


class Opponent(Protocol):
    """Plays player 1 of one match."""

    @property
    def title(self) -> str:
        """For people, in the replay."""

    def act(self, game: DuelGame, observation: Observation) -> np.ndarray:
        """The next action int32 ``[H]``. Observation leaves are ``[P, 1, ...]``."""


class Learned:
    """A policy that sees late and chooses at random, as far as it is told to.

    Args:
        temperature: above 1 it chooses more evenly than it was trained to, below 1 more greedily; 0 is the best action.
        delay: it acts by what was seen so many decisions ago, among what is legal now.
    """

    def __init__(self, model: Model, title: str, temperature: float, delay: int, rng: np.random.Generator) -> None:
        self.title = title
        self._model = model
        self._temperature = temperature
        self._rng = rng
        self._seen: deque[Observation] = deque(maxlen=delay + 1)

    def act(self, game: DuelGame, observation: Observation) -> np.ndarray:
        now = Observation(*(x[_PLAYER].copy() for x in observation))
        self._seen.append(now)
        return self._model.choose(self._seen[0], now.mask, self._temperature, _uniforms(self._rng))


class Scripted:
    """A bot of the game."""

    def __init__(self, bot: Bot, title: str, rng: np.random.Generator) -> None:
        self.title = title
        self._bot = bot
        self._rng = rng

    def act(self, game: DuelGame, observation: Observation) -> np.ndarray:
        seen = Observation(*(x[_PLAYER] for x in observation))
        return self._bot(game, _PLAYER, seen, _uniforms(self._rng).astype(np.float32))[0]


def _uniforms(rng: np.random.Generator) -> np.ndarray:
    """In (0, 1), ``[1, M + K]``."""
    return rng.uniform(1e-9, 1.0 - 1e-9, (1, MOVEMENT_COUNT + SKILL_COUNT))
