"""How a benchmark ends: means over seeds for people, and its result in a file where one is asked for and as the last
line, for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from camtf import files


def percent(found: Mapping[str, Any]) -> str:
    """A mean over seeds and its interval (`camtf.evaluation.statistics.with_interval`) in percent, for tables."""
    mean = f"{100 * found['mean']:.1f}"
    return mean if found["low"] is None else f"{mean} [{100 * found['low']:.1f}, {100 * found['high']:.1f}]"


def give(summary: Mapping[str, Any], out: str) -> None:
    """Write a result to a file, where its name is not empty, and print it as one JSON object. Raises FileError."""
    if out:
        files.write_json(Path(out), dict(summary))
    print(json.dumps(summary))
