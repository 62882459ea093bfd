"""Matches and reports inside of a notebook: what these functions give is drawn where it is a cell's last value."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from camtf import files
from camtf.games.duel.replay import Replay
from camtf.games.duel.roster import Roster
from camtf.games.duel.viewer.page import page_text


@dataclass(frozen=True)
class Shown:
    """A whole page in a frame of its own, so that its style and script stay there.

    Attributes:
        page: HTML that needs nothing else.
        height: of the frame, in pixels.
    """

    page: str
    height: int

    def _repr_html_(self) -> str:
        """What a notebook draws."""
        frame = "width:100%;border:0;border-radius:8px"
        return f'<iframe srcdoc="{html.escape(self.page)}" height="{self.height}" style="{frame}"></iframe>'


def show_match(roster: Roster, replay: Replay, height: int = 760) -> Shown:
    """The viewer with a match. Raises ReplayError where the replay is of other rules or another roster."""
    return Shown(page_text(roster, replay), height)


def show_page(file: Path | str, height: int = 900) -> Shown:
    """A page that camtf has written: a report, a match. Raises FileError where there is none."""
    file = Path(file)
    if not file.is_file():
        raise files.FileError(f"there is no page {file}")
    return Shown(file.read_text(encoding="utf-8"), height)
