"""The pool of frozen snapshots, served together."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numba import njit

from camtf.config import NetworkConfig
from camtf.model.policy import BuildNetwork, Policy, PolicyOutput, build_network, compiled, rows_of, sample, tensor
from camtf.population.graph import InteractionGraph
from camtf.types import GameSpec, Observation, Snapshot


class Pool:
    """Frozen snapshots that act in one call, each row by its own. Implements `camtf.learn.rollout.Opponents`
    through `playing`.

    The weights of all snapshots are stacked, so that each layer is one batched matrix product. Rows are sorted by
    snapshot into ``[snapshots, most rows of any]``.
    """

    def __init__(
        self,
        config: NetworkConfig,
        spec: GameSpec,
        snapshots: list[Snapshot],
        build: BuildNetwork = build_network,
    ) -> None:
        self.snapshots = snapshots
        self._policy = Policy(config, spec, build=build)
        stacked = []
        for snapshot in snapshots:
            self._policy.set_weights(snapshot.weights)
            stacked.append([v.numpy() for v in self._policy.network.trainable_variables])
        self._weights = [tf.constant(np.stack(of_all)) for of_all in zip(*stacked, strict=True)]
        self._mixtures = np.array([s.mixture for s in snapshots], np.float32)

    @functools.cached_property
    def _act(self) -> Callable[..., tf.Tensor]:
        more = rows_of(tf.float32), rows_of(tf.int32), tf.TensorSpec((None,), tf.int32)
        return compiled(self._act_all, *self._policy.inputs, *more)

    def act(
        self, observation: Observation, snapshot: np.ndarray, character: np.ndarray, uniforms: np.ndarray
    ) -> np.ndarray:
        """Actions int32 ``[n, H]`` of n rows, row i played by ``snapshot[i]`` as ``character[i]``."""
        if len(snapshot) == 0:
            return np.zeros((0, 2), np.int32)
        mixture = self._mixtures[snapshot, character]
        rows, slot = _arrange(snapshot, len(self.snapshots))
        return self._act(Observation(*map(tensor, observation)), mixture, uniforms, rows, slot).numpy()

    def playing(self, graph: InteractionGraph) -> PoolPlayer:
        """The pool as the opponents of a graph's nodes."""
        return PoolPlayer(self, graph)

    def _act_all(
        self, observation: Observation, mixture: tf.Tensor, uniforms: tf.Tensor, rows: tf.Tensor, slot: tf.Tensor
    ) -> tf.Tensor:
        inputs = {name: tf.gather(x, rows) for name, x in {**observation._asdict(), "mixture": mixture}.items()}

        def by_one(arguments: tuple[list[tf.Tensor], dict[str, tf.Tensor]]) -> tuple[tf.Tensor, tf.Tensor]:
            weights, own = arguments
            outputs, _ = self._policy.network.stateless_call(weights, [], own)
            return outputs["movement"], outputs["skill"]

        logits = tf.vectorized_map(by_one, (self._weights, inputs))
        movement, skill = (tf.gather(tf.reshape(x, (-1, x.shape[-1])), slot) for x in logits)
        return sample(PolicyOutput(movement, skill, tf.zeros(())), observation.mask, uniforms)


@dataclass(frozen=True)
class PoolPlayer:
    """A pool acting for the nodes of a graph."""

    pool: Pool
    graph: InteractionGraph

    def act(self, observation: Observation, node: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """See `camtf.learn.rollout.Opponents`."""
        return self.pool.act(observation, self.graph.snapshot_of(node), self.graph.node_character(node), uniforms)


@njit(cache=True)
def _arrange(snapshot: np.ndarray, snapshots: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows that each snapshot computes, int32 ``[snapshots, most of any]``, and where among them each row stands,
    ``[n]``. What is left over computes row 0 once more."""
    counts = np.zeros(snapshots, np.int64)
    slot = np.empty(len(snapshot), np.int32)
    for row, own in enumerate(snapshot):
        slot[row] = counts[own]
        counts[own] += 1
    rows = np.zeros((snapshots, counts.max()), np.int32)
    for row, own in enumerate(snapshot):
        rows[own, slot[row]] = row
        slot[row] += own * rows.shape[1]
    return rows, slot
