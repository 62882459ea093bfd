"""From a Keras policy to the bytes of a TFLite model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from camtf.files import FileError
from camtf.types import Observation
from mobile.runtime import SIGNATURE


class ActModule(tf.Module):
    """A policy as the device calls it: modules in, raw logits out. What a game has none of is no input.

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
        shapes = {name: (batch, *x.shape[1:]) for name, x in example.items()}
        empty = [name for name, shape in shapes.items() if 0 in shape]
        self.inputs = [name for name in example if name not in empty]
        specs = [tf.TensorSpec(shapes[name], example[name].dtype, name) for name in self.inputs]

        def heads(*given: tf.Tensor) -> list[tf.Tensor]:
            inputs = dict(zip(self.inputs, given, strict=True))
            inputs |= {name: tf.zeros(shapes[name], example[name].dtype) for name in empty}
            mixture = [inputs.pop("mixture")] if "mixture" in inputs else []
            output = network(Observation(**inputs), *mixture)
            return [getattr(output, name) for name in outputs]

        # The converter loses Keras 3's variables unless they are constants before it sees them.
        traced = tf.function(heads, input_signature=specs).get_concrete_function()
        frozen = convert_variables_to_constants_v2(traced)

        def act(*given: tf.Tensor) -> dict[str, tf.Tensor]:
            return dict(zip(outputs, frozen(*given), strict=True))

        self.act = tf.function(act, input_signature=specs)


def convert(
    module: ActModule, precisions: Collection[str], calibration: dict[str, np.ndarray], batch: int = 1
) -> dict[str, bytes]:
    """A policy as the bytes of a TFLite model in each precision.

    float16 stores weights in half precision; int8 computes in integers too, with ranges taken from the calibration
    inputs ``[n, ...]``. Inputs and outputs have the same types in all.

    Raises:
        ValueError: a precision is unknown.
        FileError: the system's temporary folder cannot be written to.
    """
    unknown = [p for p in precisions if p not in ("float32", "float16", "int8")]
    if unknown:
        raise ValueError(f"precision must be one of float32, float16, int8; got {unknown[0]!r}")
    try:
        with tempfile.TemporaryDirectory() as saved_model:
            tf.saved_model.save(module, saved_model, signatures={SIGNATURE: module.act})
            return {p: _converter(saved_model, p, calibration, batch).convert() for p in precisions}
    except (OSError, tf.errors.OpError) as error:
        raise FileError(
            f"{tempfile.gettempdir()}, the folder for temporary files, cannot be written: {error!s:.200}; make room "
            "there or name another in TMPDIR"
        ) from error


def _converter(saved_model: str, precision: str, calibration: dict[str, np.ndarray], batch: int) -> Any:
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=[SIGNATURE])
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif precision == "int8":
        converter.representative_dataset = _representative(calibration, batch)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return converter


def _representative(
    calibration: dict[str, np.ndarray], batch: int
) -> Callable[[], Iterator[tuple[str, dict[str, np.ndarray]]]]:
    def rows() -> Iterator[tuple[str, dict[str, np.ndarray]]]:
        for i in range(0, len(calibration["mask"]) - batch + 1, batch):
            yield SIGNATURE, {name: x[i : i + batch] for name, x in calibration.items()}

    return rows
