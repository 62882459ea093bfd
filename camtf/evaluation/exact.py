"""Exact values of small games, from the tables of `camtf.games.tree`: no sampling, NumPy alone.

A policy is a table float64 ``[I, K]``: probabilities of the K actions in each of the I information states of both
seats. So one table plays either seat, and what it gains against another is the mean over both seatings: whatever the
seats are, this is a symmetric zero-sum game. Gains are in returns.

Everything runs over sequences (`camtf.games.sequences`): a policy becomes the product of its own probabilities along
each sequence, its *plan*; a mixture of policies, one of which is drawn before the game and kept, is the weighted sum of
their plans.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from camtf.games.sequences import likelihoods, plan
from camtf.games.tree import GameTree
from camtf.types import Observation

if TYPE_CHECKING:
    from camtf.model.policy import Policy


_TIE = 1e-12
"""Gains that differ by less are equal: rounding does not choose."""


class Enumerated(Protocol):
    """A game that can list all that is ever seen in it, such as `camtf.games.open_spiel.OpenSpielGame`."""

    @property
    def information_states(self) -> Observation:
        """What is seen in each information state, leaves ``[I, ...]``."""


def policy_table(policy: Policy, game: Enumerated, mixture: np.ndarray) -> np.ndarray:
    """Probabilities ``[I, K]`` of a network in every information state, in one call.

    Args:
        policy: of the game's shapes.
        game: whose information states.
        mixture: what the network is told, ``[S]``, or ``[I, S]`` where it differs (by seat: ``by_seat[tree.seat]``).
    """
    seen = game.information_states
    slots = policy.config.mixture_slots
    if mixture.shape not in ((slots,), (len(seen.mask), slots)):
        raise ValueError(f"mixture must have shape {(slots,)} or {(len(seen.mask), slots)}, got {mixture.shape}")
    told = np.ascontiguousarray(np.broadcast_to(mixture, (len(seen.mask), slots)), np.float32)
    logits = np.asarray(policy(seen, told).skill, np.float64)
    legal = seen.mask[:, policy.spec.movements : policy.spec.movements + policy.spec.skills] > 0.0
    odds = np.exp(logits - np.max(logits, axis=-1, where=legal, initial=-np.inf, keepdims=True)) * legal
    return odds / odds.sum(axis=-1, keepdims=True)


def uniform_table(tree: GameTree) -> np.ndarray:
    """Uniform over the legal actions, ``[I, K]``."""
    return tree.legal / tree.legal.sum(axis=1, keepdims=True)


def payoffs(tree: GameTree, tables: Sequence[np.ndarray]) -> np.ndarray:
    """What each policy gains against each, ``[n, n]``, antisymmetric: the mean over both seatings."""
    ends = np.flatnonzero(tree.end)
    first, second = (np.stack([plan(tree, t)[tree.sequence[ends, p]] for t in tables]) for p in range(2))
    as_first = (first * (tree.chance_reach[ends] * tree.returns[ends])) @ second.T
    return (as_first - as_first.T) / 2.0


def value(tree: GameTree, first: np.ndarray, second: np.ndarray) -> float:
    """What the first seat gains where ``first`` plays it and ``second`` plays the other."""
    ends = np.flatnonzero(tree.end)
    reach = plan(tree, first)[tree.sequence[ends, 0]] * plan(tree, second)[tree.sequence[ends, 1]]
    return float(reach @ (tree.chance_reach[ends] * tree.returns[ends]))


def best_response(
    tree: GameTree, opponents: Sequence[np.ndarray], weights: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """The best policy against a mixture of policies, one of which is drawn before a game and kept.

    It is the Bayes-optimal one: what the opponent's play gives away of who it is weighs its plan, and so the values.

    Args:
        opponents: n tables.
        weights: ``[n]``, how likely each is; needless where there is one.

    Returns:
        A table of certainties, and what it gains over both seats. Of equal actions it takes the first, and so the
        first legal one in a state that these opponents never let happen.
    """
    mixed = _mixed_plan(tree, opponents, weights)
    gains = _gains(tree, mixed)
    best = np.where(tree.legal, 0.0, -np.inf)
    for states in reversed(tree.stages):
        best[states] = np.where(tree.legal[states], gains[:-1].reshape(tree.legal.shape)[states], -np.inf)
        np.add.at(gains, tree.prior[states], best[states].max(axis=1))
    chosen = (best >= best.max(axis=1, keepdims=True) - _TIE).argmax(axis=1)
    table = np.zeros(tree.legal.shape)
    table[np.arange(len(table)), chosen] = 1.0
    return table, float(gains[-1]) / 2.0


def exploitability(tree: GameTree, opponents: Sequence[np.ndarray], weights: np.ndarray | None = None) -> float:
    """What the best response gains against a policy, or a mixture as in `best_response`: NashConv / 2."""
    return best_response(tree, opponents, weights)[1]


def gain(
    tree: GameTree, table: np.ndarray, opponents: Sequence[np.ndarray], weights: np.ndarray | None = None
) -> float:
    """What a policy gains against a mixture, over both seats."""
    return float(plan(tree, table) @ _gains(tree, _mixed_plan(tree, opponents, weights))) / 2.0


def row_gap(tree: GameTree, table: np.ndarray, opponents: Sequence[np.ndarray], weights: np.ndarray) -> float:
    """How far a policy is from the best response to its row of an interaction graph,
    ``max_pi U(pi, sigma) - U(table, sigma)``."""
    return best_response(tree, opponents, weights)[1] - gain(tree, table, opponents, weights)


def beliefs(tree: GameTree, opponents: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Who the opponent is, as far as each information state tells, ``[I, n]``: the posterior of the mixture. What no
    opponent lets happen leaves it as it was."""
    joint = likelihoods(tree, opponents) * weights
    total = joint.sum(axis=1, keepdims=True)
    return np.where(total > 0.0, joint / np.where(total > 0.0, total, 1.0), weights)


