"""How small can 320 Specialists be? ``python -m benchmarks.packs --run_dir=runs/quickstart``.

Stores the weights of a run's Specialists in several ways, restores them, and lets every restored Specialist play its
original, ``--matches`` battles each, every one twice with the sides exchanged (`mobile.paired`), both sampling their
actions. A way costs nothing measurable where the interval of those battles holds a half. Under `horovodrun` the ranks
share the battles. Sizes are those of the weights; 320 need 320 times the mean, and the base where there is one.
"""

from __future__ import annotations

import json
import lzma
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags, logging

from camtf import command, distributed, files
from camtf.checkpoint import RunDirectory
from camtf.config import ConfigError
from camtf.evaluation.battles import PoolSide
from camtf.evaluation.columns import rate, table
from camtf.games.duel.roster import RosterError
from camtf.population.pool import Pool
from camtf.provenance import provenance
from mobile import deltas
from mobile.paired import Paired, add, play_paired
from mobile.positions import Specialists

FLAGS = flags.FLAGS

ROSTER = 320

Weights = dict[str, np.ndarray]
Way = Callable[[Weights, Weights], tuple[bytes, Weights]]
"""From a Specialist's weights and the base to what is stored and what comes back."""


def plain(dtype: type, compress: Callable[[bytes], bytes]) -> Way:
    """Every weight in another type."""

    def store(weights: Weights, base: Weights) -> tuple[bytes, Weights]:
        kept: Weights = {path: w.astype(dtype) for path, w in weights.items()}
        content = b"".join(w.tobytes() for w in kept.values())
        return compress(content), {path: w.astype(np.float32) for path, w in kept.items()}

    return store


def rounded(bits: int) -> Way:
    """Every weight in whole steps, a step per column, zlib."""

    def store(weights: Weights, base: Weights) -> tuple[bytes, Weights]:
        content, back = b"", {}
        for path, w in weights.items():
            step = np.abs(w).max(axis=0, keepdims=True) / (2 ** (bits - 1) - 1) + np.float32(1e-12)
            numbers = np.rint(w / step).astype(np.int8)
            content += step.tobytes() + numbers.tobytes()
            back[path] = (numbers * step).astype(np.float32)
        return zlib.compress(content, 9), back

    return store


def delta(coarseness: float) -> Way:
    """Differences from the base in whole steps: what a pack's ``delta`` models are."""

    def store(weights: Weights, base: Weights) -> tuple[bytes, Weights]:
        content, back = b"", {}
        for path, w in weights.items():
            numbers, step = deltas.quantise(w - base[path], coarseness)
            content += step.tobytes() + numbers.tobytes()
            back[path] = deltas.apply(base[path], numbers, step)
        return zlib.compress(content, 9), back

    return store


def low_rank(rank: int) -> Way:
    """Differences of matrices as a product of two of so many columns, in float16; all else in float16."""

    def store(weights: Weights, base: Weights) -> tuple[bytes, Weights]:
        content, back = b"", {}
        for path, w in weights.items():
            d = (w - base[path]).astype(np.float64)
            flat = d.reshape(-1, d.shape[-1])
            if d.ndim > 1 and rank * sum(flat.shape) < flat.size:
                u, s, v = np.linalg.svd(flat, full_matrices=False)
                parts = [(u[:, :rank] * s[:rank]).astype(np.float16), v[:rank].astype(np.float16)]
                restored = (parts[0].astype(np.float32) @ parts[1].astype(np.float32)).reshape(d.shape)
            else:
                parts = [d.astype(np.float16)]
                restored = parts[0].astype(np.float32)
            content += b"".join(part.tobytes() for part in parts)
            back[path] = base[path] + restored
        return zlib.compress(content, 9), back

    return store


def _as_it_is(content: bytes) -> bytes:
    return content


WAYS: dict[str, tuple[Way, bool]] = {
    "float32": (plain(np.float32, _as_it_is), False),
    "float32, lzma": (plain(np.float32, lzma.compress), False),
    "float16": (plain(np.float16, _as_it_is), False),
    "float16, lzma": (plain(np.float16, lzma.compress), False),
    "int8 weights, zlib": (rounded(8), False),
    "int4 weights, zlib": (rounded(4), False),
    "base + rank 4": (low_rank(4), True),
    "base + rank 8": (low_rank(8), True),
    "base + rank 16": (low_rank(16), True),
    "base + steps of 0.5 rms": (delta(0.5), True),
    "base + steps of 1 rms": (delta(1.0), True),
    "base + steps of 2 rms": (delta(2.0), True),
    "base + steps of 4 rms": (delta(4.0), True),
    "base alone": (lambda weights, base: (b"", base), True),
}
"""Name, way, and whether it needs the base."""


