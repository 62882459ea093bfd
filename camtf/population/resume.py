"""Save a phase under way and take it up again, bit for bit."""

from __future__ import annotations

import numpy as np
from absl import logging

from camtf import distributed
from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.learn.learner import Learner
from camtf.learn.rollout import Rollout
from camtf.model.policy import Policy
from camtf.population.graph import InteractionGraph


def save(
    name: str,
    origin: str,
    run: RunDirectory,
    learner: Learner,
    graph: InteractionGraph,
    match_ids: np.ndarray,
    state: dict[str, np.ndarray],
    segments: int,
    keep: int,
    behaviour: Policy | None,
) -> None:
    """Write everything that the future of the phase depends on. Every rank calls; rank 0 writes.

    Matches are kept by global id, so that another number of ranks can take them up. With a ``behaviour`` policy
    (impala mode), ``state`` and ``segments`` are those before the segment that it has already played, which is
    played again after a resume.
    """
    distributed.check_replicas(learner.variables)
    matches = distributed.gather_rows({"ids": match_ids, **state})
    if distributed.rank() == 0:
        order = np.argsort(matches["ids"])
        arrays = {f"match:{field}": array[order] for field, array in matches.items()}
        arrays |= {f"variable:{i}": v.numpy() for i, v in enumerate(learner.variables)}
        arrays |= {f"behaviour:{path}": w for path, w in (behaviour.get_weights() if behaviour else {}).items()}
        arrays["win_rates"] = graph.win_rates
        meta = {"updates": learner.updates, "segments": segments, "ranks": distributed.size(), "origin": origin}
        run.write_checkpoint(name, learner.updates, arrays, meta, keep)


def restore(
    name: str,
    origin: str,
    run: RunDirectory,
    learner: Learner,
    graph: InteractionGraph,
    rollout: Rollout,
    behaviour: Policy | None,
) -> None:
    """Go on from the newest checkpoint of the phase, where there is one.

    Raises:
        CheckpointError: it is damaged, or began as a copy of another snapshot than ``origin``.
    """
    saved = run.read_checkpoint(name)
    if saved and saved[1]["origin"] != origin:
        raise CheckpointError(
            f"{run.path}: the checkpoint of {name} began as a copy of the Generalist {saved[1]['origin']}, but the one "
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
    graph.restore(arrays["win_rates"])
    own = np.searchsorted(arrays["match:ids"], rollout.match_ids)
    rollout.restore({field: a[own] for field, a in _part(arrays, "match:").items()}, meta["segments"])
    if behaviour:
        behaviour.set_weights(_part(arrays, "behaviour:"))
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
