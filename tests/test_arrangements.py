"""The networks that ours is measured beside, and that all of them can be trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from benchmarks.networks import arrangement, operations
from camtf.algorithms import train_population
from camtf.config import override, preset
from camtf.games.duel.game import Duel
from camtf.model.policy import Policy
from tests.conftest import begun

CONFIG = override(preset("test"), {"generalists.frames": 640})


def test_the_perceptron_has_as_many_operations_as_the_four_modules(duel: Duel) -> None:
    ours, plain = (
        Policy(CONFIG.network, duel.spec, build=arrangement(name, CONFIG, duel))
        for name in ("four_module", "perceptron")
    )
    assert operations(plain) == pytest.approx(operations(ours), rel=0.02)


@pytest.mark.parametrize("name", ["two_convolutions", "perceptron"])
def test_generations_of_another_network(duel: Duel, tmp_path: Path, name: str) -> None:
    """The second generation has the first one, served from the pool, in its mixture."""
    build = arrangement(name, CONFIG, duel)
    context = dataclasses.replace(begun(tmp_path / "run", duel, CONFIG), build=build)
    first, second = train_population(context).snapshots
    own = Policy(CONFIG.network, duel.spec, build=build)
    own.set_weights(second.weights)
    assert any(not np.array_equal(first.weights[path], w) for path, w in own.get_weights().items())
    assert np.allclose(second.mixture[duel.roster.index("ember_fox")][:2], 0.5) and first.mixture[:, 1].max() == 0
    with pytest.raises(ValueError, match="weights are of another network"):
        Policy(CONFIG.network, duel.spec).set_weights(second.weights)
