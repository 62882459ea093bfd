"""Policies of a small game in sequence form (von Stengel 1996, "Efficient computation of behavior strategies").

A policy is a table float64 ``[I, K]``: probabilities of the K actions in each of the I information states of both
seats. Its *plan* is the product of its own probabilities along each sequence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camtf.games.tree import GameTree


def plan(tree: GameTree, table: np.ndarray) -> np.ndarray:
    """Own probability of every sequence, ``[I K + 1]``; the last is the empty one's, 1.

    Raises:
        ValueError: the table is no table of probabilities of legal actions, or the game forgets.
    """
    _check(tree, table)
    reach = np.zeros(tree.sequences)
    reach[-1] = 1.0
    by_state = reach[:-1].reshape(table.shape)
    for states in tree.stages:
        by_state[states] = reach[tree.prior[states], None] * table[states]
    return reach


def likelihoods(tree: GameTree, opponents: Sequence[np.ndarray]) -> np.ndarray:
    """How likely it is to come to each information state against each opponent, own choices aside, ``[I, n]``."""
    at, seat = np.nonzero(tree.info >= 0)
    state, others = tree.info[at, seat], tree.sequence[at, 1 - seat]
    reach = [tree.chance_reach[at] * plan(tree, table)[others] for table in opponents]
    return np.stack([np.bincount(state, r, len(tree.seat)) for r in reach], axis=-1)


def _check(tree: GameTree, table: np.ndarray) -> None:
    if table.shape != tree.legal.shape:
        raise ValueError(f"a table of {tree.name} must have shape {tree.legal.shape}, got {table.shape}")
    wrong = ~np.isclose(np.where(tree.legal, table, 0.0).sum(axis=1), 1.0, atol=1e-6) | (table < 0.0).any(axis=1)
    if wrong.any():
        state = int(np.argmax(wrong))
        raise ValueError(
            f"a table must hold probabilities of legal actions; state {state} of {tree.name} has {table[state]}, "
            f"legal are {np.flatnonzero(tree.legal[state]).tolist()}"
        )
    if not tree.remembers:
        raise ValueError(f"{tree.name} has information states that forget; exact values need perfect recall")
