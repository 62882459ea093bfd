"""`mia`: the papers' Generalists, generation after generation of one conditional network for all characters (M&M A.4).

Generation tau starts from tau - 1 and learns, as every character, a best response to mixtures of ALL nodes of the
generations before it, weighed by how far they beat it, with itself as one more opponent. When its frames are
used up it is frozen and meets every earlier one; when it beats the one before it by no more than epsilon, the
population has converged.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from absl import logging

from camtf import distributed
from camtf.algorithms.freezing import freeze, frozen_or
from camtf.learn.rollout import Record
from camtf.learn.terms import ppo_with
from camtf.model.policy import Policy
from camtf.population.matchmaking import Graph
from camtf.population.measuring import NOTHING, Measured, effective_population, with_newest
from camtf.population.meta_strategies import ROW_SOLVERS
from camtf.population.payoffs import Counted, Nodes, Payoffs
from camtf.population.strategies import Served, Strategies, one_policy_each
from camtf.population.training import Context, Task, Training
from camtf.types import Snapshot


def train(context: Context) -> Strategies:
    """Train what is missing of the generations and return all of them, oldest first."""
    c = context.config.generalists
    everyone = len(context.game.characters)
    policy = context.policy(context.config.seed)
    generations = one_policy_each([], everyone)
    measured = NOTHING  # U between generations
    payoffs = Payoffs(c.generations * len(context.characters), c.payoff_decay)  # U between nodes, counted
    for tau in range(c.generations):
        graph = Generation(context, generations, payoffs)
        name = f"generation_{tau + 1:02d}"
        learn = functools.partial(best_response, context, name, policy, graph, measured)
        newest = frozen_or(context, name, learn, state=payoffs)
        policy.set_weights(newest.weights)
        generations = one_policy_each([*generations.snapshots, newest], everyone)
        against = newest.mixture[list(context.characters), :tau].mean(axis=0)  # whom it met beside itself
        measured = with_newest(context, generations, measured, against / max(against.sum(), 1e-9))
        if converged(measured.payoffs, c.epsilon):
            break
    return freeze(context, generations, measured, effective_population(measured, c.accept_margin))


def best_response(
    context: Context, name: str, policy: Policy, graph: Generation, measured: Measured
) -> tuple[Snapshot, dict[str, Any]]:
    """Train a generation's learner in place. Returns it frozen, and what it took."""
    c = context.config.generalists
    task = Task(
        name=name,
        number=graph.nodes.strategies,
        policy=policy,
        opponents=Served(context.pool(list(graph.frozen.snapshots)), graph.frozen.serving),
        frames=c.frames,
        state=graph,
        mirrored=graph.self_play,
        loss=ppo_with(context.config.ppo, information=-c.mutual_information),
        record=Record(opponent_action=c.mutual_information > 0),
        origin=graph.frozen.of(context.characters[0]).digest if len(graph.frozen) else "",
    )
    training = Training(context, task)
    effective = effective_population(measured, c.accept_margin)
    for battles in training:  # each character against nodes ~ its row of Sigma, and against itself
        graph.count(battles)
        training.follow(graph.graph())  # Sigma = F(U)
        training.show({"effective_population": float(effective)}, graph.shown)
    return training.snapshot(), training.report()


def converged(payoffs: np.ndarray, epsilon: float) -> bool:
    """Whether the newest generation wins no more than 50% + epsilon against the one before it; never with epsilon 0."""
    if not epsilon or len(payoffs) < 2 or payoffs[-1, -2] > 0.5 + epsilon:
        return False
    if distributed.rank() == 0:
        logging.info(
            "converged: generation %d wins %.1f%% against the one before it, no more than 50%% + %.1f%%",
            len(payoffs), 100 * payoffs[-1, -2], 100 * epsilon,
        )  # fmt: skip
    return True


class Generation(Counted):
    """The interaction graph of one generation's learner over nodes (generation, character), itself the newest."""

    def __init__(self, context: Context, frozen: Strategies, payoffs: Payoffs) -> None:
        config = context.config.generalists
        nodes = Nodes(len(frozen) + 1, context.characters, by_character=True, roles=context.game.roles)
        super().__init__(nodes, payoffs)
        self.frozen = frozen
        self.self_play = config.self_play_share if len(frozen) else 1.0
        self.own = self.nodes.as_everyone(len(frozen))
        self._row_solver = ROW_SOLVERS[config.meta_strategy or "pfsp"]
        self._slot = np.eye(context.config.network.mixture_slots)[self.nodes.strategy]
        self._told = frozen.told_as(self.nodes, context.config.network.mixture_slots)

    def own_rates(self) -> np.ndarray:
        """Rows of U: the learner's as each character, against every node so far, ``[N, n]``."""
        return self.payoffs.rates(self.own)[:, : self.nodes.count]

    def graph(self) -> Graph:
        """Sigma: earlier nodes by how far they beat the learner, and its own likewise for self-play."""
        rates, older = self.own_rates(), self.nodes.count - len(self.own)
        sigma, mirror = np.zeros_like(rates), np.zeros_like(rates)
        mirror[:, older:] = self.nodes.mixtures(self._row_solver, self.own, rates[:, older:], first=older)
        if older:
            sigma[:, :older] = self.nodes.mixtures(self._row_solver, self.own, rates[:, :older])
        whole = (1.0 - self.self_play) * sigma + self.self_play * mirror
        told = self._told.copy()
        told[self.own] = whole @ self._slot
        return Graph(learners=self.own, sigma=sigma, told=told, mirror=mirror)

    def shown(self) -> tuple[np.ndarray, np.ndarray]:
        """U between all nodes so far, and the learner's rows of Sigma."""
        now = slice(self.nodes.count)
        return self.payoffs.rates()[now, now], self.graph().sigma
