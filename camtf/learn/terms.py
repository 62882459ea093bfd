"""Terms that a loss adds to PPO's: of what the policy would do in each state, not of what was gained there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import tensorflow as tf

from camtf.config import PPOConfig
from camtf.learn.losses import Batch, Loss, PPOLoss
from camtf.model.policy import MaskedCategorical, Policy, distributions
from camtf.types import Observation


class Term(Protocol):
    """Something that is added to a loss."""

    @property
    def diagnostics(self) -> tuple[str, ...]:
        """Names of what a call returns beside the term, each a mean over the batch."""

    def __call__(self, log_probs: tf.Tensor, batch: Batch) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The term of n samples, a scalar mean, and its diagnostics.

        Args:
            log_probs: of all actions, movements first, float32 ``[n, M + K]``.
        """


@dataclass(frozen=True)
class PPOWithTerms:
    """PPO's loss and terms beside it, of one pass through the network."""

    ppo: PPOLoss
    terms: tuple[Term, ...]

    @property
    def diagnostics(self) -> tuple[str, ...]:
        """PPO's, then the terms'."""
        return (*self.ppo.diagnostics, *(name for term in self.terms for name in term.diagnostics))

    def __call__(
        self, policy: Policy, observation: Observation, batch: Batch
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """See `camtf.learn.losses.Loss`."""
        output = policy(observation, batch.mixture)
        heads: tuple[MaskedCategorical, MaskedCategorical] = distributions(output, observation.mask)
        loss, found = self.ppo.of(output.value, heads, batch)
        log_probs = tf.concat([head.log_probs for head in heads], -1)
        for term in self.terms:
            cost, own = term(log_probs, batch)
            loss, found = loss + cost, found | own
        return loss, found


def ppo_with(config: PPOConfig, information: float = 0.0, prior: float = 0.0) -> Loss:
    """PPO's loss with an `InformationTerm` of this weight and a `PriorTerm` of this cost, where they are not 0."""
    terms: list[Term] = [InformationTerm(information)] if information else []
    terms += [PriorTerm(prior)] if prior else []
    return PPOWithTerms(PPOLoss(config), tuple(terms)) if terms else PPOLoss(config)


@dataclass(frozen=True)
class InformationTerm:
    """``weight * I(A; A')``, the mutual information between the policy's actions and its opponents' (M&M, eq. 4).

    I is not linear in the joint distribution, so that a mean over parts of a batch would be another quantity. Its
    gradient is a mean over samples once ``log(P_ab / (P_a P_b))`` is known, which is counted over the whole unroll of
    all ranks when the update begins: see `camtf.learn.information`. Each sample adds
    ``sum_a pi(a|s) log(P_ab / (P_a P_b))`` for what its opponent did, b. So the term is what I is at the start of an
    update, and to first order after it. How the states that are met depend on the policy is no part of it.

    Args:
        weight: positive to make I smaller, negative to make it larger.
    """

    weight: float
    diagnostics: ClassVar[tuple[str, ...]] = ("mutual_information",)

    def __call__(self, log_probs: tf.Tensor, batch: Batch) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """See `Term`."""
        information = tf.reduce_mean(tf.reduce_sum(tf.exp(log_probs) * batch.information, -1))
        return self.weight * information, {"mutual_information": information}


@dataclass(frozen=True)
class PriorTerm:
    """``cost (1 - progress) KL(pi || prior)``: stay near a frozen policy, less and less.

    The divergence of the policy from the prior, as in KL-regularised reinforcement learning: what the prior hardly ever
    does is dear, what it does and the policy has given up is not.

    Args:
        cost: weight at the start; it falls linearly to 0 over the training.
    """

    cost: float
    diagnostics: ClassVar[tuple[str, ...]] = ("prior_kl",)

    def __call__(self, log_probs: tf.Tensor, batch: Batch) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """See `Term`."""
        divergence = tf.reduce_mean(tf.reduce_sum(tf.exp(log_probs) * (log_probs - batch.prior), -1))
        return self.cost * (1.0 - batch.progress) * divergence, {"prior_kl": divergence}
