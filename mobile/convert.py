"""From a Keras policy to the bytes of a TFLite model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from camtf.types import Observation
from mobile.runtime import SIGNATURE


class ActModule(tf.Module):
    """A policy as the device calls it: modules in, raw logits out.

    Args:
        network: from an `Observation`, or from one and a mixture, to outputs.
        example: inputs by name, ``[n, ...]``; n does not matter.
        outputs: names of what to return.
        batch: rows.
    """

    def __init__(
        self, network: Callable[..., Any], example: dict[str, np.ndarray], outputs: list[str], batch: int
    ) -> None:
        super().__init__()
        specs = [tf.TensorSpec((batch, *x.shape[1:]), x.dtype, name) for name, x in example.items()]

        def heads(basic: Any, buff: Any, element: Any, mask: Any, mixture: Any = None) -> list[tf.Tensor]:
            observation = Observation(basic, buff, element, mask)
            output = network(observation) if mixture is None else network(observation, mixture)
            return [getattr(output, name) for name in outputs]

        # The converter loses Keras 3's variables unless they are constants before it sees them.
        traced = tf.function(heads, input_signature=specs).get_concrete_function()
        frozen = convert_variables_to_constants_v2(traced)

        def act(basic: Any, buff: Any, element: Any, mask: Any, mixture: Any = None) -> dict[str, tf.Tensor]:
            given = [basic, buff, element, mask] + ([] if mixture is None else [mixture])
            return dict(zip(outputs, frozen(*given), strict=True))

        self.act = tf.function(act, input_signature=specs)


def convert(saved_model: str, precision: str, calibration: dict[str, np.ndarray], batch: int = 1) -> bytes:
    """A SavedModel as the bytes of a TFLite model. Raises ValueError on an unknown precision.

    float16 stores weights in half precision; int8 computes in integers too, with ranges taken from the calibration
    inputs ``[n, ...]``. Inputs and outputs have the same types in all.
    """
    if precision not in ("float32", "float16", "int8"):
        raise ValueError(f"precision must be one of float32, float16, int8; got {precision!r}")
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=[SIGNATURE])
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif precision == "int8":
        converter.representative_dataset = _representative(calibration, batch)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return converter.convert()


def _representative(
    calibration: dict[str, np.ndarray], batch: int
) -> Callable[[], Iterator[tuple[str, dict[str, np.ndarray]]]]:
    def rows() -> Iterator[tuple[str, dict[str, np.ndarray]]]:
        for i in range(0, len(calibration["mask"]) - batch + 1, batch):
            yield SIGNATURE, {name: x[i : i + batch] for name, x in calibration.items()}

    return rows
