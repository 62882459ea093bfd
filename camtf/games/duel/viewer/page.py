"""A replay as one self-contained HTML file: the match's moments as JSON inside of `page.html`."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import numpy as np

from camtf import files
from camtf.games.duel.observation import MOVEMENT_COUNT, SKILL_COUNT
from camtf.games.duel.replay import Moment, Replay, play_back
from camtf.games.duel.roster import Roster
from camtf.games.duel.roster.schema import BUFFS, PASSIVES
from camtf.games.duel.state import (
    COOLDOWNS,
    FULL_MANA,
    HALF_DEPTH_MM,
    HALF_LENGTH_MM,
    MATCH_TICKS,
    MOVEMENTS,
    SKILLS,
    TICKS_PER_DECISION,
    TICKS_PER_SECOND,
)

TEMPLATE = Path(__file__).with_name("page.html")
STAGE = Path(__file__).with_name("stage.js")
"""What draws two fighters, here and where a match is played (`camtf.play`)."""


def write_page(roster: Roster, replay: Replay, file: Path) -> None:
    """Play the replay back and write it as a page. Raises ReplayError, and FileError where it cannot be written."""
    files.write_text(file, page_text(roster, replay))


def page_text(roster: Roster, replay: Replay) -> str:
    """Play the replay back; the page as HTML. Raises ReplayError."""
    data = page_data(roster, replay)
    title = " v. ".join(fighter["name"] for fighter in data["fighters"])
    text = TEMPLATE.read_text(encoding="utf-8").replace("{{stage}}", STAGE.read_text(encoding="utf-8"))
    script = json.dumps(data, separators=(",", ":")).replace("</", "<\\/")
    return text.replace("{{title}}", html.escape(title)).replace("{{data}}", script)


def page_data(roster: Roster, replay: Replay) -> dict[str, Any]:
    """All that the page draws, as plain lists and dictionaries. Raises ReplayError."""
    moments = list(play_back(roster, replay))
    cast = [roster.index(i) for i in replay.characters]
    return {
        "rules": describe_rules(),
        "fighters": [describe_fighter(roster, c, player) for c, player in zip(cast, replay.players, strict=True)],
        "moments": [[_describe_moment(moment, p) for p in range(2)] for moment in moments],
    }


def describe_rules() -> dict[str, Any]:
    """Of the arena and the clock, and the names of what the numbers of `describe_state` mean."""
    return {
        "half_length": HALF_LENGTH_MM,
        "half_depth": HALF_DEPTH_MM,
        "seconds": MATCH_TICKS / TICKS_PER_SECOND,
        "ticks_per_second": TICKS_PER_SECOND,
        "decisions_per_second": TICKS_PER_SECOND / TICKS_PER_DECISION,
        "full_mana": FULL_MANA,
        "movements": MOVEMENTS,
        "skills": SKILLS,
        "buffs": BUFFS,
        "cooldowns": COOLDOWNS,
    }


def describe_fighter(roster: Roster, character: int, player: str) -> dict[str, Any]:
    """What stays the same in a match: a character, by its index, and who plays it."""
    packed = roster.characters[character]
    moves = roster.moves[character]
    shown = (
        "startup_ticks", "active_ticks", "recovery_ticks", "reach_mm", "width_mm", "projectile_ticks", "mana_per_mille",
    )  # fmt: skip
    return {
        "name": roster.names[character],
        "player": player,
        "archetype": roster.archetypes[character],
        "element": roster.elements[packed["element"]],
        "passive": PASSIVES[packed["passive"]],
        "health": int(packed["max_health_hp"]),
        "moves": [
            {"name": name, **{field: int(move[field]) for field in shown}}
            for name, move in zip(roster.move_names[character], moves, strict=True)
        ],
    }


def describe_state(f: np.void) -> dict[str, Any]:
    """A fighter (`camtf.games.duel.state.FIGHTER`) at one moment; short names, because there are hundreds of them."""
    return {
        "x": int(f["x_mm"]),
        "y": int(f["y_mm"]),
        "f": int(f["facing"]),
        "hp": max(int(f["health_hp"]), 0),
        "mp": int(f["mana"]),
        "m": int(f["move"]),
        "t": int(f["move_tick"]),
        "st": int(f["stun_ticks"]),
        "dn": int(f["down_ticks"]),
        "iv": int(f["invincible_ticks"]),
        "g": int(f["guarding"]),
        "c": int(f["combo_taken"]),
        "b": [[int(k), int(f["buff_ticks"][k]), int(f["buff_stacks"][k])] for k in np.flatnonzero(f["buff_ticks"])],
        "cd": f["cooldown_ticks"].tolist(),
        "p": [
            [int(f["projectile_x_mm"][i]), int(f["projectile_y_mm"][i]), int(f["projectile_move"][i])]
            for i in np.flatnonzero(f["projectile_ticks"])
        ],
        "s": [int(f["summon_x_mm"]), int(f["summon_y_mm"])] if f["summon_ticks"] > 0 else None,
    }


def _describe_moment(moment: Moment, player: int) -> dict[str, Any]:
    """One fighter at one moment of a replay, with what it chose and might have chosen."""
    mask = moment.observation.mask[player][: MOVEMENT_COUNT + SKILL_COUNT]
    return {
        **describe_state(moment.fighters[player]),
        "a": [int(a) for a in moment.actions[player]],
        "k": [int(legal) for legal in mask],
    }
