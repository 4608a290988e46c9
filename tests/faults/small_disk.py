"""A file system of a few megabytes that can be filled to the last byte."""

import contextlib
import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_CHUNKS = (1 << 20, 1 << 12, 1)


class SmallDisk:
    """A file system of its own at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no room, not even for one byte."""
        for size in _CHUNKS:
            with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as ballast:
                while ballast.write(bytes(size)) == size:
                    pass
        with pytest.raises(OSError) as full, self._ballast.open("ab", buffering=0) as ballast:
            ballast.write(b"x")
        assert full.value.errno == errno.ENOSPC

    def free(self) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount one at *folder*; the test is skipped where that is not permitted."""
    folder.mkdir()
    done = _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder)
    if done.returncode != 0:
        pytest.skip(f"a file system of a test's own cannot be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a process that is only just ending may still hold a file.
        _run("umount", "--lazy", folder)


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        return subprocess.CompletedProcess(command, 1, "", str(missing))
