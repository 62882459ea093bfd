"""Who is it that I play against? The exact posterior over opponent strategies, as a policy's input.

An opponent j is drawn from a mixture sigma when an episode begins. In a game that both see whole, after t decisions

    b_t(j)  ~  sigma_j  prod_{u < t}  pi_j(a'_u | o'_u)

of its actions a' at its observations o'. This is all that a best response to sigma can know of j; the last decisions
that the network sees hold a part of it. The belief takes the place of sigma in what the learner is told: at first it is
sigma. Opponents are told their own row throughout, so that ``pi_j`` is a policy of the observation alone.
"""

from __future__ import annotations

import numpy as np

from camtf.model.policy import Policy, tensor
from camtf.types import Observation

_LEAST = 1e-12
"""Belief that no evidence takes away: rows of Sigma may move while an episode goes on."""


class Belief:
    """Updates mixtures by what opponents do. Implements `camtf.learn.rollout.Observer`.

    Args:
        policy: plays all strategies but the uniform one.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._told = np.zeros((0, 0), np.float32)

    def follow(self, told: np.ndarray) -> None:
        """What each strategy is told from now on, float32 ``[strategies, S]``; strategy 0 plays uniformly."""
        self._told = told

    def update(self, mixture: np.ndarray, observation: Observation, action: np.ndarray) -> np.ndarray:
        """Belief after the opponents' actions, float32 ``[n, S]``.

        Args:
            mixture: belief before, float32 ``[n, S]``; slot j stands for strategy j.
            observation: what the opponents saw, leaves ``[n, ...]``.
            action: what they did, int32 ``[n, H]``.
        """
        possible = np.flatnonzero(mixture.any(axis=0))
        log_likelihood = np.stack([self._log_prob(j, observation, action) for j in possible], axis=1)
        log_belief = np.log(np.maximum(mixture[:, possible].astype(np.float64), _LEAST)) + log_likelihood
        log_belief = np.where(mixture[:, possible] > 0, log_belief, -np.inf)
        weights = np.exp(log_belief - log_belief.max(axis=1, keepdims=True))
        belief = np.zeros_like(mixture)
        belief[:, possible] = weights / weights.sum(axis=1, keepdims=True)
        # A mixture's strategies stay possible; one that is in none stays impossible.
        belief = np.where(mixture > 0, np.maximum(belief, _LEAST), 0.0)
        return (belief / belief.sum(axis=1, keepdims=True)).astype(np.float32)

    def _log_prob(self, strategy: int, observation: Observation, action: np.ndarray) -> np.ndarray:
        """Log-probability ``[n]`` of the actions by one strategy."""
        if strategy == 0:
            spec = self._policy.spec
            movement = observation.mask[:, : spec.movements].sum(axis=1)
            skill = observation.mask[:, spec.movements : spec.movements + spec.skills].sum(axis=1)
            return -np.log(movement) - np.log(skill)
        told = np.repeat(self._told[[strategy]], len(action), axis=0)
        return self._policy.log_prob_and_value(Observation(*map(tensor, observation)), told, action)[0].numpy()
