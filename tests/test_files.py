"""Files: what is read is what was written, or the one error that names the file, whatever happened to the file."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from camtf import files, provenance
from camtf.files import FileError
from tests.damage import full_disk, mutations, replace

ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b|c/d": np.array([1 << 60]),
    "empty": np.zeros((0, 4), np.int8),
    "scalar": np.float64(0.5),
    "text": np.array(["Müller", "x"]),
}
META = {"step": 3, "name": "é"}
DOCUMENT = {"a": 1, "b": [1.5, True, None, "\u00e9\n"], "c": {"10": 1e-300, "9": -0.0}}
LINES = [{"update": n, "kl": 0.1 / n, "v_idle": n % 2} for n in range(1, 6)]


def sealed(archive: bytes) -> bytes:
    """An archive with its digest, as the module documents it; `camtf.files` itself is not asked."""
    buffer = io.BytesIO(archive)
    with zipfile.ZipFile(buffer, "a") as opened:
        opened.comment = b"sha256:" + b"0" * 64
    body = buffer.getvalue()[:-71]
    return body + b"sha256:" + hashlib.sha256(body).hexdigest().encode()


def archive(compress: bool = False, **arrays: Any) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def arrays_of(file: Path) -> Any:
    arrays, meta = files.read_arrays(file)
    return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in arrays.items()}, meta


def lines_of(file: Path) -> Any:
    """As a resumed run takes them up: the last line has to be there."""
    lines = [line for line, _ in files.json_lines(file)]
    if lines[-1:] != LINES[-1:]:
        raise FileError(f"{file} ends early")
    return lines


def write_lines(file: Path) -> None:
    for line in LINES:
        files.append_json_line(file, line)


KINDS: dict[str, tuple[Callable[[Path], None], Callable[[Path], Any]]] = {
    "arrays": (lambda file: files.write_arrays(file, ARRAYS, META), arrays_of),
    "compressed": (lambda file: files.write_arrays(file, ARRAYS, META, compress=True), arrays_of),
    "json": (lambda file: files.write_json(file, DOCUMENT), files.read_json),
    "lines": (write_lines, lines_of),
}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    for name, (write, read) in KINDS.items():
        write(tmp_path / "made" / name)
        assert read(tmp_path / "made" / name), name
    arrays, meta = files.read_arrays(tmp_path / "made" / "arrays")
    assert meta == META and list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == np.asarray(array).dtype and np.array_equal(arrays[name], array), name
    assert files.read_json(tmp_path / "made" / "json") == DOCUMENT
    assert lines_of(tmp_path / "made" / "lines") == LINES
    assert sorted(file.name for file in (tmp_path / "made").iterdir()) == sorted(KINDS)  # no temporary file stays


def test_other_programs_read_them(tmp_path: Path) -> None:
    """NumPy, and whatever reads JSON; the digests are those that the module documents."""
    files.write_arrays(tmp_path / "x.npz", ARRAYS, META)
    with np.load(tmp_path / "x.npz") as opened:
        assert np.array_equal(opened["a"], ARRAYS["a"])
    content = (tmp_path / "x.npz").read_bytes()
    assert content == sealed(archive(__meta__=np.array(json.dumps(META)), **ARRAYS))
    files.write_json(tmp_path / "x.json", {"b": 1, "a": 2})
    document = json.loads((tmp_path / "x.json").read_text())
    assert list(document) == ["b", "a", "digest"]
    assert document["digest"] == hashlib.sha256(b'{"a":2,"b":1}').hexdigest()
    write_lines(tmp_path / "x.jsonl")
    assert [json.loads(line)["update"] for line in (tmp_path / "x.jsonl").read_text().splitlines()] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_found(kind: str, tmp_path: Path) -> None:
    write, read = KINDS[kind]
    file = tmp_path / "x"
    write(file)
    whole, expected = file.read_bytes(), read(file)
    refused = 0
    for damaged in mutations(whole, 400):
        replace(file, damaged)
        try:
            assert repr(read(file)) == repr(expected)
        except FileError as error:
            assert str(file) in str(error)
            refused += 1
    assert refused > 300  # JSON may have more white space


def test_a_forged_archive_ends_in_the_error_too(tmp_path: Path) -> None:
    """Damage whose digest was made anew: the content may be another, no other error may come out."""
    whole = archive(compress=True, __meta__=np.array("{}"), a=np.arange(50))
    file = tmp_path / "x.npz"
    read = 0
    for damaged in mutations(whole, 600):
        body = damaged[:-2] + (71).to_bytes(2, "little")
        replace(file, body + b"sha256:" + hashlib.sha256(body).hexdigest().encode())
        try:
            files.read_arrays(file, limit_bytes=10_000)
            read += 1
        except FileError as error:
            assert str(file) in str(error) and len(str(error)) < 500
    assert 0 < read < 600


def test_pickles_and_foreign_archives_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    pickled = archive(__meta__=np.array("{}"), a=np.array([print], dtype=object))
    file.write_bytes(sealed(pickled))
    with pytest.raises(FileError, match=r"x.npz is damaged: .*Object arrays cannot be loaded"):
        files.read_arrays(file)
    file.write_bytes(archive(__meta__=np.array("{}")))
    with pytest.raises(FileError, match=r"x.npz is damaged or of an earlier version: it does not end in a digest"):
        files.read_arrays(file)
    for header in ("[1]", "1", '"a"', "null", "{"):
        file.write_bytes(sealed(archive(__meta__=np.array(header), a=np.zeros(1))))
        with pytest.raises(FileError, match=r"x.npz is damaged"):
            files.read_arrays(file)


@pytest.mark.parametrize("said", [None, 100], ids=["honest", "lying"])
def test_inflation_is_bounded(tmp_path: Path, said: int | None) -> None:
    """32 MiB of zeros in 33 kB, whether the archive tells their size or not."""
    bomb = archive(compress=True, __meta__=np.array("{}"), a=np.zeros(1 << 25, np.int8))
    size = ((1 << 25) + 128).to_bytes(4, "little")
    assert bomb.count(size) == 2 and len(bomb) < 40_000  # before the array, and in the archive's directory
    file = tmp_path / "x.npz"
    file.write_bytes(sealed(bomb.replace(size, said.to_bytes(4, "little") if said else size)))
    tracemalloc.start()
    with pytest.raises(FileError, match=r"x.npz is damaged"):
        files.read_arrays(file, limit_bytes=1 << 20)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_json_that_is_no_document_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    for text in ("", "[1]", "3", '{"a": 1}', '{"digest": 5}', "[" * 100_000, '{"a": ' + "9" * 5000 + "}", "\ufeff{}"):
        file.write_text(text)
        with pytest.raises(FileError, match=r"x.json is damaged"):
            files.read_json(file)
    files.write_json(file, {"a": 1})
    file.write_text(file.read_text().replace("1", "2", 1))
    with pytest.raises(FileError, match=r"x.json is damaged or was changed by hand: its digest is not that of its"):
        files.read_json(file)


def test_lines_are_in_their_places(tmp_path: Path) -> None:
    """A line left out, doubled or moved is found, except where the end is missing: that a kill may have done."""
    file = tmp_path / "x.jsonl"
    write_lines(file)
    lines = file.read_bytes().splitlines(keepends=True)
    for order in ([1, 2, 3, 4], [0, 2, 3, 4], [0, 0, 1], [1, 0], [0, 1, 3, 2]):
        file.write_bytes(b"".join(lines[i] for i in order))
        with pytest.raises(FileError, match=r"x.jsonl is damaged: the checksum of line \d is not that"):
            list(files.json_lines(file))
    file.write_bytes(b"".join(lines)[:-5])
    assert [line for line, _ in files.json_lines(file)] == LINES[:-1]
    with pytest.raises(FileError, match=r"x.jsonl is damaged: it does not end in a line with a checksum"):
        files.append_json_line(file, LINES[0])
    file.write_bytes(b'{"update": 1}\n')
    with pytest.raises(FileError, match=r"x.jsonl is damaged or of an earlier version: line 1 has no checksum"):
        list(files.json_lines(file))


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for read in (files.read_bytes, files.read_json, files.read_arrays, lambda file: list(files.json_lines(file))):
        with pytest.raises(FileError, match=r"none does not exist"):
            read(tmp_path / "none")
        with pytest.raises(FileError, match=r"folder cannot be read: Is a directory"):
            read(tmp_path / "folder")
    with pytest.raises(KeyError, match=r"none does not exist"):
        files.read_json(tmp_path / "none", KeyError)
    with pytest.raises(FileError, match=r"file/x cannot be written: "):
        files.write_text(tmp_path / "file" / "x", "")
    with pytest.raises(FileError, match=r"folder cannot be written: Is a directory"):
        files.write_text(tmp_path / "folder", "")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder"]


FULL = r"x cannot be written: files may not become so large here: [\d,]+ bytes are free, [\d,]+ are needed; what"


@pytest.mark.parametrize("limit_bytes", [0, 1, 100, 5000])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, limit_bytes: int) -> None:
    file = tmp_path / "x"
    for before in (None, b"before"):
        if before:
            file.write_bytes(before)
        with full_disk(limit_bytes), pytest.raises(FileError, match=FULL):
            files.write_arrays(file, {"a": np.zeros(10_000)}, {})
        with full_disk(limit_bytes), pytest.raises(FileError, match=FULL):
            files.write_json(file, {"a": [0.1] * 3000})
        assert [found.read_bytes() for found in tmp_path.iterdir()] == ([before] if before else [])


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    file = tmp_path / "x"
    write_lines(file)
    whole = file.read_bytes()
    for more in (0, 1, 30):
        with full_disk(len(whole) + more), pytest.raises(FileError, match=FULL):
            files.append_json_line(file, {"update": 6, "text": "a" * 100})
        assert file.read_bytes() == whole
    files.append_json_line(file, {"update": 6})
    assert [line["update"] for line, _ in files.json_lines(file)] == [1, 2, 3, 4, 5, 6]


def test_a_full_disk_leaves_the_checkout_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result names its commit. Git is asked without letting it write: cut off, it would leave a lock in the way."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    (tmp_path / "x.py").write_text("1\n")
    git("init", "-q")
    git("add", "x.py")
    git("-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-m", "one")
    os.utime(tmp_path / "x.py", (1, 1))  # what git knows of it is stale
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "x.py"))
    with full_disk(10):
        assert provenance.commit() == git("rev-parse", "--short=12", "HEAD").strip()
    assert not (tmp_path / ".git" / "index.lock").exists()


def test_missing_bytes_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with (
        pytest.raises(FileError, match=r"full: 1,000 bytes are free, 3,500 are needed, 2,500 are missing; what"),
        files.writing(tmp_path / "none" / "x", 3500),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    files.write_arrays(tmp_path / "x.npz", ARRAYS, {"step": 1})
    with pytest.raises(TypeError):
        files.write_arrays(tmp_path / "x.npz", ARRAYS, {"step": object()})
    assert files.read_arrays(tmp_path / "x.npz")[1] == {"step": 1}


def test_what_cannot_be_written_is_said_beforehand(tmp_path: Path) -> None:
    """With nothing made, whether or not the folders are there."""
    (tmp_path / "file").touch()
    for file in (tmp_path / "new.json", tmp_path / "file", tmp_path / "a" / "b" / "new.json"):
        files.check_writable(file)
    for file, reason in [
        (tmp_path, "Is a directory"),
        (tmp_path / "file" / "x.json", "Not a directory"),
        (tmp_path / "file" / "a" / "x.json", "Not a directory"),
        (Path("/proc/x.json"), ""),
    ]:
        with pytest.raises(FileError, match=rf"^{file} cannot be written: {reason}"):
            files.check_writable(file)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
