"""Runs a benchmark as workers under ``horovodrun``."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from absl import logging


def on_ranks(ranks: int, module: str, arguments: list[str], show: str = "") -> dict[str, Any]:
    """Run ``python -m module arguments`` on so many ranks. Returns the JSON line that rank 0 printed last.

    Lines with the word ``show`` in them are logged as they come. Raises SystemExit with the end of what was printed
    where the program failed.
    """
    command = ["horovodrun", "-np", str(ranks), "--disable-cache", sys.executable, "-m", module, *arguments]
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.split(">:", 1)[-1])
            if show and show in line:
                logging.info("%s", lines[-1].split("] ", 1)[-1].strip())
    try:
        if process.returncode == 0:
            return json.loads(next(line for line in reversed(lines) if line.startswith("{")))
    except (StopIteration, ValueError) as error:
        raise SystemExit(f"error: {' '.join(command)} printed no result:\n{''.join(lines)[-2000:]}") from error
    raise SystemExit(f"error: {' '.join(command)} failed:\n{''.join(lines)[-2000:]}")
