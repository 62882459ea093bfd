"""Roster files as entries that know their place: every value is asked for by what it must be, else `RosterError`."""

from __future__ import annotations

import re
import reprlib
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camtf.games.duel.roster.schema import BUFFS, Number, buff_ticks
from camtf.games.protocol import GameError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_ID = re.compile(r"[a-z0-9_]{1,64}")
ID_ALLOWED = "1 to 64 of a-z, 0-9 and _"
_TEXT_LENGTH = 64
_REASON_LENGTH = 200


def is_identifier(value: Any) -> bool:
    """Whether something may be an id: ids are parts of file names."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


class RosterError(GameError):
    """A roster file says something that is not allowed. Names file, entry, field, value and what is allowed."""


class _Shortened(reprlib.Repr):
    """Values as messages quote them: on one line, and cut where they are long."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = self.maxother = 60

    def repr_int(self, x: int, level: int) -> str:
        return repr(x) if abs(x) < 10**30 else f"an integer of {x.bit_length()} bits"


shown = _Shortened().repr
"""A value from a file as text for a message."""


@dataclass(frozen=True)
class Entry:
    """One table of a TOML file, with the place that error messages name. Every method raises RosterError."""

    where: str
    data: dict[str, Any]

    def wrong(self, field: str, allowed: str, joint: str = ",") -> RosterError:
        """The error that ``field`` must be ``allowed`` and is not; ``joint`` goes before what it is."""
        if field not in self.data:
            return RosterError(f"{self.where}: field {field!r} is missing; it must be {allowed}")
        return RosterError(f"{self.where}: field {field!r} must be {allowed}{joint} got {shown(self.data[field])}")

    def text(self, field: str) -> str:
        """Something to show to people."""
        value = self.data.get(field)
        if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= _TEXT_LENGTH:
            raise self.wrong(field, f"a string of 1 to {_TEXT_LENGTH} printable characters")
        return value

    def identifier(self, field: str) -> str:
        """A name that other entries and files go by."""
        value: Any = self.data.get(field)
        if not is_identifier(value):
            raise self.wrong(field, ID_ALLOWED)
        return value

    def part(self, field: str) -> Entry:
        """A table inside of this one."""
        value = self.data.get(field)
        if not isinstance(value, dict):
            raise self.wrong(field, "a table")
        return Entry(f"{self.where}, {field}", value)

    def parts(self, field: str, count: int) -> list[Entry]:
        """A list of ``count`` tables."""
        value = self.data.get(field)
        if not isinstance(value, list) or len(value) != count or not all(isinstance(part, dict) for part in value):
            raise self.wrong(field, f"a list of {count} tables")
        return [Entry(f"{self.where}, {field} {i + 1}", part) for i, part in enumerate(value)]

    def choice(self, field: str, allowed: Sequence[str]) -> int:
        """Index of the one of ``allowed`` that the field names."""
        value = self.data.get(field)
        if not isinstance(value, str) or value not in allowed:
            raise self.wrong(field, f"one of {', '.join(allowed)}", ";")
        return allowed.index(value)

    def number(self, field: str, number: Number) -> int:
        """An integer in its range, or its default where it is left out."""
        value = self.data.get(field, number.default)
        if not isinstance(value, int) or isinstance(value, bool) or not number.low <= value <= number.high:
            raise self.wrong(field, f"an integer in [{number.low}, {number.high}]")
        return value

    def pack_numbers(self, numbers: dict[str, Number], record: Any) -> None:
        """Write all ``numbers`` into a record with fields of these names."""
        for field, number in numbers.items():
            record[field] = self.number(field, number)

    def pack_buff(self, field: str, record: Any) -> None:
        """Write the index of the buff that a field names, -1 where it is left out. Its time has been packed already."""
        record[field] = self.choice(field, BUFFS) if field in self.data else -1
        if field in self.data:
            low, high, _ = buff_ticks(self.data[field])
            if not low <= record[f"{field}_ticks"] <= high:
                raise self.wrong(f"{field}_ticks", f"an integer in [{low}, {high}] for {self.data[field]!r}")

    def only(self, allowed: Collection[str]) -> None:
        """Refuse fields that are not ``allowed``."""
        for field, value in self.data.items():
            if field not in allowed:
                raise RosterError(
                    f"{self.where}: unknown field {shown(field)} = {shown(value)}; "
                    f"allowed are {', '.join(sorted(allowed))}"
                )


def read_toml(file: Path) -> dict[str, Any]:
    """Content of a roster file. Raises RosterError."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RosterError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # of UTF-8, of TOML, of numbers with thousands of digits
        raise RosterError(f"{file}: not valid TOML: {str(error)[:_REASON_LENGTH]}") from error


def read_table(data: dict[str, Any], kind: str, file: Path) -> dict[str, Entry]:
    """The entries ``[[kind]]`` of a file by id, in file order. Each has an id of its own and a name.

    Raises RosterError.
    """
    tables = data.get(kind, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise RosterError(f"{file}: {kind!r} must be a list of tables, [[{kind}]], got {shown(tables)}")
    if not tables:
        raise RosterError(f"{file}: no [[{kind}]] entry")
    entries: dict[str, Entry] = {}
    for i, table in enumerate(tables):
        entry_id = Entry(f"{file}: {kind} number {i + 1}", table).identifier("id")
        entry = Entry(f"{file}: {kind} {entry_id!r}", table)
        if entry_id in entries:
            raise RosterError(f"{entry.where}: field 'id' = {entry_id!r} stands twice in the file")
        entry.text("name")
        entries[entry_id] = entry
    return entries
