"""The posterior over opponents, against Bayes' rule worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from camtf.config import NetworkConfig
from camtf.games.duel.env import DuelGame
from camtf.games.duel.roster import Roster
from camtf.model.policy import Policy
from camtf.population.belief import Belief
from camtf.types import Observation

NETWORK = NetworkConfig(trunk=(32,), mixture_slots=4)
N = 12


@pytest.fixture(scope="module")
def seen(roster: Roster) -> Observation:
    game = DuelGame(roster, N, 3)
    return Observation(*(x[1].copy() for x in game.reset(np.random.default_rng(1).integers(0, len(roster), (2, N)))))


@pytest.fixture(scope="module")
def policy(roster: Roster) -> Policy:
    """One whose behaviour depends strongly on what it is told."""
    policy = Policy(NETWORK, DuelGame(roster, 1, 1).spec, 1)
    rng = np.random.default_rng(2)
    weights = {path: w + rng.normal(0, 0.3, w.shape).astype(np.float32) for path, w in policy.get_weights().items()}
    policy.set_weights(weights)
    return policy


def test_it_is_bayes_rule(policy: Policy, seen: Observation) -> None:
    told = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0.3, 0.7, 0, 0], [0, 0, 0, 0]], np.float32)
    belief = Belief(policy)
    belief.follow(told)
    prior = np.array([[0.5, 0.3, 0.2, 0.0], [0.2, 0.0, 0.8, 0.0], [0.0, 1.0, 0.0, 0.0]], np.float32)[np.arange(N) % 3]
    chance = np.random.default_rng(5).random((N, 19)).astype(np.float32)
    action = policy.act(seen, np.repeat(told[[2]], N, axis=0), chance)[0].numpy()
    after = belief.update(prior, seen, action)
    for n in range(N):
        movements, skills = seen.mask[n, :9].sum(), seen.mask[n, 9:19].sum()
        likelihood = [1 / (movements * skills)]
        for j in (1, 2):
            one = Observation(*(x[n : n + 1] for x in seen))
            likelihood.append(np.exp(float(policy.log_prob_and_value(one, told[[j]], action[[n]])[0][0])))
        expected = prior[n, :3] * likelihood
        np.testing.assert_allclose(after[n, :3], expected / expected.sum(), atol=1e-5)
        assert after[n, 3] == 0.0


def test_evidence_finds_the_opponent(policy: Policy, seen: Observation) -> None:
    """After many decisions of one strategy, the belief is in it; a certain belief stays."""
    told = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], np.float32)
    belief = Belief(policy)
    belief.follow(told)
    now = np.full((N, 4), 0.25, np.float32)
    rng = np.random.default_rng(7)
    for _ in range(200):
        chance = rng.random((N, 19)).astype(np.float32) * 0.998 + 0.001
        action = policy.act(seen, np.repeat(told[[3]], N, axis=0), chance)[0].numpy()
        now = belief.update(now, seen, action)
        np.testing.assert_allclose(now.sum(axis=1), 1.0, atol=1e-5)
    assert (now[:, 3] > 0.9).mean() > 0.8
    sure = np.tile(np.float32([0, 1, 0, 0]), (N, 1))
    np.testing.assert_array_equal(belief.update(sure, seen, action), sure)
