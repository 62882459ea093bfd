"""Win rates between frozen strategies, from battles played for nothing else."""

from __future__ import annotations

import numpy as np

from camtf.evaluation.battles import PoolSide, play
from camtf.games.pairing import pairings
from camtf.population.strategies import Strategies
from camtf.population.training import Context

_SEED = 40_000
"""Of the battles, with the run's own seed: unlike any that was trained on."""


def win_rates(context: Context, strategies: Strategies, pairs: list[tuple[int, int]], games: int) -> np.ndarray:
    """How often the first strategy of each pair beats the second, float ``[pairs]``, characters and sides uniformly.

    Every rank calls. Over all pairs of characters where ``games`` is enough for them, else over a sample of them, so
    that each pair of strategies has about ``games`` battles.
    """
    if not pairs:
        return np.zeros(0)
    characters = np.array(context.characters)
    n = len(characters)
    both = pairings(context.game, characters, characters)
    if len(both) > games:
        both = np.random.default_rng(_SEED).permutation(both)[:games]
    side = side_of(context, strategies)
    entrants = np.array([(i * n + x, j * n + y) for i, j in pairs for x, y in both])
    each = -(-games // len(both))
    wins = play(context.game, side, side, entrants, each, _SEED + context.config.seed)
    return wins.reshape(len(pairs), -1).mean(axis=1) / each


def side_of(context: Context, strategies: Strategies) -> PoolSide:
    """Every strategy as every character of the run, strategy-major: member ``i * N + x`` is i as the x-th."""
    strategy = np.repeat(np.arange(len(strategies)), len(context.characters))
    character = np.tile(np.array(context.characters), len(strategies))
    return PoolSide(context.pool(list(strategies.snapshots)), strategies.serving[strategy, character], character)
