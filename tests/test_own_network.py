"""The example of the manual for users' own networks: with a game of their own it goes through the whole line as it
stands there, and it learns."""

from __future__ import annotations

from pathlib import Path

import pytest

from camtf.evaluation import record
from tests.end_to_end_checks import check_exported
from tests.manual_programs import program, run_commands


def test_the_whole_line_and_then_it_beats_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "coin_race.py").write_text(program("own_game.md"))
    (tmp_path / "dense.py").write_text(program("own_network.md"))
    run_commands("own_network.md", tmp_path, monkeypatch)
    found = record.read(tmp_path / "runs" / "dense" / record.FILE)
    rates = [found.table(kind, "bots").rate(k)["win_rate"] for kind in ("generalist", "specialist") for k in range(2)]
    assert min(rates) > 0.8, rates
    monkeypatch.syspath_prepend(tmp_path)
    check_exported(tmp_path / "runs" / "dense", tmp_path / "build" / "dense")
