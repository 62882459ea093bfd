"""The interaction graph: edges, mixtures, and who is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from camtf.population.graph import InteractionGraph
from camtf.types import Battles


def graph(snapshots: int = 2, share: float = 0.5, solver: str = "exploit") -> InteractionGraph:
    """Characters 0 and 2 of a roster of 3; snapshots have slots 0, 1, ..., the learner the next one."""
    return InteractionGraph(
        snapshots, (0, 2), (0, 2), 3, share, solver, slots=4, slot=tuple(range(snapshots + 1)), conditioning=None
    )


def test_every_edge_begins_at_a_half() -> None:
    g = graph()
    assert g.nodes == 6 and g.frozen_nodes == 4
    assert (g.win_rates == 0.5).all()
    np.testing.assert_allclose(g.sigma[0], [0.125] * 4 + [0.25] * 2)
    np.testing.assert_allclose(g.mixture(np.array([0])), [[0.25, 0.25, 0.5, 0.0]])


def test_the_first_generation_has_itself_alone() -> None:
    g = graph(snapshots=0)
    np.testing.assert_allclose(g.sigma[2], [0.5, 0.5])
    character, node = g.draw(np.random.default_rng(0).random((100, 2)), self_play=100)
    assert set(node) == {0, 1} and set(character) == {0, 2}


def test_an_edge_moves_as_battle_by_battle() -> None:
    g = graph()
    wins, games = np.zeros((3, 6)), np.zeros((3, 6))
    wins[0, 1], games[0, 1] = 3.0, 3.0
    g.update(Battles(wins, games))
    expected = 0.5
    for _ in range(3):
        expected += 0.02 * (1.0 - expected)
    assert g.win_rates[0, 1] == pytest.approx(expected)
    assert (g.win_rates[0, [0, 2, 3, 4, 5]] == 0.5).all() and (g.win_rates[1:] == 0.5).all()
    # What character 0 beats more often, it meets less often.
    assert g.sigma[0, 1] < g.sigma[0, 0] and g.sigma[2, 1] == g.sigma[2, 0]


def test_draws_follow_sigma() -> None:
    g = graph()
    win_rates = np.full((3, 6), 0.5)
    win_rates[0, :4] = [1.0, 0.2, 0.9, 0.9]
    g.restore(win_rates)
    b, self_play = 60_000, 20_000
    character, node = g.draw(np.random.default_rng(3).random((b, 2)), self_play)
    assert abs((character == 0).mean() - 0.5) < 0.01
    assert set(node[:self_play]) == {4, 5}
    frozen = node[self_play:][character[self_play:] == 0]
    share = np.bincount(frozen, minlength=4)[:4] / len(frozen)
    np.testing.assert_allclose(share, [0.0, 0.8, 0.1, 0.1], atol=0.015)
    np.testing.assert_array_equal(g.node_character(np.array([0, 1, 4, 5])), [0, 2, 0, 2])
    np.testing.assert_array_equal(g.snapshot_of(np.array([0, 1, 2, 3])), [0, 0, 1, 1])
    np.testing.assert_array_equal(g.own_node(np.array([0, 2])), [4, 5])


def test_a_fixed_conditioning_stays() -> None:
    conditioning = np.eye(3, 4, dtype=np.float32)
    g = InteractionGraph(1, (0, 2), (2,), 3, 0.0, "exploit", 4, (0, 0), conditioning)
    g.restore(np.random.default_rng(0).random((3, 4)))
    np.testing.assert_array_equal(g.mixture(np.array([2])), conditioning[[2]])
    character, node = g.draw(np.random.default_rng(0).random((50, 2)), self_play=0)
    assert set(character) == {2} and node.max() < 2
