"""Matches and reports inside of a notebook."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pytest

from camtf import notebook
from camtf.files import FileError
from camtf.games.duel import replay as replays
from camtf.games.duel.env import DuelGame
from camtf.games.duel.roster import Roster
from camtf.games.duel.viewer.page import page_text


def framed(shown: notebook.Shown) -> str:
    """The page that a browser takes out of the frame."""
    (page,) = re.findall(r'<iframe srcdoc="([^"]*)"', shown._repr_html_())
    return html.unescape(page)


def test_a_page_comes_out_of_its_frame_as_it_was(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<p class="a">Tom & "Jerry" <b>won\'t</b> &lt;</p>', encoding="utf-8")
    shown = notebook.show_page(page, height=123)
    assert framed(shown) == page.read_text(encoding="utf-8") and 'height="123"' in shown._repr_html_()


def test_a_match_is_shown_by_the_viewer(roster: Roster) -> None:
    game, actions, ended = DuelGame(roster, 1, seed=4), [], False
    game.reset(np.array([[0], [1]]))
    while not ended:
        actions.append(np.zeros((2, 1, 2), np.int32))
        ended = bool(game.step(actions[-1])[1].done[0])
    match = replays.record(roster, (roster.ids[0], roster.ids[1]), np.stack(actions)[:, :, 0], seed=4)
    assert framed(notebook.show_match(roster, match)) == page_text(roster, match)


def test_a_page_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"there is no page .*nothing\.html"):
        notebook.show_page(tmp_path / "nothing.html")
