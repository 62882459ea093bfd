"""Times the models of a pack on the machine that it runs on: ``python -m mobile.timing '{"folder": "pack"}'``.

Needs what `mobile.runtime` needs and no more, so that it can be sent to a board. The argument is JSON: ``folder``, and
where they are to be others than here ``runtimes`` (all that are installed), ``threads`` (``[1]``), ``runs`` (3,000).
Prints a JSON list, one object per model, runtime and number of threads; times in microseconds.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mobile.pack import INPUTS, Entry, Pack
from mobile.runtime import installed_runtimes, open_policy

_WARM_UP = 300
_COLD = 30
_CACHE_BYTES = 64 << 20
"""More than any cache holds: writing so much drives a model out of it."""

_ENERGY = Path("/sys/class/powercap/intel-rapl:0/energy_uj")


def say(done: int, whole: int) -> None:
    """A line on standard error now and then."""
    if done % 6 == 0 or done == whole:
        print(f"{done} of {whole} timed", file=sys.stderr, flush=True)


def time_pack(
    folder: str, runtimes: list[str], threads: list[int], runs: int, tell: Callable[[int, int], None] = say
) -> list[dict[str, Any]]:
    """Every model of a pack in every runtime with every number of threads, one after the other, each in a process of
    its own.

    Args:
        tell: is told after each how many are done, and of how many.
    """
    pack = Pack(folder)
    results = []
    tasks = [(m, r, t) for m in pack.models for r in runtimes for t in threads]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as worker:
        for done, (model, runtime, count) in enumerate(tasks):
            results.append(worker.apply(time_model, (folder, model, runtime, count, runs)))
            tell(done + 1, len(tasks))
    return results


def time_model(folder: str, model: Entry, runtime: str, threads: int, runs: int) -> dict[str, Any]:
    """Load one model and time it. Call in a fresh process: the memory is the process's own.

    ``median_us``, ``p95_us``, ``p99_us``: the inference alone. ``decision_...``: setting the modules, inference, mask,
    choice. ``cold_...``: an inference whose weights are in no cache. ``load_us``: from the file's bytes to the first
    action.
    """
    pack = Pack(folder)
    rows = golden_rows(pack, model)
    content_kib = len(pack.read(model)) >> 10
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter_ns()
    policy = open_policy(pack, model, runtime, threads)
    policy.best(*rows[0])
    load_us = (time.perf_counter_ns() - began) / 1e3
    decision_ns = _timed(lambda i: policy.best(*rows[i % len(rows)]), runs)
    energy = _energy_uj()
    inference_ns = _timed(lambda _: policy.invoke(), runs)
    spent = _energy_uj() - energy
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "model": model.character,
        "precision": model.precision,
        "model_sha256": model.model_sha256,
        "runtime": runtime,
        "threads": threads,
        **_quantiles(inference_ns, ""),
        **_quantiles(decision_ns, "decision_"),
        **_quantiles(_cold(policy.invoke), "cold_"),
        "load_us": round(load_us, 1),
        "size_bytes": model.size_bytes,
        "memory_kib": peak_kib - before_kib + content_kib,
        "energy_uj": round(spent / (runs + _WARM_UP), 2) if spent > 0 else None,
    }


def golden_rows(pack: Pack, model: Entry) -> list[list[np.ndarray]]:
    """The inputs of a model, in its order, from its character's golden observations, as many rows as it takes."""
    golden, batch = pack.golden(model.character), pack.manifest["batch"]
    names = [name for name in INPUTS if name in golden]
    count = len(golden["mask"])
    return [
        [np.take(golden[name], range(i, i + batch), axis=0, mode="wrap") for name in names] for i in range(count)
    ]  # fmt: skip


def _timed(call: Callable[[int], Any], runs: int) -> np.ndarray:
    """Nanoseconds of each of ``runs`` calls, after a warm-up."""
    taken = np.empty(runs)
    for i in range(-_WARM_UP, runs):
        began = time.perf_counter_ns()
        call(i)
        taken[max(i, 0)] = time.perf_counter_ns() - began
    return taken


def _cold(call: Callable[[], Any]) -> np.ndarray:
    """Nanoseconds of calls, each after the caches were filled with something else."""
    other = np.zeros(_CACHE_BYTES, np.uint8)
    taken = np.empty(_COLD)
    for i in range(_COLD):
        other += 1
        began = time.perf_counter_ns()
        call()
        taken[i] = time.perf_counter_ns() - began
    return taken


def _quantiles(taken_ns: np.ndarray, prefix: str) -> dict[str, float]:
    values = np.quantile(taken_ns / 1e3, [0.5, 0.95, 0.99])
    return {f"{prefix}{name}_us": round(float(v), 2) for name, v in zip(("median", "p95", "p99"), values)}


def _energy_uj() -> int:
    """The processor's own energy counter; 0 where it tells nobody."""
    try:
        return int(_ENERGY.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def main() -> None:
    """The command line."""
    given = {"runtimes": installed_runtimes(), "threads": [1], "runs": 3000, **json.loads(sys.argv[1])}
    print(json.dumps(time_pack(**given)))


if __name__ == "__main__":
    main()
