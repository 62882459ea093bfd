"""Characters as a page with pictures: ``python -m camtf.gallery --roster=folder --out=characters.md``.

Each is drawn by the viewer in the middle of its strongest move that a match between two bots has shown, above a table
of its moves. The page is Markdown; the pictures go into a folder ``pictures`` beside it. Needs a Chromium and Pillow.
"""

from __future__ import annotations

import base64
import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import flags

from camtf import command, files
from camtf.config import MOST_SEED
from camtf.evaluation.battles import BotSide
from camtf.evaluation.recorded import play_match
from camtf.games.duel import replay as replays
from camtf.games.duel.bots import BOTS
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster, RosterError, load_roster
from camtf.games.duel.roster.loader import DEFAULT_FOLDER
from camtf.games.duel.roster.schema import BUFFS, MOVES, PASSIVES, SKILL_1, SKILL_2, ULTIMATE
from camtf.games.duel.state import HALF_LENGTH_MM, TICKS_PER_SECOND
from camtf.games.duel.viewer import write_page
from camtf.games.duel.viewer.film import open_page

FLAGS = flags.FLAGS

_BOT = "punisher"
SHOWN = (342, 240)
"""Width and height of a picture, in pixels."""

_STAGE = (1100, 430)
"""Width and height of the pictures that the viewer makes, in pixels."""
_CROP = (470, 330)
_TOP = 84
_COLOURS = 64
_SHOWN_MOVES = (ULTIMATE, SKILL_2, SKILL_1, 2, 1, 0)
"""Which move a character is drawn in, the first of these that it came to make."""


class Scene(NamedTuple):
    """A moment of a match: its number, which move the character makes in it, and where it stands, in mm."""

    moment: int
    move: int
    x_mm: int


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("roster", str(DEFAULT_FOLDER), "Folder of the roster.")
    flags.DEFINE_list(
        "characters",
        [],
        "Ids of the characters, comma-separated; empty: those of its characters.toml, or all.",
    )
    flags.DEFINE_string("out", "characters.md", "The page to write; what stands above its first character stays.")
    flags.DEFINE_bool("pictures", True, "Also draw the pictures.")
    flags.DEFINE_integer("seed", 1, "Seed of the matches.", 0, MOST_SEED)


def main() -> None:
    """Write the page, and the pictures beside it."""
    out = Path(FLAGS.out)
    try:
        files.check_writable(out)
        roster = load_roster(Path(FLAGS.roster))
        shown = [roster.index(i) for i in FLAGS.characters or named(Path(FLAGS.roster)) or roster.ids]
        files.write_text(out, page(roster, shown, out.read_text(encoding="utf-8") if out.exists() else ""))
        for k, character in enumerate(shown if FLAGS.pictures else []):
            opponent = shown[(k + 1) % len(shown)] if len(shown) > 1 else (character + 1) % len(roster)
            picture = draw(roster, character, opponent, FLAGS.seed)
            files.write_bytes(out.parent / "pictures" / f"{roster.ids[character]}.png", picture)
    except (RosterError, RuntimeError, ImportError, ValueError) as error:
        raise command.failure(error) from error
    print(f"{len(shown)} characters in {out}")


def named(folder: Path) -> list[str]:
    """Ids of the characters that a roster's ``characters.toml`` holds: those made by hand. None where it has no such
    file."""
    file = folder / "characters.toml"
    return re.findall(r'^id = "(\w+)"', file.read_text(encoding="utf-8"), re.M) if file.exists() else []


def draw(roster: Roster, character: int, opponent: int, seed: int) -> bytes:
    """A character in its strongest move, as PNG.

    Args:
        character, opponent: indices into the roster.

    Raises RuntimeError without a browser, or where the character makes no move in the match.
    """
    from PIL import Image

    game = Duel(roster)
    sides = tuple(BotSide(BOTS[_BOT], np.array([c])) for c in (character, opponent))
    cast = (roster.ids[character], roster.ids[opponent])
    replay = play_match(game, cast, (sides[0], sides[1]), (_BOT, _BOT), seed)
    at = scene(roster, replay)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "match.html"
        write_page(roster, replay, file)
        document = open_page(file, f"film={at.moment},1")
    (data,) = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", document)
    picture = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    assert picture.size == _STAGE
    middle = _STAGE[0] / 2 * (1 + 0.9 * at.x_mm / HALF_LENGTH_MM)
    left = int(np.clip(middle - _CROP[0] / 2, 0, _STAGE[0] - _CROP[0]))
    part = picture.crop((left, _TOP, left + _CROP[0], _TOP + _CROP[1])).resize(SHOWN, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    few = part.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE)
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


