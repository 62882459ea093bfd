"""The bytes of a pack's files, read with one named error and never taken for something else. Needs nothing of camtf."""

from __future__ import annotations

import errno
import hashlib
import json
import stat
from pathlib import Path
from typing import Any, NoReturn

_QUOTED = 200
_NO_DIGEST = "0" * 64
_LARGEST_MANIFEST = 64 << 20


class PackError(ValueError):
    """A file of a pack, or a result of it, is missing, damaged, or does not fit the others. Names the file."""


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def cut(text: object) -> str:
    """What somebody else wrote, as a message quotes it: in one line, at most 200 characters of it."""
    line = " ".join(str(text).split())
    return line if len(line) <= _QUOTED else f"{line[:_QUOTED]}... ({len(line):,} characters)"


def read(file: Path, size_bytes: int, sha256: str) -> bytes:
    """The bytes of a file that has this size and this digest. Raises PackError."""
    try:
        found = _size(file)
        if found != size_bytes:
            raise PackError(f"{file} has {found:,} bytes, its manifest says {size_bytes:,}")
        content = file.read_bytes()
    except FileNotFoundError as error:
        raise PackError(f"{file} is in the manifest, but does not exist") from error
    except OSError as error:
        raise PackError(f"{file} cannot be read: {error.strerror}") from error
    compare(file, content, sha256)
    return content


def compare(file: Path, content: bytes, sha256: str) -> None:
    """Raises PackError where content has another digest."""
    found = digest(content)
    if found != sha256:
        raise PackError(f"{file} has the digest {found[:16]}, its manifest says {sha256[:16]}")


def seal(content: dict[str, Any]) -> bytes:
    """An object as the bytes of a JSON file that begins with its ``digest``: the SHA-256 of these bytes with the 64
    digits of the digest written as zeros."""
    blank = (json.dumps({"digest": _NO_DIGEST, **content}, indent=1, allow_nan=False) + "\n").encode()
    return blank.replace(_NO_DIGEST.encode(), digest(blank).encode(), 1)


def read_sealed(file: Path) -> dict[str, Any]:
    """The object in a file that `seal` made, its digest included. Raises PackError where it is missing or damaged."""
    try:
        if _size(file) > _LARGEST_MANIFEST:
            raise ValueError(f"it has more than {_LARGEST_MANIFEST >> 20} MiB")
        raw = file.read_bytes()
        content = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except FileNotFoundError as error:
        raise PackError(f"{file} does not exist; python -m mobile.export makes a pack") from error
    except OSError as error:
        raise PackError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise PackError(f"{file} is damaged: {cut(error)}") from error
    said = str(content.get("digest", "")) if isinstance(content, dict) else ""
    if not said or digest(raw.replace(said.encode(), _NO_DIGEST.encode(), 1)) != said:
        raise PackError(f"{file} is damaged or of an earlier version: it does not begin with the digest of its content")
    return content


def _size(file: Path) -> int:
    """Bytes of a file. Raises OSError where it is a folder or a device."""
    about = file.stat()
    if not stat.S_ISREG(about.st_mode):
        raise OSError(errno.EINVAL, "it is not a file")
    return about.st_size


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
