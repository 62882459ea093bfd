"""Measure a finished run: ``python -m camtf.evaluate --run_dir=runs/quickstart [--games=1000]``.

Under `horovodrun` the ranks share the battles. Writes ``evaluation.json`` into the run directory and prints a table.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from absl import flags

from camtf import command, distributed, files, plan
from camtf.config import MOST_SEED, ConfigError, EvaluationConfig, leaves
from camtf.evaluation import record
from camtf.evaluation.population import evaluate
from camtf.evaluation.report.text import evaluation_tables, flat_summary
from camtf.evaluation.subject import Options
from camtf.games.protocol import GameError
from camtf.reopen import reopen

FLAGS = flags.FLAGS

_CHANGED = ("games", "bot_games")
"""Settings of the run's evaluation that a flag can change."""


def define_flags(values: flags.FlagValues = FLAGS) -> None:
    """The command line."""
    flags.DEFINE_string("run_dir", None, "Directory of the run.", required=True, flag_values=values)
    for name, field, _ in leaves(EvaluationConfig()):
        if name in _CHANGED:
            described = f"{field.metadata['help']}; where not given, the run's own number"
            low, high = field.metadata["low"], field.metadata["high"]
            flags.DEFINE_integer(name, None, described, low, high, flag_values=values)
    flags.DEFINE_integer(
        "seed", 20_000, "Seed of the battles; unlike any that was trained on.", 0, MOST_SEED, flag_values=values
    )
    flags.DEFINE_list(
        "opponents", [], "Directories of other runs, comma-separated: populations that were never met.",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_list(
        "against", [], "Kinds of this run's players that all kinds meet, too: generalist, specialist, a control.",
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_integer(
        "exploiters", 0, "Best responses that are trained against the population's Nash equilibrium; 0: none.", 0, 64,
        flag_values=values,
    )  # fmt: skip
    flags.DEFINE_integer(
        "exploiter_frames", 1_000_000, "Learner frames of each exploiter, over all ranks.", 1, 10**12,
        flag_values=values,
    )  # fmt: skip


def main() -> None:
    distributed.start()
    try:
        context = reopen(FLAGS.run_dir)
        run = context.run
        file = run.path / record.FILE
        if distributed.rank() == 0:
            files.check_writable(file)
        changes: dict[str, Any] = {name: getattr(FLAGS, name) for name in _CHANGED if getattr(FLAGS, name) is not None}
        evaluation = dataclasses.replace(context.config.evaluation, **changes)
        plan.check_evaluation(evaluation, len(context.characters))
        context = dataclasses.replace(context, config=dataclasses.replace(context.config, evaluation=evaluation))
        options = Options(
            seed=FLAGS.seed,
            opponents=tuple(FLAGS.opponents),
            against=tuple(FLAGS.against),
            exploiters=FLAGS.exploiters,
            exploiter_frames=FLAGS.exploiter_frames,
        )
        with distributed.together():
            found = evaluate(context, options)
        if distributed.rank() == 0:
            print(evaluation_tables(found))
            record.write(file, found)
            run_dir, models = command.flag("run_dir", run.path), Path("build") / run.path.resolve().name
            command.say_last(
                {"all measurements": file},
                {
                    "every figure": f"python -m camtf.report {run_dir}",
                    "models for an app": f"python -m mobile.export {run_dir} {command.flag('out_dir', models)}",
                },
            )
            command.print_result(flat_summary(found), file)
    except (ConfigError, GameError, files.FileError, distributed.RankLostError) as error:
        raise command.failure(error) from error


if __name__ == "__main__":
    define_flags()
    command.run(main)
