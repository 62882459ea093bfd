"""How fast does it learn to play? ``python -m benchmarks.learning``.

One policy learns eight mixed characters by self-play from nothing (the first stage of training: generations of one
conditional network), with ``horovodrun`` on two ranks, and then meets every scripted bot, which it has never seen, in
every pairing of the characters. One run per seed; the time counts from the start of the program to the last update,
compilation and the looks at the bots on the way included. ``--compare`` makes a run for each of some other settings and
networks, too.
"""

from __future__ import annotations

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags, logging

from benchmarks.networks import ARRANGEMENTS, arrangement
from benchmarks.ranks import on_ranks
from camtf import command, distributed, files
from camtf.algorithms import train_population
from camtf.checkpoint import RunDirectory
from camtf.config import Config, ConfigError, override, preset
from camtf.evaluation.battles import PolicySide
from camtf.evaluation.columns import rate, table
from camtf.evaluation.figures import learning_curves
from camtf.evaluation.intervals import rate_with_interval
from camtf.evaluation.yardstick import against_bots, periodic_evaluation
from camtf.games.loading import load_game
from camtf.model.policy import Policy
from camtf.population.matchmaking import GraphMatchmaker
from camtf.population.training import Context
from camtf.provenance import provenance
from camtf.types import Snapshot

FLAGS = flags.FLAGS

CHARACTERS = (
    "ember_fox", "gale_archer", "iron_bull", "tide_monk", "storm_lancer", "thorn_witch", "cinder_duelist", "frost_seer",
)  # fmt: skip

SETTINGS: dict[str, Any] = {
    "game.characters": CHARACTERS,
    "generalists.generations": 4,
    "generalists.meta_strategy": "uniform",  # every pairing the same: "pfsp" leaves out the bouts that are won
    "ppo.final_learning_rate": 0.1,
}
"""What differs from the quickstart's: see `COMPARED`."""

COMPARED: dict[str, dict[str, Any]] = {
    "as it is": {},
    "impala mode": {"ppo.mode": "impala"},
    "opponents that win": {"generalists.meta_strategy": "pfsp"},
    "self-play alone": {"generalists.generations": 1},
    "half the matches": {"game.matches": 256},
    "twice the matches": {"game.matches": 1024},
    "1 epoch": {"ppo.epochs": 1},
    "learning rate 5e-4": {"ppo.learning_rate": 5e-4},
    "entropy 0.003": {"ppo.entropy_cost": 0.003},
    "trunk 64, 64": {"network.trunk": (64, 64)},
    "trunk 256, 128": {"network.trunk": (256, 128)},
    "network: two convolutions": {"arrangement": "two_convolutions"},
    "network: perceptron": {"arrangement": "perceptron"},
}
"""What is tried against `SETTINGS`; the networks are those of `benchmarks.networks`."""


