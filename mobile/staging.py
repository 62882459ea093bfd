"""Files of a pack on their way into its folder: all of them arrive, or none does."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from types import TracebackType

from camtf.files import FileError, writing


class Staging:
    """Collects the files of a folder, for use in ``with``. Where nobody has called `commit` by its end, the folder is
    as it was. They wait in a folder of their own inside it, on the same disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._new = folder / ".export"
        self._old = self._new / "before"
        self._names: list[str] = []

    def __enter__(self) -> Staging:
        shutil.rmtree(self._new, ignore_errors=True)
        with writing(self._new):
            self._old.mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        shutil.rmtree(self._new, ignore_errors=True)

    def write(self, name: str, content: bytes) -> None:
        """Add a file. Raises FileError, which names where it was to go."""
        with writing(self.folder / name, len(content)), (self._new / name).open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        self._names.append(name)

    def commit(self) -> None:
        """Bring all files to their places, in the order in which they were written. Raises FileError, with everything
        as it was before."""
        moved: list[tuple[Path, Path]] = []
        try:
            for name in self._names:
                with writing(self.folder / name):
                    if (self.folder / name).is_dir():
                        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                    for source, target in self._moves(name):
                        if source.exists():
                            source.replace(target)
                            moved.append((source, target))
        except FileError:
            for source, target in reversed(moved):
                target.replace(source)
            raise

    def _moves(self, name: str) -> tuple[tuple[Path, Path], tuple[Path, Path]]:
        """What is there goes out of the way, what is new takes its place."""
        return (self.folder / name, self._old / name), (self._new / name, self.folder / name)
