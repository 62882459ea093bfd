"""What a page may say to the server: JSON objects with a ``type``, checked before anything is done with them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from camtf.games.duel.state import SKILLS
from camtf.play.opponents import Wish
from camtf.settings import ConfigError, quoted

LARGEST_BYTES = 4096
_LARGEST_NUMBER = 1 << 31


class MessageError(ValueError):
    """A message is not what a page may say. Names what was given and what is allowed."""


@dataclass(frozen=True)
class Start:
    """A new match; one that goes on is given up."""

    character: str
    wish: Wish


@dataclass(frozen=True)
class Input:
    """What is held now and was tapped since the last input.

    Attributes:
        x, y: direction on the screen, each -1, 0 or 1; right and away from the viewer are positive.
        held, tapped: indices into `camtf.games.duel.state.SKILLS`, in the order in which they shall be tried.
        seen: number of the newest decision that the page has received.
    """

    x: int
    y: int
    held: tuple[int, ...]
    tapped: tuple[int, ...]
    seen: int


@dataclass(frozen=True)
class Pause:
    """Stop the clock."""


@dataclass(frozen=True)
class Resume:
    """Let the clock go on."""


@dataclass(frozen=True)
class Leave:
    """Give the match up."""


Message = Start | Input | Pause | Resume | Leave

_COMMANDS: dict[str, Message] = {"pause": Pause(), "resume": Resume(), "leave": Leave()}
_FIELDS: dict[str, set[str]] = {
    "start": {"character", "opponent", "opponent_character", "precision", "temperature", "delay"},
    "input": {"x", "y", "held", "tapped", "seen"},
    **{name: set() for name in _COMMANDS},
}


def parse(text: str) -> Message:
    """A message of a page. Raises MessageError."""
    try:
        given = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"a message must be JSON, got {quoted(text)}") from error
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise MessageError(f"a message's type must be one of {', '.join(_FIELDS)}; got {quoted(kind)}")
    if given.keys() - {"type"} != _FIELDS[kind]:
        needed = ", ".join(sorted(_FIELDS[kind])) or "nothing else"
        raise MessageError(f"{kind} must have {needed}; got {quoted(sorted(given.keys() - {'type'}))}")
    if kind == "start":
        return _start(given)
    if kind == "input":
        return _input(given)
    return _COMMANDS[kind]


def _start(given: dict[str, Any]) -> Start:
    for name in ("character", "opponent", "opponent_character", "precision"):
        if not isinstance(given[name], str):
            raise MessageError(f"{name} must be text, got {quoted(given[name])}")
    try:
        wish = Wish(
            given["opponent"], given["opponent_character"], given["precision"], given["temperature"], given["delay"]
        )
    except ConfigError as error:
        raise MessageError(str(error)) from error
    return Start(given["character"], wish)


def _input(given: dict[str, Any]) -> Input:
    x, y = (_integer(given, name, -1, 1) for name in ("x", "y"))
    held, tapped = (_skills(given, name) for name in ("held", "tapped"))
    return Input(x, y, held, tapped, _integer(given, "seen", 0, _LARGEST_NUMBER))


def _integer(given: dict[str, Any], name: str, low: int, high: int) -> int:
    value = given[name]
    if type(value) is not int or not low <= value <= high:
        raise MessageError(f"{name} must be an integer in [{low}, {high}], got {quoted(value)}")
    return value


def _skills(given: dict[str, Any], name: str) -> tuple[int, ...]:
    value = given[name]
    fits = isinstance(value, list) and len(value) < len(SKILLS)
    if not fits or not all(type(skill) is int and 0 < skill < len(SKILLS) for skill in value):
        raise MessageError(
            f"{name} must be a list of fewer than {len(SKILLS)} integers in [1, {len(SKILLS) - 1}], got {quoted(value)}"
        )
    return tuple(value)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