def scene(roster: Roster, replay: replays.Replay) -> Scene:
    """The moment in which player 0 makes its strongest move. Raises RuntimeError where there is none."""
    own = roster.moves[roster.index(replay.characters[0])]
    found: dict[int, Scene] = {}
    for number, moment in enumerate(replays.play_back(roster, replay)):
        fighter = moment.fighters[0]
        move = int(fighter["move"])
        if 0 <= move < len(MOVES) and move not in found:
            since = int(fighter["move_tick"]) - own[move]["startup_ticks"]
            if 0 <= since < own[move]["active_ticks"]:
                found[move] = Scene(number, move, int(fighter["x_mm"]))
    for move in _SHOWN_MOVES:
        if move in found:
            return found[move]
    raise RuntimeError(f"{replay.characters[0]} makes no move in a match of seed {replay.seed}")


def page(roster: Roster, shown: list[int], before: str) -> str:
    """A page of these characters. What an earlier one says above its first character stays."""
    head = before.partition("\n## ")[0].rstrip() or "# Characters"
    return "\n".join([head, "", *(line for c in shown for line in section(roster, c))])


def section(roster: Roster, character: int) -> Iterator[str]:
    """One character: a picture, what it is, and its moves."""
    packed, name = roster.characters[character], roster.names[character]
    yield f"## {name}"
    yield ""
    yield f"![{name}](pictures/{roster.ids[character]}.png)"
    yield ""
    yield (
        f"`{roster.ids[character]}`: {roster.archetypes[character]}, {roster.elements[packed['element']]}, "
        f"{packed['max_health_hp']:,} HP, walks {packed['walk_mm_per_tick'] * TICKS_PER_SECOND / 1000:.1f} m/s, "
        f"{packed['mana_regen_per_mille_per_second'] / 10:g} % mana a second, `{PASSIVES[packed['passive']]}` "
        f"{packed['passive_per_mille'] / 10:g} %."
    )
    yield ""
    yield "| move | | ticks | reach, m | damage, HP | mana, % | ready after, s | what else |"
    yield "|---|---|---|---|---|---|---|---|"
    for kind, title, move in zip(MOVES, roster.move_names[character], roster.moves[character], strict=True):
        ticks = " + ".join(str(move[part]) for part in ("startup_ticks", "active_ticks", "recovery_ticks"))
        cells = [
            title,
            f"`{kind}`",
            ticks,
            _number(_reach(move) / 1000),
            _number(move["damage_hp"]),
            _number(move["mana_per_mille"] / 10),
            _number(move["cooldown_ticks"] / TICKS_PER_SECOND),
            ", ".join(_effects(move)),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _reach(move: np.void) -> int:
    """How far a blow reaches, or a projectile comes."""
    if move["projectile_ticks"]:
        return int(move["projectile_mm_per_tick"] * move["projectile_ticks"])
    return int(move["reach_mm"])


def _effects(move: np.void) -> Iterator[str]:
    if move["projectile_ticks"]:
        yield "projectile"
    if move["lunge_mm_per_tick"]:
        yield f"lunges {move['lunge_mm_per_tick'] * TICKS_PER_SECOND / 1000:.1f} m/s"
    for field, text in (("armoured", "armoured"), ("unblockable", "unblockable"), ("knock_down", "knocks down")):
        if move[field]:
            yield text
    if move["heal_hp"]:
        yield f"heals {move['heal_hp']} HP"
    for field, verb in (("inflict", "inflicts"), ("gain", "gains")):
        if move[f"{field}_ticks"]:
            yield f"{verb} `{BUFFS[move[field]]}` {move[f'{field}_ticks'] / TICKS_PER_SECOND:.1f} s"


def _number(value: float) -> str:
    return f"{value:.3g}" if value else ""


if __name__ == "__main__":
    define_flags()
    command.run(main)
