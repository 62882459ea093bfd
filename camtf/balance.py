"""Measure the game's balance: ``horovodrun -np 2 python -m camtf.balance --out=docs/results/balance.json``.

One scripted bot plays all characters against each other. With ``--tune_rounds`` the health of every character is first
moved, round after round, against its win rate, and written into the roster's files.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags, logging

from camtf import command, distributed, files
from camtf.config import MOST_SEED
from camtf.evaluation import balance
from camtf.evaluation.columns import rate, table
from camtf.evaluation.intervals import wilson
from camtf.games.duel.bots import BOTS
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import RosterError, load_roster
from camtf.games.duel.roster.loader import DEFAULT_FOLDER
from camtf.provenance import provenance

FLAGS = flags.FLAGS

_TUNED_OPPONENTS = 40
_CENSUS_BATTLES = 6000
_TUNING_STEP = 0.5
"""Change of the logarithm of health for a win rate of 100 in place of 50%."""
_HEALTH_HP = (1000, 3600)


def tune(folder: Path, bot: str, rounds: int, seed: int) -> None:
    """Move every character's health against its win rate; rank 0 writes the files. Raises RosterError, FileError."""
    for number in range(rounds):
        roster = load_roster(folder)
        rates = balance.sampled_win_rates(Duel(roster), bot, _TUNED_OPPONENTS, 2, seed + number)
        old = roster.characters["max_health_hp"]
        new = np.clip(np.round(old * np.exp(_TUNING_STEP * (0.5 - rates)) / 5) * 5, *_HEALTH_HP).astype(int)
        if distributed.rank() == 0:
            _write_health(folder, dict(zip(roster.ids, new.tolist(), strict=True)))
            low, high = np.quantile(rates, [0.0, 1.0])
            logging.info("round %d: win rates %.2f to %.2f, spread %.3f", number + 1, low, high, rates.std())
        distributed.barrier()


def _write_health(folder: Path, health: dict[str, int]) -> None:
    for file in sorted(folder.glob("characters*.toml")):
        text = file.read_text(encoding="utf-8")

        def replaced(match: re.Match[str]) -> str:
            return f"{match[1]}{health[match[2]]}"

        pattern = r'(\nid = "(\w+)"\n(?:(?!\[\[)[^\n]*\n)*?max_health_hp = )\d+'
        files.write_text(file, re.sub(pattern, replaced, text))


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


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("roster", str(DEFAULT_FOLDER), "Folder of the roster.")
    flags.DEFINE_enum("bot", list(BOTS)[-1], list(BOTS), "The bot that plays both sides.")
    flags.DEFINE_integer("games", 4, "Battles of every pair of characters; an even number.", 2, 1000)
    flags.DEFINE_integer("mirror_games", 20, "Battles of every character against itself.", 1, 100_000)
    flags.DEFINE_integer(
        "tune_rounds", 0, "Rounds of moving health before measuring; changes the roster's files.", 0, 1000
    )
    flags.DEFINE_string("out", "", "Where to write the report as JSON.")
    flags.DEFINE_integer("seed", 50_000, "Seed of the battles.", 0, MOST_SEED)


def main() -> None:
    if FLAGS.games % 2:
        raise command.failure(f"--games must be even, got {FLAGS.games}")
    distributed.start()
    folder = Path(FLAGS.roster)
    try:
        if FLAGS.out and distributed.rank() == 0:
            files.check_writable(Path(FLAGS.out))
        with distributed.together():
            tune(folder, FLAGS.bot, FLAGS.tune_rounds, FLAGS.seed + 1000)
            result = measure(Duel(load_roster(folder)), FLAGS.bot, FLAGS.games, FLAGS.mirror_games, FLAGS.seed)
        if distributed.rank() == 0:
            result |= provenance()
            print(_table(result))
            if FLAGS.out:
                files.write_json(Path(FLAGS.out), result)
            print(json.dumps({key: value for key, value in result.items() if key != "win_rates"}))
    except (RosterError, files.FileError, distributed.RankLostError) as error:
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
