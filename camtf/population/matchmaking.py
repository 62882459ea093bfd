"""From the interaction graph to matchups: who meets whom, and what each side is told. Drawn for every episode."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit

from camtf.learn.rollout import EVALUATED, LEARNED, MIRRORED
from camtf.population.payoffs import Nodes
from camtf.types import Matchups

NO_SLOT = -1
"""Strategy of a learner that was told a mixture of no slot's: its battles are no slot's either."""


@dataclass(frozen=True)
class Graph:
    """An interaction graph as far as matchups need it, over n nodes.

    Attributes:
        learners: nodes that learn, int ``[r]``, each drawn with the same probability.
        sigma: the mixture of opponents of each, float ``[r, n]``; a row of zeros where it has none.
        told: what a policy is conditioned on as each node, float32 ``[n, S]``.
        mirror: mixtures of the learner's own nodes for mirrored matches, float ``[r, n]``, or None.
        evaluated: pairs of nodes whose battles are only counted, int ``[e, 2]``, or None.
        any_mixture: share of the learned episodes whose mixture is drawn from a symmetric Dirichlet(1) over
            ``mixable``, the same for opponent and conditioning (Simplex-NeuPL, Liu et al. 2022).
        mixable: strategies that such a mixture is of.
    """

    learners: np.ndarray
    sigma: np.ndarray
    told: np.ndarray
    mirror: np.ndarray | None = None
    evaluated: np.ndarray | None = None
    any_mixture: float = 0.0
    mixable: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


class GraphMatchmaker:
    """Draws matchups from a graph. Implements `camtf.learn.rollout.Matchmaker`.

    Args:
        nodes: what the graph's nodes are.
        graph: followed until another one is given to `follow`; battles under way keep the mixture that they began with.
    """

    def __init__(self, nodes: Nodes, graph: Graph) -> None:
        self.nodes = nodes
        self.chances = 5 + graph.told.shape[1] * (graph.any_mixture > 0)
        self._participants = np.array(nodes.characters)
        self._strategy, self._character = nodes.strategy, nodes.character
        self.follow(graph)

    def follow(self, graph: Graph) -> None:
        """From now on draw from this graph."""
        n = self.nodes.count
        assert graph.sigma.shape == (len(graph.learners), n) and graph.told.shape[0] == n
        assert self.chances == 5 + graph.told.shape[1] * (graph.any_mixture > 0)
        self.graph = graph
        if self.nodes.roles and self.nodes.by_character:
            same = self._character[graph.learners, None] == self._character
            assert not graph.sigma[same].any() and (graph.mirror is None or not graph.mirror[same].any())
        self._sigma = np.cumsum(graph.sigma, axis=1)
        self._mirror = None if graph.mirror is None else np.cumsum(graph.mirror, axis=1)

    def conditioning(self, characters: int) -> np.ndarray:
        """What the newest learner is told as each of all characters of the game, float32 ``[characters, S]``."""
        table = np.zeros((characters, self.graph.told.shape[1]), np.float32)
        for node in self.graph.learners:  # where a strategy learns beside an older one, the newer stands last
            own = self._participants if self._character[node] < 0 else self._character[node]
            table[own] = self.graph.told[node]
        return table

    @property
    def learned_characters(self) -> np.ndarray:
        """The characters that a learner plays, int ``[k]``."""
        own = self._character[self.graph.learners]
        return self._participants if (own < 0).any() else np.unique(own)

    def draw(self, uniforms: np.ndarray, kind: np.ndarray) -> Matchups:
        """See `camtf.learn.rollout.Matchmaker`."""
        g, leading = self.graph, uniforms.shape[:-1]
        u = uniforms.reshape(-1, self.chances)
        kinds = np.broadcast_to(kind, leading).ravel()
        row = _index(u[:, 0], len(g.learners))
        node = np.stack([g.learners[row], g.learners[row]])
        for purpose, cumulative in ((LEARNED, self._sigma), (MIRRORED, self._mirror)):
            which = np.flatnonzero(kinds == purpose)
            if len(which):
                assert cumulative is not None, "mirrored matches need a mixture of own nodes"
                node[1, which] = search(cumulative, row[which], u[which, 1])
        which = np.flatnonzero(kinds == EVALUATED)
        if len(which):
            assert g.evaluated is not None, "matches that are only counted need pairs of nodes"
            node[:, which] = g.evaluated[_index(u[which, 0], len(g.evaluated))].T
        strategy, told = self._strategy[node], g.told[node]
        if g.any_mixture:
            which = np.flatnonzero((kinds == LEARNED) & (u[:, 4] < g.any_mixture))
            mixture, drawn = _dirichlet(u[which, 5:], u[which, 1], g.mixable, g.told.shape[1])
            strategy[0, which], strategy[1, which] = NO_SLOT, drawn
            told[0, which], told[1, which] = mixture, g.told[drawn]
        drawn_character = self._participants[_index(u[:, 2:4].T, len(self._participants))]
        if self.nodes.roles:
            drawn_character[1] = self._participants.sum() - drawn_character[0]  # the other one of two
        character = np.where(self._character[node] < 0, drawn_character, self._character[node])
        shaped = [
            np.moveaxis(x.reshape(2, *leading, *x.shape[2:]), 0, len(leading) - 1) for x in (strategy, character, told)
        ]
        return Matchups(shaped[0].astype(np.int32), shaped[1].astype(np.int32), np.ascontiguousarray(shaped[2]))


def _index(uniforms: np.ndarray, count: int) -> np.ndarray:
    """One of ``count`` indices for each number, uniformly."""
    return np.minimum((uniforms * count).astype(np.int64), count - 1)


def _dirichlet(
    uniforms: np.ndarray, opponent: np.ndarray, mixable: np.ndarray, slots: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mixtures from a symmetric Dirichlet(1) over some strategies, float32 ``[n, S]``, and a strategy drawn from each.

    Exponential numbers, divided by their sum, are such a mixture (Devroye 1986, ch. XI, theorem 4.1).
    """
    exponential = -np.log(uniforms[:, : len(mixable)].astype(np.float64))
    weights = exponential / exponential.sum(axis=1, keepdims=True)
    mixture = np.zeros((len(weights), slots), np.float32)
    mixture[:, mixable] = weights
    return mixture, mixable[search(np.cumsum(weights, axis=1), np.arange(len(weights)), opponent)]


def search(cumulative: np.ndarray, row: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Index drawn from a row of cumulative distributions ``[rows, n]`` for each uniform number, int ``[k]``."""
    drawn = np.empty(len(row), np.int64)
    _search(cumulative, row, np.ascontiguousarray(uniforms), drawn)
    return drawn


@njit(cache=True)
def _search(cumulative: np.ndarray, row: np.ndarray, uniforms: np.ndarray, drawn: np.ndarray) -> None:
    for i in range(len(drawn)):
        own = cumulative[row[i]]  # sums may end a rounding error off 1
        drawn[i] = np.searchsorted(own, uniforms[i] * own[-1])
