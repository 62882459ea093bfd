"""Measure a finished run: ``python -m camtf.evaluate --run_dir=runs/quickstart [--games=1000]``.

Under `horovodrun` the ranks share the battles. Writes ``evaluation.json`` into the run directory and prints a table.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from absl import flags

from camtf import checkpoint, command, distributed, files, plan
from camtf.config import MOST_SEED, ConfigError, EvaluationConfig, leaves
from camtf.evaluation.population import evaluate
from camtf.evaluation.report import population_table
from camtf.games.loading import load_game, participants
from camtf.games.protocol import GameError
from camtf.model.loading import describe, load_network
from camtf.provenance import provenance

FLAGS = flags.FLAGS

_CHANGED = ("games", "bot_games")
"""Settings of the run's evaluation that a flag can change."""


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("run_dir", None, "Directory of the run.", required=True)
    for name, field, _ in leaves(EvaluationConfig()):
        if name in _CHANGED:
            described = f"{field.metadata['help']}; where not given, the run's own number"
            flags.DEFINE_integer(name, None, described, field.metadata["low"], field.metadata["high"])
    flags.DEFINE_integer("seed", 20_000, "Seed of the battles; unlike any that was trained on.", 0, MOST_SEED)


def main() -> None:
    distributed.start()
    try:
        run = checkpoint.RunDirectory(FLAGS.run_dir)
        config = run.config()
        if distributed.rank() == 0:
            files.check_writable(run.path / "evaluation.json")
        changes: dict[str, Any] = {name: getattr(FLAGS, name) for name in _CHANGED if getattr(FLAGS, name) is not None}
        config = dataclasses.replace(config, evaluation=dataclasses.replace(config.evaluation, **changes))
        game = load_game(config)
        run.check_game(game)
        build = load_network(config.network, game.spec)
        run.check_network(describe(build, config.network, game.spec))
        ids = [game.characters[c] for c in participants(config, game)]
        plan.check_evaluation(config.evaluation, len(ids))
        generalists = run.generalists()
        specialists = {i: run.specialist(i, generalists[-1]) for i in ids}
        with distributed.together():
            result = evaluate(config, game, generalists, specialists, FLAGS.seed, build)
        if distributed.rank() == 0:
            weights = {snapshot.name: snapshot.digest for snapshot in [*generalists, *specialists.values()]}
            result |= {"seed": FLAGS.seed, "weights": weights, **provenance()}
            print(population_table(result))
            file = run.path / "evaluation.json"
            files.write_json(file, result)
            print(f"\nwritten to {file}")
            print(json.dumps(_summary(result)))
    except (ConfigError, GameError, files.FileError, distributed.RankLostError) as error:
        raise command.failure(error) from error


def _summary(result: dict) -> dict:
    """One line for programs, flat keys."""
    return {
        f"{kind}_win_rate_{row['character']}": round(row[kind]["win_rate"], 4)
        for row in result["characters"]
        for kind in ("generalist", "specialist")
    } | {
        f"{kind}_win_rate_against_bot_{bot}": round(rate["win_rate"], 4)
        for kind, bots in result["bots"].items()
        for bot, rate in bots.items()
    }


if __name__ == "__main__":
    define_flags()
    command.run(main)
