"""A small game's whole tree as NumPy tables: what is played on, and what exact values are computed from.

Dimension letters beside those of `camtf.types`:

=====  ==========================================================================================
V      nodes: histories of a game, of which some are decisions, some chance, some its ends
I      information states of both seats: what a seat can know when it decides, or while it waits
W      numbers in the tensor of an information state
=====  ==========================================================================================

At every decision both seats choose. In a game of turns the seat that does not move has one action, to wait, the last of
the K. A *sequence* is an information state with an action taken there, numbered ``state * K + action``; the empty
sequence, before a seat's first decision, is ``I * K``. What a seat has done up to a node is its last sequence there, as
it remembers everything (perfect recall): the sequence form of von Stengel (1996).
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np


class _Nodes:
    """What one pass through a game writes down, node by node, parents first."""

    def __init__(self) -> None:
        self.parent: list[int] = []
        self.depth: list[int] = []
        self.action: list[tuple[int, int]] = []
        self.probability: list[float] = []
        self.info: list[tuple[int, int]] = []
        self.returns: list[float] = []
        self.kind: list[int] = []


_DECISION, _CHANCE, _END = range(3)


@dataclass(frozen=True)
class GameTree:
    """Tables of a two-player zero-sum game.

    Nodes are numbered level by level, the children of one side by side: child ``first_child + k``. At a decision
    k counts joint actions, legal ones only, the second seat's fastest; at chance it counts outcomes.
    """

    name: str
    chance: np.ndarray  # bool [V]
    end: np.ndarray  # bool [V]
    parent: np.ndarray  # int32 [V]; the root's is 0
    first_child: np.ndarray  # int32 [V]; 0 at an end
    second_actions: np.ndarray  # int32 [V], legal actions of the second seat; 0 but at decisions
    action: np.ndarray  # int16 [V, 2], what both did to come here; -1 where chance led here, and at the root
    outcome_end: np.ndarray  # float64 [V], probability of this outcome of chance and its siblings before it together
    chance_reach: np.ndarray  # float64 [V], product of the probabilities of all chance on the way here
    returns: np.ndarray  # float64 [V], the first seat's at an end; 0 elsewhere
    info: np.ndarray  # int32 [V, 2], information state of each seat; -1 but at decisions
    sequence: np.ndarray  # int32 [V, 2], last sequence of each seat on the way here
    seat: np.ndarray  # int8 [I], whose information state it is
    acting: np.ndarray  # bool [I]; else the seat waits
    legal: np.ndarray  # bool [I, K]
    rank: np.ndarray  # int16 [I, K], number of an action among the legal ones; -1 where it is not
    prior: np.ndarray  # int32 [I], the seat's last sequence before
    stages: tuple[np.ndarray, ...]  # acting information states by how many decisions of the seat came before

    @property
    def actions(self) -> int:
        """K, waiting included where there is any."""
        return self.legal.shape[1]

    @property
    def sequences(self) -> int:
        """Number of sequences, the empty one included: it is the last."""
        return self.legal.size + 1

    @functools.cached_property
    def remembers(self) -> bool:
        """Does an information state always say what its seat has done before (perfect recall)?"""
        node, seat = np.nonzero(self.info >= 0)
        state = self.info[node, seat]
        return bool(np.all((self.sequence[node, seat] == self.prior[state]) | ~self.acting[state]))

    def last_actions(self, decisions: int) -> np.ndarray:
        """What an information state says about the last decisions, latest first: int16 ``[I, decisions, 2]``, own
        and the other seat's action; -1 where there was none, or where the state leaves open which it was."""
        node, seat = np.nonzero(self.info >= 0)
        state = self.info[node, seat]
        latest = self._latest_decision()
        came_by = latest[node]
        known = np.full((len(self.seat), decisions, 2), -1, np.int16)
        for i in range(decisions):
            for k, whose in enumerate((seat, 1 - seat)):
                taken = np.where(came_by >= 0, self.action[came_by, whose], -1)
                low, high = np.full(len(self.seat), self.actions, np.int16), np.full(len(self.seat), -1, np.int16)
                np.minimum.at(low, state, taken)
                np.maximum.at(high, state, taken)
                known[:, i, k] = np.where(low == high, low, -1)
            came_by = np.where(came_by >= 0, latest[self.parent[came_by]], -1)
        return known

    def _latest_decision(self) -> np.ndarray:
        """The node to which the last decision up to each node led: itself or one before it; -1 where there is none."""
        latest = np.where(self.action[:, 0] >= 0, np.arange(len(self.parent)), -1)
        for level in _levels(self.parent):
            latest[level] = np.where(latest[level] >= 0, latest[level], latest[self.parent[level]])
        return latest


