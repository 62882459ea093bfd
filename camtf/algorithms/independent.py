"""`independent`: a network of its own for each character, from scratch, each against the others as they were last.

The control for everything that is shared: the same frames, split evenly over the characters and over rounds.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from camtf.algorithms.freezing import freeze, frozen_or
from camtf.model.policy import Policy
from camtf.population.matchmaking import Graph
from camtf.population.measuring import win_rates
from camtf.population.meta_strategies import ROW_SOLVERS
from camtf.population.payoffs import Nodes, Payoffs
from camtf.population.pool import UNIFORM
from camtf.population.strategies import Served, Strategies
from camtf.population.training import Context, Task, Training
from camtf.types import Snapshot


def train(context: Context) -> Strategies:
    """Train what is missing of the rounds and return a strategy for each, every character by its own network.

    Round 0 is the uniform strategy. In each round every character learns from where it was left, against all
    characters as the round before left them, weighed by how far they beat it.
    """
    c, everyone = context.config.generalists, len(context.game.characters)
    snapshots: list[Snapshot] = []
    serving = np.full((1, everyone), UNIFORM)
    for number in range(1, c.generations + 1):
        own, new = np.full((1, everyone), UNIFORM), []
        opponents = Served(context.pool(snapshots), serving[[-1, -1]])  # as the round before left them
        for position, character in enumerate(context.characters):
            name = f"round_{number:02d}_{context.game.characters[character]}"
            policy = context.policy(context.config.seed + position)
            if serving[-1, character] != UNIFORM:
                policy.set_weights(snapshots[serving[-1, character]].weights)
            learn = functools.partial(best_response, context, name, policy, opponents, number, position)
            own[0, character] = len(snapshots) + position
            new.append(frozen_or(context, name, learn))
        snapshots += new
        serving = np.concatenate([serving, own])
    names = ("uniform", *(f"round_{number:02d}" for number in range(1, c.generations + 1)))
    strategies = Strategies(names, tuple(snapshots), serving)
    pairs = [(i, j) for i in range(len(names)) for j in range(i)]
    payoffs = np.full((len(names), len(names)), 0.5)
    for (i, j), rate in zip(pairs, win_rates(context, strategies, pairs, c.measured_games), strict=True):
        payoffs[i, j], payoffs[j, i] = rate, 1.0 - rate
    return freeze(context, strategies, payoffs, {})


def best_response(
    context: Context, name: str, policy: Policy, opponents: Served, number: int, position: int
) -> tuple[Snapshot, dict[str, Any]]:
    """Train one character of a round in place. Returns it frozen, and what it took."""
    config, count = context.config.generalists, len(context.characters)
    graph = Character(context, position)
    task = Task(
        name=name,
        number=1 + (number - 1) * count + position,
        policy=policy,
        opponents=opponents,
        frames=max(config.frames // count, 1),
        state=graph,
    )
    training = Training(context, task)
    for battles in training:
        graph.payoffs.fade()
        graph.payoffs.count_outcomes(graph.nodes, battles)
        training.follow(graph.graph())
    told = np.zeros((len(context.game.characters), context.config.network.mixture_slots), np.float32)
    return Snapshot(name, policy.get_weights(), told), training.report()


class Character:
    """One character's opponents: all characters as the round before left them. The learner is strategy 1."""

    def __init__(self, context: Context, position: int) -> None:
        self.nodes = Nodes(2, context.characters, by_character=True, roles=context.game.roles)
        self.payoffs = Payoffs(self.nodes.count, context.config.generalists.payoff_decay)
        self._learner = np.array([len(context.characters) + position])
        self._told = np.zeros((self.nodes.count, context.config.network.mixture_slots), np.float32)
        self._row_solver = ROW_SOLVERS[context.config.generalists.meta_strategy or "pfsp"]

    def graph(self) -> Graph:
        """The learner's row over the others."""
        others = len(self.nodes.characters)
        sigma = np.zeros((1, self.nodes.count))
        rates = self.payoffs.rates(self._learner)[:, :others]
        sigma[:, :others] = self.nodes.mixtures(self._row_solver, self._learner, rates)
        return Graph(learners=self._learner, sigma=sigma, told=self._told)

    def arrays(self) -> dict[str, np.ndarray]:
        """See `camtf.population.training.State`."""
        return self.payoffs.arrays()

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """See `camtf.population.training.State`."""
        self.payoffs.restore(arrays)
