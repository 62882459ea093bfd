"""Which population algorithm, for the same frames? ``python -m benchmarks.populations``.

The plan is `docs/experiments/populations.md`; `ARMS` and `SETTINGS` are it as code. Every arm and seed is a run of
``camtf.train`` on one rank, two of them at a time; then two ranks measure. Started again on the same folder, it goes
on.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from absl import flags, logging

from benchmarks.ranks import on_ranks
from benchmarks.results import percent
from benchmarks.training import camtf_train
from camtf import command, files
from camtf.checkpoint import RunDirectory
from camtf.evaluation.columns import table
from camtf.evaluation.statistics import with_interval
from camtf.provenance import provenance
from camtf.studies.presets import EIGHT

FLAGS = flags.FLAGS

ITERATIONS, ROUNDS = 8, 4
FRAMES = 102_400 * 288
"""Learner frames of every arm: whole updates of 1,024 matches for 100 decisions."""

SETTINGS: dict[str, Any] = {
    "game.characters": ",".join(EIGHT),
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
    camtf_train(run, "generalists", {"seed": seed, **SETTINGS, **ARMS[arm]})


def part(name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A measurement, from its file where it is there. Every rank calls; rank 0 writes."""
    from camtf import distributed

    file = Path(FLAGS.folder) / "measured" / f"{name}.json"
    if not file.exists():
        found = measure()
        if distributed.rank() == 0:
            files.write_json(file, found)
            logging.info("%s is measured", name)
        distributed.barrier()
    return files.read_json(file)


def measure(arms: list[str], seeds: list[int]) -> dict[str, Any]:
    """All measurements of finished runs, by name. Every rank calls."""
    from benchmarks.population_measures import Finished, about, between, exploited

    planned: dict[str, Callable[[], dict[str, Any]]] = {}
    for seed in seeds:
        there = {arm: Finished(run_of(arm, seed)) for arm in arms}
        for one, two in itertools.combinations(arms, 2):
            planned[f"{one}_{two}_{seed}"] = functools.partial(between, there[one], there[two], seed)
        for arm, finished in there.items():
            planned[f"{arm}_{seed}"] = functools.partial(about, finished, FLAGS.bot_games, seed)
            for k in range(FLAGS.exploiters):
                planned[f"{arm}_{seed}_exploiter_{k + 1}"] = functools.partial(
                    exploited, finished, k + 1, FLAGS.exploiter_frames, FLAGS.bot_games, seed
                )
    return {name: part(name, measurement) for name, measurement in planned.items()}


def rate_over_seeds(rates: list[float]) -> dict[str, Any]:
    """`with_interval` of a win rate, which is nothing below 0 and nothing above 1."""
    return with_interval(rates, 0.0, 1.0)


def summarise(found: dict[str, Any], arms: list[str], seeds: list[int]) -> dict[str, Any]:
    """Means over seeds with their intervals, by arm and by pair of arms."""
    pairs = {
        f"{one} v. {two}": rate_over_seeds([found[f"{one}_{two}_{seed}"]["win_rate"] for seed in seeds])
        for one, two in itertools.combinations(arms, 2)
    }
    by_arm = {}
    for arm in arms:
        runs = [found[f"{arm}_{seed}"] for seed in seeds]
        worst = [
            max(found[f"{arm}_{seed}_exploiter_{k + 1}"]["win_rate"] for k in range(FLAGS.exploiters)) for seed in seeds
        ]
        by_arm[arm] = {
            "learner_frames": [run["learner_frames"] for run in runs],
            "effective_population": [run["effective_population"] for run in runs],
            "bots": {bot: rate_over_seeds([run["bots"][bot] for run in runs]) for bot in runs[0]["bots"]},
            "exploiter": rate_over_seeds(worst),
        }
    return {"relative_population_performance": pairs, "arms": by_arm}


def report(summary: dict[str, Any]) -> None:
    """Tables for people."""

    pairs, arms = summary["relative_population_performance"], summary["arms"]
    print("Relative population performance, % won, row against column [95% over seeds]:\n")
    names = list(arms)
    rows = [[one, *(percent(pairs[f"{one} v. {two}"]) if f"{one} v. {two}" in pairs else "" for two in names[1:])]
            for one in names[:-1]]  # fmt: skip
    print(table(["", *names[1:]], rows))
    bots = list(next(iter(arms.values()))["bots"])
    header = ["", "strategies that count", *(f"v. {bot}, %" for bot in bots), "exploiter wins, %"]
    rows = [
        [
            name,
            " ".join(map(str, a["effective_population"])),
            *(percent(a["bots"][b]) for b in bots),
            percent(a["exploiter"]),
        ]
        for name, a in arms.items()
    ]
    print("\n" + table(header, rows))


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("folder", "runs/populations", "Where the runs are, one folder each.")
    flags.DEFINE_list("arms", list(ARMS), "Algorithms.")
    flags.DEFINE_list("seeds", ["1", "2", "3"], "Training seeds of each.")
    flags.DEFINE_integer("jobs", 2, "Runs at the same time, each on one core.", 1)
    flags.DEFINE_integer("ranks", 2, "Ranks that measure.", 1)
    flags.DEFINE_integer("bot_games", 256, "Battles of each strategy against each bot.", 1)
    flags.DEFINE_integer("exploiters", 2, "Exploiters of each population.", 0)
    flags.DEFINE_integer("exploiter_frames", 2_000_000, "Learner frames of each exploiter.", 1)
    flags.DEFINE_string("out", "", "Also write the results to this file.")
    flags.DEFINE_bool("worker", False, "One rank that measures; used by the program itself.")


def main() -> None:
    """Train, then measure."""
    arms, seeds = FLAGS.arms, [int(seed) for seed in FLAGS.seeds]
    if FLAGS.worker:
        from camtf import distributed

        distributed.start()
        found = measure(arms, seeds)
        if distributed.rank() == 0:
            print(json.dumps(found))
        return
    with ThreadPoolExecutor(FLAGS.jobs) as pool:
        for _ in pool.map(lambda run: train(run[1], run[0]), itertools.product(seeds, arms)):
            pass
    given = [f"--{name}={FLAGS[name].value}" for name in ("folder", "bot_games", "exploiters", "exploiter_frames")]
    lists = [f"--arms={','.join(arms)}", f"--seeds={','.join(map(str, seeds))}"]
    found = on_ranks(FLAGS.ranks, "benchmarks.populations", ["--worker", *given, *lists], show="is measured")
    summary = {**summarise(found, arms, seeds), "settings": SETTINGS, "arms_settings": ARMS, **provenance()}
    report(summary)
    if FLAGS.out:
        files.write_json(Path(FLAGS.out), {**summary, "runs": found})
    print(json.dumps(summary))


if __name__ == "__main__":
    define_flags()
    command.run(main)
