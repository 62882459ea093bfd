"""Stage 2: the Specialists, a network for each character, copied from the Generalist and trained against it frozen.

Each plays its one character against frozen strategies in every character, drawn by how far they beat it. With
``advantage = cam`` it maximises the comparative advantage ``A_k = Q(s, a_k, a_g) - V_Generalist(s)`` (CAM eq. 16-18):
returns bootstrapped by its own critic, against what the frozen Generalist expects.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from absl import logging

from camtf import distributed
from camtf.population.matchmaking import Graph
from camtf.population.meta_strategies import ROW_SOLVERS
from camtf.population.payoffs import Nodes, Payoffs
from camtf.population.strategies import Served, Strategies
from camtf.population.training import Context, Task, Training
from camtf.types import Snapshot


def train(context: Context, generalists: Strategies) -> dict[str, Snapshot]:
    """Train what is missing of the Specialists and return all of them by character id.

    The groups of ranks deal the characters out among themselves.
    """
    config, run = context.config, context.run
    c = config.specialists
    ppo = dataclasses.replace(config.ppo, learning_rate=c.learning_rate)
    context = dataclasses.replace(context, config=dataclasses.replace(config, ppo=ppo))
    ids = context.game.characters
    opponents = latest(generalists, c.opponents)
    pool = context.pool(list(opponents.snapshots))
    missing = [x for x in context.characters if not run.specialist_file(ids[x]).exists()]
    for x in set(context.characters) - set(missing):  # before hours of work: is it of this Generalist?
        run.specialist(ids[x], generalists.of(x))
    distributed.barrier()  # before anybody writes one
    with distributed.own_group() as (group, groups):
        for character in missing[group::groups]:
            generalist = generalists.of(character)
            policy, baseline = context.policy(), context.policy()
            policy.set_weights(generalist.weights)
            baseline.set_weights(generalist.weights)
            graph = Specialist(context, opponents, generalist, character)
            training = Training(context, Task(
                name=f"specialist_{ids[character]}",
                number=config.generalists.generations * len(ids) + 1 + character,
                policy=policy,
                opponents=Served(pool, opponents.serving),
                frames=c.frames,
                state=graph,
                baseline=baseline if c.advantage == "cam" else None,
                origin=generalist.digest,
            ))  # fmt: skip
            for battles in training:
                graph.payoffs.fade()
                graph.payoffs.count_outcomes(graph.nodes, battles)
                training.follow(graph.graph())
            report = {**training.report(), "generalist": generalist.digest}
            if distributed.rank() == 0:
                file = run.specialist_file(ids[character])
                run.write_snapshot(file, Snapshot(file.stem, policy.get_weights(), generalist.mixture), report)
                run.drop_checkpoints(training.task.name)
                logging.info("%s is done: %s", training.task.name, file)
            distributed.barrier()
    distributed.barrier()
    return {ids[x]: run.specialist(ids[x], generalists.of(x)) for x in context.characters}


def latest(strategies: Strategies, count: int) -> Strategies:
    """The last strategies of a population, with the policies that they need."""
    serving = strategies.serving[-count:]
    used = np.unique(serving[serving >= 0])
    place = np.full(len(strategies.snapshots) + 1, -1)
    place[used] = np.arange(len(used))
    return Strategies(strategies.names[-count:], tuple(strategies.snapshots[i] for i in used), place[serving])


class Specialist:
    """The interaction graph of one Specialist over nodes (strategy, character); the last strategy is its own."""

    def __init__(self, context: Context, opponents: Strategies, generalist: Snapshot, character: int) -> None:
        width = context.config.network.mixture_slots
        self.nodes = Nodes(len(opponents) + 1, context.characters, by_character=True, roles=context.game.roles)
        self.payoffs = Payoffs(self.nodes.count, context.config.generalists.payoff_decay)
        self._learner = np.array([self.nodes.of(len(opponents), character)])
        self._frozen = len(opponents) * len(context.characters)
        self._row_solver = ROW_SOLVERS[context.config.specialists.meta_strategy]
        self._told = np.zeros((self.nodes.count, width), np.float32)
        older = np.arange(self._frozen)
        self._told[older] = opponents.told(width)[self.nodes.strategy[older], self.nodes.character[older]]
        self._told[self._learner] = generalist.mixture[character]

    def graph(self) -> Graph:
        """The opponents by how far they beat the Specialist."""
        sigma = np.zeros((1, self.nodes.count))
        rates = self.payoffs.rates(self._learner)[:, : self._frozen]
        sigma[:, : self._frozen] = self.nodes.mixtures(self._row_solver, self._learner, rates)
        return Graph(learners=self._learner, sigma=sigma, told=self._told)

    def arrays(self) -> dict[str, np.ndarray]:
        """See `camtf.population.training.State`."""
        return self.payoffs.arrays()

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """See `camtf.population.training.State`."""
        self.payoffs.restore(arrays)
