"""From the interaction graph to matchups."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from camtf.learn.rollout import EVALUATED, LEARNED, MIRRORED
from camtf.population.matchmaking import NO_SLOT, Graph, GraphMatchmaker, search
from camtf.population.meta_strategies import pfsp_row
from camtf.population.payoffs import Nodes

WIDTH = 4


def by_character() -> GraphMatchmaker:
    """Strategies 0 and 1 are frozen, 2 learns; characters 3 and 7."""
    nodes = Nodes(3, (3, 7), by_character=True)
    sigma = np.array([[0.0, 0.25, 0.0, 0.75, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    mirror = np.array([[0.0, 0.0, 0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.5, 0.5]])
    told = np.arange(24, dtype=np.float32).reshape(6, 4)
    return GraphMatchmaker(nodes, Graph(np.array([4, 5]), sigma, told, mirror))


def slots(any_mixture: float = 0.0) -> GraphMatchmaker:
    """Three slots for characters 3 and 7; 1 and 2 learn, all pairs of them are counted."""
    nodes = Nodes(3, (3, 7), by_character=False)
    sigma = np.array([[1.0, 0.0, 0.0], [0.25, 0.75, 0.0]])
    told = np.pad(np.concatenate([np.zeros((1, 3)), sigma]), ((0, 0), (0, 1))).astype(np.float32)
    graph = Graph(
        np.array([1, 2]), sigma, told, None, np.array([(1, 0), (2, 0), (2, 1)]), any_mixture, np.array([0, 1])
    )
    return GraphMatchmaker(nodes, graph)


def chance(matchmaker: GraphMatchmaker, *shape: int) -> np.ndarray:
    return np.random.default_rng(4).random((*shape, matchmaker.chances), np.float32)


def test_draws_follow_sigma() -> None:
    matchmaker = by_character()
    drawn = matchmaker.draw(chance(matchmaker, 40_000), np.full(40_000, LEARNED))
    assert drawn.strategy.shape == drawn.character.shape == (2, 40_000)
    assert (drawn.strategy[0] == 2).all()
    first = drawn.character[0] == 3
    assert first.mean() == pytest.approx(0.5, abs=0.01) and set(drawn.character[0]) == {3, 7}
    own = drawn.strategy[1][first] * 10 + drawn.character[1][first]
    assert set(own) == {7, 17} and (own == 17).mean() == pytest.approx(0.75, abs=0.01)
    assert (drawn.strategy[1][~first] == 0).all() and (drawn.character[1][~first] == 3).all()


def test_each_side_is_told_its_own_node() -> None:
    matchmaker = by_character()
    drawn = matchmaker.draw(chance(matchmaker, 50), np.full(50, LEARNED))
    node = matchmaker.nodes.of(drawn.strategy, drawn.character)
    np.testing.assert_array_equal(drawn.mixture, matchmaker.graph.told[node])


def test_mirrored_matches_meet_own_nodes() -> None:
    matchmaker = by_character()
    kind = np.repeat([MIRRORED, LEARNED], [300, 300])
    drawn = matchmaker.draw(chance(matchmaker, 5, 600), kind)
    assert drawn.strategy.shape == (5, 2, 600) and drawn.mixture.shape == (5, 2, 600, WIDTH)
    assert (drawn.strategy[:, 1, :300] == 2).all() and (drawn.strategy[:, 1, 300:] < 2).all()
    third = drawn.character[:, 0, :300] == 3
    assert (drawn.character[:, 1, :300][third] == 7).all()
    assert (drawn.character[:, 1, :300][~third] == 3).mean() == pytest.approx(0.5, abs=0.06)


def test_pairs_that_are_only_counted_are_uniform_and_so_are_characters() -> None:
    matchmaker = slots()
    drawn = matchmaker.draw(chance(matchmaker, 30_000), np.full(30_000, EVALUATED))
    pair = drawn.strategy[0] * 10 + drawn.strategy[1]
    values, counts = np.unique(pair, return_counts=True)
    assert values.tolist() == [10, 20, 21]
    np.testing.assert_allclose(counts / 30_000, 1 / 3, atol=0.01)
    both = drawn.character[0] * 10 + drawn.character[1]
    np.testing.assert_allclose(np.unique(both, return_counts=True)[1] / 30_000, 0.25, atol=0.01)


@pytest.mark.parametrize("any_mixture", [0.0, 0.5])
def test_roles_meet_each_other(any_mixture: float) -> None:
    """A character is drawn for the learner, the opponent has the other one."""
    nodes = Nodes(3, (0, 1), by_character=False, roles=True)
    graph = dataclasses.replace(slots().graph, any_mixture=any_mixture)
    matchmaker = GraphMatchmaker(nodes, graph)
    kind = np.repeat([LEARNED, EVALUATED], 500)
    drawn = matchmaker.draw(chance(matchmaker, 1_000), kind)
    np.testing.assert_array_equal(drawn.character.sum(axis=0), 1)
    assert drawn.character[0].mean() == pytest.approx(0.5, abs=0.05)


def test_nodes_of_one_role_never_meet() -> None:
    """Where characters are nodes, a solver weighs those of the other role alone."""
    nodes = Nodes(2, (0, 1), by_character=True, roles=True)
    rates = np.array([[0.9, 0.1, 0.5, 0.5], [0.2, 0.6, 0.5, 0.5]])
    found = nodes.mixtures(pfsp_row, np.array([2, 3]), rates)
    expected = [[0.0, 0.9 / 1.4, 0.0, 0.5 / 1.4], [0.8 / 1.3, 0.0, 0.5 / 1.3, 0.0]]
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(nodes.mixtures(pfsp_row, np.array([2, 3]), rates[:, 2:], first=2), [[0, 1], [1, 0]])
    matchmaker = GraphMatchmaker(nodes, Graph(np.array([2, 3]), found, np.zeros((4, WIDTH), np.float32)))
    drawn = matchmaker.draw(chance(matchmaker, 500), np.full(500, LEARNED))
    np.testing.assert_array_equal(drawn.character.sum(axis=0), 1)
    free = Nodes(2, (0, 1), by_character=True)
    np.testing.assert_allclose(free.mixtures(pfsp_row, np.array([2, 3]), rates), pfsp_row(rates))


def test_any_mixture_is_told_and_played() -> None:
    """Half of the episodes: the learner is told a mixture of no slot's, and meets opponents drawn from it."""
    matchmaker = slots(any_mixture=0.5)
    drawn = matchmaker.draw(chance(matchmaker, 60_000), np.full(60_000, LEARNED))
    of_any = drawn.strategy[0] == NO_SLOT
    assert of_any.mean() == pytest.approx(0.5, abs=0.01)
    told = drawn.mixture[0][of_any]
    np.testing.assert_allclose(told.sum(axis=1), 1.0, atol=1e-6)
    assert (told[:, 2:] == 0).all()  # slots 0 and 1 alone can be mixed
    share = told[:, 1]  # of a symmetric Dirichlet(1) over two: uniform
    np.testing.assert_allclose(np.quantile(share, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.015)
    for low in (0.0, 0.25, 0.5, 0.75):
        near = (share >= low) & (share < low + 0.25)
        assert (drawn.strategy[1][of_any][near] == 1).mean() == pytest.approx(share[near].mean(), abs=0.02)
    np.testing.assert_array_equal(drawn.mixture[1], matchmaker.graph.told[drawn.strategy[1]])  # its own row


def test_a_draw_depends_on_its_own_chance_alone() -> None:
    matchmaker = slots(any_mixture=0.5)
    numbers = chance(matchmaker, 3, 40)
    kind = np.repeat([LEARNED, EVALUATED], 20)
    whole = matchmaker.draw(numbers, kind)
    part = matchmaker.draw(numbers[1:2, 10:30], kind[10:30])
    for a, b in zip(whole, part, strict=True):
        np.testing.assert_array_equal(a[1:2, :, 10:30], b)


def test_nodes_without_mass_are_never_drawn() -> None:
    """Also by the largest and smallest uniform numbers, where sums end a rounding error off 1."""
    sigma = np.array([[0.0, 0.1, 0.2, 0.0, 0.7, 0.0], [0.0, 0.0, 1.0 - 1e-16, 0.0, 0.0, 0.0]])
    uniforms = np.array([2.0**-24, 0.5, 1.0 - 2.0**-24], np.float32)
    for row in range(2):
        drawn = search(np.cumsum(sigma, axis=1), np.full(3, row), uniforms)
        assert (sigma[row, drawn] > 0).all()


def test_what_a_policy_is_told_as_each_character() -> None:
    table = by_character().conditioning(9)
    np.testing.assert_array_equal(table[[3, 7]], by_character().graph.told[[4, 5]])
    assert (np.delete(table, [3, 7], axis=0) == 0).all()
    table = slots().conditioning(9)
    np.testing.assert_array_equal(table[[3, 7]], np.repeat(slots().graph.told[[2]], 2, axis=0))
