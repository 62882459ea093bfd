"""How the game's scalar code is compiled."""

from __future__ import annotations

from numba import njit

compiled = njit(cache=True, error_model="numpy", _nrt=False)
"""Decorator of all code of the game that runs in every tick.

Without Numba's reference counting, because nothing here allocates: its atomic counters on every array that is handed
to a function cost more than half of the time (`benchmarks.game`). Division is NumPy's, so that no check for zero
stands in the loops; nothing here divides by a number that can be 0.
"""
