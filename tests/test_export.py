"""Export that cannot be done: said at once, in one line, and the pack stays as it was."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from camtf.checkpoint import CheckpointError, RunDirectory
from camtf.config import preset
from camtf.evaluation import record
from camtf.files import FileError
from mobile.export import Exporter, Options
from mobile.files import PackError
from mobile.pack import Pack
from mobile.staging import Staging

IDS = preset("test").game.characters


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"precisions": ()}, "precision must be some of float32, float16, int8, delta, each once, got ''"),
        ({"precisions": ("int8", "int8")}, "each once, got 'int8,int8'"),
        ({"precisions": ("int4" * 10_000,)}, r"each once, got 'int4.*\.\.\. .*int4' \(40,002 characters\)"),
        ({"coarseness": float("nan")}, r"coarseness must be in \[0.001, 100.0\], got nan"),
        ({"coarseness": float("inf")}, r"coarseness must be in \[0.001, 100.0\], got inf"),
        ({"coarseness": 0.0}, r"coarseness must be in \[0.001, 100.0\], got 0.0"),
        ({"batch": 0}, r"batch must be in \[1, 1024\], got 0"),
        ({"batch": 10**9}, r"batch must be in \[1, 1024\], got 1000000000"),
        ({"calibration": 10**12}, r"calibration must be in \[1, 100000\]"),
        ({"seed": -1}, r"seed must be in \[0, 2147483647\]"),
    ],
)
def test_options_have_bounds(given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Options(**given)
    assert len(str(caught.value)) < 300


def test_an_unfinished_run_is_not_exported(run: RunDirectory, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "run")
    (tmp_path / "run" / "specialists" / f"{IDS[1]}.npz").unlink()
    with pytest.raises(CheckpointError, match=f"{IDS[1]}.npz does not exist"):
        Exporter(RunDirectory(tmp_path / "run"), tmp_path / "models", Options(("float32",)))


def test_a_folder_that_cannot_be_written_is_refused_before_the_run_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder, reason in (
        (tmp_path / "file", "Not a directory"),
        (tmp_path / "file" / "below", "Not a directory"),
        (Path("/proc/models"), "No such file or directory"),
    ):
        with pytest.raises(FileError, match=rf"^{folder}/manifest.json cannot be written: {reason}$"):
            Exporter(RunDirectory(tmp_path / "no run"), folder, Options())


def test_an_evaluation_of_other_weights_is_refused(evaluated: RunDirectory, pack: Pack, tmp_path: Path) -> None:
    copy = RunDirectory(shutil.copytree(evaluated.path, tmp_path / "run"))
    found = record.read(copy.path / record.FILE, pack.manifest["weights"])
    folder = shutil.copytree(pack.folder, tmp_path / "models")
    entries = Exporter(copy, folder, Options(("float32",), seed=1)).export()
    assert [e.win_rate for e in entries] == [found.table("specialist", "trained").rate(k) for k in range(len(IDS))]
    other = replace(found, weights={**found.weights, IDS[0]: "0" * 16})
    record.write(copy.path / record.FILE, other)
    with pytest.raises(PackError, match=rf"evaluation.json is of other weights of {IDS[0]}"):
        Exporter(copy, folder, Options())


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    """Within: no file of this process may become larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_export_that_fails_leaves_the_pack_as_it_was(run: RunDirectory, pack: Pack, tmp_path: Path) -> None:
    """The first files still fit, one of the last does not."""
    folder = shutil.copytree(pack.folder, tmp_path / "models")
    before = content(folder)
    exporter = Exporter(run, folder, Options(("float32", "delta"), seed=1, coarseness=0.01))
    largest = len(before["base.tflite"])
    with (
        files_of_at_most(largest // 4),
        pytest.raises(FileError, match=rf"^{folder}/\w+.tflite cannot be written: files"),
    ):
        exporter.export()
    assert content(folder) == before
    Pack(folder).read(Pack(folder).entry(IDS[0], "delta"))


def test_what_lacks_room_is_said_before_the_work(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = Exporter(run, tmp_path / "models", Options(("float32",)))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100_000))
    with pytest.raises(
        FileError, match=r"models will need about [\d,]+ bytes, 100,000 are free: [\d,]+ are missing; make"
    ):
        exporter.export()
    assert list((tmp_path / "models").iterdir()) == []


def test_a_full_disk_names_the_file_and_what_is_missing(tmp_path: Path) -> None:
    """``/dev/full`` stands for the file: the system's own answer of a full disk."""
    (tmp_path / "a").write_bytes(b"old")
    message = (
        rf"^{tmp_path}/b cannot be written: the disk is full: [\d,]+ bytes are free, 9 are needed.*make room and start"
    )
    with pytest.raises(FileError, match=message), Staging(tmp_path) as staging:
        staging.write("a", b"new")
        (tmp_path / ".export" / "b").symlink_to("/dev/full")
        staging.write("b", b"no room..")
        staging.commit()
    assert content(tmp_path) == {"a": b"old"}


def test_all_files_arrive_or_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "other").write_bytes(b"not of a pack")
    with Staging(tmp_path) as staging:
        staging.write("a", b"new")
        staging.write("b", b"new, too")
    assert content(tmp_path) == {"a": b"old", "other": b"not of a pack"}  # nobody has committed
    (tmp_path / "b").mkdir()
    with pytest.raises(FileError, match="/b cannot be written: Is a directory"), Staging(tmp_path) as staging:
        staging.write("a", b"new")
        staging.write("b", b"new, too")
        staging.commit()
    (tmp_path / "b").rmdir()
    assert content(tmp_path) == {"a": b"old", "other": b"not of a pack"}  # "a" had arrived and went back
    (tmp_path / ".export").mkdir()
    (tmp_path / ".export" / "c").write_bytes(b"left by a process that was killed")
    with Staging(tmp_path) as staging:
        staging.write("a", b"new")
        staging.write("b", b"new, too")
        staging.commit()
    assert content(tmp_path) == {"a": b"new", "b": b"new, too", "other": b"not of a pack"}


def test_positions_are_found_where_battles_are_short(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """More are played until there are enough, and never one observation twice."""
    from mobile import positions

    monkeypatch.setattr(positions, "_POSITIONS_PER_BATTLE", 10_000)
    seen = positions.Specialists(run).positions(IDS[0], 500, seed=3)
    assert {len(x) for x in seen} == {500}
    assert len(np.unique(seen.basic, axis=0)) > 490
