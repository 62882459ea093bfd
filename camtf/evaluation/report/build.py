"""All sections of a report, in the order of the page; what lacks its numbers says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import keras

from camtf.evaluation.report import style
from camtf.evaluation.report.figures import (
    cam_1_win_rates,
    cam_2_populations,
    cam_3_diversity,
    cam_4_architecture,
    cam_5_generations,
    controls,
    information,
    mm_1_advantage,
    mm_2_social_graphs,
    mm_3_events,
    mm_4_balance,
    mm_5_efficiency,
    mm_8_characters,
    models,
    performance,
    seeds,
)
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.report.section import Missing, NotMeasured, Section


def sections(
    groups: list[Runs], network: keras.Model, measured: list[dict[str, Any]] | None
) -> Iterator[Section | Missing]:
    """One after the other, as they are drawn.

    Args:
        groups: runs of one algorithm and population each; the first is what the report is about.
        network: that the first run trains.
        measured: what `mobile.benchmark` found of its models; None where it was not given.
    """
    runs = groups[0]

    def benchmark() -> Section:
        if not measured:
            run, to = runs.paths[0], "build/models"
            raise NotMeasured(
                "no exported models were given",
                f"python -m mobile.export --run_dir={run} --out_dir={to} && python -m mobile.benchmark "
                f"--model_dir={to} && python -m camtf.report --run_dir={run} --model_dir={to}",
            )
        return models.section(measured)

    parts: list[tuple[ModuleType, Callable[[], Section]]] = [
        *((part, lambda part=part: part.section(runs)) for part in (seeds, cam_1_win_rates, controls)),
        (cam_2_populations, lambda: cam_2_populations.section(groups)),
        (cam_3_diversity, lambda: cam_3_diversity.section(runs)),
        (cam_4_architecture, lambda: cam_4_architecture.section(network)),
        *(
            (part, lambda part=part: part.section(runs))
            for part in (
                cam_5_generations,
                mm_1_advantage,
                mm_2_social_graphs,
                mm_3_events,
                mm_4_balance,
                mm_5_efficiency,
                mm_8_characters,
                information,
                performance,
            )
        ),
        (models, benchmark),
    ]
    for part, make in parts:
        try:
            with style.ground():
                made: Section | Missing = make()
        except NotMeasured as lacking:
            made = Missing(part.KEY, part.TITLE, part.SOURCE, lacking.what, lacking.command)
        yield made
