"""Turn every Specialist of a run into TFLite models: ``python -m mobile.export --run_dir=runs/x --out_dir=build/x``.

Writes one file per Specialist and precision, ``manifest.json`` and golden observations (see `mobile.pack`). What is
there already, made from the same weights by the same settings, is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags, logging

from camtf import distributed
from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.evaluation.report import table
from camtf.games.duel.observation import duel_spec
from camtf.games.duel.roster import RosterError
from camtf.games.duel.state import MOVEMENTS, RULES_VERSION, SKILLS
from camtf.provenance import provenance
from mobile import deltas
from mobile.convert import ActModule, convert
from mobile.fold import Network, fold
from mobile.pack import (
    GENERALIST,
    HEADS,
    MODULES,
    PRECISIONS,
    Entry,
    Pack,
    PackError,
    digest,
    golden_file,
    write_manifest,
)  # fmt: skip
from mobile.positions import Specialists
from mobile.runtime import SIGNATURE
from mobile.weights import common_base, weight_tensors

FLAGS = flags.FLAGS

_GOLDEN = 64
_BASE = "base.tflite"
_MAKER = 1
"""Raise it when the same weights and settings come to make other files."""

_RANGES = {
    "basic": (-1.0, 1.0),
    "buff": (0.0, 1.0),
    "element": (-1000.0, 1000.0),
    "mask": (0.0, 1.0),
    "mixture": (0.0, 1.0),
}


@dataclass(frozen=True)
class Options:
    """How to export.

    Attributes:
        precisions: of `mobile.pack.PRECISIONS`.
        batch: rows that a model takes at once.
        value: also return the critic's value.
        generalist: also export the last Generalist, which takes the opponent mixture as one more input.
        calibration: observations of own battles that the ranges of int8 are taken from, per model.
        coarseness: of the steps of a delta, see `mobile.deltas.quantise`.
        seed: of the battles that calibration and golden observations come from.
    """

    precisions: tuple[str, ...] = tuple(PRECISIONS)
    batch: int = 1
    value: bool = False
    generalist: bool = False
    calibration: int = 200
    coarseness: float = 0.5
    seed: int = 30_000


class Exporter:
    """Writes the pack of a run.

    Raises:
        CheckpointError: the run is not finished or damaged.
    """

    def __init__(self, run: RunDirectory, folder: Path, options: Options) -> None:
        self.specialists = Specialists(run)
        self.folder = folder
        self.options = options
        self.outputs = [*HEADS, *(["value"] if options.value else [])]
        self._about: dict[str, Any] = {}
        self._before: dict[str, Entry] = {}
        with contextlib.suppress(PackError):  # what is no pack yet, or not any more, is made anew
            self._before = {entry.file: entry for entry in Pack(folder).models}
        self.kept = 0

    def export(self) -> list[Entry]:
        """Write the models, the golden observations and the manifest. Returns the manifest's entries."""
        self.folder.mkdir(parents=True, exist_ok=True)
        names = [*self.specialists.ids, *([GENERALIST] if self.options.generalist else [])]
        entries: list[Entry] = []
        floats: dict[str, bytes] = {}
        for done, name in enumerate(names):
            entries += self._export_one(name, floats)
            logging.info("%d of %d: %s", done + 1, len(names), name)
        if "delta" in self.options.precisions:
            entries += self._export_deltas(floats)
        write_manifest(self.folder, entries, self._describe())
        return entries

    def _export_one(self, name: str, floats: dict[str, bytes]) -> list[Entry]:
        """The TFLite files of one policy; its float32 model goes into ``floats``, where deltas need it."""
        wanted = [p for p in self.options.precisions if p != "delta"]
        make_float = "delta" in self.options.precisions and name != GENERALIST
        sources = {p: self._source(name, p) for p in {*wanted, *(["float32"] if make_float else [])}}
        kept = {p: entry for p in wanted if (entry := self._kept(f"{name}.{p}.tflite", sources[p]))}
        self.kept += len(kept)
        todo = [p for p in wanted if p not in kept]
        golden = self.folder / golden_file(name)
        if make_float and "float32" in kept:
            floats[name] = (self.folder / kept["float32"].file).read_bytes()
        if todo or not golden.exists() or (make_float and name not in floats):
            keras.utils.clear_session()  # so that layers get the same names in every model
            example = self._example(name)
            first = {key: x[:_GOLDEN] for key, x in example.items()}
            rest = {key: x[_GOLDEN:] for key, x in example.items()}
            network = self._network(name)
            module = ActModule(network, example, self.outputs, 1)
            rows = [module.act(*(x[i : i + 1] for x in first.values())) for i in range(_GOLDEN)]
            heads = {head: np.concatenate([row[head].numpy() for row in rows]) for head in self.outputs}
            np.savez_compressed(golden, **first, **heads)
            with tempfile.TemporaryDirectory() as saved_model:
                shipped = ActModule(network, example, self.outputs, self.options.batch)
                tf.saved_model.save(shipped, saved_model, signatures={SIGNATURE: shipped.act})
                for precision in todo:
                    content = convert(saved_model, precision, rest, self.options.batch)
                    (self.folder / f"{name}.{precision}.tflite").write_bytes(content)
                    kept[precision] = self._entry(
                        f"{name}.{precision}.tflite", name, precision, content, len(content), sources[precision]
                    )
                if make_float:
                    file = self.folder / f"{name}.float32.tflite"
                    floats[name] = file.read_bytes() if "float32" in kept else convert(saved_model, "float32", {})
        return [kept[p] for p in wanted]

    def _export_deltas(self, floats: dict[str, bytes]) -> list[Entry]:
        tensors = weight_tensors(next(iter(floats.values())))
        base = common_base(list(floats.values()), tensors)
        (self.folder / _BASE).write_bytes(base)
        self._about["deltas"] = {
            "base": _BASE, "sha256": digest(base), "size_bytes": len(base), "tensors": [list(t) for t in tensors],
        }  # fmt: skip
        entries = []
        for name, model in floats.items():
            file = self.folder / f"{name}.delta"
            content = deltas.encode(base, model, tensors, self.options.coarseness)
            file.write_bytes(content)
            made = deltas.decode(base, content, tensors)
            entries.append(self._entry(file.name, name, "delta", made, len(content), self._source(name, "delta")))
        return entries

    def _entry(self, file: str, name: str, precision: str, content: bytes, size: int, source: str) -> Entry:
        return Entry(file, name, precision, digest(content), size, source, PRECISIONS[precision], self._win_rate(name))

    def _kept(self, file: str, source: str) -> Entry | None:
        """The entry of a file that need not be made again."""
        entry = self._before.get(file)
        if entry is None or entry.source != source or not (self.folder / file).exists():
            return None
        if digest((self.folder / file).read_bytes()) != entry.sha256:
            return None
        return replace(entry, win_rate=self._win_rate(entry.character))

    def _network(self, name: str) -> Network | Any:
        if name == GENERALIST:
            return self.specialists.generalist_policy()
        return fold(self.specialists.policy(name), self.specialists.mixture(name), self.specialists.own_element(name))

    def _example(self, name: str) -> dict[str, np.ndarray]:
        """Inputs of real battles, golden ones first."""
        count = self.options.calibration + _GOLDEN
        if name != GENERALIST:
            return self.specialists.positions(name, count, self.options.seed)._asdict()
        return self.specialists.generalist_positions(count, self.options.seed)

    def _source(self, name: str, precision: str) -> str:
        """Digest of all that a model is made from."""
        options = self.options
        settings: list[Any] = [_MAKER, tf.__version__, precision, options.batch, options.value]
        if precision == "int8":
            settings += [options.calibration, options.seed]
        if precision == "delta":
            settings += [options.coarseness]
        h = hashlib.sha256(repr(settings).encode())
        last = self.specialists.generalist
        sources = [last] if name == GENERALIST else [self.specialists.snapshots[name], last]
        for snapshot in sources:
            for path in sorted(snapshot.weights):
                h.update(path.encode() + snapshot.weights[path].tobytes())
            h.update(snapshot.mixture.tobytes())
        h.update(self.specialists.roster.digest.encode())
        return h.hexdigest()

    def _win_rate(self, name: str) -> dict[str, Any] | None:
        file = self.specialists.run.path / "evaluation.json"
        if name == GENERALIST or not file.exists():
            return None
        rows = json.loads(file.read_text(encoding="utf-8"))["characters"]
        rate = next((row["specialist"] for row in rows if row["character"] == name), None)
        return rate and {key: rate[key] for key in ("win_rate", "low", "high", "games")}

    def _describe(self) -> dict[str, Any]:
        """What is the same for all models of the pack."""
        specialists, batch = self.specialists, self.options.batch
        one = duel_spec(specialists.roster).empty_observation(1)._asdict()
        inputs = {
            name: {"shape": [batch, *one[name].shape[1:]], "dtype": str(one[name].dtype),
                   "low": _RANGES[name][0], "high": _RANGES[name][1]}
            for name in MODULES
        }  # fmt: skip
        meanings = {"movement": list(MOVEMENTS), "skill": list(SKILLS), "value": ["value"]}
        outputs = {
            head: {"shape": [batch, len(meanings[head])] if head != "value" else [batch], "dtype": "float32",
                   "meaning": meanings[head]}
            for head in self.outputs
        }  # fmt: skip
        if self.options.generalist:
            mixture = specialists.generalist.mixture
            self._about["mixtures"] = {i: mixture[specialists.roster.index(i)].tolist() for i in specialists.ids}
        return {
            "rules_version": RULES_VERSION,
            "roster_digest": specialists.roster.digest,
            "signature": SIGNATURE,
            "batch": batch,
            "run": str(specialists.run.path),
            "inputs": inputs,
            "outputs": outputs,
            **self._about,
            **provenance(),
        }


