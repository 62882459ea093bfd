"""A run that is measured: its population, its kinds of players, and whom they meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from camtf import distributed
from camtf.algorithms import population
from camtf.algorithms.specialists import latest
from camtf.config import ConfigError
from camtf.evaluation.behaviour import event_names
from camtf.evaluation.curves import curves
from camtf.evaluation.findings import BOTS, Curve
from camtf.evaluation.record import VERSION
from camtf.evaluation.sides import (
    Opposition,
    Players,
    as_opponents,
    bots,
    held_out,
    measured_kinds,
    players,
    trained,
)
from camtf.population.measuring import strategies_side
from camtf.population.pool import UNIFORM
from camtf.population.strategies import Strategies
from camtf.population.training import Context
from camtf.provenance import provenance
from camtf.reopen import reopen
from camtf.types import Snapshot


@dataclass(frozen=True)
class Options:
    """What to measure beside the run's own settings (`camtf.config.EvaluationConfig`).

    Attributes:
        seed: of all battles.
        opponents: directories of other runs: held-out populations.
        against: names of kinds that all kinds meet, too.
        exploiters: how many are trained against the population.
        exploiter_frames: learner frames of each.
    """

    seed: int
    opponents: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    exploiters: int = 0
    exploiter_frames: int = 1_000_000


class Subject:
    """A run as it is measured.

    Attributes:
        strategies: its population.
        side: plays every strategy as every character.
        specialists: by character id; empty where there are none.
        kinds: of players, the last Generalist first.
        trained: set (a) of opponents.
        others: set (b).
        oppositions: all sets.
        iterations: newer players, each with the ones before them.

    Raises:
        CheckpointError: stage 1 of the run, or of one that it is measured against, is not finished.
        ConfigError: the options do not fit the run.
    """

    def __init__(self, context: Context, options: Options) -> None:
        self.context, self.options = context, options
        self.strategies = population(context)
        self.side = strategies_side(context, self.strategies)
        self.specialists = finished_specialists(context, self.strategies)
        self.kinds = measured_kinds(context, self.strategies, self.specialists)
        self.trained = trained(context, latest(self.strategies, context.config.specialists.opponents))
        self.others = other_populations(context, options.opponents)
        by_name = {kind.name: kind for kind in self.kinds}
        for name in options.against:
            if name not in by_name:
                raise ConfigError(f"--against must be of {', '.join(by_name)}; got {name!r}")
        more = [as_opponents(by_name[name]) for name in options.against]
        self.iterations = self._iterations(by_name)
        self.oppositions = [self.trained, *self.others, *([bots(context)] if context.game.bots else []), *more]

    def games(self, opposition: Opposition) -> int:
        """Battles of a cell, so that all strategies of a population together are met as often as one, and every bot as
        often as the settings say."""
        evaluation = self.context.config.evaluation
        if opposition.found.group == BOTS:
            return -(-evaluation.bot_games // len(self.context.characters))
        return -(-evaluation.games // len(opposition.found.strategies))

    def _iterations(self, kinds: dict[str, Players]) -> list[tuple[Players, Players]]:
        """Newer players and the ones before them: the last two strategies of stage 1, and every kind of stage 2 with
        the Generalist that it began as."""
        found = []
        if len(self.strategies) > 1 and (self.strategies.serving[-2:, list(self.context.characters)] != UNIFORM).all():
            snapshots = [
                [self.strategies.snapshots[i] for i in self.strategies.serving[s, list(self.context.characters)]]
                for s in (-1, -2)
            ]
            newer, older = (
                players(self.context, name, own)
                for name, own in zip(self.strategies.names[:-3:-1], snapshots, strict=True)
            )
            found.append((newer, older))
        return found + [(kind, kinds["generalist"]) for name, kind in kinds.items() if name != "generalist"]

    def curves(self) -> list[Curve]:
        """What the metrics of the run's tasks say."""
        ids = [self.context.game.characters[c] for c in self.context.characters]
        names = [s.name for s in self.strategies.snapshots]
        return curves(self.context.run, self.context.config.generalists.algorithm, names, ids)

    def described(self) -> dict[str, Any]:
        """What a record says of the run, and of where it comes from itself."""
        context, game = self.context, self.context.game
        return {
            "version": VERSION,
            "run": context.run.path.name,
            "game": game.name,
            "game_digest": game.digest,
            "characters": tuple(game.characters[x] for x in context.characters),
            "titles": tuple(game.titles[x] for x in context.characters),
            "movement_names": game.spec.movement_names,
            "skill_names": game.spec.skill_names,
            "event_names": event_names(game),
            "algorithm": context.config.generalists.algorithm,
            "weights": self.weights(),
            "seed": self.options.seed,
            "ranks": distributed.size(),
            "training_seed": context.config.seed,
            "kinds": tuple(kind.found for kind in self.kinds),
            "opponents": tuple(opposition.found for opposition in self.oppositions),
            **provenance(),
        }

    def weights(self) -> dict[str, str]:
        """Digest of every policy of the run that is measured, by name."""
        found = {s.name: s.digest for s in (*self.strategies.snapshots, *self.specialists.values())}
        ids = [self.context.game.characters[c] for c in self.context.characters]
        for kind in self.kinds:
            if kind.name not in ("generalist", "specialist"):
                found |= {f"{kind.name}/{i}": s.digest for i, s in zip(ids, kind.snapshots, strict=True)}
        return found


def finished_specialists(context: Context, strategies: Strategies) -> dict[str, Snapshot]:
    """By character id; empty where stage 2 has not begun. Raises CheckpointError where some are missing."""
    ids = {context.game.characters[c]: c for c in context.characters}
    if not any(context.run.specialist_file(i).exists() for i in ids):
        return {}
    return {i: context.run.specialist(i, strategies.of(c)) for i, c in ids.items()}


def other_populations(context: Context, directories: tuple[str, ...]) -> list[Opposition]:
    """The populations of other runs: of each as many of its last strategies as stage 2 here trains against."""
    found: list[Opposition] = []
    for directory in directories:
        other = reopen(directory)
        path = other.run.path.resolve()
        label = path.name
        if label in [o.found.name for o in found] or path == context.run.path.resolve():
            raise ConfigError(f"--opponents must be other runs, each once and by a name of its own; got {directory!r}")
        last = latest(population(other), context.config.specialists.opponents)
        found.append(held_out(context, label, other, last))
    return found
