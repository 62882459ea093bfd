"""Play a list of battles to their ends, between any two sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from camtf import distributed
from camtf.games.duel.bots import BOTS
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import MOVEMENT_COUNT, SKILL_COUNT
from camtf.games.duel.roster import Roster
from camtf.model.policy import Policy
from camtf.population.pool import Pool
from camtf.prng import ACTIONS, uniforms
from camtf.types import Observation


class Side(Protocol):
    """One side of the battles: decides for n matches at once."""

    def act(self, view: View) -> np.ndarray:
        """Legal actions int32 ``[n, H]``."""


@dataclass(frozen=True)
class View:
    """What a side may look at."""

    observation: Observation  # leaves [n, ...]
    fighters: np.ndarray  # camtf.games.duel.state.FIGHTER [n]
    opponents: np.ndarray  # [n]
    entrant: np.ndarray  # [n], which of the side's entrants plays each match
    uniforms: np.ndarray  # float32 [n, M + K] in (0, 1)


@dataclass(frozen=True)
class PoolSide:
    """Entrants are snapshots of a pool; entrant e plays ``character[e]`` by snapshot ``snapshot[e]``."""

    pool: Pool
    snapshot: np.ndarray
    character: np.ndarray

    def act(self, view: View) -> np.ndarray:
        """See `Side`."""
        snapshot, character = self.snapshot[view.entrant], self.character[view.entrant]
        return self.pool.act(view.observation, snapshot, character, view.uniforms)


@dataclass(frozen=True)
class PolicySide:
    """Entrants are the characters that one policy plays, conditioned on ``mixture`` ``[roster, S]``."""

    policy: Policy
    mixture: np.ndarray
    character: np.ndarray

    def act(self, view: View) -> np.ndarray:
        """See `Side`."""
        return self.policy.act(view.observation, self.mixture[self.character[view.entrant]], view.uniforms)[0].numpy()


@dataclass(frozen=True)
class BotSide:
    """Entrant e plays ``character[e]`` by one scripted bot."""

    name: str
    character: np.ndarray

    def act(self, view: View) -> np.ndarray:
        """See `Side`."""
        seed = view.uniforms[:, 0].view(np.uint32)
        return BOTS[self.name](view.observation, view.fighters, view.opponents, np.random.default_rng(seed))


def play(
    roster: Roster,
    first: Side,
    second: Side,
    pairs: np.ndarray,
    games: int,
    seed: int,
    matches: int = 1024,
    watch: Callable[[Observation, np.ndarray], None] | None = None,
    input_delay_ticks: int = 0,
) -> np.ndarray:
    """Wins of the first side in every pair: battles won plus half of the draws, float ``[pairs]``.

    Every battle of the list is played to its end, so that short battles count no more than long ones; who begins on
    the left is drawn. The ranks share the battles, and all get the sums.

    Args:
        first, second: the sides; they have ``character``, by entrant.
        pairs: int ``[pairs, 2]``, entrant of the first side and of the second.
        games: battles per pair.
        matches: how many to play at a time.
        input_delay_ticks: of the game.
        watch: called with the first side's observation ``[n, ...]`` and a mask ``[n]`` of the matches that count.
    """
    battles = np.repeat(np.arange(len(pairs)), games)[distributed.rank() :: distributed.size()]
    wins = np.zeros(len(pairs))
    if len(battles):
        matches = min(matches, len(battles))
        schedule = np.full((-(-len(battles) // matches) + 1, matches), -1)
        schedule.flat[: len(battles)] = battles
        ids = np.arange(matches) * distributed.size() + distributed.rank()
        game = DuelGame(roster, matches, seed, match_ids=ids, input_delay_ticks=input_delay_ticks)
        _play_schedule(game, first, second, pairs, schedule, seed, ids, wins, watch)
    return distributed.sum_over_ranks([wins], "evaluation")[0]


def _play_schedule(
    game: DuelGame,
    first: Side,
    second: Side,
    pairs: np.ndarray,
    schedule: np.ndarray,
    seed: int,
    ids: np.ndarray,
    wins: np.ndarray,
    watch: Callable[[Observation, np.ndarray], None] | None,
) -> None:
    """Play column b of the schedule ``[rounds, matches]`` one after the other in match b; -1 ends a column."""
    matches = schedule.shape[1]
    columns = np.arange(matches)
    played = np.zeros(matches, np.int64)

    def characters(which: np.ndarray) -> np.ndarray:
        pair = pairs[which]
        return np.stack([first.character[pair[:, 0]], second.character[pair[:, 1]]])  # type: ignore[attr-defined]

    observation = game.reset(characters(schedule[0]))
    step = 0
    while True:
        now = schedule[played, columns]
        active = now >= 0
        if not active.any():
            return
        following = schedule[np.minimum(played + 1, len(schedule) - 1), columns]
        game.assign(characters(following))
        noise = uniforms(seed, ACTIONS, step, ids, (2, MOVEMENT_COUNT + SKILL_COUNT))
        if watch is not None:
            watch(Observation(*(x[0] for x in observation)), active)
        fighters = game.fighters
        actions = [
            side.act(
                View(
                    Observation(*(x[p] for x in observation)), fighters[p], fighters[1 - p], pairs[now][:, p],
                    np.ascontiguousarray(noise[:, p]),
                )
            )
            for p, side in enumerate((first, second))
        ]  # fmt: skip
        observation, result = game.step(np.stack(actions), observation)
        ended = result.done & active
        np.add.at(wins, now[ended], result.outcome[ended])
        played[ended] += 1
        step += 1
