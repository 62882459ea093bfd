"""Train a population: ``horovodrun -np 2 python -m camtf.train --preset=quickstart --run_dir=runs/quickstart``.

Every setting of a preset can be changed by a flag of its dotted name, e.g. ``--ppo.learning_rate=3e-4``. Started again
on the same directory with the same settings, training goes on where it was; what stage 1 has left is printed as a table
when it is finished, and again whenever a finished run is started.
"""

from __future__ import annotations

import os
from typing import Any

from absl import flags, logging

from camtf import checkpoint, command, files, interrupt, plan
from camtf.config import PRESETS, Config, ConfigError, leaves, override, preset
from camtf.games.loading import load_game
from camtf.games.protocol import GameError
from camtf.learn.moments import NotFiniteError
from camtf.settings import quoted

FLAGS = flags.FLAGS

SHOWN = (
    "preset", "run_dir", "stage", "seed", "game.name", "game.characters", "game.matches", "network.name",
    "generalists.algorithm", "generalists.generations", "generalists.frames", "specialists.frames",
    "specialists.groups", "specialists.advantage", "specialists.controls", "ppo.learning_rate", "ppo.epochs",
    "ppo.entropy_cost", "ppo.mode", "evaluation.yardstick_updates",
)  # fmt: skip
"""The flags that matter most: what ``--help`` shows."""

STAGES = {"generalists": ("generalists",), "specialists": ("specialists",), "all": ("generalists", "specialists")}


def config_from_flags(values: flags.FlagValues = FLAGS) -> Config:
    """The preset with the given flags laid over it. Raises ConfigError."""
    base = preset(values.preset)
    changes: dict[str, Any] = {}
    for name, field, _ in leaves(base):
        given = values[name].value
        if given is not None:
            changes[name] = _parse_tuple(name, given, field.metadata["items"]) if isinstance(given, list) else given
    if changes.get("game.name", "duel") not in ("", "duel"):  # the presets' characters are the duel's
        changes.setdefault("game.characters", ())
    return override(base, changes)


def _parse_tuple(name: str, given: list[str], items: type) -> tuple[Any, ...]:
    try:
        return tuple(items(x) for x in given)
    except ValueError as error:
        raise ConfigError(f"--{name} must be comma-separated integers, got {quoted(','.join(given))}") from error


def define_flags(values: flags.FlagValues = FLAGS) -> None:
    """The command line: which run, and one flag per setting, named by its dotted path."""
    flags.DEFINE_enum("preset", "quickstart", sorted(PRESETS), "Settings to begin with.", flag_values=values)
    flags.DEFINE_string("run_dir", None, "Directory of the run; made, or resumed.", required=True, flag_values=values)
    flags.DEFINE_enum(
        "stage", "all", list(STAGES), "What to train; specialists need finished generalists.", flag_values=values
    )
    for name, field, value in leaves(Config()):
        low, high, choices = (field.metadata[key] for key in ("low", "high", "choices"))
        allowed = "" if low is None else f", at least {low}, at most {high}"
        described = f"{field.metadata['help']}{allowed} (where the preset does not say: {value!r})"
        if isinstance(value, tuple):
            among = f"; of {', '.join(choices)}" if choices else ""
            flags.DEFINE_list(name, None, described + among + "; comma-separated", flag_values=values)
        elif choices:
            flags.DEFINE_enum(name, None, choices, described, flag_values=values)
        elif isinstance(value, bool):
            flags.DEFINE_bool(name, None, described, flag_values=values)
        elif isinstance(value, int):
            flags.DEFINE_integer(name, None, described, flag_values=values)
        elif isinstance(value, float):
            flags.DEFINE_float(name, None, described, flag_values=values)
        else:
            flags.DEFINE_string(name, None, described, flag_values=values)
    flags.DEFINE_alias("game", "game.name", flag_values=values)
    flags.DEFINE_alias("network", "network.name", flag_values=values)


def main() -> None:
    """Refuse what cannot work, before TensorFlow is loaded, which takes seconds; then train."""
    interrupt.listen()
    try:
        config, run = config_from_flags(), checkpoint.RunDirectory(FLAGS.run_dir)
        stages = STAGES[FLAGS.stage]
        if "generalists" not in stages:
            run.check_population()
        left = [stage for stage in stages if stage != "generalists" or not run.has_population()]
        plan.check(config, plan.ranks_started(), left)
        if os.environ.get("HOROVOD_RANK", "0") == "0":  # who writes
            files.check_writable(run.path / "lock")
    except (ConfigError, files.FileError) as error:
        raise command.failure(error) from error
    train(config, run, stages)


def train(config: Config, run: checkpoint.RunDirectory, stages: tuple[str, ...]) -> None:
    """Train what is missing of these stages. Ends the process in one line where it is asked to stop or cannot go on."""
    from camtf import distributed
    from camtf.algorithms import clusters, population, specialists, train_population
    from camtf.evaluation.summary import summary
    from camtf.evaluation.yardstick import periodic_evaluation
    from camtf.model.loading import describe, load_network
    from camtf.population.training import Context

    try:
        groups = plan.groups_of(config.specialists.groups, plan.ranks_started())
        distributed.start(groups)
        if groups != config.specialists.groups and "specialists" in stages and distributed.rank() == 0:
            logging.info(
                "specialists.groups = %d cannot share %d rank(s) evenly: %d group(s) train",
                config.specialists.groups, distributed.size(), groups,
            )  # fmt: skip
        game = load_game(config)
        build = load_network(config.network, game.spec)
        context = Context(config, game, run, build, periodic_evaluation(game, config.evaluation.yardstick_games))
        with distributed.together():
            if "specialists" in stages:
                clusters.check(context)
            network = describe(build, config.network, game.spec)
            run.begin(config, game, distributed.rank() == 0, network)
            distributed.barrier()
            strategies = train_population(context) if "generalists" in stages else population(context)
            if "generalists" in stages and distributed.rank() == 0:
                print(summary(run), flush=True)
            if "specialists" in stages:
                specialists.train(context, strategies)
            if distributed.rank() == 0:
                say_last(run, stages, distributed.size())
    except interrupt.Interrupted as stop:
        if distributed.rank() == 0:
            logging.info("%s; the same command goes on from there", stop)
        raise SystemExit(130) from stop
    except distributed.RankLostError as error:
        raise command.failure(f"{error}; the same command goes on from the last checkpoint") from error
    except (GameError, files.FileError, distributed.ReplicaError, NotFiniteError, ValueError) as error:
        raise command.failure(error) from error


def say_last(run: checkpoint.RunDirectory, stages: tuple[str, ...], ranks: int) -> None:
    """Where the results of a finished run are, and what comes next."""
    where = {"Generalists": run.path / "generalists", "Specialists": run.path / "specialists"}
    where = {name: folder for name, folder in where.items() if name.lower() in (*stages, "generalists")}
    launch = f"horovodrun -np {ranks} " if ranks > 1 else ""
    then = {"measure it": f"{launch}python -m camtf.evaluate {command.flag('run_dir', run.path)}"}
    if "specialists" not in stages:
        then = {"Specialists": "the same command with --stage=specialists"}
    curves = {"see the curves": f"tensorboard {command.flag('logdir', run.path / 'tensorboard')}"}
    command.say_last({**where, "metrics": run.path / "metrics"}, {**then, **curves})


if __name__ == "__main__":
    define_flags()
    command.run(main, SHOWN)
