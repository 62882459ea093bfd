"""What a report consists of: sections, each with a sentence that is computed, figures and sheets of numbers."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from matplotlib.figure import Figure

from camtf.evaluation.statistics import Estimate


class Verdict(enum.Enum):
    """Whether what the papers claim is found here, too."""

    HOLDS = "holds here"
    WEAKER = "holds in direction, but weaker"
    FAILS = "does not hold here"
    OPEN = "not decided here"
    NONE = "no claim to compare with"


class NotMeasured(Exception):
    """A section lacks what it is made of.

    Attributes:
        what: what was not measured, a clause that begins in lower case.
        command: what measures it.
    """

    def __init__(self, what: str, command: str) -> None:
        super().__init__(f"{what}; {command} measures it")
        self.what, self.command = what, command


class Number(NamedTuple):
    """A number of a sheet, with an interval where there is one."""

    value: float
    low: float = math.nan
    high: float = math.nan

    def text(self, digits: int = 1) -> str:
        """The number, then its interval in brackets."""
        if math.isnan(self.value):
            return "–"
        shown = f"{self.value:,.{digits}f}"
        return shown if math.isnan(self.low) else f"{shown} [{self.low:,.{digits}f}, {self.high:,.{digits}f}]"


@dataclass(frozen=True)
class Sheet:
    """A table of numbers: the first cell of each row names it.

    Attributes:
        title: what the numbers are, with their unit.
        header: one name for each column.
        rows: as many cells each, str or `Number`.
        digits: after the decimal point.
    """

    title: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    digits: int = 1

    def __post_init__(self) -> None:
        wrong = [len(row) for row in self.rows if len(row) != len(self.header)]
        strangers = [cell for row in self.rows for cell in row if not isinstance(cell, str | Number)]
        if strangers:
            raise ValueError(f"cells of {self.title!r} are text or Number, got {strangers[0]!r}")
        if wrong:
            raise ValueError(f"a row of {self.title!r} has {wrong[0]} cells, its header {len(self.header)}")


@dataclass(frozen=True)
class Section:
    """One figure of a paper, or one further result.

    Attributes:
        key: for file names and links.
        title: what it is.
        source: the figure of the papers; empty where there is none.
        reported: the papers' own number, a phrase; empty where they give none.
        verdict: of their claim.
        sentence: what is shown, and whether the claim holds.
        note: how it was measured.
        figures: by name.
        sheets: the numbers.
    """

    key: str
    title: str
    source: str
    reported: str
    verdict: Verdict
    sentence: str
    note: str
    figures: dict[str, Figure] = field(default_factory=dict)
    sheets: tuple[Sheet, ...] = ()


@dataclass(frozen=True)
class Missing:
    """A section that could not be made."""

    key: str
    title: str
    source: str
    what: str
    command: str


def number(estimate: Estimate, scale: float = 1.0) -> Number:
    """A single estimate in a unit."""
    return Number(*(float(x) * scale for x in estimate[:3]))


def numbers(estimate: Estimate, scale: float = 1.0) -> list[Number]:
    """Estimates ``[n]`` in a unit."""
    return [Number(*(float(x) * scale for x in three)) for three in zip(*estimate[:3], strict=True)]


def judge(found: Estimate, reported: float, null: float = 0.0) -> Verdict:
    """Whether an effect as large as the one reported is found.

    HOLDS: the interval reaches the reported value (or lies beyond it), and excludes ``null`` on the same side. WEAKER:
    it excludes both, between them. FAILS: it lies on the other side of ``null``, or holds ``null`` and excludes what is
    reported. OPEN: it holds both.
    """
    sign = 1.0 if reported >= null else -1.0
    low, high = sorted((sign * (float(found.low) - null), sign * (float(found.high) - null)))
    target = sign * (reported - null)
    if math.isnan(low) or math.isnan(high):
        return Verdict.OPEN
    if low > 0:
        return Verdict.HOLDS if high >= target else Verdict.WEAKER
    return Verdict.OPEN if high >= target else Verdict.FAILS
