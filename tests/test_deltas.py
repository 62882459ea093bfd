"""Deltas: many models as one base and small differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camtf.config import preset
from mobile import deltas
from mobile.pack import Pack
from mobile.weights import common_base, weight_tensors

IDS = preset("test").game.characters


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_deltas_bring_back_a_model_within_half_a_step(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 700), min_size=1, max_size=4))
    seed, coarseness = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.floats(0.05, 3.0))
    rng = np.random.default_rng(seed)
    parts = [b"head", *(rng.normal(size=n).astype("<f4").tobytes() + b"between" for n in sizes)]
    base, tensors, at = b"".join(parts), [], 4
    for n in sizes:
        tensors.append((at, n))
        at += 4 * n + 7
    model = bytearray(base)
    for offset, n in tensors:
        moved = np.frombuffer(base, "<f4", n, offset) + rng.normal(scale=0.1, size=n).astype(np.float32)
        model[offset : offset + 4 * n] = moved.tobytes()
    delta = deltas.encode(base, bytes(model), tensors, coarseness)
    made = deltas.decode(base, delta, tensors)
    assert len(made) == len(base) and made[:4] == b"head" and made[-7:] == b"between"
    for offset, n in tensors:
        wanted, found = np.frombuffer(bytes(model), "<f4", n, offset), np.frombuffer(made, "<f4", n, offset)
        difference = wanted - np.frombuffer(base, "<f4", n, offset)
        _, step = deltas.quantise(difference, coarseness)
        assert np.abs(found - wanted).max() <= 0.5001 * step + 1e-6
        small = n <= deltas.SMALL
        assert step <= max(np.abs(difference).max() / 127, 0 if small else coarseness * 0.2) + 1e-9
    assert deltas.decode(base, deltas.encode(base, base, tensors, coarseness), tensors) == base


def test_a_delta_worked_by_hand() -> None:
    numbers, step = deltas.quantise(np.array([0.0, 1.0, -2.54, 0.011], np.float32), 1.0)
    assert step == pytest.approx(0.02) and numbers.tolist() == [0, 50, -127, 1]
    assert deltas.apply(np.array([1.0, 1.0], np.float32), np.array([3, -2], np.int8), np.float32(0.5)).tolist() == [
        2.5,
        0.0,
    ]


def test_models_of_one_run_differ_in_weights_alone(pack: Pack) -> None:
    one, other = (pack.read(pack.entry(i, "float32")) for i in IDS)
    tensors = weight_tensors(one)
    assert tensors == weight_tensors(other) and sum(n for _, n in tensors) > 15_000
    base = common_base([one, other], tensors)
    for offset, n in tensors[-2:]:
        a, b, mean = (np.frombuffer(x, "<f4", n, offset) for x in (one, other, base))
        np.testing.assert_allclose(mean, (a + b) / 2, atol=1e-7)
    with pytest.raises(ValueError, match="model 1 differs from the first in more than its weights"):
        common_base([one, other[:-1] + bytes([other[-1] ^ 1])], tensors)
