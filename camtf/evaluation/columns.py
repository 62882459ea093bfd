"""Rows and win rates in text, for people. Needs nothing but Python: devices use it, too."""

from __future__ import annotations

from typing import Any

_BAR = 20


def table(header: list[str], rows: list[list[str]]) -> str:
    """Rows under a header, first column left, the others right."""
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]

    def line(cells: list[str]) -> str:
        first, *others = (
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join([first, *others]).rstrip()

    return "\n".join([line(header), line(["-" * w for w in widths]), *map(line, rows)])


def rate(value: dict[str, Any]) -> str:
    """A win rate with its 95% interval, in per cent."""
    return f"{100 * value['win_rate']:.1f} [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"


def bar(done: int, whole: int) -> str:
    """How much is done, as 20 characters between brackets."""
    filled = min(_BAR, _BAR * done // whole)
    return f"[{'#' * filled}{'.' * (_BAR - filled)}]"
