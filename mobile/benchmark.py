"""How fast is each model, and how large? ``python -m mobile.benchmark --model_dir=build/mobile``.

Each model is timed in a process of its own, on observations from real battles: the inference alone, warm and with cold
caches, and the whole decision (set the modules, infer, mask, choose); for the duel also what comes before it, the game
writing the modules. On an Android phone with ``--adb --benchmark_model=FILE``, on another machine with ``--ssh=HOST``.
Writes ``benchmark.json`` next to the models.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from camtf import command
from camtf.evaluation.columns import bar, table
from camtf.files import FileError, check_writable, write_json
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import load_roster
from camtf.games.protocol import Game
from camtf.progress import Progress
from camtf.provenance import provenance
from mobile.devices import Board, DeviceError, Phone
from mobile.files import PackError
from mobile.pack import Pack
from mobile.runtime import RUNTIMES, installed_runtimes
from mobile.timing import time_pack

FLAGS = flags.FLAGS


def encode_us(game: Game, runs: int = 2000) -> float:
    """Median microseconds in which a game writes the modules of both players of one match."""
    match = game.make(0, np.zeros(1, np.int64))
    out = match.reset(np.zeros((2, 1), int))
    taken = np.empty(runs)
    for i in range(runs):
        began = time.perf_counter_ns()
        match.observe(out)
        taken[i] = time.perf_counter_ns() - began
    return round(float(np.median(taken)) / 1e3, 2)


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("model_dir", None, "Folder of the models.", required=True)
    flags.DEFINE_multi_enum(
        "runtime", None, list(RUNTIMES), "Runtimes to time, may be given more than once; all that are installed if not."
    )
    flags.DEFINE_multi_integer("threads", [1], "Interpreter threads, may be given more than once.", 1, 64)
    flags.DEFINE_integer("runs", 3_000, "Timed calls of each model.", 10, 1_000_000)
    flags.DEFINE_bool("adb", False, "Time on an Android phone; needs --benchmark_model.")
    flags.DEFINE_string("adb_program", "adb", "The adb program.")
    flags.DEFINE_string("benchmark_model", "", "TensorFlow's benchmark_model for the phone's processor.")
    flags.DEFINE_string("serial", "", "Which phone, where several are connected.")
    flags.DEFINE_string("ssh", "", "Time on this host, which has Python, NumPy and a TFLite runtime.")
    flags.DEFINE_string("ssh_python", "python3", "Its Python.")


def measure(pack: Pack) -> dict[str, Any]:
    """Results of the chosen machine."""
    threads, runs = FLAGS.threads, FLAGS.runs
    if FLAGS.adb:
        phone = Phone(FLAGS.adb_program, Path(FLAGS.benchmark_model), FLAGS.serial)
        return {"where": "adb", "results": phone.time_pack(pack, threads, runs)}
    if FLAGS.ssh:
        return {"where": FLAGS.ssh, "results": Board(FLAGS.ssh, FLAGS.ssh_python).time_pack(pack, threads, runs)}
    progress = Progress()

    def tell(done: int, whole: int) -> None:
        if progress.due():
            progress.show(f"timing {bar(done, whole)} {done} of {whole} models and runtimes")

    results = time_pack(str(pack.folder), FLAGS.runtime or installed_runtimes(), threads, runs, tell)
    duel = Duel(load_roster())
    encoding = {"encode_median_us": encode_us(duel)} if pack.manifest["game_digest"] == duel.digest else {}
    return {"where": "here", **encoding, "results": results}


def main() -> None:
    folder = Path(FLAGS.model_dir)
    file = folder / "benchmark.json"
    try:
        pack = Pack(folder)
        check_writable(file)
        found = measure(pack)
        write_json(file, {**provenance(), "runs": FLAGS.runs, **found})
    except (PackError, FileError, ImportError, DeviceError) as error:
        raise command.failure(error) from error
    header = ["model", "precision", "runtime", "threads", "median us", "p95", "p99", "cold", "decision", "load",
              "bytes", "KiB"]  # fmt: skip
    keys = ("model", "precision", "runtime", "threads", "median_us", "p95_us", "p99_us", "cold_median_us",
            "decision_median_us", "load_us", "size_bytes", "memory_kib")  # fmt: skip
    rows = [["" if r.get(key) is None else str(r[key]) for key in keys] for r in found["results"]]
    print(table(header, rows))
    if "encode_median_us" in found:
        print(f"\nBefore a decision, the game writes the modules of both players in {found['encode_median_us']} us.")
    print(f"\n{FLAGS.runs:,} calls each; times in microseconds")
    models, run = command.flag("model_dir", folder), command.flag("run_dir", pack.manifest["run"])
    command.say_last({"all times": file}, {"one table of the run": f"python -m mobile.report {run} {models}"})
    short = ("model", "precision", "runtime", "threads", "median_us", "p99_us", "size_bytes")
    command.print_result({"results": [{key: r[key] for key in short} for r in found["results"]]}, file)


if __name__ == "__main__":
    define_flags()
    command.run(main)
