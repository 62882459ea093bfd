"""From what a person holds and taps to an action, ten times a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camtf.games.duel.observation import MOVEMENT_COUNT
from camtf.games.duel.state import MOVEMENT_DEPTH, MOVEMENT_LENGTH, NONE
from camtf.play.messages import Input

_KEPT_DECISIONS = 3
_MOVEMENT = {(int(x), int(y)): i for i, (x, y) in enumerate(zip(MOVEMENT_LENGTH, MOVEMENT_DEPTH))}
"""Movement by length (forward is 1) and depth."""


@dataclass
class _Tap:
    """A skill that was asked for and has not begun."""

    skill: int
    left: int  # decisions in which it is tried still


class Person:
    """The person's hands.

    What was tapped is tried for 300 ms, so that a key pressed a moment too early counts, in the order in which it was
    tapped; then what is held. A direction that was let go again before the next decision counts for one decision.
    """

    def __init__(self) -> None:
        self.let_go()

    def let_go(self) -> None:
        """Nothing is held or asked for any more."""
        self._direction = self._touched = (0, 0)
        self._held: tuple[int, ...] = ()
        self._taps: list[_Tap] = []

    def take(self, given: Input) -> None:
        """What the page says now."""
        self._direction = given.x, given.y
        if self._direction != (0, 0):
            self._touched = self._direction
        self._held = given.held
        waiting = {tap.skill for tap in self._taps}
        self._taps += [_Tap(skill, _KEPT_DECISIONS) for skill in given.tapped if skill not in waiting]

    def act(self, mask: np.ndarray, ahead: int) -> np.ndarray:
        """The action int32 ``[H]`` of this decision, legal by the Action-Mask ``[MASK_WIDTH]``.

        Args:
            ahead: where on the screen the opponent is, 1 (right) or -1.
        """
        x, y = self._direction if self._direction != (0, 0) else self._touched
        movement = _MOVEMENT[x * ahead, y]
        skill = self._skill(mask)
        self._touched = (0, 0)
        return np.array([movement if mask[movement] > 0 else 0, skill], np.int32)

    def _skill(self, mask: np.ndarray) -> int:
        for place, tap in enumerate(self._taps):
            if mask[MOVEMENT_COUNT + tap.skill] > 0:
                del self._taps[place]
                return tap.skill
        for tap in self._taps:
            tap.left -= 1
        self._taps = [tap for tap in self._taps if tap.left > 0]
        return next((skill for skill in self._held if mask[MOVEMENT_COUNT + skill] > 0), NONE)
