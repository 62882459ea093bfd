"""Which network a configuration means: the four modules, or a builder of a user's own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from camtf.config import ConfigError, NetworkConfig
from camtf.model.policy import BuildNetwork, Policy, build_network
from camtf.naming import named
from camtf.settings import quoted
from camtf.types import GameSpec, Observation

_ROWS = 2


def load_network(config: NetworkConfig, spec: GameSpec) -> BuildNetwork:
    """The builder of ``config.name``: `camtf.model.policy.build_network`, or what ``module:attribute`` names, a
    function of sizes, game and seed that gives a Keras model. One of a user's own is tried at once.

    Raises:
        ConfigError: there is no such thing, or what it gives is no network for this game. Names what is missing.
    """
    if not config.name:
        return build_network
    build = named("network.name", config.name, "empty")
    where = f"network.name {quoted(config.name)}"
    try:
        inspect.signature(build).bind(config, spec, 0)
    except TypeError as error:
        raise ConfigError(f"{where} must take three arguments, NetworkConfig, GameSpec and seed: {error}") from error
    first, second = build(config, spec, 0), build(config, spec, 1)
    _check_inputs(where, first, config, spec)
    _check_outputs(where, first, config, spec)
    _check_weights(where, first, second)
    return build


def describe(build: BuildNetwork, config: NetworkConfig, spec: GameSpec) -> dict[str, Any] | None:
    """What tells a network of a user's own from others, for a run to keep: the shapes of its weights by path, and what
    it answers with certain weights to certain observations. None for the default network, which the version tells."""
    if build is build_network:
        return None
    policy = Policy(config, spec, build=build)
    shapes = {path: list(w.shape) for path, w in policy.get_weights().items()}
    policy.set_weights({path: _waves(*shape) for path, shape in shapes.items()})
    observation, mixture = _observation(spec), tf.constant(_waves(_ROWS, config.mixture_slots))
    heads = [np.ravel(head) for head in policy(observation, mixture)]
    return {"weights": dict(sorted(shapes.items())), "answers": [round(float(x), 6) for x in np.concatenate(heads)]}


def _observation(spec: GameSpec) -> Observation:
    """Rows with numbers that differ, ids among those that there are, and everything legal."""
    empty = spec.empty_observation(_ROWS)
    basic, buff = (_waves(*x.shape) for x in (empty.basic, empty.buff))
    return Observation(*map(tf.constant, (basic, buff, empty.element, np.ones_like(empty.mask))))


def _waves(*shape: int) -> np.ndarray:
    """Float32 numbers in [-0.5, 0.5] without a pattern that a network could miss."""
    return (0.5 * np.sin(1.0 + 0.7 * np.arange(np.prod(shape, dtype=np.int64)))).astype(np.float32).reshape(shape)


def _check_inputs(where: str, model: Any, config: NetworkConfig, spec: GameSpec) -> None:
    if not isinstance(model, keras.Model):
        raise ConfigError(f"{where} must give a keras.Model, got {type(model).__name__}")
    needed = {name: x.shape[1:] for name, x in spec.empty_observation(1)._asdict().items()}
    needed["mixture"] = (config.mixture_slots,)
    listed = ", ".join(f"{name} {shape}" for name, shape in needed.items())
    if not getattr(model, "inputs", None):
        raise ConfigError(f"{where} must give a functional keras.Model(inputs, outputs) with the inputs {listed}")
    if not isinstance(model.input, Mapping):
        raise ConfigError(f"{where}: the model's inputs must be a dictionary by name: {listed}")
    for name in sorted(needed.keys() ^ model.input.keys()):
        fault = f"lacks the input {name!r}" if name in needed else f"has an input {name!r} that nothing gives"
        raise ConfigError(f"{where}: the model {fault}; it must have {listed}")
    for name, shape in needed.items():
        if tuple(model.input[name].shape[1:]) != shape:
            raise ConfigError(
                f"{where}: the model's input {name!r} has shape {tuple(model.input[name].shape[1:])} a row, this game "
                f"gives {shape}"
            )


def _check_outputs(where: str, model: Any, config: NetworkConfig, spec: GameSpec) -> None:
    needed = {"movement": spec.movements, "skill": spec.skills, "value": 1}
    observation = _observation(spec)._asdict()
    outputs = model({**observation, "mixture": tf.zeros((_ROWS, config.mixture_slots))})
    if not isinstance(outputs, Mapping):
        raise ConfigError(f"{where}: the model's outputs must be a dictionary by name: {', '.join(needed)}")
    for name, width in needed.items():
        if name not in outputs:
            raise ConfigError(
                f"{where}: the model lacks the output {name!r}; it gives {', '.join(map(str, outputs)) or 'nothing'}"
            )
        found = outputs[name]
        if tuple(found.shape) != (_ROWS, width) or found.dtype != tf.float32:
            raise ConfigError(
                f"{where}: the model's output {name!r} must be float32 of shape ({width},) a row, got "
                f"{found.dtype.name} of {tuple(found.shape[1:])}"
            )


def _check_weights(where: str, first: Any, second: Any) -> None:
    """Weights are told apart by their paths, in files too; snapshots are served by stacking weights alone."""
    state = [v.path for v in first.variables if not any(v is own for own in first.trainable_variables)]
    if state:
        raise ConfigError(
            f"{where}: the model has state beside its trained weights, {state[0]!r}: leave out what keeps "
            "statistics or draws at random (batch normalisation, dropout)"
        )
    paths, others = ([v.path for v in model.variables] for model in (first, second))
    twice = [path for path in paths if paths.count(path) > 1]
    if twice:
        raise ConfigError(f"{where}: two weights have the path {twice[0]!r}; give every layer a name of its own")
    changed = [(a, b) for a, b in zip(paths, others, strict=False) if a != b]
    if changed or len(paths) != len(others):
        a, b = changed[0] if changed else (len(paths), len(others))
        raise ConfigError(
            f"{where}: two models that it gives differ in their weights, {a!r} and {b!r}; give every layer with "
            "weights a name"
        )
    kinds = [v.path for v in first.variables if v.dtype != "float32"]
    if kinds:
        raise ConfigError(f"{where}: the weight {kinds[0]!r} must be float32")
