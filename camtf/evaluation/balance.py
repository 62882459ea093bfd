"""Is the game balanced? The payoffs between all characters when one scripted bot plays them all."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from camtf import distributed
from camtf.evaluation.battles import BotSide, play, turns
from camtf.evaluation.intervals import rate_with_interval
from camtf.games.duel.game import Duel
from camtf.games.duel.observation import ENVIRONMENT_AT, ENVIRONMENT_FIELDS
from camtf.games.duel.roster.schema import BUFFS
from camtf.games.duel.state import MATCH_TICKS, SKILLS, TICKS_PER_DECISION
from camtf.games.protocol import Game

MATCHES = 512
"""Battles that are played at the same time."""


class Split(NamedTuple):
    """A payoff matrix taken apart: ``payoff = 0.5 + transitive + cyclic``."""

    transitive: np.ndarray  # [N, N], difference of the characters' ratings
    cyclic: np.ndarray  # [N, N], the rest: antisymmetric, every row sums to 0
    rating: np.ndarray  # [N]


def split(payoff: np.ndarray) -> Split:
    """Transitive and cyclic part of win rates ``[N, N]``, ``payoff[j, i] = 1 - payoff[i, j]``.

    The combinatorial Hodge decomposition on the complete graph (Jiang et al. 2011; Balduzzi et al. 2019, section 2):
    ratings are row means, the transitive part is their difference, and what is left has no ratings at all.
    """
    lead = payoff - 0.5
    assert np.allclose(lead, -lead.T)
    rating = lead.mean(axis=1)
    transitive = rating[:, None] - rating[None, :]
    return Split(transitive, lead - transitive, rating)


def cyclic_share(first: np.ndarray, second: np.ndarray) -> float:
    """Share of the variance between pairs that is cyclic, sampling noise left out.

    ``first`` and ``second`` are payoffs ``[N, N]`` from two independent halves of the battles: noise has no covariance
    between them, so that the covariance of each part estimates its true variance.
    """
    one, two = split(first), split(second)
    pairs = np.triu_indices(len(first), 1)
    transitive, cyclic = (
        float(np.mean(getattr(one, part)[pairs] * getattr(two, part)[pairs])) for part in ("transitive", "cyclic")
    )
    return cyclic / (transitive + cyclic)


def payoffs(game: Game, bot: str, games: int, seed: int) -> np.ndarray:
    """Win rates ``[N, N]`` over ``games`` battles of every pair of different characters; 0.5 on the diagonal."""
    n = len(game.characters)
    pairs = np.stack(np.triu_indices(n, 1), axis=1)
    side = BotSide(game.bots[bot], np.arange(n))
    rate = play(game, side, side, pairs, games, seed, matches=MATCHES) / games
    payoff = np.full((n, n), 0.5)
    payoff[pairs[:, 0], pairs[:, 1]] = rate
    payoff[pairs[:, 1], pairs[:, 0]] = 1.0 - rate
    return payoff


def sampled_win_rates(game: Game, bot: str, opponents: int, games: int, seed: int) -> np.ndarray:
    """Win rate of every character ``[N]`` against some random others: quick, for tuning."""
    n = len(game.characters)
    rng = np.random.default_rng(seed)
    shifts = rng.choice(np.arange(1, n), size=min(opponents, n - 1), replace=False)
    pairs = np.array([(i, (i + shift) % n) for shift in shifts for i in range(n)])
    side = BotSide(game.bots[bot], np.arange(n))
    wins = play(game, side, side, pairs, games, seed, matches=MATCHES)
    won = np.bincount(pairs[:, 0], wins, n) + np.bincount(pairs[:, 1], games - wins, n)
    return won / (2 * len(shifts) * games)


def mirror(game: Game, bot: str, games: int, seed: int) -> dict[str, Any]:
    """Win rate of player 0 where both are the same character, over all characters; fair is 0.5."""
    n = len(game.characters)
    side = BotSide(game.bots[bot], np.arange(n))
    pairs = np.stack([np.arange(n)] * 2, axis=1)
    return rate_with_interval(float(play(game, side, side, pairs, games, seed, matches=MATCHES).sum()), games * n)


def census(game: Duel, bot: str, battles: int, seed: int) -> dict[str, Any]:
    """What is seen in battles of random pairs: how they end, and which skills, scrolls, summons and buffs occur. The
    ranks share the battles."""
    roster, n = game.roster, len(game.characters)
    pairs = np.random.default_rng(seed).integers(0, n, (battles, 2))
    numbers = np.arange(battles)[distributed.rank() :: distributed.size()]
    chosen, buffs, knocked_out = np.zeros((n, len(SKILLS))), np.zeros(len(BUFFS)), np.zeros(())
    last = TICKS_PER_DECISION / MATCH_TICKS
    time_left = ENVIRONMENT_AT + ENVIRONMENT_FIELDS.index("time_left")
    side = BotSide(game.bots[bot], np.arange(n))
    for turn in turns(game, side, side, numbers, pairs[numbers], seed, MATCHES):
        seen = turn.observation
        buffs += (seen.buff[:, turn.counts, 0, :, 0] > 0).sum(axis=(0, 1))
        np.add.at(chosen, (pairs[turn.battle[turn.counts]], turn.actions[:, turn.counts, 1].T), 1)
        knocked_out += (turn.done & (seen.basic[0, :, time_left] > 1.5 * last)).sum()
    chosen, buffs, knocked_out = distributed.sum_over_ranks((chosen, buffs, knocked_out), "census")
    used = chosen > 0
    scrolls, summons = roster.characters["scroll"], roster.characters["summon"]
    return {
        "battles": battles,
        "knock_out_share": float(knocked_out) / battles,
        "skills_unseen": [name for name, seen in zip(SKILLS, used.any(axis=0), strict=True) if not seen],
        "scrolls_unseen": _unseen(scrolls, used[:, SKILLS.index("scroll")]),
        "summons_unseen": _unseen(summons, used[:, SKILLS.index("summon")]),
        "buffs_unseen": [name for name, count in zip(BUFFS, buffs, strict=True) if count == 0],
    }


def _unseen(kind: np.ndarray, used: np.ndarray) -> list[int]:
    """Indices that some character carries and none has used."""
    return sorted(set(kind.tolist()) - set(kind[used].tolist()))
