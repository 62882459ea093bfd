"""Rollouts against a slow replay: the same battles, match by match, by the documented rules."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax

from camtf.config import NetworkConfig
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.roster import Roster
from camtf.learn.rollout import EVALUATED, LEARNED, Layout, Record, Rollout
from camtf.model.policy import Policy, PolicyOutput, distributions, sample
from camtf.population.matchmaking import Graph, GraphMatchmaker
from camtf.population.payoffs import Nodes
from camtf.population.pool import Pool
from camtf.population.strategies import Served, one_policy_each
from camtf.prng import ACTIONS, OPPONENTS, uniforms
from camtf.types import Matchups, Observation, Snapshot

NETWORK = NetworkConfig(trunk=(32,))
LENGTH, MATCHES, SELF_PLAY, SEED = 25, 6, 2, 5
LEARNER_ROWS = MATCHES + SELF_PLAY
IDS = np.array([3, 4, 10, 11, 12, 40])  # global ids are not places in the batch
CHARACTERS = (0, 1, 2)


class Setting:
    """A learner with two frozen snapshots, and what it played: two unrolls. Strategies 0 and 1 are frozen, 2 learns."""

    def __init__(self, roster: Roster) -> None:
        self.policy = Policy(NETWORK, duel_spec(roster), 1)
        uniformly = np.full((len(roster), NETWORK.mixture_slots), 1 / NETWORK.mixture_slots, np.float32)
        self.frozen = [Policy(NETWORK, duel_spec(roster), seed) for seed in (2, 3)]
        snapshots = [Snapshot(str(i), policy.get_weights(), uniformly * i) for i, policy in enumerate(self.frozen)]
        strategies = one_policy_each(snapshots, len(roster))
        nodes = Nodes(3, CHARACTERS, by_character=True)
        sigma, mirror = np.zeros((2, 3, 9))
        sigma[:, :6], mirror[:, 6:] = 1 / 6, 1 / 3
        told = np.zeros((9, NETWORK.mixture_slots), np.float32)
        told[3:6] = uniformly[:3]
        told[6:] = np.eye(9, NETWORK.mixture_slots)[:3]
        self.matchmaker = GraphMatchmaker(nodes, Graph(np.arange(6, 9), sigma, told, mirror))
        pool = Pool(NETWORK, duel_spec(roster), snapshots)
        self.layout = Layout(IDS, mirrored=SELF_PLAY)
        self.rollout = Rollout(
            self.game(roster), self.policy, Served(pool, strategies.serving), self.matchmaker, self.layout, SEED,
            LENGTH, Record(self.frozen[0], self.frozen[1], opponent_action=True),
        )  # fmt: skip
        self.played = []
        for _ in range(2):
            unroll, outcomes = self.rollout.collect()
            kept = Observation(*(x.copy() for x in unroll.observation))  # the buffers are used again
            self.played.append((unroll._replace(observation=kept), outcomes))

    def game(self, roster: Roster) -> DuelGame:
        return DuelGame(roster, MATCHES, SEED, match_ids=IDS, staggered=True)

    def matchups(self, unroll: int, step: int, length: int) -> Matchups:
        """Who meets next in each match after this step of this unroll, were it to end: the matchmaker's draws."""
        chance = uniforms(SEED, OPPONENTS, unroll, IDS, (length, self.matchmaker.chances))[:, step]
        return self.matchmaker.draw(chance, self.layout.kind)

    def opponent_action(self, strategy: int, mixture: np.ndarray, seen: Observation, chance: np.ndarray) -> np.ndarray:
        """What a frozen strategy does in one row, by its own network alone."""
        one = Observation(*(x[None] for x in seen))
        return self.frozen[strategy].act(one, mixture[None], np.ascontiguousarray(chance[None]))[0].numpy()[0]


@pytest.fixture(scope="module")
def setting(roster: Roster) -> Setting:
    return Setting(roster)


def row(player: int, match: int) -> int:
    return player * MATCHES + match


def test_a_slow_replay_gives_the_same_unrolls(setting: Setting, roster: Roster) -> None:
    """Match by match: the learner's recorded actions and, for the other side, what each frozen network does alone give
    the recorded observations, rewards, ends, mixtures and outcomes. A mixture stays until its battle ends."""
    game = setting.game(roster)
    now = setting.matchups(0, 0, 1)
    seen = game.reset(now.character)
    total_ended = 0
    for number, (unroll, outcomes) in enumerate(setting.played, start=1):
        ended = []
        noise = uniforms(SEED, ACTIONS, number, IDS, (LENGTH, 2, game.spec.movements + game.spec.skills))
        for t in range(LENGTH):
            for module, recorded in zip(seen, unroll.observation, strict=True):
                assert np.array_equal(module.reshape(-1, *module.shape[2:]), recorded[t])
            told = np.concatenate([now.mixture[0], now.mixture[1][:SELF_PLAY]])
            assert np.array_equal(told, unroll.mixture[t])
            actions = np.zeros((2, MATCHES, 2), np.int32)
            for b in range(MATCHES):
                actions[0, b] = unroll.action[t, row(0, b)]
                one = Observation(*(x[1, b] for x in seen))
                other = unroll.action[t, row(1, b)] if b < SELF_PLAY else setting.opponent_action(
                    int(now.strategy[1, b]), now.mixture[1, b], one, noise[b, t, 1]
                )  # fmt: skip
                actions[1, b] = other
                assert np.array_equal(unroll.opponent_action[t, row(0, b)], other)
                if b < SELF_PLAY:
                    assert np.array_equal(unroll.opponent_action[t, row(1, b)], actions[0, b])
            following = setting.matchups(number, t, LENGTH)
            game.assign(following.character)
            seen, step = game.step(actions)
            for b in range(MATCHES):
                assert unroll.reward[t, row(0, b)] == step.reward[0, b] and unroll.done[t, row(0, b)] == step.done[b]
                if b < SELF_PLAY:
                    assert unroll.reward[t, row(1, b)] == -step.reward[0, b]
                    assert unroll.done[t, row(1, b)] == step.done[b]
                if step.done[b]:
                    ended.append((*now.strategy[:, b], *now.character[:, b], step.outcome[b]))
                    for current, after in zip(now, following, strict=True):
                        current[:, b] = after[:, b]
        assert ended == [(*s, *c, o) for s, c, o in zip(*(x.tolist() for x in outcomes), strict=True)]
        total_ended += len(ended)
    assert total_ended >= 1  # battles ended within the two unrolls


