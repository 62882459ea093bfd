"""The networks that ours is measured beside, and that all of them can be trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.networks import arrangement, operations
from camtf.checkpoint import RunDirectory
from camtf.config import override, preset
from camtf.games.duel.game import Duel
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.roster import Roster
from camtf.model.policy import Policy
from camtf.population import generalists

CONFIG = override(preset("test"), {"generalists.frames": 640})


def test_the_perceptron_has_as_many_operations_as_the_four_modules(roster: Roster) -> None:
    ours, plain = (
        Policy(CONFIG.network, duel_spec(roster), build=arrangement(name, CONFIG, roster))
        for name in ("four_module", "perceptron")
    )
    assert operations(plain) == pytest.approx(operations(ours), rel=0.02)


@pytest.mark.parametrize("name", ["two_convolutions", "perceptron"])
def test_generations_of_another_network(roster: Roster, tmp_path: Path, name: str) -> None:
    """The second generation has the first one, served from the pool, in its mixture."""
    run = RunDirectory(tmp_path / "run")
    run.begin(CONFIG, Duel(roster), write=True)
    build = arrangement(name, CONFIG, roster)
    first, second = generalists.train(CONFIG, roster, run, build=build)
    own = Policy(CONFIG.network, duel_spec(roster), build=build)
    own.set_weights(second.weights)
    assert any(not np.array_equal(first.weights[path], w) for path, w in own.get_weights().items())
    assert np.allclose(second.mixture[roster.index("ember_fox")][:2], 0.5) and first.mixture[:, 1].max() == 0
    with pytest.raises(ValueError, match="weights are of another network"):
        Policy(CONFIG.network, duel_spec(roster)).set_weights(second.weights)
