"""Rollouts: B matches a rank, the learner's players in one batched call a time step, all opponents in another.

Learner rows come first. With rows laid out player-major, the learner's network acts for the first A: all of player 0,
and player 1 of the mirrored matches, which it plays on both sides. The first L of those are learned from. Both are
contiguous blocks, which nothing has to gather.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from camtf.games.protocol import BatchedGame
from camtf.model.policy import Policy, tensor
from camtf.prng import ACTIONS, OPPONENTS, uniforms
from camtf.types import Matchups, Observation, Outcomes, Unroll

LEARNED, MIRRORED, EVALUATED = range(3)
"""What a match is for: player 0 learns against a drawn opponent; the learner plays both sides and learns from both;
nobody learns, the battle is counted alone."""


@dataclass(frozen=True)
class Layout:
    """A rank's matches: mirrored ones first, those that are only counted last.

    Attributes:
        ids: their global ids, int ``[B]``: chance depends on them, so that ranks together play what one would play.
        mirrored, evaluated: how many; not both.
    """

    ids: np.ndarray
    mirrored: int = 0
    evaluated: int = 0

    @property
    def matches(self) -> int:
        """B."""
        return len(self.ids)

    @property
    def acting_rows(self) -> int:
        """A, rows that the learner's network acts for."""
        return self.matches + self.mirrored

    @property
    def learner_rows(self) -> int:
        """L, rows that are learned from."""
        return self.matches + self.mirrored - self.evaluated

    @property
    def kind(self) -> np.ndarray:
        """What each match is for, int ``[B]``."""
        kind = np.full(self.matches, LEARNED)
        kind[: self.mirrored] = MIRRORED
        kind[self.matches - self.evaluated :] = EVALUATED
        return kind


