"""Networks for a small game: one that is right, and ways to be wrong."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from camtf.config import NetworkConfig
from camtf.types import GameSpec


def _inputs(config: NetworkConfig, spec: GameSpec) -> dict[str, Any]:
    shapes = {name: x.shape[1:] for name, x in spec.empty_observation(1)._asdict().items()}
    return {
        name: keras.Input(shape, name=name) for name, shape in (shapes | {"mixture": (config.mixture_slots,)}).items()
    }


def _joined(inputs: dict[str, Any]) -> Any:
    return layers.Concatenate()([layers.Flatten()(x) for x in inputs.values()])


def _heads(spec: GameSpec, hidden: Any, **widths: int) -> dict[str, Any]:
    given = {"movement": spec.movements, "skill": spec.skills, "value": 1} | widths
    return {name: layers.Dense(n, name=name)(hidden) for name, n in given.items() if n}


def plain(config: NetworkConfig, spec: GameSpec, seed: int, activation: str = "tanh", width: int = 8) -> keras.Model:
    keras.utils.set_random_seed(seed)
    inputs = _inputs(config, spec)
    hidden = layers.Dense(width, activation=activation, name="hidden")(_joined(inputs))
    return keras.Model(inputs, _heads(spec, hidden))


def of_another_function(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    return plain(config, spec, seed, activation="relu")


def wider(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    return plain(config, spec, seed, width=9)


def partly_blind(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    """Sees of Basic and the mixture alone more than zeros. (Keras takes no model that leaves an input out.)"""
    keras.utils.set_random_seed(seed)
    inputs = _inputs(config, spec)
    seen = {name: layers.Flatten()(x) * float(name in ("basic", "mixture")) for name, x in inputs.items()}
    return keras.Model(inputs, _heads(spec, layers.Dense(8, activation="relu", name="hidden")(_joined(seen))))


def without_mixture(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    inputs = _inputs(config, spec)
    del inputs["mixture"]
    return keras.Model(inputs, _heads(spec, _joined(inputs)))


def with_memory(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    inputs = _inputs(config, spec) | {"memory": keras.Input((4,), name="memory")}
    return keras.Model(inputs, _heads(spec, _joined(inputs)))


def for_more_slots(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    inputs = _inputs(config, spec) | {"mixture": keras.Input((99,), name="mixture")}
    return keras.Model(inputs, _heads(spec, _joined(inputs)))


def with_a_list(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    inputs = _inputs(config, spec)
    return keras.Model(list(inputs.values()), _heads(spec, _joined(inputs)))


def without_value(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    inputs = _inputs(config, spec)
    return keras.Model(inputs, _heads(spec, _joined(inputs), value=0))


def with_wide_skills(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    inputs = _inputs(config, spec)
    return keras.Model(inputs, _heads(spec, _joined(inputs), skill=spec.skills + 3))


def one_head(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    inputs = _inputs(config, spec)
    return keras.Model(inputs, layers.Dense(3, name="only")(_joined(inputs)))


def with_statistics(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    inputs = _inputs(config, spec)
    return keras.Model(inputs, _heads(spec, layers.BatchNormalization(name="statistics")(_joined(inputs))))


def nameless(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    inputs = _inputs(config, spec)
    return keras.Model(inputs, _heads(spec, layers.Dense(8)(_joined(inputs))))


class Subclassed(keras.Model):
    def call(self, inputs: Any) -> Any:
        return inputs


def subclassed(config: NetworkConfig, spec: GameSpec, seed: int) -> keras.Model:
    return Subclassed()


def no_model(config: NetworkConfig, spec: GameSpec, seed: int) -> str:
    return "a network"


def of_two(config: NetworkConfig, spec: GameSpec) -> None:
    return None
