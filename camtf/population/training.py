"""One learner against a matchmaker until its frames are used up. All algorithms are made of this."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from camtf import distributed
from camtf.checkpoint import RunDirectory
from camtf.config import Config
from camtf.games.loading import participants
from camtf.games.protocol import Game
from camtf.interrupt import Interrupted, requested
from camtf.learn.learner import Learner
from camtf.learn.losses import Loss
from camtf.learn.rollout import OWN_EXPERIENCE, Observer, Record, Rollout, share_matches
from camtf.learn.unrolls import Overlapped, Synchronous
from camtf.model.policy import BuildNetwork, Policy, build_network
from camtf.monitor import Monitor
from camtf.pictures import mixture_picture, payoff_picture
from camtf.population import resume
from camtf.population.matchmaking import Graph, GraphMatchmaker
from camtf.population.payoffs import Nodes
from camtf.population.pool import Pool
from camtf.population.strategies import Served
from camtf.types import Outcomes, Snapshot

PeriodicEvaluation = Callable[[Policy, GraphMatchmaker], dict[str, float]]
"""Win rates of the policy under training against a fixed measure, by name. Every rank calls it."""


class State(Protocol):
    """What an algorithm knows beside the learner: the interaction graph, and what a checkpoint keeps of it."""

    @property
    def nodes(self) -> Nodes:
        """What the graph's nodes are."""

    def arrays(self) -> dict[str, np.ndarray]:
        """All that the future depends on."""

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from `arrays`."""

    def graph(self) -> Graph:
        """What matchups are drawn from now."""


@dataclass(frozen=True)
class Unchanging:
    """An interaction graph that stays as it is: a fixed mixture to respond to. Implements `State`.

    Attributes:
        nodes: what its nodes are.
        fixed: the graph.
    """

    nodes: Nodes
    fixed: Graph

    def graph(self) -> Graph:
        """See `State`."""
        return self.fixed

    def arrays(self) -> dict[str, np.ndarray]:
        """See `State`: nothing changes."""
        return {}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """See `State`."""


@dataclass(frozen=True)
class Context:
    """What a run trains, wherever it is in its stages.

    Attributes:
        build: makes every network of the run.
        periodic: what to measure from time to time, or None.
    """

    config: Config
    game: Game
    run: RunDirectory
    build: BuildNetwork = build_network
    periodic: PeriodicEvaluation | None = None

    @property
    def characters(self) -> tuple[int, ...]:
        """Those that take part, indices into ``game.characters``."""
        return participants(self.config, self.game)

    def policy(self, seed: int = 0) -> Policy:
        """A policy of the run's network with fresh weights."""
        return Policy(self.config.network, self.game.spec, seed, self.build)

    def pool(self, snapshots: list[Snapshot]) -> Pool:
        """Frozen policies, served together."""
        return Pool(self.config.network, self.game.spec, snapshots, self.build)


@dataclass(frozen=True)
class Task:
    """What one learner learns, against whom.

    Attributes:
        name: unique in the run; its files carry it.
        number: unique in the run; the task's chance comes from (seed, number).
        policy: trained in place.
        opponents: who plays the strategies that the matchmaker draws.
        frames: learner frames over all ranks.
        state: the interaction graph; what it knows is kept in checkpoints.
        mirrored: share of the matches that the learner plays on both sides.
        evaluated: share of the matches that are only counted.
        loss: what is minimised; PPO's where None.
        critic: what advantages are taken against, one of `camtf.learn.learner.CRITICS`.
        record: what unrolls hold for loss and critic.
        observer: changes what the learner is told by what its opponents do, or None.
        origin: digest of the snapshot that the policy began as a copy of; empty where it did not.
        optimizer: the optimiser's state to begin with, or None for that of a new one.
        keep_optimizer: write the optimiser's state in the end, for who goes on from this policy.
    """

    name: str
    number: int
    policy: Policy
    opponents: Served
    frames: int
    state: State
    mirrored: float = 0.0
    evaluated: float = 0.0
    loss: Loss | None = None
    critic: str = "own"
    record: Record = OWN_EXPERIENCE
    observer: Observer | None = None
    origin: str = ""
    optimizer: dict[str, np.ndarray] | None = None
    keep_optimizer: bool = True