def define_flags() -> None:
    """The command line."""
    flags.DEFINE_string("run_dir", None, "Directory of a finished run.", required=True)
    flags.DEFINE_string("out_dir", None, "Folder of the models; made if missing.", required=True)
    flags.DEFINE_list("precision", list(PRECISIONS), f"Which files to write, of {', '.join(PRECISIONS)}.")
    flags.register_validator(
        "precision",
        lambda given: bool(given) and set(given) <= set(PRECISIONS),
        message=f"--precision takes one or more of {', '.join(PRECISIONS)}",
    )
    flags.DEFINE_integer("batch", 1, "Rows that a model takes at once.", 1)
    flags.DEFINE_bool("value", False, "Models also return the critic's value.")
    flags.DEFINE_bool("generalist", False, "Also export the Generalist, which takes its mixture as one more input.")
    flags.DEFINE_integer(
        "calibration_positions", 200,
        "Observations of own battles that the ranges of int8 are taken from, per model.", 1,
    )  # fmt: skip
    flags.DEFINE_float("coarseness", 0.5, "Steps of a delta, in root mean squares of a tensor's differences.", 1e-3)
    flags.DEFINE_integer("seed", 30_000, "Seed of the battles that calibration and golden positions come from.", 0)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}")
    distributed.start()
    folder = Path(FLAGS.out_dir)
    options = Options(
        tuple(FLAGS.precision), FLAGS.batch, FLAGS.value, FLAGS.generalist, FLAGS.calibration_positions,
        FLAGS.coarseness, FLAGS.seed,
    )  # fmt: skip
    try:
        exporter = Exporter(RunDirectory(FLAGS.run_dir), folder, options)
        entries = exporter.export()
    except (RosterError, CheckpointError) as error:
        raise SystemExit(f"error: {error}") from error
    rows = [[e.file, e.character, e.precision, f"{e.size_bytes:,}"] for e in entries]
    print(table(["file", "character", "precision", "bytes"], rows))
    print(f"\nwritten to {folder}; {exporter.kept} files were there already")
    print(json.dumps({"models": len(entries), "kept": exporter.kept, "folder": str(folder)}))


if __name__ == "__main__":
    define_flags()
    app.run(main)
