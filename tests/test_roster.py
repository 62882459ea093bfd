"""Roster files: what is loaded, and what is refused with which words."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from camtf.games.duel.roster import Roster, RosterError, element_column, generate, load_roster
from camtf.games.duel.roster.entries import read_toml
from camtf.games.duel.roster.schema import MOVES


def test_the_small_roster_is_read_as_written(plain: Roster) -> None:
    assert plain.ids == ("anvil", "reed") and plain.names == ("Anvil", "Reed")
    assert plain.moves["damage_hp"][0].tolist() == [100, 100, 100, 100, 100, 0, 10]
    assert plain.moves[0, MOVES.index("scroll")]["cooldown_ticks"] == 300
    np.testing.assert_array_equal(plain.multipliers, [[1000, 1100, 900], [900, 1000, 1100], [1100, 900, 1000]])
    assert plain.element_module[1, :7].tolist() == [1, 1, 0, 0, 0, 0, 8]
    # reach 1,000 mm of at most 6,000
    assert plain.element_module[0, element_column("chain_1", "reach_mm")] == 167


def test_characters_of_the_game_differ(roster: Roster) -> None:
    assert len(roster) == 320 and len(set(roster.archetypes)) >= 10
    assert len({row.tobytes() for row in roster.moves}) == len(set(roster.names)) == 320
    assert len(roster.summons) >= 12 and roster.id_counts[2] >= 12
    assert len(roster.holdout) >= 30 and set(roster.holdout) <= set(roster.ids[16:])


def changed(folder: Path, tmp_path: Path, file: str, old: str, new: str) -> Path:
    """A copy of the roster with one piece of text replaced."""
    shutil.copytree(folder, tmp_path / "roster")
    path = tmp_path / "roster" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return tmp_path / "roster"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("max_health_hp = 1000", "max_health_hp = -5", r"'anvil'.*'max_health_hp' must be.*\[500, 4000\], got -5"),
        ("max_health_hp = 1000", "", r"'anvil': field 'max_health_hp' is missing"),
        ('id = "reed"', 'id = "anvil"', r"'anvil': field 'id' = 'anvil' stands twice"),
        ('scroll = "quiet"', 'scroll = "loud"', r"'scroll' must be one of quiet; got 'loud'"),
        ('element = "fire"', 'element = "ice"', r"'element' must be one of fire, wind, earth; got 'ice'"),
        ("startup_ticks = 3", "startup_ticks = 3\nspeed = 4", r"'anvil', chain 1: unknown field 'speed' = 4"),
        ('inflict = "burn"', 'inflict = "melt"', r"'anvil', skill_1: field 'inflict' must be one of .*; got 'melt'"),
        ("damage_hp = 100", "damage_hp = 1.5", r"'damage_hp' must be an integer.* got 1.5"),
        ("[character.skill_2]", "[character.skill_9]", r"'anvil': field 'skill_2' is missing; it must be a table"),
        ('name = "Anvil"', "name = 3", r"field 'name' must be a string of 1 to 64 printable characters, got 3"),
        ("[[character]]", "[[character", r"characters.toml: not valid TOML"),
    ],
)
def test_bad_characters_are_refused(plain_folder: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(RosterError, match=message):
        load_roster(changed(plain_folder, tmp_path, "characters.toml", old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("interval_ticks = 60", "interval_ticks = 0", r"summon 'crow': field 'interval_ticks'.*got 0"),
        ('"wind", "earth"]', '"wind"]', r"'cycle' must be a list of 3 to 32 different names"),
        ("[[weapon]]", "[[club]]", r"no \[\[weapon\]\] entry"),
    ],
)
def test_bad_loadouts_are_refused(plain_folder: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(RosterError, match=message):
        load_roster(changed(plain_folder, tmp_path, "loadout.toml", old, new))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match=r"loadout.toml: cannot be read"):
        load_roster(tmp_path)


def test_digest_follows_content_not_layout(plain: Roster, plain_folder: Path, tmp_path: Path) -> None:
    commented = changed(plain_folder, tmp_path, "characters.toml", "[[character]]", "# words\n\n[[character]]")
    assert load_roster(commented).digest == plain.digest
    faster = changed(plain_folder, tmp_path / "b", "characters.toml", "walk_mm_per_tick = 100", "walk_mm_per_tick = 99")
    assert load_roster(faster).digest != plain.digest


def test_an_unknown_character_is_named(plain: Roster) -> None:
    with pytest.raises(RosterError, match=r"unknown character 'oak'; the roster has anvil, reed"):
        plain.index("oak")


def test_a_character_in_two_files_and_a_wrong_holdout_are_refused(plain_folder: Path, tmp_path: Path) -> None:
    folder = changed(plain_folder, tmp_path, "characters.toml", "# Two", "# Two")
    shutil.copy(folder / "characters.toml", folder / "characters_more.toml")
    with pytest.raises(RosterError, match=r"characters_more.toml: character 'anvil': field 'id' = 'anvil' stands in"):
        load_roster(folder)
    (folder / "characters_more.toml").unlink()
    path = folder / "characters.toml"
    path.write_text('holdout = ["oak"]\n' + path.read_text())
    with pytest.raises(RosterError, match=r"'holdout' names 'oak', which is no character"):
        load_roster(folder)
    path.write_text(path.read_text().replace('["oak"]', "3"))
    with pytest.raises(RosterError, match=r"'holdout' must be a list of character ids, got 3"):
        load_roster(folder)


def test_the_committed_characters_are_the_generators(roster: Roster) -> None:
    """Same seed, same characters, but for the health that was set by play; all cost the same points."""
    committed = read_toml(generate.FILE)["character"]
    made = tomllib_round_trip(generate.to_toml(generate.generate()))
    assert len(made) == len(committed) == 304
    for one, other in zip(made, committed, strict=True):
        assert {**one, "max_health_hp": 0} == {**other, "max_health_hp": 0}
    prices = [generate.price(character) for character in committed]
    np.testing.assert_allclose(prices, generate.BUDGET, rtol=0.02)
    assert generate.generate(5, seed=1) != generate.generate(5, seed=2)


def tomllib_round_trip(text: str) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.toml"
        file.write_text(text)
        return read_toml(file)["character"]
