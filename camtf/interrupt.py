"""Being asked to stop: Ctrl-C, or SIGTERM, which is how `horovodrun` passes a Ctrl-C on to its ranks."""

from __future__ import annotations

import signal
from types import FrameType


class Interrupted(RuntimeError):
    """A run has stopped because it was asked to; what it did is saved."""


_requested = False


def listen() -> None:
    """From now on, Ctrl-C or SIGTERM is a request that `requested` reports; a second Ctrl-C ends at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _on_signal)


def requested() -> bool:
    """Whether somebody wants the run to stop."""
    return _requested


def _on_signal(number: int, frame: FrameType | None) -> None:
    global _requested
    _requested = True
    signal.signal(signal.SIGINT, signal.SIG_DFL)
