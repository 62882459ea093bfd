"""Do the population algorithms find what is known? ``python -m benchmarks.known_answers``.

Every game of `CASES` is trained by the real trainer with each seed and measured by exact values, never by battles; the
solvers are held against linear programs on random payoffs. A finished part is kept as a JSON file in ``--folder``, an
unfinished one as the run that it is: started again, the command goes on. Criteria stand in `CRITERIA` and were written
before the runs; `SETTINGS` were chosen with other seeds than those reported.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyspiel
from absl import flags, logging
from open_spiel.python.algorithms.nash_averaging import nash_averaging
from scipy.stats import t as student

from camtf import command, distributed, files
from camtf.algorithms import train_population
from camtf.checkpoint import RunDirectory
from camtf.config import override, preset
from camtf.evaluation import exact
from camtf.evaluation.report import table
from camtf.games.matrix import MatrixGame, rps_with_sink, transitive_ladder
from camtf.games.open_spiel import OpenSpielGame, goofspiel
from camtf.population.equilibrium import nash
from camtf.population.strategies import Strategies
from camtf.population.training import Context
from camtf.provenance import provenance

FLAGS = flags.FLAGS

SETTINGS: dict[str, Any] = {
    "game.characters": (),
    "game.matches": 1024,
    "network.trunk": (64, 64),
    "network.mixture_slots": 8,
    "ppo.segment": 16,
    "ppo.discount": 1.0,
    "ppo.reward_scale": 0.3,
    "ppo.epochs": 2,
    "ppo.minibatches": 4,
    "ppo.learning_rate": 3e-3,
    "ppo.final_learning_rate": 0.05,
    "ppo.entropy_cost": 0.3,
    "ppo.final_entropy_cost": 0.02,
    "generalists.algorithm": "neupl",
    "generalists.generations": 1,
    "generalists.slots": 8,
    "generalists.payoff_decay": 0.95,
    "generalists.accept_margin": 0.01,
    "generalists.settling": 0.35,
    "generalists.frames": 3_000_000,
    "checkpoint_updates": 50,
    "histogram_updates": 0,
}
"""What differs from the test preset in all games. The entropy bonus falls over the whole run: with little of it from
the start, the network is certain before a new row has begun to look for its answer."""

_MATRIX: dict[str, Any] = {
    "game.matches": 512,
    "network.trunk": (32,),
    "ppo.segment": 4,
    "ppo.minibatches": 2,
    "ppo.epochs": 3,
    "ppo.reward_scale": 1.0,
    "ppo.learning_rate": 1e-2,
    "generalists.slots": 6,
    "generalists.solve_updates": 5,
    "generalists.payoff_decay": 0.9,
    "generalists.accept_margin": 0.05,
    "generalists.settling": 0.0,
    "generalists.frames": 200_000,
}
_POKER: dict[str, Any] = {
    "network.mixture_slots": 16,
    "generalists.slots": 16,
    "generalists.accept_margin": 0.005,
    "generalists.frames": 1_500_000,
}
_ANY_MIXTURE: dict[str, Any] = {
    "generalists.algorithm": "simplex_neupl",
    "generalists.any_mixture": 0.7,
    "generalists.evaluation_share": 0.2,
    "generalists.settling": 0.45,
}

MIXTURES, MIXTURE_SEED = 60, 20_250
"""Random mixtures over a finished population, on which the use of information is measured."""

Found = dict[str, float]


@dataclass(frozen=True)
class Case:
    """A game to train, and how its answers are read off.

    Attributes:
        settings: what differs from `SETTINGS`.
    """

    game: Callable[[], MatrixGame | OpenSpielGame]
    measure: Callable[[Context, Strategies], Found]
    settings: dict[str, Any] = field(default_factory=dict)


def train(name: str, seed: int, folder: Path) -> Found:
    """Train a game with a seed, or go on, and measure what came out."""
    case = CASES[name]
    game = case.game()
    config = override(preset("test"), {**SETTINGS, **case.settings, "seed": seed})
    run = RunDirectory(folder / f"{name}_{seed}")
    run.begin(config, game, write=True)
    context = Context(config, game, run)
    strategies = train_population(context)
    return {"accepted": float(len(strategies) - 1), **case.measure(context, strategies)}


def matrix_policies(context: Context, strategies: Strategies) -> np.ndarray:
    """Probabilities of the rows of a matrix game by each strategy, ``[n, K]``."""
    game, policy = context.game, context.policy()
    assert isinstance(game, MatrixGame)
    found = [np.full(len(game.payoff), 1.0 / len(game.payoff))]
    for snapshot in strategies.snapshots:
        policy.set_weights(snapshot.weights)
        logits = np.asarray(policy(game.information_states, snapshot.mixture[:1]).skill, np.float64)[0]
        odds = np.exp(logits - logits.max())
        found.append(odds / odds.sum())
    return np.stack(found)


def rows_of(strategies: Strategies) -> np.ndarray:
    """Sigma over the accepted strategies, ``[n, n]``: what each was told. The first, the sink, has none."""
    n = len(strategies)
    told = [np.zeros(n), *(np.asarray(s.mixture[0, :n], np.float64) for s in strategies.snapshots)]
    return np.stack([row / max(row.sum(), 1e-12) for row in told])


def measure_rps(context: Context, strategies: Strategies) -> Found:
    """Paper, then scissors; the equilibrium of sink, paper and scissors by what was counted; what beats it."""
    game, policies = context.game, matrix_policies(context, strategies)
    assert isinstance(game, MatrixGame)
    rocks = len(game.payoff) - 2
    e = 1.0 / (rocks + 2)
    a = 1.0 - 3.0 * e
    counted = np.array(context.run.read_population()["payoffs"])[:3, :3]
    mixture = np.pad(nash(2.0 * counted - 1.0), (0, 3 - len(counted)))
    paper, scissors = (float(policies[i, rocks + i - 1]) if i < len(policies) else 0.0 for i in (1, 2))
    return {
        "paper": paper,
        "scissors": scissors,
        "sigma_error": float(np.abs(mixture - np.array([1.0, a, a]) / (1.0 + 2.0 * a)).max()),
        "exploitability": float((game.payoff @ (mixture[: len(policies)] @ policies[:3])).max()),
    }


def measure_ladder(context: Context, strategies: Strategies) -> Found:
    """How far each strategy plays the rung after the one before it, and each row is the strategy before."""
    policies, rows = matrix_policies(context, strategies), rows_of(strategies)
    bottoms = BOTTOMS
    rungs = [float(policies[i, bottoms - 1 + i]) for i in range(1, min(len(policies), RUNGS))]
    before = [float(rows[i, i - 1]) for i in range(1, len(rows))]
    return {"least_on_its_rung": min(rungs, default=0.0), "least_on_the_row_before": min(before, default=0.0)}


def measure_tree(context: Context, strategies: Strategies) -> Found:
    """Exact values of an OpenSpiel game: row gaps, exploitability of the equilibrium, value of the first seat."""
    game, tables = context.game, policy_tables(context, strategies)
    assert isinstance(game, OpenSpielGame)
    tree, rows = game.tree, rows_of(strategies)
    gaps = [exact.row_gap(tree, tables[i], tables, rows[i]) for i in range(1, len(tables))]
    mixture = nash(exact.payoffs(tree, tables))
    values = [[exact.value(tree, one, two) for two in tables] for one in tables]
    return {
        "largest_gap": max(gaps, default=float("nan")),
        "mean_gap": float(np.mean(gaps)) if gaps else float("nan"),
        "exploitability": exact.exploitability(tree, tables, mixture),
        "uniform_exploitability": exact.exploitability(tree, tables[:1]),
        "first_seat": float(mixture @ np.array(values) @ mixture),
    }


def policy_tables(context: Context, strategies: Strategies) -> list[np.ndarray]:
    """Each strategy of an OpenSpiel game as it is served: told its own row."""
    game, policy = context.game, context.policy()
    assert isinstance(game, OpenSpielGame)
    tables = [exact.uniform_table(game.tree)]
    for snapshot in strategies.snapshots:
        policy.set_weights(snapshot.weights)
        tables.append(exact.policy_table(policy, game, snapshot.mixture[0]))
    return tables


def measure_information(context: Context, strategies: Strategies) -> Found:
    """What the network makes of what opponents give away, told mixtures that were drawn after training."""
    game, policy, tables = context.game, context.policy(), policy_tables(context, strategies)
    assert isinstance(game, OpenSpielGame)
    policy.set_weights(strategies.snapshots[-1].weights)
    mixtures = np.random.default_rng(MIXTURE_SEED).dirichlet(np.ones(len(tables)), MIXTURES)
    width = context.config.network.mixture_slots - len(tables)
    answers = []
    for mixture in mixtures:
        told = exact.beliefs(game.tree, tables, mixture) if context.config.generalists.belief else mixture[None]
        padded = np.pad(told, ((0, 0), (0, width)))
        answers.append(exact.policy_table(policy, game, padded if len(padded) > 1 else padded[0]))
    use = exact.information_use(game.tree, tables, mixtures, answers)
    single = float(np.mean((exact.payoffs(game.tree, tables) @ mixtures.T).max(axis=0)))
    return {**measure_tree(context, strategies), **use._asdict(), "best_single": single, "share": use.share}


RUNGS, BOTTOMS = 4, 8

CASES: dict[str, Case] = {
    "rps_with_sink": Case(rps_with_sink, measure_rps, _MATRIX),
    "transitive_ladder": Case(lambda: transitive_ladder(RUNGS, BOTTOMS), measure_ladder, _MATRIX),
    "kuhn_poker": Case(lambda: OpenSpielGame("kuhn_poker", outcome="payoff"), measure_tree, _POKER),
    "leduc_poker": Case(
        lambda: OpenSpielGame("leduc_poker", outcome="payoff"),
        measure_tree,
        {**_POKER, "ppo.reward_scale": 0.2, "ppo.entropy_cost": 0.2, "generalists.frames": 4_000_000},
    ),
    "goofspiel_4": Case(lambda: goofspiel(4, outcome="payoff"), measure_tree),
    "goofspiel_5": Case(lambda: goofspiel(5, outcome="payoff"), measure_tree, {"generalists.frames": 6_000_000}),
    "any_mixture_last8": Case(lambda: goofspiel(5, "last8", "payoff"), measure_information, _ANY_MIXTURE),
    "any_mixture_full": Case(lambda: goofspiel(5, outcome="payoff"), measure_information, _ANY_MIXTURE),
    "any_mixture_belief": Case(
        lambda: goofspiel(5, outcome="payoff"), measure_information, {**_ANY_MIXTURE, "generalists.belief": True}
    ),
}


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
    Criterion("leduc_poker", "first_seat", least=-0.0856 - 0.2, most=-0.0856 + 0.2),
    Criterion("leduc_poker", "exploitability", most=1.2),
    Criterion("goofspiel_4", "uniform_exploitability", least=1.25, most=1.25),
    Criterion("goofspiel_4", "largest_gap", most=0.1),
    Criterion("goofspiel_5", "uniform_exploitability", least=2.0, most=2.0),
    Criterion("goofspiel_5", "largest_gap", most=0.1),
    Criterion("any_mixture_last8", "share", least=0.5),
    Criterion("any_mixture_belief", "share", least=0.8),
)
"""Written before the reported runs. Of the poker games only the values are known: how far a population of a few
strategies is exploited depends on how many there are. Over 16 exact responses to equilibria, Kuhn's is 0 from the 11th
on, and Leduc's goes up and down between 1.6 and 3.9; uniform play has 0.46 and 2.37."""

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


