"""Command lines that documents name: would they start? Programs, flags and values are checked; nothing is run."""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import importlib.util
import io
import itertools
import os
import re
import shlex
import sys
from collections.abc import Iterator
from unittest import mock

from absl import flags
from horovod.runner import launch

from camtf import command, plan, train
from tests.programs import ROOT

OURS = ("camtf", "mobile", "benchmarks")
OTHERS = {
    "adb", "apt-get", "cd", "cmake", "cp", "export", "g++", "git", "mkdir", "mypy", "npm", "ruff", "ssh", "tar",
    "tensorboard",
}  # fmt: skip
"""Programs that are not the project's; what they are given is not checked."""
HEADS = ("python", "horovodrun", "pip", "pytest", "source", "./", "camtf-", "launch/", "build/", *sorted(OTHERS))
WITHOUT_FLAGS = {
    "camtf.games.duel.roster.generate": r"",
    "benchmarks.mobile_tables": r"",
    "mobile.decisions": r"pack \S+|compare \S+ \S+",
}
"""Programs without flags, and the arguments that they take."""


class WrongCommandError(ValueError):
    """A command line that would not start; says why."""


def commands(text: str, strict: bool) -> Iterator[str]:
    """The command lines of a block, each in one line.

    Args:
        strict: all lines are commands; if not, only those that begin with one of `HEADS`.
    """
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if (strict or line.startswith(HEADS)) and shlex.split(line, comments=True):
            yield line


def check(line: str, complete: bool = True) -> None:
    """Raises WrongCommandError.

    Args:
        complete: required flags have to be given; a command named in running text may leave them out.
    """
    words = [re.sub(r"^\[(.*)\]$", r"\1", word) for word in shlex.split(line, comments=True)]
    if "..." in words:  # and whatever else it needs
        complete = False
        words.remove("...")
    while words and re.match(r"[A-Z_0-9]+=", words[0]):
        del words[0]
    if words[:1] == ["horovodrun"]:
        words = _launched(words)
    if not words and not complete:
        return
    program, arguments = words[0], words[1:]
    scripts = _scripts()
    if program in scripts:
        _check_module(scripts[program], arguments, complete)
    elif program == "python" and arguments[:1] == ["-m"]:
        _check_module(arguments[1], arguments[2:], complete)
    elif program == "pip":
        _check_extras(arguments)
    elif program in ("python", "source", "pytest") or program.startswith(("./", "launch/")):
        named = [program, *arguments] if "/" in program else arguments
        files = [word.partition("::")[0] for word in named if word.endswith((".py", ".sh")) or word.startswith("./")]
        for file in files:
            if not (ROOT / file).is_file():
                raise WrongCommandError(f"{line}: there is no {file}")
    elif program not in OTHERS and not program.startswith("build/"):
        raise WrongCommandError(f"{line}: {program} is no program that is known here")


def check_flag(given: str) -> None:
    """Raises WrongCommandError where none of the programs has this flag, or, if a value is given, none takes it."""
    reasons = []
    for module in _programs():
        try:
            _check_module(module, [given], complete=False)
        except WrongCommandError as error:
            if "=" not in given and f"Missing value for flag {given};" in str(error):
                return
            reasons.append(str(error))
        else:
            return
    known = [reason for reason in reasons if "Unknown command line flag" not in reason]
    raise WrongCommandError((known or reasons)[0])


def _launched(words: list[str]) -> list[str]:
    """What horovodrun is told to run, after its own arguments are read."""
    errors = io.StringIO()
    with mock.patch.object(sys, "argv", words), contextlib.redirect_stderr(errors):
        try:
            return list(launch.parse_args().command)
        except SystemExit:
            raise WrongCommandError(f"{shlex.join(words)}: {errors.getvalue()}") from None


def _check_module(name: str, arguments: list[str], complete: bool) -> None:
    if name.partition(".")[0] not in OURS:
        if importlib.util.find_spec(name) is None:
            raise WrongCommandError(f"there is no module {name}")
        return
    given = " ".join(arguments)
    if name in WITHOUT_FLAGS:
        if not re.fullmatch(WITHOUT_FLAGS[name], given):
            raise WrongCommandError(f"{name} does not take {given!r}")
        return
    if any(word.lstrip("-") in ("help", "helpfull", "version") for word in arguments):
        return
    with _defined(name) as values:
        _parse(name, arguments, complete, values)
        if name == "camtf.train":
            try:
                plan.check(train.config_from_flags(values), 1, train.STAGES[values.stage])
            except ValueError as error:
                raise WrongCommandError(f"{name} {given}: {error}") from error


def _parse(name: str, arguments: list[str], complete: bool, values: flags.FlagValues) -> None:
    """Read the arguments as the program does; where they need not be complete, required flags are given something."""
    arguments = list(arguments)
    while True:
        try:
            command.parse([name, *arguments], values)
            return
        except SystemExit as end:
            missing = re.search(r"--([\w.]+)=None: Flag --\1 must have a value", str(end.code))
            if complete or missing is None:
                raise WrongCommandError(f"{name} {' '.join(arguments)}: {end.code}") from None
            wanted = values[missing[1]]
            arguments.append(f"--{missing[1]}={(getattr(wanted.parser, 'enum_values', None) or ['x'])[0]}")


@contextlib.contextmanager
def _defined(name: str) -> Iterator[flags.FlagValues]:
    """All flags, with those of a program for as long as this lasts."""
    module = _module(name)
    before, parsed = set(flags.FLAGS), flags.FLAGS.is_parsed()
    try:
        module.define_flags()
        yield flags.FLAGS
    finally:
        flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)
        flags.FLAGS.unparse_flags()
        if parsed:
            flags.FLAGS.mark_as_parsed()


@functools.cache
def _module(name: str) -> object:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise WrongCommandError(f"there is no module {name}")
    found = importlib.import_module(f"{name}.__main__" if spec.submodule_search_locations else name)
    if not hasattr(found, "define_flags"):
        raise WrongCommandError(f"{name} is no program")
    return found


@functools.cache
def _programs() -> tuple[str, ...]:
    """Every program of the project that has flags, those of users first."""
    found = []
    for package in OURS:
        for file in sorted((ROOT / package).rglob("*.py")):
            if "\ndef define_flags(" in file.read_text(encoding="utf-8"):
                found.append(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__"))
    return tuple(found)


@functools.cache
def _scripts() -> dict[str, str]:
    """The console scripts and the modules that they run."""
    if importlib.util.find_spec("camtf.console") is None:
        return {}
    return dict(importlib.import_module("camtf.console").PROGRAMS)


@functools.cache
def _extras() -> frozenset[str]:
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    assigned = [node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXTRAS"]
    (value,) = (node.value for node in assigned)
    assert isinstance(value, ast.Dict)
    return frozenset({ast.literal_eval(key) for key in value.keys if key is not None} | {"dev"})


def _check_extras(arguments: list[str]) -> None:
    asked = {extra for word in arguments for m in re.findall(r"^(?:\.|camtf)\[(.*)\]$", word) for extra in m.split(",")}
    unknown = asked - _extras()
    if unknown:
        raise WrongCommandError(f"setup.py has no extra {', '.join(sorted(unknown))}")
    for file in (after for word, after in itertools.pairwise(arguments) if word == "-r"):
        if not os.path.exists(ROOT / file):
            raise WrongCommandError(f"there is no {file}")
