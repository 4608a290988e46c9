"""The parts of a process that have to be opened and closed: database, log, runtime, tokens, and how it listens and stops."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import structlog
from msgspec import Struct

from queue_server.access.postgres import PostgresTokens
from queue_server.access.tokens import Tokens, TokenStore
from queue_server.bus.hints import CommitHints
from queue_server.bus.nats import SUBJECT as NATS_SUBJECT
from queue_server.bus.nats import nats_line
from queue_server.bus.port import Bus
from queue_server.bus.postgres import postgres_line
from queue_server.compose.faults import CannotStartError, StoppedError
from queue_server.eventlog.embedded import EmbeddedPostgres, EngineError
from queue_server.eventlog.migrate import SchemaError, migrate
from queue_server.eventlog.port import LogUnavailable
from queue_server.eventlog.postgres import PostgresLog
from queue_server.eventlog.postgres_writer import DurabilityError
from queue_server.metrics.collector import Metrics
from queue_server.runtime.clock import LogClock
from queue_server.runtime.commits import Probe
from queue_server.runtime.runtime import Runtime
from queue_server.settings import Settings

_log = structlog.get_logger(__name__)

NO_BUS = "none"

_COLLECT_EVERY = 20_000
_POLL_ALONE_SECONDS = 2.0
_POLL_SECONDS = 5.0
"""How often the heads are looked at; hints tell sooner, where there are any."""


class Addresses(Struct, frozen=True):
    """Where the service can be reached."""

    http: str
    push: str


def stop_asked_for() -> asyncio.Event:
    """Return what is set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def database(settings: Settings, *, exclusive: bool, migrated: bool = True) -> AsyncIterator[str]:
    """The address of the database, which is started where it is the embedded one, and brought to this version's schema."""
    async with AsyncExitStack() as engine:
        if settings.database_url is not None:
            dsn = settings.database_url
        else:
            embedded = EmbeddedPostgres(settings.data_dir, settings.postgres_bin, exclusive=exclusive)
            try:
                dsn = (await engine.enter_async_context(embedded)).dsn
            except EngineError as fault:
                raise CannotStartError(str(fault)) from None
        if migrated:
            await apply_migrations(dsn)
        yield dsn


async def apply_migrations(dsn: str) -> list[str]:
    """Bring the database at *dsn* to this version's schema; return what was applied."""
    try:
        return await migrate(dsn)
    except (SchemaError, LogUnavailable) as fault:
        raise CannotStartError(str(fault)) from None
    except Exception as fault:  # noqa: BLE001 - told to whoever gave the command
        # The address may hold a password, so only the kind of the fault and the server's own words are told.
        raise CannotStartError(f"The database cannot be reached ({type(fault).__name__}: {fault}).") from None


@asynccontextmanager
async def open_log(dsn: str, settings: Settings) -> AsyncIterator[PostgresLog]:
    """The log in the database at *dsn*."""
    try:
        log = await PostgresLog.connect(dsn, command_timeout_seconds=settings.command_timeout_seconds)
    except (LogUnavailable, DurabilityError) as fault:
        raise CannotStartError(str(fault)) from None
    try:
        yield log
    finally:
        await log.close()


@asynccontextmanager
async def running(
    log: PostgresLog, settings: Settings, probe: Metrics | None = None, *, writes: bool = True
) -> AsyncIterator[Runtime]:
    """The runtime over *log*, which takes commands until it is left, or with *writes* False only follows what others write."""
    watched: Probe | None = probe
    runtime = Runtime(
        log,
        LogClock(),
        probe=watched,
        queue_limit=settings.command_queue_limit,
        batch_limit=settings.batch_limit,
        timeout_seconds=settings.command_timeout_seconds,
        poll_seconds=_POLL_ALONE_SECONDS if settings.bus_url == NO_BUS else _POLL_SECONDS,
        writes=writes,
    )
    if probe is not None:
        runtime.observers.append(probe)
    await runtime.start()
    try:
        yield runtime
    finally:
        try:
            await runtime.close()
        except Exception:  # noqa: BLE001 - logged; the rest is to be closed too
            _log.exception("the writer has ended by a fault")


