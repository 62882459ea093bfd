"""The text of ``--help`` and ``--helpfull``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from absl import flags

_WIDTH = 110
_OWN = ("camtf", "mobile", "benchmarks", "tests")


def short_help(about: str, values: flags.FlagValues, shown: Sequence[str]) -> str:
    """What a program does and the flags ``shown``, or all of its own where that is empty."""
    own = _own_flags(values)
    names = [*shown] or own
    left = len(own) - len(names)
    more = f"{left} more settings: --helpfull" if left > 0 else "those of the log as well: --helpfull"
    return f"{_opening(about)}\n\n{_lines(values, names)}\n\n{more}"


def full_help(about: str, values: flags.FlagValues) -> str:
    """What a program does and all flags that there are."""
    own = _own_flags(values)
    others = sorted({values[name].name for name in values} - {*own})
    return f"{_opening(about)}\n\n{_lines(values, own)}\n\nOf the log and of flags:\n\n{_lines(values, others)}"


def _opening(about: str) -> str:
    """A module's docstring as it is read by people."""
    return about.strip().replace("``", "")


def _own_flags(values: flags.FlagValues) -> list[str]:
    """Flags of the program, not those of the libraries, in the order of their definition; no alias."""
    by_module = values.flags_by_module_dict()
    own = [m for m in by_module if not m.startswith("absl.")]
    own = [m for m in own if m.split(".")[0] in _OWN or not m.replace(".", "_").isidentifier()]
    return [flag.name for m in own for flag in by_module[m] if flag.help and not flag.help.startswith("Alias for")]


def _lines(values: flags.FlagValues, names: Iterable[str]) -> str:
    return "\n".join(_line(values[name]) for name in names)


def _line(flag: flags.Flag) -> str:
    """A flag with its default, and below it what it means."""
    described = " ".join(str(flag.help).split())
    if flag.flag_type() == "bool":
        head = f"--[no]{flag.name}"
        described += "" if flag.default is None else f" (default: {'yes' if flag.default else 'no'})"
    else:
        head = f"--{flag.name}={(flag.default_as_str or '').strip(chr(39)) or '...'}"
    return f"  {head}\n{textwrap.indent(textwrap.fill(described, _WIDTH), ' ' * 6)}"
