"""Exact values: against walks through OpenSpiel's own states, its exploitability, brute force and known answers."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pyspiel
import pytest
from open_spiel.python import policy as spiel_policy
from open_spiel.python.algorithms import exploitability as spiel_exploitability
from scipy import sparse
from scipy.optimize import linprog

from camtf.config import NetworkConfig
from camtf.evaluation.exact import (
    beliefs,
    best_response,
    exploitability,
    gain,
    information_use,
    payoffs,
    plan,
    policy_table,
    row_gap,
    uniform_table,
    uninformed_response,
    value,
)
from camtf.games.open_spiel import GOOFSPIEL_4, GOOFSPIEL_5, KUHN_POKER, LEDUC_POKER, OpenSpielGame
from camtf.games.tree import GameTree
from camtf.model.policy import Policy
from camtf.types import Observation

PASS, BET, WAIT = range(3)


def random_tables(tree: GameTree, n: int, seed: int = 0) -> list[np.ndarray]:
    """Policies of all kinds: nearly pure to nearly uniform."""
    odds = np.random.default_rng(seed).gamma(0.5, size=(n, *tree.legal.shape)) * tree.legal + 1e-6 * tree.legal
    return list(odds / odds.sum(axis=-1, keepdims=True))


def walked_value(game: OpenSpielGame, first: np.ndarray, second: np.ndarray) -> float:
    """The first seat's value by recursion over OpenSpiel's states."""
    tree = game.tree

    def walk(state: Any, node: int) -> float:
        if state.is_terminal():
            return state.returns()[0]
        children = range(tree.first_child[node], len(tree.end))
        if state.is_chance_node():
            return sum(
                p * walk(state.child(a), c) for (a, p), c in zip(state.chance_outcomes(), children, strict=False)
            )
        total, turn = 0.0, state.current_player()
        legal = [np.flatnonzero(tree.legal[i]) for i in tree.info[node]]
        for actions, c in zip(itertools.product(*legal), children, strict=False):
            child = state.clone()
            if turn == pyspiel.PlayerId.SIMULTANEOUS:
                child.apply_actions([int(a) for a in actions])
            else:
                child.apply_action(int(actions[turn]))
            chance = first[tree.info[node, 0], actions[0]] * second[tree.info[node, 1], actions[1]]
            total += chance * walk(child, c)
        return total

    return walk(pyspiel.load_game(game.game).new_initial_state(), 0)


def nash(payoff: np.ndarray) -> np.ndarray:
    """An equilibrium of a square zero-sum game, by linear programming."""
    n = len(payoff)
    rows = np.hstack([-payoff.T, np.ones((n, 1))])
    bounds = [(0, None)] * n + [(None, None)]
    solved = linprog([0] * n + [-1], rows, np.zeros(n), [[1] * n + [0]], [1], bounds)
    mixture = np.maximum(solved.x[:n], 0.0)
    return mixture / mixture.sum()


def game_value(tree: GameTree) -> float:
    """The first seat's value in equilibrium, by linear programming over sequences (Koller, Megiddo and von Stengel
    1996): the largest that its plan x can secure, where q holds what each decision of the second seat leaves it."""
    count, actions = tree.sequences, tree.actions
    states, ends = np.arange(len(tree.seat)), np.flatnonzero(tree.end)
    own, other = (states[tree.acting & (tree.seat == p)] for p in range(2))
    x, q = np.arange(count), count + np.arange(len(states) + 1)  # variables; the last q is the value of the game

    def taken(which: np.ndarray) -> np.ndarray:
        state, action = np.nonzero(tree.legal[which])
        return which[state] * actions + action

    flow = sparse.lil_array((len(own) + 1, count + len(q)))
    flow[0, x[-1]] = 1.0
    for row, state in enumerate(own, 1):
        flow[row, x[taken(np.array([state]))]] = 1.0
        flow[row, x[tree.prior[state]]] -= 1.0
    number = np.full(count, -1)
    leaving = np.append(taken(other), count - 1)
    number[leaving] = np.arange(len(leaving))
    secured = sparse.lil_array((len(leaving), count + len(q)))  # q before a sequence <= what follows it
    secured[number[taken(other)], q[taken(other) // actions]] = 1.0
    secured[number[-1], q[-1]] = 1.0
    for state in other:
        secured[number[tree.prior[state]], q[state]] -= 1.0
    ends_at = number[tree.sequence[ends, 1]], x[tree.sequence[ends, 0]]
    paid = sparse.coo_array((tree.chance_reach[ends] * tree.returns[ends], ends_at), secured.shape).tocsr()
    bounds = [(0, None)] * count + [(None, None)] * len(q)
    aim = np.zeros(count + len(q))
    aim[q[-1]] = -1.0
    right = np.zeros(len(own) + 1)
    right[0] = 1.0
    solved = linprog(aim, secured.tocsr() - paid, np.zeros(len(leaving)), flow.tocsr(), right, bounds)
    return float(-solved.fun)


def test_known_exploitability_of_uniform_play() -> None:
    for game, known in ((GOOFSPIEL_4, 1.25), (GOOFSPIEL_5, 2.0)):
        assert exploitability(game.tree, [uniform_table(game.tree)]) == pytest.approx(known, abs=1e-9)


def test_known_values_of_equilibria() -> None:
    assert game_value(KUHN_POKER.tree) == pytest.approx(-1 / 18, abs=1e-7)
    assert game_value(LEDUC_POKER.tree) == pytest.approx(-0.0856, abs=5e-5)
    assert game_value(GOOFSPIEL_4.tree) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("game", [KUHN_POKER, GOOFSPIEL_4], ids=["kuhn_poker", "goofspiel"])
def test_value_is_that_of_a_walk_through_all_histories(game: OpenSpielGame) -> None:
    one, two = random_tables(game.tree, 2)
    forth, back = walked_value(game, one, two), walked_value(game, two, one)
    assert value(game.tree, one, two) == pytest.approx(forth) and abs(forth) > 0.01
    matrix = payoffs(game.tree, [one, two])
    assert matrix[0, 1] == pytest.approx((forth - back) / 2) and matrix[0, 0] == 0.0
    assert np.array_equal(matrix, -matrix.T)
    assert gain(game.tree, one, [two]) == pytest.approx(matrix[0, 1])


def test_exploitability_is_that_of_open_spiel() -> None:
    loaded, tree = pyspiel.load_game("kuhn_poker"), KUHN_POKER.tree
    seen = KUHN_POKER.information_states.basic
    for table in random_tables(tree, 5):
        theirs = spiel_policy.TabularPolicy(loaded)
        for state in theirs.states:
            player = state.current_player()
            (here,) = np.flatnonzero(
                tree.acting & (tree.seat == player) & (seen == state.information_state_tensor(player)).all(axis=1)
            )
            theirs.policy_for_key(state.information_state_string())[:] = table[here, :2]
        assert exploitability(tree, [table]) == pytest.approx(spiel_exploitability.exploitability(loaded, theirs))


def test_best_response_to_a_mixture_is_the_best_of_all_pure_policies() -> None:
    """Kuhn poker, where a seat has 64 of them. The opponent is drawn before a game and kept."""
    tree, opponents, weights = KUHN_POKER.tree, random_tables(KUHN_POKER.tree, 3), np.array([0.5, 0.3, 0.2])
    best = 0.0
    for seat in range(2):
        states = np.flatnonzero(tree.acting & (tree.seat == seat))
        gains = []
        for choices in itertools.product((PASS, BET), repeat=6):
            table = uniform_table(tree)
            table[states] = np.eye(3)[list(choices)]
            pairs = [(table, other) if seat == 0 else (other, table) for other in opponents]
            gains.append((1 - 2 * seat) * weights @ [value(tree, *pair) for pair in pairs])
        best += max(gains) / 2
    table, found = best_response(tree, opponents, weights)
    assert found == pytest.approx(best) and gain(tree, table, opponents, weights) == pytest.approx(best)
    assert row_gap(tree, table, opponents, weights) == pytest.approx(0.0, abs=1e-12)
    assert row_gap(tree, opponents[0], opponents, weights) > 0.01
    assert found < weights @ [exploitability(tree, [other]) for other in opponents] - 0.01


def test_beliefs_follow_from_what_is_seen() -> None:
    """Kuhn poker. One opponent always bets, one with probability 1/4, each as likely: after a bet 4 to 1."""
    tree = KUHN_POKER.tree
    opponents = []
    for probability in (1.0, 0.25):
        table = uniform_table(tree)
        table[tree.acting] = [1 - probability, probability, 0.0]
        opponents.append(table)
    believed = beliefs(tree, opponents, np.array([0.5, 0.5]))
    second = np.flatnonzero(tree.acting & (tree.seat == 1))
    betting = KUHN_POKER.information_states.basic[second, 6] == 1.0
    np.testing.assert_allclose(believed[second[betting]], [[0.8, 0.2]] * 3)
    np.testing.assert_allclose(believed[second[~betting]], [[0.0, 1.0]] * 3)
    first = np.flatnonzero(tree.acting & (tree.seat == 0) & (tree.prior == tree.sequences - 1))
    np.testing.assert_allclose(believed[first], [[0.5, 0.5]] * 3)
    never = beliefs(tree, opponents[:1] * 2, np.array([0.9, 0.1]))  # neither ever passes
    np.testing.assert_allclose(never, [[0.9, 0.1]] * len(never))


def test_the_best_response_acts_on_its_beliefs() -> None:
    """Against the mean behaviour by belief, instead of the mixture, the best response gains the same (Kuhn 1953)."""
    tree, weights = GOOFSPIEL_4.tree, np.array([0.2, 0.5, 0.3])
    opponents = random_tables(tree, 3, seed=4)
    reach = np.stack([plan(tree, table)[:-1].reshape(table.shape) for table in opponents])
    before = np.stack([plan(tree, table)[tree.prior] for table in opponents])
    acted = np.einsum("n,nik->ik", weights, reach) / np.einsum("n,ni->i", weights, before)[:, None]
    assert best_response(tree, [acted])[1] == pytest.approx(best_response(tree, opponents, weights)[1])


def test_double_oracle_is_not_monotone() -> None:
    """Goofspiel with 5 cards: the equilibrium over uniform play and 8 exact best responses is still exploited by about
    2, more than after 6. How far depends on which of equal actions a best response takes (1.8 to 2.5)."""
    tree, found = GOOFSPIEL_5.tree, []
    population = [uniform_table(tree)]
    for _ in range(9):
        table, exploited = best_response(tree, population, nash(payoffs(tree, population)))
        population.append(table)
        found.append(exploited)
    assert found[:2] == pytest.approx([2.0, 2.5]) and max(found) > 3.0
    assert 1.7 < found[8] < 2.6 and found[8] > found[0] - 0.3


def test_information_use() -> None:
    """Random mixtures of uniform play and 4 exact best responses: all of it, and nothing of it."""
    tree = GOOFSPIEL_4.tree
    population = [uniform_table(tree)]
    for _ in range(4):
        population.append(best_response(tree, population, nash(payoffs(tree, population)))[0])
    mixtures = np.random.default_rng(0).dirichlet(np.ones(5), 12)
    exact = [best_response(tree, population, m)[0] for m in mixtures]
    uninformed = [uninformed_response(tree, population, m)[0] for m in mixtures]
    used = information_use(tree, population, mixtures, exact)
    assert used.share == pytest.approx(1.0) and used.exact > used.uninformed + 0.05
    assert used.exact == pytest.approx(np.mean([exploitability(tree, population, m) for m in mixtures]))
    assert information_use(tree, population, mixtures, uninformed).share == pytest.approx(0.0)
    with pytest.raises(ValueError, match="one table for each of 12 mixtures, got 2"):
        information_use(tree, population, mixtures, exact[:2])


def test_with_nothing_to_learn_of_the_opponent_the_uninformed_response_is_the_best_one() -> None:
    tree = GOOFSPIEL_4.tree
    (other,) = random_tables(tree, 1)
    twins, weights = [other, other], np.array([0.3, 0.7])
    assert uninformed_response(tree, twins, weights)[1] == pytest.approx(best_response(tree, [other])[1])


@pytest.fixture(scope="module")
def policy() -> Policy:
    """Its heads are far from uniform and depend on the mixture."""
    made = Policy(NetworkConfig(trunk=(32,)), LEDUC_POKER.spec, seed=2)
    weights = made.get_weights()
    made.set_weights({**weights, "skill/kernel": 200.0 * weights["skill/kernel"]})
    return made


def test_the_table_of_a_network_is_how_it_plays(policy: Policy, rng: np.random.Generator) -> None:
    matches = LEDUC_POKER.make(0, np.arange(200))
    seen = matches.reset(np.stack([np.arange(200) % 2, 1 - np.arange(200) % 2]))
    mixture = rng.dirichlet(np.ones(policy.config.mixture_slots), 2).astype(np.float32)
    tables = [policy_table(policy, LEDUC_POKER, m) for m in mixture]
    assert np.abs(tables[0] - tables[1]).max() > 0.05
    tables.append(policy_table(policy, LEDUC_POKER, mixture[LEDUC_POKER.tree.seat]))
    for seat, table in enumerate(tables[:2]):
        which = LEDUC_POKER.tree.seat == seat
        np.testing.assert_allclose(tables[2][which], table[which], atol=1e-6)
    for _ in range(3):
        actions, state = np.zeros((2, 200, 2), np.int32), matches.information_state
        for p in range(2):
            uniforms = rng.uniform(1e-6, 1 - 1e-6, (200, 5)).astype(np.float32)
            rows = Observation(*(np.ascontiguousarray(leaf[p]) for leaf in seen))
            chosen, log_prob, _ = policy.act(rows, np.tile(mixture[0], (200, 1)), uniforms)
            actions[p] = chosen.numpy()
            np.testing.assert_allclose(np.exp(log_prob.numpy()), tables[0][state[p], actions[p, :, 1]], atol=1e-5)
        seen, _ = matches.step(actions, seen)
    assert 0.0 < exploitability(LEDUC_POKER.tree, [tables[0]]) < 10.0


def test_a_mixture_of_another_shape_is_refused(policy: Policy) -> None:
    with pytest.raises(ValueError, match=r"mixture must have shape \(16,\) or \(1872, 16\), got \(4,\)"):
        policy_table(policy, LEDUC_POKER, np.zeros(4, np.float32))


def test_what_is_no_policy_no_mixture_or_no_game_that_remembers_is_refused() -> None:
    tree = KUHN_POKER.tree
    table = uniform_table(tree)
    illegal = table.copy()
    illegal[0] = [0.5, 0.0, 0.5]
    with pytest.raises(ValueError, match=r"state 0 of kuhn_poker\(\) has \[0.5 0.  0.5\], legal are \[0, 1\]"):
        value(tree, illegal, table)
    with pytest.raises(ValueError, match=r"must have shape \(24, 3\), got \(24, 2\)"):
        best_response(tree, [table[:, :2]])
    for weights in ([0.5, 0.6], [1.0], [1.5, -0.5]):
        with pytest.raises(ValueError, match="weights must be 2 probabilities, got"):
            best_response(tree, [table, table], np.array(weights))
    forgets = dataclasses.replace(tree, prior=np.roll(tree.prior, 1))
    with pytest.raises(ValueError, match="information states that forget"):
        exploitability(forgets, [table])
