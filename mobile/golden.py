"""Golden observations: real ones, and Keras's logits for them, to check an integration against. Needs NumPy alone."""

from __future__ import annotations

import io
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

_LARGEST = 64 << 20
"""Bytes that golden observations may take in memory."""

_DAMAGED = (
    OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, SyntaxError, MemoryError, struct.error,
    tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What `zipfile` and NumPy raise where a file is not what they take it for."""


class GoldenError(ValueError):
    """Golden observations are damaged, or not those of this pack."""


def encode(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The ``.golden.npz`` file of arrays ``[n, ...]`` by name."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def decode(content: bytes, tensors: Mapping[str, tuple[tuple[int, ...], str]]) -> dict[str, np.ndarray]:
    """The arrays ``[n, ...]`` of a ``.golden.npz`` file, without trust in pickle.

    Args:
        tensors: shape without n, and type, of all that must be there.

    Raises:
        GoldenError: the content is damaged, too large, or holds anything else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > _LARGEST:
            raise ValueError(f"it would take {size:,} bytes, at most {_LARGEST:,} are allowed")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except _DAMAGED as error:
        raise GoldenError(f"damaged: {error!r}") from error
    if found.keys() != tensors.keys():
        raise GoldenError(f"it holds {sorted(found)}, needed are {sorted(tensors)}")
    rows = 0
    for name, (shape, dtype) in tensors.items():
        array: Any = found[name]
        if not isinstance(array, np.ndarray):  # NumPy's answer to a member that is no .npy file
            raise GoldenError(f"{name} is no array")
        rows = rows or (len(array) if array.ndim else 0)
        if not rows or array.shape != (rows, *shape) or array.dtype != dtype:
            raise GoldenError(f"{name} is {array.dtype} {array.shape}, needed is {dtype} {(rows or 1, *shape)}")
    return found
