"""Measure the game's balance: ``horovodrun -np 2 python -m camtf.balance --out=docs/results/balance.json``.

One scripted bot plays all characters against each other. With ``--tune_rounds`` the health of every character is first
moved, round after round, against its win rate, and written into the roster's files.

With ``--policies=runs/a,runs/b`` every character that these runs train is played as well as any of their policies plays
it, which is another balance: who is too strong, against whom, by which skill, and which health would mend it. Then
``--tune_rounds`` moves healths towards ``--band``, into a copy of the roster, ``--out_roster``.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags, logging

from camtf import command, distributed, files
from camtf.checkpoint import RunDirectory
from camtf.config import MOST_SEED, ConfigError
from camtf.evaluation import balance, designer
from camtf.evaluation.columns import rate, table
from camtf.evaluation.health import TUNING_STEP, rounded, write_health
from camtf.evaluation.intervals import wilson
from camtf.games.duel.bots import BOTS
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import RosterError, load_roster
from camtf.games.duel.roster.loader import DEFAULT_FOLDER
from camtf.games.loading import load_game
from camtf.games.protocol import GameError
from camtf.model.loading import load_network
from camtf.provenance import provenance

FLAGS = flags.FLAGS

_TUNED_OPPONENTS = 40
_CENSUS_BATTLES = 6000
_ROWS = ("win_rates", "by_character")
"""Parts of a result that are long: in the file, not in the last line."""


def tune(folder: Path, bot: str, rounds: int, seed: int) -> None:
    """Move every character's health against its win rate; rank 0 writes the files. Raises RosterError, FileError."""
    for number in range(rounds):
        roster = load_roster(folder)
        rates = balance.sampled_win_rates(Duel(roster), bot, _TUNED_OPPONENTS, 2, seed + number)
        old = roster.characters["max_health_hp"]
        new = rounded(old * np.exp(TUNING_STEP * (0.5 - rates)))
        if distributed.rank() == 0:
            write_health(folder, dict(zip(roster.ids, new.tolist(), strict=True)))
            low, high = np.quantile(rates, [0.0, 1.0])
            logging.info("round %d: win rates %.2f to %.2f, spread %.3f", number + 1, low, high, rates.std())
        distributed.barrier()


