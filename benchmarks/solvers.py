"""How fast are the meta-strategy solvers? ``OPENBLAS_NUM_THREADS=1 python -m benchmarks.solvers``.

One call of each solver, in one process; medians of repeats, each on payoffs of its own. Seconds are processor time, of
all threads together: what else the machine does hardly counts. Kinds of payoffs, easy and hard ones for `nash`:

- random: uniform payoffs; about half of the strategies are in the equilibrium
- counts: win rates of 100 games a pairing between equals, so with ties
- league: win rates of players of different strength, with a little that is not transitive
- duplicates: every strategy four times
- ladder: each strategy beats all before it
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import flags

from benchmarks import results
from camtf import command
from camtf.evaluation.columns import table
from camtf.population.meta_strategies import (
    ROWS,
    SOLVERS,
    centred,
    exploitability,
    nash,
    relative_population_performance,
)
from camtf.provenance import provenance

FLAGS = flags.FLAGS


def _skew(values: np.ndarray) -> np.ndarray:
    return np.triu(values, 1) - np.triu(values, 1).T


def _random(rng: np.random.Generator, n: int) -> np.ndarray:
    return _skew(rng.uniform(-1, 1, (n, n)))


def _counts(rng: np.random.Generator, n: int) -> np.ndarray:
    return _skew(2 * rng.binomial(100, 0.5, (n, n)) / 100 - 1)


def _league(rng: np.random.Generator, n: int) -> np.ndarray:
    skill = rng.normal(size=n)
    odds = skill[:, None] - skill + 0.3 * _skew(rng.normal(size=(n, n)))
    return centred(1 / (1 + np.exp(-odds)))


def _duplicates(rng: np.random.Generator, n: int) -> np.ndarray:
    kinds = np.arange(n) // 4
    return _random(rng, n)[np.ix_(kinds, kinds)]


def _ladder(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.sign(np.arange(n)[:, None] - np.arange(n)).astype(float)


KINDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "random": _random,
    "counts": _counts,
    "league": _league,
    "duplicates": _duplicates,
    "ladder": _ladder,
}


def seconds(solver: Callable[[np.ndarray], Any], payoffs: list[np.ndarray]) -> float:
    """Median over payoffs of one call's processor time."""
    taken = []
    for a in payoffs:
        began = time.process_time()
        solver(a)
        taken.append(time.process_time() - began)
    return float(np.median(taken))


def measure(sizes: list[int], repeats: int, seed: int) -> dict[str, float]:
    """Seconds by solver, kind and size, and the largest exploitability of `nash`, of the largest payoff."""
    rng = np.random.default_rng(seed)
    found: dict[str, float] = {"nash_exploitability": 0.0}
    others = {**{name: s for name, s in SOLVERS.items() if name != "nash"}, **{f"{k}_rows": s for k, s in ROWS.items()}}
    for n in sizes:
        for kind, make in KINDS.items():
            payoffs = [make(rng, n) for _ in range(repeats)]
            found[f"nash_{kind}_{n}_seconds"] = seconds(nash, payoffs)
            worst = max(exploitability(a, nash(a)) / np.abs(a).max() for a in payoffs)
            found["nash_exploitability"] = max(found["nash_exploitability"], worst)
        payoffs = [_random(rng, n) for _ in range(repeats)]
        for name, solver in {**others, "relative_population_performance": relative_population_performance}.items():
            found[f"{name}_{n}_seconds"] = seconds(solver, payoffs)
    return found


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_list("sizes", ["8", "30", "100", "500"], "Strategies.")
    flags.DEFINE_integer("repeats", 7, "Payoffs of each kind and size; the median counts.", 1)
    flags.DEFINE_integer("seed", 1, "Seed of the payoffs.", 0)
    flags.DEFINE_string("out", "", "Also write the results to this file.")


def main() -> None:
    sizes = [int(size) for size in FLAGS.sizes]
    found = measure(sizes, FLAGS.repeats, FLAGS.seed)
    names = dict.fromkeys(key.rsplit("_", 2)[0] for key in found if key.endswith("_seconds"))
    rows = [[name.replace("_", " "), *(f"{1e3 * found[f'{name}_{n}_seconds']:,.1f}" for n in sizes)] for name in names]
    print(table(["milliseconds, by strategies", *map(str, sizes)], rows))
    print(f"exploitability of nash at most {found['nash_exploitability']:.1e} of the largest payoff")
    summary: dict[str, Any] = {name: float(f"{value:.3g}") for name, value in found.items()}
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "as many as cores")
    summary |= {"repeats": FLAGS.repeats, "seed": FLAGS.seed, "blas_threads": threads, **provenance()}
    results.give(summary, FLAGS.out)


if __name__ == "__main__":
    define_flags()
    command.run(main)
