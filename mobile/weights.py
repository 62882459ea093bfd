"""Where the weights stand in a TFLite file, and the base that the files of one run share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema


def weight_tensors(model: bytes) -> list[tuple[int, int]]:
    """Offset in bytes and number of float32 of every weight tensor, in the order of the file. A constant of an
    operation is one, too: it is the same in all models, and its difference costs nothing."""
    root = schema.Model.GetRootAs(model)
    graph = root.Subgraphs(0)
    buffers = {
        graph.Tensors(i).Buffer()
        for i in range(graph.TensorsLength())
        if graph.Tensors(i).Type() == schema.TensorType.FLOAT32
    }
    found = []
    for i in sorted(buffers):
        buffer = root.Buffers(i)
        if buffer.DataLength():
            field = buffer._tab.Offset(4)  # of `data`, the first field of a Buffer
            found.append((int(buffer._tab.Vector(field)), buffer.DataLength() // 4))
    return sorted(found)


def common_base(models: Sequence[bytes], tensors: Sequence[tuple[int, int]]) -> bytes:
    """The models' file with the mean of their weights.

    Raises ValueError where they differ in more than the weights.
    """
    arrays = [np.frombuffer(model, np.uint8) for model in models]
    base = arrays[0].copy()
    elsewhere = np.ones(len(base), bool)
    for offset, count in tensors:
        elsewhere[offset : offset + 4 * count] = False
    for i, array in enumerate(arrays):
        if len(array) != len(base) or (array[elsewhere] != base[elsewhere]).any():
            raise ValueError(f"model {i} differs from the first in more than its weights")
    for offset, count in tensors:
        mean = np.mean([np.frombuffer(model, "<f4", count, offset) for model in models], axis=0, dtype=np.float64)
        base[offset : offset + 4 * count] = np.frombuffer(mean.astype("<f4").tobytes(), np.uint8)
    return base.tobytes()
