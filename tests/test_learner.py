"""The learner: what one update does, and that ranks are only a way to share the work."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from camtf.config import NetworkConfig, PPOConfig
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.roster import Roster
from camtf.learn import learner as learner_module
from camtf.learn.learner import Learner
from camtf.learn.rollout import Rollout, share_matches
from camtf.model.policy import Policy, distributions
from camtf.population.graph import InteractionGraph
from camtf.population.pool import Pool
from camtf.types import Segment

PPO = PPOConfig(segment=20, minibatches=4, epochs=2, learning_rate=1e-3)
NETWORK = NetworkConfig(trunk=(32,))


def rollout(roster: Roster, policy: Policy, ids: np.ndarray, self_play: int, seed: int = 3) -> Rollout:
    characters = tuple(range(len(roster)))
    graph = InteractionGraph(0, characters, characters, len(roster), 1.0, "exploit", NETWORK.mixture_slots, (0,))
    player = Pool(NETWORK, duel_spec(roster), []).playing(graph)
    game = DuelGame(roster, len(ids), seed, match_ids=ids)
    return Rollout(game, policy, player, graph, self_play, seed, ids, PPO.segment)


def segment(roster: Roster, policy: Policy) -> Segment:
    """A segment of 8 matches in self-play."""
    return rollout(roster, policy, np.arange(8), 8).collect()[0]


def test_an_update_makes_good_actions_more_probable(roster: Roster) -> None:
    """With one kind of action rewarded, its probability rises and the loss's signs are right."""
    policy = Policy(NETWORK, duel_spec(roster), 1)
    data = segment(roster, policy)
    guard = data.action[..., 1] == 5
    data = data._replace(reward=guard.astype(np.float32), value=np.zeros_like(data.value),
                         baseline=np.zeros_like(data.value), done=np.ones_like(data.done))  # fmt: skip
    learner = Learner(policy, PPO, 1)

    def guard_probability() -> float:
        flat = type(data.observation)(*(x.reshape(-1, *x.shape[2:]) for x in data.observation))
        output = policy(flat, data.mixture.reshape(-1, data.mixture.shape[-1]))
        return float(distributions(output, flat.mask)[1].probs_parameter()[:, 5].numpy().mean())

    before = guard_probability()
    for _ in range(5):
        metrics = learner.update(data)
    assert guard_probability() > 1.2 * before
    assert metrics["kl"] >= 0 and 0 <= metrics["clip_fraction"] <= 1
    assert metrics["reward_per_frame"] == pytest.approx(guard.mean())


def test_comparative_advantage_is_scaled_but_not_centred(roster: Roster) -> None:
    """Against a baseline below every return all actions gain: the policy keeps its ratios only if the mean is kept."""
    policy = Policy(NETWORK, duel_spec(roster), 1)
    data = segment(roster, policy)
    data = data._replace(reward=np.full_like(data.reward, 10.0), value=np.zeros_like(data.value),
                         baseline=np.zeros_like(data.value), done=np.ones_like(data.done))  # fmt: skip
    centred = Learner(policy, PPO, 1).update(data)
    assert centred["policy_loss"] == pytest.approx(0.0, abs=1e-3)
    kept = Learner(Policy(NETWORK, duel_spec(roster), 1), PPO, 1).update(data, center_advantages=False)
    assert kept["policy_loss"] == pytest.approx(-1.0, abs=0.05)  # every advantage is its RMS: 1
    assert kept["advantage_mean"] == pytest.approx(1.0)  # reward 10 times the scale 0.1
    assert kept["advantage_std"] == pytest.approx(0.0, abs=1e-5)


def test_minibatches_are_a_partition_of_the_time_steps(roster: Roster) -> None:
    policy = Policy(NETWORK, duel_spec(roster), 1)
    learner = Learner(policy, PPO, 1)
    passes = [learner.minibatches(PPO.segment, epoch).numpy() for epoch in range(2)]
    for parts in passes:
        assert len(parts) == PPO.minibatches and sorted(parts.ravel()) == list(range(PPO.segment))
    assert not np.array_equal(*passes)


def test_matches_are_shared_evenly() -> None:
    ids = [share_matches(8, 4, rank, 2) for rank in range(2)]
    assert ids[0].tolist() == [0, 1, 4, 5] and ids[1].tolist() == [2, 3, 6, 7]
    with pytest.raises(ValueError, match="9 matches, 4 of them in self-play, cannot be shared evenly by 2 ranks"):
        share_matches(9, 4, 0, 2)


