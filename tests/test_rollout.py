"""Rollouts against a slow replay: the same battles, match by match, by the documented rules."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from camtf.config import NetworkConfig
from camtf.games.duel.env import DuelGame
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.roster import Roster
from camtf.learn.rollout import Rollout
from camtf.model.policy import Policy, PolicyOutput, distributions, sample
from camtf.population.graph import InteractionGraph
from camtf.population.pool import Pool
from camtf.prng import ACTIONS, OPPONENTS, uniforms
from camtf.types import Observation, Snapshot

NETWORK = NetworkConfig(trunk=(32,))
LENGTH, MATCHES, SELF_PLAY, SEED = 25, 6, 2, 5
LEARNER_ROWS = MATCHES + SELF_PLAY
IDS = np.array([3, 4, 10, 11, 12, 40])  # global ids are not places in the batch
CHARACTERS = (0, 1, 2)


class Setting:
    """A learner with two frozen snapshots, and what it played: two segments."""

    def __init__(self, roster: Roster) -> None:
        self.policy = Policy(NETWORK, duel_spec(roster), 1)
        alike = np.full((len(roster), NETWORK.mixture_slots), 1 / NETWORK.mixture_slots, np.float32)
        self.frozen = [Policy(NETWORK, duel_spec(roster), seed) for seed in (2, 3)]
        snapshots = [Snapshot(str(i), policy.get_weights(), alike * i) for i, policy in enumerate(self.frozen)]
        self.snapshots = snapshots
        self.graph = InteractionGraph(
            2, CHARACTERS, CHARACTERS, len(roster), SELF_PLAY / MATCHES, "uniform", NETWORK.mixture_slots, (0, 1, 2)
        )
        pool = Pool(NETWORK, duel_spec(roster), snapshots)
        self.rollout = Rollout(
            self.game(roster), self.policy, pool.playing(self.graph), self.graph, SELF_PLAY, SEED, IDS, LENGTH,
            baseline=self.frozen[0],
        )  # fmt: skip
        self.played = []
        for _ in range(2):
            segment, battles = self.rollout.collect()
            kept = Observation(*(x.copy() for x in segment.observation))  # the buffers are used again
            self.played.append((segment._replace(observation=kept), battles))

    def game(self, roster: Roster) -> DuelGame:
        return DuelGame(roster, MATCHES, SEED, match_ids=IDS, staggered=True)

    def character_and_node(self, segment: int, step: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Who fights next in each match after this step of this segment, were it to end: the matchmaker's draws."""
        chance = uniforms(SEED, OPPONENTS, segment, IDS, (length, 2))[:, step]
        return self.graph.draw(chance, SELF_PLAY)

    def opponent_action(self, node: int, observation: Observation, chance: np.ndarray) -> np.ndarray:
        """What a frozen node does in one row, by its own network alone."""
        which, character = node // len(CHARACTERS), CHARACTERS[node % len(CHARACTERS)]
        mixture = self.snapshots[which].mixture[character]
        return (
            self.frozen[which]
            .act(Observation(*(x[None] for x in observation)), mixture[None], np.ascontiguousarray(chance[None]))[0]
            .numpy()[0]
        )


@pytest.fixture(scope="module")
def setting(roster: Roster) -> Setting:
    return Setting(roster)


def row(player: int, match: int) -> int:
    return player * MATCHES + match


