"""
One clock for all: the database's.

A node knows how far its own monotonic clock is from the log's clock and runs on the monotonic one in between, so that stepping
the host's clock does nothing. Each exchange with the log bounds the offset from both sides; it moves only when it is outside.
"""

import time
from typing import Protocol

from queue_server.core.ids import Instant


class Clock(Protocol):
    """Tells the time of the log (ms, UTC)."""

    def now(self) -> Instant:
        """Return the present moment."""
        ...

    def observe(self, sent: float, received: float, log_clock: Instant) -> None:
        """Learn that the log's clock read *log_clock* somewhere between *sent* and *received* (seconds, monotonic)."""
        ...


class LogClock:
    """The log's clock, kept by the monotonic clock."""

    def __init__(self) -> None:
        self._offset_ms: float | None = None

    def now(self) -> Instant:
        """Return the present moment; the log must have been asked once."""
        if self._offset_ms is None:
            raise RuntimeError("the log's clock has not been read yet")
        return int(time.monotonic() * 1000 + self._offset_ms)

    def observe(self, sent: float, received: float, log_clock: Instant) -> None:
        """Move the offset to the nearest value that this exchange allows."""
        lowest, highest = log_clock - received * 1000, log_clock + 1 - sent * 1000
        if self._offset_ms is None:
            self._offset_ms = (lowest + highest) / 2
        else:
            self._offset_ms = min(max(self._offset_ms, lowest), highest)