def enumerate_tree(game: Any, tensor: str, limit: int) -> tuple[GameTree, np.ndarray]:
    """Walk through a whole OpenSpiel game.

    Args:
        game: a ``pyspiel.Game`` of two players with information-state strings.
        tensor: name of the state's method that gives a seat's tensor, e.g. ``information_state_tensor``.
        limit: most nodes.

    Returns:
        The tree, and the tensors of its information states, float32 ``[I, W]``.

    Raises:
        ValueError: there are more nodes than ``limit``.
    """
    wait = game.num_distinct_actions()
    nodes, infos, tensors = _Nodes(), {}, []  # type: ignore[var-annotated]

    def information_state(state: Any, seat: int, legal: list[int]) -> int:
        key = (seat, legal[0] == wait, state.information_state_string(seat))
        found = infos.get(key)
        if found is None:
            found = infos[key] = (len(infos), legal)
            tensors.append(np.asarray(getattr(state, tensor)(seat), np.float32))
        return found[0]

    stack = [(game.new_initial_state(), 0, 0, (-1, -1), 1.0)]
    while stack:
        state, parent, depth, action, probability = stack.pop()
        number = len(nodes.parent)
        if number == limit:
            raise ValueError(f"{game} has more than {limit} histories, more than its tables may hold (limit)")
        kind, info, returns = _DECISION, (-1, -1), 0.0
        if state.is_terminal():
            kind, returns = _END, state.player_return(0)
        elif state.is_chance_node():
            kind = _CHANCE
            outcomes = [
                (state.child(outcome), number, depth + 1, (-1, -1), p) for outcome, p in state.chance_outcomes()
            ]
            stack.extend(reversed(outcomes))
        else:
            turn = state.current_player()
            legal = [state.legal_actions(p) if turn in (p, _SIMULTANEOUS) else [wait] for p in range(2)]
            info = (information_state(state, 0, legal[0]), information_state(state, 1, legal[1]))
            children = [(_after(state, turn, a), number, depth + 1, a, 1.0) for a in itertools.product(*legal)]
            stack.extend(reversed(children))
        nodes.parent.append(parent)
        nodes.depth.append(depth)
        nodes.action.append(action)
        nodes.probability.append(probability)
        nodes.info.append(info)
        nodes.returns.append(returns)
        nodes.kind.append(kind)
    return _tables(str(game), nodes, infos, wait), np.stack(tensors)


_SIMULTANEOUS = -2
"""OpenSpiel's number for the player to move where both do."""


def _after(state: Any, turn: int, action: tuple[int, int]) -> Any:
    if turn != _SIMULTANEOUS:
        return state.child(action[turn])
    child = state.clone()
    child.apply_actions(list(action))
    return child


def _tables(name: str, nodes: _Nodes, infos: dict[Any, tuple[int, list[int]]], wait: int) -> GameTree:
    """The tables of what `enumerate_tree` has met."""
    order = np.argsort(nodes.depth, kind="stable")  # depth first keeps siblings together, so this does too
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order))
    parent = number[np.array(nodes.parent)[order]]
    kind = np.array(nodes.kind)[order]
    info = np.array(nodes.info, np.int32)[order]
    action = np.array(nodes.action, np.int16)[order]
    probability = np.array(nodes.probability)[order]

    seat = np.array([key[0] for key in infos], np.int8)
    acting = np.array([not key[1] for key in infos])
    legal = np.zeros((len(infos), wait + (not acting.all())), bool)
    for state, actions in infos.values():
        legal[state, actions] = True
    first_child = np.zeros(len(order), np.int32)
    children = np.arange(len(order) - 1, 0, -1)
    first_child[parent[children]] = children  # of several values for one place, the last stays
    chance_reach = probability.copy()
    for level in _levels(parent):
        chance_reach[level] *= chance_reach[parent[level]]
    by_chance = kind[parent] == _CHANCE
    summed = np.concatenate([[0.0], np.cumsum(np.where(by_chance, probability, 0.0))])
    outcome_end = summed[1:] - summed[first_child[parent]]
    outcome_end[np.append(parent[1:] != parent[:-1], True)] = 1.0  # the last sibling: without what rounding has left
    sequence, prior, stages = _sequences(parent, info, action, seat, acting, legal.shape[1])
    return GameTree(
        name=name,
        chance=kind == _CHANCE,
        end=kind == _END,
        parent=parent,
        first_child=first_child,
        second_actions=np.where(kind == _DECISION, legal.sum(axis=1)[info[:, 1]], 0).astype(np.int32),
        action=action,
        outcome_end=outcome_end,
        chance_reach=chance_reach,
        returns=np.array(nodes.returns)[order],
        info=info,
        sequence=sequence,
        seat=seat,
        acting=acting,
        legal=legal,
        rank=np.where(legal, legal.cumsum(axis=1) - 1, -1).astype(np.int16),
        prior=prior,
        stages=stages,
    )


def _sequences(
    parent: np.ndarray, info: np.ndarray, action: np.ndarray, seat: np.ndarray, acting: np.ndarray, actions: int
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """Last sequences at every node, before every information state, and the stages of `GameTree`."""
    empty = len(seat) * actions
    sequence = np.full(info.shape, empty, np.int32)
    prior = np.full(len(seat), empty, np.int32)
    earlier = np.zeros(len(seat) + 1, np.int32)  # own decisions before; the last is of the empty sequence, so that
    earlier[-1] = -1  # a seat's first decision has none
    for level in [slice(1), *_levels(parent)]:
        for p in range(2):
            before = info[parent[level], p]
            moved = (action[level, p] >= 0) & acting[before]
            taken = before * actions + action[level, p]
            came_by = np.where(moved, taken, sequence[parent[level], p])
            sequence[level, p] = came_by
            here = info[level, p]
            decides = (here >= 0) & acting[here]
            prior[here[decides]] = came_by[decides]
            earlier[here[decides]] = earlier[came_by[decides] // actions] + 1
    stage = earlier[:-1]
    stages = tuple(np.flatnonzero(acting & (stage == n)) for n in range(stage[acting].max() + 1))
    return sequence, prior, stages


def _levels(parent: np.ndarray) -> list[slice]:
    """Nodes of each level below the root, from the top: the parents of one level are the level before it."""
    levels, last = [], 1
    while last < len(parent):
        first, last = last, int(np.searchsorted(parent, last))
        levels.append(slice(first, last))
    return levels
