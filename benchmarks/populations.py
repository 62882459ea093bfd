"""Which population algorithm, for the same frames? ``python -m benchmarks.populations``.

The plan is `docs/experiments/populations.md`; `ARMS` and `SETTINGS` are it as code. Every arm and seed is a run of
``camtf.train`` on one rank, two of them at a time; started again on the same folder, it goes on.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from absl import flags, logging

from camtf import command
from camtf.checkpoint import RunDirectory

FLAGS = flags.FLAGS

CHARACTERS = (
    "ember_fox", "gale_archer", "iron_bull", "tide_monk", "storm_lancer", "thorn_witch", "cinder_duelist", "frost_seer",
)  # fmt: skip

ITERATIONS, ROUNDS = 8, 4
FRAMES = 102_400 * 288
"""Learner frames of every arm: whole updates of 1,024 matches for 100 decisions."""

SETTINGS: dict[str, Any] = {
    "game.characters": ",".join(CHARACTERS),
    "game.matches": 1024,
    "ppo.epochs": 2,
    "generalists.slots": ITERATIONS + 1,
    "histogram_updates": 0,
}
"""What differs from the quickstart's settings in all arms."""

ARMS: dict[str, dict[str, Any]] = {
    name: {
        "generalists.algorithm": name,
        "generalists.generations": ROUNDS if name == "independent" else ITERATIONS,
        "generalists.frames": FRAMES // (ROUNDS if name == "independent" else ITERATIONS),
    }
    for name in ("neupl", "simplex_neupl", "mia", "psro", "psro_c", "independent")
}


def run_of(arm: str, seed: int) -> RunDirectory:
    """Where a run is."""
    return RunDirectory(Path(FLAGS.folder) / f"{arm}_{seed}")


def train(arm: str, seed: int) -> None:
    """Train what is missing of a run. Raises SystemExit with the end of what was printed where it fails."""
    run = run_of(arm, seed)
    if run.has_population():
        return
    settings = {"seed": seed, **SETTINGS, **ARMS[arm]}
    run.path.mkdir(parents=True, exist_ok=True)
    log = run.path / "training.log"
    arguments = [
        sys.executable, "-m", "camtf.train", "--preset=quickstart", "--stage=generalists", f"--run_dir={run.path}",
        *(f"--{name}={value}" for name, value in settings.items()),
    ]  # fmt: skip
    with log.open("a", encoding="utf-8") as out:
        done = subprocess.run(arguments, stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise SystemExit(f"error: {arm}, seed {seed} failed: {log.read_text(encoding='utf-8')[-2000:]}")
    logging.info("%s, seed %d is trained", arm, seed)


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("folder", "runs/populations", "Where the runs are, one folder each.")
    flags.DEFINE_list("arms", list(ARMS), "Algorithms.")
    flags.DEFINE_list("seeds", ["1", "2", "3"], "Training seeds of each.")
    flags.DEFINE_integer("jobs", 2, "Runs at the same time, each on one core.", 1)


def main() -> None:
    """Train."""
    runs = [(arm, int(seed)) for seed in FLAGS.seeds for arm in FLAGS.arms]
    with ThreadPoolExecutor(FLAGS.jobs) as pool:
        for _ in pool.map(lambda run: train(*run), runs):
            pass


if __name__ == "__main__":
    define_flags()
    command.run(main)
