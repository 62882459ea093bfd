"""What stands on the pages of the repository: their blocks of code, their inline code and their links."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from tests.programs import ROOT

PAGES = sorted(
    str(file.relative_to(ROOT)) for file in [*ROOT.glob("*.md"), *ROOT.glob("mobile/*.md"), *ROOT.glob("docs/**/*.md")]
)
NOTEBOOKS = sorted(str(file.relative_to(ROOT)) for file in ROOT.glob("docs/notebooks/*.ipynb"))
_FENCE = re.compile(r"^( *)(```+)([^`\n]*)\n(.*?)^\1\2$", re.S | re.M)


class Block(NamedTuple):
    """A block of code: its language ("" where it names none), its text, and the line of the page that it begins at."""

    language: str
    text: str
    line: int


def read(page: str) -> str:
    """A page's text; a notebook's as a page, whose cells are its blocks of code."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if not page.endswith(".ipynb"):
        return text
    cells = json.loads(text)["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    return "\n\n".join(
        f"```python\n{source}\n```" if cell["cell_type"] == "code" else source
        for cell, source in zip(cells, sources, strict=True)
    )


def blocks(page: str) -> list[Block]:
    """The blocks of code between fences, and those that are indented."""
    text = read(page)
    found = [Block(m[3].strip(), m[4], text.count("\n", 0, m.start()) + 1) for m in _FENCE.finditer(text)]
    indented = re.compile(r"(?:(?<=\n\n)|\A)(?: {4}.*\n|\n(?= {4}))+")
    rest = without_fences(text)
    for m in indented.finditer(rest):
        lines = "".join(line.removeprefix("    ") for line in m[0].splitlines(keepends=True))
        found.append(Block("", lines, rest.count("\n", 0, m.start()) + 1))
    return sorted(found, key=lambda block: block.line)


def programs(page: str) -> str:
    """All Python of a page, one after the other."""
    return "\n".join(block.text for block in blocks(page) if block.language == "python")


def inline_code(page: str) -> list[str]:
    """What stands between single backticks."""
    return [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", without_blocks(read(page)))]


def links(page: str) -> list[str]:
    """Targets of links and pictures that lead to files of the repository or to headings."""
    text = re.sub(r"`[^`\n]*`", "", without_blocks(read(page)))
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", target)]


def headings(page: str) -> set[str]:
    """The anchors of a page, as sites name them."""
    found = re.findall(r"^#+ +(.*?) *$", without_blocks(read(page)), re.M)
    words = (re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", title)).strip().lower() for title in found)
    return {re.sub(r" ", "-", title) for title in words}


def without_fences(text: str) -> str:
    """A page without its fenced blocks, whose lines are empty."""
    return _FENCE.sub(lambda m: "\n" * m[0].count("\n"), text)


def without_blocks(text: str) -> str:
    """A page without any block of code."""
    return re.sub(r"(?<=\n\n)(?: {4}.*\n|\n(?= {4}))+", "\n", without_fences(text))


def target_of(page: str, link: str) -> Path:
    """The file that a link of a page leads to."""
    path = link.partition("#")[0]
    return ((ROOT / page).parent / path).resolve() if path else ROOT / page
