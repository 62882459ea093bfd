"""What training, evaluation and export may know of a game.

A `Game` says what there is to play: the shapes of its observations, its characters, its scripted opponents. It makes
`BatchedGame`, many matches side by side, which is what is played.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from camtf.types import GameSpec, Observation, Step


class GameError(ValueError):
    """What a game is made of, its data or settings, is not as it must be. Says what and where."""


class BatchedGame(Protocol):
    """B matches side by side, two players each. `camtf.games.duel.env.DuelGame` is one.

    A match that has ended restarts by itself with the characters that were last assigned. Everything depends on the
    seed and the matches' global ids alone. `docs/own_game.md` has a whole one.
    """

    spec: GameSpec
    matches: int  # B
    characters: int  # N, or 1 where all play alike

    def empty_observation(self, *leading: int) -> Observation:
        """Buffers ``leading + [P, B]``."""

    def assign(self, characters: np.ndarray) -> None:
        """Who plays each match from its next start on, int ``[P, B]``."""

    def reset(self, characters: np.ndarray, out: Observation | None = None) -> Observation:
        """Start every match with these characters."""

    def step(self, actions: np.ndarray, out: Observation | None = None) -> tuple[Observation, Step]:
        """One decision of everyone, int32 ``[P, B, H]``; the observations after it, written to ``out``."""

    def observe(self, out: Observation | None = None) -> Observation:
        """The current observations again."""

    def state(self) -> dict[str, np.ndarray]:
        """All that the future depends on, ``[B, ...]``: what a checkpoint keeps."""

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a `state`."""


@runtime_checkable
class Counting(Protocol):
    """What a `BatchedGame` may offer beside: it counts events that analyses ask for, E kinds of them."""

    @property
    def counted(self) -> tuple[str, ...]:
        """Names of what is counted, ``[E]``."""

    @property
    def longest(self) -> int:
        """Decisions of the longest battle that there can be."""

    def last_counts(self) -> np.ndarray:
        """How often each player did it in the battle that ended last in each match, int ``[P, B, E]``."""

    def possible(self) -> np.ndarray:
        """Whether each player's coming decision could make it happen, as far as the state says, bool ``[P, B, E]``."""


class Bot(Protocol):
    """A scripted opponent: plays one side of every match of a game."""

    def __call__(self, game: BatchedGame, player: int, observation: Observation, uniforms: np.ndarray) -> np.ndarray:
        """Legal actions int32 ``[B, H]`` of ``player`` (0 or 1).

        Args:
            game: the matches being played, for what an observation does not show.
            observation: what this player sees, leaves ``[B, ...]``.
            uniforms: float32 ``[B, M + K]`` in (0, 1), all the chance there is: a row's decision depends on its own.
        """


class Game(Protocol):
    """A two-player zero-sum game for many characters. `camtf.games.duel.game.Duel` is one.

    Two things more may be offered, for `camtf.population.belief`: an attribute ``fully_observed``, true where a player
    knows what the other one sees and does; or, where something is hidden, what `InformationStates` has. And for people:
    ``situations``, see `camtf.games.situations`.
    """

    @property
    def name(self) -> str:
        """For people."""

    @property
    def spec(self) -> GameSpec:
        """Shapes of the four modules and the two heads."""

    @property
    def characters(self) -> tuple[str, ...]:
        """Ids of all characters, in the order of the numbers that `BatchedGame.assign` takes. An id is made of
        lower-case letters, digits and underscores, for it names files."""

    @property
    def default_characters(self) -> tuple[str, ...]:
        """Those that take part where a run names none."""

    @property
    def titles(self) -> tuple[str, ...]:
        """Names of the characters for people, in the same order."""

    @property
    def roles(self) -> bool:
        """Are the two characters the roles, or seats, of the game? Then each match is between one and the other. Else
        any character can meet any, itself too."""

    @property
    def digest(self) -> str:
        """Changes with the rules and the data; policies of one digest are refused in a game of another."""

    @property
    def bots(self) -> Mapping[str, Bot]:
        """Scripted opponents by name, the weakest first; empty where there are none."""

    def make(self, seed: int, match_ids: np.ndarray, staggered: bool = False) -> BatchedGame:
        """B matches with these global ids, int ``[B]``. ``staggered``: their first battles begin at different stages,
        for training (a batch that goes through a long battle in step teaches one stage at a time)."""


class InformationStates(Protocol):
    """What a game offers beside `Game` that is small enough to list all that can be known in it.

    It has one movement. A policy is a table float64 ``[I, K]`` then: probabilities of the skills in each of the I
    information states of both players. Its matches say where their players are: ``information_state``, int ``[P, B]``.
    """

    @property
    def information_states(self) -> Observation:
        """What is seen in each, leaves ``[I, ...]``."""

    def likelihoods(self, tables: Sequence[np.ndarray]) -> np.ndarray:
        """How likely each policy makes it, as the opponent, to come to each information state, own choices aside,
        float64 ``[I, n]``."""