def slow_update(policy: Policy, data: Segment, config: PPOConfig, progress: float, order: list[np.ndarray]) -> None:
    """One update as the papers write it: Schulman et al. 2017 over whole minibatches, Keras's own Adam, no graph."""
    length = len(data.reward)
    rows = data.reward.shape[1]
    advantage, value_target = np.zeros((2, length, rows), np.float32)
    for r in range(rows):
        future, following = 0.0, data.bootstrap_value[r]
        for t in reversed(range(length)):
            alive = config.discount * (1 - data.done[t, r])
            delta = config.reward_scale * data.reward[t, r] + alive * following - data.value[t, r]
            future = delta + alive * config.gae_lambda * future
            advantage[t, r], value_target[t, r] = future, future + data.value[t, r]
            following = data.value[t, r]
    advantage = (advantage - advantage.mean()) / advantage.std()
    step_size = config.learning_rate * (1 - progress * (1 - config.final_learning_rate))
    optimizer = keras.optimizers.Adam(step_size, epsilon=1e-5)
    variables = policy.network.trainable_variables
    for times in order:
        at = [(t, r) for t in times for r in range(rows)]

        def take(x: np.ndarray, at: list[tuple[int, int]] = at) -> tf.Tensor:
            return tf.constant(np.stack([x[t, r] for t, r in at]))

        with tf.GradientTape() as tape:
            inputs = {name: take(x) for name, x in data.observation._asdict().items()} | {"mixture": take(data.mixture)}
            output = policy.network(inputs)
            movements, skills = output["movement"].shape[1], output["skill"].shape[1]
            legal = inputs["mask"][:, :movements] > 0, inputs["mask"][:, movements : movements + skills] > 0
            heads = [
                tfp.distributions.Categorical(logits=tf.where(allowed, output[name], -1e9))
                for name, allowed in zip(("movement", "skill"), legal, strict=True)
            ]
            actions = take(data.action)
            log_prob = heads[0].log_prob(actions[:, 0]) + heads[1].log_prob(actions[:, 1])
            ratio, gain = tf.exp(log_prob - take(data.log_prob)), take(advantage)
            clipped = tf.minimum(
                ratio * gain, tf.clip_by_value(ratio, 1 - config.clip_epsilon, 1 + config.clip_epsilon) * gain
            )
            error = tf.square(output["value"][:, 0] - take(value_target))
            entropy = tf.reduce_mean(heads[0].entropy()) + tf.reduce_mean(heads[1].entropy())
            loss = (
                -tf.reduce_mean(clipped)
                + config.value_cost * 0.5 * tf.reduce_mean(error)
                - config.entropy_cost * entropy
            )
        gradients = tape.gradient(loss, [v.value for v in variables])
        clipped_gradients, _ = tf.clip_by_global_norm(
            [tf.convert_to_tensor(g) for g in gradients], config.gradient_norm
        )
        optimizer.apply(clipped_gradients, variables)


@pytest.mark.parametrize(
    ("steps", "rows", "parts"),
    [(1, 1, 1), (5, 1536, 10), (5, 2048, 10), (20, 384, 8), (5, 1033, 5), (9, 101, 1), (1, 2053, 2), (1, 4099, 4)],
)
def test_a_minibatch_is_computed_in_parts(steps: int, rows: int, parts: int) -> None:
    """Near 1,024 samples each: within a time step where rows allow it (two of 768), else of the same size where the
    number has such a divisor (2,053 and 4,099 are primes)."""
    assert learner_module.parts_of(steps * rows, rows) == parts


@pytest.mark.parametrize("parts", [1, 4, 5, 8, 10])
def test_an_update_is_the_slow_one(roster: Roster, monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    """Two passes with a clipped gradient and a smaller step size; 12 of the 16 rows are learned from. The minibatch's
    60 samples at once, in equal and in unequal parts, and in some that lie within a time step."""
    monkeypatch.setattr(learner_module, "parts_of", lambda samples, rows: parts)
    config = dataclasses.replace(PPO, gradient_norm=0.1, final_learning_rate=0.2, gae_lambda=0.9)
    fast, slow = Policy(NETWORK, duel_spec(roster), 1), Policy(NETWORK, duel_spec(roster), 1)
    data = segment(roster, fast)
    learned = {
        name: x[..., :12] for name, x in data._asdict().items() if name not in ("observation", "mixture", "action")
    }
    data = data._replace(mixture=data.mixture[:, :12], action=data.action[:, :12], **learned)
    learner = Learner(fast, config, 1)
    order = [times for epoch in range(config.epochs) for times in learner.minibatches(config.segment, epoch).numpy()]
    metrics = learner.update(data, progress=0.5)
    assert metrics["gradient_norm"] > config.gradient_norm  # it was clipped
    before = slow.get_weights()
    slow_update(slow, data, config, 0.5, order)
    expected = slow.get_weights()
    moved = max(float(np.abs(expected[name] - before[name]).max()) for name in expected)
    assert moved > 2e-3
    for name, weight in fast.get_weights().items():
        np.testing.assert_allclose(weight, expected[name], atol=2e-5, err_msg=name)


def test_no_further_pass_once_the_kl_is_too_large(roster: Roster) -> None:
    policy = Policy(NETWORK, duel_spec(roster), 1)
    data = segment(roster, policy)
    for target_kl, epochs in ((1e-9, 1), (1e9, 4), (0.0, 4)):
        config = dataclasses.replace(PPO, epochs=4, target_kl=target_kl)
        assert Learner(Policy(NETWORK, duel_spec(roster), 1), config, 1).update(data)["epochs"] == epochs
