"""Who is it that I play against? The exact posterior over opponent strategies, as a policy's input.

An opponent j is drawn from a mixture sigma when an episode begins. After what the learner has seen up to decision t,

    b_t(j)  ~  sigma_j P(what was seen | j)

is all that a best response to sigma can know of j; the last decisions that the network sees hold a part of it. It takes
the place of sigma in what the learner is told: at first it is sigma. Opponents are told their own row throughout, so
that ``pi_j`` is a policy of the observation alone.

Where both see everything (`ByObservation`), ``P(seen | j)`` is the product of ``pi_j(a'_u | o'_u)`` over the opponent's
actions a' at its observations o', beside what chance did, which is the same for all j. Where something is hidden, that
would tell the learner what it cannot know. There (`ByInformationState`) such products are added up over all that may
be hidden, weighed by how likely chance makes it; a small game has tables for that.

Both are of the strategies as they are now: of weights and rows that change while an episode goes on, the newest count
from then on.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import tensorflow as tf

from camtf.config import ConfigError
from camtf.games.protocol import Game, InformationStates
from camtf.learn.rollout import Turn
from camtf.model.policy import Policy, compiled, distributions, log_prob, rows_of, tensor
from camtf.types import Observation

_LEAST = 1e-12
"""Belief that no evidence takes away: rows of Sigma may move while an episode goes on."""


class Belief(ABC):
    """What both forms share: the strategies as they are now. Implements `camtf.learn.rollout.Observer`.

    Args:
        policy: plays all strategies but the uniform one; a copy of its own.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._strategies = np.zeros((0, policy.config.mixture_slots), np.float32)

    def refresh(self, policy: Policy) -> None:
        """See `camtf.learn.rollout.Observer`."""
        self._policy.set_weights(policy.get_weights())

    def follow(self, told: np.ndarray) -> None:
        """What each strategy is told from now on, float32 ``[strategies, S]``; strategy 0 plays uniformly. One that is
        told nothing is not there yet."""
        self._strategies = told

    @abstractmethod
    def update(self, turn: Turn) -> np.ndarray:
        """See `camtf.learn.rollout.Observer`."""


def belief_of(game: Game, policy: Policy) -> Belief:
    """The belief in the form that the game has. Raises ConfigError where it has none."""
    if hasattr(game, "likelihoods"):
        return ByInformationState(cast(InformationStates, game), policy)
    if getattr(game, "fully_observed", False):
        return ByObservation(policy)
    raise ConfigError(
        f"generalists.belief needs a game that says how to infer who plays: {game.name} has neither fully_observed = "
        "True (what one player sees and does, the other knows) nor likelihoods (tables over information states)"
    )


class ByObservation(Belief):
    """For games that both players see whole."""

    def update(self, turn: Turn) -> np.ndarray:
        """Bayes' rule for one decision of the opponents: one call for all strategies that are still possible."""
        row, strategy = np.nonzero(turn.told)
        likelihood = np.full(turn.told.shape, -np.inf)
        likelihood[row, strategy] = np.log(np.maximum(turn.told[row, strategy].astype(np.float64), _LEAST))
        by_chance = np.flatnonzero(turn.told[:, 0])
        likelihood[by_chance, 0] += _uniform_log_prob(self._policy, turn.observation.mask[by_chance])
        row, strategy = row[strategy > 0], strategy[strategy > 0]
        if len(row):
            likelihood[row, strategy] += self._log_likelihood(turn, row, strategy)
        weights = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        belief = weights / weights.sum(axis=1, keepdims=True)
        # A mixture's strategies stay possible; one that is in none stays impossible.
        belief = np.where(turn.told > 0, np.maximum(belief, _LEAST), 0.0)
        return (belief / belief.sum(axis=1, keepdims=True)).astype(np.float32)

    def _log_likelihood(self, turn: Turn, row: np.ndarray, strategy: np.ndarray) -> np.ndarray:
        """Log-probability of what the opponent of each row did, had it been that strategy (not the uniform one)."""
        observation = Observation(*map(tensor, turn.observation))
        given = observation, self._strategies, turn.action, row.astype(np.int32), strategy.astype(np.int32)
        return self._log_probs(*given).numpy()

    @functools.cached_property
    def _log_probs(self) -> Callable[..., tf.Tensor]:
        """Log-probabilities of actions ``[n, H]``: of those of each row by each strategy that is asked for, ``[m]``."""

        def call(
            observation: Observation, strategies: tf.Tensor, action: tf.Tensor, row: tf.Tensor, strategy: tf.Tensor
        ) -> tf.Tensor:
            seen = Observation(*(tf.gather(x, row) for x in observation))
            output = self._policy(seen, tf.gather(strategies, strategy))
            return log_prob(output, seen.mask, tf.gather(action, row))

        index = tf.TensorSpec((None,), tf.int32)
        return compiled(call, *self._policy.inputs, rows_of(tf.int32), index, index)


