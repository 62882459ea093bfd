"""Models of a pack as opponents of a person, and where the pack comes from."""

from __future__ import annotations

import dataclasses
import functools
import shutil
from pathlib import Path

import numpy as np
import pytest

from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.config import preset
from camtf.games.duel.game import Duel
from camtf.games.duel.roster import Roster
from camtf.play.opponents import ModelsError, Offer
from camtf.types import Observation
from mobile import exporter, play
from mobile.files import PackError, seal
from mobile.pack import GENERALIST, MANIFEST, MODULES, PRECISIONS, Pack
from mobile.play import FOLDER, PackModels, open_models
from mobile.runtime import open_policy

IDS = preset("test").game.characters


def observation(pack: Pack, character: str, row: int) -> Observation:
    golden = pack.golden(character)
    return Observation(*(golden[name][row : row + 1] for name in MODULES))


def test_a_pack_offers_its_specialists_and_its_generalist(pack: Pack, tmp_path: Path) -> None:
    models = PackModels(pack)
    assert models.offers == (
        Offer("specialist", tuple(PRECISIONS), IDS),
        Offer("generalist", ("float32", "float16", "int8"), IDS),
    )


@pytest.mark.parametrize("precision", ["float32", "int8", "delta"])
def test_cold_is_the_best_action_and_hot_is_uniform(pack: Pack, rng: np.random.Generator, precision: str) -> None:
    model, seen = PackModels(pack).open("specialist", IDS[0], precision), observation(pack, IDS[0], 3)
    best = open_policy(pack, pack.entry(IDS[0], precision)).best(*seen)[0]
    uniforms = rng.uniform(1e-9, 1 - 1e-9, (400, 1, 19))
    drawn = {t: np.array([model.choose(seen, seen.mask, t, u) for u in uniforms]) for t in (0.0, 0.05, 1.0, 1000.0)}
    assert (drawn[0.0] == best).all()
    agreeing = [(drawn[t] == best).mean() for t in (0.05, 1.0, 1000.0)]
    assert agreeing[0] > agreeing[1] >= agreeing[2] - 0.05
    for head, legal in enumerate((seen.mask[0, :9], seen.mask[0, 9:19])):
        counts = np.bincount(drawn[1000.0][:, head], minlength=len(legal))
        assert (counts[legal == 0] == 0).all()
        assert np.allclose(counts[legal > 0] / 400, 1 / legal.sum(), atol=0.1)


def test_what_is_legal_now_decides(pack: Pack) -> None:
    seen = observation(pack, IDS[0], 3)
    legal = np.zeros_like(seen.mask)
    legal[0, [0, 9 + 5]] = 1
    model = PackModels(pack).open("specialist", IDS[0], "int8")
    assert model.choose(seen, legal, 0.0, np.full((1, 19), 0.5)).tolist() == [0, 5]


def test_the_generalist_is_told_its_mixture(pack: Pack) -> None:
    seen, mixture = observation(pack, IDS[1], 0), pack.manifest["mixtures"][IDS[1]]
    policy = open_policy(pack, pack.entry(GENERALIST, "float32"))
    model = PackModels(pack).open("generalist", IDS[1], "float32")
    expected = policy.best(*seen, np.array([mixture], np.float32))[0]
    assert model.choose(seen, seen.mask, 0.0, np.full((1, 19), 0.5)).tolist() == expected.tolist()


def test_the_pack_of_a_run_is_used_and_made_again_where_it_is_old(
    run: RunDirectory, pack: Pack, duel: Duel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    copy = RunDirectory(shutil.copytree(run.path, tmp_path / "run"))
    shutil.copytree(pack.folder, copy.path / FOLDER)
    manifest = copy.path / FOLDER / MANIFEST
    before = manifest.read_bytes()
    assert len(open_models(str(copy.path), "", duel).offers) == 2
    assert manifest.read_bytes() == before and not capsys.readouterr().out

    trained, meta = copy.copy_of(copy.generalists()[-1], copy.specialist_file(IDS[0]))
    weights = {name: weight + np.float32(1e-3) for name, weight in trained.weights.items()}
    anew = dataclasses.replace(trained, weights=weights)
    copy.write_snapshot(copy.specialist_file(IDS[0]), anew, {k: v for k, v in meta.items() if k != "name"})
    # What the fixture made of the other policies stays; of this one, each precision takes seconds.
    monkeypatch.setattr(exporter, "Options", functools.partial(exporter.Options, seed=1))
    monkeypatch.setattr(play, "PRECISIONS", {"float32": PRECISIONS["float32"]})
    assert [offer.kind for offer in open_models(str(copy.path), "", duel).offers] == ["specialist", "generalist"]
    assert f"exporting the models of {copy.path} to" in capsys.readouterr().out
    assert Pack(copy.path / FOLDER).manifest["weights"][anew.name] == anew.digest != trained.digest


def test_packs_that_cannot_be_played_are_refused(pack: Pack, plain: Roster, tmp_path: Path, duel: Duel) -> None:
    assert open_models("", str(pack.folder), duel).offers[0].characters == IDS
    with pytest.raises(PackError, match="models are for the game duel"):
        open_models("", str(pack.folder), Duel(plain))
    with pytest.raises(PackError, match=r"manifest.json does not exist; python -m mobile.export makes a pack"):
        open_models("", str(tmp_path), duel)
    with pytest.raises(CheckpointError, match="is not a run directory"):
        open_models(str(tmp_path), "", duel)
    alone = {
        "models": [m for m in pack.manifest["models"] if m["character"] == GENERALIST],
        "golden": {k: v for k, v in pack.manifest["golden"].items() if k != GENERALIST},
        "mixtures": {},
    }
    for change, message in (
        ({"batch": 3}, "played by models of batch 1, these have 3; export them again without --batch"),
        (alone, "holds no model that knows whom it plays"),
    ):
        manifest = {key: value for key, value in pack.manifest.items() if key != "digest"}
        (tmp_path / MANIFEST).write_bytes(seal({**manifest, **change}))
        with pytest.raises(ModelsError, match=message):
            open_models("", str(tmp_path), duel)
