"""Games whose answers are known: what is trained in them, and how the answers are read off what came out.

All figures are exact values of the finished policies, never counts of battles; see `benchmarks.known_answers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from camtf.algorithms import train_population
from camtf.checkpoint import RunDirectory
from camtf.config import override, preset
from camtf.evaluation import exact
from camtf.games.matrix import MatrixGame, rps_with_sink, transitive_ladder
from camtf.games.open_spiel import OpenSpielGame, goofspiel
from camtf.population.equilibrium import nash
from camtf.population.meta_strategies import SOLVERS
from camtf.population.strategies import Strategies
from camtf.population.training import Context

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
_LEDUC: dict[str, Any] = {
    **_POKER,
    "ppo.reward_scale": 0.2,
    "ppo.entropy_cost": 0.2,
    "generalists.frames": 4_000_000,
}
_UNIFORM: dict[str, Any] = {"generalists.meta_strategy": "uniform"}
"""Fictitious play: each row answers all before it alike. Its mixtures do not jump from one equilibrium of noisy win
rates to another, and no row answers one certain opponent, where PPO ends in local optima."""
_SIMPLEX: dict[str, Any] = {"generalists.algorithm": "simplex_neupl", "generalists.any_mixture": 0.3}
"""What answers many mixtures near a row's is less likely to stay in a local optimum of that row."""
_ANY_MIXTURE: dict[str, Any] = {
    "generalists.algorithm": "simplex_neupl",
    "generalists.any_mixture": 0.7,
    "generalists.evaluation_share": 0.2,
    "generalists.settling": 0.45,
}

GAP = 0.1
"""How far a row may be from the best response to its mixture, in returns."""

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
    """Exact values of an OpenSpiel game: row gaps; of the mixture F(U), exploitability and the value of the first
    seat."""
    game, tables = context.game, policy_tables(context, strategies)
    assert isinstance(game, OpenSpielGame)
    tree, rows = game.tree, rows_of(strategies)
    gaps = [exact.row_gap(tree, tables[i], tables, rows[i]) for i in range(1, len(tables))]
    solver = SOLVERS[context.config.generalists.meta_strategy or "nash"]
    mixture = solver(exact.payoffs(tree, tables))
    values = [[exact.value(tree, one, two) for two in tables] for one in tables]
    return {
        "largest_gap": max(gaps, default=float("nan")),
        "mean_gap": float(np.mean(gaps)) if gaps else float("nan"),
        "rows_within": float(np.mean(np.array(gaps) <= GAP)) if gaps else 0.0,
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


def _goofspiel(cards: int, million_frames: int, settings: dict[str, Any]) -> Case:
    frames = {"generalists.frames": million_frames * 1_000_000}
    return Case(lambda: goofspiel(cards, outcome="payoff"), measure_tree, {**settings, **frames})


RUNGS, BOTTOMS = 4, 8

CASES: dict[str, Case] = {
    "rps_with_sink": Case(rps_with_sink, measure_rps, _MATRIX),
    "transitive_ladder": Case(lambda: transitive_ladder(RUNGS, BOTTOMS), measure_ladder, _MATRIX),
    "kuhn_poker": Case(lambda: OpenSpielGame("kuhn_poker", outcome="payoff"), measure_tree, _POKER),
    "leduc_poker": Case(
        lambda: OpenSpielGame("leduc_poker", outcome="payoff"),
        measure_tree,
        {**_LEDUC, **_UNIFORM, "generalists.frames": 10_000_000},
    ),
    "leduc_poker_nash": Case(lambda: OpenSpielGame("leduc_poker", outcome="payoff"), measure_tree, _LEDUC),
    "goofspiel_4": _goofspiel(4, 8, _UNIFORM),
    "goofspiel_4_simplex": _goofspiel(4, 8, {**_UNIFORM, **_SIMPLEX}),
    "goofspiel_4_nash": _goofspiel(4, 3, {}),
    "goofspiel_5": _goofspiel(5, 16, _UNIFORM),
    "goofspiel_5_simplex": _goofspiel(5, 16, {**_UNIFORM, **_SIMPLEX}),
    "goofspiel_5_nash": _goofspiel(5, 6, {}),
    "any_mixture_last8": Case(lambda: goofspiel(5, "last8", "payoff"), measure_information, _ANY_MIXTURE),
    "any_mixture_full": Case(lambda: goofspiel(5, outcome="payoff"), measure_information, _ANY_MIXTURE),
    "any_mixture_belief": Case(
        lambda: goofspiel(5, outcome="payoff"), measure_information, {**_ANY_MIXTURE, "generalists.belief": True}
    ),
}
