"""Roster files with anything wrong in them: each is loaded and playable, or refused by one line that names the file."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from camtf.games.duel.env import DuelGame
from camtf.games.duel.roster import RosterError, load_roster
from tests.playing import random_actions
from tests.test_roster_extremes import check

MUTATIONS = 600
FILES = ("characters.toml", "loadout.toml")
DEEP = 3000
NOT_UTF_8 = "\xff"
"""As Latin-1."""
VALUES = (
    *(
        "-1",
        "0",
        "1",
        "41",
        "301",
        "4001",
        "2147483648",
        "-9223372036854775809",
        "9" * 40,
        "9" * 5000,
        "0x" + "f" * 5000,
    ),
    *("1.0", "nan", "-inf", "1e999", "true", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "2024-13-45"),
    *(
        '""',
        '" "',
        '"Two Words"',
        '"CAPS"',
        '"../up"',
        '"a/b"',
        '"ünï"',
        '"火"',
        '"\\u0000"',
        '"\\n"',
        '"anvil"',
        '"stun"',
    ),
    *(f'"{"x" * 65}"', f'"{"x" * 100_000}"', '"""\na\n"""', "'", '"'),
    *("[]", "[[]]", "[{}]", "{}", "{ a = 1 }", "[1, 'a']", f"[{'1,' * 1000}]", "[" * DEEP, "[" * DEEP + "]" * DEEP),
)
KEYS = (
    "id",
    "name",
    "inflict",
    "gain_ticks",
    "stun_ticks",
    "élan",
    '"two words"',
    '"\\n"',
    '"' + "k" * 10_000 + '"',
    "",
)
WHOLE = (
    *("", "\ufeff", "\0", "character = 3", "character = {}", "character = [1]", "character = [[]]", "[character]"),
    *("holdout = [[]]", "holdout = {}", "elements = 3", "[[elements]]", "scroll = 'a'", "weapon = [{}, 1]"),
    *(
        ".".join("a" * DEEP) + " = 1",
        "character = " + "[" * DEEP + "]" * DEEP,
        "character = [{id = 'a'}]",
        "x" * 100_000,
    ),
)


def mutated(rng: np.random.Generator, kind: str, text: str) -> bytes:
    """The text of a roster file with one thing changed."""
    lines = text.split("\n")
    i, j = rng.integers(len(lines), size=2)
    given = [n for n, line in enumerate(lines) if " = " in line]
    key, value = lines[n := int(rng.choice(given))].split(" = ", 1)
    match kind:
        case "bytes":
            data = bytearray(text.encode())
            for at in rng.integers(len(data), size=rng.integers(1, 4)):
                data[at] = rng.integers(256)
            return bytes(data)
        case "cut":
            return text.encode()[: rng.integers(len(text))]
        case "not UTF-8":
            at = int(rng.integers(len(text)))
            return text[:at].encode() + bytes([rng.integers(128, 256)]) + text[at:].encode()
        case "value":
            lines[n] = f"{key} = {rng.choice(VALUES)}"
        case "number":
            lines[n] = f"{key} = {rng.integers(-10, 10 ** rng.integers(1, 5))}"
        case "key":
            lines[n] = f"{rng.choice(KEYS)} = {value}"
        case "extra key":
            lines.insert(n, f"{rng.choice(KEYS)} = {rng.choice(VALUES)}")
        case "line missing":
            del lines[i]
        case "line twice":
            lines.insert(i, lines[i])
        case "lines exchanged":
            lines[i], lines[j] = lines[j], lines[i]
        case "header":
            n = int(rng.choice([n for n, line in enumerate(lines) if line.startswith("[[")]))
            lines[n] = str(rng.choice([lines[n][1:-1], lines[n] + ".x", "[[club]]", "[a.b]"]))
        case "whole":
            return str(rng.choice(WHOLE)).encode()
    return "\n".join(lines).encode()


KINDS = (
    *("bytes", "cut", "not UTF-8", "value", "number", "key", "extra key"),
    *("line missing", "line twice", "lines exchanged", "header", "whole"),
)


def test_every_damaged_roster_is_playable_or_refused_by_name(plain_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(plain_folder, folder := tmp_path / "roster")
    texts = {name: (folder / name).read_text() for name in FILES}
    rng = np.random.default_rng(21)
    loaded: Counter[str] = Counter()
    for number in range(MUTATIONS):
        kind, name = KINDS[number % len(KINDS)], FILES[int(rng.random() < 0.3)]
        data = mutated(rng, kind, texts[name])
        (folder / name).write_bytes(data)
        try:
            roster = load_roster(folder)
        except RosterError as error:
            message = str(error)
            assert message.startswith(f"{folder}/"), (kind, message)
            assert message.isprintable() and len(message) < 1000, (kind, message)
        except Exception as error:
            pytest.fail(f"mutation {number} ({kind} of {name}): {type(error).__name__}: {str(error)[:200]}")
        else:
            loaded[kind] += 1
            game = DuelGame(roster, 2, number)
            observation = game.reset(rng.integers(0, len(roster), (2, 2)))
            for _ in range(30):
                observation, _ = game.step(random_actions(observation, rng), observation)
                check(game, observation)
        (folder / name).write_text(texts[name])
    # Most damage is seen; what is not seen is a number within its range, a name, a comment.
    assert 40 < loaded.total() < MUTATIONS / 2 and loaded.keys().isdisjoint(("not UTF-8", "header", "whole")), loaded


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("characters", 'id = "anvil"', 'id = "An Vil"', "character number 1: field 'id' must be 1 to 64 of a-z, 0-9"),
        ("characters", 'id = "anvil"', 'id = "änvil"', "got 'änvil'"),
        ("characters", 'id = "anvil"', f'id = "{"a" * 65}"', "field 'id' must be 1 to 64 of a-z, 0-9 and _, got 'aaa"),
        ("loadout", 'id = "crow"', 'id = "crow/.."', "summon number 1: field 'id' must be 1 to 64 of a-z, 0-9"),
        ("loadout", '"wind", "earth"', '"wind", "Earth"', "elements: field 'cycle' must be a list of 3 to 32"),
        ("loadout", '"wind", "earth"', '"wind", ["earth"]', "of a-z, 0-9 and _, got ['fire', 'wind', ['earth']]"),
        ("characters", 'name = "Anvil"', 'name = "An\\u0000vil"', "must be a string of 1 to 64 printable characters"),
        ("characters", 'inflict = "burn"', 'inflict = "stun"', "'inflict_ticks' must be an integer in [1, 40] for"),
        ("characters", "inflict_ticks = 60", "inflict_ticks = 0", "must be an integer in [1, 300] for 'burn', got 0"),
        ("loadout", "inflict_ticks = 60", "", "scroll 'quiet': field 'inflict_ticks' is missing; it must"),
        ("loadout", "cooldown_ticks = 300", "cooldown_ticks = 300\nmana_per_mille = 1", "an integer in [0, 0], got 1"),
        ("characters", "damage_hp = 100", f"damage_hp = {'9' * 100}", "[0, 400], got an integer of 333 bits"),
        ("characters", "damage_hp = 100", f"{'k' * 5000} = 1", "chain 1: unknown field 'kkk"),
        ("characters", "[[character]]", "[[hero]]\n[[character]]", "unknown field 'hero' = [{}]; allowed are"),
        ("loadout", "[elements]", "[[elements]]", "field 'elements' must be a table, got [{"),
        ("characters", "[[character]]", 'holdout = ["anvil", "anvil"]\n[[character]]', "names 'anvil', which "),
        ("characters", "[[character]]", 'holdout = ["anvil", "reed"]\n[[character]]', "'holdout' names every one"),
        ("loadout", "[[weapon]]", "[weapon]", "'weapon' must be a list of tables, [[weapon]], got {"),
        ("characters", "[[character]]", NOT_UTF_8, "not valid TOML: 'utf-8' codec can't decode byte 0xff"),
        ("characters", "# Two", f"x = {'[' * 5000}\n# Two", "not valid TOML: "),
        ("characters", "# Two", f"{'.'.join('y' * 500)} = 1\n# Two", "unknown field 'y' = {'y': {'y': {...}}};"),
    ],
)  # fmt: skip
def test_each_kind_of_damage_is_told_in_one_line(
    plain_folder: Path, tmp_path: Path, file: str, old: str, new: str, message: str
) -> None:
    shutil.copytree(plain_folder, folder := tmp_path / "roster")
    path = folder / f"{file}.toml"
    text = path.read_text()
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode("latin-1" if new == NOT_UTF_8 else "utf-8"))
    with pytest.raises(RosterError, match=re.escape(message)) as refused:
        load_roster(folder)
    said = str(refused.value)
    assert said.startswith(str(path)) and said.isprintable() and len(said) < 1000
