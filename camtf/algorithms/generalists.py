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
from camtf.config import GeneralistConfig
from camtf.model.policy import Policy
from camtf.population.matchmaking import Graph
from camtf.population.measuring import win_rates
from camtf.population.meta_strategies import ROW_SOLVERS
from camtf.population.payoffs import Nodes, Payoffs
from camtf.population.strategies import Served, Strategies, one_policy_each
from camtf.population.training import Context, Task, Training
from camtf.types import Snapshot


def train(context: Context) -> Strategies:
    """Train what is missing of the generations and return all of them, oldest first."""
    c = context.config.generalists
    everyone = len(context.game.characters)
    policy = context.policy(context.config.seed)
    snapshots: list[Snapshot] = []
    between = np.full((c.generations, c.generations), 0.5)  # U between generations, measured
    payoffs = Payoffs(c.generations * len(context.characters), c.payoff_decay)  # U between nodes, counted
    for tau in range(c.generations):
        graph = Generation(c, context, tau, snapshots, payoffs)
        name = f"generation_{tau + 1:02d}"
        learn = functools.partial(best_response, context, name, policy, graph)
        snapshots.append(frozen_or(context, name, learn, state=payoffs))
        policy.set_weights(snapshots[-1].weights)
        so_far = one_policy_each(snapshots, everyone)
        earlier = [(tau, older) for older in range(tau)]
        for (_, older), rate in zip(earlier, win_rates(context, so_far, earlier, c.measured_games), strict=True):
            between[tau, older], between[older, tau] = rate, 1.0 - rate
        if tau and between[tau, tau - 1] <= 0.5 + c.epsilon:
            if distributed.rank() == 0:
                logging.info(
                    "converged: generation %d wins %.1f%% against the one before it, no more than 50%% + %.1f%%",
                    tau + 1, 100 * between[tau, tau - 1], 100 * c.epsilon,
                )  # fmt: skip
            break
    count = len(snapshots)
    return freeze(context, one_policy_each(snapshots, everyone), between[:count, :count], {})


def best_response(context: Context, name: str, policy: Policy, graph: Generation) -> tuple[Snapshot, dict[str, Any]]:
    """Train a generation's learner in place. Returns it frozen, and what it took."""
    task = Task(
        name=name,
        number=graph.nodes.strategies,
        policy=policy,
        opponents=Served(context.pool(list(graph.frozen.snapshots)), graph.frozen.serving),
        frames=context.config.generalists.frames,
        state=graph,
        mirrored=graph.self_play,
        origin=graph.frozen.of(context.characters[0]).digest if len(graph.frozen) else "",
    )
    training = Training(context, task)
    for battles in training:  # each character against nodes ~ its row of Sigma, and against itself
        graph.payoffs.fade()
        graph.payoffs.count_outcomes(graph.nodes, battles)
        solved = graph.graph()  # Sigma = F(U)
        training.follow(solved)
        training.show({}, payoffs=graph.own_rates(), sigma=solved.sigma)
    told = training.matchmaker.conditioning(len(context.game.characters))
    return Snapshot(name, policy.get_weights(), told), training.report()


class Generation:
    """The interaction graph of one generation's learner over nodes (generation, character), itself the newest."""

    def __init__(
        self, config: GeneralistConfig, context: Context, tau: int, snapshots: list[Snapshot], payoffs: Payoffs
    ) -> None:
        self.nodes = Nodes(tau + 1, context.characters, by_character=True, roles=context.game.roles)
        self.frozen = one_policy_each(list(snapshots), len(context.game.characters))
        self.self_play = config.self_play_share if tau else 1.0
        self.own = self.nodes.as_everyone(tau)
        self.payoffs = payoffs
        self._row_solver = ROW_SOLVERS[config.meta_strategy or "pfsp"]
        self._slot = np.eye(context.config.network.mixture_slots)[self.nodes.strategy]
        self._told = np.zeros((self.nodes.count, context.config.network.mixture_slots), np.float32)
        older = np.arange(self.nodes.count - len(self.own))
        if len(older):
            table = self.frozen.told(self._told.shape[1])
            self._told[older] = table[self.nodes.strategy[older], self.nodes.character[older]]

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

    def arrays(self) -> dict[str, np.ndarray]:
        """See `camtf.population.training.State`."""
        return self.payoffs.arrays()

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """See `camtf.population.training.State`."""
        self.payoffs.restore(arrays)
