"""The example of the manual for users' own games: it is run as it stands there, and what it trains plays well."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camtf.types import Observation

TEXT = (Path(__file__).parents[1] / "docs" / "own_game.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    names: dict[str, Any] = {"__name__": "own_game"}
    exec(compile(program, "docs/own_game.md", "exec"), names)
    return names


def lead(game: Any, choose: Any, decisions: int, rng: np.random.Generator) -> float:
    """Mean points of player 0, played by ``choose``, ahead of a random player 1, per match."""
    observation = game.reset(np.zeros((2, game.matches), int))
    total = 0.0
    for _ in range(decisions):
        others = np.stack([rng.integers(0, 3, game.matches), np.zeros(game.matches, int)], axis=-1)
        own = choose(Observation(*(x[0] for x in observation)))
        observation, step = game.step(np.stack([own, others]), observation)
        assert (step.reward[0] == -step.reward[1]).all()
        total += step.reward[0].mean()
    return total


def test_it_trains_and_then_beats_chance(example: dict[str, Any], tmp_path: Path) -> None:
    policy = example["train"](tmp_path / "run")
    mixture = np.zeros((200, policy.config.mixture_slots), np.float32)
    mixture[:, 0] = 1.0
    rng = np.random.default_rng(5)

    def trained(seen: Observation) -> np.ndarray:
        uniforms = rng.random((200, 4)).astype(np.float32) * 0.998 + 0.001
        return policy.act(Observation(*map(np.array, seen)), mixture, uniforms)[0].numpy()

    ids = np.arange(200)
    won = lead(example["CoinRace"](3, ids), trained, 60, rng)
    chance = lead(
        example["CoinRace"](3, ids), lambda seen: np.stack([rng.integers(0, 3, 200), np.zeros(200, int)], -1), 60, rng
    )
    assert abs(chance) < 0.5 and won > 3.0


def test_its_state_is_all_that_the_future_depends_on(example: dict[str, Any], rng: np.random.Generator) -> None:
    one, two = (example["CoinRace"](1, np.arange(5)) for _ in range(2))
    one.reset(np.zeros((2, 5), int))
    for step in range(130):
        if step == 30:
            two.restore(one.state())
        actions = np.stack([rng.integers(0, 3, (2, 5)), np.zeros((2, 5), int)], axis=-1)
        a, step_a = one.step(actions)
        if step >= 30:
            b, step_b = two.step(actions)
            assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
            assert np.array_equal(step_a.done, step_b.done) and np.array_equal(step_a.reward, step_b.reward)
