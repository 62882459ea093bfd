"""Advantage vectors against the prior iteration (M&M figure 1): ``A_k[j] = E[G_t - V_prior(s_t)]``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camtf.evaluation.battles import Turn
from camtf.evaluation.fights import Fight, Lot, Played
from camtf.evaluation.findings import Advantage
from camtf.evaluation.networks import Networks
from camtf.evaluation.sides import Players
from camtf.evaluation.tables import seed_of
from camtf.games.pairing import pairings
from camtf.population.training import Context
from camtf.types import Observation


def advantage_fight(context: Context, player: Players, prior: Players, games: int, seed: int) -> Fight:
    """A kind against the one before it, whose critics look on.

    Args:
        games: battles of each pair of characters, rounded up to an even number.
    """
    pairs = pairings(context.game, player.side.character, prior.side.character)
    ppo = context.config.ppo
    return Fight(
        name=f"advantage.{player.name}.{prior.name}",
        content=f"{player.found.digests} {prior.found.digests} {ppo.discount} {ppo.reward_scale}",
        first=player.side,
        second=prior.side,
        pairs=pairs,
        half=max(1, -(-games // 2)),
        seed=seed_of(seed, "advantage"),
        tally=summing(context, prior, pairs),
    )


def summing(context: Context, prior: Players, pairs: np.ndarray) -> Callable[[Lot], Returns]:
    """Makes the counter of a lot: returns and values of the first side of these pairs."""
    networks = Networks(context, prior.snapshots, np.array(context.characters))
    ppo = context.config.ppo

    def make(lot: Lot) -> Returns:
        return Returns(networks, pairs[lot.cell, 0], lot.player, ppo.discount, ppo.reward_scale)

    return make


class Returns:
    """Adds up ``G_t - V(s_t)`` over the decisions of every battle. Implements `camtf.evaluation.fights.Tally`.

    A reward after decision u is part of the returns of all decisions up to it, with less weight the earlier:

        sum_t G_t = sum_u r_u (1 + g + ... + g^u) = sum_u r_u (1 - g^(u+1)) / (1 - g)

    so that nothing has to be kept of a battle until it ends.

    Args:
        networks: the critics, by member of the first side.
        member, player: of the first side in each battle, int ``[n]``.
        discount: g, per decision.
        scale: of the reward that the critics have learned.
    """

    def __init__(
        self, networks: Networks, member: np.ndarray, player: np.ndarray, discount: float, scale: float
    ) -> None:
        self._networks, self._member, self._player = networks, member, player
        self._discount, self._scale = discount, scale
        self._advantage, self._length, self._weight = np.zeros((3, len(member)))

    def add(self, turn: Turn, battle: np.ndarray) -> None:
        """See `camtf.evaluation.fights.Tally`."""
        rows = np.flatnonzero(turn.counts)
        own = battle[rows]
        player = self._player[own]
        seen = Observation(*(x[player, rows] for x in turn.observation))
        values = self._networks.values(seen, self._member[own]).astype(np.float64) / self._scale
        self._weight[own] = 1.0 + self._discount * self._weight[own]
        self._advantage[own] += self._weight[own] * turn.reward[player, rows] - values
        self._length[own] += 1.0

    def rows(self) -> dict[str, np.ndarray]:
        """See `camtf.evaluation.fights.Tally`: the sum over each battle's decisions, and their number."""
        return {"advantage": self._advantage, "length": self._length}

    def sums(self) -> dict[str, np.ndarray]:
        """See `camtf.evaluation.fights.Tally`."""
        return {}


def advantage_found(player: str, prior: str, fight: Fight, played: Played) -> Advantage:
    """The vectors, and their standard errors as ratios of sums over battles."""
    n, m = len(fight.first.character), len(fight.second.character)
    total, length = played.rows["advantage"], played.rows["length"]
    games = total.shape[1]
    ratio = total.sum(axis=1) / length.sum(axis=1)
    left = total - ratio[:, None] * length
    errors = np.sqrt(np.square(left).sum(axis=1) * games / max(games - 1, 1)) / length.sum(axis=1)
    mean, error = np.full((2, n, m), np.nan)
    mean[fight.pairs[:, 0], fight.pairs[:, 1]] = ratio
    error[fight.pairs[:, 0], fight.pairs[:, 1]] = errors
    return Advantage(player, prior, games, mean, error)
