"""Do the population algorithms find what is known? ``python -m benchmarks.known_answers``.

Every game of `benchmarks.known_games` is trained by the real trainer with each seed and measured by exact values, never
by battles; the solvers are held against OpenSpiel's on random payoffs. A finished part is kept as a JSON file in
``--folder``, an unfinished one as the run that it is: started again, the command goes on. What an answer must be stands
in `CRITERIA`, from before the runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyspiel
from absl import flags, logging
from open_spiel.python.algorithms.nash_averaging import nash_averaging

from benchmarks.known_games import CASES, GAP, RUNGS, SETTINGS, Found, train
from camtf import command, distributed, files
from camtf.evaluation.columns import table
from camtf.evaluation.statistics import with_interval
from camtf.population.equilibrium import nash
from camtf.provenance import provenance

FLAGS = flags.FLAGS


@dataclass(frozen=True)
class Criterion:
    """A figure's mean over seeds must be at most, or at least, a number."""

    part: str
    figure: str
    least: float = -np.inf
    most: float = np.inf

    def __str__(self) -> str:
        if self.least == self.most:
            return f"{self.least:g}"
        bounds = (f"at least {self.least:.3g}", self.least), (f"at most {self.most:.3g}", self.most)
        return " and ".join(text for text, bound in bounds if np.isfinite(bound))


CRITERIA = (
    Criterion("solvers", "value_error", most=1e-6),
    Criterion("solvers", "strategy_error", most=1e-4),
    Criterion("rps_with_sink", "accepted", least=2, most=2),
    Criterion("rps_with_sink", "paper", least=0.95),
    Criterion("rps_with_sink", "scissors", least=0.95),
    Criterion("rps_with_sink", "sigma_error", most=0.05),
    Criterion("rps_with_sink", "exploitability", most=0.02),
    Criterion("transitive_ladder", "accepted", least=RUNGS - 1, most=RUNGS - 1),
    Criterion("transitive_ladder", "least_on_its_rung", least=0.95),
    Criterion("transitive_ladder", "least_on_the_row_before", least=0.95),
    Criterion("kuhn_poker", "first_seat", least=-1 / 18 - 0.05, most=-1 / 18 + 0.05),
    Criterion("kuhn_poker", "exploitability", most=0.1),
    *(
        criterion
        for case in ("leduc_poker", "leduc_poker_nash")
        for criterion in (
            Criterion(case, "first_seat", least=-0.0856 - 0.2, most=-0.0856 + 0.2),
            Criterion(case, "exploitability", most=1.2),
        )
    ),
    Criterion("goofspiel_4", "uniform_exploitability", least=1.25, most=1.25),
    Criterion("goofspiel_5", "uniform_exploitability", least=2.0, most=2.0),
    *(
        Criterion(case, "largest_gap", most=GAP)
        for case in (
            "goofspiel_4",
            "goofspiel_4_simplex",
            "goofspiel_4_nash",
            "goofspiel_5",
            "goofspiel_5_simplex",
            "goofspiel_5_nash",
        )
    ),
    Criterion("any_mixture_last8", "share", least=0.5),
    Criterion("any_mixture_belief", "share", least=0.8),
)
"""Written before the reported runs. Of the poker games only the values are known: how far a population of a few
strategies is exploited depends on how many there are, and on the solver. Over 16 exact responses to equilibria, Kuhn's
is 0 from the 11th on, and Leduc's goes up and down between 1.6 and 3.9, its value between -0.7 and 2.4; over 16 exact
responses to all before them alike, Leduc's falls to 0.93 and its value stays within 0.2 of the known one. Uniform play
has 0.46 and 2.37. What a solver is trained with, it is measured with, too."""

MATRICES = 200


