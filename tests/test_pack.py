"""Packs: what is damaged, changed or of another game is refused by one named error, whatever the damage."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from camtf.config import preset
from mobile import deltas, files, golden
from mobile.files import PackError
from mobile.pack import GENERALIST, HEADS, MODULES, Pack, check_names
from mobile.runtime import open_policy
from tests.damage import mutations

IDS = preset("test").game.characters


@pytest.fixture
def folder(pack: Pack, tmp_path: Path) -> Path:
    """A copy of the pack, to be damaged."""
    return shutil.copytree(pack.folder, tmp_path / "models")


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change what the manifest says, with a right digest of its own."""
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text())
    edit(manifest)
    del manifest["digest"]
    file.write_bytes(files.seal(manifest))


def tell(folder: Path, name: str) -> None:
    """Make the manifest say the size and the digest that a model's file has now."""
    content = (folder / name).read_bytes()

    def edit(manifest: dict[str, Any]) -> None:
        entry = next(m for m in [*manifest["models"], *manifest["golden"].values()] if m["file"] == name)
        entry.update(size_bytes=len(content), sha256=files.digest(content))
        if name.endswith(".tflite"):
            entry["model_sha256"] = entry["sha256"]

    change(folder, edit)


def test_a_changed_model_is_refused(pack: Pack, folder: Path) -> None:
    entry = pack.entry(IDS[0], "float32")
    (folder / entry.file).write_bytes((folder / pack.entry(IDS[1], "float32").file).read_bytes())  # swapped
    with pytest.raises(PackError, match=rf"{entry.file} has the digest \w+, its manifest says {entry.sha256[:16]}"):
        Pack(folder).read(entry)
    (folder / entry.file).write_bytes((pack.folder / entry.file).read_bytes()[:-100])  # truncated
    with pytest.raises(PackError, match=rf"{entry.file} has [\d,]+ bytes, its manifest says {entry.size_bytes:,}"):
        Pack(folder).read(entry)
    (folder / entry.file).unlink()
    with pytest.raises(PackError, match=rf"{entry.file} is in the manifest, but does not exist"):
        Pack(folder).read(entry)
    (folder / entry.file).mkdir()
    with pytest.raises(PackError, match=rf"{entry.file} cannot be read: it is not a file"):
        Pack(folder).read(entry)


def test_a_changed_delta_or_base_is_refused(pack: Pack, folder: Path) -> None:
    one, other = (pack.entry(i, "delta") for i in IDS)
    whole, exchanged = (folder / one.file).read_bytes(), (folder / other.file).read_bytes()
    for content, message in (
        (exchanged, rf"{one.file} has the digest \w+, its manifest says {one.model_sha256[:16]}"),
        (whole[:-50], f"{one.file}: damaged: it ends too early or too late"),
        (whole + b"more", f"{one.file}: damaged: it ends too early or too late"),
        (b"no zlib", f"{one.file}: damaged: Error -3"),
        (zlib.compress(b"short"), rf"{one.file}: 5 bytes of differences, the base needs [\d,]+"),
    ):
        (folder / one.file).write_bytes(content)
        tell(folder, one.file)
        with pytest.raises(PackError, match=message):
            Pack(folder).read(Pack(folder).entry(IDS[0], "delta"))
    base = folder / "base.tflite"
    base.write_bytes(base.read_bytes()[:-4] + b"oops")
    with pytest.raises(PackError, match=r"base.tflite has the digest"):
        Pack(folder).read(other)


def test_a_delta_never_inflates_beyond_its_base() -> None:
    base = np.arange(10, dtype="<f4").tobytes()
    bomb = zlib.compress(bytes(64 << 20), 9)
    assert len(bomb) < 70_000
    with pytest.raises(deltas.DeltaError, match="more than the 14 bytes of differences that the base needs"):
        deltas.decode(base, bomb, [(0, 10)])
    for tensors in ([(0, 11)], [(8, 4), (4, 1)], [(-4, 2)], [(0, 0)], [(0, 10**30)], [(0.0, 1)]):
        with pytest.raises(deltas.DeltaError, match="tensor"):
            deltas.decode(base, bomb, tensors)  # type: ignore[arg-type]
    with pytest.raises(deltas.DeltaError, match="a step is not finite"):
        deltas.decode(base, zlib.compress(np.array(np.nan, "<f4").tobytes() + bytes(10)), [(0, 10)])


