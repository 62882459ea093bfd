"""Observations from battles that a Specialist really played, for calibrating, comparing and timing its model."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from camtf import distributed
from camtf.algorithms import population
from camtf.checkpoint import RunDirectory
from camtf.evaluation.battles import PoolSide, Turn, play
from camtf.games.loading import load_game, participants
from camtf.games.pairing import pairings
from camtf.games.protocol import Game
from camtf.model.loading import describe, load_network
from camtf.model.policy import BuildNetwork, Policy
from camtf.population.pool import Pool
from camtf.population.training import Context
from camtf.types import Observation, Snapshot

_POSITIONS_PER_BATTLE = 60
"""A guess at the shortest battles. Where they are shorter, more are played."""


class Specialists:
    """The Specialists of a run, each playing battles against the Generalist population.

    Args:
        build: made the run's networks; where None, what the run's configuration names.

    Raises:
        CheckpointError: the run is not complete, or of another game or network.
        ConfigError, GameError: the run's game or network cannot be loaded.
    """

    def __init__(self, run: RunDirectory, build: BuildNetwork | None = None) -> None:
        self.run = run
        self.config = run.config()
        self.game: Game = load_game(self.config)
        run.check_game(self.game)
        self.build = build or load_network(self.config.network, self.game.spec)
        if build is None:
            run.check_network(describe(self.build, self.config.network, self.game.spec))
        self.characters = participants(self.config, self.game)
        self.ids = [self.game.characters[c] for c in self.characters]
        strategies = population(Context(self.config, self.game, run, self.build))
        self.generalists: dict[str, Snapshot] = {i: strategies.of(c) for i, c in zip(self.ids, self.characters)}
        self.snapshots: dict[str, Snapshot] = {i: run.specialist(i, self.generalists[i]) for i in self.ids}
        self.pool = Pool(self.config.network, self.game.spec, list(self.snapshots.values()), self.build)
        characters = np.array(self.characters)
        self.side = PoolSide(self.pool, np.arange(len(characters)), characters)
        frozen = Pool(self.config.network, self.game.spec, list(strategies.snapshots), self.build)
        self.population = PoolSide(frozen, strategies.serving[-1, characters], characters)

    @property
    def weights(self) -> dict[str, str]:
        """Digests of the weights that models are made from, by snapshot."""
        return {s.name: s.digest for s in [*self.generalists.values(), *self.snapshots.values()]}

    @property
    def generalist(self) -> Snapshot:
        """The last Generalist. Raises ValueError where each character has a network of its own."""
        one = {s.name: s for s in self.generalists.values()}
        if len(one) > 1:
            raise ValueError(
                f"{self.run.path} has a Generalist for each character ({', '.join(one)}), not one that plays them all"
            )
        return next(iter(one.values()))

    def mixture(self, character: str) -> np.ndarray:
        """The mixture input that the Specialist always has, float32 ``[S]``."""
        return self.snapshots[character].mixture[self.game.characters.index(character)]

    def generalist_mixture(self, character: str) -> np.ndarray:
        """The mixture input of the last Generalist as a character, float32 ``[S]``."""
        return self.generalists[character].mixture[self.game.characters.index(character)]

    def policy(self, character: str) -> Policy:
        """The Specialist in Keras."""
        return self._keras(self.snapshots[character])

    def generalist_policy(self) -> Policy:
        """The last Generalist in Keras."""
        return self._keras(self.generalist)

    def _keras(self, snapshot: Snapshot) -> Policy:
        policy = Policy(self.config.network, self.game.spec, build=self.build)
        policy.set_weights(snapshot.weights)
        return policy

    def own_element(self, character: str) -> np.ndarray | None:
        """What always stands in the character's own row of the Element module, int32 ``[ELEMENT_WIDTH]``; None where
        the game does not say that this is always the same."""
        if not self.game.spec.fixed_elements:
            return None
        member = self.ids.index(character)
        _, opponent = self.against_population(member)[0]
        players = self.population.character[[member, opponent]]
        return self.game.make(0, np.zeros(1, np.int64)).reset(players[:, None]).element[0, 0, 0]

    def positions(self, character: str, count: int, seed: int) -> Observation:
        """``count`` observations of one Specialist, drawn at random from whole battles against every character of the
        Generalist population. Leaves ``[count, ...]``. Every rank calls."""
        return self._watch(self.side, self.ids.index(character), count, seed)

    def generalist_positions(self, count: int, seed: int) -> dict[str, np.ndarray]:
        """The same of the Generalist, as every character alike, with the mixture of each row; by input name."""
        each = -(-count // len(self.ids))
        parts = [self._watch(self.population, member, each, seed + member) for member in range(len(self.ids))]
        rows = np.random.default_rng(seed).permutation(each * len(parts))[:count]
        seen = {name: np.concatenate(leaves)[rows] for name, leaves in zip(Observation._fields, zip(*parts))}
        mixture = np.stack([self.generalist_mixture(i) for i in self.ids])
        return {**seen, "mixture": mixture[rows // each]}

    def against_population(self, member: int) -> np.ndarray:
        """Pairs of a member with every character of the population that it can meet, int ``[pairs, 2]``."""
        opponents = pairings(self.game, self.population.character[[member]], self.population.character)[:, 1]
        return np.stack([np.full_like(opponents, member), opponents], axis=1)

    def _watch(self, side: PoolSide, member: int, count: int, seed: int) -> Observation:
        """``count`` observations of one member of a side, in battles against the whole population."""
        pairs = self.against_population(member)
        seen = [self.game.spec.empty_observation(0)]

        def watch(turn: Turn) -> None:
            seen.append(Observation(*(x[0, turn.counts] for x in turn.observation)))

        found, played = 0, 0
        while found < count:
            expected = found / played if played else _POSITIONS_PER_BATTLE
            games = math.ceil((count - found) / (expected * len(pairs)))
            play(self.game, side, self.population, pairs, games, seed + played, watch=watch)
            played += games * len(pairs)
            found = int(distributed.sum_over_ranks([np.array(sum(len(x.mask) for x in seen))], "positions")[0])
        return draw(Observation(*(np.concatenate(leaves) for leaves in zip(*seen, strict=True))), count, seed)


def draw(own: Observation, count: int, seed: int) -> Observation:
    """``count`` of the observations of all ranks, drawn at random: the same on every rank, and the same however the
    ranks have shared them. Every rank calls with its own, leaves ``[n, ...]``; there must be enough together."""
    rows = [b"".join(x[i].tobytes() for x in own) for i in range(len(own.mask))]
    keys = np.frombuffer(b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in rows), np.int64)
    ranks = np.full(len(rows), distributed.rank())
    everyone = distributed.gather_rows({"key": keys, "rank": ranks, "row": np.arange(len(rows))})
    # Ordered by what they hold, so that who has seen one does not matter.
    order = np.lexsort((everyone["row"], everyone["rank"], everyone["key"]))
    chosen = order[np.random.default_rng(seed).permutation(len(order))[:count]]
    place = np.flatnonzero(everyone["rank"][chosen] == distributed.rank())
    mine = everyone["row"][chosen[place]]
    gathered = distributed.gather_rows({"place": place, **{name: x[mine] for name, x in own._asdict().items()}})
    back = np.argsort(gathered.pop("place"))
    return Observation(**{name: x[back] for name, x in gathered.items()})
