"""Reads what was measured of a run and its pack, and refuses to join what is of different weights."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import fastjsonschema

from camtf.evaluation import record
from camtf.evaluation.coding import RecordError
from camtf.files import read_json
from mobile.files import PackError, cut

MADE_BY = {
    "pack": "python -m mobile.export",
    "verification": "python -m mobile.verify",
    "benchmark": "python -m mobile.benchmark",
}
"""The command that writes each kind of file."""


def read_result(file: Path, kind: str) -> dict[str, Any]:
    """A result of a kind of `MADE_BY`, which fulfils its part of ``results.schema.json``. Raises PackError."""
    if not file.exists():
        raise PackError(f"{file} does not exist; {MADE_BY[kind]} writes it")
    result = read_json(file, PackError)
    try:
        _validator(kind)(result)
    except fastjsonschema.JsonSchemaValueException as error:
        raise PackError(f"{file} is damaged or of another version: {cut(error.message)}; {_again(kind)}") from error
    return result


def read_evaluation(file: Path, weights: Mapping[str, str]) -> record.EvaluationRecord:
    """The evaluation of these weights, by snapshot, with the Specialists in it. Raises PackError."""
    try:
        found = record.read(file, weights)
    except RecordError as error:
        raise PackError(str(error)) from error
    if "specialist" not in [kind.name for kind in found.kinds]:
        raise PackError(f"{file} has no Specialists; python -m camtf.evaluate makes it anew once they are trained")
    return found


def check_weights(file: Path, kind: str, found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Raises PackError where a result is of other weights than those wanted, by snapshot."""
    for name, digest in wanted.items():
        if found.get(name) != digest:
            there = f"{cut(found[name])} there" if name in found else "none there"
            raise PackError(f"{file} is of other weights of {name} ({there}, {digest} here); {_again(kind)}")


def check_models(file: Path, kind: str, found: Iterable[tuple[str, str, str]], wanted: Iterable[Any]) -> None:
    """Raises PackError where a result lacks a model of a pack, or is of other ones.

    Args:
        found: character, precision, digest of each model that was measured.
        wanted: `mobile.pack.Entry` of the models that are there.
    """
    there = {(character, precision): digest for character, precision, digest in found}
    for model in wanted:
        digest = there.get((model.character, model.precision), "")
        if digest != model.model_sha256:
            said = f"{digest[:16]} there" if digest else "none there"
            raise PackError(
                f"{file} is of another {model.file} ({said}, {model.model_sha256[:16]} here); {_again(kind)}"
            )


def _again(kind: str) -> str:
    return f"{MADE_BY[kind]} makes it anew"


@functools.cache
def _validator(kind: str) -> Any:
    schemas = json.loads(Path(__file__).with_name("results.schema.json").read_text("utf-8"))
    return fastjsonschema.compile({**schemas, "$ref": f"#/definitions/{kind}"})
