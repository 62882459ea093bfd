"""The example of the manual for users' own games: it goes through the whole line as it stands there, and what it trains
plays well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camtf.evaluation import record
from tests.end_to_end_checks import check_exported
from tests.manual_programs import executed, program, run_commands


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    return executed("own_game.md")


def test_the_whole_line_and_then_it_beats_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "coin_race.py").write_text(program("own_game.md"))
    run_commands("own_game.md", tmp_path, monkeypatch)
    found = record.read(tmp_path / "runs" / "coin" / record.FILE)
    rates = [found.table(kind, "bots").rate(k)["win_rate"] for kind in ("generalist", "specialist") for k in range(2)]
    assert min(rates) > 0.8, rates
    monkeypatch.syspath_prepend(tmp_path)
    check_exported(tmp_path / "runs" / "coin", tmp_path / "build" / "coin")


def test_its_state_is_all_that_the_future_depends_on(example: dict[str, Any], rng: np.random.Generator) -> None:
    one, two = (example["COIN_RACE"].make(1, np.arange(5)) for _ in range(2))
    one.reset(rng.integers(0, 2, (2, 5)))
    for step in range(130):
        if step == 30:
            two.restore(one.state())
        actions, characters = rng.integers(0, 3, (2, 5)), rng.integers(0, 2, (2, 5))
        actions = np.stack([actions, np.zeros((2, 5), int)], axis=-1)
        one.assign(characters)
        a, step_a = one.step(actions)
        assert (step_a.reward[0] == -step_a.reward[1]).all()
        if step >= 30:
            two.assign(characters)
            b, step_b = two.step(actions)
            assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
            assert np.array_equal(step_a.done, step_b.done) and np.array_equal(step_a.reward, step_b.reward)
