"""Whole studies: their plans are commands that are accepted, each is carried out once; results say what was made."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from absl import flags

from camtf import plan, train
from camtf.algorithms import train_population
from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.config import Config, override
from camtf.evaluation import record
from camtf.evaluation.findings import BOTS, HELD_OUT, Gain, Opponents
from camtf.evaluation.record import EvaluationRecord
from camtf.evaluation.report.runs import Runs
from camtf.evaluation.summary import summary
from camtf.files import write_json
from camtf.population.training import Context
from camtf.studies.doing import Done
from camtf.studies.first_generations import first_generations
from camtf.studies.presets import PRESETS, StudyError, preset
from camtf.studies.results import RESULTS, report, results
from camtf.studies.steps import Plan, Step, hours
from tests.ladder import CONFIG, GAME
from tests.made_records import record as made
from tests.programs import run_program


def planned(name: str, *seeds: int, folder: str = "runs/x", scale: float = 1.0) -> Plan:
    return Plan(preset(name), Path(folder), seeds, scale)


def config_of(step: Step) -> Config:
    """The configuration that a step of ``camtf.train`` would train with."""
    values = flags.FlagValues()
    train.define_flags(values)
    values(step.command)
    return train.config_from_flags(values)


@pytest.mark.parametrize("name", PRESETS)
def test_every_step_is_a_run_that_two_ranks_can_train(name: str) -> None:
    steps = [s for s in planned(name, 1, 2).steps() if s.command[0] == "camtf.train"]
    for step in steps:
        config = config_of(step)
        stage = "specialists" if "--stage=specialists" in step.command else "generalists"
        plan.check(config, 2, [stage])
        c = config.generalists
        if stage == "generalists":
            assert step.frames == c.generations * c.frames
        else:
            assert step.frames == len(config.game.characters) * config.specialists.frames * (
                1 + len(config.specialists.controls)
            )
    assert len(steps) == 2 * sum(not p.first_of for p in preset(name).populations.values()) + 2 * len(
        preset(name).specialists
    )


@pytest.mark.parametrize(("name", "most"), [("cam8", 2), ("cam50", 4), ("mm16", 3)])
def test_one_seed_fits_its_hours(name: str, most: float) -> None:
    """At what two cores of the slower processor train and play (benchmarks.throughput, benchmarks.evaluation)."""
    assert hours(planned(name, 1).steps(), 60_000, 200_000) < most


def test_who_takes_part() -> None:
    eight, fifty = (preset(name).participants() for name in ("cam8", "cam50"))
    assert len(fifty) == len(set(fifty)) == 50 and fifty[:8] == eight
    assert len(preset("mm16").participants()) == 16


def test_a_study_of_one_seed_holds_a_population_out() -> None:
    def opponents(p: Plan, population: str, seed: int) -> list[str]:
        (step,) = (s for s in p.steps() if s.name == f"battles of {population}, seed {seed}")
        return next(x for x in step.command if x.startswith("--opponents="))[len("--opponents=") :].split(",")

    one = planned("cam8", 7)
    assert opponents(one, "mia", 7) == ["runs/x/mia_1007", "runs/x/neupl_7", "runs/x/simplex_neupl_7"]
    assert [s.name for s in one.steps() if "1007" in s.name] == [
        "population simplex_neupl, seed 1007", "population mia, seed 1007",
    ]  # fmt: skip
    three = planned("mm16", 1, 2, 3)
    assert opponents(three, "mia", 2) == ["runs/x/mia_1", "runs/x/mia_3"]  # further_2 is its own, trained on
    assert opponents(three, "further", 2) == ["runs/x/mia_2"]
    assert not any("100" in s.name for s in three.steps())


def test_runs_are_there_before_they_are_used() -> None:
    for name, seeds in itertools.product(PRESETS, ((1,), (1, 2))):
        there: set[str] = set()
        for step in planned(name, *seeds).steps():
            given = dict(x[2:].split("=", 1) for x in step.command[1:])
            if step.command[0] in ("camtf.evaluate", "camtf.report"):
                assert {x for key in ("run_dir", "opponents") for x in given.get(key, "").split(",")} - {""} <= there
            elif "of" in given:
                assert given["of"] in there
            there.add(given["run_dir"])


def test_scale_changes_frames_and_battles() -> None:
    whole, tenth = planned("cam8", 1).steps(), planned("cam8", 1, scale=0.1).steps()
    assert [s.frames for s in tenth] == [round(s.frames / 10) for s in whole]
    assert "--games=10" in next(s for s in tenth if "battles" in s.name).command
    assert config_of(tenth[0]).generalists.frames == 3_000_000


def test_the_first_generations_are_a_population(tmp_path: Path) -> None:
    whole, first = RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "first")
    changes = {"generalists.algorithm": "mia", "generalists.generations": 3, "generalists.frames": 200,
               "network.mixture_slots": 3, "generalists.measured_games": 10}  # fmt: skip
    config = override(CONFIG, changes)
    whole.begin(config, GAME, write=True)
    train_population(Context(config, GAME, whole))
    first_generations(whole, first, 2)
    assert [s.digest for s in first.generalists()] == [s.digest for s in whole.generalists()][:2]
    about = first.read_population()
    assert np.shape(about["payoffs"]) == (2, 2) and about["strategies"] == ["generation_01", "generation_02"]
    shorter = override(config, {"generalists.generations": 2})
    first.begin(shorter, GAME, write=True)
    assert "2 strategies" in summary(first)
    assert len(train_population(Context(shorter, GAME, first))) == 2  # there is nothing left to train
    with pytest.raises(CheckpointError, match="holds a population already"):
        first_generations(whole, first, 2)
    with pytest.raises(CheckpointError, match="has 3 generations, 4 are needed"):
        first_generations(whole, RunDirectory(tmp_path / "other"), 4)


def test_a_step_is_done_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    step = Step("the zen", ("this",), on_ranks=False)
    done = Done(tmp_path, 0, step)
    assert not done.is_done() and done.seconds() == 0
    done.carry_out(ranks=2)
    assert Done(tmp_path, 0, step).is_done() and done.seconds() > 0
    assert "Beautiful is better than ugly." in capfd.readouterr().out
    assert "Beautiful" in (tmp_path / "steps" / "01.log").read_text()
    with pytest.raises(
        StudyError, match=r"01\.json is of another study: 'this' there, now it would be 'this --seed=2'"
    ):
        Done(tmp_path, 0, Step("the zen", ("this", "--seed=2"), on_ranks=False)).is_done()
    failing = Done(tmp_path, 1, Step("fails", ("camtf.studies.first_generations",), on_ranks=False))
    with pytest.raises(SystemExit, match=r"fails failed with 1; what it printed is in .*02\.log"):
        failing.carry_out(ranks=2)
    assert not failing.is_done() and failing.seconds() > 0


def met(one: EvaluationRecord, gain: float) -> EvaluationRecord:
    """The record of a run that has met a population of another seed, and bots, too, and has a control ``matched``."""
    n = len(one.characters)
    other = f"made_{one.training_seed + 1}"
    sets = (Opponents(other, HELD_OUT, ("last",), (("",) * n,)), Opponents("bots", BOTS, ("rusher",), (("",) * n,)))
    cells = np.full((n, 1, n), gain), np.full((n, 1, n), 0.2)
    more = [
        Gain("specialist", control, name, 100, *cells)
        for control, name in itertools.product(("generalist", "matched"), (other, "bots"))
    ]
    kinds = (*one.kinds, dataclasses.replace(one.kinds[0], name="matched"))
    against = dataclasses.replace(one.gains[0], control="matched", mean=one.gains[0].mean - 0.05)
    return dataclasses.replace(one, kinds=kinds, opponents=(*one.opponents, *sets), gains=(*one.gains, against, *more))


def test_held_out_populations_of_all_seeds_are_one_set() -> None:
    """They have other names in every run."""
    records = [met(made(seed, n=3), gain) for seed, gain in ((1, 0.1), (2, 0.2), (3, 0.6))]
    runs = Runs(tuple(records), ("a", "b", "c"))
    assert runs.sets() == ("trained", "held_out", "bots")
    assert runs.controls("specialist", "held_out") == ["generalist", "matched"]
    found = runs.mean_gain("specialist", "matched", "held_out")
    assert found.value == pytest.approx(0.3) and found.low < 0 < found.high  # 0.3 +- 4.30 x 0.26 / sqrt(3)
    single = Runs(tuple(records[:1]), ("a",))
    alone = single.mean_gain("specialist", "matched", "held_out")
    assert alone.value == pytest.approx(0.1)
    assert alone.high - alone.value == pytest.approx(1.96 * np.sqrt(0.2 / 99 / 9), rel=0.01)


def test_results_say_what_was_made(tmp_path: Path) -> None:
    """Two seeds in which every Specialist gains 0.15; the report has answered one result and lacks the others."""
    todo = dataclasses.replace(planned("cam8", 1, 2, folder=str(tmp_path)))
    for seed, (population, gain) in itertools.product((1, 2), (("simplex_neupl", 0.15), ("mia", 0.05))):
        one = met(made(seed, n=4, gain=gain), 0.1)
        record.write(todo.run(population, seed) / record.FILE, one)
    answer = {"reported": "+13.2", "verdict": "holds", "sentence": "It gains.", "title": "", "source": "", "sheets": []}
    for name in todo.study.specialists:
        numbers = {"sections": {"cam_1": answer}, "not_measured": {"mm_1": {"what": "no vectors", "command": ""}}}
        write_json(todo.report(name) / "report" / "numbers.json", numbers)
    found = results(todo, hours=1.5, frames=10)
    assert found["gain_over_start_low"] < 0.15 < found["gain_over_start_high"]
    assert found["gain_over_start"] == pytest.approx(0.15, abs=0.03)
    assert found["gain_over_matched"] == pytest.approx(found["gain_over_start"] - 0.05)
    assert found["gain_over_matched_held_out"] == pytest.approx(0.1)
    assert found["gain_over_start_bots"] == pytest.approx(0.1)
    assert found["mutual_information_ratio"] == pytest.approx((0.01 - 0.001) / (0.03 - 0.001))
    assert found["last_generation_win_rate"] == pytest.approx(0.5 + 0.4 * np.tanh(0.4))
    assert found["diversity_ratio"] > 1 and found["seeds"] == 2 and found["characters"] == 4
    assert found["results"]["cam_1"]["verdict"] == "holds"
    assert found["results"]["mm_1"] == {"reported": "", "verdict": "not measured", "sentence": "no vectors"}
    assert found["results"].keys() == RESULTS.keys() and found["results_by_population"].keys() == {"mia"}
    text = report(found)
    assert "CAM figure 1: win rates before and after: holds.\n  It gains." in text and "gain_over_matched" in text
    assert json.loads(json.dumps(found)) == found


def test_what_further_generations_gain_stands_beside_specialising(tmp_path: Path) -> None:
    todo = planned("mm16", 1, folder=str(tmp_path), scale=0.5)
    own = dataclasses.replace(met(made(1, n=4), 0.1), run="mia_1")
    record.write(todo.run("mia", 1) / record.FILE, own)
    against = dataclasses.replace(own.opponents[0], name="mia_1", group=HELD_OUT)
    better = dataclasses.replace(own.tables[0], opponents="mia_1", mean=own.tables[0].mean * 0 + 0.75)
    further = dataclasses.replace(
        own, run="further_1", kinds=own.kinds[:1], opponents=(against,), tables=(better,), gains=()
    )
    record.write(todo.run("further", 1) / record.FILE, further)
    write_json(todo.report("mia") / "report" / "numbers.json", {"sections": {}, "not_measured": {}})
    (found,) = results(todo, hours=1, frames=1)["further_generations"].values()
    assert found["generations"] == 2 and found["frames"] == 4_000_000
    assert found["gain_mean"] == pytest.approx(0.75 - own.tables[0].mean.mean())


def test_the_command_line(tmp_path: Path) -> None:
    status, text = run_program("camtf.study", "--preset=cam50", "--seeds=3", f"--run_dir={tmp_path}", "--plan")
    assert status == 0 and "about 1." in text and "horovodrun -np 2" in text and not any(tmp_path.iterdir())
    status, text = run_program("camtf.study", "--preset=cam8", "--seeds=1,1", f"--run_dir={tmp_path}")
    assert status == 1 and text.startswith("error: --seeds must be different whole numbers") and text.count("\n") == 1


def test_unknown_studies_are_refused() -> None:
    with pytest.raises(StudyError, match="unknown study 'cam9'; the studies are cam8, cam50, mm16"):
        preset("cam9")
