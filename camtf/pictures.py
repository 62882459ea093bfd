"""Payoffs and mixtures as pictures, a block of cells for each strategy. NumPy alone."""

from __future__ import annotations

import numpy as np

_PIXELS = 256
"""Side of the square that the cells of a picture fill at least."""
_LINE = (128, 128, 128)
_POINTS = (0.0, 0.5, 1.0)
_PAYOFF_COLOURS = ((33, 102, 172), (247, 247, 247), (178, 24, 43))  # blue loses, white is even, red wins
_MIXTURE_COLOURS = ((255, 255, 255), (66, 146, 198), (8, 29, 88))  # white is nothing, dark blue is all


def payoff_picture(rates: np.ndarray, block: int = 1) -> np.ndarray:
    """Win rates in [0, 1], row against column: blue below 0.5, white there, red above. See `mixture_picture`."""
    return _drawn(rates, _PAYOFF_COLOURS, block)


def mixture_picture(sigma: np.ndarray, block: int = 1) -> np.ndarray:
    """Weights in [0, 1], a mixture a row: white where 0, dark blue where 1.

    Args:
        sigma: float ``[rows, columns]``.
        block: nodes of a strategy, which stand side by side; a grey line of one pixel parts one strategy from the next.

    Returns uint8 ``[height, width, 3]``: red, green, blue; all cells are squares of one size.
    """
    return _drawn(sigma, _MIXTURE_COLOURS, block)


def _drawn(matrix: np.ndarray, colours: tuple[tuple[int, int, int], ...], block: int) -> np.ndarray:
    channels = [np.interp(matrix, _POINTS, channel) for channel in zip(*colours, strict=True)]
    picture = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    times = max(1, -(-_PIXELS // max(matrix.shape)))
    for axis in range(2):
        picture = np.repeat(picture, times, axis=axis)
        lines = np.arange(block, matrix.shape[axis], block) * times
        picture = np.insert(picture, lines, np.array(_LINE, np.uint8), axis=axis)
    return picture
