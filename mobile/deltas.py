"""Many models as one base and small differences: the weights of a Specialist are the base's plus whole steps.

All Specialists of a run are copies of one network, moved by training, and their TFLite files differ in the weights
alone. A difference is rounded to multiples of a step, one step per tensor, a fixed part of the root mean square of the
tensor's differences; the whole numbers are small and compress well. Needs NumPy alone.

A ``.delta`` file is a zlib stream (RFC 1950). Inflated, little endian: for each tensor, in the manifest's order, one
float32, its step; then for each tensor, in the same order, one int8 per weight. A weight is
``float32(base + float32(step * number))``, two roundings; what comes out is the Specialist's TFLite file.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

SMALL = 256
"""Tensors of up to so many numbers (biases) get the finest step: they weigh little and matter much."""


class DeltaError(ValueError):
    """A ``.delta`` file does not fit its base."""


def quantise(difference: np.ndarray, coarseness: float) -> tuple[np.ndarray, np.float32]:
    """Whole numbers int8, and their step: ``coarseness`` root mean squares, or more where int8 would not hold it."""
    largest = float(np.abs(difference).max(initial=0.0))
    step = largest / 127
    if difference.size > SMALL:
        step = max(step, coarseness * float(np.sqrt(np.mean(np.square(difference, dtype=np.float64)))))
    if step == 0.0:
        return np.zeros(difference.shape, np.int8), np.float32(0.0)
    return np.rint(difference / np.float32(step)).clip(-127, 127).astype(np.int8), np.float32(step)


def apply(base: np.ndarray, numbers: np.ndarray, step: np.float32) -> np.ndarray:
    """Weights float32 from a base and whole numbers of steps."""
    return base + step * numbers.astype(np.float32)


def encode(base: bytes, model: bytes, tensors: Sequence[tuple[int, int]], coarseness: float) -> bytes:
    """The ``.delta`` file of a model. Tensors are (offset in bytes, float32 numbers), in both files alike."""
    parts = [quantise(_weights(model, tensor) - _weights(base, tensor), coarseness) for tensor in tensors]
    steps = np.array([step for _, step in parts], "<f4")
    return zlib.compress(steps.tobytes() + b"".join(numbers.tobytes() for numbers, _ in parts), 9)


def decode(base: bytes, delta: bytes, tensors: Sequence[tuple[int, int]]) -> bytes:
    """The model's file. Raises DeltaError where the delta is damaged or of another base.

    Never inflates more than the tensors need, and these must lie in the base one after the other.
    """
    at = 0
    for offset, count in tensors:
        if not (isinstance(offset, int) and isinstance(count, int) and offset >= at and count > 0):
            raise DeltaError(f"the tensor {[offset, count]} does not begin after the one before it")
        at = offset + 4 * count
    if at > len(base):
        raise DeltaError(f"the tensors end at byte {at:,} of a base of {len(base):,}")
    needed = sum(4 + count for _, count in tensors)
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(delta, needed + 1)
    except zlib.error as error:
        raise DeltaError(f"damaged: {error}") from error
    if len(content) > needed:
        raise DeltaError(f"more than the {needed:,} bytes of differences that the base needs")
    if not inflater.eof or inflater.unused_data:
        raise DeltaError("damaged: it ends too early or too late")
    if len(content) < needed:
        raise DeltaError(f"{len(content):,} bytes of differences, the base needs {needed:,}")
    steps = np.frombuffer(content, "<f4", len(tensors))
    if not np.isfinite(steps).all():
        raise DeltaError("a step is not finite")
    model, at = bytearray(base), 4 * len(tensors)
    for (offset, count), step in zip(tensors, steps):
        numbers = np.frombuffer(content, np.int8, count, at)
        model[offset : offset + 4 * count] = apply(_weights(base, (offset, count)), numbers, step).tobytes()
        at += count
    return bytes(model)


def _weights(model: bytes, tensor: tuple[int, int]) -> np.ndarray:
    offset, count = tensor
    return np.frombuffer(model, "<f4", count, offset)
