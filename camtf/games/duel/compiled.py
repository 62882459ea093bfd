"""How the game's scalar code is compiled, and where the result is kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Any:
    """Decorator of all code of the game that runs in every tick.

    Without Numba's reference counting, because nothing here allocates: its atomic counters on every array that is
    handed to a function cost more than half of the time (`benchmarks.game`). Division is NumPy's, so that no check for
    zero stands in the loops; nothing here divides by a number that can be 0.

    Numba looks only at a function's own file to see whether its cached code is still true. The rules are in many files
    that call each other, so the cache's folder is named by the content of all of them.
    """
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = os.environ.get("NUMBA_CACHE_DIR") or str(_cache_folder())
    try:
        return numba.njit(cache=True, error_model="numpy", _nrt=False)(function)
    finally:
        numba.config.CACHE_DIR = before


def _cache_folder() -> Path:
    """A folder beside the sources, or in the user's cache where that cannot be written."""
    beside = _SOURCES / "__pycache__"
    with contextlib.suppress(OSError):
        beside.mkdir(exist_ok=True)
    if os.access(beside, os.W_OK):
        return beside / f"compiled-{_DIGEST}"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "camtf" / f"compiled-{_DIGEST}"


_SOURCES = Path(__file__).parent
_DIGEST = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(_SOURCES.rglob("*.py")))).hexdigest()[:16]
