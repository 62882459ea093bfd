"""The learner: an unroll of experience in, one PPO update of the network out, the same on every rank."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from camtf import distributed
from camtf.config import PPOConfig
from camtf.learn.accumulate import FusedAdam, GradientSteps
from camtf.learn.information import joint_counts, pointwise_information
from camtf.learn.losses import Batch, Loss, PPOLoss
from camtf.learn.moments import Moments, check_finite, moments
from camtf.learn.returns import lambda_returns, vtrace
from camtf.model.policy import Policy, tensor
from camtf.prng import MINIBATCHES, uniforms
from camtf.types import Observation, Unroll


class Targets(NamedTuple):
    """What an unroll is to teach, float32 ``[T, L]`` each."""

    advantage: np.ndarray
    value_target: np.ndarray
    log_prob: np.ndarray  # of the policy at the start of the update
    value: np.ndarray  # by the critic at the start of the update
    added: np.ndarray | float = 0.0  # what the critic is added to: its own target and value are those above less this


CRITICS = ("own", "frozen", "residual")
"""What advantages are taken against: the policy's own critic V; a frozen policy's; or V = V_frozen + delta, where the
policy's value output is delta."""


class Learner:
    """Trains one policy by PPO over all ranks.

    Advantages are normalised over the unrolls of ALL ranks: divided by their standard deviation after their mean
    was taken off, or, where they are taken against a frozen critic, divided by their root mean square alone, because
    there a positive mean is what is sought. With a residual critic delta is learned as the returns' difference from
    the frozen values, returns are bootstrapped by the sum of both, and advantages are taken against it: the policy's
    gradient holds nothing of delta, which a state has whatever is done there. A minibatch is every match at some time
    steps, drawn anew in each pass: the same on any number of ranks, and whole blocks of memory.

    In impala mode an unroll may come from the policy of one update ago: V-trace with the present policy's
    log-probabilities and values gives the targets, and PPO's ratio is against the present policy.

    Args:
        policy: trained in place.
        config: of PPO.
        seed: of the minibatches.
        loss: what is minimised; PPO's own where None.
        critic: one of `CRITICS`; all but the own one need unrolls with a baseline.
    """

    def __init__(
        self, policy: Policy, config: PPOConfig, seed: int, loss: Loss | None = None, critic: str = "own"
    ) -> None:
        assert critic in CRITICS
        self.policy = policy
        self.config = config
        self.critic = critic
        self.updates = 0
        self._seed = seed
        self.optimizer = FusedAdam(config.learning_rate, epsilon=1e-5)
        self.optimizer.build(policy.network.trainable_variables)
        self._entropy_cost = tf.Variable(config.entropy_cost, trainable=False)
        self.steps = GradientSteps(
            policy, loss or PPOLoss(config, self._entropy_cost), self.optimizer, config.gradient_norm
        )

    @property
    def variables(self) -> list[tf.Variable]:
        """Weights and the optimiser's slots: what makes two learners equal."""
        return [*self.policy.variables, *(v.value for v in self.optimizer.variables)]

    def optimizer_state(self) -> dict[str, np.ndarray]:
        """The optimiser's slots and number of steps, by their place."""
        return {str(i): v.numpy() for i, v in enumerate(self.optimizer.variables)}

    def take_over_optimizer(self, state: dict[str, np.ndarray]) -> None:
        """Go on with the optimiser of another learner. Raises ValueError where that is of another network."""
        own = {str(i): v for i, v in enumerate(self.optimizer.variables)}
        if {name: x.shape for name, x in state.items()} != {name: tuple(v.shape) for name, v in own.items()}:
            raise ValueError("the optimiser's state is of another network")
        for name, variable in own.items():
            variable.assign(state[name])

    def synchronise(self) -> None:
        """Give all ranks rank 0's weights and optimiser slots."""
        distributed.broadcast(self.variables)

    def update(self, unroll: Unroll, progress: float = 0.0) -> dict[str, float]:
        """One PPO update: ``epochs`` passes over the unroll. Returns diagnostics, means over ranks.

        Args:
            unroll: this rank's experience; every rank calls with one of the same shape.
            progress: part of the training that is done, which sets the step size and the entropy bonus.

        Raises:
            NotFiniteError: on all ranks, where the unroll of any holds infinities or NaN (the weights are as before
                then) or a gradient step brought them (they are not, and must not be saved).
        """
        c = self.config
        self.optimizer.learning_rate = c.learning_rate * (1.0 - (1.0 - c.final_learning_rate) * progress)
        self._entropy_cost.assign(c.entropy_cost * (1.0 - (1.0 - c.final_entropy_cost) * progress))
        targets = self._targets(unroll)
        own = moments(unroll.reward, targets.advantage, targets.value_target, targets.value)
        total = Moments(*map(float, distributed.sum_over_ranks(own, "moments")))
        check_finite(total._asdict(), self.updates + 1)
        targets = targets._replace(advantage=_normalised(targets.advantage, total, center=self.critic != "frozen"))
        observation, batch = tensors(unroll, targets, self._information(unroll), progress)
        sums, steps = np.zeros(len(self.steps.diagnostics)), 0
        for epoch in range(c.epochs):
            found = self.steps.one_pass(observation, batch, self.minibatches(len(unroll.reward), epoch)).numpy()
            sums += found
            steps += c.minibatches
            if c.target_kl and self._mean_kl(found) > c.target_kl:
                break
        metrics = self._metrics(sums, steps, total)
        if self.critic == "residual":
            metrics |= self._residual(targets.value - targets.added)
        self.updates += 1
        return metrics

    def _targets(self, unroll: Unroll) -> Targets:
        """Advantages and returns for the critic."""
        c, frozen = self.config, unroll.baseline
        assert self.critic == "own" or frozen is not None, f"critic {self.critic} needs a baseline"
        reward = unroll.reward * np.float32(c.reward_scale)
        if c.mode == "synchronous":
            log_prob, values = unroll.log_prob, np.concatenate([unroll.value, unroll.bootstrap_value[None]])
        else:
            log_prob, values = self._present(unroll)
        added: np.ndarray | float = 0.0
        if self.critic == "residual" and frozen is not None:
            values, added = values + frozen, frozen[:-1]
        baseline = frozen[:-1] if self.critic == "frozen" and frozen is not None else values[:-1]
        if c.mode == "synchronous":
            returns = lambda_returns(reward, values[:-1], values[-1], unroll.done, c.discount, c.gae_lambda)
            return Targets(returns - baseline, returns, log_prob, values[:-1], added)
        result = vtrace(
            log_prob - unroll.log_prob, reward, values[:-1], values[-1], unroll.done,
            c.discount, c.gae_lambda, c.rho_clip, c.c_clip,
        )  # fmt: skip
        advantage = result.rho * (result.advantage_target - baseline)
        return Targets(advantage, result.target, log_prob, values[:-1], added)

    def _information(self, unroll: Unroll) -> np.ndarray | None:
        """Nats that each own action says of what the opponent did, over the unrolls of all ranks, float32
        ``[T, L, M + K]``: the gradient of their mutual information, see `camtf.learn.information`."""
        if unroll.opponent_action is None:
            return None
        sizes = self.policy.spec.movements, self.policy.spec.skills
        own = [joint_counts(unroll.action[..., h], unroll.opponent_action[..., h], n, n) for h, n in enumerate(sizes)]
        tables = [pointwise_information(counts) for counts in distributed.sum_over_ranks(own, "joint_actions")]
        said = [table.T[unroll.opponent_action[..., h]] for h, table in enumerate(tables)]
        return np.concatenate(said, axis=-1, dtype=np.float32)

    @staticmethod
    def _residual(delta: np.ndarray) -> dict[str, float]:
        """Mean and standard deviation of a residual critic over the unrolls of all ranks."""
        sums = [float(delta.size), delta.sum(dtype=np.float64), np.square(delta, dtype=np.float64).sum()]
        samples, total, square = (float(x) for x in distributed.sum_over_ranks(sums, "residual"))
        mean = total / samples
        return {"residual_mean": mean, "residual_std": max(square / samples - mean**2, 0.0) ** 0.5}

    def _present(self, unroll: Unroll) -> tuple[np.ndarray, np.ndarray]:
        """Log-probabilities ``[T, L]`` and values ``[T + 1, L]`` by the present network."""
        length, rows = unroll.reward.shape
        log_prob, value = np.empty((length, rows), np.float32), np.empty((length + 1, rows), np.float32)
        for t in range(length + 1):
            seen = Observation(*(tensor(x[t, :rows]) for x in unroll.observation))
            if t == length:
                value[t] = self.policy.values(seen, unroll.mixture[t])
            else:
                log_prob[t], value[t] = self.policy.log_prob_and_value(seen, unroll.mixture[t], unroll.action[t])
        return log_prob, value

    def _mean_kl(self, sums: np.ndarray) -> float:
        """KL of one pass, a mean over its minibatches and the ranks."""
        own = np.float64(sums[self.steps.diagnostics.index("kl")]) / self.config.minibatches / distributed.size()
        return float(distributed.sum_over_ranks([own], "kl")[0])

    def minibatches(self, length: int, epoch: int) -> tf.Tensor:
        """The time steps of each minibatch of a pass, int32 ``[minibatches, T / minibatches]``."""
        step = self.updates * self.config.epochs + epoch
        chance = uniforms(self._seed, MINIBATCHES, step, np.zeros(1, np.int64), (length,))[0]
        order = np.argsort(chance, kind="stable").astype(np.int32)
        return tf.constant(order.reshape(self.config.minibatches, -1))

    def _metrics(self, sums: np.ndarray, steps: int, total: Moments) -> dict[str, float]:
        means = distributed.sum_over_ranks([sums / distributed.size()], "diagnostics")[0]
        check_finite(dict(zip(self.steps.diagnostics, means, strict=True)), self.updates + 1)
        metrics = {
            name: float(mean if name.endswith("_seconds") else mean / steps)
            for name, mean in zip(self.steps.diagnostics, means, strict=True)
        }
        n, mean = total.samples, total.advantage / total.samples
        target_variance = total.value_target_square / n - (total.value_target / n) ** 2
        return metrics | {
            "entropy": metrics["entropy_movement"] + metrics["entropy_skill"],
            "epochs": steps / self.config.minibatches,
            "advantage_mean": mean,
            "advantage_std": max(total.advantage_square / n - mean**2, 0.0) ** 0.5,
            "explained_variance": 1.0 - (total.value_error_square / n) / max(target_variance, 1e-12),
            "reward_per_frame": total.reward / n,
        }


def _normalised(advantage: np.ndarray, total: Moments, center: bool) -> np.ndarray:
    mean, square = total.advantage / total.samples, total.advantage_square / total.samples
    shift = mean if center else 0.0
    scale = max(square - shift**2, 0.0) ** 0.5 + 1e-8
    return ((advantage - shift) / scale).astype(np.float32)


def tensors(
    unroll: Unroll, targets: Targets, information: np.ndarray | None = None, progress: float = 0.0
) -> tuple[Observation, Batch]:
    """What `GradientSteps.one_pass` reads: observations of an unroll ``[T + 1, R, ...]``, the rest ``[T, L, ...]``."""
    batch = Batch(
        unroll.mixture[:-1],
        unroll.action,
        targets.log_prob,
        targets.advantage,
        targets.value - targets.added,
        targets.value_target - targets.added,
        information,
        unroll.prior,
        np.float32(progress),
    )
    given = (None if x is None else tf.convert_to_tensor(x) for x in batch)
    return Observation(*map(tensor, unroll.observation)), Batch(*given)
