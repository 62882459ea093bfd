"""A terminal without a window: a program writes to it, and what would stand on its screen is read."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path


def watched(command: Sequence[str | Path], columns: int, environment: dict[str, str], seconds: float = 120) -> str:
    """All that a program writes to a terminal of so many columns. Raises AssertionError where it fails."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    written, last = b"", time.monotonic() + seconds
    while time.monotonic() < last:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # which is how Linux says that nobody writes any more
            break
        written += part
    os.close(ours)
    assert process.wait(10) == 0, written.decode()[-3000:]
    return written.decode()


def screen(written: str) -> list[str]:
    """The lines that stand on a terminal in the end, one that is wide enough."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[K|[\r\n]|[^\x1b\r\n]+|\x1b", written):
        if part == "\r":
            column = 0
        elif part == "\n":
            row, lines = row + 1, [*lines, *[""] * (row + 2 - len(lines))]
        elif part == "\x1b[K":
            lines[row] = lines[row][:column]
        else:
            lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + len(part) :]
            column += len(part)
    return lines
