"""The console scripts: ``camtf-train`` is ``python -m camtf.train``, and so on. For setup.py too: imports nothing."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

PROGRAMS = {
    "camtf-train": "camtf.train",
    "camtf-evaluate": "camtf.evaluate",
    "camtf-report": "camtf.report",
    "camtf-study": "camtf.study",
    "camtf-watch": "camtf.watch",
    "camtf-play": "camtf.play",
    "camtf-balance": "camtf.balance",
    "camtf-gallery": "camtf.gallery",
    "camtf-export": "mobile.export",
    "camtf-verify": "mobile.verify",
    "camtf-benchmark": "mobile.benchmark",
}
"""Every script and the module that it runs."""


def main() -> None:
    """Run the module of the script by whose name this process was started."""
    runpy.run_module(PROGRAMS[Path(sys.argv[0]).stem], run_name="__main__", alter_sys=True)
