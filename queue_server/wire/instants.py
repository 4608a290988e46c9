"""Instants and durations as the interfaces write them: RFC 3339 in UTC with milliseconds, and numbers of seconds."""

from datetime import UTC, datetime
from functools import lru_cache

from queue_server.core.ids import Instant, Millis

_MILLIS = tuple(f".{ms:03d}Z" for ms in range(1000))


@lru_cache(maxsize=8192)
def _second(seconds: int) -> str:
    # Many instants of one answer fall into the same few seconds, and formatting a date is the slow part.
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def rfc3339(at: Instant) -> str:
    """Return *at* (ms since the epoch) as "2026-11-23T06:00:00.000Z"."""
    seconds, ms = divmod(at, 1000)
    return _second(seconds) + _MILLIS[ms]


def rfc3339_or_none(at: Instant | None) -> str | None:
    """Return *at* as RFC 3339; None stays None."""
    return None if at is None else rfc3339(at)


def seconds(ms: Millis) -> float:
    """Return a duration of *ms* as a number of seconds."""
    return ms / 1000


def seconds_or_none(ms: Millis | None) -> float | None:
    """Return a duration of *ms* as a number of seconds; None stays None."""
    return None if ms is None else ms / 1000


def milliseconds(duration: float) -> Millis:
    """Return a *duration* in seconds as the core keeps it."""
    return round(duration * 1000)


def milliseconds_or_none(duration: float | None) -> Millis | None:
    """Return a *duration* in seconds as the core keeps it; None stays None."""
    return None if duration is None else milliseconds(duration)
