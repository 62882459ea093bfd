"""What an entry point does around its work: flags and help, how it ends, and what it says last."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import app, flags

from camtf import progress
from camtf.settings import quoted
from camtf.usage import full_help, short_help
from camtf.version import VERSION

_LONGEST = 1000
_LONGEST_NAME = 100
_LONGEST_RESULT = 300
_HELP = ("help", "helpshort", "h", "?")


def run(main: Callable[[], None], shown: Sequence[str] = ()) -> None:
    """Read the flags and call ``main``. Wrong flags, further arguments and Ctrl-C end the process in one line.

    Args:
        shown: flags that ``--help`` shows, in this order; all of the program's own where empty.
    """

    def called(argv: list[str]) -> None:
        try:
            main()
        except KeyboardInterrupt:
            raise SystemExit(130) from None
        finally:
            progress.clear()

    def parser(arguments: list[str]) -> list[str]:
        answer_questions(arguments, sys.modules[main.__module__].__doc__ or "", shown)
        return parse(arguments)

    app.run(called, flags_parser=parser)


def answer_questions(
    arguments: list[str], about: str, shown: Sequence[str], values: flags.FlagValues = flags.FLAGS
) -> None:
    """Print what ``--help``, ``--helpfull`` or ``--version`` ask for, and end with status 0. Raises SystemExit."""
    asked = {argument.partition("=")[0].lstrip("-") for argument in arguments[1:] if argument.startswith("-")}
    if "helpfull" in asked:
        print(full_help(about, values))
    elif asked.intersection(_HELP):
        print(short_help(about, values, shown))
    elif "version" in asked:
        print(f"camtf {VERSION}")
    else:
        return
    raise SystemExit(0)


def parse(arguments: list[str], values: flags.FlagValues = flags.FLAGS) -> list[str]:
    """Read a command line into flags. Raises SystemExit."""
    for argument in arguments[1:]:
        name = argument.partition("=")[0]
        if name.startswith("-") and len(name) > _LONGEST_NAME:  # absl's search for a similar one would not end
            raise failure(f"unknown flag {quoted(name)}; --helpfull lists all flags")
    try:
        rest = values(arguments)
    except flags.Error as error:
        raise failure(f"{error}; --helpfull lists all flags") from error
    if len(rest) > 1:
        raise failure(f"unexpected arguments {quoted(rest[1:])}")
    return rest


def failure(error: Exception | str) -> SystemExit:
    """What ends the process with an error in one line, cut in the middle where it is long."""
    line = " ".join(str(error).split())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
    return SystemExit(f"error: {line}")


def say_last(where: Mapping[str, Path | str], then: Mapping[str, str]) -> None:
    """What a command prints at its end: where everything is, and what to type next, by what it is for."""
    progress.clear()
    width = max(map(len, [*where, *then]), default=0)
    for title, lines in (("where everything is", where), ("what to type next", then)):
        if lines:
            print(f"\n{title}")
        for name, what in lines.items():
            print(f"  {name:{width}}  {what}")
    sys.stdout.flush()


def flag(name: str, value: object) -> str:
    """A flag as a shell takes it."""
    return f"--{name}={shlex.quote(str(value))}"


def print_result(found: Mapping[str, Any], file: Path | None) -> None:
    """The last line, for programs: one JSON object. To a person at a terminal a long one is not shown where a file
    holds it, which `say_last` has named."""
    line = json.dumps(found)
    if file is None or len(line) <= _LONGEST_RESULT or not progress.for_a_person(sys.stdout):
        print(line)
