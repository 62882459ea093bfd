"""Files: whole or not there when written, and when read either what was written or refused by name.

What is written goes to a temporary name, to the disk, and then to its own name, so that a kill or a full disk leaves
the file as it was before. What is read carries a check of its content:

===========  ==========================================================================================================
arrays       an ``.npz`` archive (`numpy.load` opens it) whose comment is the SHA-256 of all bytes before it
JSON         an object whose last key, ``digest``, is the SHA-256 of the rest in a canonical form
JSON lines   objects whose last key, ``crc32``, is the CRC-32 of the line and of all lines before it
===========  ==========================================================================================================

The checks find damage, not malice. A forged archive is therefore read within bounds, too, and never by pickle.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

_META = "__meta__"
_SEAL = b"sha256:"
_SEAL_BYTES = len(_SEAL) + 64
_CHECKED_LINE = re.compile(rb'(\{.+), "crc32": "([0-9a-f]{8})"\}', re.DOTALL)
_LINE_TAIL_BYTES = len('01234567"}\n')
_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of disk space is used up",
    errno.EFBIG: "files may not become so large here",
}


class FileError(RuntimeError):
    """A file is missing, damaged, of another kind, or cannot be written. Names the file."""


@contextlib.contextmanager
def writing(file: Path, size_bytes: int | None = None) -> Iterator[None]:
    """Within, an OSError becomes a FileError. For a full disk it says how many of the bytes are missing (where
    ``size_bytes`` is known) and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise FileError(f"{file} cannot be written: {error.strerror or error}") from error
        free = _free_bytes(file)
        needed = f", {size_bytes:,} are needed" if size_bytes is not None else ""
        missing = f", {size_bytes - free:,} are missing" if size_bytes is not None and free < size_bytes else ""
        raise FileError(
            f"{file} cannot be written: {_FULL[error.errno]}: {free:,} bytes are free{needed}{missing}; "
            "what was complete is kept: make room and start the same command again"
        ) from error


def check_writable(file: Path) -> None:
    """Raises FileError where a file of this name could not be written now: for before the work whose result it gets."""
    with writing(file, 0):
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.TemporaryFile(dir=next(folder for folder in file.absolute().parents if folder.exists())):
            pass


def write_bytes(file: Path, content: bytes) -> None:
    """Write a file, making its folder. Raises FileError, and then leaves what was there before and nothing else."""
    temporary = file.with_name(f"{file.name}.tmp")
    with writing(file, len(content)):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync(file.parent)  # what is removed after this must not outlive it on the disk


def write_text(file: Path, text: str) -> None:
    """Write a file in UTF-8, as `write_bytes` does. Raises FileError."""
    write_bytes(file, text.encode())


def write_json(file: Path, document: dict[str, Any]) -> None:
    """Write an object with its digest, as `write_bytes` does. Raises FileError."""
    assert "digest" not in document, "the key is the digest's own"
    write_text(file, json.dumps({**document, "digest": _json_digest(document)}, indent=2) + "\n")


def write_arrays(file: Path, arrays: dict[str, np.ndarray], meta: dict[str, Any], compress: bool = False) -> None:
    """Write arrays of any shape and a JSON header with a digest, as `write_bytes` does. Raises FileError."""
    write_bytes(file, arrays_to_bytes(arrays, meta, compress))


def arrays_to_bytes(arrays: dict[str, np.ndarray], meta: dict[str, Any], compress: bool = False) -> bytes:
    """The content of the file that `write_arrays` writes."""
    buffer = io.BytesIO()
    save = np.savez_compressed if compress else np.savez
    save(buffer, **{_META: np.array(json.dumps(meta))}, **arrays)
    body = buffer.getvalue()[:-2] + _SEAL_BYTES.to_bytes(2, "little")  # an archive ends in the length of its comment
    return body + _seal(body)


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_json_line(file: Path, line: dict[str, Any]) -> None:
    """Add a line (an object with at least one key) to a file, which is made where there is none.

    Raises:
        FileError: it cannot be written, and is left as it was; or it does not end in a line of this kind.
    """
    body = json.dumps(line)[:-1].encode()
    with writing(file, len(body)):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab+", buffering=0) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(size - _LINE_TAIL_BYTES, 0))
            try:
                before = int(stream.read(_LINE_TAIL_BYTES)[:8], 16) if size else 0
            except ValueError as error:
                raise FileError(f"{file} is damaged: it does not end in a line with a checksum") from error
            left = body + b', "crc32": "%08x"}\n' % zlib.crc32(body, before)
            try:
                while left:
                    left = left[stream.write(left) :]
            except OSError:
                stream.truncate(size)
                raise


