"""How long does each population algorithm take at the quickstart's size? ``python -m benchmarks.algorithms``.

Each runs by itself, as a user would start it: ``horovodrun -np 2 python -m camtf.train --stage=generalists``. What is
finished is kept in the folder with its time; started again, the command goes on with the others.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from absl import flags, logging

from benchmarks.results import give
from camtf import command, files
from camtf.config import ALGORITHMS, preset
from camtf.evaluation.columns import table
from camtf.provenance import provenance

FLAGS = flags.FLAGS


def timed(algorithm: str) -> float:
    """Minutes from the start of the command to its end. Raises SystemExit with the end of what it printed."""
    run = Path(FLAGS.folder) / algorithm
    file = run / "minutes.json"
    if not file.exists():
        if run.exists():
            raise SystemExit(f"error: {run} is of a run that was not timed to its end; move it away")
        arguments = [
            "horovodrun", "-np", str(FLAGS.ranks), sys.executable, "-m", "camtf.train", "--preset=quickstart",
            "--stage=generalists", f"--run_dir={run}", f"--generalists.algorithm={algorithm}",
            *(["--specialists.controls="] if algorithm == "independent" else []),  # it leaves no network to match
        ]  # fmt: skip
        began = time.monotonic()
        done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        minutes = (time.monotonic() - began) / 60
        if done.returncode:
            raise SystemExit(f"error: {' '.join(arguments)} failed:\n{done.stdout[-2000:]}")
        files.write_json(file, {"minutes": minutes})
        logging.info("%s: %.1f minutes", algorithm, minutes)
    return float(files.read_json(file)["minutes"])


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("folder", "runs/algorithms", "Where the runs are, one folder each.")
    flags.DEFINE_integer("ranks", 2, "Ranks of each.", 1)
    flags.DEFINE_string("out", "", "Also write the results to this file.")


def main() -> None:
    """Time all of them, one after the other."""
    minutes = {algorithm: timed(algorithm) for algorithm in ALGORITHMS}
    print(table(["algorithm", "minutes"], [[name, f"{m:.1f}"] for name, m in minutes.items()]))
    c = preset("quickstart")
    about = {"ranks": FLAGS.ranks, "learner_frames": c.generalists.generations * c.generalists.frames}
    give({"minutes": {name: round(m, 2) for name, m in minutes.items()}, **about, **provenance()}, FLAGS.out)


if __name__ == "__main__":
    define_flags()
    command.run(main)