def measure(
    specialists: Specialists, way: Way, needs_base: bool, played: dict[tuple[bytes, ...], list[Paired]]
) -> dict[str, Any]:
    """Size and win rate of one way. Every rank calls. Battles of the same weights are played once: ``played``."""
    snapshots = specialists.snapshots
    first = next(iter(snapshots.values())).weights
    base = {path: np.mean([s.weights[path] for s in snapshots.values()], axis=0) for path in first}
    stored = {name: way(s.weights, base) for name, s in snapshots.items()}
    restored = [replace(s, weights=stored[name][1]) for name, s in snapshots.items()]
    key = tuple(w.tobytes() for s in restored for w in s.weights.values())
    if key not in played:
        pool = Pool(specialists.config.network, specialists.game.spec, restored, specialists.build)
        side = PoolSide(pool, np.arange(len(restored)), specialists.side.character)
        played[key] = play_paired(
            specialists.game, side, specialists.side, mirror(specialists), FLAGS.matches, FLAGS.seed
        )
    each = float(np.mean([len(content) for content, _ in stored.values()]))
    base_bytes = 4 * sum(w.size for w in base.values()) if needs_base else 0
    return {
        "bytes_per_specialist": round(each),
        "megabytes_of_320": round((ROSTER * each + base_bytes) / 1e6, 2),
        "against_original": add(played[key]).rate(),
        "specialists_that_lost": sum(paired.rate()["high"] < 0.5 for paired in played[key]),
    }


def mirror(specialists: Specialists) -> np.ndarray:
    """Pairs of a Specialist and itself, int ``[n, 2]``."""
    return np.array([(i, i) for i in range(len(specialists.ids))])


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("run_dir", None, "Directory of a finished run.", required=True)
    flags.DEFINE_integer("matches", 2000, "Battles of each restored Specialist against its original.", 1, 1_000_000)
    flags.DEFINE_integer("seed", 50_000, "Seed of the battles.", 0, 2**31 - 1)
    flags.DEFINE_string("out", "", "Also write the results to this file.")


def main() -> None:
    distributed.start()
    try:
        if FLAGS.out and distributed.rank() == 0:
            files.check_writable(Path(FLAGS.out))
        with distributed.together():
            summary = measure_all(Specialists(RunDirectory(FLAGS.run_dir)))
        if distributed.rank() > 0:
            return
        if FLAGS.out:
            files.write_json(Path(FLAGS.out), {**summary, **provenance()})
    except (ConfigError, RosterError, files.FileError, distributed.RankLostError) as error:
        raise command.failure(error) from error
    header = ["way", "bytes each", "MB of 320", "wins v. original, % [95%]", "detectable loss", "Specialists that lost"]
    rows = [
        [name, f"{r['bytes_per_specialist']:,}", f"{r['megabytes_of_320']:.2f}", rate(r["against_original"]),
         f"{100 * r['against_original']['detectable']:.1f}", str(r["specialists_that_lost"])]
        for name, r in summary["ways"].items()
    ]  # fmt: skip
    print(table(header, rows))
    print(json.dumps({name: r["megabytes_of_320"] for name, r in summary["ways"].items()}))


def measure_all(specialists: Specialists) -> dict[str, Any]:
    """All ways, and the control. Every rank calls."""
    ways: dict[str, Any] = {}
    played: dict[tuple[bytes, ...], list[Paired]] = {}
    for done, (name, (way, needs_base)) in enumerate(WAYS.items()):
        ways[name] = measure(specialists, way, needs_base, played)
        if distributed.rank() == 0:
            logging.info("%d of %d: %s", done + 1, len(WAYS), name)
    return {
        "ways": ways,
        "specialists": len(specialists.ids),
        "matches": FLAGS.matches,
        "seed": FLAGS.seed,
        "weights": specialists.weights,
    }


if __name__ == "__main__":
    define_flags()
    command.run(main)
