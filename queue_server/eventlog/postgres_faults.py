"""Which errors mean that the log is away, and which mean that a row is bad."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from queue_server.eventlog.port import LogUnavailable

# A server killed in mid-query can surface as InternalClientError.
_CONNECTION_FAULTS = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    # The plan was made before a change of the schema; a new connection makes a new one.
    asyncpg.InvalidCachedStatementError,
)

# Insufficient resources, operator intervention (shutdown, statement time-out), system errors, rolled back for others' sake; and
# a server that does not know us or our database, as while it is being restored.
_UNAVAILABLE_CLASSES = frozenset({"53", "57", "58", "40", "28", "3D"})
# A read-only (demoted) server, and the lock time-out.
_UNAVAILABLE_STATES = frozenset({"25006", "55P03"})


def is_unavailable(error: BaseException) -> bool:
    """Say whether *error* tells of the connection or the server, so that the same request may succeed later."""
    if isinstance(error, asyncpg.InterfaceError):
        # asyncpg reports a value that it cannot encode as an InterfaceError that is a ValueError too: the row is at fault.
        return not isinstance(error, ValueError)
    if isinstance(error, _CONNECTION_FAULTS):
        return True
    state = error.sqlstate or "" if isinstance(error, asyncpg.PostgresError) else ""
    return state[:2] in _UNAVAILABLE_CLASSES or state in _UNAVAILABLE_STATES


@contextmanager
def unavailable_when_away() -> Iterator[None]:
    """Turn the faults of connection and server into LogUnavailable; let all others through."""
    try:
        yield
    except Exception as error:
        if is_unavailable(error):
            raise LogUnavailable(f"The event log did not answer: {type(error).__name__}: {error}") from error
        raise