def test_a_slow_replay_gives_the_same_segments(setting: Setting, roster: Roster) -> None:
    """Match by match: the learner's recorded actions and, for the other side, what each frozen network does alone give
    the recorded observations, rewards, ends and counts."""
    game = setting.game(roster)
    character, node = setting.character_and_node(0, 0, 1)
    seen = game.reset(np.stack([character, setting.graph.node_character(node)]))
    total_ended = 0
    for number, (segment, battles) in enumerate(setting.played, start=1):
        wins, games = np.zeros_like(battles.wins), np.zeros_like(battles.games)
        noise = uniforms(SEED, ACTIONS, number, IDS, (LENGTH, 2, game.spec.movements + game.spec.skills))
        for t in range(LENGTH):
            for module, recorded in zip(seen, segment.observation, strict=True):
                assert np.array_equal(module.reshape(-1, *module.shape[2:]), recorded[t])
            actions = np.zeros((2, MATCHES, 2), np.int32)
            for b in range(MATCHES):
                actions[0, b] = segment.action[t, row(0, b)]
                own = b < SELF_PLAY
                one = Observation(*(x[1, b] for x in seen))
                actions[1, b] = segment.action[t, row(1, b)] if own else setting.opponent_action(
                    int(node[b]), one, noise[b, t, 1]
                )  # fmt: skip
            following = setting.character_and_node(number, t, LENGTH)
            game.assign(np.stack([following[0], setting.graph.node_character(following[1])]))
            seen, step = game.step(actions)
            for b in range(MATCHES):
                assert segment.reward[t, row(0, b)] == step.reward[0, b] and segment.done[t, row(0, b)] == step.done[b]
                if b < SELF_PLAY:
                    assert segment.reward[t, row(1, b)] == -step.reward[0, b]
                    assert segment.done[t, row(1, b)] == step.done[b]
                if step.done[b]:
                    edge = character[b], node[b]
                    wins[edge] += step.outcome[b]
                    games[edge] += 1
                    if b < SELF_PLAY:  # the same battle, seen from the other side
                        other = setting.graph.node_character(node[b])
                        back = other, setting.graph.frozen_nodes + CHARACTERS.index(character[b])
                        wins[back] += 1 - step.outcome[b]
                        games[back] += 1
                    character[b], node[b] = following[0][b], following[1][b]
                    total_ended += 1
        assert np.array_equal(wins, battles.wins) and np.array_equal(games, battles.games)
    assert total_ended >= 1  # battles ended within the two segments


def test_what_is_recorded_of_the_policy_is_what_it_says(setting: Setting) -> None:
    """Log-probabilities, values, baseline and bootstrap, each computed anew for a row at a time."""
    segment, _ = setting.played[1]
    for t in (0, LENGTH - 1):
        for r in range(LEARNER_ROWS):
            one = Observation(*(tf.constant(x[t, r : r + 1]) for x in segment.observation))
            mixture = tf.constant(segment.mixture[t, r : r + 1])
            output = setting.policy(one, mixture)
            movement, skill = distributions(output, one.mask)
            expected = movement.log_prob(segment.action[t, r : r + 1, 0]) + skill.log_prob(
                segment.action[t, r : r + 1, 1]
            )
            assert segment.log_prob[t, r] == pytest.approx(float(expected[0]), abs=1e-5)
            assert segment.value[t, r] == pytest.approx(float(output.value[0]), abs=1e-5)
            assert segment.baseline[t, r] == pytest.approx(float(setting.frozen[0](one, mixture).value[0]), abs=1e-5)
    last = Observation(*(tf.constant(x[LENGTH, :LEARNER_ROWS]) for x in segment.observation))
    after = setting.policy(last, tf.constant(segment.mixture[LENGTH])).value
    np.testing.assert_allclose(segment.bootstrap_value, after, atol=1e-5)
    # The next segment begins where this one was cut.
    first, following = setting.played
    for cut, begin in zip(first[0].observation, following[0].observation, strict=True):
        assert np.array_equal(cut[LENGTH], begin[0])


def test_actions_come_from_the_chance_of_match_and_step_alone(setting: Setting) -> None:
    segment, _ = setting.played[0]
    noise = uniforms(SEED, ACTIONS, 1, IDS, (LENGTH, 2, 19))
    for t, b, player in ((0, 0, 0), (3, 1, 1), (9, 5, 0)):
        r = row(player, b)
        one = Observation(*(tf.constant(x[t, r : r + 1]) for x in segment.observation))
        output: PolicyOutput = setting.policy(one, tf.constant(segment.mixture[t, r : r + 1]))
        again = sample(output, one.mask, tf.constant(noise[b, t, player][None]))
        assert again.numpy()[0].tolist() == segment.action[t, r].tolist()
