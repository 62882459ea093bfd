"""How fast does the whole line learn? ``python -m benchmarks.throughput``.

Runs real generations with ``horovodrun`` on one and on two ranks, and on two in impala mode: the learner in
self-play in half of the matches, against frozen snapshots in the other half, the game and all inference included. A
rank has as many matches and as large a minibatch on two ranks as on one. Beside it the rates of the same network alone
(`benchmarks.networks`), in one process, and in two at the same time. They bound training:
``1 / (epochs / gradient rate + inferences per frame / inference rate)`` learner frames a second on each core, both
rates those of one process that has the machine to itself. All of it takes turns for a few rounds; figures are medians
of the rounds, and so are ratios.
"""

from __future__ import annotations

import json
import os
import resource
import tempfile
from typing import Any

import numpy as np
from absl import flags, logging

from benchmarks import results
from benchmarks.networks import Kernels, compare, rates
from benchmarks.ranks import on_ranks
from camtf import command, distributed
from camtf.algorithms.generalists import Generation, best_response
from camtf.checkpoint import RunDirectory
from camtf.config import Config, override, preset
from camtf.evaluation.columns import table
from camtf.games.loading import load_game
from camtf.games.protocol import Game
from camtf.population.measuring import NOTHING
from camtf.population.payoffs import Payoffs
from camtf.population.strategies import one_policy_each
from camtf.population.training import Context
from camtf.provenance import provenance
from camtf.types import Snapshot

FLAGS = flags.FLAGS

_WARM_UP_UPDATES = 2

_PARTS = ("act_game", "act_learner", "act_opponents", "gradient", "allreduce")


