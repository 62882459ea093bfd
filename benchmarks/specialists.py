"""Specialists worth their frames? ``python -m benchmarks.specialists``.

The plan is `docs/experiments/specialists.md`; `CASES` is it as code. Every case and seed is a run of ``camtf.train`` on
one rank, two of them at a time, from a population that all cases of the same characters, network and seed share; then
two ranks measure. Started again on the same folder, it goes on.
"""

from __future__ import annotations

import functools
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from absl import flags, logging

from benchmarks.ranks import on_ranks
from benchmarks.training import camtf_train
from camtf import command, files
from camtf.checkpoint import RunDirectory
from camtf.evaluation.columns import table
from camtf.evaluation.statistics import with_interval
from camtf.provenance import provenance
from camtf.studies.first_generations import first_generations
from camtf.studies.presets import EIGHT

FLAGS = flags.FLAGS

NETWORKS: dict[str, dict[str, Any]] = {
    "8k": {"network.trunk": "32,32", "network.fighter_filters": 12, "network.history_filters": 8,
           "network.embedding": 4, "network.buff_filters": 8, "network.element_filters": 4, "network.mask_units": 4},
    "25k": {"network.trunk": "64,48", "network.fighter_filters": 32, "network.history_filters": 16},
    "62k": {},
}  # fmt: skip
"""Settings of the networks, named by about how many parameters they have."""

GENERATIONS = (1, 4, 8, 13)
MILLION = 1_000_000
GAINS = (
    ("start", "population"), ("matched", "population"), ("own_critic", "population"), ("start", "held_out"),
    ("matched", "held_out"), ("own_critic", "held_out"), ("start", "bots"), ("matched", "bots"), ("own_critic", "bots"),
)  # fmt: skip
"""Over what control, against whom."""
REGIME = ("characters", "parameters", "specialist_frames")
"""What a measurement says of its case."""


