"""What runs on the device: a TFLite model, the mask, a choice. Needs NumPy and one of the two TFLite runtimes.

This is also the reference for an app in another language; `mobile/README.md` states the contract. Like `mobile.pack`
and `mobile.deltas` it runs on Python 3.9 to 3.13 and needs nothing of camtf.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from typing import Any

import numpy as np

from mobile.files import PackError
from mobile.pack import HEADS, MODULES, Entry, Pack

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
    interpreter = _interpreter_class(chosen)(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter


@functools.cache
def _interpreter_class(runtime: str) -> Any:
    """The runtime's ``Interpreter``, bound to its own library.

    Horovod opens TensorFlow for the whole process to see. A runtime that is loaded after it would take TensorFlow's
    functions where they have the names of its own, of another version, and on some processors compute int8 wrongly.
    """
    if not hasattr(os, "RTLD_DEEPBIND"):  # not Linux
        return importlib.import_module(RUNTIMES[runtime]).Interpreter
    before = sys.getdlopenflags()
    sys.setdlopenflags(before | os.RTLD_DEEPBIND)
    try:
        return importlib.import_module(RUNTIMES[runtime]).Interpreter
    finally:
        sys.setdlopenflags(before)


class Policy:
    """One model, ready to play.

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
        # A game need not have all modules, but something can always be done in it.
        for found, needed, allowed in ((inputs, ["mask"], [*MODULES, "mixture"]), (outputs, HEADS, [*HEADS, "value"])):
            if not set(needed) <= set(found) <= set(allowed):
                raise PackError(f"the model has the tensors {sorted(found)}, needed are {sorted(needed)}")
        self.inputs = {name: tuple(int(n) for n in inputs[name]["shape"]) for name in _ordered(inputs, MODULES)}
        self.outputs = {name: tuple(int(n) for n in outputs[name]["shape"]) for name in _ordered(outputs, HEADS)}
        self._inputs = [(inputs[name]["index"], shape, name) for name, shape in self.inputs.items()]
        self._outputs = [outputs[name]["index"] for name in self.outputs]
        self._first_head = self.outputs[HEADS[0]][-1]
        self._mask = list(self.inputs).index("mask")

    def logits(self, *modules: np.ndarray) -> tuple[np.ndarray, ...]:
        """Raw logits ``movement [n, M]`` and ``skill [n, K]``, and ``value [n]`` where the model has it, of the
        modules ``[n, ...]``, as ``inputs`` lists them (all four where the game has them), and the mixture ``[n, S]``
        where the model takes it. n is the model's batch, 1 by default.

        Raises:
            ValueError: a module has another shape than the model takes.
        """
        if len(modules) != len(self._inputs):
            raise ValueError(f"the model takes {', '.join(self.inputs)}; got {len(modules)} arrays")
        for (index, shape, name), module in zip(self._inputs, modules):
            if module.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {module.shape}")
            self._interpreter.set_tensor(index, module)
        self._interpreter.invoke()
        return tuple(self._interpreter.get_tensor(index) for index in self._outputs)

    def best(self, *modules: np.ndarray) -> np.ndarray:
        """The most probable legal action of each head, int32 ``[n, 2]``."""
        return self._choose(modules, None)

    def sample(self, uniforms: np.ndarray, *modules: np.ndarray) -> np.ndarray:
        """Actions drawn by the policy's probabilities, int32 ``[n, 2]``, from uniform numbers ``[n, M + K]`` in (0, 1):
        the Gumbel-max rule."""
        return self._choose(modules, gumbel(uniforms))

    def invoke(self) -> None:
        """The inference alone, on the modules that were given last."""
        self._interpreter.invoke()

    def _choose(self, modules: tuple[np.ndarray, ...], noise: np.ndarray | None) -> np.ndarray:
        return choose(np.concatenate(self.logits(*modules)[:2], axis=-1), modules[self._mask], self._first_head, noise)


def gumbel(uniforms: np.ndarray) -> np.ndarray:
    """Noise that makes the largest logit a draw from the softmax, from uniform numbers in (0, 1)."""
    return -np.log(-np.log(uniforms))


def choose(logits: np.ndarray, mask: np.ndarray, first_head: int, noise: np.ndarray | None = None) -> np.ndarray:
    """The largest legal logit of each head after adding noise, int32 ``[n, 2]``.

    Args:
        logits: of both heads ``[n, M + K]``, movement in the first ``first_head`` columns.
        mask: the Action-Mask module ``[n, ...]``.
    """
    if noise is not None:
        logits = logits + noise
    legal = np.where(mask[:, : logits.shape[1]] > 0, logits, -np.inf)
    chosen = [legal[:, :first_head].argmax(axis=1), legal[:, first_head:].argmax(axis=1)]
    return np.stack(chosen, axis=1).astype(np.int32)


def open_policy(pack: Pack, model: Entry, runtime: str = "", threads: int = 1) -> Policy:
    """A model of a pack. Raises PackError where it is damaged, or its tensors are not those that the manifest names."""
    file = pack.folder / model.file
    try:
        policy = Policy(pack.read(model), runtime, threads)
    except (ValueError, RuntimeError) as error:
        raise error if isinstance(error, PackError) else PackError(f"{file} is no TFLite model: {error}") from error
    for kind, found in (("inputs", policy.inputs), ("outputs", policy.outputs)):
        shapes = {name: tuple(tensor["shape"]) for name, tensor in pack.manifest[kind].items()}
        for name in sorted(found.keys() | shapes.keys() - {"mixture"}):
            if name != "mixture" and shapes.get(name) != found.get(name):
                raise PackError(f"{file}: {name} has shape {found.get(name)}, its manifest says {shapes.get(name)}")
    return policy


def _ordered(found: dict[str, Any], first: tuple[str, ...]) -> list[str]:
    return [*(name for name in first if name in found), *(name for name in found if name not in first)]
