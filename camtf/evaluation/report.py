"""Tables for people."""

from __future__ import annotations

from typing import Any


def table(header: list[str], rows: list[list[str]]) -> str:
    """Rows under a header, first column left, the others right."""
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]

    def line(cells: list[str]) -> str:
        first, *others = (
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join([first, *others]).rstrip()

    return "\n".join([line(header), line(["-" * w for w in widths]), *map(line, rows)])


def rate(value: dict[str, Any]) -> str:
    """A win rate with its 95% interval, in per cent."""
    return f"{100 * value['win_rate']:.1f} [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"


def population_table(evaluation: dict[str, Any]) -> str:
    """Win rates of every character by Generalist and by Specialist, then the means, bots and generations."""
    bots = list(evaluation["bots"]["specialist"])
    header = ["win rate, % [95%]", "Generalist", "Specialist", *(f"v. {bot}" for bot in bots)]
    rows = [
        [
            r["name"],
            rate(r["generalist"]),
            rate(r["specialist"]),
            *(rate(r["specialist"]["against_bots"][b]) for b in bots),
        ]
        for r in evaluation["characters"]
    ]
    means = [
        f"{sum(100 * r[kind]['win_rate'] for r in evaluation['characters']) / len(rows):.1f}"
        for kind in ("generalist", "specialist")
    ]
    rows.append(["mean", *means, *(rate(evaluation["bots"]["specialist"][bot]) for bot in bots)])
    text = "Against the Generalist population, and against the scripted bots:\n\n" + table(header, rows)
    generations = evaluation["generations"]
    if len(generations) > 1:
        header = ["generation"] + [f"v. {i + 1}" for i in range(len(generations) - 1)]
        rows = [
            [str(i + 1)] + [rate(cell) if cell else "" for cell in line[: len(generations) - 1]]
            for i, line in enumerate(generations)
            if i > 0
        ]
        text += "\n\nEvery generation against the ones before it:\n\n" + table(header, rows)
    return text
