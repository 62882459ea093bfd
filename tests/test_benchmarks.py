"""What benchmarks read: settings from the command line, and the result that a worker prints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.known_answers import summary
from benchmarks.learning import parse_setting
from benchmarks.ranks import on_ranks
from benchmarks.specialist_figure import Crossover, crossover, draw, lines
from camtf.config import ConfigError
from camtf.evaluation.statistics import with_interval


def test_settings_are_json() -> None:
    assert parse_setting("ppo.learning_rate=3e-4") == ("ppo.learning_rate", 3e-4)
    assert parse_setting("network.trunk=[64, 32]") == ("network.trunk", (64, 32))
    for given in ("", "ppo.epochs", "ppo.epochs=", "ppo.epochs=two", "a=" + "[" * 100_000):
        with pytest.raises(ConfigError, match=r"--set must be name=JSON, got '") as caught:
            parse_setting(given)
        assert len(str(caught.value)) < 200


@pytest.mark.ranks
def test_a_worker_without_a_result_is_named() -> None:
    """A module that ends well and prints no JSON."""
    with pytest.raises(SystemExit, match=r"^error: horovodrun .* -m this printed no result:\n(.*\n)*Simple is"):
        on_ranks(1, "this", [])


def test_a_criterion_says_what_it_asks_and_whether_it_holds() -> None:
    parts = {"goofspiel_4": {"largest_gap": with_interval([0.3]), "uniform_exploitability": with_interval([1.25])}}
    (uniform, gap) = summary(parts)
    assert uniform[:2] == ["goofspiel_4: uniform_exploitability", "1.25"] and uniform[-1] == "yes"
    assert gap[:2] == ["goofspiel_4: largest_gap", "at most 0.1"] and gap[-1] == "NO"


def measured(gains: dict[str, list[float]]) -> dict[str, Any]:
    """What ``benchmarks.specialists`` would have written of cases with these gains for each seed."""
    key = "gain_over_matched_held_out"
    cases = {n: {f"{key}_low": min(g) - 0.005, f"{key}_high": max(g) + 0.005} for n, g in gains.items()}
    runs = {f"{n}_{seed + 1}": {key: {"gain": x}} for n, g in gains.items() for seed, x in enumerate(g)}
    return {"cases": cases, "runs": runs}


def test_where_specialising_begins_to_pay(rng: np.random.Generator) -> None:
    """Gains that rise by 0.02 with each doubling and are 0 at 4 generations."""
    results = measured({f"grid_8_62k_{g}": [0.02 * np.log2(g / 4) + e for e in (-0.002, 0.002)] for g in (1, 4, 8, 13)})
    ((axis, characters, network, points),) = lines(results, "held_out")
    assert (axis, characters, network) == ("generations", 8, "62k") and [p.x for p in points] == [1, 4, 8, 13]
    found = crossover(points, rng)
    assert found is not None and found.x == pytest.approx(4.0)
    shift = 2 ** (0.002 / 0.02)
    assert found.low == pytest.approx(4 / shift) and found.high == pytest.approx(4 * shift)
    assert crossover(points[1:], rng) is None  # 0 is no end that is surely below
    alone = crossover([p._replace(gains=p.gains[:1]) for p in points], rng)
    assert isinstance(alone, Crossover) and np.isnan(alone.low)
    assert not list(lines(results, "population"))


def test_the_figure_has_a_panel_for_each_number_of_characters() -> None:
    names = ["grid_8_62k_1", "grid_8_62k_13", "grid_50_8k_1", "grid_50_8k_13", "frames_50_8k_64"]
    figure = draw(measured({name: [0.01, 0.02] for name in names}))
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == [f"{n} characters, opponents never met" for n in (8, 50, 8, 50)]
