"""Win rates: kinds of players against sets of opponents, strategies against strategies, and gains battle by battle."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from camtf.evaluation.battles import PoolSide
from camtf.evaluation.fights import Fight, Lot, Played, Tally
from camtf.evaluation.findings import Gain, Performance, Strategies, Table
from camtf.evaluation.sides import Opposition, Players, digests_of
from camtf.games.pairing import pairings
from camtf.population import strategies as population
from camtf.population.meta_strategies import relative_population_performance
from camtf.population.training import Context


def seed_of(seed: int, *labels: str) -> int:
    """A seed for the battles of what these labels name, the same whoever plays the first side."""
    return int.from_bytes(hashlib.sha256(" ".join([str(seed), *labels]).encode()).digest()[:4], "little") >> 1


def fights_against(
    context: Context,
    kind: Players,
    opposition: Opposition,
    games: int,
    seed: int,
    tally: tuple[str, Callable[[np.ndarray], Callable[[Lot], Tally]]] | None = None,
) -> list[Fight]:
    """What a kind plays against a set of opponents, one fight for each side of the set.

    Args:
        games: battles of each cell, of which one half is played each way round; rounded up.
        tally: what to count beside: a name of it, and from the pairs of a fight what makes the counter of a lot.
    """
    fights, strategy = [], 0
    for number, side in enumerate(opposition.sides):
        pairs = pairings(context.game, kind.side.character, side.character)
        count = len(side.character) // len(context.characters)
        names = opposition.found.strategies[strategy : strategy + count]
        digests = opposition.found.digests[strategy : strategy + count]
        strategy += count
        fights.append(
            Fight(
                name=f"{kind.name}.{opposition.found.name}.{number}",
                content=f"{kind.found.digests} {names} {digests} {tally[0] if tally else ''}",
                first=kind.side,
                second=side,
                pairs=pairs,
                half=max(1, -(-games // 2)),
                seed=seed_of(seed, opposition.found.group, opposition.found.name, *names),
                tally=tally[1](pairs) if tally else None,
                possible=tally is not None,
            )
        )
    return fights


class Outcomes:
    """Every battle of a kind against a set of opponents, by cell.

    Attributes:
        outcome: of the kind, float64 ``[N, S, N, G]``; not a number where two cannot meet.
    """

    def __init__(self, kind: str, opponents: str, fights: list[Fight], played: list[Played]) -> None:
        self.kind, self.opponents = kind, opponents
        n = len(fights[0].first.character)
        parts = []
        for fight, found in zip(fights, played, strict=True):
            members = len(fight.second.character)
            outcome = np.full((n, members, 2 * fight.half), np.nan)
            outcome[fight.pairs[:, 0], fight.pairs[:, 1]] = found.outcome
            parts.append(outcome.reshape(n, members // n, n, -1))
        self.outcome = np.concatenate(parts, axis=1)

    @property
    def games(self) -> int:
        """G."""
        return int(self.outcome.shape[-1])

    def table(self) -> Table:
        """Win rates of the kind."""
        o = self.outcome
        return Table(self.kind, self.opponents, self.games, o.mean(axis=-1), o.var(axis=-1))

    def gain_over(self, control: Outcomes) -> Gain:
        """What this kind wins more than another in the same battles.

        Raises ValueError where they were not measured on the same ones.
        """
        if control.opponents != self.opponents or control.outcome.shape != self.outcome.shape:
            raise ValueError(
                f"gains are of the same battles: {self.kind} has {self.outcome.shape} against {self.opponents}, "
                f"{control.kind} {control.outcome.shape} against {control.opponents}"
            )
        d = self.outcome - control.outcome
        return Gain(self.kind, control.kind, self.opponents, self.games, d.mean(axis=-1), d.var(axis=-1))


def strategies_fight(
    context: Context, strategies: population.Strategies, side: PoolSide, games: int, seed: int
) -> Fight | None:
    """Every strategy against every one before it, over all pairs of characters; None where there is only one.

    Args:
        side: `camtf.population.measuring.strategies_side` of them.
        games: battles of a pair of strategies, rounded up so that every pair of characters has the same number.
    """
    n, count = len(context.characters), len(strategies)
    if count < 2:
        return None
    both = pairings(context.game, side.character[:n], side.character[:n])
    pairs = np.array(
        [(newer * n + i, older * n + j) for newer in range(count) for older in range(newer) for i, j in both]
    )
    return Fight(
        name="strategies",
        content=f"{strategies.names} {digests_of(strategies, context.characters)}",
        first=side,
        second=side,
        pairs=pairs,
        half=max(1, -(-games // (2 * len(both)))),
        seed=seed_of(seed, "strategies"),
    )


def strategies_found(
    context: Context, strategies: population.Strategies, fight: Fight | None, played: Played | None
) -> Strategies:
    """The table of `strategies_fight`."""
    count = len(strategies)
    mean, variance, games = np.full((count, count), 0.5), np.zeros((count, count)), 0
    if fight is not None and played is not None:
        newer, older = np.tril_indices(count, -1)
        outcome = played.outcome.reshape(len(newer), -1)
        games = outcome.shape[1]
        mean[newer, older], mean[older, newer] = outcome.mean(axis=1), 1.0 - outcome.mean(axis=1)
        variance[newer, older] = variance[older, newer] = outcome.var(axis=1)
    return Strategies(strategies.names, digests_of(strategies, context.characters), games, mean, variance)


def performance_fight(
    context: Context, own: population.Strategies, first: PoolSide, other: Opposition, games: int, seed: int
) -> Fight:
    """Every strategy of this run, played by ``first``, against every one of another's, over all pairs of characters."""
    second = other.sides[0]
    cells = pairings(context.game, first.character, second.character)
    each = len(cells) // (len(own) * len(other.found.strategies))
    return Fight(
        name=f"performance.{other.found.name}",
        content=f"{digests_of(own, context.characters)} {own.names} {other.found.digests} {other.found.strategies}",
        first=first,
        second=second,
        pairs=cells,
        half=max(1, -(-games // (2 * each))),
        seed=seed_of(seed, "performance", other.found.name),
    )


def performance_found(own: population.Strategies, other: Opposition, fight: Fight, played: Played) -> Performance:
    """Relative population performance from `performance_fight`."""
    names = other.found.strategies
    n = len(fight.first.character) // len(own)
    strategy = fight.pairs // n
    cell = strategy[:, 0] * len(names) + strategy[:, 1]
    wins = np.bincount(cell, played.outcome.sum(axis=1), minlength=len(own) * len(names))
    games = np.bincount(cell, minlength=len(own) * len(names)) * played.outcome.shape[1]
    mean = (wins / games).reshape(len(own), len(names))
    value = relative_population_performance(2.0 * mean - 1.0)
    return Performance(other.found.name, own.names, names, int(games[0]), mean, float(value))
