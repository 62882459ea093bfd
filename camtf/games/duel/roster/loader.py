"""Load the roster's TOML files, refuse what does not fit the schema, and pack the rest into arrays."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camtf.games.duel.roster import schema
from camtf.games.duel.roster.schema import BUFFS, MOVES, SCROLL, Number

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_FOLDER = Path(__file__).parent

_LOADOUT_KINDS = {
    "scroll": schema.MOVE_NUMBERS,
    "summon": schema.SUMMON_NUMBERS,
    "weapon": schema.WEAPON_NUMBERS,
    "armour": schema.ARMOUR_NUMBERS,
}
_NUMBERED_MOVES = ("skill_1", "skill_2", "ultimate")


class RosterError(ValueError):
    """A roster file says something that is not allowed. Names file, entry, field and value."""


@dataclass(frozen=True)
class Roster:
    """Characters and loadouts as packed arrays. N characters, in file order.

    Attributes:
        ids: the N character ids; a character's index is its place here.
        names: the N names to show.
        archetypes: the N archetypes.
        elements: names of the elements, in the order of the cycle.
        move_names: for each character the names of its MOVES, to show.
        characters: CHARACTER_DTYPE [N].
        moves: MOVE_DTYPE [N, len(MOVES)].
        summons: SUMMON_DTYPE [number of summons].
        multipliers: int32 [elements, elements], damage factor in per mille of attacker against defender.
        element_module: int32 [N, ids + attributes], the rows of the Element module (`camtf.games.duel.observation`).
        id_counts: how many values each id column of `element_module` can take.
        digest: SHA-256 of the content, the same for files that differ only in comments and layout.
        holdout: ids of the characters that are never trained on unless they are asked for by name.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    archetypes: tuple[str, ...]
    elements: tuple[str, ...]
    move_names: tuple[tuple[str, ...], ...]
    characters: np.ndarray
    moves: np.ndarray
    summons: np.ndarray
    multipliers: np.ndarray
    element_module: np.ndarray
    id_counts: tuple[int, ...]
    digest: str
    holdout: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def index(self, character_id: str) -> int:
        """Index of a character. Raises RosterError with the known ids."""
        if character_id not in self.ids:
            raise RosterError(f"unknown character {character_id!r}; the roster has {', '.join(self.ids)}")
        return self.ids.index(character_id)


ELEMENT_IDS = ("character", "element", "scroll", "summon", "weapon", "armour", "passive")
"""Id columns of the Element module. In every column 0 is a real entry: nothing may be left unequipped."""
SHOWN_MOVES = ("chain_1", "skill_1", "skill_2", "ultimate")
SHOWN_MOVE_NUMBERS = (
    "startup_ticks",
    "active_ticks",
    "recovery_ticks",
    "reach_mm",
    "width_mm",
    "damage_hp",
    "lunge_mm_per_tick",
    "projectile_mm_per_tick",
    "mana_per_mille",
    "cooldown_ticks",
    "unblockable",
)
"""The moves, and the numbers of each, that the Element module shows beside the character's own numbers."""


def element_column(move: str, number: str) -> int:
    """Column of the Element module that holds one of SHOWN_MOVE_NUMBERS of one of SHOWN_MOVES."""
    before = len(ELEMENT_IDS) + len(schema.CHARACTER_NUMBERS)
    shown = [name for name in schema.MOVE_NUMBERS if name in SHOWN_MOVE_NUMBERS]
    return before + SHOWN_MOVES.index(move) * len(shown) + shown.index(number)


