"""The record of an evaluation: what is written is read, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camtf import files
from camtf.checkpoint import RunDirectory
from camtf.evaluation import record
from camtf.evaluation.coding import RecordError, from_json, to_json
from camtf.evaluation.findings import TRAINED, Opponents, Strategies, Table


@dataclass(frozen=True, eq=False)
class Inner:
    rates: np.ndarray
    maybe: float | None


@dataclass(frozen=True, eq=False)
class Outer:
    name: str
    parts: tuple[Inner, ...]
    by_name: dict[str, np.ndarray]


WHOLE = Outer("x", (Inner(np.array([[0.1, np.nan]]), None), Inner(np.zeros((2, 0)), 1.5)), {"a": np.array([1.0])})


def test_records_come_back_as_they_were() -> None:
    """Through text, to the last bit; what is no number stays none."""
    document = json.loads(json.dumps(to_json(WHOLE), allow_nan=False))
    back = from_json(Outer, document)
    assert record.same(back, WHOLE) and back.parts[0].rates[0, 0] == 0.1 and np.isnan(back.parts[0].rates[0, 1])
    assert back.parts[1].rates.shape == (2, 0) and back.parts[0].maybe is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("name"), r"record.name is missing"),
        (lambda d: d.update(more=1), r"record.more is unknown"),
        (lambda d: d.update(name=3), r"record.name must be of type str, got 3"),
        (lambda d: d["parts"][1].update(maybe="x"), r"record.parts\[1\].maybe must be of type float, got 'x'"),
        (lambda d: d["parts"][0].update(rates="x"), r"record.parts\[0\].rates must be an array of numbers, got 'x'"),
        (lambda d: d["parts"][0].update(rates=[[1], [1, 2]]), r"record.parts\[0\].rates must be an array of numbers"),
        (lambda d: d.update(parts={}), r"record.parts must be of type"),
        (lambda d: d.update(by_name={"a": None}), r"record.by_name\['a'\] must be an array"),
    ],
)
def test_other_types_are_refused_by_name(change: Any, message: str) -> None:
    document = to_json(WHOLE)
    change(document)
    with pytest.raises(RecordError, match=message):
        from_json(Outer, document)


def test_a_table_has_rows_and_errors() -> None:
    """Worked by hand: 4 battles a cell, rates of 1 and 1/2 and a cell that cannot be; variance of the second 1/4."""
    mean = np.array([[[1.0, 0.5]], [[0.25, np.nan]]])
    made = Table("a", "b", 4, mean, np.where(np.isnan(mean), np.nan, mean * (1 - mean)))
    assert made.rows.tolist() == [0.75, 0.25]
    np.testing.assert_allclose(made.errors, [np.sqrt(0.25 / 3) / 2, np.sqrt(0.1875 / 3)])
    assert made.rate(0)["games"] == 8 and made.rate(1)["games"] == 4 and made.rate(1, 0)["win_rate"] == 0.25
    with pytest.raises(ValueError, match=r"rates must be in \[0, 1\]"):
        Table("a", "b", 4, mean + 1.0, mean)
    with pytest.raises(ValueError, match="must add up to 1"):
        Strategies(("a", "b"), (("",), ("",)), 4, np.array([[0.5, 0.9], [0.9, 0.5]]), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="unknown group 'x'"):
        Opponents("o", "x", ("s",), (("",),))


def test_a_real_one_is_read_as_it_was_written(evaluated: RunDirectory, tmp_path: Path) -> None:
    """Of the duel: every measure is there, of the shape that its docstring says."""
    found = record.read(evaluated.path / record.FILE)
    record.write(tmp_path / "again.json", found)
    assert record.same(record.read(tmp_path / "again.json", found.weights), found)
    n, k = len(found.characters), len(found.skill_names)
    assert found.event_names == ("forcing_moves", "counter_moves", "clone_substitutes")
    for made in found.behaviour:
        assert made.skill.shape == (n, k) and made.timing.shape == (n, k, 12) and made.bin_decisions == 50
        np.testing.assert_allclose(made.skill.sum(axis=1), 1.0)
        assert made.events.shape == (n, 3) and (made.opportunities[:, 0] >= made.events[:, 0]).all()
    assert [(c.task, c.stage) for c in found.curves] == [
        ("generation_01", "generalists"), ("generation_02", "generalists"), ("specialist_ember_fox", "specialists"),
        ("specialist_gale_archer", "specialists"),
    ]  # fmt: skip
    assert found.curves[1].start_frames == found.curves[0].frames[-1] and found.curves[3].factor == 2.0
    assert (found.information[0].value >= 0).all() and found.information[1].null.shape == (n, n)
    assert found.set_of(TRAINED)[0].strategies == ("generation_02",)


def test_another_version_or_run_is_refused(evaluated: RunDirectory, tmp_path: Path) -> None:
    file = tmp_path / "evaluation.json"
    with pytest.raises(RecordError, match=r"evaluation.json does not exist; python -m camtf.evaluate writes it"):
        record.read(file)
    found = record.read(evaluated.path / record.FILE)
    files.write_json(file, {**to_json(found), "version": 0})
    with pytest.raises(RecordError, match=r"is of version 0 of the record, this is 2; python -m camtf.evaluate makes"):
        record.read(file)
    record.write(file, replace(found, weights={**found.weights, "ember_fox": "0" * 16}))
    with pytest.raises(RecordError, match=r"of other weights of ember_fox \(0{16} there, \w{16} here\)"):
        record.read(file, found.weights)
    with pytest.raises(RecordError, match=r"of other weights of generation_09 \(none there, 1 here\)"):
        record.read(file, {"generation_09": "1"})
