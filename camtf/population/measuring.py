"""What finished strategies win from each other, in battles played for nothing else, and what they are worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camtf.evaluation.battles import PoolSide, play
from camtf.evaluation.intervals import NORMAL_95
from camtf.games.pairing import pairings
from camtf.population.equilibrium import centred, nash, relative_population_performance
from camtf.population.payoffs import against
from camtf.population.strategies import Strategies
from camtf.population.training import Context

_SEED = 40_000
"""Of the battles, with the run's own seed: unlike any that was trained on."""


@dataclass(frozen=True)
class Measured:
    """What is known of n finished strategies.

    Attributes:
        payoffs: U, ``[n, n]``.
        games: battles behind each edge of it, ``[n, n]``; older ones may count less than one.
        mixtures: whom each was trained against among those before it, ``[n, n]``; zeros for who was trained against
            none of them.
    """

    payoffs: np.ndarray
    games: np.ndarray
    mixtures: np.ndarray


NOTHING = Measured(np.zeros((0, 0)), np.zeros((0, 0)), np.zeros((0, 0)))
"""Of no strategies."""


def with_newest(context: Context, strategies: Strategies, known: Measured, mixture: np.ndarray) -> Measured:
    """What is known, and the last of the strategies, which meets all before it. Every rank calls.

    Args:
        mixture: of the strategies before it, whom it was trained against, ``[n - 1]``.
    """
    newest = len(strategies) - 1
    payoffs, games, mixtures = (np.pad(x, (0, 1)) for x in (known.payoffs, known.games, known.mixtures))
    pairs = [(newest, older) for older in range(newest)]
    payoffs[newest, :newest], each = win_rates(context, strategies, pairs, context.config.generalists.measured_games)
    payoffs[:, newest] = 1.0 - payoffs[newest]
    payoffs[newest, newest] = 0.5
    games[newest, :newest] = games[:newest, newest] = each
    mixtures[newest, :newest] = mixture
    return Measured(payoffs, games, mixtures)


def win_rates(
    context: Context, strategies: Strategies, pairs: list[tuple[int, int]], games: int
) -> tuple[np.ndarray, int]:
    """How often the first strategy of each pair beats the second, float ``[pairs]``, characters and sides uniformly,
    and the number of battles of each pair.

    Every rank calls. Over all pairs of characters where ``games`` is enough for them, else over a sample of them, so
    that each pair of strategies has about ``games`` battles.
    """
    if not pairs:
        return np.zeros(0), 0
    characters = np.array(context.characters)
    n = len(characters)
    both = pairings(context.game, characters, characters)
    if len(both) > games:
        both = np.random.default_rng(_SEED).permutation(both)[:games]
    side = strategies_side(context, strategies)
    entrants = np.array([(i * n + x, j * n + y) for i, j in pairs for x, y in both])
    each = -(-games // len(both))
    wins = play(context.game, side, side, entrants, each, _SEED + context.config.seed)
    return wins.reshape(len(pairs), -1).mean(axis=1) / each, each * len(both)


def strategies_side(context: Context, strategies: Strategies, characters: tuple[int, ...] = ()) -> PoolSide:
    """Every strategy as every character, strategy-major: member ``i * N + x`` is strategy i as the x-th character.

    Args:
        context: of the run whose networks these are.
        characters: where they are not those that take part in it.
    """
    played = np.array(characters or context.characters)
    serving = strategies.serving[:, played].ravel()
    return PoolSide(context.pool(list(strategies.snapshots)), serving, np.tile(played, len(strategies)))


def effective_population(measured: Measured, margin: float) -> int:
    """How many strategies surely beat the Nash mixture of all before them: the lower 97.5% bound of their win rate
    against it is above 0.5 by more than a margin. The first one beats none.
    """
    count = 0
    for i in range(1, len(measured.payoffs)):
        mixture = nash(centred(measured.payoffs[:i, :i]))
        rate, error = against(measured.payoffs[i, :i], measured.games[i, :i], mixture)
        count += rate - NORMAL_95 * error > 0.5 + margin
    return int(count)


def since_each(payoffs: np.ndarray) -> np.ndarray:
    """What the strategies after each one but the last gain against the population until then, float ``[n - 1]``.

    `relative_population_performance` of the block of new against old of ``A = 2 U - 1``, from -1 to 1.
    """
    a = centred(payoffs)
    return np.array([relative_population_performance(a[k:, :k]) for k in range(1, len(a))])
