"""Train a population: ``horovodrun -np 2 python -m camtf.train --preset=quickstart --run_dir=runs/quickstart``.

Every setting of a preset can be changed by a flag of its dotted name, e.g. ``--ppo.learning_rate=3e-4``. Started again
on the same directory with the same settings, training goes on where it was.
"""

from __future__ import annotations

from typing import Any

from absl import app, flags, logging

from camtf import checkpoint, distributed, interrupt
from camtf.config import PRESETS, Config, ConfigError, leaves, override, preset
from camtf.evaluation.battles import PolicySide
from camtf.evaluation.yardstick import against_bots
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import RosterError
from camtf.games.loading import load_game
from camtf.model.policy import Policy
from camtf.population import generalists, specialists
from camtf.population.graph import InteractionGraph

FLAGS = flags.FLAGS


def config_from_flags() -> Config:
    """The preset with the given flags laid over it. Raises ConfigError."""
    base = preset(FLAGS.preset)
    changes: dict[str, Any] = {}
    for name, _, value in leaves(base):
        given = FLAGS[name].value
        if given is not None:
            changes[name] = _parse_tuple(name, given) if isinstance(value, tuple) else given
    return override(base, changes)


def _parse_tuple(name: str, given: list[str]) -> tuple[Any, ...]:
    if name == "game.characters":
        return tuple(given)
    try:
        return tuple(int(x) for x in given)
    except ValueError as error:
        raise ConfigError(f"--{name} must be comma-separated integers, got {','.join(given)!r}") from error


def define_flags() -> None:
    """The command line: which run, and one flag per setting, named by its dotted path."""
    flags.DEFINE_enum("preset", "quickstart", sorted(PRESETS), "Settings to begin with.")
    flags.DEFINE_string("run_dir", None, "Directory of the run; made, or resumed.", required=True)
    flags.DEFINE_enum(
        "stage", "all", ["generalists", "specialists", "all"], "What to train; specialists need finished generalists."
    )
    for name, field, value in leaves(Config()):
        allowed = "" if field.metadata["low"] is None else f", at least {field.metadata['low']}"
        allowed += "" if field.metadata["high"] is None else f", at most {field.metadata['high']}"
        described = f"{field.metadata['help']}{allowed} (where the preset does not say: {value!r})"
        if field.metadata["choices"]:
            flags.DEFINE_enum(name, None, field.metadata["choices"], described)
        elif isinstance(value, tuple):
            flags.DEFINE_list(name, None, described + "; comma-separated")
        elif isinstance(value, bool):
            flags.DEFINE_boolean(name, None, described)
        elif isinstance(value, int):
            flags.DEFINE_integer(name, None, described)
        elif isinstance(value, float):
            flags.DEFINE_float(name, None, described)
        else:
            flags.DEFINE_string(name, None, described)
    flags.DEFINE_alias("game", "game.name")


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}")
    try:
        config = config_from_flags()
        distributed.start(config.specialists.groups)
        interrupt.listen()
        game = load_game(config)
        if not isinstance(game, Duel):
            raise ConfigError(f"game.name: training knows the duel alone yet, got {game.name}")
        roster = game.roster
        run = checkpoint.RunDirectory(FLAGS.run_dir)
        run.begin(config, roster, write=distributed.rank() == 0)
        distributed.barrier()

        def yardstick(policy: Policy, graph: InteractionGraph) -> dict[str, float]:
            side = PolicySide(policy, graph.mixture(slice(None)), graph.learners)
            return against_bots(game, side, graph.characters, config.evaluation.yardstick_games)

        if FLAGS.stage == "specialists":
            generations = run.generalists()
        else:
            generations = generalists.train(config, roster, run, yardstick)
        if FLAGS.stage != "generalists":
            specialists.train(config, roster, run, generations, yardstick)
    except interrupt.Interrupted as stop:
        if distributed.rank() == 0:
            logging.info("%s; the same command goes on from there", stop)
        raise SystemExit(130) from stop
    except (ConfigError, RosterError, checkpoint.CheckpointError, ValueError) as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    define_flags()
    app.run(main)
