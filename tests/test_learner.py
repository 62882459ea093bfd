"""The learner: what one update does, and that ranks are only a way to share the work."""

from __future__ import annotations

import numpy as np
import pytest

from camtf.config import NetworkConfig, PPOConfig
from camtf.game.env import DuelGame
from camtf.game.observation import duel_spec
from camtf.game.roster import Roster
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
