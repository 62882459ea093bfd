"""Where a result comes from: the commit, the versions, the machine and the command."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

_VERSIONED = (
    "camtf",
    "tensorflow-cpu",
    "keras",
    "tensorflow-probability",
    "horovod",
    "numpy",
    "scipy",
    "numba",
    "tflite-runtime",
    "ai-edge-litert",
)


def provenance() -> dict[str, Any]:
    """What a result file says about its origin: ``commit``, ``command``, ``machine``, ``versions``."""
    return {
        "commit": commit(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "versions": {name: _version(name) for name in _VERSIONED} | {"python": platform.python_version()},
    }


def commit() -> str:
    """The commit of the checkout that this code runs from, with ``+`` where files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _processor() -> str:
    """Its name, and on x86 family and model: what is sold under one name may differ twofold in speed."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n", 1)[0].splitlines()
    except OSError:
        lines = []
    about = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    name = about.get("model name") or platform.processor() or "unknown processor"
    return f"{name} (family {about['cpu family']}, model {about['model']})" if "cpu family" in about else name


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
