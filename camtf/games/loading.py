"""Which game a configuration means, and which of its characters take part."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

from camtf.config import Config, ConfigError
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import load_roster
from camtf.games.protocol import Game
from camtf.naming import named
from camtf.settings import quoted
from camtf.types import GameSpec

_ID = re.compile(r"[a-z0-9_]+")
_ANY_NUMBER = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_SHOWN = 8
"""Ids that a message lists."""
_PARTS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "spec": GameSpec,
    "characters": tuple,
    "default_characters": tuple,
    "titles": tuple,
    "roles": bool,
    "digest": str,
    "bots": Mapping,
}


def load_game(config: Config) -> Game:
    """The game of ``config.game.name``: the duel, or what ``module:attribute`` names, a `Game` or a function that gives
    one, of the `Config` or of no argument. Arguments may be given: ``module:function(3, outcome="payoff")``.

    Raises:
        ConfigError: there is no such thing, or it is no game. Names what was given and what is needed.
        GameError: the game's own data are wrong, such as the duel's roster.
    """
    name = config.game.name
    if name in ("", "duel"):
        roster = load_roster(config.game.roster) if config.game.roster else load_roster()
        return Duel(roster, config.reward, config.game.input_delay_ticks)
    found = named("game.name", name, "duel")
    if isinstance(found, type) or (callable(found) and not hasattr(found, "make")):
        found = _called(name, found, config)
    _check(name, found)
    return found


def participants(config: Config, game: Game) -> tuple[int, ...]:
    """Indices of the characters that take part: those that the configuration names, else the game's own choice.

    Raises ConfigError on an unknown id, and where one of two roles is missing.
    """
    index = {character: i for i, character in enumerate(game.characters)}
    named = config.game.characters or game.default_characters
    for character in named:
        if character not in index:
            raise ConfigError(
                f"game.characters: unknown character {quoted(character)}; {game.name} has {_listed(game.characters)}"
            )
    found = tuple(index[character] for character in named)
    if game.roles and len(found) != len(game.characters):
        raise ConfigError(
            f"game.characters: those of {game.name} are its roles, which take part together: "
            f"{_listed(game.characters)}; got {_listed(tuple(named))}"
        )
    return found


def _called(name: str, function: Any, config: Config) -> Any:
    """What a function gives: of the `Config` where it needs an argument, else of none."""
    try:
        signature = inspect.signature(function)
        needed = any(p.default is p.empty and p.kind not in _ANY_NUMBER for p in signature.parameters.values())
        arguments = (config,) if needed else ()
        signature.bind(*arguments)
    except TypeError as error:
        raise ConfigError(
            f"game.name: {quoted(name)} must be a Game or take one argument, the Config, or none: {error}"
        ) from error
    return function(*arguments)


def _check(name: str, game: Any) -> None:
    """Raises ConfigError where what was found is no `Game`."""
    for part, kind in _PARTS.items():
        if not isinstance(getattr(game, part, None), kind):
            needed = getattr(kind, "__name__", "")
            raise ConfigError(
                f"game.name {quoted(name)} gives {type(game).__name__}, which is no Game: it needs {part!r}, a {needed}"
            )
    if not callable(getattr(game, "make", None)):
        raise ConfigError(f"game.name {quoted(name)} gives {type(game).__name__}, which is no Game: it needs 'make'")
    ids = game.characters
    wrong = [i for i in ids if not (isinstance(i, str) and _ID.fullmatch(i))]
    if wrong or not ids or len(set(ids)) < len(ids):
        raise ConfigError(
            f"game.name {quoted(name)}: characters must be at least one id, each once, of lower-case letters, digits "
            f"and underscores; got {_listed(ids)}"
        )
    if len(game.titles) != len(ids) or not set(game.default_characters) <= set(ids):
        raise ConfigError(
            f"game.name {quoted(name)}: {len(ids)} characters need as many titles, got {len(game.titles)}, and "
            f"default_characters out of themselves, got {_listed(game.default_characters)}"
        )
    if game.roles and len(ids) != 2:
        raise ConfigError(f"game.name {quoted(name)}: characters that are roles must be two, got {_listed(ids)}")


def _listed(ids: tuple[Any, ...]) -> str:
    more = f", ... ({len(ids)})" if len(ids) > _SHOWN else ""
    return ", ".join(str(i)[:40] for i in ids[:_SHOWN]) + more