class ByInformationState(Belief):
    """For games with hidden information that have tables of it.

    Raises:
        ConfigError: the game has more than one movement, so that a policy is no table of its skills.
    """

    def __init__(self, game: InformationStates, policy: Policy) -> None:
        super().__init__(policy)
        if policy.spec.movements != 1:
            raise ConfigError(f"a game with tables must have 1 movement, got {policy.spec.movements}")
        self._game = game
        self._likelihoods: np.ndarray | None = None  # [I, strategies], until weights or strategies change

    def refresh(self, policy: Policy) -> None:
        """See `camtf.learn.rollout.Observer`."""
        super().refresh(policy)
        self._likelihoods = None

    def follow(self, told: np.ndarray) -> None:
        """See `Belief.follow`."""
        super().follow(told)
        self._likelihoods = None

    def update(self, turn: Turn) -> np.ndarray:
        """The posterior of the drawn mixture in each learner's information state."""
        if self._likelihoods is None:
            self._likelihoods = self._present_likelihoods()
        matches: Any = turn.matches  # which say where their players are, as those of `InformationStates` do
        state = matches.information_state[0, : len(turn.drawn)]
        joint = turn.drawn.astype(np.float64)
        joint[:, : self._likelihoods.shape[1]] *= self._likelihoods[state]
        total = joint.sum(axis=1, keepdims=True)
        return np.where(total > 0.0, joint / np.where(total > 0.0, total, 1.0), turn.drawn).astype(np.float32)

    def _present_likelihoods(self) -> np.ndarray:
        """``[I, strategies]``; 1 for those that are not there yet."""
        found = np.ones((len(self._game.information_states.mask), len(self._strategies)))
        there = np.flatnonzero(self._strategies.any(axis=1) | (np.arange(len(self._strategies)) == 0))
        found[:, there] = self._game.likelihoods(self.tables(self._strategies[there]))
        return found

    def tables(self, told: np.ndarray) -> list[np.ndarray]:
        """The policy of each strategy by what it is told ``[n, S]``, float64 ``[I, K]``; the first one is uniform."""
        seen = self._game.information_states
        legal = seen.mask[:, 1 : 1 + self._policy.spec.skills].astype(np.float64)
        uniform = legal / legal.sum(axis=1, keepdims=True)
        if len(told) == 1:
            return [uniform]
        odds = self._probabilities(Observation(*map(tf.constant, seen)), told[1:]).numpy().astype(np.float64)
        odds = odds.reshape(len(told) - 1, *legal.shape) * legal
        return [uniform, *(odds / odds.sum(axis=2, keepdims=True))]

    @functools.cached_property
    def _probabilities(self) -> Callable[..., tf.Tensor]:
        """Of all skills in I information states by n strategies, ``[n I, K]``, strategy-major."""

        def call(observation: Observation, told: tf.Tensor) -> tf.Tensor:
            states, strategies = tf.shape(observation.mask)[0], tf.shape(told)[0]
            seen = Observation(*(tf.tile(x, [strategies] + [1] * (len(x.shape) - 1)) for x in observation))
            return distributions(self._policy(seen, tf.repeat(told, states, axis=0)), seen.mask)[1].probs_parameter()

        return compiled(call, *self._policy.inputs)


def _uniform_log_prob(policy: Policy, mask: np.ndarray) -> np.ndarray:
    """Log-probability ``[n]`` of any legal action by the uniform strategy."""
    movements, skills = policy.spec.movements, policy.spec.skills
    return -np.log(mask[:, :movements].sum(axis=1)) - np.log(mask[:, movements : movements + skills].sum(axis=1))
