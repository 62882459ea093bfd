"""The pool of frozen snapshots, served together."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numba import njit

from camtf.config import NetworkConfig
from camtf.model.policy import BuildNetwork, Policy, PolicyOutput, build_network, compiled, rows_of, sample, tensor
from camtf.types import GameSpec, Observation, Snapshot, aligned_zeros

UNIFORM = -1
"""In place of a snapshot's index: the policy that draws uniformly from what is legal, head by head."""

EXACT_ROWS = 96
"""Matrix products treat a few rows and the last ones by other instructions, which add in another order: a row's logits
can differ in the last bit with the rows beside it. In blocks of this many rows, or of a multiple, they do not: all
products have one way for these, and 8, 16, 24, 32 or 48 rows, as many as processors treat at once, fit into them. Tried
with AVX-512, AVX2, AVX and SSE, with oneDNN and without it (64 fails with AVX2 without oneDNN)."""

_GATHERED_BLOCK = 40
_BLOCK = 20
"""What a block costs beside its rows, in rows: weights are copied and read, or read alone. Both grow as a row's cost
does with the size of the network. Measured by `benchmarks.pool`."""


class Pool:
    """Frozen snapshots that act in one call, each row by its own.

    Rows are cut into blocks of equal width, each of one snapshot, so that each layer is one batched matrix product;
    only the snapshots that rows need are computed. The width is chosen by how the rows are spread: few wide blocks
    copy fewer weights, many narrow ones leave fewer places empty. Where every snapshot has its share, each is one block
    and nothing is copied.

    Args:
        config, spec, build: of the snapshots' network.
        snapshots: any number of them. The pool's copy of one's weights changes by `set_weights`.
    """

    def __init__(
        self,
        config: NetworkConfig,
        spec: GameSpec,
        snapshots: list[Snapshot],
        build: BuildNetwork = build_network,
    ) -> None:
        self.snapshots = list(snapshots)
        self._policy = Policy(config, spec, build=build)
        variables = self._policy.network.trainable_variables
        # Plain memory: a tf.Variable of which a part has been assigned copies itself whenever it is read.
        self._weights = [aligned_zeros((len(snapshots), *v.shape), np.float32) for v in variables]
        self._tensors = [tensor(stacked) for stacked in self._weights]
        for index, snapshot in enumerate(snapshots):
            self.set_weights(index, snapshot.weights)
        nothing = np.zeros((0, 0, config.mixture_slots), np.float32)
        self._mixtures = np.stack([s.mixture.astype(np.float32) for s in snapshots]) if snapshots else nothing

    def set_weights(self, index: int, weights: dict[str, np.ndarray]) -> None:
        """Replace the weights of one snapshot. Not while another thread calls `act`.

        Raises ValueError where they are of another network.
        """
        self._policy.set_weights(weights)
        for stacked, variable in zip(self._weights, self._policy.network.trainable_variables, strict=True):
            stacked[index] = variable.numpy()
        self.snapshots[index] = dataclasses.replace(self.snapshots[index], weights=weights)

    def mixture(self, snapshot: np.ndarray, character: np.ndarray) -> np.ndarray:
        """What each snapshot is conditioned on as each character, float32 ``[n, S]``; zeros for `UNIFORM`.

        Raises IndexError where there is no such snapshot or character.
        """
        mixture = np.zeros((len(snapshot), self._policy.config.mixture_slots), np.float32)
        _look_up(self._mixtures, snapshot, character, mixture)
        return mixture

    def act(
        self,
        observation: Observation,
        snapshot: np.ndarray,
        mixture: np.ndarray,
        uniforms: np.ndarray,
        exact: bool = False,
    ) -> np.ndarray:
        """Actions int32 ``[n, H]`` of n rows.

        Args:
            observation: leaves ``[n, ...]``.
            snapshot: int ``[n]``, who plays each row: an index, or `UNIFORM`.
            mixture: float32 ``[n, S]``, what each row's policy is conditioned on.
            uniforms: float32 ``[n, M + K]`` in (0, 1), all the chance there is.
            exact: a row's action depends on nothing but this row, to the last bit. Takes longer where many snapshots
                have few rows each.

        Raises:
            ValueError: there is no such snapshot.
        """
        if len(snapshot) == 0:
            return np.zeros((0, 2), np.int32)
        counts = np.zeros(len(self.snapshots), np.int64)
        served = _count(snapshot, counts)
        if served < 0:
            low, high = snapshot.min(), snapshot.max()
            raise ValueError(f"snapshot must be in [{UNIFORM}, {len(counts)}), got {low} to {high}")
        if served:
            rows, slot, owner, whole = _arrange(snapshot, counts, EXACT_ROWS if exact else 1)
            given = self._tensors, Observation(*map(tensor, observation)), mixture, uniforms, rows, slot
            actions = (self._act_whole(*given) if whole else self._act_gathered(*given, owner)).numpy()
        else:
            actions = np.zeros((len(snapshot), 2), np.int32)
        if served < len(snapshot):
            _choose_uniformly(snapshot, observation.mask, uniforms, self._policy.spec.movements, actions)
        return actions

    @functools.cached_property
    def _act_whole(self) -> Callable[..., tf.Tensor]:
        return compiled(self._act_blocks, *self._inputs)

    @functools.cached_property
    def _act_gathered(self) -> Callable[..., tf.Tensor]:
        def act(weights: list[tf.Tensor], *given: tf.Tensor) -> tf.Tensor:
            *others, owner = given
            return self._act_blocks([tf.gather(stacked, owner) for stacked in weights], *others)

        return compiled(act, *self._inputs, tf.TensorSpec((None,), tf.int32))

    @property
    def _inputs(self) -> tuple[object, ...]:
        """Types of the arguments of `_act_blocks`."""
        weights = [tf.TensorSpec(stacked.shape, tf.float32) for stacked in self._weights]
        spec = self._policy.spec
        uniforms = tf.TensorSpec((None, spec.movements + spec.skills), tf.float32)
        return weights, *self._policy.inputs, uniforms, rows_of(tf.int32), tf.TensorSpec((None,), tf.int32)

    def _act_blocks(
        self,
        weights: list[tf.Tensor],
        observation: Observation,
        mixture: tf.Tensor,
        uniforms: tf.Tensor,
        rows: tf.Tensor,
        slot: tf.Tensor,
    ) -> tf.Tensor:
        """Actions ``[n, H]`` by weights ``[blocks, ...]`` of the rows ``[blocks, width]``, each found at its slot."""
        movement, skill = self._logits(weights, observation, mixture, rows)
        mask, chance = (_flat(tf.gather(x, rows)) for x in (observation.mask, uniforms))
        return tf.gather(sample(PolicyOutput(movement, skill, tf.zeros(())), mask, chance), slot)

    def _logits(
        self, weights: list[tf.Tensor], observation: Observation, mixture: tf.Tensor, rows: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Logits of movement and skill, ``[blocks * width, ...]``."""
        inputs = {name: tf.gather(x, rows) for name, x in {**observation._asdict(), "mixture": mixture}.items()}

        def by_one(arguments: tuple[list[tf.Tensor], dict[str, tf.Tensor]]) -> tuple[tf.Tensor, tf.Tensor]:
            own_weights, own = arguments
            outputs, _ = self._policy.network.stateless_call(own_weights, [], own)
            return outputs["movement"], outputs["skill"]

        movement, skill = tf.vectorized_map(by_one, (weights, inputs))
        return _flat(movement), _flat(skill)


def _flat(x: tf.Tensor) -> tf.Tensor:
    """``[blocks, width, n]`` as ``[blocks * width, n]``."""
    return tf.reshape(x, (-1, x.shape[-1]))


@njit(cache=True)
def _look_up(mixtures: np.ndarray, snapshot: np.ndarray, character: np.ndarray, out: np.ndarray) -> None:
    for row, own in enumerate(snapshot):
        if own != UNIFORM:
            if not (0 <= own < mixtures.shape[0] and 0 <= character[row] < mixtures.shape[1]):
                raise IndexError("no such snapshot or character")
            out[row] = mixtures[own, character[row]]


@njit(cache=True)
def _count(snapshot: np.ndarray, counts: np.ndarray) -> int:
    """Add every snapshot's rows to ``counts``. Returns how many are not `UNIFORM`; -1 where one is out of range."""
    served = 0
    for own in snapshot:
        if own < UNIFORM or own >= len(counts):
            return -1
        if own != UNIFORM:
            counts[own] += 1
            served += 1
    return served


@njit(cache=True)
def _arrange(snapshot: np.ndarray, counts: np.ndarray, unit: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Cut rows into blocks of one width, a multiple of ``unit``, each of one snapshot; `UNIFORM` rows are left out.

    ``counts``: how many rows each snapshot has.

    Returns the rows of each block, int32 ``[blocks, width]`` (what is left over computes row 0 once more); where among
    them each row stands, ``[n]``; whose each block is, ``[blocks]``; whether the blocks are all snapshots in order.
    """
    snapshots = len(counts)
    widest = (counts.max() + unit - 1) // unit * unit
    width, whole, least = widest, True, snapshots * (widest + _BLOCK)
    candidate = unit
    while True:
        candidate = min(candidate, widest)
        cost = ((counts + candidate - 1) // candidate).sum() * (candidate + _GATHERED_BLOCK)
        if cost < least:
            width, whole, least = candidate, False, cost
        if candidate == widest:
            break
        candidate *= 2

    blocks = np.ones(snapshots, np.int64) if whole else (counts + width - 1) // width
    owner = np.repeat(np.arange(snapshots), blocks).astype(np.int32)
    following = (np.cumsum(blocks) - blocks) * width
    rows = np.zeros(len(owner) * width, np.int32)
    slot = np.zeros(len(snapshot), np.int32)
    for row, own in enumerate(snapshot):
        if own != UNIFORM:
            slot[row] = following[own]
            rows[following[own]] = row
            following[own] += 1
    return rows.reshape(-1, width), slot, owner, whole


@njit(cache=True)
def _choose_uniformly(
    snapshot: np.ndarray, mask: np.ndarray, uniforms: np.ndarray, movements: int, actions: np.ndarray
) -> None:
    """Fill in the actions of the `UNIFORM` rows: in each head, what is legal and has the largest number."""
    for row in range(len(snapshot)):
        if snapshot[row] == UNIFORM:
            for head, first, end in ((0, 0, movements), (1, movements, uniforms.shape[1])):
                best = -1.0
                for k in range(first, end):
                    if mask[row, k] > 0 and uniforms[row, k] > best:
                        best = uniforms[row, k]
                        actions[row, head] = k - first