def load_roster(folder: Path | str = DEFAULT_FOLDER) -> Roster:
    """Read every ``characters*.toml``, in the order of their names, and ``loadout.toml`` of a folder.

    Raises RosterError.
    """
    folder = Path(folder)
    loadout_file = folder / "loadout.toml"
    loadout = read_toml(loadout_file)
    files = sorted(folder.glob("characters*.toml")) or [folder / "characters.toml"]
    entries: dict[str, _Entry] = {}
    holdout: list[str] = []
    for file in files:
        data = read_toml(file)
        for entry_id, entry in _table(data, "character", file).items():
            if entry_id in entries:
                raise RosterError(f"{entry.where}: field 'id' = {entry_id!r} stands in {entries[entry_id].where} too")
            entries[entry_id] = entry
        holdout += _holdout(data, file)
    for entry_id in holdout:
        if entry_id not in entries:
            raise RosterError(f"{folder}: 'holdout' names {entry_id!r}, which is no character")

    cycle, multipliers = _elements(loadout.get("elements"), loadout_file)
    tables = {kind: _table(loadout, kind, loadout_file) for kind in _LOADOUT_KINDS}
    order = {kind: {entry_id: i for i, entry_id in enumerate(tables[kind])} for kind in tables}
    order["element"] = {name: i for i, name in enumerate(cycle)}
    order["passive"] = {name: i for i, name in enumerate(schema.PASSIVES)}

    packed = np.zeros(len(entries), schema.CHARACTER_DTYPE)
    moves = np.zeros((len(entries), len(MOVES)), schema.MOVE_DTYPE)
    for i, entry in enumerate(entries.values()):
        entry.pack_numbers(schema.CHARACTER_NUMBERS, packed[i])
        for kind in ("element", "passive", *_LOADOUT_KINDS):
            packed[i][kind] = entry.choice(kind, order[kind])
        weapon, armour = entry.data["weapon"], entry.data["armour"]
        tables["weapon"][weapon].pack_numbers(schema.WEAPON_NUMBERS, packed[i])
        tables["armour"][armour].pack_numbers(schema.ARMOUR_NUMBERS, packed[i])
        for m, move in enumerate([*entry.chain(), *(entry.part(name) for name in _NUMBERED_MOVES)]):
            move.pack_move(moves[i, m])
        tables["scroll"][entry.data["scroll"]].pack_move(moves[i, SCROLL])
        entry.only(
            {"archetype", "element", "passive", "chain", *_NUMBERED_MOVES, *_LOADOUT_KINDS, *schema.CHARACTER_NUMBERS}
        )

    summons = np.zeros(len(tables["summon"]), schema.SUMMON_DTYPE)
    for i, entry in enumerate(tables["summon"].values()):
        entry.pack_numbers(schema.SUMMON_NUMBERS, summons[i])
        summons[i]["inflict"] = entry.buff("inflict")
        entry.only({"inflict", *schema.SUMMON_NUMBERS})
    for entry in tables["scroll"].values():
        entry.pack_move(np.zeros(1, schema.MOVE_DTYPE)[0])
    for kind in ("weapon", "armour"):
        for entry in tables[kind].values():
            entry.only(set(_LOADOUT_KINDS[kind]))

    digest = hashlib.sha256()
    for array in (packed, moves, summons, multipliers):
        digest.update(array.tobytes())
    digest.update(repr((tuple(entries), holdout)).encode())
    return Roster(
        ids=tuple(entries),
        names=tuple(entry.text("name") for entry in entries.values()),
        archetypes=tuple(entry.text("archetype") for entry in entries.values()),
        elements=cycle,
        move_names=tuple(
            (
                *(f"Attack {i + 1}" for i in range(schema.CHAIN_LENGTH)),
                *(entry.part(name).text("name") for name in _NUMBERED_MOVES),
                tables["scroll"][entry.data["scroll"]].text("name"),
            )
            for entry in entries.values()
        ),
        characters=packed,
        moves=moves,
        summons=summons,
        multipliers=multipliers,
        element_module=_element_module(packed, moves),
        id_counts=tuple(map(len, (entries, cycle, *tables.values(), schema.PASSIVES))),
        digest=digest.hexdigest(),
        holdout=tuple(holdout),
    )


