"""Damage to files: seeded flips, cuts, insertions and removals; and a disk that is full."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np


def mutations(whole: bytes, count: int, seed: int = 14) -> Iterator[bytes]:
    """``count`` damaged versions of a file, none equal to it, in equal shares of five kinds: a flipped bit, a byte set
    to another value, a cut at the end, up to eight bytes put in, up to eight bytes taken out."""
    rng = np.random.default_rng(seed)
    made = 0
    while made < count:
        at = int(rng.integers(len(whole)))
        length = int(rng.integers(1, 9))
        damaged = (
            whole[:at] + bytes([whole[at] ^ 1 << int(rng.integers(8))]) + whole[at + 1 :],
            whole[:at] + rng.bytes(1) + whole[at + 1 :],
            whole[:at],
            whole[:at] + rng.bytes(length) + whole[at:],
            whole[:at] + whole[at + length :],
        )[made % 5]
        if damaged != whole:
            made += 1
            yield damaged


def replace(file: Path, content: bytes) -> None:
    """Give a file another content. As a new file: some disks wait for an old one's blocks when it is cut and filled."""
    file.unlink(missing_ok=True)
    file.write_bytes(content)


@contextlib.contextmanager
def full_disk(limit_bytes: int) -> Iterator[None]:
    """Within, no file may become larger than this, which the system reports as it does a full disk. Needs no rights."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