def over_seeds(values: list[float]) -> dict[str, Any]:
    """Mean with a 95% interval by Student's distribution; the seeds' own values."""
    mean, n = float(np.mean(values)), len(values)
    half = float(student.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else float("inf")
    return {"mean": mean, "low": mean - half, "high": mean + half, "seeds": values}


def summary(parts: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Rows of a table: each criterion, what came out, whether it holds."""
    rows = []
    for c in CRITERIA:
        if c.part in parts:
            found = parts[c.part][c.figure]
            holds = c.least - _ROUNDING <= found["mean"] <= c.most + _ROUNDING
            seeds = ", ".join(f"{value:.4g}" for value in found["seeds"])
            rows.append([f"{c.part}: {c.figure}", str(c), f"{found['mean']:.4g}", seeds, "yes" if holds else "NO"])
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
        parts[name] = {figure: over_seeds([f[figure] for f in found]) for figure in found[0]}
    rows = summary(parts)
    print(table(["answer", "criterion", "mean", "seeds", "holds"], rows))
    document = {"parts": parts, "settings": _said_settings(), "criteria": [[*row[:2], row[4]] for row in rows]}
    document |= provenance()
    if FLAGS.out:
        files.write_json(Path(FLAGS.out), document)
    flat = {f"{name}_{figure}": float(f"{v['mean']:.4g}") for name, part in parts.items() for figure, v in part.items()}
    print(json.dumps(flat | {"criteria_met": sum(row[4] == "yes" for row in rows), "criteria": len(rows)}))


def _said_settings() -> dict[str, Any]:
    """What was trained with, by game."""
    return {"all": SETTINGS, **{name: case.settings for name, case in CASES.items()}}


if __name__ == "__main__":
    define_flags()
    command.run(main)
