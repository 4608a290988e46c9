"""
Who may use a data folder, settled by file locks that end with the process that holds them.

`run.lock` admits one service. `postgres.users` is shared by everybody who uses the engine: the last one out stops it.
`postgres.start` is held while one of them starts or stops it.
"""

import asyncio
import fcntl
import os
import time
from pathlib import Path

from queue_server.eventlog.embedded_binaries import EngineError

_POLL_SECONDS = 0.05


class FileLock:
    """An advisory lock on one file, shared or exclusive; it is never inherited by a program that is started."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def take(self, *, shared: bool = False) -> bool:
        """Take the lock, or change it to shared or exclusive; False when somebody else stands in the way."""
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    async def wait(self, limit_seconds: float, *, shared: bool = False) -> None:
        """Take the lock as soon as it is free."""
        give_up = time.monotonic() + limit_seconds
        while not self.take(shared=shared):
            if time.monotonic() > give_up:
                raise EngineError(f"Another process has held {self._path} for {limit_seconds:.0f} s.")
            await asyncio.sleep(_POLL_SECONDS)

    def note(self, text: str) -> None:
        """Write into the file, for people, who holds it."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def read(self) -> str:
        """Return what the holder noted."""
        return self._path.read_text().strip()

    def release(self) -> None:
        """Give the lock back; idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
