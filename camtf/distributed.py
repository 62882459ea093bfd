"""Ranks: the only module that imports Horovod.

Started without `horovodrun`, there is one rank and every function here works as with many. Inside `own_group` the ranks
of one group are all there are: disjoint groups train different networks at the same time (Horovod's process sets).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence

import numpy as np

from camtf.plan import ranks_started

_BUILD = (
    "once TensorFlow is there, pip install 'setuptools<81' 'cmake<4' wheel && HOROVOD_WITH_TENSORFLOW=1 "
    "HOROVOD_WITH_GLOO=1 pip install --no-build-isolation --no-cache-dir --force-reinstall --no-deps horovod==0.28.1 "
    "builds one that can (./launch/setup.sh does all of that)"
)


def _cannot_train(reason: str) -> SystemExit:
    """What a program that trains ends with, in one line, where the ranks' software is not as it has to be."""
    return SystemExit(f"error: training needs TensorFlow and a Horovod built for it: {reason}; {_BUILD}")


try:
    import horovod.tensorflow as hvd
    import tensorflow as tf
    from horovod.common.exceptions import HorovodInternalError
except ImportError as error:
    raise _cannot_train(str(error).partition("\n")[0]) from error

_THREADS_PER_RANK = 1
_CYCLE_MILLISECONDS = "0.2"
"""How often Horovod looks for an allreduce. Each gradient step waits for it; its own default of 1 ms costs 5 % of the
frames a second with 256 matches a rank (``HOROVOD_CYCLE_TIME=1 python -m benchmarks.throughput --matches=256``)."""


class ReplicaError(RuntimeError):
    """The ranks' networks are not the same any more."""


class RankLostError(RuntimeError):
    """Another rank has ended, and with it what the ranks do together."""


_groups: list[hvd.ProcessSet] = []
_current: hvd.ProcessSet = hvd.global_process_set


def start(groups: int = 1) -> None:
    """Join the other ranks and take one core. Call once, before TensorFlow computes anything.

    Args:
        groups: how many equal groups of neighbouring ranks `own_group` knows.

    Raises:
        ValueError: the ranks cannot be shared evenly by the groups.
        SystemExit: this Horovod was built without Gloo.
    """
    if not hvd.gloo_built():
        raise _cannot_train("this one has no Gloo")
    tf.config.threading.set_intra_op_parallelism_threads(_THREADS_PER_RANK)
    tf.config.threading.set_inter_op_parallelism_threads(_THREADS_PER_RANK)
    ranks = ranks_started()
    if groups < 1 or ranks % groups:
        raise ValueError(
            f"{ranks} ranks cannot be shared evenly by {groups} groups; change -np or --specialists.groups"
        )
    if groups > 1:  # declared beforehand: Horovod's dynamic process sets take a third of a core for their book-keeping
        _groups[:] = [hvd.ProcessSet(own) for own in np.arange(ranks).reshape(groups, -1).tolist()]
    os.environ.setdefault("HOROVOD_CYCLE_TIME", _CYCLE_MILLISECONDS)
    before = _threads()
    hvd.init(process_sets=_groups)
    _let_computation_go_first(_threads() - before)
    _take_core()


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Within: where another rank ends, this one raises RankLostError."""
    try:
        yield
    except (tf.errors.UnknownError, HorovodInternalError) as error:
        if not any(word in str(error).lower() for word in ("horovod", "gloo")):
            raise
        raise RankLostError("another rank has ended") from error


def _threads() -> set[int]:
    """This process's threads, where the system lists them (Linux)."""
    return set(map(int, os.listdir("/proc/self/task"))) if os.path.isdir("/proc/self/task") else set()


def _let_computation_go_first(threads: set[int]) -> None:
    """Horovod's own threads wake each millisecond. As batch jobs they no longer push a computing thread off its core
    when they do; while a rank waits for the others its core is free, and they run at once."""
    for thread in threads:
        with contextlib.suppress(OSError):  # ended already, or the system does not let us
            os.sched_setscheduler(thread, os.SCHED_BATCH, os.sched_param(0))