def configuration(seed: int) -> Config:
    """The quickstart's configuration with `SETTINGS` and flags laid over it. Raises ConfigError."""
    settings = dict(map(parse_setting, FLAGS.set))
    config = override(preset("quickstart"), SETTINGS | {"seed": seed, **settings})
    frames = FLAGS.frames // config.generalists.generations
    per_look = config.game.matches * 2 * config.ppo.segment
    every = max(1, FLAGS.frames // per_look // FLAGS.looks)
    return override(config, {"evaluation.yardstick_updates": every, "generalists.frames": frames})


def parse_setting(given: str) -> tuple[str, Any]:
    """A setting's name and value. Raises ConfigError."""
    name, _, text = given.partition("=")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--set must be name=JSON, got {given[:100]!r}") from error
    return name, tuple(value) if isinstance(value, list) else value


def learn(seed: int, folder: str, began: float) -> dict[str, Any]:
    """Train with one seed and meet the bots. Every rank calls."""
    config, directory = configuration(seed), RunDirectory(folder)
    game = load_game(config)
    directory.begin(config, game, write=distributed.rank() == 0)
    evaluation = periodic_evaluation(game, config.evaluation.yardstick_games)
    minutes: list[float] = []

    def periodic(policy: Policy, matchmaker: GraphMatchmaker) -> dict[str, float]:
        minutes.append((time.time() - began) / 60)
        return evaluation(policy, matchmaker)

    build = arrangement(FLAGS.arrangement, config, game)
    context = Context(config, game, directory, build, periodic)
    snapshots = train_population(context).snapshots
    total = (time.time() - began) / 60
    final = against_last(context, snapshots[-1])
    if distributed.rank() > 0:
        return {}
    games = -(-FLAGS.games // len(CHARACTERS) ** 2) * len(CHARACTERS) ** 2
    curve: list[dict[str, float]] = []
    before = 0
    for snapshot in snapshots:
        lines = directory.metrics(snapshot.name)
        for line in (line for line in lines if "v_idle" in line):
            rates = {name: rate for name, rate in line.items() if name.startswith("v_")}
            curve.append({"minutes": round(minutes[len(curve)], 2), "frames": before + line["frames"], **rates})
        before += lines[-1]["frames"]
    return {
        "seed": seed,
        "minutes": round(total, 2),
        "learner_frames": before,
        "bots": {name.removeprefix("v_"): rate_with_interval(v * games, games) for name, v in final.items()},
        "curve": curve,
    }


def against_last(context: Context, last: Snapshot) -> dict[str, float]:
    """Win rate of the last network against each bot."""
    policy, characters = context.policy(), np.array(context.characters)
    policy.set_weights(last.weights)
    return against_bots(context.game, PolicySide(policy, last.mixture, characters), characters, FLAGS.games)


def run(seed: int, changes: dict[str, Any]) -> dict[str, Any]:
    """One run on several ranks, with other settings laid over the flags'."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--worker", f"--seeds={seed}", f"--run_dir={folder}", f"--began={time.time()}"]
        arguments += [f"--{name}={FLAGS[name].value}" for name in ("frames", "games", "looks")]
        arguments += [f"--set={change}" for change in FLAGS.set]
        settings = {"arrangement": FLAGS.arrangement} | changes
        arguments.append(f"--arrangement={settings.pop('arrangement')}")
        arguments += [f"--set={name}={json.dumps(value)}" for name, value in settings.items()]
        return on_ranks(FLAGS.ranks, "benchmarks.learning", arguments, show="generation_")


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_list("seeds", ["1", "2", "3"], "Seeds, one run each.")
    flags.DEFINE_integer("frames", 32_000_000, "Learner frames of each run, over all ranks.", 1)
    flags.DEFINE_integer("games", 1000, "Battles against each bot at the end.", 1)
    flags.DEFINE_integer("looks", 10, "Looks at the bots on the way.", 1)
    flags.DEFINE_integer("ranks", 2, "Ranks of each run.", 1)
    flags.DEFINE_integer("jobs", 1, "Runs at the same time.", 1)
    flags.DEFINE_multi_string("set", [], "Another setting, as name=JSON, e.g. --set=ppo.learning_rate=3e-4.")
    flags.DEFINE_bool("compare", False, "A run of each seed for each of other settings, too.")
    flags.DEFINE_multi_enum("only", list(COMPARED), list(COMPARED), "What to compare.")
    flags.DEFINE_enum("arrangement", "four_module", ARRANGEMENTS, "Which network of `benchmarks.networks` learns.")
    flags.DEFINE_string("out", "", "Also write the results to this file.")
    flags.DEFINE_string("figure", "", "Also draw the win rates on the way into this file (PNG, SVG).")
    flags.DEFINE_bool("worker", False, "One rank of a run; used by the program itself.")
    flags.DEFINE_string("run_dir", "", "Scratch folder of a worker.")
    flags.DEFINE_float("began", 0.0, "When the program was started, for a worker.")


def main() -> None:
    if FLAGS.worker:
        distributed.start()
        result = learn(int(FLAGS.seeds[0]), FLAGS.run_dir, FLAGS.began)
        if distributed.rank() == 0:
            print(json.dumps(result))
        return
    try:
        seeds = [int(seed) for seed in FLAGS.seeds]
        configuration(seeds[0])
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error
    summary = {"settings": SETTINGS, "changes": FLAGS.set, **provenance()}
    planned: dict[str, tuple[int, dict[str, Any]]] = {f"seed {seed}": (seed, {}) for seed in seeds}
    if FLAGS.compare:
        summary["compared"] = {name: changes for name, changes in COMPARED.items() if name in FLAGS.only}
        planned = {f"{name}, seed {s}": (s, changes) for name, changes in summary["compared"].items() for s in seeds}
    runs: dict[str, Any] = {}
    with ThreadPoolExecutor(FLAGS.jobs) as pool:
        for name, result in zip(planned, pool.map(lambda plan: run(*plan), planned.values()), strict=True):
            runs[name] = result
            logging.info("%s is done, run %d of %d", name, len(runs), len(planned))
            if FLAGS.out:
                files.write_json(Path(FLAGS.out), summary | {"runs": runs})
    report(runs, summary)


def report(runs: dict[str, Any], summary: dict[str, Any]) -> None:
    """Tables, the figure and the JSON line."""
    bots = list(next(iter(runs.values()))["bots"])
    rows = [
        [name, f"{r['minutes']:.1f}", f"{r['learner_frames'] / 1e6:.1f}", *(rate(r["bots"][bot]) for bot in bots)]
        for name, r in runs.items()
    ]
    print(table(["run", "minutes", "million frames", *(f"v. {bot}, % [95%]" for bot in bots)], rows))
    if FLAGS.compare:
        of_setting = {
            setting: mean_by_bot([run for name, run in runs.items() if name.startswith(f"{setting}, seed")])
            for setting in summary["compared"]
        }
        rows = [[name, *(f"{100 * x:.1f}" for x in means.values())] for name, means in of_setting.items()]
        print()
        print(table(["mean of the seeds", *(f"v. {bot}, %" for bot in bots)], rows))
        summary = {"mean_by_setting": of_setting, **summary}
    if FLAGS.out:
        files.write_json(Path(FLAGS.out), summary | {"runs": runs})
    if FLAGS.figure:
        learning_curves([r["curve"] for r in runs.values()], FLAGS.figure)
    most = {key: max(r[key] for r in runs.values()) for key in ("minutes", "learner_frames")}
    print(json.dumps({"win_rate_by_bot": mean_by_bot(list(runs.values())), **most, **summary}))


def mean_by_bot(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Win rate against each bot, the mean of some runs."""
    return {bot: round(float(np.mean([r["bots"][bot]["win_rate"] for r in runs])), 4) for bot in runs[0]["bots"]}


if __name__ == "__main__":
    define_flags()
    command.run(main)
