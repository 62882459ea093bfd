"""The manual says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from camtf.games.duel import state
from camtf.games.duel.roster import Roster
from camtf.games.duel.roster.schema import BUFFS, PASSIVES
from camtf.games.duel.rules import constants

MANUAL = (Path(__file__).parents[1] / "docs" / "game.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return MANUAL.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_number_is_the_codes() -> None:
    rows = dict(re.findall(r"\| `([A-Z_]+)` \| (\d+) \|", section("Numbers")))
    enumerated = {name.upper() for name in (*BUFFS, *PASSIVES)} | {"CARRY_PER_HP"}
    numbers = {name for name, value in vars(constants).items() if isinstance(value, int)} - enumerated
    assert numbers <= set(rows), f"not in the manual: {numbers - set(rows)}"
    for name, value in rows.items():
        assert int(value) == getattr(constants, name, getattr(state, name, None)), name


def test_every_buff_passive_and_skill_is_described() -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \|", section("Buffs"), re.M)) == BUFFS
    assert tuple(re.findall(r"^\| `(\w+)` \|", section("Passives"), re.M)) == PASSIVES
    described = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", section("A decision"), re.M)))
    assert tuple(described) == state.SKILLS


def test_the_roster_is_as_large_as_it_says(roster: Roster) -> None:
    text = section("Characters")
    assert f"{len(roster)}: 16 by hand" in text and f"of {len(set(roster.archetypes))} archetypes" in text
    assert f"with {roster.id_counts[2]} scrolls and {len(roster.summons)} summons" in text
