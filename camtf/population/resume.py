"""Save a task under way and take it up again, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from absl import logging

from camtf import distributed
from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.learn.learner import Learner
from camtf.learn.unrolls import Overlapped, Saved, Synchronous

if TYPE_CHECKING:
    from camtf.population.training import State


def save(
    name: str,
    origin: str,
    run: RunDirectory,
    learner: Learner,
    unrolls: Synchronous | Overlapped,
    state: State,
    keep: int,
) -> None:
    """Write everything that the future of a task depends on. Every rank calls; rank 0 writes.

    Matches are kept by global id, so that another number of ranks can take them up.
    """
    distributed.check_replicas(learner.variables)
    saved = unrolls.state()
    matches = distributed.gather_rows({"ids": unrolls.rollout.layout.ids, **saved.matches})
    if distributed.rank() == 0:
        order = np.argsort(matches["ids"])
        arrays = {f"match:{field}": array[order] for field, array in matches.items()}
        arrays |= {f"variable:{i}": v.numpy() for i, v in enumerate(learner.variables)}
        arrays |= {f"behaviour:{path}": w for path, w in saved.behaviour.items()}
        arrays |= {f"state:{field}": array for field, array in state.arrays().items()}
        meta = {"updates": learner.updates, "unrolls": saved.unrolls, "ranks": distributed.size(), "origin": origin}
        run.write_checkpoint(name, learner.updates, arrays, meta, keep)


def restore(
    name: str, origin: str, run: RunDirectory, learner: Learner, unrolls: Synchronous | Overlapped, state: State
) -> None:
    """Go on from the newest checkpoint of a task, where there is one.

    Raises:
        CheckpointError: it is damaged, or began as a copy of another snapshot than ``origin``.
    """
    saved = run.read_checkpoint(name)
    if saved and saved[1]["origin"] != origin:
        raise CheckpointError(
            f"{run.path}: the checkpoint of {name} began as a copy of the policy {saved[1]['origin']}, but the one "
            f"of this run is {origin}; remove checkpoints/{name} to begin again"
        )
    updates = saved[1]["updates"] if saved else 0
    if distributed.rank() == 0:
        run.trim_metrics(name, updates)
    if saved is None:
        return
    arrays, meta = saved
    for i, variable in enumerate(learner.variables):
        variable.assign(arrays[f"variable:{i}"])
    learner.updates = updates
    state.restore(_part(arrays, "state:"))
    own = np.searchsorted(arrays["match:ids"], unrolls.rollout.layout.ids)
    matches = {field: a[own] for field, a in _part(arrays, "match:").items()}
    unrolls.restore(Saved(matches, _part(arrays, "behaviour:"), meta["unrolls"]))
    if distributed.rank() == 0:
        logging.info("%s: resumed after update %d", name, updates)
        if meta["ranks"] != distributed.size():
            logging.warning(
                "the checkpoint is of %d ranks, now there are %d: the result will differ by floating-point order",
                meta["ranks"],
                distributed.size(),
            )


def _part(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
