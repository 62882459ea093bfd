"""Does luck move battles of equals as far as intervals say? ``python -m benchmarks.mirror --run_dir=runs/quickstart``.

Every Specialist of a run plays itself, ``--matches`` battles, once for each of ``--seeds`` seeds; no battle is played
twice. Battles that are even and independent of each other have a mean of a half over all seeds, spread between seeds as
their number says, and no correlation between one and the next in the list. Under `horovodrun` the ranks share the
battles.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags, logging

from camtf import command, distributed, files
from camtf.checkpoint import RunDirectory
from camtf.config import ConfigError
from camtf.evaluation.battles import play
from camtf.evaluation.intervals import wilson
from camtf.games.duel.roster import RosterError
from camtf.provenance import provenance
from mobile.positions import Specialists

FLAGS = flags.FLAGS


def measure(outcomes: np.ndarray) -> dict[str, Any]:
    """What outcomes ``[seeds, battles]`` (1 won by player 0, 0.5 drawn, 0 lost) say of luck.

    ``mean`` and ``mean_error`` (its standard error), ``spread`` of the seeds' means and the ``spread_expected`` of
    independent battles, the seeds whose 95% interval leaves out a half (``intervals_without_half``), and the
    ``correlation`` of a battle with the next and its standard error.
    """
    seeds, battles = outcomes.shape
    means = outcomes.mean(axis=1)
    expected = outcomes.std() / np.sqrt(battles)
    missed = [not low <= 0.5 <= high for low, high in (wilson(mean * battles, battles) for mean in means)]
    moved = outcomes - outcomes.mean()
    return {
        "mean": float(means.mean()),
        "mean_error": float(expected / np.sqrt(seeds)),
        "spread": float(np.sqrt(np.mean(np.square(means - means.mean())) * seeds / (seeds - 1))),
        "spread_expected": float(expected),
        "intervals_without_half": int(sum(missed)),
        "correlation": float(np.mean(moved[:, :-1] * moved[:, 1:]) / outcomes.var()),
        "correlation_error": float(1 / np.sqrt(seeds * (battles - 1))),
        "seeds": seeds,
        "battles": battles,
    }


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("run_dir", None, "Directory of a finished run.", required=True)
    flags.DEFINE_integer("seeds", 20, "How many times to measure.", 2, 10_000)
    flags.DEFINE_integer("first_seed", 50_000, "The first seed; the others follow.", 0, 2**30)
    flags.DEFINE_integer("matches", 2_000, "Battles of each Specialist against itself, for each seed.", 2, 1_000_000)
    flags.DEFINE_string("out", "", "Also write the results to this file.")


def main() -> None:
    distributed.start()
    outcomes = []
    try:
        if FLAGS.out and distributed.rank() == 0:
            files.check_writable(Path(FLAGS.out))
        specialists = Specialists(RunDirectory(FLAGS.run_dir))
        game, side = specialists.game, specialists.side
        pairs = np.repeat([(i, i) for i in range(len(specialists.ids))], FLAGS.matches, axis=0)
        with distributed.together():
            for seed in range(FLAGS.first_seed, FLAGS.first_seed + FLAGS.seeds):
                outcomes.append(play(game, side, side, pairs, 1, seed))
                if distributed.rank() == 0:
                    logging.info("seed %d: %.2f%% won by player 0", seed, 100 * outcomes[-1].mean())
        if distributed.rank() > 0:
            return
        result = measure(np.array(outcomes))
        if FLAGS.out:
            about = {"first_seed": FLAGS.first_seed, "weights": specialists.weights, **provenance()}
            files.write_json(Path(FLAGS.out), {**result, "means": [float(o.mean()) for o in outcomes], **about})
    except (ConfigError, RosterError, files.FileError, distributed.RankLostError) as error:
        raise command.failure(error) from error
    print(
        f"{result['seeds']} times {result['battles']:,} battles of equals: player 0 won {100 * result['mean']:.2f}% "
        f"(standard error {100 * result['mean_error']:.2f}); the seeds' means spread by {100 * result['spread']:.2f} "
        f"points, expected are {100 * result['spread_expected']:.2f}; {result['intervals_without_half']} of their 95% "
        f"intervals leave out 50; correlation of neighbours {result['correlation']:.4f} (standard error "
        f"{result['correlation_error']:.4f})"
    )
    print(json.dumps(result))


if __name__ == "__main__":
    define_flags()
    command.run(main)