def test_matches_that_are_only_counted_are_not_learned_from(roster: Roster) -> None:
    """Their player 0 acts by the learner's network, too; its rows are left out of the unroll."""
    setting = Setting(roster)
    layout = Layout(IDS, evaluated=2)
    assert layout.kind.tolist() == [LEARNED] * 4 + [EVALUATED] * 2
    graph = dataclasses.replace(setting.matchmaker.graph, evaluated=np.array([[6, 0]]))
    matchmaker = GraphMatchmaker(setting.matchmaker.nodes, graph)
    opponents = setting.rollout.opponents
    rollout = Rollout(setting.game(roster), setting.policy, opponents, matchmaker, layout, SEED, LENGTH)
    unroll, outcomes = rollout.collect()
    assert unroll.action.shape == (LENGTH, 4, 2) and unroll.mixture.shape[:2] == (LENGTH + 1, 4)
    assert unroll.baseline is None and unroll.prior is None and unroll.opponent_action is None
    assert unroll.observation.mask.shape[1] == 2 * MATCHES
    some = Observation(*(tf.constant(x[3, :4]) for x in unroll.observation))
    log_prob, value = setting.policy.log_prob_and_value(some, unroll.mixture[3], unroll.action[3])
    np.testing.assert_allclose(unroll.log_prob[3], log_prob, atol=1e-5)
    np.testing.assert_allclose(unroll.value[3], value, atol=1e-5)
    assert (outcomes.strategy[:, 0] == 2).all()


def test_what_is_recorded_of_the_policy_is_what_it_says(setting: Setting) -> None:
    """Log-probabilities, values, baseline, prior and bootstrap, each computed anew for a row at a time."""
    unroll, _ = setting.played[1]
    for t in (0, LENGTH - 1):
        for r in range(LEARNER_ROWS):
            one = Observation(*(tf.constant(x[t, r : r + 1]) for x in unroll.observation))
            mixture = tf.constant(unroll.mixture[t, r : r + 1])
            output = setting.policy(one, mixture)
            movement, skill = distributions(output, one.mask)
            expected = movement.log_prob(unroll.action[t, r : r + 1, 0]) + skill.log_prob(
                unroll.action[t, r : r + 1, 1]
            )
            assert unroll.log_prob[t, r] == pytest.approx(float(expected[0]), abs=1e-5)
            assert unroll.value[t, r] == pytest.approx(float(output.value[0]), abs=1e-5)
            assert unroll.baseline[t, r] == pytest.approx(float(setting.frozen[0](one, mixture).value[0]), abs=1e-5)
            logits, first = setting.frozen[1](one, mixture), 0
            for head in (logits.movement.numpy()[0], logits.skill.numpy()[0]):
                own, legal = slice(first, first + len(head)), one.mask.numpy()[0, first : first + len(head)] > 0
                np.testing.assert_allclose(unroll.prior[t, r, own][legal], log_softmax(head[legal]), atol=1e-5)
                first += len(head)
    last = Observation(*(tf.constant(x[LENGTH, :LEARNER_ROWS]) for x in unroll.observation))
    after = setting.policy(last, tf.constant(unroll.mixture[LENGTH])).value
    np.testing.assert_allclose(unroll.bootstrap_value, after, atol=1e-5)
    # The next unroll begins where this one was cut.
    first, following = setting.played
    for cut, begin in zip(first[0].observation, following[0].observation, strict=True):
        assert np.array_equal(cut[LENGTH], begin[0])


def test_actions_come_from_the_chance_of_match_and_step_alone(setting: Setting) -> None:
    unroll, _ = setting.played[0]
    noise = uniforms(SEED, ACTIONS, 1, IDS, (LENGTH, 2, 19))
    for t, b, player in ((0, 0, 0), (3, 1, 1), (9, 5, 0)):
        r = row(player, b)
        one = Observation(*(tf.constant(x[t, r : r + 1]) for x in unroll.observation))
        output: PolicyOutput = setting.policy(one, tf.constant(unroll.mixture[t, r : r + 1]))
        again = sample(output, one.mask, tf.constant(noise[b, t, player][None]))
        assert again.numpy()[0].tolist() == unroll.action[t, r].tolist()