@dataclass(frozen=True)
class _Entry:
    """One table of a TOML file, with the place that error messages name."""

    where: str
    data: dict[str, Any]

    def text(self, field: str) -> str:
        value = self.data.get(field)
        if not isinstance(value, str) or not value:
            raise RosterError(f"{self.where}: field {field!r} must be a non-empty string, got {value!r}")
        return value

    def part(self, field: str) -> _Entry:
        value = self.data.get(field)
        if not isinstance(value, dict):
            raise RosterError(f"{self.where}: field {field!r} must be a table, got {value!r}")
        return _Entry(f"{self.where}, {field}", value)

    def chain(self) -> list[_Entry]:
        value = self.data.get("chain")
        if not isinstance(value, list) or len(value) != schema.CHAIN_LENGTH:
            given = len(value) if isinstance(value, list) else value
            raise RosterError(f"{self.where}: field 'chain' must have {schema.CHAIN_LENGTH} tables, got {given!r}")
        return [_Entry(f"{self.where}, chain {i + 1}", table) for i, table in enumerate(value)]

    def choice(self, field: str, allowed: dict[str, int]) -> int:
        value = self.data.get(field)
        if not isinstance(value, str) or value not in allowed:
            raise RosterError(f"{self.where}: field {field!r} must be one of {', '.join(allowed)}; got {value!r}")
        return allowed[value]

    def pack_numbers(self, numbers: dict[str, Number], record: Any) -> None:
        for field, (low, high, default) in numbers.items():
            value = self.data.get(field, default)
            if value is None:
                raise RosterError(f"{self.where}: field {field!r} is missing; it is an integer in [{low}, {high}]")
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise RosterError(f"{self.where}: field {field!r} must be an integer in [{low}, {high}], got {value!r}")
            record[field] = value

    def pack_move(self, record: Any) -> None:
        """A move's numbers and the two buffs it may name (-1: none)."""
        self.pack_numbers(schema.MOVE_NUMBERS, record)
        for field in ("inflict", "gain"):
            record[field] = self.buff(field)
        self.only({"inflict", "gain", *schema.MOVE_NUMBERS})

    def buff(self, field: str) -> int:
        """Index of the buff that a field names, -1 where the field is left out."""
        return self.choice(field, {b: i for i, b in enumerate(BUFFS)}) if field in self.data else -1

    def only(self, allowed: set[str]) -> None:
        for field, value in self.data.items():
            if field not in allowed and field not in ("id", "name"):
                raise RosterError(
                    f"{self.where}: unknown field {field!r} = {value!r}; allowed are {', '.join(sorted(allowed))}"
                )


def read_toml(file: Path) -> dict[str, Any]:
    """Content of a roster file. Raises RosterError."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RosterError(f"{file}: cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise RosterError(f"{file}: not valid TOML: {error}") from error


def _table(data: dict[str, Any], kind: str, file: Path) -> dict[str, _Entry]:
    """The entries ``[[kind]]`` of a file by id, in file order. Raises RosterError on a missing or repeated id."""
    entries: dict[str, _Entry] = {}
    for i, table in enumerate(data.get(kind, [])):
        entry_id = _Entry(f"{file}: {kind} number {i + 1}", table).text("id")
        entry = _Entry(f"{file}: {kind} {entry_id!r}", table)
        if entry_id in entries:
            raise RosterError(f"{entry.where}: field 'id' = {entry_id!r} stands twice in the file")
        entry.text("name")
        entries[entry_id] = entry
    if not entries:
        raise RosterError(f"{file}: no [[{kind}]] entry")
    return entries


def _holdout(data: dict[str, Any], file: Path) -> list[str]:
    value = data.get("holdout", [])
    if not isinstance(value, list) or not all(isinstance(entry_id, str) for entry_id in value):
        raise RosterError(f"{file}: 'holdout' must be a list of character ids, got {value!r}")
    return value


def _elements(data: Any, file: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """The cycle of elements and its damage factors in per mille."""
    entry = _Entry(f"{file}: elements", data if isinstance(data, dict) else {})
    cycle = entry.data.get("cycle")
    if not isinstance(cycle, list) or len(cycle) < 3 or len(set(map(str, cycle))) != len(cycle):
        raise RosterError(f"{entry.where}: field 'cycle' must be a list of at least 3 different names, got {cycle!r}")
    record: dict[str, int] = {}
    entry.pack_numbers({"advantage_per_mille": Number(0, 500)}, record)
    entry.only({"cycle", "advantage_per_mille"})
    count = len(cycle)
    multipliers = np.full((count, count), 1000, np.int32)
    for i in range(count):
        multipliers[i, (i + 1) % count] += record["advantage_per_mille"]
        multipliers[(i + 1) % count, i] -= record["advantage_per_mille"]
    return tuple(cycle), multipliers


def _element_module(characters: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Rows of the Element module: ids, then every declared number in per mille of its allowed range."""
    ids = [np.arange(len(characters)), *(characters[field] for field in ELEMENT_IDS[1:])]
    attributes = [_per_mille(characters[name], number) for name, number in schema.CHARACTER_NUMBERS.items()]
    attributes += [
        _per_mille(moves[name][:, m], number)
        for m in (MOVES.index(move) for move in SHOWN_MOVES)
        for name, number in schema.MOVE_NUMBERS.items()
        if name in SHOWN_MOVE_NUMBERS
    ]
    return np.stack(ids + attributes, axis=1).astype(np.int32)


def _per_mille(values: np.ndarray, number: Number) -> np.ndarray:
    scale = max(abs(number.low), abs(number.high))
    return np.round(values * 1000 / scale).astype(np.int64)
