"""The records that flow through camtf, with every shape said once.

Dimension letters, used in all docstrings:

=====  ==========================================================================================
T      decisions of an unroll: the n steps of n-step returns
B      matches that one rank plays at the same time
P      players of a match, always 2; player 0 is the learner's side, player 1 the opponent's.
       Who starts on the left of the arena is drawn at every restart, so that both sides are played.
R      rows: players flattened to ``P * B``, player-major, so that rows ``[:B]`` are all player 0
H      action heads, always 2: movement and skill
M, K   number of movement actions and of skill actions
N      characters in a run
A      rows that the learner's network acts for: all of player 0, and player 1 where it plays itself
L      rows that are learned from, the first of those
S      slots of the opponent mixture that the network is conditioned on
=====  ==========================================================================================
"""

from __future__ import annotations

import functools
import hashlib
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

ALIGNMENT = 64
"""Bytes: where TensorFlow's tensors begin."""


def aligned_zeros(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Zeros that begin where TensorFlow's tensors do, so that it can use them without a copy."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + size].view(dtype).reshape(shape)


@dataclass(frozen=True)
class GameSpec:
    """Shapes of a game's four modules and two heads: what a network needs to know of it.

    *Basic* holds, one after the other: two fighters with what flies for each, the environment, and the last ``history``
    decisions. *Action-Mask*: legal movements, legal skills, and skills that root movement.
    """

    movements: int  # M
    skills: int  # K
    fighter_width: int
    environment_width: int
    buff_kinds: int
    buff_fields: int
    id_counts: tuple[int, ...]  # how many values each id column at the front of the Element module can take
    attributes: int  # further columns of the Element module
    history: int = 0  # at most 8, or a multiple of 8
    history_width: int = 0  # of one past decision, own and opponent's
    fixed_elements: bool = False  # a row of the Element module depends on nothing but the character
    movement_names: tuple[str, ...] = ()  # of the actions, for people; M and K of them, or none
    skill_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for head, count, names in (
            ("movement", self.movements, self.movement_names), ("skill", self.skills, self.skill_names),
        ):  # fmt: skip
            if names and len(names) != count:
                raise ValueError(f"GameSpec.{head}_names must name all of {count} actions or none, got {len(names)}")

    @property
    def basic_width(self) -> int:
        """Numbers in the Basic module."""
        return 2 * self.fighter_width + self.environment_width + self.history * self.history_width

    @property
    def element_width(self) -> int:
        """Columns of the Element module."""
        return len(self.id_counts) + self.attributes

    @property
    def mask_width(self) -> int:
        """Numbers in the Action-Mask module."""
        return self.movements + 2 * self.skills

    def empty_observation(self, *leading: int) -> Observation:
        """Zeroed buffers with the given leading dimensions, aligned so that TensorFlow can use them without a copy."""
        return Observation(
            basic=aligned_zeros((*leading, self.basic_width), np.float32),
            buff=aligned_zeros((*leading, 2, self.buff_kinds, self.buff_fields), np.float32),
            element=aligned_zeros((*leading, 2, self.element_width), np.int32),
            mask=aligned_zeros((*leading, self.mask_width), np.float32),
        )


class Observation(NamedTuple):
    """What one player sees: the four modules. Leading dimensions are free (``[P, B]``, ``[R]``, ``[T, R]``).

    The fields of every module, their ranges and units are listed in `camtf.games.duel.observation`.
    Arrays are NumPy arrays in the game and tensors in the network.
    """

    basic: Any  # float32 [..., BASIC_WIDTH], in [-1, 1]: both fighters, time, the last actions
    buff: Any  # float32 [..., 2, BUFF_KINDS, 3], in [0, 1]: own and opponent's, one slot per kind
    element: Any  # int32 [..., 2, ELEMENT_WIDTH]: ids, then declared attributes in per mille of their range
    mask: Any  # float32 [..., MASK_WIDTH], 0 or 1: movement legal | skill legal | skill roots movement


class Step(NamedTuple):
    """What `camtf.games.protocol.BatchedGame.step` returns beside the next observation.

    An outcome may lie between where a game counts by payoff: the mean over battles is then the payoff, not a win rate.
    """

    reward: np.ndarray  # float32 [P, B]; reward[0] == -reward[1] exactly
    done: np.ndarray  # bool [B]; the battle ended (KO or bell) and a new one has begun
    outcome: np.ndarray  # float32 [B]; for ended battles 1 player 0 won, 0.5 draw, 0 player 1 won; else 0.5


class Matchups(NamedTuple):
    """Who meets whom, and what each is told. Drawn when an episode begins and kept until it ends.

    A node of the interaction graph is a (strategy, character). Leading dimensions before ``P`` are free.
    """

    strategy: np.ndarray  # int32 [..., P, B], an index into the population's strategies
    character: np.ndarray  # int32 [..., P, B], an index into `camtf.games.protocol.Game.characters`
    mixture: np.ndarray  # float32 [..., P, B, S], the opponent mixture that each side is conditioned on

    def at(self, index: Any) -> Matchups:
        """What stands at an index of the leading dimensions."""
        return Matchups(*(x[index] for x in self))


class Outcomes(NamedTuple):
    """Finished battles, in no particular order."""

    strategy: np.ndarray  # int [n, P]
    character: np.ndarray  # int [n, P]
    outcome: np.ndarray  # float [n]; 1 player 0 won, 0.5 draw, 0 player 1 won


class Unroll(NamedTuple):
    """T decisions of L learner rows, ready for the returns.

    Observation leaves are ``[T + 1, R, ...]``, as the game has written them: of all rows, the learner's L first, and
    with the observation after the last decision.
    ``done[t]`` says that the battle ended with the reward of step t: a real end, which does not bootstrap.
    The cut after step T - 1 is a truncation: it bootstraps from ``bootstrap_value``.
    """

    observation: Observation
    mixture: np.ndarray  # float32 [T + 1, L, S], the opponent mixture that the policy was conditioned on
    action: np.ndarray  # int32 [T, L, H]
    log_prob: np.ndarray  # float32 [T, L], of the behaviour policy, both heads added
    value: np.ndarray  # float32 [T, L], own critic at the time of acting
    baseline: np.ndarray | None  # float32 [T + 1, L], values by a frozen policy; None: there is only the own critic
    reward: np.ndarray  # float32 [T, L]
    done: np.ndarray  # bool [T, L]
    bootstrap_value: np.ndarray  # float32 [L]
    prior: np.ndarray | None = None  # float32 [T, L, M + K], log-probabilities of all actions by a frozen policy
    opponent_action: np.ndarray | None = None  # int32 [T, L, H], what the other side did at the same time


@dataclass(frozen=True)
class Snapshot:
    """A frozen policy.

    Attributes:
        name: for people, e.g. ``generation_3``.
        weights: by variable path.
        mixture: float32 ``[roster, S]``, what the policy is conditioned on as each character.
    """

    name: str
    weights: dict[str, np.ndarray]
    mixture: np.ndarray

    @functools.cached_property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of SHA-256 over weights, by path, and mixture: which policy this is."""
        content = hashlib.sha256()
        for path in sorted(self.weights):
            content.update(path.encode())
            content.update(np.ascontiguousarray(self.weights[path]).tobytes())
        content.update(np.ascontiguousarray(self.mixture).tobytes())
        return content.hexdigest()[:16]
