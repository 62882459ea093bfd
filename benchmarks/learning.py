"""How fast does it learn to play? ``python -m benchmarks.learning``.

One policy learns eight mixed characters by self-play from nothing, with ``horovodrun`` on two ranks, and then meets
every scripted bot, which it has never seen, in every pairing of the characters. One run per seed; the time counts from
the start of the program to the last update, compilation and the looks at the bots on the way included.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

from benchmarks.ranks import on_ranks
from camtf import distributed
from camtf.checkpoint import RunDirectory
from camtf.config import Config, override, preset
from camtf.evaluation.intervals import rate_with_interval
from camtf.evaluation.report import rate, table
from camtf.evaluation.yardstick import against_bots
from camtf.game.observation import duel_spec
from camtf.game.roster import load_roster
from camtf.model.policy import Policy
from camtf.population.graph import InteractionGraph
from camtf.population.phase import Phase, duel, run_phase
from camtf.population.pool import Pool
from camtf.provenance import provenance

FLAGS = flags.FLAGS

CHARACTERS = (
    "ember_fox", "gale_archer", "iron_bull", "tide_monk", "storm_lancer", "thorn_witch", "cinder_duelist", "frost_seer",
)  # fmt: skip


def configuration(seed: int) -> Config:
    """The quickstart's settings for eight characters, with flags laid over them."""
    changes = dict(change.split("=", 1) for change in FLAGS.set)
    settings = {name: json.loads(value) for name, value in changes.items()}
    config = override(preset("quickstart"), {"seed": seed, "game.characters": CHARACTERS, **settings})
    per_look = config.game.matches * 2 * config.ppo.segment
    every = max(1, FLAGS.frames // per_look // FLAGS.looks)
    return override(config, {"evaluation.yardstick_updates": every})


def learn(seed: int, folder: str, began: float) -> dict[str, Any]:
    """Train with one seed and meet the bots. Every rank calls."""
    config, roster = configuration(seed), load_roster()
    characters = tuple(map(roster.index, CHARACTERS))
    policy = Policy(config.network, duel_spec(roster), seed)
    graph = InteractionGraph(
        snapshots=0, characters=characters, learners=characters, roster_size=len(roster), self_play_share=1.0,
        solver=config.generalists.solver, slots=config.network.mixture_slots, slot=(0,),
    )  # fmt: skip
    minutes: list[float] = []

    def yardstick(policy: Policy, graph: InteractionGraph) -> dict[str, float]:
        minutes.append((time.time() - began) / 60)
        return against_bots(roster, policy, graph, config.evaluation.yardstick_games)

    run = RunDirectory(folder)
    pool = Pool(config.network, duel_spec(roster), [])
    phase = Phase("learning", 1, policy, graph, pool, FLAGS.frames, yardstick=yardstick)
    took = run_phase(phase, config, duel(config, roster), run)
    total = (time.time() - began) / 60
    final = against_bots(roster, policy, graph, FLAGS.games)
    if distributed.rank() > 0:
        return {}
    games = -(-FLAGS.games // len(CHARACTERS) ** 2) * len(CHARACTERS) ** 2
    looks = [line for line in run.metrics(phase.name) if "v_idle" in line]
    curve = [
        {"minutes": round(m, 2), "frames": line["frames"], **{k: v for k, v in line.items() if k.startswith("v_")}}
        for m, line in zip(minutes, looks, strict=True)
    ]
    return {
        "seed": seed,
        "minutes": round(total, 2),
        "learner_frames": took["frames"],
        "bots": {name.removeprefix("v_"): rate_with_interval(v * games, games) for name, v in final.items()},
        "curve": curve,
    }


def run_seed(seed: int) -> dict[str, Any]:
    """One run on several ranks."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--worker", f"--seeds={seed}", f"--run_dir={folder}", f"--began={time.time()}"]
        arguments += [f"--{name}={FLAGS[name].value}" for name in ("frames", "games", "looks")]
        arguments += [f"--set={change}" for change in FLAGS.set]
        return on_ranks(FLAGS.ranks, "benchmarks.learning", arguments, show="learning [")


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_list("seeds", ["1", "2", "3"], "Seeds, one run each.")
    flags.DEFINE_integer("frames", 30_000_000, "Learner frames of each run, over all ranks.", 1)
    flags.DEFINE_integer("games", 1000, "Battles against each bot at the end.", 1)
    flags.DEFINE_integer("looks", 10, "Looks at the bots on the way.", 1)
    flags.DEFINE_integer("ranks", 2, "Ranks.", 1)
    flags.DEFINE_multi_string("set", [], "Another setting, as name=JSON, e.g. --set=ppo.learning_rate=3e-4.")
    flags.DEFINE_string("out", "", "Also write the results to this file.")
    flags.DEFINE_bool("worker", False, "One rank of a run; used by the program itself.")
    flags.DEFINE_string("run_dir", "", "Scratch folder of a worker.")
    flags.DEFINE_float("began", 0.0, "When the program was started, for a worker.")


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}")
    if FLAGS.worker:
        distributed.start()
        result = learn(int(FLAGS.seeds[0]), FLAGS.run_dir, FLAGS.began)
        if distributed.rank() == 0:
            print(json.dumps(result))
        return
    runs = [run_seed(int(seed)) for seed in FLAGS.seeds]
    bots = list(runs[0]["bots"])
    rows = [[str(r["seed"]), f"{r['minutes']:.1f}", *(rate(r["bots"][bot]) for bot in bots)] for r in runs]
    print(table(["seed", "minutes", *(f"v. {bot}, % [95%]" for bot in bots)], rows))
    summary = {
        "win_rate_by_bot": {bot: round(float(np.mean([r["bots"][bot]["win_rate"] for r in runs])), 4) for bot in bots},
        "minutes": max(r["minutes"] for r in runs),
        "learner_frames": runs[0]["learner_frames"],
        "settings": FLAGS.set,
        "runs": runs,
        **provenance(),
    }
    if FLAGS.out:
        Path(FLAGS.out).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({name: value for name, value in summary.items() if name != "runs"}))


if __name__ == "__main__":
    define_flags()
    app.run(main)
