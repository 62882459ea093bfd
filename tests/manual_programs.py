"""Programs and commands of the manual, run as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.programs import ROOT, run_program

DOCS = ROOT / "docs"


def program(page: str) -> str:
    """The one program of a page."""
    (found,) = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S)
    return str(found)


def programs(page: str, kind: str = "python") -> list[str]:
    """All programs of a page that begin with this line after the fence."""
    return re.findall(rf"```{kind}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S)


def executed(page: str) -> dict[str, Any]:
    """The names that the program of a page defines."""
    names: dict[str, Any] = {"__name__": page}
    exec(compile(program(page), f"docs/{page}", "exec"), names)
    return names


def run_commands(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run all commands of a page, which find modules in a folder and leave their files there. Returns what each has
    printed."""
    (block,) = re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    printed = []
    for line in block.splitlines():
        python, m, module, *arguments = shlex.split(line)
        assert (python, m) == ("python", "-m")
        status, text = run_program(module, *(re.sub(r"=(runs|build)/", rf"={folder}/\1/", a) for a in arguments))
        assert status == 0, text[-4000:]
        printed.append(text)
    return printed
