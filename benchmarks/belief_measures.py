"""Best responses to any mixture of a frozen population, told more or less about who plays."""

from __future__ import annotations

from typing import Any

import numpy as np

from camtf.algorithms import population
from camtf.learn.rollout import Layout, Observer, Rollout, Turn
from camtf.model.policy import Policy, compiled, log_prob, tensor
from camtf.population.belief import ByObservation
from camtf.population.matchmaking import Graph, GraphMatchmaker
from camtf.population.payoffs import Nodes
from camtf.population.pool import UNIFORM
from camtf.population.strategies import Served, Strategies
from camtf.population.training import Context, Task, Training, Unchanging
from camtf.types import Observation

_SEED = 80_000
"""Of the measured battles, with the run's own seed: unlike those that were trained on."""
_BURN_IN = 1_500
"""Decisions of each match before battles are counted: those under way when a match began late are over."""


class OfNetworks(ByObservation):
    """Bayes' rule over frozen strategies, each by a network of its own.

    Args:
        strategies: each one policy for all characters.
    """

    def __init__(self, context: Context, strategies: Strategies) -> None:
        super().__init__(context.policy())
        width, self._calls = context.config.network.mixture_slots, []
        told = strategies.told(width)[:, context.characters[0]]
        for strategy, number in enumerate(strategies.serving[:, context.characters[0]]):
            if number != UNIFORM:
                policy = context.policy()
                policy.set_weights(strategies.snapshots[number].weights)
                self._calls.append((strategy, told[strategy], _judge(policy)))
        self.follow(told)

    def refresh(self, policy: Policy) -> None:
        """See `camtf.learn.rollout.Observer`: these play by no copy of the learner."""

    def _log_likelihood(self, turn: Turn, row: np.ndarray, strategy: np.ndarray) -> np.ndarray:
        found = np.empty(len(row), np.float32)
        for number, told, judge in self._calls:
            which = np.flatnonzero(strategy == number)
            rows = row[which]
            if len(rows):
                seen = Observation(*(tensor(np.ascontiguousarray(x[rows])) for x in turn.observation))
                found[which] = judge(seen, np.tile(told, (len(rows), 1)), turn.action[rows]).numpy()
        return found


def _judge(policy: Policy) -> Any:
    """Log-probabilities of actions ``[n, H]`` by a policy, ``[n]``."""
    import tensorflow as tf

    def call(observation: Observation, told: tf.Tensor, action: tf.Tensor) -> tf.Tensor:
        return log_prob(policy(observation, told), observation.mask, action)

    return compiled(call, *policy.inputs, tf.TensorSpec((None, 2), tf.int32))


def any_mixture(context: Context, strategies: Strategies, arm: str) -> Unchanging:
    """Frozen strategies 0 to n - 1 to respond to in any mixture.

    Node n learns; in the arm ``identity`` node n + j does, who meets strategy j alone and is told so.
    """
    n, width = len(strategies), context.config.network.mixture_slots
    nodes = Nodes(2 * n, context.characters, by_character=False, roles=context.game.roles)
    told = np.zeros((2 * n, width), np.float32)
    told[:n] = strategies.told(width)[:, context.characters[0]]
    learners, sigma = np.array([n]), np.full((1, n), 1.0 / n)
    if arm == "identity":
        learners, sigma = n + np.arange(n), np.eye(n)
        told[learners, np.arange(n)] = 1.0
    share = float(arm in ("mixture", "belief"))
    return Unchanging(
        nodes, Graph(learners, np.pad(sigma, ((0, 0), (0, n))), told, any_mixture=share, mixable=np.arange(n))
    )


class Certainty:
    """An observer, or none, of which the largest entry of what it tells is averaged over all decisions."""

    def __init__(self, observer: Observer | None) -> None:
        self._observer = observer
        self.total, self.count = 0.0, 0

    def refresh(self, policy: Policy) -> None:
        """See `camtf.learn.rollout.Observer`."""

    def update(self, turn: Turn) -> np.ndarray:
        """See `camtf.learn.rollout.Observer`."""
        told = turn.drawn if self._observer is None else self._observer.update(turn)
        self.total += float(told.max(axis=1).sum())
        self.count += len(told)
        return told


class Responder:
    """One arm: a learner against a frozen population.

    Args:
        frozen: the finished run whose population it is.
        context: of the learner's own run, with the same settings.
        arm: what the learner is told: ``nothing``, ``mixture``, ``belief`` or ``identity``.
    """

    def __init__(self, frozen: Context, context: Context, arm: str) -> None:
        self.context, self.arm = context, arm
        self.strategies = population(frozen)
        self.state = any_mixture(context, self.strategies, arm)
        self.opponents = Served(frozen.pool(list(self.strategies.snapshots)), self.strategies.serving)
        self.observer = OfNetworks(frozen, self.strategies) if arm == "belief" else None

    def train(self, frames: int) -> Policy:
        """The learner after so many frames, resumed where it was stopped."""
        policy = self.context.policy()
        start = self.strategies.of(self.context.characters[0])
        policy.set_weights(start.weights)
        file = self.context.run.path / "learner.npz"
        if file.exists():
            policy.set_weights(self.context.run.read_snapshot(file).weights)
            return policy
        training = Training(
            self.context,
            Task(
                name="learner",
                number=1,
                policy=policy,
                opponents=self.opponents,
                frames=frames,
                state=self.state,
                observer=self.observer,
                origin=start.digest,
            ),
        )
        for _ in training:
            pass
        self.context.run.write_snapshot(file, training.snapshot(), training.report())
        return policy

    def measure(self, policy: Policy, battles: int) -> dict[str, Any]:
        """Win rate over at least so many fresh battles, by opponent too, and how certain what it is told is."""
        config = self.context.config
        layout, seed = Layout(np.arange(config.game.matches)), _SEED + config.seed
        observer, length = Certainty(self.observer), config.ppo.segment
        rollout = Rollout(
            self.context.game.make(seed, layout.ids, staggered=True), policy, self.opponents,
            GraphMatchmaker(self.state.nodes, self.state.graph()), layout, seed, length, observer=observer,
        )  # fmt: skip
        for _ in range(-(-_BURN_IN // length)):
            rollout.collect()
        observer.total, observer.count = 0.0, 0
        won, played = np.zeros(len(self.strategies)), np.zeros(len(self.strategies))
        while played.sum() < battles:
            _, ended = rollout.collect()
            np.add.at(won, ended.strategy[:, 1], ended.outcome)
            np.add.at(played, ended.strategy[:, 1], 1.0)
        return {
            "win_rate": float(won.sum() / played.sum()),
            "by_opponent": (won / np.maximum(played, 1.0)).tolist(),
            "battles": int(played.sum()),
            "certainty": observer.total / observer.count,
        }
