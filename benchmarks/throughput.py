"""How fast does the whole line learn? ``python -m benchmarks.throughput``.

Runs real phases of training with ``horovodrun`` on one and on two ranks: the learner in self-play and against frozen
snapshots, the game and all inference included. Beside it, in one process of its own, the rates of the same network
alone: gradient samples and inferences a second. They bound what a rank can reach:
``1 / (epochs / train_rate + inferences_per_frame / inference_rate)`` learner frames a second.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from absl import app, flags

from camtf import distributed
from camtf.checkpoint import RunDirectory
from camtf.config import Config, preset
from camtf.evaluation.report import table
from camtf.game.env import DuelGame
from camtf.game.observation import duel_spec
from camtf.game.roster import Roster, load_roster
from camtf.learn.learner import Learner, flatten
from camtf.learn.rollout import Rollout
from camtf.model.policy import Policy
from camtf.population.graph import InteractionGraph
from camtf.population.phase import Phase, duel, run_phase
from camtf.population.pool import Pool
from camtf.provenance import provenance
from camtf.types import Snapshot

FLAGS = flags.FLAGS

_WARM_UP_UPDATES = 2


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
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()][_WARM_UP_UPDATES:]
    act, learn = (float(np.median([line[f"{part}_seconds"] for line in lines])) for part in ("act", "learn"))
    frames = took["frames"] / took["updates"]
    return {
        "learner_frames_per_second": frames / float(np.median([x["act_seconds"] + x["learn_seconds"] for x in lines])),
        "act_share": act / (act + learn),
        "rss_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def measure_kernels(config: Config, roster: Roster, repeats: int) -> dict[str, float]:
    """Gradient samples and inferences per second of the network alone, at the sizes that one of two ranks uses."""
    matches = config.game.matches // 2
    training = phase(config, roster, snapshots=0, updates=1)
    ids = np.arange(matches)
    game = DuelGame(roster, matches, 1, config.reward, ids)
    rollout = Rollout(
        game, training.policy, training.pool.playing(training.graph), training.graph, matches, 1, ids,
        config.ppo.segment,
    )  # fmt: skip
    segment, _ = rollout.collect()
    learner = Learner(training.policy, config.ppo, 1, rollout.row_ids)
    batch = flatten(segment, np.zeros_like(segment.reward), np.zeros_like(segment.reward))
    rows = np.arange(segment.reward.size // config.ppo.minibatches, dtype=np.int32)
    first = type(segment.observation)(*(x[0] for x in segment.observation))
    chance = np.full((len(first.mask), 19), 0.5, np.float32)

    def rate(call: Any, n: int) -> float:
        taken = []
        for _ in range(repeats + 5):
            began = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began)
        return n / float(np.median(taken[5:]))

    return {
        "train_samples_per_second": rate(lambda: float(learner.train_step(batch, rows)[0]), len(rows)),
        "inferences_per_second": rate(lambda: training.policy.act(first, segment.mixture[0], chance), len(chance)),
        "parameters": training.policy.parameters,
    }


def run_ranks(ranks: int) -> dict[str, Any]:
    """This program as a worker under ``horovodrun``; what rank 0 printed last."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["horovodrun", "-np", str(ranks), sys.executable, "-m", "benchmarks.throughput", "--worker"]
        command += [f"--run_dir={folder}/run", f"--snapshots={FLAGS.snapshots}", f"--updates={FLAGS.updates}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: {' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    lines = [line.split("<stdout>:", 1)[-1] for line in done.stdout.splitlines()]
    return json.loads(next(line for line in reversed(lines) if line.startswith("{")))


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_integer("snapshots", 4, "Frozen networks among the opponents.", 1)
    flags.DEFINE_integer("updates", 12, "Updates that are timed, after a warm-up.", 1)
    flags.DEFINE_integer("repeats", 60, "Timed calls of the network alone.", 1)
    flags.DEFINE_bool("worker", False, "One rank of a measurement; used by the program itself.")
    flags.DEFINE_string("run_dir", "", "Scratch folder of a worker.")


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}")
    config = dataclasses.replace(preset("quickstart"), checkpoint_updates=1_000_000)
    roster = load_roster()
    if FLAGS.worker:
        distributed.start()
        result = measure_phase(config, roster, FLAGS.run_dir, FLAGS.snapshots, FLAGS.updates)
        if distributed.rank() == 0:
            print(json.dumps(result))
        return
    one, two = run_ranks(1), run_ranks(2)
    distributed.start()
    kernels = measure_kernels(config, roster, FLAGS.repeats)
    # In self-play one inference serves each frame; a match against the frozen takes two for one.
    share = config.generalists.self_play_share
    inferences_per_frame = 2 / (1 + share)
    bound = 2 / (
        config.ppo.epochs / kernels["train_samples_per_second"]
        + inferences_per_frame / kernels["inferences_per_second"]
    )
    speed = {ranks: r["learner_frames_per_second"] for ranks, r in ((1, one), (2, two))}
    summary = {
        "learner_frames_per_second_1_rank": round(speed[1]),
        "learner_frames_per_second_2_ranks": round(speed[2]),
        "compute_bound_frames_per_second_2_ranks": round(bound),
        "fraction_of_bound": round(speed[2] / bound, 3),
        "scaling_1_to_2": round(speed[2] / speed[1], 3),
        "act_share_2_ranks": round(two["act_share"], 3),
        "rss_gib_per_rank": round(two["rss_gib"], 2),
        "train_samples_per_second": round(kernels["train_samples_per_second"]),
        "inferences_per_second": round(kernels["inferences_per_second"]),
        "parameters": kernels["parameters"],
    }
    print(table(["throughput", ""], [[name, f"{value:,}"] for name, value in summary.items()]))
    print(json.dumps({**summary, **provenance()}))


if __name__ == "__main__":
    define_flags()
    app.run(main)
