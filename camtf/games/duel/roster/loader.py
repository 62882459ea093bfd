"""Load the roster's TOML files, refuse what does not fit the schema, and pack the rest into arrays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from camtf.games.duel.roster import schema
from camtf.games.duel.roster.entries import (
    ID_ALLOWED,
    Entry,
    RosterError,
    is_identifier,
    read_table,
    read_toml,
    shown,
)
from camtf.games.duel.roster.schema import MOVES, SCROLL, Number

DEFAULT_FOLDER = Path(__file__).parent

_NUMBERS_OF_KIND = {
    "scroll": schema.SCROLL_NUMBERS,
    "summon": schema.SUMMON_NUMBERS,
    "weapon": schema.WEAPON_NUMBERS,
    "armour": schema.ARMOUR_NUMBERS,
}
_NUMBERED_MOVES = ("skill_1", "skill_2", "ultimate")
_ABOUT = ("id", "name")


class Tables(NamedTuple):
    """What the rules read, as compiled code takes it. N characters."""

    moves: np.ndarray  # MOVE_DTYPE [N, len(MOVES)]
    characters: np.ndarray  # CHARACTER_DTYPE [N]
    summons: np.ndarray  # SUMMON_DTYPE [number of summons]
    multipliers: np.ndarray  # int32 [elements, elements]
    element_module: np.ndarray  # int32 [N, ids + attributes]


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

    @property
    def tables(self) -> Tables:
        """The arrays that the rules read, in one record."""
        return Tables(self.moves, self.characters, self.summons, self.multipliers, self.element_module)

    def index(self, character_id: str) -> int:
        """Index of a character. Raises RosterError with the known ids."""
        if character_id not in self.ids:
            raise RosterError(f"unknown character {shown(character_id)}; the roster has {', '.join(self.ids)}")
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
    numbers = [name for name in schema.MOVE_NUMBERS if name in SHOWN_MOVE_NUMBERS]
    return before + SHOWN_MOVES.index(move) * len(numbers) + numbers.index(number)


def load_roster(folder: Path | str = DEFAULT_FOLDER) -> Roster:
    """Read every ``characters*.toml``, in the order of their names, and ``loadout.toml`` of a folder.

    Raises RosterError.
    """
    folder = Path(folder)
    loadout = _read_loadout(folder / "loadout.toml")
    files = sorted(folder.glob("characters*.toml")) or [folder / "characters.toml"]
    entries, holdout = _read_characters(files)
    characters, moves = _pack_characters(entries, loadout)
    summons = _pack_summons(loadout)

    digest = hashlib.sha256()
    for array in (characters, moves, summons, loadout.multipliers):
        digest.update(array.tobytes())
    digest.update(repr((tuple(entries), holdout)).encode())
    return Roster(
        ids=tuple(entries),
        names=tuple(entry.text("name") for entry in entries.values()),
        archetypes=tuple(entry.text("archetype") for entry in entries.values()),
        elements=loadout.choices["element"],
        move_names=tuple(_move_names(entry, loadout) for entry in entries.values()),
        characters=characters,
        moves=moves,
        summons=summons,
        multipliers=loadout.multipliers,
        element_module=_element_module(characters, moves),
        id_counts=(len(entries), *(len(loadout.choices[name]) for name in ELEMENT_IDS[1:])),
        digest=digest.hexdigest(),
        holdout=tuple(holdout),
    )


@dataclass(frozen=True)
class _Loadout:
    """What characters choose from."""

    tables: dict[str, dict[str, Entry]]  # kind -> id -> entry
    choices: dict[str, tuple[str, ...]]  # field of a character -> what it may say
    multipliers: np.ndarray  # int32 [elements, elements]

    def chosen(self, kind: str, character: Entry) -> Entry:
        """The entry of a kind that a character names."""
        return self.tables[kind][self.choices[kind][character.choice(kind, self.choices[kind])]]


def _read_loadout(file: Path) -> _Loadout:
    """Every entry is looked at, whether a character names it or not; summons when they are packed."""
    data = read_toml(file)
    cycle, multipliers = _elements(Entry(str(file), data).part("elements"))
    tables = {kind: read_table(data, kind, file) for kind in _NUMBERS_OF_KIND}
    Entry(str(file), data).only(("elements", *tables))
    for entry in tables["scroll"].values():
        _pack_move(entry, np.zeros(1, schema.MOVE_DTYPE)[0], schema.SCROLL_NUMBERS, _ABOUT)
    for kind in ("weapon", "armour"):
        for entry in tables[kind].values():
            entry.pack_numbers(_NUMBERS_OF_KIND[kind], {})
            entry.only((*_ABOUT, *_NUMBERS_OF_KIND[kind]))
    choices = {"element": cycle, "passive": schema.PASSIVES, **{kind: tuple(table) for kind, table in tables.items()}}
    return _Loadout(tables, choices, multipliers)


def _elements(entry: Entry) -> tuple[tuple[str, ...], np.ndarray]:
    """The cycle of elements and its damage factors in per mille."""
    cycle: Any = entry.data.get("cycle")
    low, high, _ = schema.ELEMENTS
    names = isinstance(cycle, list) and low <= len(cycle) <= high and all(map(is_identifier, cycle))
    if not names or len(set(cycle)) != len(cycle):
        raise entry.wrong("cycle", f"a list of {low} to {high} different names, each {ID_ALLOWED}")
    advantage = entry.number("advantage_per_mille", schema.ADVANTAGE_PER_MILLE)
    entry.only(("cycle", "advantage_per_mille"))
    multipliers = np.full((len(cycle), len(cycle)), 1000, np.int32)
    for i in range(len(cycle)):
        multipliers[i, (i + 1) % len(cycle)] += advantage
        multipliers[(i + 1) % len(cycle), i] -= advantage
    return tuple(cycle), multipliers


def _read_characters(files: list[Path]) -> tuple[dict[str, Entry], list[str]]:
    """The entries of all characters by id, and the ids of those that are held out."""
    entries: dict[str, Entry] = {}
    holdout: dict[str, Path] = {}
    for file in files:
        data = read_toml(file)
        for entry_id, entry in read_table(data, "character", file).items():
            if entry_id in entries:
                raise RosterError(f"{entry.where}: field 'id' = {entry_id!r} stands in {entries[entry_id].where} too")
            entries[entry_id] = entry
        Entry(str(file), data).only(("character", "holdout"))
        ids = data.get("holdout", [])
        if not isinstance(ids, list) or not all(isinstance(entry_id, str) for entry_id in ids):
            raise RosterError(f"{file}: 'holdout' must be a list of character ids, got {shown(ids)}")
        for entry_id in ids:
            if entry_id in holdout:
                raise RosterError(f"{file}: 'holdout' names {shown(entry_id)}, which {holdout[entry_id]} does already")
            holdout[entry_id] = file
    for entry_id, file in holdout.items():
        if entry_id not in entries:
            raise RosterError(f"{file}: 'holdout' names {shown(entry_id)}, which is no character")
    if len(holdout) == len(entries):
        raise RosterError(f"{files[-1]}: 'holdout' names every one; at least one character must be left to train")
    return entries, list(holdout)


def _pack_characters(entries: dict[str, Entry], loadout: _Loadout) -> tuple[np.ndarray, np.ndarray]:
    """CHARACTER_DTYPE ``[N]`` and MOVE_DTYPE ``[N, len(MOVES)]``."""
    packed = np.zeros(len(entries), schema.CHARACTER_DTYPE)
    moves = np.zeros((len(entries), len(MOVES)), schema.MOVE_DTYPE)
    for record, own_moves, entry in zip(packed, moves, entries.values(), strict=True):
        entry.pack_numbers(schema.CHARACTER_NUMBERS, record)
        for field, choices in loadout.choices.items():
            record[field] = entry.choice(field, choices)
        for kind in ("weapon", "armour"):
            loadout.chosen(kind, entry).pack_numbers(_NUMBERS_OF_KIND[kind], record)
        for move, part in enumerate(entry.parts("chain", schema.CHAIN_LENGTH)):
            _pack_move(part, own_moves[move], schema.MOVE_NUMBERS)
        for name in _NUMBERED_MOVES:
            _pack_move(entry.part(name), own_moves[MOVES.index(name)], schema.MOVE_NUMBERS, ("name",))
        _pack_move(loadout.chosen("scroll", entry), own_moves[SCROLL], schema.SCROLL_NUMBERS, _ABOUT)
        entry.only((*_ABOUT, "archetype", "chain", *_NUMBERED_MOVES, *loadout.choices, *schema.CHARACTER_NUMBERS))
    return packed, moves


def _pack_summons(loadout: _Loadout) -> np.ndarray:
    """SUMMON_DTYPE ``[number of summons]``."""
    entries = loadout.tables["summon"].values()
    packed = np.zeros(len(entries), schema.SUMMON_DTYPE)
    for record, entry in zip(packed, entries, strict=True):
        entry.pack_numbers(schema.SUMMON_NUMBERS, record)
        entry.pack_buff("inflict", record)
        entry.only((*_ABOUT, "inflict", *schema.SUMMON_NUMBERS))
    return packed


def _pack_move(entry: Entry, record: np.ndarray, numbers: dict[str, Number], about: tuple[str, ...] = ()) -> None:
    """A move's numbers and the two buffs it may name; ``about`` are the fields that are not for the rules."""
    entry.pack_numbers(numbers, record)
    entry.pack_buff("inflict", record)
    entry.pack_buff("gain", record)
    entry.only((*about, "inflict", "gain", *numbers))


def _move_names(entry: Entry, loadout: _Loadout) -> tuple[str, ...]:
    """Names of a character's MOVES."""
    return (
        *(f"Attack {i + 1}" for i in range(schema.CHAIN_LENGTH)),
        *(entry.part(name).text("name") for name in _NUMBERED_MOVES),
        loadout.chosen("scroll", entry).text("name"),
    )


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
