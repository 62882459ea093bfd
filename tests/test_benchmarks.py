"""What benchmarks read: settings from the command line, and the result that a worker prints."""

from __future__ import annotations

import pytest

from benchmarks.known_answers import summary
from benchmarks.learning import parse_setting
from benchmarks.ranks import on_ranks
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
