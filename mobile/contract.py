"""What a manifest says of a game's inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from camtf.types import GameSpec
from mobile.pack import MODULES

_RANGES = {"basic": (-1.0, 1.0), "buff": (0.0, 1.0), "mask": (0.0, 1.0)}
_PER_MILLE = 1000.0


def describe_inputs(spec: GameSpec, batch: int) -> dict[str, Any]:
    """By module, where the game has it: shape for so many rows, type and range."""
    ranges = {**_RANGES, "element": (-_PER_MILLE, float(max((_PER_MILLE, *spec.id_counts))))}
    return {
        name: {"shape": [batch, *array.shape[1:]], "dtype": str(array.dtype),
               "low": ranges[name][0], "high": ranges[name][1]}
        for name, array in spec.empty_observation(1)._asdict().items()
        if name in MODULES and array.size
    }  # fmt: skip


def describe_outputs(spec: GameSpec, batch: int, heads: Iterable[str]) -> dict[str, Any]:
    """By head: shape for so many rows, type, and what each number means."""
    meanings = {
        "movement": list(spec.movement_names or map(str, range(spec.movements))),
        "skill": list(spec.skill_names or map(str, range(spec.skills))),
        "value": ["value"],
    }
    return {
        head: {"shape": [batch] if head == "value" else [batch, len(meanings[head])], "dtype": "float32",
               "meaning": meanings[head]}
        for head in heads
    }  # fmt: skip
