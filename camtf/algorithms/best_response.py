"""One network of stage 2: a copy of the Generalist, trained as its characters against frozen strategies.

Specialists, Specialists of a cluster and the controls are all trained by this, so that nothing but what is told apart
here tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from camtf.evaluation.battles import PolicySide, PoolSide, play
from camtf.games.pairing import pairings
from camtf.learn.rollout import Record
from camtf.learn.terms import ppo_with
from camtf.model.policy import Policy
from camtf.population.convergence import Convergence
from camtf.population.matchmaking import Graph
from camtf.population.meta_strategies import ROW_SOLVERS
from camtf.population.payoffs import Counted, Nodes, Payoffs
from camtf.population.pool import Pool
from camtf.population.strategies import Served, Strategies
from camtf.population.training import Context, Task, Training
from camtf.types import Snapshot

CRITICS = {"cam": "frozen", "own_critic": "own", "residual": "residual"}
"""The learner's critic of each ``specialists.advantage``."""

_SEED = 50_000
"""Of the battles that tell whether a network has converged, with the run's own seed."""


@dataclass(frozen=True)
class Course:
    """What one network learns.

    Attributes:
        name, number: unique in the run, see `camtf.population.training.Task`.
        team: the characters that it plays, each equally often.
        generalist: the frozen policy that values and divergence are taken from.
        start: what it begins as a copy of.
        opponents: frozen strategies, the last one the newest.
        frames: learner frames over all ranks.
        advantage: see `camtf.specialist_config`.
        optimizer: task whose optimiser it goes on with; empty for a new one.
        first: it begins as the Generalist itself: a residual critic begins at 0, and the divergence counts.
        converges: it may end before its frames are used up.
    """

    name: str
    number: int
    team: tuple[int, ...]
    generalist: Snapshot
    start: Snapshot
    opponents: Strategies
    frames: int
    advantage: str
    optimizer: str = ""
    first: bool = True
    converges: bool = True


def number_of(context: Context, place: int, team: tuple[int, ...]) -> int:
    """Number of a task of stage 2, unlike that of any other of the run.

    Args:
        place: which of a team's tasks it is: a number for each round, then for each control.
    """
    ids = len(context.game.characters)
    return (context.config.generalists.generations + place) * ids + 1 + team[0]


def learner_of(context: Context, generalist: Snapshot) -> str:
    """The task that a policy of stage 1 was trained by: one for all slots of `neupl`, else its own."""
    algorithm = context.config.generalists.algorithm
    return algorithm if algorithm.endswith("neupl") else generalist.name


def learn(context: Context, course: Course) -> tuple[Snapshot, dict[str, Any]]:
    """Train a network. Returns it frozen, and what it took: frames, digests of what it began as, the gain.

    Play whole battles against members drawn from ``sigma = F(U)``, take a PPO step on the network, count the battles in
    U, and again.
    """
    c = context.config.specialists
    policy, frozen = context.policy(), context.policy()
    policy.set_weights(course.start.weights)
    frozen.set_weights(course.generalist.weights)
    critic, divergence = CRITICS[course.advantage], c.generalist_kl if course.first else 0.0
    if critic == "residual" and course.first:
        policy.zero_value()
    pool = context.pool(list(course.opponents.snapshots))
    graph = Response(context, course, policy, pool)
    record = Record(
        baseline=None if critic == "own" else frozen,
        prior=frozen if divergence else None,
        opponent_action=c.mutual_information > 0,
    )
    training = Training(context, Task(
        name=course.name,
        number=course.number,
        policy=policy,
        opponents=Served(pool, course.opponents.serving),
        frames=course.frames,
        state=graph,
        mirrored=c.self_play_share,
        loss=ppo_with(context.config.ppo, c.mutual_information, divergence),
        critic=critic,
        record=record,
        origin=course.start.digest,
        optimizer=context.run.read_optimizer(course.optimizer) if course.optimizer else None,
        keep_optimizer=c.keep_optimizer and c.rounds > 1,
    ))  # fmt: skip
    for battles in training:
        graph.count(battles)  # update U
        training.follow(graph.graph())  # sigma <- F(U)
        if course.converges and graph.convergence.reached(training.updates):
            training.end()
        training.show(graph.convergence.shown(), graph.shown)
    report: dict[str, Any] = {
        **training.report(),
        **graph.convergence.shown(),
        "generalist": course.generalist.digest,
        "start": course.start.digest,
        "advantage": course.advantage,
        "opponents": [snapshot.digest for snapshot in course.opponents.snapshots],
    }
    return Snapshot(course.name, policy.get_weights(), course.generalist.mixture), report


class Response(Counted):
    """The interaction graph of one network over nodes (strategy, character); the last strategy is its own."""

    def __init__(self, context: Context, course: Course, policy: Policy, pool: Pool) -> None:
        config, opponents = context.config, course.opponents
        nodes = Nodes(len(opponents) + 1, context.characters, by_character=True, roles=context.game.roles)
        super().__init__(nodes, Payoffs(nodes.count, config.generalists.payoff_decay))
        self.convergence = Convergence(config.specialists.convergence, self._measured)
        self._context, self._course, self._policy, self._pool = context, course, policy, pool
        self._learners = nodes.of(len(opponents), np.array(course.team))
        self._frozen = len(opponents) * len(context.characters)
        self._row_solver = ROW_SOLVERS[config.specialists.meta_strategy]
        self._told = opponents.told_as(nodes, config.network.mixture_slots)
        self._told[self._learners] = course.generalist.mixture[list(course.team)]

    def graph(self) -> Graph:
        """The opponents by how far they beat the network as each character; its own likewise for self-play."""
        rates, frozen = self.payoffs.rates(self._learners), slice(self._frozen)
        sigma = np.zeros_like(rates)
        sigma[:, frozen] = self.nodes.mixtures(self._row_solver, self._learners, rates[:, frozen])
        mirror = None
        if self._context.config.specialists.self_play_share:
            mirror = np.zeros_like(rates)
            mirror[:, self._learners] = self._row_solver(rates[:, self._learners])
        return Graph(learners=self._learners, sigma=sigma, told=self._told, mirror=mirror)

    def shown(self) -> tuple[np.ndarray, np.ndarray]:
        """The network's rows of U and Sigma, over the frozen nodes."""
        frozen = slice(self._frozen)
        return self.payoffs.rates(self._learners)[:, frozen], self.graph().sigma[:, frozen]

    def _measured(self) -> np.ndarray:
        """Outcomes of the network's battles against the frozen nodes, float ``[games]``: against all equally often, as
        far as the number goes, and the same battles at every call."""
        team, seed = np.array(self._course.team), _SEED + self._context.config.seed
        older = np.arange(self._frozen)
        strategy, character = self.nodes.strategy[older], self.nodes.character[older]
        both = np.random.default_rng(seed).permutation(pairings(self._context.game, team, character))
        pairs = both[np.arange(self._context.config.specialists.convergence.games) % len(both)]
        own = PolicySide(self._policy, self._course.generalist.mixture, team)
        frozen = PoolSide(self._pool, self._course.opponents.serving[strategy, character], character)
        return play(self._context.game, own, frozen, pairs, 1, seed)

    def arrays(self) -> dict[str, np.ndarray]:
        """See `camtf.population.training.State`."""
        return {**super().arrays(), **self.convergence.arrays()}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """See `camtf.population.training.State`."""
        super().restore(arrays)
        self.convergence.restore(arrays)
