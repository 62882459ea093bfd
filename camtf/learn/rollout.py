"""Rollouts: B matches a rank, the learner's players in one batched call a time step, all opponents in another.

Learner rows come first. The first ``self_play`` matches are played by the learner on both sides, so that with rows
laid out player-major the learner's rows are ``[: B + self_play]`` and the opponents' ``[B + self_play :]``: two
contiguous blocks, which nothing has to gather.
"""

from __future__ import annotations

import time
from typing import Protocol

import numpy as np

from camtf.games.protocol import BatchedGame
from camtf.model.policy import Policy, tensor
from camtf.prng import ACTIONS, OPPONENTS, uniforms
from camtf.types import Battles, Observation, Segment


class Matchmaker(Protocol):
    """Says who fights whom."""

    nodes: int

    def draw(self, uniforms: np.ndarray, self_play: int) -> tuple[np.ndarray, np.ndarray]:
        """From uniform numbers ``[..., B, 2]``: the learner's character and the opponent node, each ``[..., B]``. The
        first ``self_play`` matches draw one of the learner's own nodes."""

    def node_character(self, node: np.ndarray) -> np.ndarray:
        """The character that each node plays."""

    def own_node(self, character: np.ndarray) -> np.ndarray:
        """The learner's own node of each character."""

    def mixture(self, character: np.ndarray) -> np.ndarray:
        """The opponent mixture that the learner is conditioned on as each character, float32 ``[..., S]``."""


