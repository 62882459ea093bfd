"""Watch a match in a browser: ``python -m camtf.watch --first=ember_fox --second=iron_bull --out=match.html``.

Bots play, or, with ``--run_dir``, the Specialists of a run. The page needs nothing but a browser; the replay itself is
kept beside it and can be shown again with ``--replay``. ``--film=match.gif`` makes a film of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from absl import flags

from camtf import command, distributed, files
from camtf.checkpoint import RunDirectory
from camtf.config import MOST_SEED, ConfigError
from camtf.evaluation.battles import BotSide, PoolSide
from camtf.evaluation.recorded import play_match
from camtf.games.duel import replay as replays
from camtf.games.duel.bots import BOTS
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster, RosterError, load_roster
from camtf.games.duel.roster.loader import DEFAULT_FOLDER
from camtf.games.duel.viewer import write_film, write_page
from camtf.games.loading import load_game
from camtf.model.loading import load_network
from camtf.population.pool import Pool
from camtf.settings import quoted

FLAGS = flags.FLAGS


def specialist_side(run: RunDirectory, game: Duel, character: str) -> PoolSide:
    """The Specialist of a character. Raises CheckpointError where the run has none."""
    config = run.config().network
    build = load_network(config, game.spec)
    pool = Pool(config, game.spec, [run.read_snapshot(run.specialist_file(character))], build)
    return PoolSide(pool, np.zeros(1, np.int64), np.array([game.roster.index(character)]))


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("first", "ember_fox", "Character of player 0.")
    flags.DEFINE_string("second", "iron_bull", "Character of player 1.")
    flags.DEFINE_enum("first_bot", "punisher", list(BOTS), "Bot that plays player 0, where there is no run.")
    flags.DEFINE_enum("second_bot", "punisher", list(BOTS), "Bot that plays player 1, where there is no run.")
    flags.DEFINE_string("run_dir", "", "A finished run whose Specialists play.")
    flags.DEFINE_string("roster", str(DEFAULT_FOLDER), "Folder of the roster, where there is no run.")
    flags.DEFINE_string("replay", "", "Show this replay in place of a new match.")
    flags.DEFINE_string("out", "match.html", "The page to write; the replay goes beside it, ending in .npz.")
    flags.DEFINE_string("film", "", "Also write a GIF here; needs a Chromium and Pillow.")
    flags.DEFINE_integer("film_first", 0, "First decision of the film.", 0, 1_000_000)
    flags.DEFINE_integer("film_decisions", 60, "Decisions in the film, ten a second.", 1, 10_000)
    flags.DEFINE_integer("seed", 1, "Seed of the match.", 0, MOST_SEED)


def main() -> None:
    out = Path(FLAGS.out)
    try:
        if out.suffix == ".npz":
            raise ValueError(f"--out is the page, and the replay beside it ends in .npz, got {quoted(FLAGS.out)}")
        for file in (out, out.with_suffix(".npz"), *([Path(FLAGS.film)] if FLAGS.film else [])):
            files.check_writable(file)
        if FLAGS.replay:
            roster, replay = load_roster(Path(FLAGS.roster)), replays.load(Path(FLAGS.replay))
        else:
            roster, replay = _new_match()
            replays.save(replay, out.with_suffix(".npz"))
        write_page(roster, replay, out)
        if FLAGS.film:
            write_film(out, Path(FLAGS.film), FLAGS.film_first, FLAGS.film_decisions)
    except (ConfigError, RosterError, RuntimeError, ImportError, ValueError) as error:
        raise command.failure(error) from error
    print(f"{' v. '.join(replay.characters)}: {len(replay.actions)} decisions")
    where = {"the match": out} if FLAGS.replay else {"the match": out, "its replay": out.with_suffix(".npz")}
    command.say_last(
        {**where, **({"the film": FLAGS.film} if FLAGS.film else {})}, {"watch it": f"open {out} in a browser"}
    )


def _new_match() -> tuple[Roster, replays.Replay]:
    characters = (FLAGS.first, FLAGS.second)
    if FLAGS.run_dir:
        distributed.start()
        run = RunDirectory(FLAGS.run_dir)
        game = load_game(run.config())
        if not isinstance(game, Duel):
            raise ConfigError(f"the viewer shows the duel alone; {FLAGS.run_dir} is a run of {game.name}")
        run.check_game(game)
        first, second = (specialist_side(run, game, c) for c in characters)
        return game.roster, play_match(game, characters, (first, second), ("Specialist", "Specialist"), FLAGS.seed)
    game = Duel(load_roster(Path(FLAGS.roster)))
    bots = (FLAGS.first_bot, FLAGS.second_bot)
    one, two = (BotSide(BOTS[b], np.array([game.roster.index(c)])) for b, c in zip(bots, characters, strict=True))
    return game.roster, play_match(game, characters, (one, two), bots, FLAGS.seed)


if __name__ == "__main__":
    define_flags()
    command.run(main)
