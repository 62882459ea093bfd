"""Terms beside PPO's loss: their gradients, what they do to a policy in training, and critics that are added to one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from camtf.config import NetworkConfig, PPOConfig
from camtf.games.matrix import rock_paper_scissors
from camtf.learn import accumulate
from camtf.learn.information import joint_counts, mutual_information
from camtf.learn.learner import Learner
from camtf.learn.losses import Batch, Loss, PPOLoss
from camtf.learn.rollout import Layout, Record, Rollout
from camtf.learn.terms import InformationTerm, PPOWithTerms, PriorTerm, ppo_with
from camtf.model.policy import Policy
from camtf.population.matchmaking import Graph, GraphMatchmaker
from camtf.population.payoffs import Nodes
from camtf.types import Observation, Unroll

PPO = PPOConfig(segment=8, minibatches=2, epochs=2, learning_rate=0.01, entropy_cost=0.0)
NETWORK = NetworkConfig(trunk=(16,), mixture_slots=1, history_filters=8)
GAME = rock_paper_scissors(rounds=8, history=1)  # what both did in the round before is seen


def batch_of(log_probs: tf.Tensor, **fields: np.ndarray | float) -> Batch:
    none = tf.zeros(log_probs.shape[0])
    given = {name: tf.constant(x, tf.float32) for name, x in fields.items()}
    return Batch(none, none, none, none, none, none, **given)


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(2, 4))
@settings(max_examples=20)
def test_the_information_terms_gradient(seed: int, states: int, actions: int) -> None:
    """Against finite differences of I. In each state the opponent takes its actions in whole numbers of samples, so
    that the batch holds its policy exactly; the policy itself is any."""
    chance = np.random.default_rng(seed)
    counts = chance.integers(1, 4, (states, actions))
    state, other = (np.repeat(x.ravel(), counts.ravel()) for x in np.indices(counts.shape))
    logits = chance.normal(size=(states, actions))

    def information(x: np.ndarray) -> float:
        own = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
        return mutual_information(own[state].T @ np.eye(actions)[other])

    own = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    joint = own[state].T @ np.eye(actions)[other] / len(state)
    table = np.log(joint / (joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)))
    variable = tf.Variable(logits)
    with tf.GradientTape() as tape:
        log_probs = tf.gather(tf.nn.log_softmax(variable), state)
        batch = Batch(*[log_probs] * 6, information=tf.constant(table.T[other]))
        term, found = InformationTerm(2.0)(log_probs, batch)
    assert float(term) == pytest.approx(2.0 * information(logits), abs=1e-9)
    assert float(found["mutual_information"]) == pytest.approx(information(logits), abs=1e-9)
    gradient = tape.gradient(term, variable)
    for s, a in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[s, a] = 1e-5
        difference = (information(logits + step) - information(logits - step)) / 2e-5
        assert float(gradient[s, a]) == pytest.approx(2.0 * difference, abs=1e-7)


def test_the_prior_term_by_hand() -> None:
    """KL of (3/4, 1/4) from (1/2, 1/2), and of a row equal to its prior; a quarter of the training is done."""
    log_probs = tf.math.log(tf.constant([[0.75, 0.25], [0.5, 0.5]]))
    divergence = 0.5 * (0.75 * np.log(1.5) + 0.25 * np.log(0.5))
    batch = batch_of(log_probs, prior=np.log(np.full((2, 2), 0.5)), progress=0.25)
    term, found = PriorTerm(4.0)(log_probs, batch)
    assert float(found["prior_kl"]) == pytest.approx(divergence, abs=1e-6)
    assert float(term) == pytest.approx(3.0 * divergence, abs=1e-6)
    assert float(PriorTerm(4.0)(log_probs, batch._replace(progress=tf.constant(1.0)))[0]) == 0.0


def test_what_is_not_asked_for_is_not_there() -> None:
    assert ppo_with(PPO) == PPOLoss(PPO)
    loss = ppo_with(PPO, information=-1.0, prior=2.0)
    assert loss == PPOWithTerms(PPOLoss(PPO), (InformationTerm(-1.0), PriorTerm(2.0)))
    assert loss.diagnostics == (*PPOLoss.diagnostics, "mutual_information", "prior_kl")


class Copycat:
    """Does what the learner did in the round before. Implements `camtf.learn.rollout.Opponents`."""

    def act(
        self, observation: Observation, strategy: np.ndarray, character: np.ndarray, mixture: np.ndarray,
        uniforms: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        row = observation.basic[:, 4:7].argmax(axis=1)  # after the rounds left and its own row
        return np.stack([np.zeros_like(row), row], axis=1).astype(np.int32)


def rollout(policy: Policy, record: Record, matches: int = 32) -> Rollout:
    nodes = Nodes(2, (0,), by_character=False)
    graph = Graph(np.array([1]), np.array([[1.0, 0.0]]), np.zeros((2, 1), np.float32))
    layout = Layout(np.arange(matches))
    game = GAME.make(3, layout.ids, staggered=True)
    return Rollout(game, policy, Copycat(), GraphMatchmaker(nodes, graph), layout, 3, PPO.segment, record)


def measured(unroll: Unroll) -> float:
    assert unroll.opponent_action is not None
    return mutual_information(joint_counts(unroll.action[..., 1], unroll.opponent_action[..., 1], 3, 3))


def test_a_weight_lowers_the_information() -> None:
    """The best response to a copycat beats one's own last row: what one does tells what the other does, log 3 nats at
    most. With a weight on the information less so."""
    found = {}
    for weight in (0.0, 3.0):
        policy = Policy(NETWORK, GAME.spec, 1)
        loss = ppo_with(PPO, weight) if weight else None
        learner, played = Learner(policy, PPO, 1, loss), rollout(policy, Record(opponent_action=True))
        for _ in range(30):
            unroll, _ = played.collect()
            metrics = learner.update(unroll)
        found[weight] = np.mean([measured(played.collect()[0]) for _ in range(4)])
    assert metrics["mutual_information"] == pytest.approx(found[3.0], abs=0.05)
    assert 0.3 < found[0.0] < np.log(3) and found[3.0] < 0.3 * found[0.0]


@pytest.fixture(scope="module")
def recorded() -> Unroll:
    """An unroll with all that can be recorded."""
    frozen = Policy(NETWORK, GAME.spec, 2)
    return rollout(Policy(NETWORK, GAME.spec, 1), Record(frozen, frozen, True), matches=8).collect()[0]


def updated(loss: Loss | None, unroll: Unroll, critic: str = "own") -> tuple[dict[str, np.ndarray], dict[str, float]]:
    policy = Policy(NETWORK, GAME.spec, 1)
    if critic == "residual":
        policy.zero_value()
    metrics = Learner(policy, PPO, 1, loss, critic).update(unroll, progress=0.5)
    return policy.get_weights(), metrics


def test_terms_do_not_depend_on_the_parts(recorded: Unroll, monkeypatch: pytest.MonkeyPatch) -> None:
    """A minibatch of 32 samples at once, and in 3 parts."""
    results = []
    for parts in (1, 3):
        monkeypatch.setattr(accumulate, "parts_of", lambda samples, rows, parts=parts: parts)
        results.append(updated(ppo_with(PPO, 1.0, 1.0), recorded))
    for name, weight in results[0][0].items():
        np.testing.assert_allclose(results[1][0][name], weight, atol=2e-6, err_msg=name)
    assert results[0][1]["mutual_information"] == pytest.approx(results[1][1]["mutual_information"], abs=1e-6)
    assert results[0][1]["prior_kl"] > 0


def test_a_residual_critic_begins_as_the_frozen_one(recorded: Unroll) -> None:
    """Its delta is exactly 0, and the first policy gradient that of the frozen policy's own critic: advantages are the
    same numbers. What it learns from then on is the returns' difference from the frozen values."""
    policy = Policy(NETWORK, GAME.spec, 1)
    policy.zero_value()
    seen = type(recorded.observation)(*(tf.constant(x[0, :8]) for x in recorded.observation))
    assert not policy.values(seen, recorded.mixture[0]).numpy().any()
    assert recorded.baseline is not None
    started = recorded._replace(value=np.zeros_like(recorded.value), bootstrap_value=np.zeros(8, np.float32))
    own = recorded._replace(value=recorded.baseline[:-1], bootstrap_value=recorded.baseline[-1])
    residual = Learner(policy, PPO, 1, critic="residual")._targets(started)
    plain = Learner(policy, PPO, 1)._targets(own)
    np.testing.assert_array_equal(residual.advantage, plain.advantage)
    np.testing.assert_array_equal(residual.value_target, plain.value_target)
    np.testing.assert_array_equal(residual.added, recorded.baseline[:-1])
    weights, metrics = updated(None, started, "residual")
    assert metrics["residual_mean"] == metrics["residual_std"] == 0.0 and np.abs(weights["value/kernel"]).max() > 0


