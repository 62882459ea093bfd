"""What an algorithm leaves behind: frozen policies as they are finished, and the population when all are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from absl import logging

from camtf import distributed, files
from camtf.checkpoint import CheckpointError
from camtf.population.measuring import Measured, since_each
from camtf.population.payoffs import Payoffs
from camtf.population.strategies import Strategies
from camtf.population.training import Context
from camtf.types import Snapshot

Learn = Callable[[], tuple[Snapshot, dict[str, Any]]]
"""Trains a policy: gives it frozen, and what it took."""


def frozen_or(context: Context, name: str, learn: Learn, state: Payoffs | None = None) -> Snapshot:
    """The frozen policy of this name, trained where it is not there yet.

    Args:
        state: payoffs that last longer than one policy; kept with it and taken up again.
    """
    run = context.run
    file, payoffs = run.generalist_file(name), run.generalist_file(f"{name}.payoffs")
    if not file.exists():
        snapshot, report = learn()
        if distributed.rank() == 0:
            if state is not None:
                files.write_arrays(payoffs, state.arrays(), {})
            run.write_snapshot(file, snapshot, report)
            run.drop_checkpoints(name)
            logging.info("%s is done: %s", name, file)
        distributed.barrier()
    elif state is not None:
        state.restore(files.read_arrays(payoffs, CheckpointError)[0])
    return run.read_snapshot(file)


def freeze(
    context: Context,
    strategies: Strategies,
    measured: Measured,
    effective: int,
    report: dict[str, Any] | None = None,
    earlier: dict[str, float] | None = None,
) -> Strategies:
    """Write the finished population and return it as it was read back.

    Args:
        effective: its effective population.
        report: what the policies took that were not frozen one by one.
        earlier: relative performance against the run's own earlier populations, by name; where None, of the strategies
            after each one against those until then.
    """
    run = context.run
    if earlier is None:
        earlier = dict(zip(strategies.names, since_each(measured.payoffs).tolist(), strict=False))
    if distributed.rank() == 0:
        for snapshot in strategies.snapshots:
            if not run.generalist_file(snapshot.name).exists():
                run.write_snapshot(run.generalist_file(snapshot.name), snapshot, report or {})
        about = {
            "algorithm": context.config.generalists.algorithm,
            "strategies": list(strategies.names),
            "snapshots": [s.name for s in strategies.snapshots],
            "serving": strategies.serving.tolist(),
            "payoffs": measured.payoffs.tolist(),
            "games": measured.games.tolist(),
            "mixtures": measured.mixtures.tolist(),
            "effective_population": effective,
            "relative_population_performance": earlier,
        }
        run.write_population(about)
        run.drop_checkpoints(context.config.generalists.algorithm)
    distributed.barrier()
    return population(context)


def population(context: Context) -> Strategies:
    """The finished population of a run. Raises CheckpointError where stage 1 is not finished."""
    about = context.run.read_population()
    snapshots = tuple(context.run.read_snapshot(context.run.generalist_file(name)) for name in about["snapshots"])
    return Strategies(tuple(about["strategies"]), snapshots, np.array(about["serving"], np.int64))
