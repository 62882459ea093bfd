"""Observations from battles that a Specialist really played, for calibrating, comparing and timing its model."""

from __future__ import annotations

import numpy as np

from camtf.checkpoint import RunDirectory
from camtf.evaluation.battles import PoolSide, Turn, play
from camtf.games.duel.game import Duel
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.roster import Roster, load_roster
from camtf.games.loading import participants
from camtf.model.policy import Policy
from camtf.population.pool import Pool
from camtf.types import Observation, Snapshot

_POSITIONS_PER_BATTLE = 60
"""Fewer than the shortest battles have, so that enough are always found."""


class Specialists:
    """The Specialists of a run, each playing battles against the Generalist population.

    Raises:
        CheckpointError: the run is not complete, or of another roster.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.config = run.config()
        self.roster: Roster = load_roster(self.config.game.roster) if self.config.game.roster else load_roster()
        run.check_game(Duel(self.roster))
        self.game = Duel(self.roster, self.config.reward, self.config.game.input_delay_ticks)
        self.characters = participants(self.config, self.game)
        self.ids = [self.roster.ids[c] for c in self.characters]
        self.snapshots: dict[str, Snapshot] = {i: run.read_snapshot(run.specialist_file(i)) for i in self.ids}
        self.pool = Pool(self.config.network, duel_spec(self.roster), list(self.snapshots.values()))
        n = len(self.characters)
        characters = np.array(self.characters)
        self.side = PoolSide(self.pool, np.arange(n), characters)
        self.generalist = run.generalists()[-1]
        generalist = Pool(self.config.network, duel_spec(self.roster), [self.generalist])
        self.population = PoolSide(generalist, np.zeros(n, np.int64), characters)

    def mixture(self, character: str) -> np.ndarray:
        """The mixture input that the Specialist always has, float32 ``[S]``."""
        return self.snapshots[character].mixture[self.roster.index(character)]

    def policy(self, character: str) -> Policy:
        """The Specialist in Keras."""
        return self._keras(self.snapshots[character])

    def generalist_policy(self) -> Policy:
        """The last Generalist in Keras."""
        return self._keras(self.generalist)

    def _keras(self, snapshot: Snapshot) -> Policy:
        policy = Policy(self.config.network, duel_spec(self.roster))
        policy.set_weights(snapshot.weights)
        return policy

    def own_element(self, character: str) -> np.ndarray:
        """What always stands in the character's own row of the Element module, int32 ``[ELEMENT_WIDTH]``."""
        return self.roster.element_module[self.roster.index(character)]

    def positions(self, character: str, count: int, seed: int) -> Observation:
        """``count`` observations of one Specialist, drawn at random from whole battles against every character of the
        Generalist population. Leaves ``[count, ...]``."""
        entrant = self.ids.index(character)
        return self._watch(self.side, [(entrant, opponent) for opponent in range(len(self.ids))], count, seed)

    def generalist_positions(self, count: int, seed: int) -> dict[str, np.ndarray]:
        """The same of the Generalist as every character, with the mixture of each row; by input name."""
        n = len(self.ids)
        seen = self._watch(self.population, [(i, j) for i in range(n) for j in range(n)], count, seed)
        return {**seen._asdict(), "mixture": self.generalist.mixture[seen.element[:, 0, 0]]}

    def _watch(self, side: PoolSide, pairs: list[tuple[int, int]], count: int, seed: int) -> Observation:
        seen: list[Observation] = []

        def watch(turn: Turn) -> None:
            seen.append(Observation(*(x[0, turn.counts] for x in turn.observation)))

        games = -(-count // (_POSITIONS_PER_BATTLE * len(pairs)))
        play(self.game, side, self.population, np.array(pairs), games, seed, watch=watch)
        joined = Observation(*(np.concatenate(leaves) for leaves in zip(*seen, strict=True)))
        rows = np.random.default_rng(seed).permutation(len(joined.mask))[:count]
        assert len(rows) == count
        return Observation(*(x[rows] for x in joined))