def measure_solvers() -> Found:
    """`nash` against OpenSpiel on random antisymmetric payoffs of 2 to 30 strategies, half of them small integers: the
    largest difference in what the best row gains, and in the strategies where there is one equilibrium alone."""
    value_error, strategy_error, unique = 0.0, 0.0, 0
    for seed in range(MATRICES):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 31))
        entries = rng.integers(-2, 3, (n, n)).astype(float) if seed % 2 else rng.uniform(-1, 1, (n, n))
        payoffs = np.triu(entries, 1) - np.triu(entries, 1).T
        theirs, values = nash_averaging(pyspiel.create_matrix_game(payoffs, -payoffs), eps=0.0)
        mixture = nash(payoffs)
        value_error = max(value_error, abs(float((payoffs @ mixture).max() - values.max())))
        if _only_one(payoffs, mixture):
            unique += 1
            strategy_error = max(strategy_error, float(np.abs(mixture - theirs[:, 0]).max()))
    return {"value_error": value_error, "strategy_error": strategy_error, "unique": float(unique)}


def _only_one(payoffs: np.ndarray, mixture: np.ndarray) -> bool:
    """Is an equilibrium the only one? All outside its support lose, and inside nothing else ties with all."""
    support = mixture > 0
    rank = np.linalg.matrix_rank(payoffs[np.ix_(support, support)], tol=1e-9)
    return bool((payoffs @ mixture)[~support].max(initial=-1.0) < -1e-6) and rank == support.sum() - 1


def part(name: str, seed: int, folder: Path) -> Found:
    """A part's figures: measured now, or read where it was finished before."""
    file = folder / f"{name}_{seed}.json"
    if not file.exists():
        found = measure_solvers() if name == "solvers" else train(name, seed, folder / "runs")
        files.write_json(file, found)
        logging.info("%s, seed %d: %s", name, seed, found)
    return files.read_json(file)


def summary(parts: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Rows of a table: each criterion, what came out, whether it holds."""
    rows = []
    for c in CRITERIA:
        if c.part in parts:
            found = parts[c.part][c.figure]
            holds = c.least - _ROUNDING <= found["mean"] <= c.most + _ROUNDING
            seeds = ", ".join(f"{value:.4g}" for value in found["values"])
            interval = f"[{found['low']:.3g}, {found['high']:.3g}]" if found["low"] is not None else ""
            answer = f"{c.part}: {c.figure}"
            rows.append([answer, str(c), f"{found['mean']:.4g}", interval, seeds, "yes" if holds else "NO"])
    return rows


_ROUNDING = 1e-9


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("folder", "runs/known_answers", "Where runs and finished parts are kept.")
    flags.DEFINE_list("parts", ["solvers", *CASES], "What to measure.")
    flags.DEFINE_list("seeds", ["1", "2", "3"], "Training seeds of each game.")
    flags.DEFINE_string("out", "", "Also write the results to this file.")


def main() -> None:
    distributed.start()
    folder = Path(FLAGS.folder)
    unknown = set(FLAGS.parts) - {"solvers", *CASES}
    if unknown:
        raise command.failure(f"--parts must be of solvers, {', '.join(CASES)}; got {sorted(unknown)[0]!r}")
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, dict[str, Any]] = {}
    for name in FLAGS.parts:
        found = [part(name, int(seed), folder) for seed in (FLAGS.seeds if name in CASES else ["1"])]
        figures = [figure for figure in found[0] if all(figure in f for f in found)]
        parts[name] = {figure: with_interval([f[figure] for f in found]) for figure in figures}
    rows = summary(parts)
    print(table(["answer", "criterion", "mean", "95%", "seeds", "holds"], rows))
    document = {"parts": parts, "settings": _said_settings(), "criteria": [[*row[:2], row[-1]] for row in rows]}
    document |= provenance()
    if FLAGS.out:
        files.write_json(Path(FLAGS.out), document)
    flat = {f"{name}_{figure}": float(f"{v['mean']:.4g}") for name, part in parts.items() for figure, v in part.items()}
    print(json.dumps(flat | {"criteria_met": sum(row[-1] == "yes" for row in rows), "criteria": len(rows)}))


def _said_settings() -> dict[str, Any]:
    """What was trained with, by game."""
    return {"all": SETTINGS, **{name: case.settings for name, case in CASES.items()}}


if __name__ == "__main__":
    define_flags()
    command.run(main)