class Training:
    """Trains a task, resuming from a checkpoint of it where there is one.

    Iterate over it: each turn plays an unroll and gives the finished battles of all ranks, for the algorithm to count
    them and to solve its graph; then the learner learns from the unroll. In impala mode the next unroll is played while
    the learner learns, by the policy as it was before.

    Raises:
        Interrupted: the run was asked to stop; everything until the last update is saved.
    """

    def __init__(self, context: Context, task: Task) -> None:
        self.context, self.task = context, task
        self.matchmaker = GraphMatchmaker(task.state.nodes, task.state.graph())
        self._shown: dict[str, float] = {}
        self._graph: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None
        config, size = context.config, distributed.size()
        seed = int(np.random.SeedSequence((config.seed, task.number)).generate_state(1)[0])
        mirrored, evaluated = (round(config.game.matches * share) for share in (task.mirrored, task.evaluated))
        layout = share_matches(config.game.matches, mirrored, evaluated, distributed.rank(), size)
        overlap = config.ppo.mode == "impala"
        self._learner = Learner(task.policy, config.ppo, seed, task.loss, task.critic)
        if task.optimizer is not None:
            self._learner.take_over_optimizer(task.optimizer)
        self._learner.synchronise()
        behaviour = context.policy() if overlap else task.policy
        behaviour.set_weights(task.policy.get_weights())
        task.opponents.refresh(task.policy)
        game = context.game.make(seed, layout.ids, staggered=True)
        self._rollout = Rollout(
            game, behaviour, task.opponents, self.matchmaker, layout, seed, config.ppo.segment, task.record,
            task.observer, overlap,
        )  # fmt: skip
        self._frames_per_update = config.ppo.segment * layout.learner_rows * size
        self.updates = 0
        self._ended = False
        self.total_updates = -(-task.frames // self._frames_per_update)
        self._unrolls = (Overlapped if overlap else Synchronous)(self._rollout, task.policy, task.opponents)

    @property
    def frames(self) -> int:
        """Learner frames so far, over all ranks."""
        return self.updates * self._frames_per_update

    def report(self) -> dict[str, int | str]:
        """What it took."""
        fingerprint = distributed.check_replicas(self._learner.variables)
        return {"frames": self.frames, "updates": self.updates, "fingerprint": fingerprint}

    def end(self) -> None:
        """There is nothing more to learn: the unroll at hand is not learned from, and no other is played."""
        self._ended = True

    def follow(self, graph: Graph) -> None:
        """From the next unroll on, draw matchups from this graph."""
        self.matchmaker.follow(graph)

    def show(self, values: dict[str, float], graph: Callable[[], tuple[np.ndarray, np.ndarray]]) -> None:
        """What is worth seeing beside the learner's own metrics.

        Args:
            values: numbers by name.
            graph: U and Sigma, or those rows of them that change, asked for where they are drawn, on rank 0.
        """
        self._shown, self._graph = values, graph

    def snapshot(self) -> Snapshot:
        """The policy as it is now, frozen, told as each character what it learned with."""
        told = self.matchmaker.conditioning(len(self.context.game.characters))
        return Snapshot(self.task.name, self.task.policy.get_weights(), told)

    def __iter__(self) -> Iterator[Outcomes]:
        context, task, learner = self.context, self.task, self._learner
        config, run = context.config, context.run
        resume.restore(task.name, task.origin, run, learner, self._unrolls, task.state)
        self.follow(task.state.graph())
        self.updates = learner.updates
        distributed.check_replicas(learner.variables)
        if distributed.sum_over_ranks([float(requested())], "stops")[0]:  # while it started, which takes seconds
            raise Interrupted(f"{task.name}: stopped after update {self.updates} of {self.total_updates}")
        monitor = Monitor(run, task.name, self.total_updates, self.updates, self._frames_per_update, config)
        with contextlib.closing(monitor), contextlib.closing(self._unrolls):
            while self.updates < self.total_updates:
                began = time.monotonic()
                unroll, own = self._unrolls.next()
                played = time.monotonic()
                outcomes, stop = _of_all_ranks(own)
                yield outcomes
                if self._ended:
                    break
                last = self.updates + 1 == self.total_updates
                if not last:
                    self._unrolls.prepare()
                metrics = learner.update(unroll, self.updates / self.total_updates)
                self.updates = learner.updates
                metrics |= {**_battle_metrics(outcomes), **self._shown}
                metrics |= {"act_seconds": played - began, "learn_seconds": time.monotonic() - played}
                metrics |= {f"act_{part}_seconds": seconds for part, seconds in self._rollout.seconds.items()}
                every = config.evaluation.yardstick_updates
                if context.periodic and every and (self.updates % every == 0 or last):
                    metrics |= context.periodic(task.policy, self.matchmaker)
                if distributed.rank() == 0:
                    monitor.update(self.updates, metrics, task.policy, self._pictures)
                if not last and (stop or self.updates % config.checkpoint_updates == 0):
                    resume.save(
                        task.name, task.origin, run, learner, self._unrolls, task.state, config.checkpoints_kept
                    )
                if not last and stop:
                    raise Interrupted(f"{task.name}: stopped after update {self.updates} of {self.total_updates}")
        if task.keep_optimizer and distributed.rank() == 0:
            run.write_optimizer(task.name, learner.optimizer_state())

    def _pictures(self) -> Mapping[str, np.ndarray]:
        if self._graph is None:
            return {}
        payoffs, sigma = self._graph()
        nodes = self.task.state.nodes
        block = len(nodes.characters) if nodes.by_character else 1
        return {"payoffs": payoff_picture(payoffs, block), "sigma": mixture_picture(sigma, block)}


def _of_all_ranks(own: Outcomes) -> tuple[Outcomes, bool]:
    """The finished battles of all ranks, and whether any rank was asked to stop."""
    outcome = own.outcome.astype(np.float32).view(np.int32)  # its bits, which are never negative
    rows = np.column_stack([own.strategy, own.character, outcome]).astype(np.int32)
    request = np.array([[0, 0, 0, 0, -1 - requested()]], np.int32)  # one more row, which tells it to the others
    table = distributed.gather_rows({"outcomes": np.concatenate([request, rows])})["outcomes"]
    stop, battles = table[table[:, 4] < 0], table[table[:, 4] >= 0]
    outcomes = np.ascontiguousarray(battles[:, 4]).view(np.float32).astype(np.float64)
    return Outcomes(battles[:, :2], battles[:, 2:4], outcomes), bool((stop[:, 4] < -1).any())


def _battle_metrics(outcomes: Outcomes) -> dict[str, float]:
    others = outcomes.outcome[outcomes.strategy[:, 0] != outcomes.strategy[:, 1]]
    return {"battles": float(len(outcomes.outcome)), "win_rate": float(others.mean()) if len(others) else 0.5}
