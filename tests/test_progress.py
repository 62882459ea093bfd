"""The line of progress: it moves in a terminal, through the launcher too; elsewhere it is a plain line now and then."""

from __future__ import annotations

import ast
import os
import re
import sys
from pathlib import Path

import pytest
from absl import logging

from camtf import progress
from camtf.progress import TERMINAL, Progress
from tests.terminal import screen, watched

ROOT = Path(__file__).parents[1]
LAUNCHER = ROOT / "launch" / "horovodrun"
WORK = """
from absl import app, logging
from camtf import progress

def main(argv):
    shown = progress.Progress()
    shown._seconds = 0
    for i in range(5):
        assert shown.due()
        shown.show(f"work {'#' * 10 * i} {i} of 5, and more than fits into the line")
        if i == 2:
            logging.info("said")
    shown.end("all 5 of 5")
    shown.show("next work, which stands there until")
    progress.clear()
    print("a table", flush=True)

app.run(main)
"""


def environment(**more: str) -> dict[str, str]:
    """The tests' own, not as a rank."""
    without = {name: value for name, value in os.environ.items() if name not in (TERMINAL, "HOROVOD_RANK")}
    return {**without, "PYTHONPATH": str(ROOT), "TERM": "xterm", **more}


def test_it_moves_in_a_terminal() -> None:
    written = watched([sys.executable, "-c", WORK], 40, environment())
    assert written.count("work #") == 4 and written.count(" of 5, and more") == 2  # cut to 39 columns
    assert max(len(part) for part in re.split(r"[\r\n\x1b]", written) if part.startswith("work")) == 39
    said, ended, *rest = screen(written)
    assert said.endswith("] said") and ended.endswith("] all 5 of 5")  # nothing of the moving line behind them
    assert rest == ["a table", ""]


def test_without_a_terminal_a_plain_line_comes_every_30_seconds(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(TERMINAL, raising=False)
    now = 1000.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    shown = Progress()
    with caplog.at_level("INFO", logger="absl"):
        for second in range(100):
            now = 1000.0 + second
            if shown.due():
                shown.show(f"after {second} s")
        shown.end("all")
    assert [record.getMessage() for record in caplog.records] == ["after 30 s", "after 60 s", "after 90 s", "all"]


@pytest.mark.parametrize(("rank", "told", "columns"), [("0", "120", 120), ("0", "3", 20), ("1", "120", None)])
def test_rank_0_alone_moves_a_line(rank: str, told: str, columns: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOROVOD_RANK", rank)
    monkeypatch.setenv(TERMINAL, told)
    monkeypatch.setattr(logging.get_absl_logger(), "filters", [])
    assert Progress()._columns == columns
    assert logging.get_absl_logger().filters == ([] if columns is None else [progress._line])


@pytest.mark.ranks
def test_it_moves_through_the_launcher(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(WORK)
    command = [sys.executable, str(LAUNCHER), "-np", "1", "--disable-cache", sys.executable, str(tmp_path / "work.py")]
    written = watched(command, 40, environment())
    assert "<std" not in written and written.count("\x1b[K\r") == 7
    lines = [line.split("] ")[-1] for line in screen(written)]  # of two streams, in any order
    assert lines.index("said") < lines.index("all 5 of 5") and "a table" in lines
    assert not any(line.startswith(("work", "next")) for line in lines)


def test_the_launcher_and_the_ranks_mean_the_same_variable() -> None:
    tree = ast.parse(LAUNCHER.read_text())
    values = [node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "TERMINAL"]  # type: ignore[attr-defined]
    assert [ast.literal_eval(value) for value in values] == [TERMINAL]
