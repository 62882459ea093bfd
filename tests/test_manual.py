"""The manual says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from camtf import files
from camtf.games.duel import state
from camtf.games.duel.roster import Roster
from camtf.games.duel.roster.schema import BUFFS, PASSIVES
from camtf.games.duel.rules import constants

MANUAL_FILE = Path(__file__).parents[1] / "docs" / "game.md"
MANUAL = MANUAL_FILE.read_text(encoding="utf-8")


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


def test_the_balance_is_the_reports() -> None:
    report = files.read_json(MANUAL_FILE.parent / "results" / "balance.json")

    def percent(row: dict[str, float]) -> str:
        return f"{100 * row['win_rate']:.1f} % [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"

    pairs = report["characters"] * (report["characters"] - 1) // 2
    unseen = sum(len(report[f"{kind}_unseen"]) for kind in ("skills", "scrolls", "summons", "buffs"))
    told = dict(re.findall(r"^\| ([a-z].*?) \| (.*?) \|$", section("Bots and balance"), re.M))
    assert told == {
        "battles": f"{report['games_per_pair']} of each of {pairs:,} pairs",
        "highest mean win rate": percent(report["highest"]),
        "lowest mean win rate": percent(report["lowest"]),
        "cyclic share of the variance": f"{100 * report['cyclic_share']:.1f} %",
        "player 0 in mirror matches": percent(report["mirror"]),
        "battles that end by knock-out": f"{100 * report['knock_out_share']:.1f} %",
        "skills, scrolls, summons, buffs never seen": str(unseen),
    }


def test_the_roster_is_as_large_as_it_says(roster: Roster) -> None:
    text = section("Characters")
    assert f"{len(roster)}: 16 by hand" in text and f"of {len(set(roster.archetypes))} archetypes" in text
    assert f"with {roster.id_counts[2]} scrolls and {len(roster.summons)} summons" in text
