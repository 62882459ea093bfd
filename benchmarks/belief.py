"""What is it worth to know who one plays against in the duel? ``python -m benchmarks.belief``.

The plan is `docs/experiments/belief.md`. Needs the ``psro`` runs of `benchmarks.populations`. Every arm and seed is a
process of its own, two of them at a time; started again on the same folder, it goes on.
"""

from __future__ import annotations

import dataclasses
import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags, logging

from benchmarks.ranks import on_ranks
from benchmarks.results import give, percent
from camtf import command, files
from camtf.evaluation.columns import table
from camtf.evaluation.statistics import with_interval
from camtf.provenance import provenance

FLAGS = flags.FLAGS

ARMS = ("nothing", "mixture", "belief", "identity")
DIFFERENCES = (("mixture", "nothing"), ("belief", "mixture"), ("identity", "belief"), ("identity", "nothing"))
FRAMES = 102_400 * 60
"""Learner frames of every arm: whole updates of 1,024 matches for 100 decisions."""


def response(arm: str, seed: int) -> dict[str, Any]:
    """Train an arm's learner, or go on, and measure it."""
    from benchmarks.belief_measures import Responder
    from camtf import distributed
    from camtf.checkpoint import RunDirectory
    from camtf.reopen import reopen

    distributed.start()
    population = reopen(Path(FLAGS.populations) / f"psro_{seed}")
    run = RunDirectory(Path(FLAGS.folder) / f"{arm}_{seed}")
    run.begin(population.config, population.game, write=True)
    responder = Responder(population, dataclasses.replace(population, run=run), arm)
    return responder.measure(responder.train(FLAGS.frames), FLAGS.battles)


def part(arm: str, seed: int) -> dict[str, Any]:
    """An arm's figures: from a process of its own, or read where it was finished before."""
    file = Path(FLAGS.folder) / "measured" / f"{arm}_{seed}.json"
    if not file.exists():
        given = [f"--{name}={FLAGS[name].value}" for name in ("populations", "folder", "frames", "battles")]
        arguments = ["--worker", f"--arm={arm}", f"--seeds={seed}", *given]
        files.write_json(file, on_ranks(1, "benchmarks.belief", arguments))
        logging.info("%s, seed %d is measured", arm, seed)
    return files.read_json(file)


def summarise(found: dict[str, Any], seeds: list[int]) -> dict[str, Any]:
    """Means over seeds with their intervals: of each arm, of what one wins more than another, of the share of what
    there is to know that is used."""
    rates = {arm: np.array([found[f"{arm}_{seed}"]["win_rate"] for seed in seeds]) for arm in ARMS}
    known = rates["identity"] - rates["nothing"]
    return {
        "win_rate": {arm: with_interval(list(rate), 0.0, 1.0) for arm, rate in rates.items()},
        "more": {f"{a} - {b}": with_interval(list(rates[a] - rates[b])) for a, b in DIFFERENCES},
        "share": {arm: with_interval(list((rates[arm] - rates["nothing"]) / known)) for arm in ("mixture", "belief")},
        "certainty": {
            arm: with_interval([found[f"{arm}_{seed}"]["certainty"] for seed in seeds]) for arm in ("mixture", "belief")
        },
    }


def report(summary: dict[str, Any]) -> None:
    """A table for people."""

    names = {"win_rate": "", "more": "", "share": "share of what there is to know: ", "certainty": "largest entry: "}
    rows = [[f"{title}{name}", percent(value)] for key, title in names.items() for name, value in summary[key].items()]
    print(table(["% [95% over seeds]", ""], rows))


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("populations", "runs/populations", "Where `benchmarks.populations` left its runs.")
    flags.DEFINE_string("folder", "runs/belief", "Where the learners are, one folder each.")
    flags.DEFINE_list("seeds", ["1", "2", "3"], "Seeds of populations and learners.")
    flags.DEFINE_integer("frames", FRAMES, "Learner frames of each.", 1)
    flags.DEFINE_integer("battles", 10_000, "Battles at least, of each.", 1)
    flags.DEFINE_integer("jobs", 2, "Learners at the same time, each on one core.", 1)
    flags.DEFINE_string("out", "", "Also write the results to this file.")
    flags.DEFINE_bool("worker", False, "One learner; used by the program itself.")
    flags.DEFINE_enum("arm", ARMS[0], ARMS, "What a worker's learner is told.")


def main() -> None:
    """Train and measure all arms."""
    if FLAGS.worker:
        give(response(FLAGS.arm, int(FLAGS.seeds[0])), "")
        return
    seeds = [int(seed) for seed in FLAGS.seeds]
    all_parts = list(itertools.product(seeds, ARMS))
    with ThreadPoolExecutor(FLAGS.jobs) as pool:
        parts = list(pool.map(lambda one: part(one[1], one[0]), all_parts))
    found = {f"{arm}_{seed}": figures for (seed, arm), figures in zip(all_parts, parts, strict=True)}
    summary = summarise(found, seeds)
    report(summary)
    give({**summary, "learner_frames": FLAGS.frames, "runs": found, **provenance()}, FLAGS.out)


if __name__ == "__main__":
    define_flags()
    command.run(main)