@dataclass(frozen=True)
class Case:
    """What Specialists are trained from and how.

    Attributes:
        characters: how many.
        network: one of `NETWORKS`.
        generations: how many of the population's there are.
        total_frames: of all Specialists together, and of the matched network.
        settings: beside the quickstart's.
    """

    characters: int = 8
    network: str = "62k"
    generations: int = 8
    total_frames: int = 24 * MILLION
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def own_settings(self) -> dict[str, Any]:
        """Of stage 2."""
        own = {"specialists.opponents": 0, "specialists.controls": "matched", **self.settings}
        networks = int(own.get("specialists.clusters.count", 0)) or self.characters
        rounds = int(own.get("specialists.rounds", 1))
        return {**own, "specialists.frames": self.total_frames // networks // rounds}


ARMS: dict[str, dict[str, Any]] = {
    "base": {"specialists.controls": "matched,own_critic"},
    "last_generation": {"specialists.opponents": 1},
    "own_critic": {"specialists.advantage": "own_critic"},
    "residual": {"specialists.advantage": "residual"},
    "mm_weak": {"specialists.advantage": "own_critic", "specialists.mutual_information": 0.1},
    "mm_strong": {"specialists.advantage": "own_critic", "specialists.mutual_information": 1.0},
    "rounds": {"specialists.rounds": 3},
    "self_play": {"specialists.self_play_share": 0.25},
    "kl": {"specialists.generalist_kl": 0.1},
    "optimizer": {"specialists.keep_optimizer": True},
    "low_entropy": {"specialists.entropy_cost": 0.003},
    "small_step": {"specialists.learning_rate": 1e-4},
    "large_step": {"specialists.learning_rate": 1e-3},
}
"""What may make a better Specialist. ``base`` is ``cam`` against all generations; the others change one thing of it."""

CASES: dict[str, Case] = {
    **{f"arm_{name}": Case(settings=settings) for name, settings in ARMS.items()},
    "arm_longer": Case(total_frames=72 * MILLION),
    **{
        f"clusters_{count}": Case(16, settings={"specialists.clusters.count": count} if count < 16 else {})
        for count in (2, 4, 8, 16)
    },
    **{
        f"grid_{n}_{network}_{generations}": Case(n, network, generations, 16 * MILLION)
        for n, network, generations in itertools.product((8, 16, 50), NETWORKS, GENERATIONS)
    },
    **{
        f"frames_{n}_{network}_{millions}": Case(n, network, 13, millions * MILLION)
        for n, network, millions in itertools.product((8, 50), NETWORKS, (8, 32, 64))
    },
}
"""All of the plan's cases by name."""

SETTINGS: dict[str, Any] = {"game.matches": 1024, "ppo.epochs": 2, "histogram_updates": 0}
"""What differs from the quickstart's settings in all cases."""
POPULATION_FRAMES = 4 * MILLION


def population_run(case: Case, seed: int) -> RunDirectory:
    """The run of the population that a case is trained from."""
    return RunDirectory(Path(FLAGS.folder) / f"population_{case.characters}_{case.network}_{seed}")


def case_run(name: str, seed: int) -> RunDirectory:
    """The run of a case."""
    return RunDirectory(Path(FLAGS.folder) / f"{name}_{seed}")


def settings_of(case: Case, seed: int, generations: int) -> dict[str, Any]:
    """Of stage 1."""
    return {
        "seed": seed,
        **SETTINGS,
        **NETWORKS[case.network],
        "game.characters": ",".join(participants(case.characters)),
        "generalists.generations": generations,
        "generalists.frames": POPULATION_FRAMES,
    }


def participants(count: int) -> tuple[str, ...]:
    """Ids of the first characters that take part: for 8 those of the study cam8."""
    from camtf.games.duel.game import Duel
    from camtf.games.duel.roster import load_roster

    return EIGHT if count == len(EIGHT) else Duel(load_roster()).default_characters[:count]


def train_population(case: Case, seed: int) -> None:
    """Train what is missing of the population of a case."""
    run = population_run(case, seed)
    if not run.has_population():
        camtf_train(run, "generalists", settings_of(case, seed, FLAGS.generations))


def train_case(name: str, seed: int) -> None:
    """Train what is missing of a case: its Specialists and controls, from the first generations of its population."""
    case, run = CASES[name], case_run(name, seed)
    if (run.path / "done.json").exists():
        return
    settings = {**settings_of(case, seed, case.generations), **case.own_settings}
    if not run.has_population():
        first_generations(population_run(case, seed), run, case.generations)
    camtf_train(run, "specialists", settings)
    files.write_json(run.path / "done.json", {"case": name, "seed": seed})


def measure(names: list[str], seeds: list[int], populations: list[int]) -> dict[str, Any]:
    """Gains of all cases and seeds, by ``case_seed``. Every rank calls; what is measured is not measured again.

    Args:
        populations: seeds of which there are populations; those of the others are held out from each.
    """
    from benchmarks.specialist_measures import gains
    from camtf import distributed

    found = {}
    for name, seed in itertools.product(names, seeds):
        others = [population_run(CASES[name], s) for s in populations if s != seed]
        file = Path(FLAGS.folder) / "measured" / f"{name}_{seed}_against_{len(others)}.json"
        if not file.exists():
            result = gains(case_run(name, seed), others, FLAGS.games, seed)
            if distributed.rank() == 0:
                files.write_json(file, result)
                logging.info("%s, seed %d is measured", name, seed)
            distributed.barrier()
        found[f"{name}_{seed}"] = files.read_json(file)
    return found


def summarise(found: dict[str, Any], names: list[str], seeds: list[int]) -> dict[str, Any]:
    """Every gain of every case: the mean over seeds and its interval; of one seed, that over battles."""
    summary: dict[str, Any] = {}
    for name, (control, against) in itertools.product(names, GAINS):
        key = f"gain_over_{control}_{against}"
        each = [found[f"{name}_{seed}"].get(key) for seed in seeds]
        known = [one for one in each if one is not None]
        if known:
            over_seeds = with_interval([one["gain"] for one in known])
            one_seed = {"mean": known[0]["gain"], "low": known[0]["low"], "high": known[0]["high"]}
            summary.setdefault(name, {})[key] = over_seeds if len(known) > 1 else one_seed
    return summary


def flat(name: str, of_case: dict[str, Any], found: dict[str, Any], seeds: list[int]) -> dict[str, Any]:
    """One case as a line for programs; a gain that was not measured is null."""
    line: dict[str, Any] = {"case": name}
    for control, against in GAINS:
        key = f"gain_over_{control}_{against}"
        value = of_case.get(key, {"mean": None, "low": None, "high": None})
        line |= {key: value["mean"], f"{key}_low": value["low"], f"{key}_high": value["high"]}
    first = found[f"{name}_{seeds[0]}"]
    return {**line, "seeds": len(seeds), **{key: first[key] for key in REGIME}}


def report(summary: dict[str, Any]) -> None:
    """A table for people, in points of win rate."""

    def shown(value: dict[str, Any] | None) -> str:
        if value is None or value["low"] is None:
            return "" if value is None else f"{100 * value['mean']:+.1f}"
        return f"{100 * value['mean']:+.1f} [{100 * value['low']:+.1f}, {100 * value['high']:+.1f}]"

    rows = [[name, *(shown(of_case.get(f"gain_over_{c}_{a}")) for c, a in GAINS)] for name, of_case in summary.items()]
    print(table(["", *(f"over {c} v. {a}" for c, a in GAINS)], rows))


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("folder", "runs/specialists", "Where the runs are, one folder each.")
    flags.DEFINE_list("cases", [name for name in CASES if name.startswith("arm_")], "Cases of the plan.")
    flags.DEFINE_string("regime", "arm_base", "The case that the last line is about.")
    flags.DEFINE_list("seeds", ["1", "2"], "Training seeds of the populations; the others' are held out from each.")
    flags.DEFINE_bool("screen", False, "Train Specialists from the first seed's populations alone.")
    flags.DEFINE_integer("generations", 13, "Generations of every population.", 1, 16)
    flags.DEFINE_integer("games", 4_000, "Battles of each character against each set of opponents.", 2)
    flags.DEFINE_integer("jobs", 2, "Runs at the same time, each on one core.", 1)
    flags.DEFINE_integer("ranks", 2, "Ranks that measure.", 1)
    flags.DEFINE_string("out", "", "Also write the results to this file.")
    flags.DEFINE_bool("worker", False, "One rank that measures; used by the program itself.")


def main() -> None:
    """Train, then measure."""
    names, every_seed = FLAGS.cases, [int(seed) for seed in FLAGS.seeds]
    seeds = every_seed[:1] if FLAGS.screen else every_seed
    unknown = sorted({*names, FLAGS.regime} - CASES.keys())
    if unknown or FLAGS.regime not in names:
        raise command.failure(f"--cases and --regime, which is one of them, must be among {', '.join(CASES)}; got "
                              f"{', '.join(unknown) or FLAGS.regime}")  # fmt: skip
    if FLAGS.worker:
        from camtf import distributed

        distributed.start()
        found = measure(names, seeds, every_seed)
        if distributed.rank() == 0:
            print(json.dumps(found))
        return
    populations = {
        (CASES[n].characters, CASES[n].network, seed): (CASES[n], seed) for n in names for seed in every_seed
    }
    steps = [
        [functools.partial(train_population, *one) for one in populations.values()],
        [functools.partial(train_case, name, seed) for seed, name in itertools.product(seeds, names)],
    ]
    with ThreadPoolExecutor(FLAGS.jobs) as pool:
        for step in steps:
            for _ in pool.map(lambda one: one(), step):
                pass
    given = [f"--folder={FLAGS.folder}", f"--games={FLAGS.games}", f"--regime={FLAGS.regime}"]
    lists = [f"--cases={','.join(names)}", f"--seeds={','.join(map(str, every_seed))}", f"--screen={FLAGS.screen}"]
    found = on_ranks(FLAGS.ranks, "benchmarks.specialists", ["--worker", *given, *lists], show="is measured")
    summary = summarise(found, names, seeds)
    report(summary)
    lines = {name: flat(name, summary[name], found, seeds) for name in names}
    if FLAGS.out:
        files.write_json(Path(FLAGS.out), {"cases": lines, "summary": summary, "runs": found, **provenance()})
    print(json.dumps(lines[FLAGS.regime]))


if __name__ == "__main__":
    define_flags()
    command.run(main)
