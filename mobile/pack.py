"""The pack: a folder with TFLite models and the manifest that says what each of them is.

``manifest.json`` fulfils ``manifest.schema.json`` (beside this module), which is checked when it is written and when it
is read. ``<character>.golden.npz`` holds real observations and Keras's logits for them, for whoever writes a runtime of
their own. Needs neither TensorFlow nor the game.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fastjsonschema
import numpy as np

from mobile import deltas

FORMAT = 2
PRECISIONS = {
    "float32": "float32 weights, float32 arithmetic",
    "float16": "float16 weights, float32 arithmetic",
    "int8": "int8 weights per channel, int8 activations, int32 sums; float32 at inputs and outputs",
    "delta": "a base's float32 weights plus int8 steps, float32 arithmetic",
}
"""What each precision stores and computes."""

MODULES = ("basic", "buff", "element", "mask")
HEADS = ("movement", "skill")

GENERALIST = "generalist"
"""Stands for the character in the entry of the Generalist's model, which takes ``mixture`` as a fifth input."""


class PackError(ValueError):
    """A pack is not what its manifest says, or not for this game. Names the file."""


@dataclass(frozen=True)
class Entry:
    """One model of a pack; the fields are those of the schema."""

    file: str
    character: str
    precision: str
    sha256: str
    size_bytes: int
    source: str
    quantisation: str
    win_rate: dict[str, Any] | None


class Pack:
    """A folder with models, read through its manifest.

    Args:
        folder: of the pack.
        rules_version, roster_digest: of the game that wants to play by it; what is None is not compared.

    Raises:
        PackError: there is no manifest, it is damaged, or it is of other rules or characters.
    """

    def __init__(self, folder: Path | str, rules_version: int | None = None, roster_digest: str | None = None) -> None:
        self.folder = Path(folder)
        file = self.folder / "manifest.json"
        try:
            self.manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise PackError(f"{file} does not exist; python -m mobile.export makes a pack") from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise PackError(f"{file} is damaged: {error!r}") from error
        _check(self.manifest, file)
        wanted = {"rules_version": rules_version, "roster_digest": roster_digest}
        for name, value in wanted.items():
            if value is not None and self.manifest[name] != value:
                raise PackError(f"{file}: models are for {name} {self.manifest[name]!r}, this game has {value!r}")
        self.models = [Entry(**entry) for entry in self.manifest["models"]]

    def entry(self, character: str, precision: str) -> Entry:
        """A model by its character and precision. Raises PackError with what there is."""
        for model in self.models:
            if (model.character, model.precision) == (character, precision):
                return model
        there = ", ".join(f"{m.character} {m.precision}" for m in self.models)
        raise PackError(f"{self.folder} holds no model of {character!r} in {precision!r}; it holds {there}")

    def read(self, model: Entry) -> bytes:
        """The model as the bytes of a TFLite file. Raises PackError where they are not those that the manifest was
        written for."""
        file = self.folder / model.file
        content = _read(file)
        if model.precision == "delta":
            try:
                content = deltas.decode(self._base, content, self.manifest["deltas"]["tensors"])
            except deltas.DeltaError as error:
                raise PackError(f"{file}: {error}") from error
        _compare(file, content, model.sha256)
        return content

    def golden(self, character: str) -> dict[str, np.ndarray]:
        """Real observations (by module, ``[n, ...]``) and Keras's logits for them (by head), without a file's trust
        in pickle. Raises PackError."""
        file = self.folder / golden_file(character)
        try:
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (OSError, ValueError, KeyError) as error:
            raise PackError(f"{file} is missing or damaged: {error}") from error

    @functools.cached_property
    def _base(self) -> bytes:
        about = self.manifest.get("deltas")
        if about is None:
            raise PackError(f"{self.folder / 'manifest.json'} has models of precision delta, but no base for them")
        file = self.folder / about["base"]
        content = _read(file)
        _compare(file, content, about["sha256"])
        return content


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise PackError(f"{file} is in the manifest, but does not exist") from error


def _compare(file: Path, content: bytes, sha256: str) -> None:
    found = digest(content)
    if found != sha256:
        raise PackError(f"{file} has the digest {found[:16]}, its manifest says {sha256[:16]}")


@functools.cache
def _validator() -> Any:
    return fastjsonschema.compile(json.loads(Path(__file__).with_name("manifest.schema.json").read_text("utf-8")))


def _check(manifest: Any, file: Path) -> None:
    version = manifest.get("format") if isinstance(manifest, dict) else None
    if version is not None and version != FORMAT:
        raise PackError(f"{file} has format {version!r}, this version reads {FORMAT}")
    try:
        _validator()(manifest)
    except fastjsonschema.JsonSchemaValueException as error:
        raise PackError(f"{file} is damaged: {error.message}") from error


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def golden_file(character: str) -> str:
    """Name of the file with a character's golden observations."""
    return f"{character}.golden.npz"


def write_manifest(folder: Path, models: list[Entry], about: dict[str, Any]) -> None:
    """Write ``manifest.json``, under a temporary name at first. Raises PackError where it is not by the schema."""
    manifest = {"format": FORMAT, **about, "models": [asdict(model) for model in models]}
    _check(manifest, folder / "manifest.json")
    temporary = folder / "manifest.tmp"
    temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    temporary.replace(folder / "manifest.json")
