"""What networks say of observations, each row by itself to the last bit: values and probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from camtf.model.policy import Policy, distributions
from camtf.population.pool import EXACT_ROWS
from camtf.population.training import Context
from camtf.types import Observation, Snapshot

BLOCK = 64 * EXACT_ROWS
"""Rows that are computed in one go: a multiple of `EXACT_ROWS`."""


class Networks:
    """Policies of a run, one for each member of a side.

    Args:
        snapshots: by member.
        characters: of each member, int ``[members]``: what its policy is told is looked up by it.
    """

    def __init__(self, context: Context, snapshots: Sequence[Snapshot], characters: np.ndarray) -> None:
        distinct = list({s.digest: s for s in snapshots}.values())
        place = {s.digest: i for i, s in enumerate(distinct)}
        self._policies: list[Policy] = []
        for snapshot in distinct:
            policy = context.policy()
            policy.set_weights(snapshot.weights)
            self._policies.append(policy)
        self._policy_of = np.array([place[s.digest] for s in snapshots])
        self._told = np.stack([s.mixture[c] for s, c in zip(snapshots, characters, strict=True)]).astype(np.float32)

    def values(self, observation: Observation, member: np.ndarray) -> np.ndarray:
        """What each member's critic expects, in scaled reward, float32 ``[n]``."""
        values = np.zeros(len(member), np.float32)
        for policy, rows, seen, told in self._blocks(observation, member):
            values[rows] = policy.values(seen, told).numpy()[: len(rows)]
        return values

    def probabilities(self, observation: Observation, member: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of each member's legal movements and skills, float32 ``[n, M]`` and ``[n, K]``."""
        spec = self._policies[0].spec
        movement, skill = (np.zeros((len(member), width), np.float32) for width in (spec.movements, spec.skills))
        for policy, rows, seen, told in self._blocks(observation, member):
            tensors = Observation(*map(tf.convert_to_tensor, seen))
            heads = distributions(policy(tensors, tf.convert_to_tensor(told)), tensors.mask)
            for out, head in zip((movement, skill), heads, strict=True):
                out[rows] = head.probs_parameter().numpy()[: len(rows)]
        return movement, skill

    def _blocks(
        self, observation: Observation, member: np.ndarray
    ) -> Iterator[tuple[Policy, np.ndarray, Observation, np.ndarray]]:
        """Policy, rows, and its inputs, filled up to a multiple of `EXACT_ROWS` rows."""
        for number, policy in enumerate(self._policies):
            own = np.flatnonzero(self._policy_of[member] == number)
            for begin in range(0, len(own), BLOCK):
                rows = own[begin : begin + BLOCK]
                filled = rows[np.arange(-(-len(rows) // EXACT_ROWS) * EXACT_ROWS) % len(rows)]
                yield policy, rows, Observation(*(x[filled] for x in observation)), self._told[member[filled]]