class Opponents(Protocol):
    """Plays the other side."""

    def act(self, observation: Observation, node: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """Actions int32 ``[n, H]`` of n rows, each by its node."""


class Rollout:
    """Plays segments of T decisions; battles go on from one segment to the next.

    Args:
        game: this rank's matches.
        self_play: how many of them the learner plays on both sides.
        seed, first_match: the chance of every match is its own (see `camtf.prng`).
        baseline: the frozen policy whose value advantages are taken against, or None for the learner's own.
        keep: keep the observations of a segment while the next one is played.

    After `collect`, ``seconds`` says where its time went: in the game, in the learner's network, in the opponents'.
    """

    def __init__(
        self,
        game: BatchedGame,
        policy: Policy,
        opponents: Opponents,
        matchmaker: Matchmaker,
        self_play: int,
        seed: int,
        match_ids: np.ndarray,
        length: int,
        baseline: Policy | None = None,
        keep: bool = False,
    ) -> None:
        self.game = game
        self.policy = policy
        self.opponents = opponents
        self.matchmaker = matchmaker
        self.self_play = self_play
        self.baseline = baseline
        self.length = length
        self.segments = 0
        self._seed = seed
        self.match_ids = match_ids
        self.seconds: dict[str, float] = {}
        self._buffers = game.empty_observation(length + 1)
        self._other_buffers = game.empty_observation(length + 1) if keep else self._buffers
        self._character, self._node = self._draw(1)
        self._character, self._node = self._character[0], self._node[0]
        self.game.reset(self._players(self._character, self._node), _step(self._buffers, length))

    @property
    def learner_rows(self) -> int:
        """L, rows whose decisions are learned from."""
        return self.game.matches + self.self_play

    def collect(self) -> tuple[Segment, Battles]:
        """Play T decisions of every match."""
        length, b, rows = self.length, self.game.matches, self.learner_rows
        self.segments += 1
        next_character, next_node = self._draw(length)
        noise = self._noise(length)
        _copy(_step(self._buffers, length), _step(self._other_buffers, 0))
        self._buffers, self._other_buffers = self._other_buffers, self._buffers

        mixture = np.empty((length + 1, rows, self.policy.config.mixture_slots), np.float32)
        action = np.empty((length, rows, 2), np.int32)
        log_prob, value, reward = (np.empty((length, rows), np.float32) for _ in range(3))
        done = np.empty((length, rows), np.bool_)
        wins = np.zeros((self.game.characters, self.matchmaker.nodes))
        games = np.zeros_like(wins)
        clock = _Clock("game", "learner", "opponents")
        for t in range(length):
            observation = _rows(_step(self._buffers, t))
            mixture[t] = self._mixture()
            clock.start()
            chosen, log_prob[t], value[t] = self.policy.act(
                _tensors(observation, slice(rows)), mixture[t], noise[t, :rows]
            )
            action[t] = chosen
            clock.stop("learner")
            others = self.opponents.act(
                Observation(*(x[rows:] for x in observation)), self._node[self.self_play :], noise[t, rows:]
            )
            clock.stop("opponents")
            actions = np.concatenate([action[t], others]).reshape(2, b, 2)
            self.game.assign(self._players(next_character[t], next_node[t]))
            _, step = self.game.step(actions, _step(self._buffers, t + 1))
            clock.stop("game")
            reward[t] = step.reward.reshape(-1)[:rows]
            done[t] = np.concatenate([step.done, step.done[: self.self_play]])
            ended = np.flatnonzero(step.done)
            self._count(ended, step.outcome, wins, games)
            self._character[ended] = next_character[t, ended]
            self._node[ended] = next_node[t, ended]

        self.seconds = clock.seconds
        mixture[length] = self._mixture()
        seen = Observation(*(x.reshape(length + 1, 2 * b, *x.shape[3:]) for x in self._buffers))
        segment = Segment(
            observation=seen,
            mixture=mixture,
            action=action,
            log_prob=log_prob,
            value=value,
            baseline=None if self.baseline is None else self._baseline_values(self.baseline, seen, mixture),
            reward=reward,
            done=done,
            bootstrap_value=self.policy.values(_tensors(_step(seen, length), slice(rows)), mixture[length]).numpy(),
        )
        return segment, Battles(wins, games)

    def state(self) -> dict[str, np.ndarray]:
        """What the future depends on beside the policies and the number of segments, arrays ``[B, ...]``."""
        return {
            "character": self._character.copy(),
            "node": self._node.copy(),
            **{f"game_{name}": array for name, array in self.game.state().items()},
        }

    def restore(self, state: dict[str, np.ndarray], segments: int) -> None:
        """Go on from a `state` after so many segments."""
        self.segments = segments
        self._character = state["character"].copy()
        self._node = state["node"].copy()
        self.game.restore({name.removeprefix("game_"): a for name, a in state.items() if name.startswith("game_")})
        self.game.observe(_step(self._buffers, self.length))

    def _count(self, ended: np.ndarray, outcome: np.ndarray, wins: np.ndarray, games: np.ndarray) -> None:
        """Add finished battles to the counts; one in self-play counts for both sides."""
        edges = self._character[ended], self._node[ended]
        np.add.at(wins, edges, outcome[ended])
        np.add.at(games, edges, 1.0)
        own = ended[ended < self.self_play]
        edges = self.matchmaker.node_character(self._node[own]), self.matchmaker.own_node(self._character[own])
        np.add.at(wins, edges, 1.0 - outcome[own])
        np.add.at(games, edges, 1.0)

    def _draw(self, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Who would fight next in every match, were it to end now: character and node, each ``[steps, B]``."""
        chance = uniforms(self._seed, OPPONENTS, self.segments, self.match_ids, (steps, 2), time_major=True)
        return self.matchmaker.draw(chance, self.self_play)

    def _noise(self, length: int) -> np.ndarray:
        """Chance of all actions of a segment, float32 ``[T, R, M + K]``."""
        heads = self.game.spec.movements + self.game.spec.skills
        chance = uniforms(self._seed, ACTIONS, self.segments, self.match_ids, (2 * length, heads), time_major=True)
        return chance.reshape(length, -1, heads)

    def _players(self, character: np.ndarray, node: np.ndarray) -> np.ndarray:
        """Characters ``[P, B]``. In self-play the opponent's character is the node's, played by the learner."""
        return np.stack([character, self.matchmaker.node_character(node)])

    def _mixture(self) -> np.ndarray:
        """Mixture of every learner row; in self-play each side is conditioned on its own character's."""
        own = self._node[: self.self_play]
        both = np.concatenate([self._character, self.matchmaker.node_character(own)])
        return self.matchmaker.mixture(both)

    def _baseline_values(self, baseline: Policy, seen: Observation, mixture: np.ndarray) -> np.ndarray:
        rows = slice(mixture.shape[1])
        return np.stack([
            baseline.values(_tensors(_step(seen, t), rows), mixture[t]).numpy() for t in range(self.length)
        ])  # fmt: skip


class _Clock:
    """Adds up the time between calls, by part."""

    def __init__(self, *parts: str) -> None:
        self.seconds = dict.fromkeys(parts, 0.0)
        self._last = 0.0

    def start(self) -> None:
        self._last = time.perf_counter()

    def stop(self, part: str) -> None:
        """The time since the last call belongs to this part."""
        now = time.perf_counter()
        self.seconds[part] += now - self._last
        self._last = now


def share_matches(matches: int, self_play: int, rank: int, size: int) -> np.ndarray:
    """Global ids of a rank's matches, self-play first. Raises ValueError where they cannot be shared evenly."""
    if self_play % size or matches % size:
        raise ValueError(
            f"{matches} matches, {self_play} of them in self-play, cannot be shared evenly by {size} ranks"
        )
    ids = np.split(np.arange(self_play), size)[rank], np.split(np.arange(self_play, matches), size)[rank]
    return np.concatenate(ids)


def _step(buffers: Observation, t: int) -> Observation:
    return Observation(*(x[t] for x in buffers))


def _rows(observation: Observation) -> Observation:
    """``[P, B, ...]`` as ``[R, ...]``."""
    return Observation(*(x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]) for x in observation))


def _tensors(observation: Observation, rows: slice) -> Observation:
    return Observation(*(tensor(x[rows]) for x in observation))


def _copy(source: Observation, target: Observation) -> None:
    for s, t in zip(source, target, strict=True):
        t[...] = s
