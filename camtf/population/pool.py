"""The pool of frozen snapshots, served together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from camtf.config import NetworkConfig
from camtf.model.policy import Policy, sample
from camtf.population.graph import InteractionGraph
from camtf.types import GameSpec, Observation, Snapshot


class Pool:
    """Frozen snapshots that act in one call, each row by its own. Implements `camtf.learn.rollout.Opponents`
    through `playing`."""

    def __init__(self, config: NetworkConfig, spec: GameSpec, snapshots: list[Snapshot]) -> None:
        self.snapshots = snapshots
        self.policies = [Policy(config, spec) for _ in snapshots]
        for policy, snapshot in zip(self.policies, snapshots, strict=True):
            policy.set_weights(snapshot.weights)
        self._mixtures = np.array([s.mixture for s in snapshots], np.float32)
        self._act = tf.function(self._act_all, reduce_retracing=True)

    def act(
        self, observation: Observation, snapshot: np.ndarray, character: np.ndarray, uniforms: np.ndarray
    ) -> np.ndarray:
        """Actions int32 ``[n, H]`` of n rows, row i played by ``snapshot[i]`` as ``character[i]``."""
        if len(snapshot) == 0:
            return np.zeros((0, 2), np.int32)
        mixture = self._mixtures[snapshot, character]
        return self._act(
            Observation(*map(tf.convert_to_tensor, observation)), mixture, snapshot.astype(np.int32), uniforms
        ).numpy()

    def playing(self, graph: InteractionGraph) -> PoolPlayer:
        """The pool as the opponents of a graph's nodes."""
        return PoolPlayer(self, graph)

    def _act_all(
        self, observation: Observation, mixture: tf.Tensor, snapshot: tf.Tensor, uniforms: tf.Tensor
    ) -> tf.Tensor:
        indices, actions = [], []
        for i, policy in enumerate(self.policies):
            rows = tf.where(snapshot == i)[:, 0]
            part = Observation(*(tf.gather(x, rows) for x in observation))
            output = policy(part, tf.gather(mixture, rows))
            indices.append(tf.cast(rows, tf.int32))
            actions.append(sample(output, part.mask, tf.gather(uniforms, rows)))
        return tf.dynamic_stitch(indices, actions)


@dataclass(frozen=True)
class PoolPlayer:
    """A pool acting for the nodes of a graph."""

    pool: Pool
    graph: InteractionGraph

    def act(self, observation: Observation, node: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """See `camtf.learn.rollout.Opponents`."""
        return self.pool.act(observation, self.graph.snapshot_of(node), self.graph.node_character(node), uniforms)
