"""How fast does the whole line learn? ``python -m benchmarks.throughput``.

Runs real phases of training with ``horovodrun`` on one and on two ranks, and on two in impala mode: the learner in
self-play in half of the matches, against frozen snapshots in the other half, the game and all inference included.
Beside it the rates of the same network alone (`benchmarks.networks`), in one process, and in two at the same time. They
bound training: ``1 / (epochs / gradient rate + inferences per frame / inference rate)`` learner frames a second on each
core, both rates those of one process that has the machine to itself.
"""

from __future__ import annotations

import json
import os
import resource
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

from benchmarks.networks import Kernels, compare, rates
from benchmarks.ranks import on_ranks
from camtf import distributed
from camtf.checkpoint import RunDirectory
from camtf.config import Config, override, preset
from camtf.evaluation.report import table
from camtf.game.observation import duel_spec
from camtf.game.roster import Roster, load_roster
from camtf.model.policy import Policy
from camtf.population.graph import InteractionGraph
from camtf.population.phase import Phase, duel, run_phase
from camtf.population.pool import Pool
from camtf.provenance import provenance
from camtf.types import Snapshot

FLAGS = flags.FLAGS

_WARM_UP_UPDATES = 2

_PARTS = ("act_game", "act_learner", "act_opponents", "gradient", "allreduce")


def phase(config: Config, roster: Roster, snapshots: int, updates: int) -> Phase:
    """Training as in a late generation: half of the matches in self-play, half against random frozen networks."""
    everyone = tuple(range(len(roster)))
    graph = InteractionGraph(
        snapshots, everyone, everyone, len(roster), config.generalists.self_play_share, "exploit",
        config.network.mixture_slots, tuple(range(snapshots + 1)),
    )  # fmt: skip
    mixture = np.full((len(roster), config.network.mixture_slots), 1 / config.network.mixture_slots, np.float32)
    frozen = [
        Snapshot(str(i), Policy(config.network, duel_spec(roster), i).get_weights(), mixture) for i in range(snapshots)
    ]
    learner_rows = config.game.matches * (1 + graph.self_play_share)
    frames = int(config.ppo.segment * learner_rows * updates)
    policy = Policy(config.network, duel_spec(roster), config.seed)
    return Phase("throughput", 1, policy, graph, Pool(config.network, duel_spec(roster), frozen), frames)


