"""Battles to their ends, between any two sides.

A battle is the same wherever and beside whatever it is played: all its chance, its start and every action of both
sides, comes from the seed and its number in the list, and `PoolSide` and `PolicySide` compute each row by itself. So a
list has the same outcomes on any number of ranks and for any number of matches at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from camtf import distributed
from camtf.games.protocol import BatchedGame, Bot, Counting, Game
from camtf.model.policy import Policy
from camtf.population.pool import EXACT_ROWS, Pool
from camtf.prng import ACTIONS, uniforms
from camtf.types import Observation, Step

_DECISIONS = 1 << 24
"""More than a battle can have: (battle, decision) as one number."""

_ENDED_SHARE = 1 / 16
"""Part of the matches that may have ended before others take their places. Waiting costs decisions that do not count,
taking places costs a copy of all states."""


@dataclass(frozen=True)
class View:
    """What a side may look at to decide for the n matches of a game."""

    game: BatchedGame  # for bots, which may read its state
    player: int  # 0 or 1, whom the side plays
    observation: Observation  # what that player sees, leaves [n, ...]
    member: np.ndarray  # int [n], which of the side's members plays each match
    uniforms: np.ndarray  # float32 [n, M + K] in (0, 1), all the chance there is


class Side(Protocol):
    """One side of battles: any number of members, each of which plays one character."""

    @property
    def character(self) -> np.ndarray:
        """Character of each member, int ``[members]``."""

    def act(self, view: View) -> np.ndarray:
        """Legal actions int32 ``[n, H]``."""


@dataclass(frozen=True)
class PoolSide:
    """Member i plays ``character[i]`` by snapshot ``snapshot[i]`` of a pool, conditioned as it was trained."""

    pool: Pool
    snapshot: np.ndarray
    character: np.ndarray

    def act(self, view: View) -> np.ndarray:
        """See `Side`."""
        snapshot, character = self.snapshot[view.member], self.character[view.member]
        mixture = self.pool.mixture(snapshot, character)
        return self.pool.act(view.observation, snapshot, mixture, view.uniforms, exact=True)


@dataclass(frozen=True)
class PolicySide:
    """Member i plays ``character[i]`` by one policy for all, conditioned on ``mixture`` ``[characters, S]``."""

    policy: Policy
    mixture: np.ndarray
    character: np.ndarray

    def act(self, view: View) -> np.ndarray:
        """See `Side`."""
        n = len(view.member)
        rows = np.arange(-(-n // EXACT_ROWS) * EXACT_ROWS) % n
        observation = Observation(*(x[rows] for x in view.observation))
        mixture = self.mixture[self.character[view.member[rows]]]
        return self.policy.act(observation, mixture, view.uniforms[rows])[0].numpy()[:n]


@dataclass(frozen=True)
class BotSide:
    """Member i plays ``character[i]`` by one scripted bot for all."""

    bot: Bot
    character: np.ndarray

    def act(self, view: View) -> np.ndarray:
        """See `Side`."""
        return self.bot(view.game, view.player, view.observation, view.uniforms)


@dataclass(frozen=True)
class Turn:
    """One decision of every match under way, once it has been played."""

    game: BatchedGame  # after the decision; what has ended has begun anew, which counts for nothing
    battle: np.ndarray  # int [B], number of each match's battle
    counts: np.ndarray  # bool [B]; False: the battle ended before, the match waits for another
    observation: Observation  # before the decision, leaves [P, B, ...]; memory that is used again
    actions: np.ndarray  # int32 [P, B, H]
    reward: np.ndarray  # float32 [P, B]
    possible: np.ndarray | None  # bool [P, B, E], what a `Counting` game counts and was possible; None where unasked
    done: np.ndarray  # bool [B], battles that ended with this decision
    outcome: np.ndarray  # float32 [B], of those: 1 player 0 won, 0.5 draw, 0 player 1 won


def play(
    game: Game,
    first: Side,
    second: Side,
    pairs: np.ndarray,
    games: int,
    seed: int,
    matches: int = 1024,
    watch: Callable[[Turn], None] | None = None,
) -> np.ndarray:
    """Wins of the first side in every pair: battles won plus half of the draws, float ``[pairs]``.

    Every battle of the list is played to its end, so that short battles count no more than long ones. The ranks
    share the battles, and all get the sums.

    Args:
        first, second: the sides; the first one is player 0.
        pairs: int ``[pairs, 2]``, member of the first side and of the second.
        games: battles per pair.
        matches: how many to play at a time.
        watch: called after every decision.
    """
    rank, size = distributed.rank(), distributed.size()
    wins = play_share(game, first, second, pairs, games, seed, rank, size, matches, watch)
    return distributed.sum_over_ranks([wins], "evaluation")[0]


def play_share(
    game: Game,
    first: Side,
    second: Side,
    pairs: np.ndarray,
    games: int,
    seed: int,
    rank: int,
    size: int,
    matches: int = 1024,
    watch: Callable[[Turn], None] | None = None,
) -> np.ndarray:
    """The part of `play` that is one rank's: each ``size``-th battle."""
    battles = np.arange(len(pairs) * games)[rank::size]
    wins = np.zeros(len(pairs))
    for turn in turns(game, first, second, battles, pairs[battles // games], seed, matches):
        if watch is not None:
            watch(turn)
        np.add.at(wins, turn.battle[turn.done] // games, turn.outcome[turn.done])
    return wins


def turns(
    game: Game,
    first: Side,
    second: Side,
    battles: np.ndarray,
    pairs: np.ndarray,
    seed: int,
    matches: int,
    possible: bool = False,
) -> Iterator[Turn]:
    """Play battles to their ends, decision by decision.

    Args:
        battles: their numbers, int ``[n]``, each once.
        pairs: who plays each, int ``[n, 2]``, member of the first side and of the second.
        matches: how many to play at a time; ValueError where there is none.
        possible: ask a `Counting` game what was possible before each decision.
    """
    if matches < 1:
        raise ValueError(f"matches must be at least 1, got {matches}")
    characters = np.stack([first.character[pairs[:, 0]], second.character[pairs[:, 1]]])
    under_way = _UnderWay(game, battles, characters, seed, matches)
    heads = game.spec.movements + game.spec.skills
    while under_way.fill():
        rows, batch, seen = under_way.rows, under_way.batch, under_way.observation
        places = battles[rows].astype(np.uint64) * _DECISIONS + under_way.decisions.astype(np.uint64)
        chance = uniforms(seed, ACTIONS, 0, places, (2, heads), time_major=True)
        actions = np.stack([
            side.act(View(batch, p, Observation(*(x[p] for x in seen)), pairs[rows, p], chance[p]))
            for p, side in enumerate((first, second))
        ])  # fmt: skip
        counts = under_way.counts.copy()
        chances = batch.possible() if possible and isinstance(batch, Counting) else None
        result = under_way.step(actions)
        yield Turn(batch, battles[rows], counts, seen, actions, result.reward, chances, result.done, result.outcome)


class _UnderWay:
    """The matches being played.

    Attributes:
        rows: place in the list of each match's battle, int ``[B]``.
        decisions: how many each battle has had.
        counts: whether it goes on.
        batch: the matches.
        observation: what is seen now.
    """

    batch: BatchedGame
    observation: Observation

    def __init__(self, game: Game, battles: np.ndarray, characters: np.ndarray, seed: int, matches: int) -> None:
        self._game, self._battles, self._characters, self._seed = game, battles, characters, seed
        self._matches = matches
        self._started = 0
        self.rows, self.decisions = np.zeros((2, 0), np.int64)
        self.counts = np.zeros(0, np.bool_)

    def fill(self) -> bool:
        """Give the places of battles that have ended to the next ones, or give them up. False: none is left."""
        ended = len(self.rows) - int(self.counts.sum())
        if len(self.rows) and ended < max(1.0, _ENDED_SHARE * len(self.rows)):
            return True
        going = np.flatnonzero(self.counts)
        last = min(self._started + self._matches - len(going), len(self._battles))
        new = np.arange(self._started, last)
        if not len(going) + len(new):
            return False
        self._started = last
        self._place(going, new)
        return True

    def _place(self, going: np.ndarray, new: np.ndarray) -> None:
        """A batch of the matches that go on, with their states, and of new ones."""
        states = [{name: x[going] for name, x in self.batch.state().items()}] if len(going) else []
        self.rows = np.concatenate([self.rows[going], new])
        self.decisions = np.concatenate([self.decisions[going], np.zeros_like(new)])
        self.counts = np.ones(len(self.rows), np.bool_)
        if len(new):
            begun = self._game.make(self._seed, self._battles[new])
            observation = begun.reset(self._characters[:, new])
            states.append(begun.state())
        if len(going):
            begun = self._game.make(self._seed, self._battles[self.rows])
            begun.restore({name: np.concatenate([s[name] for s in states]) for name in states[0]})
            observation = begun.observe()
        self.batch, self.observation, self._spare = begun, observation, begun.empty_observation()

    def step(self, actions: np.ndarray) -> Step:
        """Play a decision. Returns what came of it; done are battles that ended with it, once."""
        after, result = self.batch.step(actions, self._spare)
        self.observation, self._spare = after, self.observation
        done = result.done & self.counts
        self.counts &= ~done
        self.decisions += 1
        return result._replace(done=done)
