"""The pack: a folder with TFLite models and the manifest that says what each of them is.

``manifest.json`` holds ``format``, the run that the models came from (``run``), the tensors that every model takes and
returns (``inputs``, ``outputs``), and one entry per model (``models``: file, character, precision, sha256, size_bytes).
``<character>.golden.npz`` holds real observations and Keras's logits for them, for whoever writes a runtime of their
own. Needs neither TensorFlow nor the game.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 1
PRECISIONS = ("float32", "float16", "int8")
MODULES = ("basic", "buff", "element", "mask")
HEADS = ("movement", "skill")


class PackError(ValueError):
    """A pack is not what its manifest says. Names the file."""


@dataclass(frozen=True)
class Entry:
    """One model of a pack."""

    file: str
    character: str
    precision: str
    sha256: str
    size_bytes: int


class Pack:
    """A folder with models, read through its manifest. Raises PackError where there is none or it is damaged."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        file = self.folder / "manifest.json"
        try:
            self.manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            if self.manifest["format"] != FORMAT:
                raise PackError(f"{file} has format {self.manifest['format']!r}, this version reads {FORMAT}")
            self.models = [Entry(**entry) for entry in self.manifest["models"]]
        except FileNotFoundError as error:
            raise PackError(f"{file} does not exist; python -m mobile.export makes a pack") from error
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise PackError(f"{file} is damaged: {error!r}") from error

    def entry(self, character: str, precision: str) -> Entry:
        """A model by its character and precision. Raises PackError with what there is."""
        for model in self.models:
            if (model.character, model.precision) == (character, precision):
                return model
        there = ", ".join(f"{m.character} {m.precision}" for m in self.models)
        raise PackError(f"{self.folder} holds no model of {character!r} in {precision!r}; it holds {there}")

    def read(self, model: Entry) -> bytes:
        """The model's bytes. Raises PackError where they are not those that the manifest was written for."""
        file = self.folder / model.file
        try:
            content = file.read_bytes()
        except FileNotFoundError as error:
            raise PackError(f"{file} is in the manifest, but does not exist") from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != model.sha256:
            raise PackError(f"{file} has the digest {digest[:16]}, its manifest says {model.sha256[:16]}")
        return content

    def golden(self, character: str) -> dict[str, np.ndarray]:
        """Real observations (by module, ``[n, ...]``) and Keras's logits for them (by head), without a file's trust
        in pickle. Raises PackError."""
        file = self.folder / golden_file(character)
        try:
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in (*MODULES, *HEADS)}
        except (OSError, ValueError, KeyError) as error:
            raise PackError(f"{file} is missing or damaged: {error}") from error


def golden_file(character: str) -> str:
    """Name of the file with a character's golden observations."""
    return f"{character}.golden.npz"


def describe(file: Path, character: str, precision: str) -> Entry:
    """The manifest's entry for a model that has been written."""
    content = file.read_bytes()
    return Entry(file.name, character, precision, hashlib.sha256(content).hexdigest(), len(content))


def write_manifest(folder: Path, models: list[Entry], about: dict[str, Any]) -> None:
    """Write ``manifest.json`` under a temporary name, then rename it."""
    manifest = {"format": FORMAT, **about, "models": [asdict(model) for model in models]}
    temporary = folder / "manifest.tmp"
    temporary.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    temporary.replace(folder / "manifest.json")
