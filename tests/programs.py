"""The project's programs as ``python -m`` runs them, without the seconds that each takes to load TensorFlow: they are
forked from a process that has loaded it."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["camtf.train", "mobile.export", "mobile.verify"])  # they import nearly everything


def run_program(module: str, *arguments: str, seconds: float = 240) -> tuple[int, str]:
    """Run ``python -m module arguments`` in the project's folder.

    Returns its exit status and what it printed on both streams. Raises TimeoutError where it takes too long.
    """
    with tempfile.NamedTemporaryFile() as printed:
        process = _FORKS.Process(target=_program, args=(module, arguments, dict(os.environ), printed.name))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{module} took longer than {seconds} s: {Path(printed.name).read_text()[-3000:]}")
        return process.exitcode, Path(printed.name).read_text(encoding="utf-8")


def _program(module: str, arguments: tuple[str, ...], environment: dict[str, str], printed: str) -> None:
    """What the forked process does. Its own environment is that of the first program that was run."""
    os.environ.clear()
    os.environ.update(environment)
    streams = os.open(printed, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(streams, stream)
    os.chdir(ROOT)
    sys.argv = [module, *arguments]
    sys.path[:0] = [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]
    sys.modules.pop(module, None)  # what is loaded is not run again
    runpy.run_module(module, run_name="__main__", alter_sys=True)
