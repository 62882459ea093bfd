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
from camtf.population.measuring import NOTHING, Measured, effective_population, with_newest
from camtf.population.meta_strategies import ROW_SOLVERS
from camtf.population.payoffs import Counted, Nodes, Payoffs
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
    rounds = Strategies(("uniform",), (), np.full((1, everyone), UNIFORM))
    measured = with_newest(context, rounds, NOTHING, np.zeros(0))  # U between rounds
    for number in range(1, c.generations + 1):
        serving, new = np.full((1, everyone), UNIFORM), []
        before = rounds.serving[-1]
        opponents = Served(context.pool(list(rounds.snapshots)), np.stack([before, before]))
        for position, character in enumerate(context.characters):
            name = f"round_{number:02d}_{context.game.characters[character]}"
            policy = context.policy(context.config.seed + position)
            if before[character] != UNIFORM:
                policy.set_weights(rounds.snapshots[before[character]].weights)
            learn = functools.partial(best_response, context, name, policy, opponents, measured, position)
            serving[0, character] = len(rounds.snapshots) + position
            new.append(frozen_or(context, name, learn))
        rounds = Strategies(
            (*rounds.names, f"round_{number:02d}"),
            (*rounds.snapshots, *new),
            np.concatenate([rounds.serving, serving]),
        )
        measured = with_newest(context, rounds, measured, np.eye(number)[-1])
    return freeze(context, rounds, measured, effective_population(measured, c.accept_margin))


def best_response(
    context: Context, name: str, policy: Policy, opponents: Served, measured: Measured, position: int
) -> tuple[Snapshot, dict[str, Any]]:
    """Train one character of a round in place. Returns it frozen, and what it took."""
    c, count = context.config.generalists, len(context.characters)
    graph = Character(context, position)
    task = Task(
        name=name,
        number=1 + (len(measured.payoffs) - 1) * count + position,
        policy=policy,
        opponents=opponents,
        frames=max(c.frames // count, 1),
        state=graph,
    )
    training = Training(context, task)
    effective = effective_population(measured, c.accept_margin)
    for battles in training:  # the character against all others, as the round before left them
        graph.count(battles)
        training.follow(graph.graph())  # Sigma = F(U)
        training.show({"effective_population": float(effective)}, graph.shown)
    return training.snapshot(), training.report()


class Character(Counted):
    """One character's opponents: all characters as the round before left them. The learner is strategy 1."""

    def __init__(self, context: Context, position: int) -> None:
        nodes = Nodes(2, context.characters, by_character=True, roles=context.game.roles)
        super().__init__(nodes, Payoffs(nodes.count, context.config.generalists.payoff_decay))
        self._learner = np.array([len(context.characters) + position])
        self._told = np.zeros((nodes.count, context.config.network.mixture_slots), np.float32)
        self._row_solver = ROW_SOLVERS[context.config.generalists.meta_strategy or "pfsp"]

    def graph(self) -> Graph:
        """The learner's row over the others."""
        others = len(self.nodes.characters)
        sigma = np.zeros((1, self.nodes.count))
        rates = self.payoffs.rates(self._learner)[:, :others]
        sigma[:, :others] = self.nodes.mixtures(self._row_solver, self._learner, rates)
        return Graph(learners=self._learner, sigma=sigma, told=self._told)

    def shown(self) -> tuple[np.ndarray, np.ndarray]:
        """The learner's rows of U and Sigma, over the others."""
        others = slice(len(self.nodes.characters))
        return self.payoffs.rates(self._learner)[:, others], self.graph().sigma[:, others]