def test_changed_golden_observations_are_refused(pack: Pack, folder: Path) -> None:
    name = f"{IDS[0]}.golden.npz"
    arrays = pack.golden(IDS[0])
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("basic.npy", bytes(65 << 20))
    stranger = io.BytesIO()
    with zipfile.ZipFile(stranger, "w") as archive:
        for tensor in arrays:
            archive.writestr(tensor, b"not an array")
    for content, message in (
        ((folder / name).read_bytes()[:-30], "damaged: BadZipFile"),
        (
            golden.encode({**arrays, "mask": arrays["mask"][:5]}),
            r"mask is float32 \(5, 29\), needed is float32 \(64, 29",
        ),
        (golden.encode({**arrays, "basic": arrays["basic"].astype("f8")}), r"basic is float64 .*, needed is float32"),
        (golden.encode({"basic": arrays["basic"]}), r"it holds \['basic'\], needed are \['basic', 'buff'"),
        (golden.encode({**arrays, "basic": np.zeros((0, 288), "f4")}), r"basic is float32 \(0, 288\)"),
        (bomb.getvalue(), "damaged: .*it would take 68,157,440 bytes"),
        (stranger.getvalue(), "is no array"),
    ):
        (folder / name).write_bytes(content)
        tell(folder, name)
        with pytest.raises(PackError, match=rf"{name}: .*{message}"):
            Pack(folder).golden(IDS[0])
    (folder / name).write_bytes((folder / f"{IDS[1]}.golden.npz").read_bytes())
    with pytest.raises(PackError, match=rf"{name} has "):
        Pack(folder).golden(IDS[0])
    with pytest.raises(PackError, match=r"manifest\.json names no golden observations of 'nobody'"):
        pack.golden("nobody")


def test_a_bad_manifest_is_refused(pack: Pack, folder: Path, tmp_path: Path) -> None:
    file = folder / "manifest.json"
    whole = file.read_bytes()
    for content in (whole[:200], b"\xff" + whole, b"[1]", b"{}", b'{"a": ' + b"[" * 10**5, b'{"a": NaN}', b"9" * 9999):
        file.write_bytes(content)
        with pytest.raises(PackError, match=r"manifest.json is damaged") as caught:
            Pack(folder)
        assert len(str(caught.value)) < 500 + len(str(file))
    file.write_bytes(whole.replace(b'"duel"', b'"dual"'))
    with pytest.raises(PackError, match=r"manifest\.json is damaged or of an earlier version: it does not begin with"):
        Pack(folder)

    for key, value, message in (
        ("format", 99, "has format 99, this version reads 3"),
        ("game", 1, "is damaged: data.game must be string"),
        ("models", [], "is damaged: data.models must contain at least 1 items"),
        ("more", 1, "is damaged: data must not contain {'more'} properties"),
        ("x" * 10**5, 1, r"is damaged: data must not contain .*\.\.\. \([\d,]+ characters\)"),
        ("mixtures", {}, "is damaged: it has the Generalist's golden observations, but no mixtures"),
    ):
        file.write_bytes(whole)
        change(folder, lambda manifest, key=key, value=value: manifest.update({key: value}))
        with pytest.raises(PackError, match=f"manifest.json {message}" if "{" not in message else "manifest.json"):
            Pack(folder)
    file.write_bytes(whole)
    change(folder, lambda manifest: manifest.pop("deltas"))
    with pytest.raises(PackError, match="damaged: it has models of precision delta, but no base for them"):
        Pack(folder)
    file.write_bytes(whole)
    change(folder, lambda manifest: manifest["models"][2].update(sha256="1234"))
    with pytest.raises(PackError, match=r"damaged: data.models\[2\].sha256 must match pattern"):
        Pack(folder)
    with pytest.raises(PackError, match=r"manifest.json does not exist; python -m mobile.export makes a pack"):
        Pack(tmp_path)
    with pytest.raises(PackError, match="no model of 'nobody' in 'int8'; it holds ember_fox float32"):
        pack.entry("nobody", "int8")


