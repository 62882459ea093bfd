"""What benchmarks read: settings from the command line, and the result that a worker prints."""

from __future__ import annotations

import pytest

from benchmarks.learning import parse_setting
from benchmarks.ranks import on_ranks
from camtf.config import ConfigError


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
