"""How a benchmark ends: its result in a file where one is asked for, and as the last line, for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from camtf import files


def give(summary: Mapping[str, Any], out: str) -> None:
    """Write a result to a file, where its name is not empty, and print it as one JSON object. Raises FileError."""
    if out:
        files.write_json(Path(out), dict(summary))
    print(json.dumps(summary))