def measure_training(config: Config, game: Game, run_dir: str, snapshots: int, updates: int) -> dict[str, Any]:
    """Learner frames per second over all ranks, the median update counting, and this rank's memory.

    A late generation: half of the matches in self-play, half against frozen networks with random weights.
    """
    rows = config.game.matches * (1 + config.generalists.self_play_share)
    frames = int(config.ppo.segment * rows * (updates + _WARM_UP_UPDATES))
    changes = {
        "generalists.frames": frames,
        "generalists.generations": snapshots + 1,
        "game.characters": game.characters,
    }
    config = override(config, changes)
    context = Context(config, game, RunDirectory(run_dir))
    context.run.begin(config, game, write=distributed.rank() == 0)
    told = np.full((len(game.characters), config.network.mixture_slots), 1 / config.network.mixture_slots, np.float32)
    frozen = [Snapshot(str(i), context.policy(i).get_weights(), told) for i in range(snapshots)]
    payoffs = Payoffs((snapshots + 1) * len(game.characters), config.generalists.payoff_decay)
    graph = Generation(context, one_policy_each(frozen, len(game.characters)), payoffs)
    _, took = best_response(context, "throughput", context.policy(config.seed), graph, NOTHING)
    lines = context.run.metrics("throughput")[_WARM_UP_UPDATES:]
    totals = np.array([line["act_seconds"] + line["learn_seconds"] for line in lines])
    parts = {part: [line[f"{part}_seconds"] for line in lines] for part in _PARTS}
    shares = {part: round(float(np.median(seconds / totals)), 3) for part, seconds in parts.items()}
    return {
        "learner_frames_per_second": took["frames"] / took["updates"] / float(np.median(totals)),
        "shares": shares | {"rest": round(1 - sum(shares.values()), 3)},
        "rss_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def measure_kernels(config: Config, game: Game, matches: int) -> dict[str, float]:
    """Gradient samples and inferences a second of the network alone, added over ranks that do not wait for others."""
    with distributed.own_group():
        kernels = Kernels(config, game, matches)
        found = rates({"ours": kernels}, FLAGS.repeats)["ours"]
    both = distributed.sum_over_ranks([np.float64(rate) for rate in found.values()], "rates")
    return dict(zip(found, map(float, both), strict=True))


def run_worker(ranks: int, measure: str, mode: str = "synchronous") -> dict[str, Any]:
    """One measurement on so many ranks."""
    names = ("snapshots", "matches", "minibatches", "updates", "repeats")
    arguments = [f"--worker={measure}", f"--mode={mode}", *(f"--{name}={FLAGS[name].value}" for name in names)]
    with tempfile.TemporaryDirectory() as folder:
        return on_ranks(ranks, "benchmarks.throughput", [*arguments, f"--run_dir={folder}/run"])


def bound(config: Config, kernels: dict[str, float]) -> float:
    """Learner frames a second, did nothing but the network take time. In self-play one inference serves each frame; a
    match against a frozen network takes two for one."""
    inferences_per_frame = 2 / (1 + config.generalists.self_play_share)
    seconds = config.ppo.epochs / kernels["train_samples_per_second"]
    return 1 / (seconds + inferences_per_frame / kernels["inferences_per_second"])


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_integer("snapshots", 4, "Frozen networks among the opponents.", 1)
    flags.DEFINE_integer("matches", 1024, "Matches at the same time, of each rank.", 1)
    flags.DEFINE_integer("minibatches", 20, "Minibatches of a pass.", 1)
    flags.DEFINE_integer("updates", 8, "Updates that are timed, after a warm-up.", 1)
    flags.DEFINE_integer("rounds", 3, "Times that everything is measured.", 1)
    flags.DEFINE_integer("repeats", 15, "Timed calls of the network alone.", 1)
    flags.DEFINE_string("out", "", "Also write the results to this file.")
    flags.DEFINE_enum("worker", None, ["training", "kernels"], "One rank of a measurement; used by the program itself.")
    flags.DEFINE_string("mode", "synchronous", "ppo.mode of a worker.")
    flags.DEFINE_string("run_dir", "", "Scratch folder of a worker.")


def work(config: Config, game: Game) -> dict[str, Any]:
    """What one rank measures."""
    if FLAGS.worker == "training":
        distributed.start()
        return measure_training(config, game, FLAGS.run_dir, FLAGS.snapshots, FLAGS.updates)
    distributed.start(groups=int(os.environ["HOROVOD_SIZE"]))
    return measure_kernels(config, game, FLAGS.matches)


def measure_round(config: Config) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Everything that needs ranks, once: figures by name, and microseconds of a rank per frame by part and ranks."""
    phases = {ranks: run_worker(ranks, "training") for ranks in (1, 2)}
    impala = run_worker(2, "training", "impala")["learner_frames_per_second"]
    alone, together = (run_worker(ranks, "kernels") for ranks in (1, 2))
    speed = {ranks: found["learner_frames_per_second"] for ranks, found in phases.items()}
    one_core = bound(config, alone)
    found = {
        "learner_frames_per_second_1_rank": speed[1],
        "learner_frames_per_second_2_ranks": speed[2],
        "scaling_1_to_2": speed[2] / speed[1],
        "compute_bound_frames_per_second_2_ranks": 2 * one_core,
        "fraction_of_bound": speed[2] / (2 * one_core),
        "fraction_of_bound_1_rank": speed[1] / one_core,
        "two_processes_at_once_against_twice_one": bound(config, together) / (2 * one_core),
        "learner_frames_per_second_2_ranks_impala": impala,
        "rss_gib_per_rank": max(found["rss_gib"] for found in phases.values()),
    }
    parts = {
        part: {str(ranks): 1e6 * ranks * phases[ranks]["shares"][part] / speed[ranks] for ranks in phases}
        for part in phases[1]["shares"]
    }
    return found, parts


def main() -> None:
    config = override(
        preset("quickstart"),
        {
            "checkpoint_updates": 1_000_000,
            "game.matches": FLAGS.matches * int(os.environ.get("HOROVOD_SIZE", "1")),
            "ppo.minibatches": FLAGS.minibatches,
            "ppo.mode": FLAGS.mode,
        },
    )
    game = load_game(config)
    if FLAGS.worker:
        result = work(config, game)
        if distributed.rank() == 0:
            print(json.dumps(result))
        return
    figures, parts = [], []
    for i in range(FLAGS.rounds):
        found, took = measure_round(config)
        figures.append(found)
        parts.append(took)
        logging.info("round %d of %d: %s", i + 1, FLAGS.rounds, found)
    distributed.start()
    networks = compare(config, game, FLAGS.matches, FLAGS.repeats)
    report(figures, parts, networks, {"epochs": config.ppo.epochs, **provenance()})


def report(
    figures: list[dict[str, float]],
    parts: list[dict[str, dict[str, float]]],
    networks: dict[str, dict[str, float]],
    about: dict[str, Any],
) -> None:
    """Prints medians of the rounds, and writes them with the lowest and the highest to ``--out``."""
    rounds = {name: [found[name] for found in figures] for name in figures[0]}
    took = {
        part: {ranks: round(float(np.median([found[part][ranks] for found in parts])), 2) for ranks in found_in}
        for part, found_in in parts[0].items()
    }
    ours, plain = networks["four_module"], networks["perceptron"]
    main_figures = {name: _rounded(float(np.median(found))) for name, found in rounds.items()} | {
        "parameters": ours["parameters"],
        "operations_per_inference": ours["operations"],
        "train_samples_per_second": round(ours["train_samples_per_second"]),
        "inferences_per_second": round(ours["inferences_per_second"]),
        "train_rate_against_equal_perceptron": round(
            ours["train_samples_per_second"] / plain["train_samples_per_second"], 3
        ),
    }
    print(table(["throughput", ""], [[name, f"{value:,}"] for name, value in main_figures.items()]))
    total = sum(us["2"] for us in took.values())
    rows = [[part, f"{us['1']:.2f}", f"{us['2']:.2f}", f"{us['2'] / total:.1%}"] for part, us in took.items()]
    print()
    print(table(["us of a rank per frame", "1 rank", "2 ranks", "share"], rows))
    summary: dict[str, Any] = main_figures | {f"share_{part}": round(us["2"] / total, 3) for part, us in took.items()}
    summary |= {
        "microseconds_per_frame_and_rank": took,
        "lowest_and_highest_of_rounds": {name: [_rounded(min(x)), _rounded(max(x))] for name, x in rounds.items()},
    }
    summary |= {
        name: FLAGS[name].value for name in ("matches", "minibatches", "snapshots", "updates", "rounds")
    } | about
    results.give(summary, FLAGS.out)


def _rounded(x: float) -> float:
    return round(x) if x > 100 else round(x, 3)


if __name__ == "__main__":
    define_flags()
    command.run(main)
