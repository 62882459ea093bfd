"""Things that a setting names as ``module:attribute``: a user's own game, a user's own network."""

from __future__ import annotations

import ast
import importlib
from typing import Any

from camtf.config import ConfigError
from camtf.settings import quoted


def named(setting: str, name: str, otherwise: str) -> Any:
    """What stands there. With arguments, ``module:function(3, outcome="payoff")``, what the function gives for them.

    Args:
        setting: for messages, which name and value begin with.
        name: the value.
        otherwise: for messages, what is allowed beside ``module:attribute``.

    Raises:
        ConfigError: there is no such thing, or the function refuses the arguments.
    """
    module, colon, rest = name.partition(":")
    attribute, bracket, _ = rest.partition("(")
    if not (colon and module and attribute):
        raise ConfigError(f"{setting} must be {otherwise} or module:attribute, got {quoted(name)}")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise ConfigError(f"{setting}: the module {quoted(module)} cannot be imported: {error}") from error
    except AttributeError as error:
        raise ConfigError(f"{setting}: the module {quoted(module)} has no {quoted(attribute)}") from error
    if not bracket:
        return found
    positional, by_name = _arguments(setting, name, rest)
    try:
        return found(*positional, **by_name)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{setting} {quoted(name)}: {error}") from error


def _arguments(setting: str, name: str, call: str) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call as it is written, each a literal: nothing of it is run."""
    try:
        parsed = ast.parse(call, mode="eval").body
        if not (isinstance(parsed, ast.Call) and isinstance(parsed.func, ast.Name)):
            raise ValueError("it is no call of a function")
        if any(argument.arg is None for argument in parsed.keywords):
            raise ValueError("** is not allowed")
        by_name = {str(argument.arg): ast.literal_eval(argument.value) for argument in parsed.keywords}
        return [ast.literal_eval(argument) for argument in parsed.args], by_name
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise ConfigError(
            f"{setting} {quoted(name)}: the arguments must be numbers, texts and the like, as Python writes them: "
            f"{quoted(str(error))}"
        ) from error
