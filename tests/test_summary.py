"""The table at the end of stage 1, for a population that is worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.evaluation.summary import summary

ABOUT = {
    "algorithm": "psro",
    "strategies": ["uniform", "iteration_01", "iteration_02"],
    "snapshots": ["iteration_01", "iteration_02"],
    "serving": [[-1], [0], [1]],
    "payoffs": [[0.5, 0.25, 0.5], [0.75, 0.5, 0.4], [0.5, 0.6, 0.5]],
    "games": [[0, 100, 100], [100, 0, 100], [100, 100, 0]],
    "mixtures": [[0, 0, 0], [1, 0, 0], [0.003, 0.997, 0]],
    "effective_population": 1,
    "relative_population_performance": {"uniform": 0.5, "iteration_01": -0.125},
}
"""A win rate w of 100 games has the standard error sqrt(c (1 - c) / 101) with c = (100 w + 1) / 102."""


def test_a_population_worked_out_by_hand(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.write_population(ABOUT)
    for task, updates in (("iteration_01", 2), ("iteration_02", 1)):
        for update in range(1, updates + 1):
            line = {"update": update, "frames": 640 * update, "act_seconds": 20.0, "learn_seconds": 40.0}
            run.append_metrics(task, line)
    lines = summary(run).splitlines()
    assert lines[0] == "The population of psro, win rates with 95% intervals:"
    cells = [[cell.strip() for cell in line.split("  ") if cell] for line in lines[2:7]]
    assert cells[0] == ["strategy", "trained against", "win rate, % [95%]", "battles", "v. uniform", "battles"]
    assert cells[2] == ["uniform", "-"]
    assert cells[3] == ["iteration_01", "uniform 100%", "75.0 [66.5, 83.5]", "100", "75.0 [66.5, 83.5]", "100"]
    assert cells[4] == ["iteration_02", "iteration_01 100%", "60.0 [50.4, 69.5]", "200", "50.0 [40.2, 59.8]", "100"]
    # Iteration 2 is beaten by nothing; beside it the uniform strategy may be played as long as iteration 1, which gains
    # 0.5 from it and loses 0.2 to iteration 2, gains nothing: p_0 <= 0.4 p_2. The greatest entropy takes all of that.
    assert lines[8:] == [
        "effective population: 1 of 3 strategies",
        "Nash mixture: iteration_02 71%, uniform 29%",
        "exploitability within U, in per cent of battles above 50: Nash mixture 0.0, iteration_02 0.0, all alike 5.0",
        "relative population performance against the run's own earlier populations, -1 to 1: since uniform +0.50, "
        "since iteration_01 -0.12",
        "1,920 learner frames, 3.0 minutes of playing and learning",
    ]


def test_more_than_three_opponents_are_cut_short(tmp_path: Path) -> None:
    names = [f"slot_{i}" for i in range(5)]
    even = [[0.5] * 5] * 5
    about = {**ABOUT, "strategies": names, "payoffs": even, "games": [[0] * 5] * 5}
    about |= {"mixtures": [[0] * 5] * 4 + [[0.1, 0.4, 0.3, 0.2, 0]], "relative_population_performance": {}}
    run = RunDirectory(tmp_path)
    run.write_population(about)
    text = summary(run)
    assert "slot_1 40%, slot_2 30%, slot_3 20%, ..." in text
    assert "there were none" in text and "0 learner frames, 0.0 minutes" in text


def test_what_keeps_no_battles_is_told(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    with pytest.raises(CheckpointError, match="holds no finished population"):
        summary(run)
    run.write_population({key: ABOUT[key] for key in ("strategies", "snapshots", "serving", "payoffs")})
    assert "population.json keeps no battles behind its payoffs" in summary(run)