@asynccontextmanager
async def hinted(runtime: Runtime, dsn: str, log_id: str, settings: Settings) -> AsyncIterator[Bus | None]:
    """The bus that joins *runtime* to the other nodes of the log *log_id*; None where the settings want none."""
    bus = bus_of(dsn, log_id, settings.bus_url)
    if bus is None:
        yield None
        return
    polls: set[asyncio.Task[None]] = set()

    def look_at_all() -> None:
        task = asyncio.get_running_loop().create_task(_poll(runtime), name="poll after silence")
        polls.add(task)
        task.add_done_callback(polls.discard)

    bus.listen(lambda hint: runtime.hint(hint.branch_id, hint.day, hint.seq), look_at_all)
    runtime.observers.append(CommitHints(bus))
    bus.start()
    try:
        yield bus
    finally:
        # What is still committed is told to the other nodes too.
        await runtime.close()
        await bus.close()


def bus_of(dsn: str, log_id: str, url: str | None) -> Bus | None:
    """Return the bus of the log *log_id* in the database at *dsn*, not started; None where *url* wants none."""
    if url is None:
        return postgres_line(dsn)
    # Installations may share a NATS. Those of one log have its identifier in common, not its epoch: a failover changes that, and
    # nodes started before and after it must still hear each other.
    return None if url == NO_BUS else nats_line(url.split(","), f"{NATS_SUBJECT}.{log_id}")


async def _poll(runtime: Runtime) -> None:
    try:
        await runtime.poll()
    except LogUnavailable:
        _log.warning("the log does not answer", task="poll after silence")


@asynccontextmanager
async def token_store(dsn: str) -> AsyncIterator[TokenStore]:
    """The tokens in the database at *dsn*."""
    store = PostgresTokens(dsn)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def known_tokens(dsn: str) -> AsyncIterator[Tokens]:
    """The tokens of the database at *dsn*, which are asked for again when they change."""
    async with token_store(dsn) as store:
        tokens = Tokens(store)
        await tokens.start()
        try:
            yield tokens
        finally:
            await tokens.close()


def spare_the_collector() -> None:
    """
    Leave what was built at the start out of garbage collection, and collect less often.

    Facts and tickets, which are most of what lives long, are not tracked at all; what is tracked dies with its request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, 10, 50)


async def bind(start: Any, host: str, port: int, name: str) -> None:
    """Begin to listen by *start*, or say which setting would help."""
    try:
        await start
    except OSError as fault:
        said = f"{host}:{port} cannot be listened on ({fault.strerror or fault}); choose another with QUEUE_{name.upper()}_PORT."
        raise CannotStartError(said) from None


async def try_ports(settings: Settings) -> None:
    """See that both ports are free, before anything that takes seconds or leaves something behind: another service may run here."""
    await bind(_try_port(settings.push_host, settings.push_port), settings.push_host, settings.push_port, "push")
    await bind(_try_port(settings.http_host, settings.http_port), settings.http_host, settings.http_port, "http")


async def _try_port(host: str, port: int) -> None:
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)
    server.close()


async def serve_until(stop: asyncio.Event, runtime: Runtime) -> None:
    """Wait for *stop*; without its writer a service is of no use, and whoever supervises it is to start it anew."""
    loop = asyncio.get_running_loop()
    asked, failed = loop.create_task(stop.wait(), name="stop"), loop.create_task(runtime.failed(), name="failed")
    await asyncio.wait((asked, failed), return_when=asyncio.FIRST_COMPLETED)
    has_failed = failed.done()
    asked.cancel()
    failed.cancel()
    await asyncio.gather(asked, failed, return_exceptions=True)
    if has_failed:
        raise StoppedError("The writer has ended by a fault, which is in the log; start the service again.")


def keep(parts: AsyncExitStack, work: Any, name: str) -> None:
    """Let *work* run until *parts* are closed."""
    task = asyncio.get_running_loop().create_task(work, name=name)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    parts.push_async_callback(end)
