"""The page of a replay: what it holds, and that a real browser draws it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from camtf.evaluation.battles import BotSide
from camtf.evaluation.recorded import play_match
from camtf.games.duel import replay as replays
from camtf.games.duel.bots import BOTS
from camtf.games.duel.game import Duel
from camtf.games.duel.replay import Replay
from camtf.games.duel.roster import Roster
from camtf.games.duel.viewer import film
from camtf.games.duel.viewer.page import page_data, write_page
from tests.browser import Browser, needs_browser

CHARACTERS = ("ember_fox", "frost_seer")


@pytest.fixture(scope="module")
def replay(roster: Roster) -> Replay:
    first, second = (BotSide(BOTS["punisher"], np.array([roster.index(c)])) for c in CHARACTERS)
    return play_match(Duel(roster), CHARACTERS, (first, second), ("punisher", "punisher"), seed=1)


def test_the_page_holds_the_match(roster: Roster, replay: Replay, tmp_path: Path) -> None:
    write_page(roster, replay, tmp_path / "match.html")
    text = (tmp_path / "match.html").read_text()
    assert "<title>Ember Fox v. Frost Seer</title>" in text and "{{" not in text
    assert not re.search(r"""(src|href)=["']|https?://""", text)  # self-contained
    data = json.loads(re.search(r"const DATA = (.*);\n", text)[1])  # type: ignore[index]
    moments = list(replays.play_back(roster, replay))
    assert len(data["moments"]) == len(moments)
    for i in (0, len(moments) // 2, len(moments) - 1):
        for p in (0, 1):
            shown, fighter = data["moments"][i][p], moments[i].fighters[p]
            assert (shown["x"], shown["y"], shown["mp"]) == (fighter["x_mm"], fighter["y_mm"], fighter["mana"])
            assert shown["hp"] == max(fighter["health_hp"], 0) and shown["a"] == moments[i].actions[p].tolist()
    assert data["fighters"][0]["moves"][3]["name"] == "Flame Rush" and data["fighters"][1]["element"] == "water"


def test_names_cannot_break_out_of_the_page(roster: Roster, replay: Replay, tmp_path: Path) -> None:
    bad = Replay(**{**vars(replay), "players": ("</script><b>", "x")})
    write_page(roster, bad, tmp_path / "match.html")
    assert "</script><b>" not in (tmp_path / "match.html").read_text()


@pytest.fixture(scope="module")
def page(roster: Roster, replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("viewer") / "match.html"
    write_page(roster, replay, file)
    return file


@needs_browser
def test_a_browser_draws_it(roster: Roster, replay: Replay, page: Path) -> None:
    last = page_data(roster, replay)["moments"][-1]
    for moment in (0, 60, len(replay.actions)):
        document = film.open_page(page, f"t={moment}")
        assert f'data-moment="{moment}"' in document  # drawn to the end, without an error on the way
        assert f">{60 - moment / 10:.1f}</div>" in document
    assert all(f"{fighter['hp']} HP" in document for fighter in last)


_COVERED = """[...Array(LAST + 1).keys()].filter(moment => {
  go(moment);
  const t = stage.taken, apart = (a, b) => a[0] >= b[2] || b[0] >= a[2] || a[1] >= b[3] || b[1] >= a[3];
  return t.some((a, i) => a[0] < 0 || a[2] > stage.w || t.some((b, j) => i < j && !apart(a, b)));
})"""


@needs_browser
def test_it_fits_a_phone_and_no_label_covers_another(page: Path) -> None:
    with Browser() as browser:
        for width, height in ((1280, 800), (390, 844)):
            assert browser.open(page, width, height, phone=width < 500) == []
            assert browser.run("document.documentElement.scrollWidth") == width
            assert browser.run(_COVERED) == []


@needs_browser
def test_a_film_has_its_frames(page: Path, replay: Replay, tmp_path: Path) -> None:
    assert film.write_film(page, tmp_path / "x.gif", first=len(replay.actions) - 2, count=9, width=220) == 3
    with Image.open(tmp_path / "x.gif") as picture:
        assert picture.n_frames == 3 and picture.size == (220, 86)
    with pytest.raises(RuntimeError, match="has no moment 900"):
        film.write_film(page, tmp_path / "x.gif", first=900, count=2)


def test_without_a_browser_it_says_so(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CAMTF_CHROMIUM", raising=False)
    with pytest.raises(
        RuntimeError, match=r"no browser: none of chromium, .* on the PATH and CAMTF_CHROMIUM is not set"
    ):
        film.open_page(page, "t=0")
