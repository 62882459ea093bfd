"""Graph solvers on games with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from camtf.population.solvers import SOLVERS, uniform


@pytest.mark.parametrize("name", list(SOLVERS))
@given(win_rates=arrays(np.float64, (3, 5), elements=st.floats(0, 1)))
def test_a_mixture_is_a_distribution(name: str, win_rates: np.ndarray) -> None:
    mixture = SOLVERS[name](win_rates)
    assert mixture.shape == win_rates.shape and (mixture >= 0).all()
    np.testing.assert_allclose(mixture.sum(axis=-1), 1.0)


def test_exploit_weighs_by_what_beats_the_learner() -> None:
    exploit = SOLVERS["exploit"]
    np.testing.assert_allclose(exploit(np.array([0.2, 0.6, 1.0])), [2 / 3, 1 / 3, 0.0])
    np.testing.assert_allclose(exploit(np.array([[0.5, 0.5], [1.0, 1.0]])), [[0.5, 0.5], [0.5, 0.5]])


def test_uniform_ignores_the_win_rates() -> None:
    np.testing.assert_allclose(uniform(np.array([0.0, 1.0, 0.3, 0.4])), 0.25)
