"""The pack: a folder with TFLite models and the manifest that says what each of them is.

``manifest.json`` fulfils ``manifest.schema.json`` (beside this module), which is checked when it is written and when it
is read, and names the digest of every other file. ``<character>.golden.npz`` holds real observations and Keras's logits
for them, for whoever writes a runtime of their own. Needs neither TensorFlow nor the game.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fastjsonschema
import numpy as np

from mobile import deltas, files, golden
from mobile.files import PackError, cut

FORMAT = 3
MANIFEST = "manifest.json"
PRECISIONS = {
    "float32": "float32 weights, float32 arithmetic",
    "float16": "float16 weights, float32 arithmetic",
    "int8": "int8 weights per channel, int8 activations, int32 sums; float32 at inputs and outputs",
    "delta": "a base's float32 weights plus int8 steps, float32 arithmetic",
}
"""What each precision stores and computes."""

MODULES = ("basic", "buff", "element", "mask")
INPUTS = (*MODULES, "mixture")
HEADS = ("movement", "skill")

GENERALIST = "generalist"
"""Stands for the character in the entry of the Generalist's model, which takes ``mixture`` as a fifth input."""

_CHARACTER = re.compile("[a-z0-9_]{1,100}")
_FILE = re.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")


@dataclass(frozen=True)
class Entry:
    """One model of a pack; the fields are those of the schema."""

    file: str
    character: str
    precision: str
    sha256: str
    size_bytes: int
    model_sha256: str
    source: str
    quantisation: str
    win_rate: dict[str, Any] | None


class Pack:
    """A folder with models, read through its manifest.

    Args:
        folder: of the pack.
        game_digest: of the game that wants to play by it; not compared where None.

    Raises:
        PackError: there is no manifest, it is damaged, or it is of another game.
    """

    def __init__(self, folder: Path | str, game_digest: str | None = None) -> None:
        self.folder = Path(folder)
        file = self.folder / MANIFEST
        self.manifest = files.read_sealed(file)
        _check(self.manifest, file)
        if game_digest is not None and self.manifest["game_digest"] != game_digest:
            there = f"{self.manifest['game']} {self.manifest['game_digest'][:16]}"
            raise PackError(f"{file}: models are for the game {cut(there)}, this one is {cut(game_digest[:16])}")
        self.models = [Entry(**entry) for entry in self.manifest["models"]]

    def entry(self, character: str, precision: str) -> Entry:
        """A model by its character and precision. Raises PackError with what there is."""
        for model in self.models:
            if (model.character, model.precision) == (character, precision):
                return model
        there = ", ".join(f"{m.character} {m.precision}" for m in self.models)
        raise PackError(
            f"{self.folder} holds no model of {cut(repr(character))} in {cut(repr(precision))}; it holds {cut(there)}"
        )

    def read(self, model: Entry) -> bytes:
        """The model as the bytes of a TFLite file. Raises PackError where they are not those that the manifest was
        written for."""
        file = self._file(model.file)
        content = files.read(file, model.size_bytes, model.sha256)
        if model.precision == "delta":
            try:
                content = deltas.decode(self._base, content, self.manifest["deltas"]["tensors"])
            except deltas.DeltaError as error:
                raise PackError(f"{file}: {error}") from error
        files.compare(file, content, model.model_sha256)
        return content

    def golden(self, character: str) -> dict[str, np.ndarray]:
        """Real observations (by module, ``[n, ...]``) and Keras's logits for them (by head). Raises PackError."""
        about = self.manifest["golden"].get(character)
        if about is None:
            raise PackError(f"{self.folder / MANIFEST} names no golden observations of {cut(repr(character))}")
        file = self._file(about["file"])
        content = files.read(file, about["size_bytes"], about["sha256"])
        said = {**self.manifest["inputs"], **self.manifest["outputs"]}
        tensors = {name: (tuple(tensor["shape"][1:]), tensor["dtype"]) for name, tensor in said.items()}
        if character == GENERALIST:
            tensors["mixture"] = ((len(next(iter(self.manifest["mixtures"].values()))),), "float32")
        try:
            return golden.decode(content, tensors)
        except golden.GoldenError as error:
            raise PackError(f"{file}: {cut(error)}") from error

    def _file(self, name: str) -> Path:
        """A file of the pack, whatever its manifest says."""
        if not _FILE.fullmatch(name):
            raise PackError(f"{self.folder / MANIFEST}: {cut(repr(name))} is no file's name")
        return self.folder / name

    @functools.cached_property
    def _base(self) -> bytes:
        about = self.manifest["deltas"]
        return files.read(self._file(about["base"]), about["size_bytes"], about["sha256"])


@functools.cache
def _validator() -> Any:
    return fastjsonschema.compile(json.loads(Path(__file__).with_name("manifest.schema.json").read_text("utf-8")))


def _check(manifest: dict[str, Any], file: Path) -> None:
    version = manifest.get("format")
    if version is not None and version != FORMAT:
        raise PackError(f"{file} has format {cut(repr(version))}, this version reads {FORMAT}; export it again")
    try:
        _validator()(manifest)
    except fastjsonschema.JsonSchemaValueException as error:
        raise PackError(f"{file} is damaged: {cut(error.message)}") from error
    precisions = {model["precision"] for model in manifest["models"]}
    if "delta" in precisions and "deltas" not in manifest:
        raise PackError(f"{file} is damaged: it has models of precision delta, but no base for them")
    if GENERALIST in manifest["golden"] and not manifest.get("mixtures"):
        raise PackError(f"{file} is damaged: it has the Generalist's golden observations, but no mixtures")


def check_names(characters: list[str]) -> None:
    """Raises PackError where a character's id cannot name files of a pack."""
    for name in characters:
        if not _CHARACTER.fullmatch(name) or name == GENERALIST:
            raise PackError(
                f"the character {cut(repr(name))} cannot name files: an id has 1 to 100 lower-case letters, digits and "
                f"underscores, and is not {GENERALIST!r}"
            )


def golden_file(character: str) -> str:
    """Name of the file with a character's golden observations."""
    return f"{character}.golden.npz"


def manifest_bytes(folder: Path, models: list[Entry], about: dict[str, Any]) -> bytes:
    """The content of a folder's ``manifest.json``. Raises PackError where it is not by the schema."""
    content = files.seal({"format": FORMAT, **about, "models": [asdict(model) for model in models]})
    _check(json.loads(content), folder / MANIFEST)
    return content
