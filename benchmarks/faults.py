"""The faults of which the recovery is measured; each is a context that yields its moment and undoes itself."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import asyncpg
from msgspec import Struct

from benchmarks.recovery_hall import Hall
from benchmarks.running import Service, children
from tests.faults.chaos import Chaos

IDLE_SECONDS = 0.5
WRITER = "select pid from pg_stat_activity where application_name like 'queue-server writer%'"
STATE = "select state from pg_stat_activity where pid = $1"


class Setting(Struct, frozen=True):
    """A service in use, the address of its database, and the proxy before that, if there is one."""

    service: Service
    hall: Hall
    dsn: str
    proxy: Chaos | None


@contextlib.asynccontextmanager
async def silent_in_flight(setting: Setting) -> AsyncIterator[float]:
    """Swallow the answers of the database while commands are under way."""
    await setting.hall.busy()
    yield _mute(setting)


@contextlib.asynccontextmanager
async def silent_while_idle(setting: Setting) -> AsyncIterator[float]:
    """Swallow the answers of the database while nobody asks; half a second later somebody does."""
    await setting.hall.rest()
    await asyncio.sleep(IDLE_SECONDS)
    since = _mute(setting)
    await asyncio.sleep(IDLE_SECONDS)
    setting.hall.go_on()
    yield since


def _mute(setting: Setting) -> float:
    if setting.proxy is None or not setting.proxy.connections:
        raise RuntimeError("nothing goes through a proxy")
    since = time.monotonic()
    setting.proxy.mute()
    return since


@contextlib.asynccontextmanager
async def silent_backend(setting: Setting) -> AsyncIterator[float]:
    """Stop the process behind the writer's connection, between two statements."""
    connection = await asyncpg.connect(setting.dsn)
    pid = int(await connection.fetchval(WRITER))
    try:
        since = await _stop_between_statements(connection, pid)
        yield since
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        await connection.close(timeout=5)


async def _stop_between_statements(connection: asyncpg.Connection, pid: int) -> float:
    """Return the moment at which the process was stopped for good."""
    while True:
        since = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        with contextlib.suppress(TimeoutError):
            if await connection.fetchval(STATE, pid, timeout=0.5) == "idle":
                return since
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def service_killed(setting: Setting) -> AsyncIterator[float]:
    """Kill the service and start it again."""
    since = time.monotonic()
    setting.service.kill()
    setting.service.launch()
    yield since


@contextlib.asynccontextmanager
async def database_killed(setting: Setting) -> AsyncIterator[float]:
    """Kill the database; starting it again is the service's own affair."""
    yield kill_database(setting.service)


def kill_database(service: Service) -> float:
    """Kill all processes of the database; returns the moment of the first kill."""
    if (pid := service.database_pid()) is None:
        raise RuntimeError("there is no database")
    processes = (pid, *children(pid))
    since = time.monotonic()
    for each in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    return since


FAULTS: dict[str, Callable[[Setting], AbstractAsyncContextManager[float]]] = {
    "silent, commands in flight": silent_in_flight,
    "silent while idle": silent_while_idle,
    "silent backend": silent_backend,
    "service killed": service_killed,
    "database killed": database_killed,
}
PROXIED = {"silent, commands in flight", "silent while idle"}
