"""Masks, probabilities, sampling, weights."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from camtf.config import NetworkConfig
from camtf.games.duel.observation import MASK_WIDTH, MOVEMENT_COUNT, SKILL_COUNT, duel_spec
from camtf.games.duel.roster import Roster
from camtf.model.policy import MaskedCategorical, Policy, PolicyOutput, best, distributions, log_prob, sample

N = 20_000
tfd = tfp.distributions


def output(n: int) -> PolicyOutput:
    movement = tf.tile(tf.constant([[0.0, 1.0, 2.0] + [5.0] * 6]), (n, 1))
    skill = tf.tile(tf.constant([[1.0, 0.0] + [9.0] * 8]), (n, 1))
    return PolicyOutput(movement, skill, tf.zeros(n))


def mask(n: int) -> np.ndarray:
    """Movements 0, 1, 2 and skills 0, 1 are legal."""
    row = np.zeros(MASK_WIDTH, np.float32)
    row[:3] = 1
    row[MOVEMENT_COUNT : MOVEMENT_COUNT + 2] = 1
    return np.tile(row, (n, 1))


def test_probability_is_shared_by_what_is_legal() -> None:
    movement, skill = distributions(output(1), mask(1))
    expected = np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum()
    np.testing.assert_allclose(movement.probs_parameter()[0], [*expected, *[0] * 6], atol=1e-6)
    np.testing.assert_allclose(skill.probs_parameter()[0, :2], [np.e / (np.e + 1), 1 / (np.e + 1)], rtol=1e-5)
    both = log_prob(output(1), mask(1), tf.constant([[2, 1]])).numpy()[0]
    assert both == pytest.approx(np.log(expected[2]) + np.log(1 / (np.e + 1)), rel=1e-5)


def test_heads_are_tfps_categorical(rng: np.random.Generator) -> None:
    """Log-probability, entropy and their gradients equal those of the library's distribution over masked logits."""
    logits, legal = tf.constant(rng.normal(size=(50, 7)), tf.float32), rng.random((50, 7)) < 0.5
    legal[:, 0] = True
    chosen = tf.constant([int(rng.choice(np.flatnonzero(row))) for row in legal])
    results = []
    for make in (
        lambda x: MaskedCategorical(x, legal.astype(np.float32)),
        lambda x: tfd.Categorical(logits=tf.where(legal, x, -1e9)),
    ):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            head = make(logits)
            log_prob, entropy = head.log_prob(chosen), head.entropy()
            total = tf.reduce_sum(log_prob) + 0.3 * tf.reduce_sum(entropy)
        results.append((log_prob, entropy, tape.gradient(total, logits)))
    for own, reference in zip(*results, strict=True):
        np.testing.assert_allclose(own, reference, atol=1e-5)


def test_samples_follow_the_probabilities(rng: np.random.Generator) -> None:
    uniforms = tf.constant(rng.random((N, MOVEMENT_COUNT + SKILL_COUNT)), tf.float32)
    actions = sample(output(N), mask(N), uniforms).numpy()
    expected = np.exp([0, 1, 2]) / np.exp([0, 1, 2]).sum()
    share = np.bincount(actions[:, 0], minlength=9) / N
    np.testing.assert_allclose(share, [*expected, *[0] * 6], atol=0.012)  # 3.5 standard deviations
    assert set(actions[:, 1]) == {0, 1}
    assert abs(np.corrcoef(actions[:, 0], actions[:, 1])[0, 1]) < 0.03  # the heads are independent


def test_best_is_the_most_probable_legal_action() -> None:
    assert best(output(1), mask(1)).numpy().tolist() == [[2, 0]]


def test_weights_go_round_and_others_are_refused(roster: Roster, plain: Roster) -> None:
    a, b = Policy(NetworkConfig(), duel_spec(roster), 1), Policy(NetworkConfig(), duel_spec(roster), 2)
    assert any(not np.array_equal(a.get_weights()[name], w) for name, w in b.get_weights().items())
    b.set_weights(a.get_weights())
    assert all(np.array_equal(a.get_weights()[name], w) for name, w in b.get_weights().items())
    ids, few = sum(roster.id_counts), sum(plain.id_counts)
    with pytest.raises(ValueError, match=rf"weight '.*' has shape \({ids}, 8\), the network needs \({few}, 8\)"):
        Policy(NetworkConfig(), duel_spec(plain)).set_weights(a.get_weights())
    with pytest.raises(ValueError, match=r"weights are of another network: .*trunk_2"):
        Policy(NetworkConfig(trunk=(160,)), duel_spec(roster)).set_weights(a.get_weights())


def test_one_seed_one_network(roster: Roster) -> None:
    a, b = (Policy(NetworkConfig(), duel_spec(roster), 5).get_weights() for _ in range(2))
    assert all(np.array_equal(a[name], b[name]) for name in a)