@pytest.mark.parametrize("name", ["../../etc/x", "/etc/x", "a/b", "", ".", "..", "A", "a\n", "a" * 101])
def test_a_name_never_leads_out_of_the_pack(folder: Path, name: str) -> None:
    """In a manifest whose digest is right: the schema refuses it, and so does whoever would open the file."""
    whole = (folder / "manifest.json").read_bytes()
    for edit in (
        lambda manifest: manifest["models"][0].update(character=name),
        lambda manifest: manifest["golden"].update({name: manifest["golden"][IDS[0]]}),
        lambda manifest: manifest["weights"].update({name: "0" * 64}),
    ):
        change(folder, edit)
        with pytest.raises(PackError, match=r"manifest\.json is damaged"):
            Pack(folder)
        (folder / "manifest.json").write_bytes(whole)
    with pytest.raises(PackError, match="cannot name files"):
        check_names([name])
    pack = Pack(folder)
    if name not in ("A", "a" * 101):  # these may name a file, but no character
        for edit in (
            lambda manifest: manifest["models"][0].update(file=name),
            lambda manifest: manifest["deltas"].update(base=name),
            lambda manifest: manifest["golden"][IDS[0]].update(file=name),
        ):
            change(folder, edit)
            with pytest.raises(PackError, match=r"manifest\.json is damaged"):
                Pack(folder)
            (folder / "manifest.json").write_bytes(whole)
        pack.manifest["golden"][IDS[0]]["file"] = name
        with pytest.raises(PackError, match="is no file's name"):
            pack.golden(IDS[0])


def test_the_generalists_name_is_no_characters() -> None:
    check_names(list(IDS))
    with pytest.raises(PackError, match="'generalist' cannot name files"):
        check_names([*IDS, GENERALIST])
    with pytest.raises(PackError, match=r"the character 'Zoë Ω' cannot name files: an id has 1 to 100 lower-case"):
        check_names(["Zoë Ω"])


def test_no_damaged_file_is_read(folder: Path, pack: Pack) -> None:
    """Every file of a pack, damaged in 300 ways: nothing but PackError, and nothing is read with other content."""

    def read_manifest() -> None:
        Pack(folder)

    readers: dict[str, Callable[[], object]] = {
        "manifest.json": read_manifest,
        "base.tflite": lambda: fresh_read("delta"),
    }

    def fresh_read(precision: str) -> bytes:
        return Pack(folder).read(pack.entry(IDS[0], precision))

    for precision in ("int8", "delta"):
        readers[pack.entry(IDS[0], precision).file] = lambda precision=precision: fresh_read(precision)
    readers[f"{IDS[0]}.golden.npz"] = lambda: Pack(folder).golden(IDS[0])
    for name, reader in readers.items():
        file = folder / name
        whole = file.read_bytes()
        reader()
        for damaged in mutations(whole, 300):
            file.write_bytes(damaged)
            with pytest.raises(PackError, match=name):
                reader()
        file.write_bytes(whole)


def test_what_is_behind_the_digests_holds_too(pack: Pack) -> None:
    """The readers below the digests, on damaged content: their own error, or arrays of the right shapes."""
    entry = pack.entry(IDS[0], "delta")
    base = (pack.folder / "base.tflite").read_bytes()
    tensors = pack.manifest["deltas"]["tensors"]
    for damaged in mutations((pack.folder / entry.file).read_bytes(), 300):
        with contextlib.suppress(deltas.DeltaError):
            assert len(deltas.decode(base, damaged, tensors)) == len(base)
    arrays = pack.golden(IDS[0])
    shapes = {name: (x.shape[1:], str(x.dtype)) for name, x in arrays.items()}
    for damaged in mutations((pack.folder / f"{IDS[0]}.golden.npz").read_bytes(), 300):
        with contextlib.suppress(golden.GoldenError):
            found = golden.decode(damaged, shapes)
            assert {name: (x.shape[1:], str(x.dtype)) for name, x in found.items()} == shapes


def test_another_game_or_other_shapes_are_refused(pack: Pack, folder: Path) -> None:
    with pytest.raises(PackError, match=r"models are for the game duel \w{16}, this one is other"):
        Pack(pack.folder, "other")
    assert Pack(pack.folder, pack.manifest["game_digest"]).models == pack.models
    change(folder, lambda manifest: manifest["inputs"]["basic"].update(shape=[1, 300]))
    changed = Pack(folder)
    with pytest.raises(PackError, match=r"int8.tflite: basic has shape \(1, 288\), its manifest says \(1, 300\)"):
        open_policy(changed, changed.entry(IDS[0], "int8"))
    name = pack.entry(IDS[0], "int8").file
    (folder / name).write_bytes(b"no model")
    tell(folder, name)
    with pytest.raises(PackError, match=r"int8\.tflite is no TFLite model"):
        open_policy(Pack(folder), Pack(folder).entry(IDS[0], "int8"))


def test_golden_observations_are_those_of_the_models(pack: Pack) -> None:
    for character in (*IDS, GENERALIST):
        arrays = pack.golden(character)
        assert {len(x) for x in arrays.values()} == {64}
        assert set(arrays) == {*MODULES, *HEADS} | ({"mixture"} if character == GENERALIST else set())
