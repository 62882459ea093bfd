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
from camtf.learn import accumulate
from camtf.learn.learner import Learner
from camtf.learn.moments import NotFiniteError
from camtf.learn.rollout import OWN_EXPERIENCE, Layout, Record, Rollout, share_matches
from camtf.model.policy import Policy, distributions
from camtf.population.matchmaking import Graph, GraphMatchmaker
from camtf.population.payoffs import Nodes
from camtf.population.pool import Pool
from camtf.population.strategies import Served
from camtf.types import Unroll

PPO = PPOConfig(segment=20, minibatches=4, epochs=2, learning_rate=1e-3)
NETWORK = NetworkConfig(trunk=(32,))


def rollout(roster: Roster, policy: Policy, layout: Layout, seed: int = 3, record: Record = OWN_EXPERIENCE) -> Rollout:
    """Self-play in all matches, characters uniformly."""
    nodes = Nodes(1, tuple(range(len(roster))), by_character=False)
    told = np.eye(1, NETWORK.mixture_slots, dtype=np.float32)
    matchmaker = GraphMatchmaker(nodes, Graph(np.array([0]), np.zeros((1, 1)), told, mirror=np.ones((1, 1))))
    opponents = Served(Pool(NETWORK, duel_spec(roster), []), np.zeros((1, len(roster)), np.int64))
    game = DuelGame(roster, layout.matches, seed, match_ids=layout.ids)
    return Rollout(game, policy, opponents, matchmaker, layout, seed, PPO.segment, record)


def unroll_of(roster: Roster, policy: Policy) -> Unroll:
    """An unroll of 8 matches in self-play."""
    return rollout(roster, policy, Layout(np.arange(8), mirrored=8)).collect()[0]


def test_an_update_makes_good_actions_more_probable(roster: Roster) -> None:
    """With one kind of action rewarded, its probability rises and the loss's signs are right."""
    policy = Policy(NETWORK, duel_spec(roster), 1)
    data = unroll_of(roster, policy)
    guard = data.action[..., 1] == 5
    data = data._replace(reward=guard.astype(np.float32), value=np.zeros_like(data.value),
                         done=np.ones_like(data.done))  # fmt: skip
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
    data = unroll_of(roster, policy)
    data = data._replace(reward=np.full_like(data.reward, 10.0), value=np.zeros_like(data.value),
                         done=np.ones_like(data.done))  # fmt: skip
    data = data._replace(baseline=np.zeros((len(data.value) + 1, *data.value.shape[1:]), np.float32))
    centred = Learner(policy, PPO, 1).update(data)
    assert centred["policy_loss"] == pytest.approx(0.0, abs=1e-3)
    kept = Learner(Policy(NETWORK, duel_spec(roster), 1), PPO, 1, critic="frozen").update(data)
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
    layouts = [share_matches(8, 4, 0, rank, 2) for rank in range(2)]
    assert layouts[0].ids.tolist() == [0, 1, 4, 5] and layouts[1].ids.tolist() == [2, 3, 6, 7]
    assert layouts[0].acting_rows == layouts[0].learner_rows == 6
    counted = [share_matches(8, 0, 2, rank, 2) for rank in range(2)]
    assert [layout.ids.tolist() for layout in counted] == [[0, 1, 2, 6], [3, 4, 5, 7]]
    assert counted[0].acting_rows == 4 and counted[0].learner_rows == 3
    with pytest.raises(ValueError, match="9 matches, 4 of them in self-play and 0 only counted, cannot be shared"):
        share_matches(9, 4, 0, 0, 2)
    with pytest.raises(ValueError, match="not both; got 2 and 2"):
        share_matches(8, 2, 2, 0, 1)


def slow_gae(data: Unroll, config: PPOConfig) -> tuple[np.ndarray, np.ndarray]:
    """Advantages and value targets ``[T, L]`` of generalised advantage estimation, row by row."""
    advantage, value_target = np.zeros((2, *data.reward.shape), np.float32)
    for r in range(data.reward.shape[1]):
        future, following = 0.0, data.bootstrap_value[r]
        for t in reversed(range(len(data.reward))):
            alive = config.discount * (1 - data.done[t, r])
            delta = config.reward_scale * data.reward[t, r] + alive * following - data.value[t, r]
            future = delta + alive * config.gae_lambda * future
            advantage[t, r], value_target[t, r] = future, future + data.value[t, r]
            following = data.value[t, r]
    return advantage, value_target