def measure(game: Duel, bot: str, games: int, mirror_games: int, seed: int) -> dict[str, Any]:
    """The whole report as a dictionary that JSON can hold."""
    halves = [balance.payoffs(game, bot, games // 2, seed + half) for half in range(2)]
    payoff = (halves[0] + halves[1]) / 2
    parts = balance.split(payoff)
    n = len(game.characters)
    per_character = games * (n - 1)
    means = (payoff.sum(axis=1) - 0.5) / (n - 1)
    rows = []
    for i in np.argsort(-means):
        low, high = wilson(means[i] * per_character, per_character)
        rows.append({"character": game.characters[i], "win_rate": float(means[i]), "low": low, "high": high})
    return {
        "bot": bot,
        "games_per_pair": games,
        "characters": n,
        "cyclic_share": balance.cyclic_share(*halves),
        "rating_spread": float(parts.rating.std()),
        "lowest": rows[-1],
        "highest": rows[0],
        "mirror": balance.mirror(game, bot, mirror_games, seed),
        **balance.census(game, bot, _CENSUS_BATTLES, seed),
        "ranks": distributed.size(),
        "win_rates": rows,
    }


def of_policies(directories: list[str], folder: Path) -> dict[str, Any]:
    """The report for a designer, after tuning where that is asked for. Raises ConfigError, FileError, GameError."""
    from camtf.algorithms import population
    from camtf.evaluation.best_play import candidates, choose
    from camtf.evaluation.designer import Balance
    from camtf.evaluation.health import tune as tune_health
    from camtf.evaluation.health import with_health
    from camtf.population.training import Context

    runs, games = [], list[Duel]()
    for directory in directories:
        run = RunDirectory(directory)
        config = run.config()
        trained_on = load_game(config)
        if not isinstance(trained_on, Duel):
            raise ConfigError(f"balance is of the duel, {directory} was trained on {trained_on.name}")
        games.append(dataclasses.replace(trained_on, roster=load_roster(folder)))
        run.check_game(games[-1])
        context = Context(config, games[-1], run, load_network(config.network, trained_on.spec))
        runs.append((context, population(context)))
    game = games[0]
    known = candidates(runs)
    battles = choose(game, known, FLAGS.games, FLAGS.battles, FLAGS.seed)
    low, high = (float(x) for x in FLAGS.band)
    health: dict[str, int] = {}
    if FLAGS.tune_rounds:
        health = tune_health(game, folder, known, battles, (low, high), FLAGS.tune_rounds, FLAGS.seed + 1000)
        if distributed.rank() == 0:
            shutil.copytree(folder, FLAGS.out_roster)
            write_health(Path(FLAGS.out_roster), health)
        distributed.barrier()
        game, folder = with_health(game, folder, health), Path(FLAGS.out_roster)
    found = Balance(game, folder, known, battles, (low, high), FLAGS.seed + 2).measure()
    return {**found, "runs": directories, "tuned_health_hp": health, "ranks": distributed.size()}


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("roster", str(DEFAULT_FOLDER), "Folder of the roster.")
    flags.DEFINE_enum("bot", list(BOTS)[-1], list(BOTS), "The bot that plays both sides, without --policies.")
    flags.DEFINE_integer(
        "games", 4, "Battles of every pair of characters; of every two policies as them. An even number.", 2, 1000
    )
    flags.DEFINE_integer("mirror_games", 20, "Battles of every character against itself.", 1, 100_000)
    flags.DEFINE_integer(
        "tune_rounds", 0, "Rounds of moving health before measuring; changes the roster's files, or with --policies "
        "writes --out_roster.", 0, 1000,
    )  # fmt: skip
    flags.DEFINE_list("policies", [], "Run directories whose policies play, comma-separated; empty: the bot plays.")
    flags.DEFINE_integer("battles", 200, "Battles of every pair of characters that are reported, with --policies.", 4)
    flags.DEFINE_list("band", ["0.45", "0.55"], "Lowest and highest mean win rate that is even, with --policies.")
    flags.DEFINE_string("out_roster", "", "Folder for the tuned copy of the roster, with --policies.")
    flags.DEFINE_string("out", "", "Where to write the report as JSON.")
    flags.DEFINE_integer("seed", 50_000, "Seed of the battles.", 0, MOST_SEED)


def check_flags() -> None:
    """Raises ConfigError where they cannot be."""
    if FLAGS.games % 2:
        raise ConfigError(f"--games must be even, got {FLAGS.games}")
    if FLAGS.policies:
        try:
            low, high = (float(x) for x in FLAGS.band)
        except ValueError:
            low, high = 1.0, 0.0
        if not 0.0 <= low <= 0.5 <= high <= 1.0:
            raise ConfigError(f"--band must be two rates around 0.5, such as 0.45,0.55; got {','.join(FLAGS.band)}")
        if bool(FLAGS.out_roster) != bool(FLAGS.tune_rounds):
            raise ConfigError("--policies with --tune_rounds writes the tuned roster into --out_roster: give both")
        if FLAGS.out_roster and Path(FLAGS.out_roster).exists():
            raise ConfigError(f"--out_roster={FLAGS.out_roster} exists already; give a folder that does not")


def main() -> None:
    """Measure by a bot or by policies, print, and write."""
    distributed.start()
    folder = Path(FLAGS.roster)
    try:
        check_flags()
        if FLAGS.out and distributed.rank() == 0:
            files.check_writable(Path(FLAGS.out))
        with distributed.together():
            if FLAGS.policies:
                result = of_policies(FLAGS.policies, folder)
            else:
                tune(folder, FLAGS.bot, FLAGS.tune_rounds, FLAGS.seed + 1000)
                result = measure(Duel(load_roster(folder)), FLAGS.bot, FLAGS.games, FLAGS.mirror_games, FLAGS.seed)
        if distributed.rank() == 0:
            result |= provenance()
            print(designer.report(result) if FLAGS.policies else _table(result))
            if FLAGS.out:
                files.write_json(Path(FLAGS.out), result)
            where = {"all win rates": FLAGS.out, "the tuned roster": FLAGS.out_roster}
            tuned = f"python -m camtf.train {command.flag('game.roster', FLAGS.out_roster)}"
            command.say_last(
                {what: file for what, file in where.items() if file}, {"train on it": tuned} if FLAGS.out_roster else {}
            )
            short = {key: value for key, value in result.items() if key not in _ROWS}
            command.print_result(short, Path(FLAGS.out) if FLAGS.out else None)
    except (ConfigError, GameError, RosterError, files.FileError, distributed.RankLostError) as error:
        raise command.failure(error) from error


def _table(result: dict[str, Any]) -> str:
    rows = [
        ["characters", str(result["characters"])],
        ["highest mean win rate", f"{result['highest']['character']} {rate(result['highest'])}"],
        ["lowest mean win rate", f"{result['lowest']['character']} {rate(result['lowest'])}"],
        ["cyclic share of the variance", f"{100 * result['cyclic_share']:.1f} %"],
        ["player 0 in mirror matches", rate(result["mirror"])],
        ["battles that end by knock-out", f"{100 * result['knock_out_share']:.1f} %"],
        *([f"unseen {kind}", str(result[f"{kind}_unseen"])] for kind in ("skills", "scrolls", "summons", "buffs")),
    ]
    return table([f"balance under {result['bot']}", ""], rows)


if __name__ == "__main__":
    define_flags()
    command.run(main)
