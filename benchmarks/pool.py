"""How fast does a pool of frozen snapshots act? ``python -m benchmarks.pool``.

For some numbers of snapshots and of rows, and for rows that are spread in several ways: milliseconds of processor time
of one call of `Pool.act`, of one that must be exact, and of a call that computes one block for each snapshot, as wide
as the snapshot with the most rows needs. All take turns; figures are medians.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from absl import flags

from benchmarks.results import give
from camtf import command, distributed
from camtf.config import NetworkConfig
from camtf.evaluation.columns import table
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import MOVEMENT_COUNT, SKILL_COUNT, duel_spec
from camtf.games.duel.roster import Roster, load_roster
from camtf.model.policy import Policy, tensor
from camtf.population.pool import Pool
from camtf.provenance import provenance
from camtf.types import Observation, Snapshot

FLAGS = flags.FLAGS

SNAPSHOTS = (1, 4, 13, 50, 320)
ROWS = (512, 1024)
_MOST_ROWS = 200_000
"""Of the wide blocks: beyond, they need more memory than a small machine has."""


def spreads(rows: int, snapshots: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Whose each row is, int ``[rows]``: all of one; of each the same number; of each half as many as of the last;
    half of them of one, the others of any."""
    return {
        "single": np.full(rows, snapshots // 2),
        "uniform": rng.permutation(np.arange(rows) % snapshots),
        "skewed": np.minimum(rng.geometric(0.5, rows) - 1, snapshots - 1),
        "half": np.where(rng.random(rows) < 0.5, 0, rng.integers(0, snapshots, rows)),
    }


class Setting:
    """A pool of so many snapshots and rows to play."""

    def __init__(self, roster: Roster, snapshots: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        config, spec = NetworkConfig(), duel_spec(roster)
        weights = Policy(config, spec, seed).get_weights()
        mixture = np.full((len(roster), config.mixture_slots), 1.0 / config.mixture_slots, np.float32)
        self.pool = Pool(config, spec, [Snapshot(str(i), weights, mixture) for i in range(snapshots)])
        seen = DuelGame(roster, max(ROWS), seed).reset(self.rng.integers(0, len(roster), (2, max(ROWS))))
        self.observation = Observation(*(x[0] for x in seen))
        self.mixture = np.repeat(mixture[:1], max(ROWS), axis=0)
        self.uniforms = self.rng.random((max(ROWS), MOVEMENT_COUNT + SKILL_COUNT)).astype(np.float32)

    def measure(self, snapshot: np.ndarray, repeats: int) -> dict[str, float | None]:
        """Milliseconds of each way."""
        n = len(snapshot)
        observation = Observation(*(x[:n] for x in self.observation))
        given = self.mixture[:n], self.uniforms[:n]
        ways = {
            "act": lambda: self.pool.act(observation, snapshot, *given),
            "exact": lambda: self.pool.act(observation, snapshot, *given, exact=True),
        }
        rows, slot = _wide(snapshot, len(self.pool.snapshots))
        if rows.size <= _MOST_ROWS:
            tensors = Observation(*map(tensor, observation))
            ways["wide"] = lambda: self.pool._act_whole(self.pool._tensors, tensors, *given, rows, slot).numpy()
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(repeats + 1):
            for way, call in ways.items():
                began = time.process_time()
                call()
                taken[way].append(time.process_time() - began)
        return {
            way: 1e3 * float(np.median(taken[way][1:])) if way in taken else None for way in ("act", "exact", "wide")
        }


def _wide(snapshot: np.ndarray, snapshots: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of one block for each snapshot, ``[snapshots, most rows of any]``, and each row's place among them."""
    counts = np.bincount(snapshot, minlength=snapshots)
    order = np.argsort(snapshot, kind="stable")
    within = np.arange(len(snapshot)) - (np.cumsum(counts) - counts)[snapshot[order]]
    rows = np.zeros((snapshots, counts.max()), np.int32)
    rows[snapshot[order], within] = order
    slot = np.empty(len(snapshot), np.int32)
    slot[order] = snapshot[order] * rows.shape[1] + within
    return rows, slot


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_integer("repeats", 15, "Calls of each way; the median counts.", 1)
    flags.DEFINE_integer("seed", 1, "Seed.", 0)
    flags.DEFINE_string("out", "", "Also write the results to this file.")


def main() -> None:
    distributed.start()
    roster = load_roster()
    lines: list[list[str]] = []
    summary: dict[str, Any] = {}
    for snapshots in SNAPSHOTS:
        setting = Setting(roster, snapshots, FLAGS.seed)
        for rows in ROWS:
            for spread, snapshot in spreads(rows, snapshots, setting.rng).items():
                if snapshots == 1 and spread != "single":
                    continue
                found = setting.measure(snapshot, FLAGS.repeats)
                shown = ["" if ms is None else f"{ms:.2f}" for ms in found.values()]
                lines.append([f"{snapshots} snapshots, {rows} rows, {spread}", *shown])
                for way, ms in found.items():
                    name = f"{way}_milliseconds_{snapshots}_{rows}_{spread}"
                    summary[name] = None if ms is None else round(ms, 3)
    print(table(["milliseconds a call", "Pool.act", "exact", "a wide block each"], lines))
    give(summary | provenance(), FLAGS.out)


if __name__ == "__main__":
    define_flags()
    command.run(main)
