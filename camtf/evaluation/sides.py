"""Who is measured, and against whom: kinds of players and sets of opponents, ready to play."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from camtf.checkpoint import RunDirectory
from camtf.config import ConfigError
from camtf.evaluation.battles import BotSide, PoolSide, Side
from camtf.evaluation.findings import BOTS, HELD_OUT, PLAYERS, TRAINED, Kind, Opponents
from camtf.games.loading import participants
from camtf.population.measuring import strategies_side
from camtf.population.pool import UNIFORM
from camtf.population.strategies import Strategies
from camtf.population.training import Context
from camtf.types import Snapshot


@dataclass(frozen=True)
class Players:
    """A kind that is measured: member k of the side plays the k-th character that takes part.

    Attributes:
        snapshots: by character, ``[N]``.
    """

    name: str
    snapshots: tuple[Snapshot, ...]
    side: PoolSide

    @property
    def found(self) -> Kind:
        """As a record names it."""
        return Kind(self.name, tuple(s.digest for s in self.snapshots))


def players(context: Context, name: str, snapshots: list[Snapshot]) -> Players:
    """A kind of which each character is played by one of these, ``[N]``."""
    distinct = list({s.digest: s for s in snapshots}.values())
    place = {s.digest: i for i, s in enumerate(distinct)}
    index = np.array([place[s.digest] for s in snapshots])
    return Players(name, tuple(snapshots), PoolSide(context.pool(distinct), index, np.array(context.characters)))


@dataclass(frozen=True)
class Opposition:
    """A set of opponents: members of a side are strategies as every character, strategy-major.

    Attributes:
        found: as a record names it.
        sides: one after the other they hold the set's strategies.
    """

    found: Opponents
    sides: tuple[Side, ...]


def digests_of(strategies: Strategies, characters: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    """Of the policy of each strategy as each character, ``[S][N]``; empty where it plays uniformly."""

    def digest(index: int) -> str:
        return "" if index == UNIFORM else strategies.snapshots[index].digest

    return tuple(tuple(digest(row[c]) for c in characters) for row in strategies.serving)


def trained(context: Context, strategies: Strategies) -> Opposition:
    """(a) The population that stage 2 trains against."""
    return _of_strategies(context, "trained", TRAINED, strategies)


def held_out(context: Context, label: str, other: Context, strategies: Strategies) -> Opposition:
    """(b) The population of another run, on this run's characters.

    Raises ConfigError where the other run was trained on another game, or never played one of these characters.
    """
    if other.game.digest != context.game.digest:
        raise ConfigError(
            f"--opponents: {label} was trained on the game {other.game.digest[:16]} (rules and roster), this run on "
            f"{context.game.digest[:16]}"
        )
    strangers = sorted(set(context.characters) - set(participants(other.config, other.game)))
    if strangers:
        raise ConfigError(f"--opponents: {label} was not trained with {context.game.characters[strangers[0]]}")
    served = strategies_side(other, strategies, context.characters)
    digests = digests_of(strategies, context.characters)
    return Opposition(Opponents(label, HELD_OUT, strategies.names, digests), (served,))


def bots(context: Context) -> Opposition:
    """(c) The game's scripted bots."""
    characters = np.array(context.characters)
    none = tuple(("",) * len(characters) for _ in context.game.bots)
    sides = tuple(BotSide(bot, characters) for bot in context.game.bots.values())
    return Opposition(Opponents("bots", BOTS, tuple(context.game.bots), none), sides)


def as_opponents(kind: Players) -> Opposition:
    """A kind of this run's own, to be met by the others."""
    found = Opponents(kind.name, PLAYERS, (kind.name,), (kind.found.digests,))
    return Opposition(found, (kind.side,))


def measured_kinds(context: Context, strategies: Strategies, specialists: dict[str, Snapshot]) -> list[Players]:
    """The last Generalist, the Specialists and the controls that the run has."""
    ids = [context.game.characters[c] for c in context.characters]
    kinds = [players(context, "generalist", [strategies.of(c) for c in context.characters])]
    if specialists:
        kinds.append(players(context, "specialist", [specialists[i] for i in ids]))
    start = {i: strategies.of(c) for i, c in zip(ids, context.characters, strict=True)}
    for name, found in controls(context.run, start).items():
        kind = players(context, name, [found[i] for i in ids])
        if kind.found.digests not in [other.found.digests for other in kinds]:  # `start` may be the Generalist itself
            kinds.append(kind)
    return kinds


def controls(run: RunDirectory, start: Mapping[str, Snapshot]) -> dict[str, Mapping[str, Snapshot]]:
    """What Specialists are compared with beside the Generalist, as far as the run has it: by name, the policy of each
    character id.

    Args:
        start: the Generalist of each character id.
    """
    return {name: run.control(name, start) for name in run.controls()}


def _of_strategies(context: Context, name: str, group: str, strategies: Strategies) -> Opposition:
    found = Opponents(name, group, strategies.names, digests_of(strategies, context.characters))
    return Opposition(found, (strategies_side(context, strategies),))