def slow_vtrace(policy: Policy, data: Unroll, config: PPOConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Advantages, value targets and the present policy's log-probabilities ``[T, L]`` as Espeholt et al. 2018 write
    them, row by row: a sum of discounted surprises, each carried back by the product of the weights before it."""
    length, rows = data.reward.shape
    log_prob, value = np.zeros((length, rows)), np.zeros((length + 1, rows))
    for t in range(length + 1):
        seen = type(data.observation)(*(tf.constant(x[t, :rows]) for x in data.observation))
        output = policy(seen, tf.constant(data.mixture[t]))
        value[t] = output.value
        if t < length:
            heads = distributions(output, seen.mask)
            log_prob[t] = sum(head.log_prob(data.action[t, :, i]) for i, head in enumerate(heads))
    ratio = np.exp(log_prob - data.log_prob)
    alive = config.discount * (1 - data.done)
    surprise = np.minimum(config.rho_clip, ratio) * (config.reward_scale * data.reward + alive * value[1:] - value[:-1])
    target = value.copy()
    for r in range(rows):
        for s in range(length):
            weight = 1.0
            for t in range(s, length):
                target[s, r] += weight * surprise[t, r]
                weight *= alive[t, r] * config.gae_lambda * min(config.c_clip, ratio[t, r])
    carried = (1 - config.gae_lambda) * value[1:] + config.gae_lambda * target[1:]
    baseline = value[:-1] if data.baseline is None else data.baseline[:-1]
    advantage = np.minimum(config.rho_clip, ratio) * (config.reward_scale * data.reward + alive * carried - baseline)
    return advantage.astype(np.float32), target[:-1].astype(np.float32), log_prob.astype(np.float32)


def slow_update(policy: Policy, data: Unroll, config: PPOConfig, progress: float, order: list[np.ndarray]) -> None:
    """One update as the papers write it: Schulman et al. 2017 over whole minibatches, Keras's own Adam, no graph."""
    rows = data.reward.shape[1]
    if config.mode == "impala":
        advantage, value_target, log_prob_before = slow_vtrace(policy, data, config)
    else:
        (advantage, value_target), log_prob_before = slow_gae(data, config), data.log_prob
    if data.baseline is None:
        advantage = advantage - advantage.mean()
    advantage = advantage / np.sqrt(np.square(advantage).mean())
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
            ratio, gain = tf.exp(log_prob - take(log_prob_before)), take(advantage)
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
    assert accumulate.parts_of(steps * rows, rows) == parts


@pytest.mark.parametrize("parts", [1, 4, 5, 8, 10])
def test_an_update_is_the_slow_one(roster: Roster, monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    """Two passes with a clipped gradient and a smaller step size; 12 of the 16 rows are learned from. The minibatch's
    60 samples at once, in equal and in unequal parts, and in some that lie within a time step."""
    monkeypatch.setattr(accumulate, "parts_of", lambda samples, rows: parts)
    policy = Policy(NETWORK, duel_spec(roster), 1)
    check_against_slow(roster, dataclasses.replace(STEEP, gae_lambda=0.9), learned_rows(unroll_of(roster, policy), 12))


@pytest.mark.parametrize("baseline", ["frozen policy", "own critic"])
def test_an_impala_update_is_the_slow_one(roster: Roster, baseline: str) -> None:
    """The segment is of another policy than the present one, so that V-trace has something to correct and neither its
    values nor its log-probabilities are the present ones'; a frozen policy's values are a third kind."""
    behaviour, frozen = Policy(NETWORK, duel_spec(roster), 2), Policy(NETWORK, duel_spec(roster), 3)
    own = behaviour.get_weights()
    behaviour.set_weights(own | {name: 30 * own[name] for name in ("movement/kernel", "skill/kernel")})  # less uniform
    against = frozen if baseline == "frozen policy" else None
    data = rollout(roster, behaviour, Layout(np.arange(8), mirrored=8), record=Record(against)).collect()[0]
    assert (data.baseline is None) == (against is None)
    check_against_slow(
        roster, dataclasses.replace(STEEP, mode="impala", gae_lambda=0.9, rho_clip=0.95, c_clip=0.9), data
    )


STEEP = dataclasses.replace(PPO, gradient_norm=0.1, final_learning_rate=0.2)


def learned_rows(data: Unroll, rows: int) -> Unroll:
    """The segment with these first rows alone to learn from; observations stay those of all."""
    learned = {
        name: x[..., :rows]
        for name, x in data._asdict().items()
        if name not in ("observation", "mixture", "action") and x is not None
    }
    return data._replace(mixture=data.mixture[:, :rows], action=data.action[:, :rows], **learned)


def check_against_slow(roster: Roster, config: PPOConfig, data: Unroll) -> None:
    """One update of a policy by the learner and by `slow_update` give the same weights."""
    fast, slow = Policy(NETWORK, duel_spec(roster), 1), Policy(NETWORK, duel_spec(roster), 1)
    learner = Learner(fast, config, 1, critic="own" if data.baseline is None else "frozen")
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


def spoilt(data: Unroll, name: str, value: float) -> Unroll:
    """The segment with one number of a leaf replaced; of the observation, one of its Basic module."""
    if name == "observation":
        basic = data.observation.basic.copy()
        basic[3, 0, 0] = value
        return data._replace(observation=data.observation._replace(basic=basic))
    array = getattr(data, name).copy()
    array[(3,) + (0,) * (array.ndim - 1)] = value
    return data._replace(**{name: array})


@pytest.mark.parametrize(
    ("mode", "where", "value", "named"),
    [
        ("synchronous", "reward", np.nan, "reward, advantage, "),
        ("synchronous", "reward", np.inf, "reward, advantage, "),
        ("synchronous", "reward", 1e38, "advantage_square, value_target_square, value_error_square"),
        ("impala", "reward", np.nan, "reward, advantage, "),
    ],
)
def test_a_segment_that_is_not_finite_is_refused(
    roster: Roster, mode: str, where: str, value: float, named: str
) -> None:
    """Before a step is taken: weights and optimiser are as before."""
    data = unroll_of(roster, Policy(NETWORK, duel_spec(roster), 1))
    learner = Learner(Policy(NETWORK, duel_spec(roster), 1), dataclasses.replace(PPO, mode=mode, reward_scale=1.0), 1)
    before = [v.numpy() for v in learner.variables]
    with pytest.raises(NotFiniteError, match=rf"^update 1: {named}.*became infinite or NaN; nothing of it is saved"):
        learner.update(spoilt(data, where, value))
    assert learner.updates == 0 and all(np.array_equal(b, v) for b, v in zip(before, learner.variables, strict=True))


@pytest.mark.parametrize("where", ["observation", "log_prob"])
def test_a_step_that_is_not_finite_is_refused(roster: Roster, where: str) -> None:
    """Where the segment's sums are finite, and the loss is not: the update does not count and gives no metrics."""
    data = unroll_of(roster, Policy(NETWORK, duel_spec(roster), 1))
    learner = Learner(Policy(NETWORK, duel_spec(roster), 1), PPO, 1)
    with pytest.raises(NotFiniteError, match=r"^update 1: policy_loss, .*gradient_norm became infinite or NaN"):
        learner.update(spoilt(data, where, np.nan))
    assert learner.updates == 0


def test_no_further_pass_once_the_kl_is_too_large(roster: Roster) -> None:
    policy = Policy(NETWORK, duel_spec(roster), 1)
    data = unroll_of(roster, policy)
    for target_kl, epochs in ((1e-9, 1), (1e3, 4), (0.0, 4)):
        config = dataclasses.replace(PPO, epochs=4, target_kl=target_kl)
        assert Learner(Policy(NETWORK, duel_spec(roster), 1), config, 1).update(data)["epochs"] == epochs
