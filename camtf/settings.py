"""Settings of a configuration: their meaning and bounds, the check of a value, and how a refusal names it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import field, fields
from typing import Any


class ConfigError(ValueError):
    """A configuration value is not allowed. Names field, value and what is allowed."""


MOST_FRAMES = 10**12
MOST_UPDATES = 10**9
_QUOTED = 80


def quoted(value: Any) -> str:
    """A received value as messages show it: as Python writes it, and cut in the middle where it is long."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python writes
        text = f"<{type(value).__name__}>"
    if len(text) <= _QUOTED:
        return text
    return f"{text[: _QUOTED - 20]} ... {text[-10:]} ({len(text):,} characters)"


def nearest(value: float, allowed: Iterable[float]) -> str:
    """The allowed values next to this one, below and above, as messages name them."""
    choices = sorted(allowed)
    below, above = [x for x in choices if x < value][-1:], [x for x in choices if x > value][:1]
    return " or ".join(str(x) for x in [*below, *above])


def setting(
    default: Any,
    help: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    items: type | None = None,
    most: int | None = None,
    fixed: bool = True,
) -> Any:
    """A field and what may stand there.

    Args:
        low, high: bounds of a number, or of every number of a tuple.
        items, most: type of a tuple's items, and the most there may be.
        fixed: it decides what is trained, so that a run keeps it; if not, a resumed run may change it.
    """
    limits = {"low": low, "high": high, "choices": choices, "items": items, "most": most, "fixed": fixed}
    return field(default=default, metadata={"help": help, **limits})


class Checked:
    """Checks every field of a config against its declared type and bounds."""

    def __post_init__(self) -> None:
        for f in fields(self):  # type: ignore[arg-type]
            if f.metadata:
                _check(type(self).__name__, f, getattr(self, f.name))


def _check(owner: str, f: dataclasses.Field[Any], value: Any) -> None:
    where, limits = f"{owner}.{f.name}", f.metadata
    expected: type = type(f.default)
    if type(value) is not expected and not (expected is float and type(value) is int):
        raise ConfigError(f"{where} must be of type {expected.__name__}, got {quoted(value)}")
    items = value if isinstance(value, tuple) else (value,)
    for item in items if limits["choices"] else ():
        if item not in limits["choices"]:
            named = ", ".join(choice or "empty" for choice in limits["choices"])
            raise ConfigError(f"{where} must be one of {named}; got {quoted(item)}")
    if limits["most"] is not None and len(items) > limits["most"]:
        raise ConfigError(f"{where} must have at most {limits['most']} items, got {len(items):,}: {quoted(value)}")
    if expected is tuple and not all(type(item) is limits["items"] for item in items):
        raise ConfigError(f"{where} must hold items of type {limits['items'].__name__}, got {quoted(value)}")
    if limits["low"] is not None and not all(limits["low"] <= item <= limits["high"] for item in items):
        raise ConfigError(f"{where} must be in [{limits['low']}, {limits['high']}], got {quoted(value)}")
