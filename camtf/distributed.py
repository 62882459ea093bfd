"""Ranks: the only module that imports Horovod.

Started without `horovodrun`, there is one rank and every function here works as with many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import horovod.tensorflow as hvd
import numpy as np
import tensorflow as tf

_THREADS_PER_RANK = 1


class ReplicaError(RuntimeError):
    """The ranks' networks are not the same any more."""


def start() -> None:
    """Join the other ranks and take one core. Call once, before TensorFlow computes anything."""
    tf.config.threading.set_intra_op_parallelism_threads(_THREADS_PER_RANK)
    tf.config.threading.set_inter_op_parallelism_threads(_THREADS_PER_RANK)
    hvd.init()


def rank() -> int:
    """Number of this rank, from 0."""
    return int(hvd.rank())


def size() -> int:
    """Number of ranks."""
    return int(hvd.size())


def average_gradients(gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Mean over the ranks, in ONE collective: an allreduce costs its latency whatever its size. For graph mode."""
    if hvd.size() == 1:
        return list(gradients)
    return list(hvd.grouped_allreduce(list(gradients), op=hvd.Average, name="gradients"))


def sum_over_ranks(arrays: Sequence[np.ndarray | np.floating], name: str) -> list[np.ndarray]:
    """Sums of some float64 arrays over the ranks, in one collective."""
    if hvd.size() == 1:
        return [np.asarray(a, np.float64) for a in arrays]
    flat = np.concatenate([np.asarray(a, np.float64).ravel() for a in arrays])
    total = hvd.allreduce(tf.constant(flat), op=hvd.Sum, name=name).numpy()
    parts = np.split(total, np.cumsum([np.size(a) for a in arrays])[:-1])
    return [part.reshape(np.shape(a)) for part, a in zip(parts, arrays, strict=True)]


def gather_rows(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of every rank joined along their first axis, in the order of the ranks."""
    if hvd.size() == 1:
        return arrays
    return {name: hvd.allgather(tf.constant(array), name=f"rows_{name}").numpy() for name, array in arrays.items()}


def broadcast(variables: Sequence[tf.Variable]) -> None:
    """Give every rank the values of rank 0."""
    if hvd.size() > 1:
        hvd.broadcast_variables(list(variables), root_rank=0)


def check_replicas(variables: Sequence[tf.Variable]) -> str:
    """Fingerprint of the variables, the same on every rank. Raises ReplicaError on all ranks where it is not."""
    digest = hashlib.sha256()
    for variable in variables:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    own = digest.hexdigest()[:16]
    words = np.frombuffer(bytes.fromhex(own), np.int64)
    everyone = hvd.allgather(tf.constant(words[None]), name="fingerprint").numpy() if hvd.size() > 1 else words[None]
    if (everyone != everyone[0]).any():
        listed = ", ".join(f"rank {r} {np.int64(w[0]).tobytes().hex()}" for r, w in enumerate(everyone))
        raise ReplicaError(f"the ranks hold different networks: {listed}")
    return own


def barrier() -> None:
    """Wait for every rank."""
    if hvd.size() > 1:
        hvd.allreduce(tf.constant(0.0), name="barrier")