def uninformed_response(
    tree: GameTree, opponents: Sequence[np.ndarray], weights: np.ndarray
) -> tuple[np.ndarray, float]:
    """The best policy of a player who knows the mixture and never learns from play who of it the opponent is.

    It plans as if the opponent were drawn anew at each of its decisions: against the mean of their behaviour in every
    state by the weights alone, not by how likely each of them is to have come there. What it knows of the game (its
    own cards, who won which prize) it uses.

    Returns:
        Its table, and what it gains against the mixture as it is, the opponent kept.
    """
    behaviour = np.einsum("n,nik->ik", weights, np.stack(opponents))
    table, _ = best_response(tree, [behaviour])
    return table, gain(tree, table, opponents, weights)


class InformationUse(NamedTuple):
    """Means over mixtures, in returns."""

    gain: float  # J, of the policies that were given
    exact: float  # J_exact, of the Bayes-optimal responses
    uninformed: float  # J_uninformed, of responses that keep the prior

    @property
    def share(self) -> float:
        """``(J - J_uninformed) / (J_exact - J_uninformed)``: 1 for all that play gives away, 0 for nothing of it."""
        return (self.gain - self.uninformed) / (self.exact - self.uninformed)


def information_use(
    tree: GameTree, opponents: Sequence[np.ndarray], mixtures: np.ndarray, tables: Sequence[np.ndarray]
) -> InformationUse:
    """What policies make of what the opponent gives away of itself.

    Args:
        opponents: n tables.
        mixtures: ``[m, n]``, weights of the opponents.
        tables: m policies, each told its mixture (`policy_table`).
    """
    if len(mixtures) != len(tables):
        raise ValueError(f"there must be one table for each of {len(mixtures)} mixtures, got {len(tables)}")
    return InformationUse(
        gain=float(np.mean([gain(tree, t, opponents, m) for t, m in zip(tables, mixtures, strict=True)])),
        exact=float(np.mean([best_response(tree, opponents, m)[1] for m in mixtures])),
        uninformed=float(np.mean([uninformed_response(tree, opponents, m)[1] for m in mixtures])),
    )


def _mixed_plan(tree: GameTree, opponents: Sequence[np.ndarray], weights: np.ndarray | None) -> np.ndarray:
    """The mean plan of the opponents."""
    weights = np.ones(1) if weights is None else np.asarray(weights)
    if weights.shape != (len(opponents),) or (weights < 0.0).any() or not np.isclose(weights.sum(), 1.0):
        raise ValueError(f"weights must be {len(opponents)} probabilities, got {weights}")
    return sum((w * plan(tree, t) for w, t in zip(weights, opponents, strict=True)), np.zeros(tree.sequences))


def _gains(tree: GameTree, opponent: np.ndarray) -> np.ndarray:
    """What comes after each of a player's sequences without a further decision of its own, against an opponent's plan,
    by sequence: of both seats, each weighted 1."""
    ends = np.flatnonzero(tree.end)
    first, second = tree.sequence[ends].T
    returns = tree.chance_reach[ends] * tree.returns[ends]
    return np.bincount(first, returns * opponent[second], tree.sequences) - np.bincount(
        second, returns * opponent[first], tree.sequences
    )