def test_a_residual_is_what_is_added(recorded: Unroll) -> None:
    """A shift of the frozen values that delta takes back changes neither advantages nor anything that is learned."""
    assert recorded.baseline is not None
    shifted = recorded._replace(
        baseline=recorded.baseline + 1.0, value=recorded.value - 1.0, bootstrap_value=recorded.bootstrap_value - 1.0
    )
    learner = Learner(Policy(NETWORK, GAME.spec, 1), PPO, 1, critic="residual")
    one, two = (learner._targets(unroll) for unroll in (recorded, shifted))
    np.testing.assert_allclose(one.advantage, two.advantage, atol=1e-5)
    np.testing.assert_allclose(one.value_target, two.value_target, atol=1e-5)


def test_a_critic_without_a_linear_head_has_no_residual() -> None:
    policy = Policy(NETWORK, GAME.spec, 1)
    policy.network.get_layer("value").activation = tf.nn.tanh
    with pytest.raises(ValueError, match=r"the output of a keras.layers.Dense without an activation, got Dense"):
        policy.zero_value()


def test_an_optimizer_goes_on(recorded: Unroll) -> None:
    """Two updates by one learner, and by two of which the second takes over: the same."""
    whole = Learner(Policy(NETWORK, GAME.spec, 1), PPO, 1)
    whole.update(recorded)
    policy = Policy(NETWORK, GAME.spec, 1)
    policy.set_weights(whole.policy.get_weights())
    other = Learner(policy, PPO, 1)
    other.take_over_optimizer(whole.optimizer_state())
    other.updates = whole.updates
    for learner in (whole, other):
        learner.update(recorded)
    for name, weight in whole.policy.get_weights().items():
        assert np.array_equal(weight, policy.get_weights()[name]), name
    wider = Learner(Policy(dataclasses.replace(NETWORK, trunk=(17,)), GAME.spec, 1), PPO, 1)
    with pytest.raises(ValueError, match="the optimiser's state is of another network"):
        wider.take_over_optimizer(whole.optimizer_state())