def measure_phase(config: Config, roster: Roster, run_dir: str, snapshots: int, updates: int) -> dict[str, Any]:
    """Learner frames per second over all ranks, the median update counting, and this rank's memory."""
    run = RunDirectory(run_dir)
    run.begin(config, roster, write=distributed.rank() == 0)
    training = phase(config, roster, snapshots, updates + _WARM_UP_UPDATES)
    took = run_phase(training, config, duel(config, roster), run)
    lines = run.metrics(training.name)[_WARM_UP_UPDATES:]
    totals = np.array([line["act_seconds"] + line["learn_seconds"] for line in lines])
    parts = {part: [line[f"{part}_seconds"] for line in lines] for part in _PARTS}
    shares = {part: round(float(np.median(seconds / totals)), 3) for part, seconds in parts.items()}
    return {
        "learner_frames_per_second": took["frames"] / took["updates"] / float(np.median(totals)),
        "shares": shares | {"rest": round(1 - sum(shares.values()), 3)},
        "rss_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def measure_kernels(config: Config, roster: Roster, matches: int) -> dict[str, float]:
    """Gradient samples and inferences a second of the network alone, added over ranks that do not wait for others."""
    with distributed.own_group():
        kernels = Kernels(config, roster, matches)
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
    flags.DEFINE_integer("matches", 2048, "Matches at the same time, over all ranks.", 1)
    flags.DEFINE_integer("minibatches", 20, "Minibatches of a pass.", 1)
    flags.DEFINE_integer("updates", 12, "Updates that are timed, after a warm-up.", 1)
    flags.DEFINE_integer("repeats", 15, "Timed calls of the network alone.", 1)
    flags.DEFINE_string("out", "", "Also write the results to this file.")
    flags.DEFINE_enum("worker", None, ["phase", "kernels"], "One rank of a measurement; used by the program itself.")
    flags.DEFINE_string("mode", "synchronous", "ppo.mode of a worker.")
    flags.DEFINE_string("run_dir", "", "Scratch folder of a worker.")


def work(config: Config, roster: Roster) -> dict[str, Any]:
    """What one rank measures."""
    if FLAGS.worker == "phase":
        distributed.start()
        return measure_phase(config, roster, FLAGS.run_dir, FLAGS.snapshots, FLAGS.updates)
    distributed.start(groups=int(os.environ["HOROVOD_SIZE"]))
    return measure_kernels(config, roster, FLAGS.matches // 2)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}")
    config = override(
        preset("quickstart"),
        {
            "checkpoint_updates": 1_000_000,
            "game.matches": FLAGS.matches,
            "ppo.minibatches": FLAGS.minibatches,
            "ppo.mode": FLAGS.mode,
        },
    )
    roster = load_roster()
    if FLAGS.worker:
        result = work(config, roster)
        if distributed.rank() == 0:
            print(json.dumps(result))
        return
    phases = {ranks: run_worker(ranks, "phase") for ranks in (1, 2)}
    impala = run_worker(2, "phase", "impala")["learner_frames_per_second"]
    alone, together = (run_worker(ranks, "kernels") for ranks in (1, 2))
    distributed.start()
    networks = compare(config, roster, FLAGS.matches // 2, FLAGS.repeats)
    speed = {ranks: found["learner_frames_per_second"] for ranks, found in phases.items()}
    both_cores = 2 * bound(config, alone)
    ours, plain = networks["four_module"], networks["perceptron"]
    summary = {
        "learner_frames_per_second_1_rank": round(speed[1]),
        "learner_frames_per_second_2_ranks": round(speed[2]),
        "scaling_1_to_2": round(speed[2] / speed[1], 3),
        "compute_bound_frames_per_second_2_ranks": round(both_cores),
        "fraction_of_bound": round(speed[2] / both_cores, 3),
        "fraction_of_bound_1_rank": round(speed[1] / both_cores * 2, 3),
        "learner_frames_per_second_2_ranks_impala": round(impala),
        "rss_gib_per_rank": round(phases[2]["rss_gib"], 2),
        "rss_gib_1_rank": round(phases[1]["rss_gib"], 2),
        "parameters": ours["parameters"],
        "operations_per_inference": ours["operations"],
        "train_samples_per_second": round(ours["train_samples_per_second"]),
        "inferences_per_second": round(ours["inferences_per_second"]),
        "train_rate_against_equal_perceptron": round(
            ours["train_samples_per_second"] / plain["train_samples_per_second"], 3
        ),
        "train_rate_two_processes_against_one": round(
            together["train_samples_per_second"] / alone["train_samples_per_second"], 3
        ),
    }
    print(table(["throughput", ""], [[name, f"{value:,}"] for name, value in summary.items()]))
    parts = {
        part: {ranks: round(1e6 * ranks * found["shares"][part] / speed[ranks], 2) for ranks, found in phases.items()}
        for part in phases[2]["shares"]
    }
    rows = [[part, *(f"{us[n]:.2f}" for n in us), f"{phases[2]['shares'][part]:.1%}"] for part, us in parts.items()]
    print()
    print(table(["us of a rank per frame", "1 rank", "2 ranks", "share"], rows))
    summary |= {f"share_{part}": share for part, share in phases[2]["shares"].items()}
    summary["microseconds_per_frame_and_rank"] = parts
    summary |= {"matches": FLAGS.matches, "minibatches": FLAGS.minibatches, "epochs": config.ppo.epochs}
    summary |= {"snapshots": FLAGS.snapshots, **provenance()}
    if FLAGS.out:
        Path(FLAGS.out).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(summary))


if __name__ == "__main__":
    define_flags()
    app.run(main)
