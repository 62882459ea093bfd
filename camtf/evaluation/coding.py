"""Records of frozen dataclasses as JSON, and back with every type checked."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

import numpy as np

from camtf.files import FileError
from camtf.settings import quoted

T = TypeVar("T")


class RecordError(FileError):
    """A result file is not what its version says, or of something else. Names the file or the field."""


def to_json(value: Any) -> Any:
    """What JSON can hold of a record: dataclasses by field, arrays as nested lists, a number that is none as null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return _numbers(value.tolist())
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return value


def from_json(kind: type[T], document: Any, where: str = "record") -> T:
    """A dataclass of this kind from `to_json` of one.

    Fields may be str, int, float, bool, NumPy arrays (of float64), tuples ``tuple[X, ...]``, ``dict[str, X]``,
    dataclasses, and ``X | None``.

    Raises RecordError naming the field, where a field is missing, unknown or of another type, or where the dataclass
    itself refuses its values with a ValueError.
    """
    if not isinstance(document, dict):
        raise RecordError(f"{where} must be an object, got {quoted(document)}")
    hints = typing.get_type_hints(kind)
    fields = {f.name: hints[f.name] for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    differing = sorted(fields.keys() ^ document.keys())
    if differing:
        state = "is missing" if differing[0] in fields else "is unknown"
        raise RecordError(f"{where}.{differing[0]} {state}")
    values = {name: _value(field, document[name], f"{where}.{name}") for name, field in fields.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise RecordError(f"{where}: {error}") from error


def _value(kind: Any, given: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):  # X | None
        return None if given is None else _value(arguments[0], given, where)
    if kind is np.ndarray:
        return _array(given, where)
    if origin is tuple and isinstance(given, list):
        return tuple(_value(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(given))
    if origin is dict and isinstance(given, dict):
        return {key: _value(arguments[1], item, f"{where}[{quoted(key)}]") for key, item in given.items()}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return from_json(kind, given, where)
    if kind is float and type(given) in (int, float):
        return float(given)
    if type(given) is not kind:
        raise RecordError(f"{where} must be of type {getattr(kind, '__name__', kind)}, got {quoted(given)}")
    return given


def _array(given: Any, where: str) -> np.ndarray:
    try:
        return np.array(given, np.float64) if isinstance(given, list) else _refuse(given, where)
    except (TypeError, ValueError) as error:
        raise RecordError(f"{where} must be an array of numbers: {error}") from error


def _refuse(given: Any, where: str) -> np.ndarray:
    raise RecordError(f"{where} must be an array of numbers, got {quoted(given)}")


def _numbers(nested: Any) -> Any:
    if isinstance(nested, list):
        return [_numbers(item) for item in nested]
    return None if nested != nested else nested