def share_matches(matches: int, mirrored: int, evaluated: int, rank: int, size: int) -> Layout:
    """A rank's part of all matches. Raises ValueError where they cannot be shared evenly."""
    if mirrored and evaluated:
        raise ValueError(f"matches are mirrored or only counted, not both; got {mirrored} and {evaluated}")
    if matches % size or mirrored % size or evaluated % size or evaluated >= matches:
        raise ValueError(
            f"{matches} matches, {mirrored} of them in self-play and {evaluated} only counted, cannot be shared evenly "
            f"by {size} ranks"
        )
    blocks = np.split(np.arange(matches), [mirrored, matches - evaluated])
    ids = np.concatenate([np.split(block, size)[rank] for block in blocks])
    return Layout(ids, mirrored // size, evaluated // size)


class Matchmaker(Protocol):
    """Says who meets whom."""

    chances: int  # uniform numbers that a matchup is drawn from

    def draw(self, uniforms: np.ndarray, kind: np.ndarray) -> Matchups:
        """A matchup for each match ``[..., B]``, by what it is for.

        Args:
            uniforms: float32 ``[..., B, chances]`` in (0, 1).
            kind: int ``[B]``, as `Layout.kind`.
        """


class Opponents(Protocol):
    """Plays the other side."""

    def act(
        self, observation: Observation, strategy: np.ndarray, character: np.ndarray, mixture: np.ndarray,
        uniforms: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        """Actions int32 ``[n, H]`` of n rows, each by its strategy and character, told its mixture ``[n, S]``."""


class Turn(NamedTuple):
    """A decision of the first n matches, once it has been played, as far as an observer looks at it."""

    drawn: np.ndarray  # float32 [n, S], the mixture that the opponent was drawn from
    told: np.ndarray  # float32 [n, S], what the learner was told when it decided
    observation: Observation  # what the opponents saw, leaves [n, ...]
    action: np.ndarray  # int32 [n, H], what they did
    matches: BatchedGame  # after the decision; what has ended has begun anew


class Observer(Protocol):
    """Changes what the learner is told by what its opponents do."""

    def refresh(self, policy: Policy) -> None:
        """Opponents that play by a copy of the learner's weights play by these from now on."""

    def update(self, turn: Turn) -> np.ndarray:
        """What the learner is told at its next decision, float32 ``[n, S]``; of no account where a match has ended."""


@dataclass(frozen=True)
class Record:
    """What an unroll holds beside the learner's own experience; nothing costs what is not asked for.

    Attributes:
        baseline: frozen policy whose values of the learner's states are kept, or None.
        prior: frozen policy whose log-probabilities of all actions there are kept, or None.
        opponent_action: keep what the other side did.
    """

    baseline: Policy | None = None
    prior: Policy | None = None
    opponent_action: bool = False


OWN_EXPERIENCE = Record()
"""Nothing beside it."""


class Rollout:
    """Plays unrolls of T decisions; battles go on from one to the next.

    Args:
        game: this rank's matches.
        policy: acts for the learner.
        layout: what each match is for. The chance of every match is its own (see `camtf.prng`).
        seed: of all that is drawn here.
        length: T.
        record: what an unroll holds beside the learner's own experience.
        observer: changes what the learner is told in matches that it learns from, or None; not with mirrored ones.
        keep: keep the observations of an unroll while the next one is played.

    After `collect`, ``seconds`` says where its time went: in the game, in the learner's network, in the opponents'.
    """

    def __init__(
        self,
        game: BatchedGame,
        policy: Policy,
        opponents: Opponents,
        matchmaker: Matchmaker,
        layout: Layout,
        seed: int,
        length: int,
        record: Record = OWN_EXPERIENCE,
        observer: Observer | None = None,
        keep: bool = False,
    ) -> None:
        assert observer is None or not layout.mirrored
        self.game = game
        self.policy = policy
        self.opponents = opponents
        self.matchmaker = matchmaker
        self.layout = layout
        self.length = length
        self.record = record
        self.observer = observer
        self.unrolls = 0
        self.seconds: dict[str, float] = {}
        self._seed = seed
        self._buffers = game.empty_observation(length + 1)
        self._other_buffers = game.empty_observation(length + 1) if keep else self._buffers
        first = self._draw(1).at(0)
        self._now = Matchups(*(x.copy() for x in first))
        self._told = self._now.mixture.copy()
        self.game.reset(self._now.character, _step(self._buffers, length))

    def collect(self) -> tuple[Unroll, Outcomes]:
        """Play T decisions of every match."""
        length, rows, acting = self.length, self.layout.learner_rows, self.layout.acting_rows
        self.unrolls += 1
        following = self._draw(length)
        noise = self._noise(length)
        _copy(_step(self._buffers, length), _step(self._other_buffers, 0))
        self._buffers, self._other_buffers = self._other_buffers, self._buffers

        mixture = np.empty((length + 1, acting, self._now.mixture.shape[-1]), np.float32)
        action = np.empty((length, acting, 2), np.int32)
        log_prob, value, reward = (np.empty((length, acting), np.float32) for _ in range(3))
        done = np.empty((length, acting), np.bool_)
        opposing = np.empty((length, rows, 2), np.int32) if self.record.opponent_action else None
        finished: list[Outcomes] = []
        clock = _Clock("game", "learner", "opponents")
        for t in range(length):
            observation = _rows(_step(self._buffers, t))
            told = self._told.reshape(-1, mixture.shape[-1])
            mixture[t] = told[:acting]
            clock.start()
            action[t], log_prob[t], value[t] = self.policy.act(
                _tensors(observation, slice(acting)), mixture[t], noise[t, :acting]
            )
            clock.stop("learner")
            others = self.opponents.act(
                Observation(*(x[acting:] for x in observation)), self._now.strategy.reshape(-1)[acting:],
                self._now.character.reshape(-1)[acting:], told[acting:], noise[t, acting:],
            )  # fmt: skip
            clock.stop("opponents")
            actions = np.concatenate([action[t], others]).reshape(2, -1, 2)
            if opposing is not None:
                opposing[t] = actions[::-1].reshape(-1, 2)[:rows]
            self.game.assign(following.character[t])
            _, step = self.game.step(actions, _step(self._buffers, t + 1))
            clock.stop("game")
            if self.observer is not None:
                against = Observation(*(x[acting : acting + rows] for x in observation))
                self._told[0, :rows] = self.observer.update(
                    Turn(self._now.mixture[0, :rows], told[:rows], against, others[:rows], self.game)
                )
                clock.stop("opponents")
            reward[t] = step.reward.reshape(-1)[:acting]
            done[t] = np.concatenate([step.done, step.done[: self.layout.mirrored]])
            ended = np.flatnonzero(step.done)
            if len(ended):
                finished.append(_outcomes(self._now, ended, step.outcome))
                for now, after in zip(self._now, following, strict=True):
                    now[:, ended] = after[t][:, ended]
                self._told[:, ended] = self._now.mixture[:, ended]

        self.seconds = clock.seconds
        mixture[length] = self._told.reshape(-1, mixture.shape[-1])[:acting]
        learned = [np.ascontiguousarray(x[:, :rows]) for x in (mixture, action, log_prob, value, reward, done)]
        mixture, action, log_prob, value, reward, done = learned
        seen = Observation(*(x.reshape(length + 1, 2 * self.layout.matches, *x.shape[3:]) for x in self._buffers))
        unroll = Unroll(
            observation=seen,
            mixture=mixture,
            action=action,
            log_prob=log_prob,
            value=value,
            baseline=None if self.record.baseline is None else _of_each(self.record.baseline.values, seen, mixture),
            reward=reward,
            done=done,
            bootstrap_value=self.policy.values(_tensors(_step(seen, length), slice(rows)), mixture[length]).numpy(),
            prior=None if self.record.prior is None else _of_each(self.record.prior.log_probs, seen, mixture[:-1]),
            opponent_action=opposing,
        )
        return unroll, _joined(finished)

    def state(self) -> dict[str, np.ndarray]:
        """What the future depends on beside the policies and the number of unrolls, arrays ``[B, ...]``."""
        return {
            **{name: array.swapaxes(0, 1).copy() for name, array in self._now._asdict().items()},
            **({} if self.observer is None else {"told": self._told.swapaxes(0, 1).copy()}),
            **{f"game_{name}": array for name, array in self.game.state().items()},
        }

    def restore(self, state: dict[str, np.ndarray], unrolls: int) -> None:
        """Go on from a `state` after so many unrolls."""
        self.unrolls = unrolls
        self._now = Matchups(*(np.ascontiguousarray(state[name].swapaxes(0, 1)) for name in Matchups._fields))
        told = self._now.mixture if self.observer is None else state["told"].swapaxes(0, 1)
        self._told = np.array(told, order="C")
        self.game.restore({name.removeprefix("game_"): a for name, a in state.items() if name.startswith("game_")})
        self.game.observe(_step(self._buffers, self.length))

    def _draw(self, steps: int) -> Matchups:
        """Who would meet next in every match, were it to end now, leading dimension ``[steps]``."""
        chance = uniforms(
            self._seed, OPPONENTS, self.unrolls, self.layout.ids, (steps, self.matchmaker.chances), time_major=True
        )
        return self.matchmaker.draw(chance, self.layout.kind)

    def _noise(self, length: int) -> np.ndarray:
        """Chance of all actions of an unroll, float32 ``[T, R, M + K]``."""
        heads = self.game.spec.movements + self.game.spec.skills
        chance = uniforms(self._seed, ACTIONS, self.unrolls, self.layout.ids, (2 * length, heads), time_major=True)
        return chance.reshape(length, -1, heads)


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


def _outcomes(now: Matchups, ended: np.ndarray, outcome: np.ndarray) -> Outcomes:
    return Outcomes(now.strategy[:, ended].T.copy(), now.character[:, ended].T.copy(), outcome[ended])


def _joined(finished: list[Outcomes]) -> Outcomes:
    if not finished:
        return Outcomes(np.zeros((0, 2), np.int32), np.zeros((0, 2), np.int32), np.zeros(0, np.float32))
    return Outcomes(*(np.concatenate(parts) for parts in zip(*finished, strict=True)))


def _of_each(judge: Callable[..., tf.Tensor], seen: Observation, mixture: np.ndarray) -> np.ndarray:
    """What a policy says of the first L rows of each step, told ``mixture`` ``[t, L, S]``: ``[t, L, ...]``."""
    rows = slice(mixture.shape[1])
    return np.stack([judge(_tensors(_step(seen, t), rows), told).numpy() for t, told in enumerate(mixture)])


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
