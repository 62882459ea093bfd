"""A finished population against the ones that its network held earlier, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from camtf.config import override, preset
from camtf.games.matrix import MatrixGame
from camtf.model.policy import Policy
from camtf.population.earlier import Quarters
from camtf.population.strategies import one_policy_each
from camtf.population.training import Context
from camtf.types import Snapshot
from tests.conftest import begun

GAME = MatrixGame(np.array([[0, -1, -1], [1, 0, -1], [1, 1, 0]]), rounds=3, copies=2)
CONFIG = override(
    preset("test"),
    {"game.characters": (), "network.trunk": (8,), "network.mixture_slots": 2, "generalists.measured_games": 800},
)
TOLD = np.array([[0, 0], [1, 0]], np.float32)
"""Of the uniform strategy and of one that was trained."""


def always(context: Context, row: int) -> Policy:
    """A policy that plays one row of the matrix."""
    policy = context.policy()
    weights = {name: np.zeros_like(weight) for name, weight in policy.get_weights().items()}
    (bias,) = (name for name in weights if name.endswith("skill/bias"))
    weights[bias] = np.where(np.arange(3) == row, 100.0, 0.0).astype(np.float32)
    policy.set_weights(weights)
    return policy


def test_the_finished_population_meets_each_quarter(tmp_path: Path) -> None:
    """Played by row 2 it beats the row 0 of before always, and the uniform strategy unless it draws.
    The first mixes row 0 and the uniform strategy, whatever row 2 loses least against; the finished one plays row 2."""
    context = begun(tmp_path, GAME, CONFIG)
    weak, strong = always(context, 0), always(context, 2)
    quarters = Quarters(context, updates=8)
    for update in range(8):
        quarters.keep(update, weak if update < 6 else strong, TOLD)
    kept = {file.stem: context.run.read_snapshot(file).weights for file in (tmp_path / "earlier").iterdir()}
    assert kept.keys() == {"quarter_1", "quarter_2", "quarter_3"}
    (bias,) = (name for name in strong.get_weights() if name.endswith("skill/bias"))
    assert [kept[f"quarter_{q}"][bias].argmax() for q in (1, 2, 3)] == [0, 0, 2]
    told = np.repeat(TOLD[[1]], 2, axis=0)
    found = {
        row: quarters.meet(one_policy_each([Snapshot("slot_01", policy.get_weights(), told)], 2, uniform_first=True))
        for row, policy in ((0, weak), (2, strong))
    }
    even, won = pytest.approx(0.0, abs=0.01), pytest.approx(26 / 27, abs=0.03)  # of 400 battles for each pair
    assert found[2] == {"quarter_1": won, "quarter_2": won, "quarter_3": even}
    assert found[0]["quarter_3"] == pytest.approx(-26 / 27, abs=0.03)


def test_a_short_run_has_fewer_quarters(tmp_path: Path) -> None:
    context = begun(tmp_path, GAME, CONFIG)
    quarters = Quarters(context, updates=1)
    quarters.keep(0, always(context, 0), TOLD)
    assert not (tmp_path / "earlier").exists()
    assert quarters.meet(one_policy_each([], 2, uniform_first=True)) == {}
