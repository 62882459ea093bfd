"""The report's files: one self-contained page, every figure as SVG and PNG, every number as JSON and CSV."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from camtf import files
from camtf.evaluation.report import style
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Missing, Number, Section

_TEMPLATE = Path(__file__).with_name("page.html")


@dataclass(frozen=True)
class Match:
    """A match that can be watched in the page.

    Attributes:
        title: what is interesting about it.
        text: who played whom, and how it ended.
        page: a whole document, the viewer's.
    """

    title: str
    text: str
    page: str


def render(runs: Runs, parts: list[Section | Missing], matches: list[Match], drawn: dict[tuple[str, str], str]) -> str:
    """The page as HTML, which needs nothing but a browser.

    Args:
        drawn: figures as SVG documents, by section and name.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.tests["number"] = lambda cell: isinstance(cell, Number)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    measured = [part for part in parts if isinstance(part, Section)]
    return template.render(runs=runs, sections=measured, missing=[p for p in parts if isinstance(p, Missing)],
                           drawn={key: Markup(style.inline(text)) for key, text in drawn.items()},
                           matches=matches)  # fmt: skip


def numbers(runs: Runs, parts: list[Section | Missing]) -> dict[str, Any]:
    """All that the page says, for programs; what is no number is null."""
    return {
        "runs": [
            {"run": r.run, "training_seed": r.training_seed, "commit": r.commit, "machine": r.machine}
            for r in runs.records
        ],
        "sections": {p.key: _section(p) for p in parts if isinstance(p, Section)},
        "not_measured": {p.key: {"what": p.what, "command": p.command} for p in parts if isinstance(p, Missing)},
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "source": section.source,
        "reported": section.reported,
        "verdict": section.verdict.name.lower(),
        "sentence": section.sentence,
        "sheets": [
            {
                "title": sheet.title,
                "rows": [
                    {head: _cell(cell) for head, cell in zip(sheet.header, row, strict=True)} for row in sheet.rows
                ],
            }
            for sheet in section.sheets
        ],
    }


def _cell(cell: object) -> Any:
    if not isinstance(cell, Number):
        return cell
    value, low, high = (None if math.isnan(x) else x for x in cell)
    return value if low is None else {"value": value, "low": low, "high": high}


def as_csv(parts: list[Section | Missing]) -> str:
    """Every number of every sheet, a line each."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["section", "sheet", "row", "column", "value", "low", "high"])
    for part in parts:
        for sheet in part.sheets if isinstance(part, Section) else ():
            for row in sheet.rows:
                for head, cell in zip(sheet.header, row, strict=True):
                    if isinstance(cell, Number):
                        shown = ["" if math.isnan(x) else repr(float(x)) for x in cell]
                        writer.writerow([part.key, sheet.title, str(row[0]), head, *shown])
    return stream.getvalue()


def write(folder: Path, runs: Runs, parts: list[Section | Missing], matches: list[Match]) -> Path:
    """Write ``report.html`` into a folder, and the rest into its folder ``report``. Returns the page's path.

    Raises FileError where a file cannot be written.
    """
    rest = folder / "report"
    drawn: dict[tuple[str, str], str] = {}
    for part in parts:
        if isinstance(part, Section):
            for name, figure in part.figures.items():
                stem = rest / "figures" / f"{part.key}_{name}"
                drawn[part.key, name] = style.svg(figure, f"{part.title}: {name}")
                files.write_text(stem.with_suffix(".svg"), drawn[part.key, name])
                files.write_bytes(stem.with_suffix(".png"), style.png(figure))
    files.write_json(rest / "numbers.json", numbers(runs, parts))
    files.write_text(rest / "numbers.csv", as_csv(parts))
    files.write_text(folder / "report.html", render(runs, parts, matches, drawn))
    return folder / "report.html"
