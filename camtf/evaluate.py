"""Measure a finished run: ``python -m camtf.evaluate --run_dir=runs/quickstart [--games=1000]``.

Under `horovodrun` the ranks share the battles. Writes ``evaluation.json`` into the run directory and prints a table.
"""

from __future__ import annotations

import dataclasses
import json

from absl import app, flags

from camtf import checkpoint, distributed
from camtf.config import ConfigError
from camtf.evaluation.population import evaluate
from camtf.evaluation.report import population_table
from camtf.games.duel.roster import RosterError
from camtf.games.loading import load_game, participants
from camtf.provenance import provenance

FLAGS = flags.FLAGS


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("run_dir", None, "Directory of the run.", required=True)
    flags.DEFINE_integer("games", None, "Battles per pairing of two characters (default: the run's).", 1)
    flags.DEFINE_integer("bot_games", None, "Battles of each character against each bot (default: the run's).", 1)
    flags.DEFINE_integer("seed", 20_000, "Seed of the battles; unlike any that was trained on.", 0)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}")
    distributed.start()
    try:
        run = checkpoint.RunDirectory(FLAGS.run_dir)
        config = run.config()
        given = {"games": FLAGS.games, "bot_games": FLAGS.bot_games}
        changes = {name: value for name, value in given.items() if value is not None}
        config = dataclasses.replace(config, evaluation=dataclasses.replace(config.evaluation, **changes))
        game = load_game(config)
        run.check_roster(game)
        ids = [game.characters[c] for c in participants(config, game)]
        specialists = {i: run.read_snapshot(run.specialist_file(i)) for i in ids}
        result = evaluate(config, game, run.generalists(), specialists, FLAGS.seed)
    except (ConfigError, RosterError, checkpoint.CheckpointError) as error:
        raise SystemExit(f"error: {error}") from error
    if distributed.rank() == 0:
        result |= {"seed": FLAGS.seed, **provenance()}
        file = run.path / "evaluation.json"
        file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        print(population_table(result))
        print(f"\nwritten to {file}")
        print(json.dumps(_summary(result)))


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
    app.run(main)
