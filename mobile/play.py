"""The models of a pack as opponents of a person: what `camtf.play` asks for. Needs what `mobile.runtime` needs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from camtf.checkpoint import RunDirectory
from camtf.games.duel.game import Duel
from camtf.play.opponents import ModelsError, Offer
from camtf.types import Observation
from mobile.files import cut
from mobile.pack import GENERALIST, MANIFEST, PRECISIONS, Pack
from mobile.runtime import Policy, choose, gumbel, open_policy

SPECIALIST = "specialist"
FOLDER = "pack"
"""Of a run's own pack, in the run's folder."""


class PackModel:
    """A model that plays one character. Implements `camtf.play.opponents.Model`.

    Args:
        mixture: ``[1, S]`` for the Generalist; None for a Specialist, which needs none.
    """

    def __init__(self, policy: Policy, mixture: np.ndarray | None = None) -> None:
        self._policy = policy
        self._mixture = mixture
        self._movements = policy.outputs["movement"][-1]

    def choose(self, seen: Observation, legal: np.ndarray, temperature: float, uniforms: np.ndarray) -> np.ndarray:
        """See `camtf.play.opponents.Model`."""
        modules = {**seen._asdict(), "mixture": self._mixture}
        logits = np.concatenate(self._policy.logits(*(modules[name] for name in self._policy.inputs))[:2], axis=-1)
        if temperature == 0.0:
            return choose(logits, legal, self._movements)[0]
        return choose(logits / temperature, legal, self._movements, gumbel(uniforms))[0]


class PackModels:
    """All models of a pack. Implements `camtf.play.opponents.Models`.

    Raises:
        ModelsError: its models decide for several matches at once, or there is but a Generalist without mixtures.
    """

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        if pack.manifest["batch"] != 1:
            raise ModelsError(
                f"{pack.folder}: a match is played by models of batch 1, these have {pack.manifest['batch']}; export "
                "them again without --batch"
            )
        if not self.offers:
            raise ModelsError(f"{pack.folder} holds no model that knows whom it plays")

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The Specialists, and the Generalist where the pack has it."""
        there = self._pack.models
        specialists = tuple(dict.fromkeys(m.character for m in there if m.character != GENERALIST))
        found = []
        for kind, names, characters in (
            (SPECIALIST, set(specialists), specialists),
            (GENERALIST, {GENERALIST}, tuple(self._pack.manifest.get("mixtures", {}))),
        ):
            precisions = tuple(p for p in PRECISIONS if any(m.precision == p for m in there if m.character in names))
            if precisions and characters:
                found.append(Offer(kind, precisions, characters))
        return tuple(found)

    def open(self, kind: str, character: str, precision: str) -> PackModel:
        """One of them. Raises PackError."""
        if kind == SPECIALIST:
            return PackModel(open_policy(self._pack, self._pack.entry(character, precision)))
        mixture = np.array([self._pack.manifest["mixtures"][character]], np.float32)
        return PackModel(open_policy(self._pack, self._pack.entry(GENERALIST, precision)), mixture)


def open_models(run_dir: str, pack: str, game: Duel) -> PackModels:
    """The models of a pack, or of a run's own one, which is made where it is missing or the run's policies are newer.

    Args:
        run_dir: folder of the run; empty for a pack alone.
        pack: folder of the pack; empty for the run's own.

    Raises:
        PackError: the pack is damaged or of another game.
        ModelsError: it cannot be played against.
        CheckpointError, ConfigError: there is no pack, and none can be made of the run.
    """
    if pack:
        return PackModels(Pack(pack, game.digest))
    folder, run = Path(run_dir) / FOLDER, RunDirectory(run_dir)
    if not (folder / MANIFEST).exists() or _outdated(Pack(folder), run):
        _export(run, folder)
    return PackModels(Pack(folder, game.digest))


def _outdated(pack: Pack, run: RunDirectory) -> bool:
    """Whether a Specialist of the run is not the one that its model was made from."""
    weights = pack.manifest["weights"]
    for character in {m.character for m in pack.models} - {GENERALIST}:
        snapshot = run.read_snapshot(run.specialist_file(character))
        if weights.get(snapshot.name) != snapshot.digest:
            return True
    return False


def _export(run: RunDirectory, folder: Path) -> None:
    """Make the run's own pack, with the Generalist where there is one for all characters."""
    print(f"exporting the models of {cut(run.path)} to {cut(folder)}, which takes a few seconds each", flush=True)
    from camtf import distributed
    from mobile.exporter import Exporter, Options

    distributed.start()
    exporter = Exporter(run, folder, Options(tuple(PRECISIONS)))
    one_for_all = len({s.name for s in exporter.specialists.generalists.values()}) == 1
    exporter.options = dataclasses.replace(exporter.options, generalist=one_for_all)
    exporter.export()
