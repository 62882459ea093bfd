"""How fast is each model, and how large? ``python -m mobile.benchmark --model_dir=build/mobile``.

Each model is timed in a process of its own, on observations from real battles: the inference alone, and the whole
decision (set the four modules, infer, mask, choose). Writes ``benchmark.json`` next to the models.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags, logging

from camtf.evaluation.report import table
from camtf.provenance import provenance
from mobile.pack import MODULES, Entry, Pack, PackError
from mobile.runtime import RUNTIMES, Policy, installed_runtimes

FLAGS = flags.FLAGS

_WARM_UP = 300


def time_model(folder: str, model: Entry, runtime: str, threads: int, runs: int) -> dict[str, Any]:
    """Load one model and time it. Call in a fresh process: the memory is the process's own."""
    pack = Pack(folder)
    golden = pack.golden(model.character)
    count = len(golden["mask"])
    rows = [[golden[name][i : i + 1] for name in MODULES] for i in range(count)]
    content = pack.read(model)
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter_ns()
    policy = Policy(content, runtime, threads)
    policy.best(*rows[0])
    load_us = (time.perf_counter_ns() - began) / 1e3
    decision_ns = _timed(lambda i: policy.best(*rows[i % count]), runs)
    inference_ns = _timed(lambda _: policy.invoke(), runs)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "model": model.character,
        "precision": model.precision,
        "runtime": runtime,
        "threads": threads,
        **_quantiles(inference_ns, ""),
        **_quantiles(decision_ns, "decision_"),
        "load_us": round(load_us, 1),
        "size_bytes": model.size_bytes,
        "memory_kib": peak_kib - before_kib,
    }


def _timed(call: Callable[[int], Any], runs: int) -> np.ndarray:
    """Nanoseconds of each of ``runs`` calls, after a warm-up."""
    taken = np.empty(runs)
    for i in range(-_WARM_UP, runs):
        began = time.perf_counter_ns()
        call(i)
        taken[max(i, 0)] = time.perf_counter_ns() - began
    return taken


def _quantiles(taken_ns: np.ndarray, prefix: str) -> dict[str, float]:
    values = np.quantile(taken_ns / 1e3, [0.5, 0.95, 0.99])
    return {f"{prefix}{name}_us": round(float(v), 2) for name, v in zip(("median", "p95", "p99"), values, strict=True)}


def benchmark(pack: Pack, runtimes: list[str], threads: list[int], runs: int) -> list[dict[str, Any]]:
    """Time every model of a pack in every runtime with every number of threads, one after the other."""
    results = []
    tasks = [(m, r, t) for m in pack.models for r in runtimes for t in threads]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as worker:
        for done, (model, runtime, count) in enumerate(tasks):
            results.append(worker.apply(time_model, (str(pack.folder), model, runtime, count, runs)))
            if (done + 1) % 6 == 0 or done + 1 == len(tasks):
                logging.info("%d of %d timed", done + 1, len(tasks))
    return results


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("model_dir", None, "Folder of the models.", required=True)
    flags.DEFINE_multi_enum(
        "runtime", None, list(RUNTIMES), "Runtimes to time, may be given more than once; all that are installed if not."
    )
    flags.DEFINE_multi_integer("threads", [1], "Interpreter threads, may be given more than once.", 1, 64)
    flags.DEFINE_integer("runs", 3_000, "Timed calls of each model.", 10)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}")
    runtimes = FLAGS.runtime or installed_runtimes()
    try:
        pack = Pack(FLAGS.model_dir)
        results = benchmark(pack, runtimes, FLAGS.threads, FLAGS.runs)
    except (PackError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error
    file = Path(FLAGS.model_dir) / "benchmark.json"
    file.write_text(
        json.dumps({**provenance(), "runs": FLAGS.runs, "results": results}, indent=2) + "\n", encoding="utf-8"
    )
    header = ["model", "precision", "runtime", "threads", "median us", "p95", "p99", "decision us", "bytes", "KiB more"]
    keys = ("model", "precision", "runtime", "threads", "median_us", "p95_us", "p99_us", "decision_median_us",
            "size_bytes", "memory_kib")  # fmt: skip
    print(table(header, [[str(r[key]) for key in keys] for r in results]))
    print(f"\n{FLAGS.runs:,} calls each, one row at a time; written to {file}")
    short = ("model", "precision", "runtime", "threads", "median_us", "p99_us", "size_bytes")
    print(json.dumps({"results": [{key: r[key] for key in short} for r in results]}))


if __name__ == "__main__":
    define_flags()
    app.run(main)
