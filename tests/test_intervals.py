"""Wilson's interval against published values."""

from __future__ import annotations

import pytest

from camtf.evaluation.intervals import rate_with_interval, wilson


@pytest.mark.parametrize(
    ("wins", "games", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_newcombe_1998_table_1(wins: int, games: int, low: float, high: float) -> None:
    """Newcombe 1998, Statistics in Medicine 17, table I, method 3."""
    assert wilson(wins, games) == pytest.approx((low, high), abs=5e-5)


def test_limits_and_symmetry() -> None:
    assert wilson(10, 10)[1] == pytest.approx(1.0) and wilson(0, 10)[0] == pytest.approx(0.0, abs=1e-12)
    low, high = wilson(3.5, 10)
    assert (1 - high, 1 - low) == pytest.approx(wilson(6.5, 10))
    assert rate_with_interval(5.0, 10)["win_rate"] == 0.5


@pytest.mark.parametrize(("wins", "games"), [(3, 2), (-1, 2), (0, 0)])
def test_impossible_counts_are_refused(wins: int, games: int) -> None:
    with pytest.raises(ValueError, match=f"got {wins} of {games}"):
        wilson(wins, games)
