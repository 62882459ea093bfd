"""What runs on the device: a TFLite model, the mask, a choice. Needs NumPy and one of the two TFLite runtimes.

This is also the reference for an app in another language; `mobile/README.md` states the contract.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np

from mobile.pack import HEADS, MODULES, PackError

RUNTIMES = {"tflite_runtime": "tflite_runtime.interpreter", "litert": "ai_edge_litert.interpreter"}
"""Modules that bring TensorFlow Lite's ``Interpreter``, by the name that the command line gives them."""

SIGNATURE = "act"


def installed_runtimes() -> list[str]:
    """Names of the runtimes that are there."""
    return [name for name, module in RUNTIMES.items() if importlib.util.find_spec(module.split(".")[0])]


def load_interpreter(content: bytes, runtime: str = "", threads: int = 1) -> Any:
    """An ``Interpreter`` of the named runtime, or of the first that is there. Raises ImportError naming both."""
    there = installed_runtimes()
    chosen = runtime or next(iter(there), "")
    if chosen not in there:
        raise ImportError(
            f"runtime {chosen or 'for TFLite'!r} is not installed; camtf uses tflite_runtime (pip install "
            "tflite-runtime) or litert (pip install ai-edge-litert)"
        )
    interpreter = importlib.import_module(RUNTIMES[chosen]).Interpreter(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter


class Policy:
    """One Specialist, ready to play.

    Args:
        content: bytes of the TFLite file (`mobile.pack.Pack.read`).
        runtime: a name of `RUNTIMES`; the first that is installed where empty.
        threads: of the interpreter. One is best: the model is small.

    Raises:
        PackError: the model has other inputs or outputs than the contract says.
    """

    def __init__(self, content: bytes, runtime: str = "", threads: int = 1) -> None:
        self._interpreter = load_interpreter(content, runtime, threads)
        if SIGNATURE not in self._interpreter.get_signature_list():
            raise PackError(f"the model has no signature {SIGNATURE!r}")
        runner = self._interpreter.get_signature_runner(SIGNATURE)
        inputs, outputs = runner.get_input_details(), runner.get_output_details()
        for found, needed in ((inputs, MODULES), (outputs, HEADS)):
            if found.keys() != set(needed):
                raise PackError(f"the model has the tensors {sorted(found)}, needed are {sorted(needed)}")
        self._inputs = [(inputs[name]["index"], tuple(inputs[name]["shape"]), name) for name in MODULES]
        self._outputs = [outputs[name]["index"] for name in HEADS]
        self._head_sizes = [int(outputs[name]["shape"][-1]) for name in HEADS]

    def logits(self, *modules: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Raw logits ``movement [n, M]`` and ``skill [n, K]`` of the four modules ``[n, ...]`` (n = 1 by default).

        Raises:
            ValueError: a module has another shape than the model takes.
        """
        for (index, shape, name), module in zip(self._inputs, modules, strict=True):
            if module.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {module.shape}")
            self._interpreter.set_tensor(index, module)
        self._interpreter.invoke()
        movement, skill = (self._interpreter.get_tensor(index) for index in self._outputs)
        return movement, skill

    def best(self, *modules: np.ndarray) -> np.ndarray:
        """The most probable legal action of each head, int32 ``[n, 2]``."""
        return self._choose(modules, None)

    def sample(self, uniforms: np.ndarray, *modules: np.ndarray) -> np.ndarray:
        """Actions drawn by the policy's probabilities, int32 ``[n, 2]``, from uniform numbers ``[n, M + K]`` in (0, 1):
        the Gumbel-max rule."""
        return self._choose(modules, -np.log(-np.log(uniforms)))

    def invoke(self) -> None:
        """The inference alone, on the modules that were given last."""
        self._interpreter.invoke()

    def _choose(self, modules: tuple[np.ndarray, ...], noise: np.ndarray | None) -> np.ndarray:
        logits = np.concatenate(self.logits(*modules), axis=-1)
        if noise is not None:
            logits = logits + noise
        first = self._head_sizes[0]
        legal = np.where(modules[-1][:, : logits.shape[1]] > 0, logits, -np.inf)
        chosen = [legal[:, :first].argmax(axis=1), legal[:, first:].argmax(axis=1)]
        return np.stack(chosen, axis=1).astype(np.int32)
