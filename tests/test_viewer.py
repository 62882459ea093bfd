"""The page of a replay: what it holds, and that a real browser draws it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from camtf.evaluation.battles import BotSide
from camtf.game import replay as replays
from camtf.game.replay import Replay
from camtf.game.roster import Roster
from camtf.game.viewer.page import page_data, write_page
from camtf.watch import play_match

CHARACTERS = ("ember_fox", "frost_seer")


@pytest.fixture(scope="module")
def replay(roster: Roster) -> Replay:
    first, second = (BotSide("punisher", np.array([roster.index(c)])) for c in CHARACTERS)
    return play_match(roster, CHARACTERS, (first, second), ("punisher", "punisher"), seed=1)


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


def test_a_browser_draws_it(roster: Roster, replay: Replay, tmp_path: Path) -> None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    browser = os.environ.get("CAMTF_CHROMIUM") or next((path for path in map(shutil.which, names) if path), None)
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(names)} on the PATH and CAMTF_CHROMIUM is not set")
    page = tmp_path / "match.html"
    write_page(roster, replay, page)
    last = page_data(roster, replay)["moments"][-1]
    for moment in (0, 60, len(replay.actions)):
        done = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-background-networking", "--disable-component-update",
             f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
             f"{page.as_uri()}?t={moment}"],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        assert f'data-moment="{moment}"' in done.stdout  # drawn to the end, without an error on the way
        assert f">{60 - moment / 10:.1f}</div>" in done.stdout
    assert all(f"{fighter['hp']} HP" in done.stdout for fighter in last)
