"""How fast does an evaluation play? ``python -m benchmarks.evaluation``.

Decisions of the duel a second, both players counted, with a network of the default size behind every one, for 1, 8, 50
and 320 different snapshots: each plays one character against each of the others, as `camtf.evaluate` plays a kind of
Specialists against another. Under `horovodrun` the ranks share the battles, and the figure is of all together.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from absl import flags

from benchmarks.results import give
from camtf import command, distributed
from camtf.config import NetworkConfig
from camtf.evaluation.battles import PoolSide, Turn
from camtf.evaluation.columns import table
from camtf.evaluation.fights import LOT, Fight, Lot, play_lot
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import load_roster
from camtf.model.policy import Policy
from camtf.population.pool import Pool
from camtf.provenance import provenance
from camtf.types import Snapshot

FLAGS = flags.FLAGS

SNAPSHOTS = (1, 8, 50, 320)


class Decisions:
    """Counts what both players have decided. Implements `camtf.evaluation.fights.Tally`."""

    def __init__(self, lot: Lot) -> None:
        self._made = 0

    def add(self, turn: Turn, battle: np.ndarray) -> None:
        """See `camtf.evaluation.fights.Tally`."""
        self._made += 2 * int(turn.counts.sum())

    def rows(self) -> dict[str, np.ndarray]:
        """See `camtf.evaluation.fights.Tally`."""
        return {}

    def sums(self) -> dict[str, np.ndarray]:
        """See `camtf.evaluation.fights.Tally`."""
        return {"decisions": np.array(self._made)}


def side_of(game: Duel, snapshots: int, seed: int) -> PoolSide:
    """So many networks of different random weights, dealt out over the characters."""
    config, characters = NetworkConfig(), len(game.characters)
    mixture = np.full((characters, config.mixture_slots), 1.0 / config.mixture_slots, np.float32)
    policy, rng = Policy(config, game.spec, seed), np.random.default_rng(seed)
    made = []
    for i in range(snapshots):
        weights = {
            path: w + rng.normal(0.0, 0.02, w.shape).astype(np.float32) for path, w in policy.get_weights().items()
        }
        made.append(Snapshot(str(i), weights, mixture))
    return PoolSide(Pool(config, game.spec, made), np.arange(snapshots), np.arange(snapshots) % characters)


def measure(game: Duel, snapshots: int, battles: int, matches: int, seed: int) -> float:
    """Decisions a second of all ranks together, of a lot in which every snapshot meets others equally often."""
    side = side_of(game, snapshots, seed)
    met = max(1, battles // (2 * snapshots))
    own = np.repeat(np.arange(snapshots), met)
    pairs = np.stack([own, (own + np.tile(np.arange(met), snapshots)) % snapshots], axis=1)
    fight = Fight("benchmark", "", side, side, pairs, 1, seed, Decisions)
    lot = next(fight.lots())
    rank, size = distributed.rank(), distributed.size()
    play_lot(game, fight, Lot(lot.first, lot.cell[: 2 * size], lot.player[: 2 * size]), rank, size, matches)  # compiles
    distributed.barrier()
    began = time.monotonic()
    found = play_lot(game, fight, lot, rank, size, matches)
    total = distributed.sum_over_ranks([found["sum:decisions"]], "decisions")[0]
    return float(total) / (time.monotonic() - began)


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_integer("battles", 8192, "Battles of each measurement.", 2, LOT)
    flags.DEFINE_integer("matches", 1024, "Matches that a rank plays at a time.", 1, 1 << 20)
    flags.DEFINE_integer("seed", 1, "Seed.", 0)
    flags.DEFINE_string("out", "", "Also write the results to this file.")


def main() -> None:
    distributed.start()
    game = Duel(load_roster())
    rates = {count: measure(game, count, FLAGS.battles, FLAGS.matches, FLAGS.seed) for count in SNAPSHOTS}
    if distributed.rank():
        return
    print(table(["snapshots", "decisions/s"], [[str(count), f"{rate:,.0f}"] for count, rate in rates.items()]))
    summary: dict[str, Any] = {f"decisions_per_second_{count}_snapshots": round(rate) for count, rate in rates.items()}
    summary |= {"ranks": distributed.size(), **provenance()}
    give(summary, FLAGS.out)


if __name__ == "__main__":
    define_flags()
    command.run(main)
