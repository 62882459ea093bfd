"""The page of characters: made of the roster, with pictures that the viewer draws; and the tutorial's own character."""

from __future__ import annotations

import io
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from camtf import gallery
from camtf.evaluation.battles import BotSide
from camtf.evaluation.recorded import play_match
from camtf.games.duel.bots import BOTS
from camtf.games.duel.game import Duel
from camtf.games.duel.replay import Replay, play_back
from camtf.games.duel.roster import Roster, load_roster
from camtf.games.duel.roster.loader import DEFAULT_FOLDER
from camtf.games.duel.roster.schema import MOVES
from tests.browser import needs_browser
from tests.documents import blocks, read
from tests.programs import ROOT


def match(duel: Duel, cast: tuple[str, str], bots: tuple[str, str]) -> Replay:
    """A recorded match of two bots."""
    sides = [BotSide(BOTS[bot], np.array([duel.roster.index(i)])) for bot, i in zip(bots, cast)]
    return play_match(duel, cast, (sides[0], sides[1]), bots, seed=1)


@needs_browser
def test_a_picture_is_what_the_viewer_draws(roster: Roster) -> None:
    """Browsers have different fonts and round edges in different ways; the rest is the same."""
    fox, archer = map(roster.index, ("ember_fox", "gale_archer"))
    kept = Image.open(ROOT / "docs" / "pictures" / "ember_fox.png").convert("RGB")
    drawn = Image.open(io.BytesIO(gallery.draw(roster, fox, archer, seed=1))).convert("RGB")
    apart = np.abs(np.asarray(kept, np.int16) - np.asarray(drawn, np.int16))
    assert (apart.max(axis=-1) > 60).mean() < 0.05


def test_the_character_of_the_tutorial_fights(tmp_path: Path) -> None:
    page = "docs/tutorials/own_character.md"
    for name in ("loadout.toml", "characters.toml"):
        shutil.copy(DEFAULT_FOLDER / name, tmp_path)
    (text,) = (block.text for block in blocks(page) if block.language == "toml")
    (tmp_path / "characters_mine.toml").write_text(text, encoding="utf-8")
    roster = load_roster(tmp_path)
    assert len(roster) == 17
    fought = match(Duel(roster), ("ash_wolf", "iron_bull"), ("punisher", "punisher"))
    made = {int(moment.fighters[0]["move"]) for moment in play_back(roster, fought)}
    assert {MOVES.index(move) for move in ("chain_1", "skill_1", "skill_2")} <= made


def test_the_page_of_characters_is_the_rosters(roster: Roster) -> None:
    page = "docs/characters.md"
    shown = [roster.index(i) for i in gallery.named(DEFAULT_FOLDER)]
    assert len(shown) == 16 and read(page).rstrip() == gallery.page(roster, shown, read(page)).rstrip()
    for character in shown:
        content = (ROOT / "docs" / "pictures" / f"{roster.ids[character]}.png").read_bytes()
        width, height = struct.unpack(">II", content[16:24])
        assert (width, height) == gallery.SHOWN and 2_000 < len(content) < 16_000


def test_the_scene_is_the_strongest_move_in_its_active_ticks(duel: Duel) -> None:
    roster = duel.roster
    played = match(duel, ("ember_fox", "iron_bull"), ("punisher", "punisher"))
    at = gallery.scene(roster, played)
    moments = list(play_back(roster, played))
    own = roster.moves[roster.index("ember_fox")]
    fighter = moments[at.moment].fighters[0]
    assert (fighter["move"], fighter["x_mm"]) == (at.move, at.x_mm)
    assert 0 <= fighter["move_tick"] - own[at.move]["startup_ticks"] < own[at.move]["active_ticks"]
    made = {int(m.fighters[0]["move"]) for m in moments if 0 <= m.fighters[0]["move"] < len(MOVES)}
    assert at.move >= 3 and made & {3, 4, 5}


def test_who_makes_no_move_has_no_scene(duel: Duel) -> None:
    with pytest.raises(RuntimeError, match=r"^ember_fox makes no move in a match of seed 1$"):
        gallery.scene(duel.roster, match(duel, ("ember_fox", "iron_bull"), ("idle", "idle")))


def test_what_stands_above_the_first_character_stays(roster: Roster) -> None:
    fox = roster.index("ember_fox")
    page = gallery.page(roster, [fox], "# Mine\n\nA word.\n\n## Old\n\nGone.\n")
    assert page.startswith("# Mine\n\nA word.\n\n## Ember Fox\n") and "Gone" not in page
    assert gallery.page(roster, [fox], page).rstrip() == page.rstrip()
    assert gallery.page(roster, [fox], "").startswith("# Characters\n")
