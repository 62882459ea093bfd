"""Where unrolls come from: played when they are asked for, or in the background while the learner learns."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np

from camtf.learn.rollout import Rollout
from camtf.model.policy import Policy
from camtf.types import Outcomes, Unroll


class Refreshed(Protocol):
    """Opponents of which some play by a copy of the learner's present weights."""

    def refresh(self, policy: Policy) -> None:
        """Take over the weights of a policy."""


class Saved(NamedTuple):
    """What a checkpoint keeps of the playing, see `Rollout.state`."""

    matches: dict[str, np.ndarray]  # by global id of the match
    behaviour: dict[str, np.ndarray]  # weights that play, where they are not the learner's
    unrolls: int


class Synchronous:
    """Plays an unroll by the present policy whenever one is asked for.

    Args:
        rollout: plays by ``policy`` itself.
        opponents: take over the policy's weights before every unroll.
    """

    def __init__(self, rollout: Rollout, policy: Policy, opponents: Refreshed) -> None:
        self.rollout, self._policy, self._opponents = rollout, policy, opponents

    def next(self) -> tuple[Unroll, Outcomes]:
        """The next unroll and the battles that ended in it."""
        _refresh(self._opponents, self.rollout, self._policy)
        return self.rollout.collect()

    def prepare(self) -> None:
        """The graph has been solved; there is nothing to begin beforehand."""

    def state(self) -> Saved:
        """What the next unroll depends on beside the learner."""
        return Saved(self.rollout.state(), {}, self.rollout.unrolls)

    def restore(self, saved: Saved) -> None:
        """Go on from a `state`."""
        self.rollout.restore(saved.matches, saved.unrolls)

    def close(self) -> None:
        """There is nothing to end."""


class Overlapped:
    """Plays the next unroll while the learner learns from the one before, by the policy as it was before that (impala).

    Args:
        rollout: plays by a policy of its own, which takes over the learner's weights before every unroll.
        policy: the learner's.
        opponents: take over the same weights then.
    """

    def __init__(self, rollout: Rollout, policy: Policy, opponents: Refreshed) -> None:
        self.rollout, self._policy, self._opponents = rollout, policy, opponents
        self._background = ThreadPoolExecutor(1)
        self._following: Future[tuple[Unroll, Outcomes]] | None = None
        self._before = self._now()

    def next(self) -> tuple[Unroll, Outcomes]:
        """The next unroll and the battles that ended in it; waits for it."""
        if self._following is None:
            return self.rollout.collect()
        unroll, self._following = self._following.result(), None
        return unroll

    def prepare(self) -> None:
        """The graph has been solved: begin the next unroll by the present weights."""
        self.rollout.policy.set_weights(self._policy.get_weights())
        _refresh(self._opponents, self.rollout, self._policy)
        self._before = self._now()
        self._following = self._background.submit(self.rollout.collect)

    def state(self) -> Saved:
        """As it was before the unroll that is being played, which is played again after a resume."""
        if self._following is not None:
            self._following.result()
        return self._before

    def restore(self, saved: Saved) -> None:
        """Go on from a `state`."""
        self.rollout.restore(saved.matches, saved.unrolls)
        self.rollout.policy.set_weights(saved.behaviour)
        _refresh(self._opponents, self.rollout, self.rollout.policy)

    def close(self) -> None:
        """Wait for what is being played."""
        self._background.shutdown()

    def _now(self) -> Saved:
        return Saved(self.rollout.state(), self.rollout.policy.get_weights(), self.rollout.unrolls)


def _refresh(opponents: Refreshed, rollout: Rollout, policy: Policy) -> None:
    """Opponents, and who judges what they do, take over the weights of a policy."""
    opponents.refresh(policy)
    if rollout.observer is not None:
        rollout.observer.refresh(policy)
