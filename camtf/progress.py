"""How far long work is: one line that moves in a terminal; where there is none, a plain line every 30 seconds.

The line is written to standard error and ends in a carriage return, so that what comes next overwrites it; log lines
erase it first. A rank of ``horovodrun`` writes into a pipe. ``launch/horovodrun`` tells it by the variable
CAMTF_TERMINAL that a terminal, and of how many columns, is at the other end, where the launcher shows at once what ends
in a carriage return. Rank 0 alone moves a line. Needs absl alone.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import TextIO

from absl import logging as absl_logging

TERMINAL = "CAMTF_TERMINAL"
_PLAIN_SECONDS = 30.0
_MOVING_SECONDS = 0.25
_ERASE = "\x1b[K"
"""What a terminal takes as: erase from here to the end of the line."""


class _Line(logging.Filter):
    """The last line of the terminal. As a filter of the log it refuses nothing: it erases itself before each record."""

    stands = False

    def filter(self, record: logging.LogRecord) -> bool:
        if self.stands:
            self.stands = False
            sys.stderr.write(_ERASE)
        return True

    def write(self, text: str) -> None:
        self.stands = bool(text)
        sys.stderr.write(f"{text}{_ERASE}\r")
        sys.stderr.flush()


_line = _Line()


class Progress:
    """The line of one piece of work.

    Its loop: ``if progress.due(): progress.show(text)``, and at last ``progress.end(text)``.
    """

    def __init__(self) -> None:
        self._columns = _columns()
        self._seconds = _PLAIN_SECONDS if self._columns is None else _MOVING_SECONDS
        self._last = time.monotonic()
        if self._columns is not None:
            absl_logging.get_absl_logger().addFilter(_line)  # which adds it once

    def due(self) -> bool:
        """Whether it is time to show the next state; making its text costs something, too."""
        return time.monotonic() - self._last >= self._seconds

    def show(self, text: str) -> None:
        """Move the line on, cut to the terminal's width; or log it."""
        self._last = time.monotonic()
        if self._columns is None:
            absl_logging.info("%s", text)
        else:
            _line.write(text[: self._columns - 1])

    def end(self, text: str) -> None:
        """Log the last state, which stays."""
        absl_logging.info("%s", text)


def clear() -> None:
    """Erase a line that stands there, before something is printed that is not logged."""
    if _line.stands:
        _line.write("")


def for_a_person(stream: TextIO) -> bool:
    """Whether a person at a terminal reads this stream, perhaps through ``launch/horovodrun``."""
    return stream.isatty() or TERMINAL in os.environ


def _columns() -> int | None:
    """Columns of the terminal that shows standard error; None where there is none, or where it is another rank's."""
    if os.environ.get("HOROVOD_RANK", "0") != "0":
        return None
    told = os.environ.get(TERMINAL, "")
    if told.isdecimal():
        return max(int(told), 20)
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None
    return os.get_terminal_size(sys.stderr.fileno()).columns or 80