def _take_core() -> None:
    """Stay on one core of one's own where `horovodrun` has started as many ranks on this machine as it has cores. Two
    ranks that the scheduler puts on one core for a moment cost each gradient step that moment. The core is for this
    thread and those that TensorFlow starts from it: Horovod's own threads run already and stay free, or every allreduce
    would wait for the computation on its core to pause."""
    if not hasattr(os, "sched_setaffinity"):
        return  # not Linux
    cores = sorted(os.sched_getaffinity(0))
    ranks = int(os.environ.get("HOROVOD_LOCAL_SIZE", 1))
    if 1 < ranks == len(cores):
        os.sched_setaffinity(0, {cores[int(os.environ["HOROVOD_LOCAL_RANK"])]})


@contextlib.contextmanager
def own_group() -> Iterator[tuple[int, int]]:
    """Within: this rank's group alone. Gives the group's number and the number of groups."""
    global _current
    if not _groups:
        yield 0, 1
        return
    number = next(i for i, group in enumerate(_groups) if group.included())
    outer, _current = _current, _groups[number]
    try:
        yield number, len(_groups)
    finally:
        _current = outer


def rank() -> int:
    """Number of this rank in its group, from 0."""
    return int(_current.rank())


def size() -> int:
    """Number of ranks in the group."""
    return int(_current.size())


def average(vector: tf.Tensor, name: str) -> tf.Tensor:
    """Mean of a vector over the ranks, for graph mode. An allreduce costs its latency whatever its size, and Horovod
    negotiates each tensor: what belongs together should come as one vector."""
    return vector if size() == 1 else hvd.allreduce(vector, op=hvd.Average, name=name, process_set=_current)


def sum_over_ranks(arrays: Sequence[np.ndarray | np.floating | float], name: str) -> list[np.ndarray]:
    """Sums of some float64 arrays over the ranks, in one collective."""
    if size() == 1:
        return [np.asarray(a, np.float64) for a in arrays]
    flat = np.concatenate([np.asarray(a, np.float64).ravel() for a in arrays])
    total = hvd.allreduce(tf.constant(flat), op=hvd.Sum, name=name, process_set=_current).numpy()
    parts = np.split(total, np.cumsum([np.size(a) for a in arrays])[:-1])
    return [part.reshape(np.shape(a)) for part, a in zip(parts, arrays, strict=True)]


def gather_rows(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of every rank joined along their first axis, in the order of the ranks."""
    if size() == 1:
        return arrays
    return {
        name: hvd.allgather(tf.constant(array), name=f"rows_{name}", process_set=_current).numpy()
        for name, array in arrays.items()
    }


def broadcast(variables: Sequence[tf.Variable]) -> None:
    """Give every rank the values of rank 0."""
    if size() > 1:
        first = _current.ranks[0] if _current.ranks else 0
        hvd.broadcast_variables(list(variables), root_rank=first, process_set=_current)


def check_replicas(variables: Sequence[tf.Variable]) -> str:
    """Fingerprint of the variables, the same on every rank. Raises ReplicaError on all ranks where it is not."""
    digest = hashlib.sha256()
    for variable in variables:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    own = digest.hexdigest()[:16]
    words = np.frombuffer(bytes.fromhex(own), np.int64)
    everyone = gather_rows({"fingerprint": words[None]})["fingerprint"]
    if (everyone != everyone[0]).any():
        listed = ", ".join(f"rank {r} {np.int64(w[0]).tobytes().hex()}" for r, w in enumerate(everyone))
        raise ReplicaError(f"the ranks hold different networks: {listed}")
    return own


def barrier() -> None:
    """Wait for every rank of the group."""
    if size() > 1:
        hvd.allreduce(tf.constant(0.0), name="barrier", process_set=_current)
