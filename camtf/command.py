"""What an entry point does around its work: it reads the flags, and whatever ends it ends it in one line."""

from __future__ import annotations

from collections.abc import Callable

from absl import app, flags

from camtf.settings import quoted

_LONGEST = 1000
_LONGEST_NAME = 100


def run(main: Callable[[], None]) -> None:
    """Read the flags and call ``main``. Wrong flags, further arguments and Ctrl-C end the process in one line."""

    def called(argv: list[str]) -> None:
        try:
            main()
        except KeyboardInterrupt:
            raise SystemExit(130) from None

    app.run(called, flags_parser=parse)


def parse(arguments: list[str], values: flags.FlagValues = flags.FLAGS) -> list[str]:
    """Read a command line into flags. Raises SystemExit."""
    for argument in arguments[1:]:
        name = argument.partition("=")[0]
        if name.startswith("-") and len(name) > _LONGEST_NAME:  # absl's search for a similar one would not end
            raise failure(f"unknown flag {quoted(name)}; --help lists all flags")
    try:
        rest = values(arguments)
    except flags.Error as error:
        raise failure(f"{error}; --help lists all flags") from error
    if len(rest) > 1:
        raise failure(f"unexpected arguments {quoted(rest[1:])}")
    return rest


def failure(error: Exception | str) -> SystemExit:
    """What ends the process with an error in one line, cut in the middle where it is long."""
    line = " ".join(str(error).split())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
    return SystemExit(f"error: {line}")
