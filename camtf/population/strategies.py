"""Frozen strategies: what stage 1 leaves and stage 2 trains against, and how they are served as opponents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camtf.model.policy import Policy
from camtf.population.payoffs import Nodes
from camtf.population.pool import UNIFORM, Pool
from camtf.types import Observation, Snapshot


@dataclass(frozen=True)
class Strategies:
    """Strategies by number, each a frozen policy for every character.

    Attributes:
        names: for people and for files.
        snapshots: the policies behind them.
        serving: which of them plays a strategy as each of the game's characters, int ``[strategies, characters]``;
            `camtf.population.pool.UNIFORM` for the strategy that plays uniformly over what is legal.
    """

    names: tuple[str, ...]
    snapshots: tuple[Snapshot, ...]
    serving: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def of(self, character: int) -> Snapshot:
        """Who plays a character by the last strategy."""
        return self.snapshots[self.serving[-1, character]]

    def told(self, slots: int) -> np.ndarray:
        """What each strategy is conditioned on as each character, float32 ``[strategies, characters, S]``."""
        table = np.zeros((*self.serving.shape, slots), np.float32)
        for strategy, character in zip(*np.nonzero(self.serving != UNIFORM), strict=True):
            table[strategy, character] = self.snapshots[self.serving[strategy, character]].mixture[character]
        return table

    def told_as(self, nodes: Nodes, slots: int) -> np.ndarray:
        """What policies are conditioned on as nodes (strategy, character), float32 ``[n, S]``: these strategies as they
        were frozen; zeros for what comes after them."""
        table = np.zeros((nodes.count, slots), np.float32)
        frozen = np.flatnonzero(nodes.strategy < len(self))
        table[frozen] = self.told(slots)[nodes.strategy[frozen], nodes.character[frozen]]
        return table


def one_policy_each(snapshots: list[Snapshot], characters: int, uniform_first: bool = False) -> Strategies:
    """Strategies of which each is one conditional policy for all characters.

    Args:
        characters: number of the game's characters.
        uniform_first: strategy 0 is the uniform one, before them.
    """
    index = [*([UNIFORM] if uniform_first else []), *range(len(snapshots))]
    names = [*(["uniform"] if uniform_first else []), *(s.name for s in snapshots)]
    serving = np.repeat(np.array(index, np.int64)[:, None], characters, axis=1)
    return Strategies(tuple(names), tuple(snapshots), serving.reshape(-1, characters))


@dataclass(frozen=True)
class Served:
    """A pool acting for strategies. Implements `camtf.learn.rollout.Opponents`.

    Attributes:
        serving: the pool's policy of each strategy as each character, int ``[strategies, characters]``.
        live: the pool's policy that is a copy of the learner's own, or None.
    """

    pool: Pool
    serving: np.ndarray
    live: int | None = None

    def act(
        self, observation: Observation, strategy: np.ndarray, character: np.ndarray, mixture: np.ndarray,
        uniforms: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        """See `camtf.learn.rollout.Opponents`."""
        return self.pool.act(observation, self.serving[strategy, character], mixture, uniforms)

    def refresh(self, policy: Policy) -> None:
        """The live policy takes over the learner's weights."""
        if self.live is not None:
            self.pool.set_weights(self.live, policy.get_weights())