def read_bytes(file: Path, failure: type[Exception] = FileError) -> bytes:
    """All of a file. Raises ``failure``."""
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise failure(f"{file} does not exist") from error
    except OSError as error:
        raise failure(f"{file} cannot be read: {error.strerror or error}") from error


def read_json(file: Path, failure: type[Exception] = FileError) -> dict[str, Any]:
    """What `write_json` was given. Raises ``failure``."""
    content = read_bytes(file, failure)
    try:
        document = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise failure(f"{file} is damaged: {error}") from error
    if not isinstance(document, dict) or "digest" not in document:
        raise failure(f"{file} is damaged or of an earlier version: it holds no digest")
    if document.pop("digest") != _json_digest(document):
        raise failure(f"{file} is damaged or was changed by hand: its digest is not that of its content")
    return document


def read_arrays(
    file: Path, failure: type[Exception] = FileError, limit_bytes: int | None = None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What `write_arrays` was given, arrays and header.

    Args:
        failure: the error to raise.
        limit_bytes: how large all arrays may be together; None for the file's own size, which suffices where they
            are not compressed.
    """
    content = read_bytes(file, failure)
    body, seal = content[:-_SEAL_BYTES], content[-_SEAL_BYTES:]
    if not seal.startswith(_SEAL):
        raise failure(f"{file} is damaged or of an earlier version: it does not end in a digest")
    if seal != _seal(body):
        raise failure(f"{file} is damaged: its digest is not that of its content")
    try:
        arrays = _unpack(content, len(content) if limit_bytes is None else limit_bytes)
        return arrays, dict(json.loads(str(arrays.pop(_META))))
    except Exception as error:  # only for a forged file; there, zipfile, zlib, NumPy and json raise a dozen kinds
        raise failure(f"{file} is damaged: {error!r:.200}") from error


def json_lines(file: Path, failure: type[Exception] = FileError) -> Iterator[tuple[dict[str, Any], int]]:
    """The lines that `append_json_line` was given, in order, each with the offset of its end in the file.

    A line that a kill has cut off at the end is left out. Raises ``failure`` at a line that is not what was written.
    """
    content = read_bytes(file, failure)
    before = end = 0
    for number, text in enumerate(content.split(b"\n")[:-1], 1):
        found = _CHECKED_LINE.fullmatch(text)
        if not found:
            raise failure(f"{file} is damaged or of an earlier version: line {number} has no checksum")
        before = zlib.crc32(found[1], before)
        if before != int(found[2], 16):
            raise failure(f"{file} is damaged: the checksum of line {number} is not that of its content")
        end += len(text) + 1
        try:
            line = json.loads(found[1] + b"}")
        except (ValueError, RecursionError) as error:
            raise failure(f"{file} is damaged: line {number}: {error}") from error
        yield line, end


def _seal(body: bytes) -> bytes:
    return _SEAL + hashlib.sha256(body).hexdigest().encode()


def _json_digest(document: dict[str, Any]) -> str:
    """Of the document as it would be read back, whatever the order of its keys."""
    canonical = json.dumps(json.loads(json.dumps(document)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _unpack(content: bytes, limit_bytes: int) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        if size > limit_bytes:
            raise ValueError(f"its arrays would take {size:,} bytes, at most {limit_bytes:,} are read")
        arrays = {}
        for member in members:
            with archive.open(member) as stream:
                data = io.BytesIO(stream.read(member.file_size))
            arrays[member.filename.removesuffix(".npy")] = np.lib.format.read_array(data, allow_pickle=False)
        return arrays


def _free_bytes(file: Path) -> int:
    """Of the disk that a file would be on."""
    return shutil.disk_usage(next(folder for folder in file.absolute().parents if folder.is_dir())).free
