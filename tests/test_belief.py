"""The posterior over opponents, against Bayes' rule worked by hand and against a game's exact tables."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmarks.belief_measures import OfNetworks
from camtf.checkpoint import RunDirectory
from camtf.config import ConfigError, NetworkConfig, override, preset
from camtf.evaluation import exact
from camtf.games.duel.env import DuelGame
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster
from camtf.games.matrix import rock_paper_scissors
from camtf.games.open_spiel import GOOFSPIEL_4, KUHN_POKER, OpenSpielGame
from camtf.learn.rollout import Layout, Rollout, Turn
from camtf.model.policy import Policy
from camtf.population.belief import ByInformationState, ByObservation, belief_of
from camtf.population.matchmaking import Graph, GraphMatchmaker
from camtf.population.payoffs import Nodes
from camtf.population.pool import UNIFORM, Pool
from camtf.population.strategies import Served, one_policy_each
from camtf.population.training import Context
from camtf.types import GameSpec, Observation, Snapshot
from tests.small_game import GUESS

NETWORK = NetworkConfig(trunk=(32,), mixture_slots=4)
N = 12


def strong(spec: GameSpec) -> Policy:
    """One whose behaviour depends strongly on what it is told."""
    policy = Policy(NETWORK, spec, 1)
    rng = np.random.default_rng(2)
    weights = {path: w + rng.normal(0, 0.3, w.shape).astype(np.float32) for path, w in policy.get_weights().items()}
    policy.set_weights(weights)
    return policy


@pytest.fixture(scope="module")
def matches(roster: Roster) -> DuelGame:
    return DuelGame(roster, N, 3)


@pytest.fixture(scope="module")
def seen(matches: DuelGame, roster: Roster) -> Observation:
    characters = np.random.default_rng(1).integers(0, len(roster), (2, N))
    return Observation(*(x[1].copy() for x in matches.reset(characters)))


@pytest.fixture(scope="module")
def policy(roster: Roster) -> Policy:
    return strong(DuelGame(roster, 1, 1).spec)


def of_duel(duel: Duel, policy: Policy, told: np.ndarray) -> ByObservation:
    belief = belief_of(duel, Policy(NETWORK, policy.spec))
    assert isinstance(belief, ByObservation)
    belief.refresh(policy)
    belief.follow(told)
    return belief


def test_it_is_bayes_rule(policy: Policy, seen: Observation, duel: Duel, matches: DuelGame) -> None:
    told = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0.3, 0.7, 0, 0], [0, 0, 0, 0]], np.float32)
    belief = of_duel(duel, policy, told)
    prior = np.array([[0.5, 0.3, 0.2, 0.0], [0.2, 0.0, 0.8, 0.0], [0.0, 1.0, 0.0, 0.0]], np.float32)[np.arange(N) % 3]
    chance = np.random.default_rng(5).random((N, 19)).astype(np.float32)
    action = policy.act(seen, np.repeat(told[[2]], N, axis=0), chance)[0].numpy()
    after = belief.update(Turn(prior, prior, seen, action, matches))
    for n in range(N):
        movements, skills = seen.mask[n, :9].sum(), seen.mask[n, 9:19].sum()
        likelihood = [1 / (movements * skills)]
        for j in (1, 2):
            one = Observation(*(x[n : n + 1] for x in seen))
            likelihood.append(np.exp(float(policy.log_prob_and_value(one, told[[j]], action[[n]])[0][0])))
        expected = prior[n, :3] * likelihood
        np.testing.assert_allclose(after[n, :3], expected / expected.sum(), atol=1e-5)
        assert after[n, 3] == 0.0


def test_strategies_with_networks_of_their_own(
    policy: Policy, seen: Observation, duel: Duel, matches: DuelGame
) -> None:
    """As many copies of one network believe what the one network does."""
    told = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0.3, 0.7, 0, 0]], np.float32)
    config = dataclasses.replace(override(preset("test"), {"game.characters": ()}), network=NETWORK)
    everyone = len(duel.characters)
    snapshots = [Snapshot(f"s{j}", policy.get_weights(), np.tile(told[j], (everyone, 1))) for j in (1, 2)]
    strategies = one_policy_each(snapshots, everyone, uniform_first=True)
    separate = OfNetworks(Context(config, duel, RunDirectory("nowhere")), strategies)
    prior = np.tile(np.float32([0.2, 0.5, 0.3, 0.0]), (N, 1))
    prior[::3] = [0.0, 1.0, 0.0, 0.0]
    chance = np.random.default_rng(5).random((N, 19)).astype(np.float32)
    turn = Turn(prior, prior, seen, policy.act(seen, np.repeat(told[[2]], N, axis=0), chance)[0].numpy(), matches)
    expected = of_duel(duel, policy, np.pad(told, ((0, 1), (0, 0)))).update(turn)
    separate.refresh(Policy(NETWORK, policy.spec, 9))  # a learner's weights change nothing
    np.testing.assert_allclose(separate.update(turn), expected, atol=1e-5)


def test_evidence_finds_the_opponent(policy: Policy, seen: Observation, duel: Duel, matches: DuelGame) -> None:
    """After many decisions of one strategy, the belief is in it; a certain belief stays."""
    told = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], np.float32)
    belief = of_duel(duel, policy, told)
    drawn = now = np.full((N, 4), 0.25, np.float32)
    rng = np.random.default_rng(7)
    for _ in range(200):
        chance = rng.random((N, 19)).astype(np.float32) * 0.998 + 0.001
        action = policy.act(seen, np.repeat(told[[3]], N, axis=0), chance)[0].numpy()
        now = belief.update(Turn(drawn, now, seen, action, matches))
        np.testing.assert_allclose(now.sum(axis=1), 1.0, atol=1e-5)
    assert (now[:, 3] > 0.9).mean() > 0.8
    sure = np.tile(np.float32([0, 1, 0, 0]), (N, 1))
    np.testing.assert_array_equal(belief.update(Turn(sure, sure, seen, action, matches)), sure)


def test_which_games_have_one(roster: Roster) -> None:
    duel, rps = Duel(roster), rock_paper_scissors(3)
    assert isinstance(belief_of(rps, Policy(NETWORK, rps.spec)), ByObservation)
    assert isinstance(belief_of(KUHN_POKER, Policy(NETWORK, KUHN_POKER.spec)), ByInformationState)
    with pytest.raises(
        ConfigError, match=r"generalists.belief needs .*: guess has neither fully_observed .* nor likel"
    ):
        belief_of(GUESS, Policy(NETWORK, GUESS.spec))
    with pytest.raises(ConfigError, match="duel has neither fully_observed"):  # what was chosen is seen when it starts
        belief_of(Duel(roster, input_delay_ticks=2), Policy(NETWORK, duel.spec))


TOLD = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0.3, 0.7, 0, 0], [0, 0, 0, 0]], np.float32)
SIGMA = np.array([0.2, 0.3, 0.5, 0.0])


def rollout_of(game: OpenSpielGame, policy: Policy, matches: int, length: int = 12) -> Rollout:
    """Strategy 3 learns against the uniform one and two others, told what it believes."""
    belief = belief_of(game, Policy(NETWORK, game.spec))
    belief.follow(TOLD)
    belief.refresh(policy)
    nodes = Nodes(4, (0, 1), by_character=False, roles=True)
    told = TOLD.copy()
    told[3] = SIGMA
    matchmaker = GraphMatchmaker(nodes, Graph(np.array([3]), SIGMA[None], told))
    pool = Pool(NETWORK, game.spec, [Snapshot("live", policy.get_weights(), TOLD[:2])])
    serving = np.array([[UNIFORM] * 2, [0, 0], [0, 0], [0, 0]])
    ids = np.arange(matches)
    return Rollout(
        game.make(4, ids), policy, Served(pool, serving), matchmaker, Layout(ids), 5, length, observer=belief
    )


def view(observation: Observation, at: tuple[int, ...]) -> bytes:
    """All that is seen there."""
    return b"".join(leaf[at].tobytes() for leaf in observation)


@pytest.mark.parametrize("game", [GOOFSPIEL_4, KUHN_POKER], ids=["goofspiel", "kuhn"])
def test_with_hidden_information_it_is_the_posterior_of_the_information_state(game: OpenSpielGame) -> None:
    policy, tree = strong(game.spec), game.tree
    tables = [exact.uniform_table(tree), *(exact.policy_table(policy, game, told) for told in TOLD[1:3])]
    expected = np.pad(exact.beliefs(tree, tables, SIGMA[:3]), ((0, 0), (0, 1)))
    assert np.abs(expected - SIGMA).max() > 0.3  # there is something to learn
    states = game.information_states
    number = {view(states, (i,)): i for i in range(len(tree.seat))}
    rollout = rollout_of(game, policy, 400)
    met = set()
    for _ in range(2):
        unroll, _ = rollout.collect()
        for t in range(13):
            own = [number[view(unroll.observation, (t, b))] for b in range(400)]
            np.testing.assert_allclose(unroll.mixture[t], expected[own], atol=1e-5)
            met |= set(own)
    assert len(met) > len(tree.seat) / 3


def test_a_belief_is_right_as_often_as_it_says() -> None:
    """Where a strategy is believed in more by x, it is the opponent more often by x: the regression's slope is 1."""
    n = 6_000
    rollout = rollout_of(GOOFSPIEL_4, strong(GOOFSPIEL_4.spec), n, length=2)
    rollout.collect()
    state = rollout.state()
    for j in range(3):
        believed, right = state["told"][:, 0, j].astype(np.float64), state["strategy"][:, 1] == j
        assert right.mean() == pytest.approx(believed.mean(), abs=4 * 0.5 / n**0.5)
        error = right.std() / (n**0.5 * believed.std())
        assert error < 0.2  # else this says nothing
        assert np.cov(right, believed)[0, 1] / believed.var() == pytest.approx(1.0, abs=4 * error)
