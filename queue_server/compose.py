"""Puts the parts together: the only place that knows which implementation stands behind each port."""

import asyncio
import gc
import secrets
import signal
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeAlias

import structlog
from msgspec import Struct

from queue_server import __version__
from queue_server.access.postgres import PostgresTokens
from queue_server.access.tokens import Tokens, TokenStore
from queue_server.core.configuration import Configuration
from queue_server.eventlog.embedded import EmbeddedPostgres, EngineError
from queue_server.eventlog.migrate import SchemaError, migrate
from queue_server.eventlog.port import LogUnavailable
from queue_server.eventlog.postgres import PostgresLog
from queue_server.eventlog.postgres_writer import DurabilityError
from queue_server.metrics.collector import Metrics
from queue_server.notes.port import Notes
from queue_server.notes.postgres import PostgresNotes
from queue_server.notes.retention import keep_forgetting
from queue_server.push.admission import Admission
from queue_server.push.hub import Hub
from queue_server.push.server import PushServer
from queue_server.runtime.clock import LogClock
from queue_server.runtime.commits import Probe
from queue_server.runtime.runtime import Runtime
from queue_server.settings import Settings, reached_at
from queue_server.web.app import make_handler
from queue_server.web.server import WebServer
from queue_server.wire.configuration import read_configuration

_log = structlog.get_logger(__name__)

_PARTITIONS_EVERY_SECONDS = 24 * 3600
_SAMPLE = "main.toml"
_COLLECT_EVERY = 20_000

Put: TypeAlias = Literal["created", "replaced", "unchanged"]


class CannotStartError(Exception):
    """The command cannot be carried out; the message is one sentence for whoever gave it."""


class StoppedError(Exception):
    """The service could not go on; the message is one sentence for whoever started it."""


class Addresses(Struct, frozen=True):
    """Where the service can be reached."""

    http: str
    push: str


async def serve(settings: Settings, opened: Callable[[Addresses], None]) -> None:
    """
    Serve until SIGTERM or SIGINT; *opened* is called when everything answers.

    Raises:
        CannotStartError: why it could not begin.
        StoppedError: why it could not go on.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Before anything that takes seconds or leaves something behind: another service may be running here.
    await _bind(_try_port(settings.push_host, settings.push_port), settings.push_host, settings.push_port, "push")
    await _bind(_try_port(settings.http_host, settings.http_port), settings.http_host, settings.http_port, "http")
    async with AsyncExitStack() as parts:
        dsn = await parts.enter_async_context(database(settings, exclusive=True))
        metrics = Metrics(__version__, settings.wait_buckets)
        log = await parts.enter_async_context(open_log(dsn, settings))
        runtime = await parts.enter_async_context(running(log, settings, metrics))
        tokens = await parts.enter_async_context(_tokens(dsn))
        notes = PostgresNotes(dsn)
        parts.push_async_callback(notes.close)
        await _open_sample(runtime)
        addresses = await _listen(parts, settings, runtime, tokens, notes, metrics, await log.secret())
        _keep(parts, metrics.measure_loop(), "loop lag")
        _keep(parts, _make_partitions(log), "partitions")
        _keep(parts, keep_forgetting(notes, log), "old notes")
        _spare_the_collector()
        opened(addresses)
        await _serve_until(stop, runtime)
        _log.info("stopping")


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
async def running(log: PostgresLog, settings: Settings, probe: Metrics | None = None) -> AsyncIterator[Runtime]:
    """The runtime over *log*, which takes commands until it is left."""
    watched: Probe | None = probe
    runtime = Runtime(
        log,
        LogClock(),
        probe=watched,
        queue_limit=settings.command_queue_limit,
        batch_limit=settings.batch_limit,
        timeout_seconds=settings.command_timeout_seconds,
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
async def token_store(dsn: str) -> AsyncIterator[TokenStore]:
    """The tokens in the database at *dsn*."""
    store = PostgresTokens(dsn)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def _tokens(dsn: str) -> AsyncIterator[Tokens]:
    async with token_store(dsn) as store:
        tokens = Tokens(store)
        await tokens.start()
        try:
            yield tokens
        finally:
            await tokens.close()


async def _listen(  # noqa: PLR0917 - one of each part
    parts: AsyncExitStack, settings: Settings, runtime: Runtime, tokens: Tokens, notes: Notes, metrics: Metrics, secret: bytes
) -> Addresses:
    hub = Hub(
        runtime,
        heartbeat_seconds=settings.heartbeat_seconds,
        outlook_seconds=settings.outlook_seconds,
        buffer_bytes=settings.screen_buffer_bytes,
    )
    runtime.observers.append(hub)
    metrics.ask(runtime.loaded, lambda: hub.connected, lambda: runtime.queued)
    push = PushServer(
        hub,
        Admission(tokens),
        host=settings.push_host,
        port=settings.push_port,
        screens_limit=settings.screens_limit,
        buffer_bytes=settings.screen_buffer_bytes,
    )
    await _bind(push.start(), settings.push_host, settings.push_port, "push")
    parts.push_async_callback(push.close)
    handler = make_handler(
        runtime,
        tokens,
        notes,
        secret=secret,
        metrics_page=metrics.render,
        metrics_open=settings.metrics_open,
        push_port=push.port,
        push_url=settings.push_public_url,
        static_dir=Path(str(files("queue_server.web") / "static")),
        version=__version__,
    )
    web = WebServer(handler, settings.http_host, settings.http_port)
    await _bind(web.start(), settings.http_host, settings.http_port, "http")
    parts.push_async_callback(web.close)
    return Addresses(f"http://{reached_at(settings.http_host)}:{web.port}", f"ws://{reached_at(settings.push_host)}:{push.port}")


def _spare_the_collector() -> None:
    """
    Leave what was built at the start out of garbage collection, and collect less often.

    Facts and tickets, which are most of what lives long, are not tracked at all; what is tracked dies with its request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY, 10, 50)


async def _bind(start: Any, host: str, port: int, name: str) -> None:
    try:
        await start
    except OSError as fault:
        said = f"{host}:{port} cannot be listened on ({fault.strerror or fault}); choose another with QUEUE_{name.upper()}_PORT."
        raise CannotStartError(said) from None


async def _try_port(host: str, port: int) -> None:
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)
    server.close()


async def _serve_until(stop: asyncio.Event, runtime: Runtime) -> None:
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


def _keep(parts: AsyncExitStack, work: Any, name: str) -> None:
    task = asyncio.get_running_loop().create_task(work, name=name)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    parts.push_async_callback(end)


async def _make_partitions(log: PostgresLog) -> None:
    while True:
        await asyncio.sleep(_PARTITIONS_EVERY_SECONDS)
        try:
            await log.make_partitions()
        except Exception:  # noqa: BLE001 - logged, and tried again: they are made three months ahead
            _log.exception("partitions could not be made")


async def _open_sample(runtime: Runtime) -> None:
    """A service without any branch gets the sample one: something to look at, and to start one's own from."""
    if not await runtime.branches():
        content = tomllib.loads((files("queue_server.samples") / _SAMPLE).read_text(encoding="utf-8"))
        await put_configuration(runtime, read_configuration(content), next_day=False)
        _log.info("sample branch created")


async def put_configuration(runtime: Runtime, configuration: Configuration, *, next_day: bool) -> tuple[Put, int]:
    """Create the branch or replace its configuration, whatever it is now; return what that was, and the version."""
    expected: int | None = None
    if await runtime.exists(configuration.id):
        version, newest, in_force = await runtime.read(configuration.id, lambda state, _: (*state.newest, state.version))
        # One that waits for the next day may still be wanted now.
        if newest == configuration and (next_day or version == in_force):
            return "unchanged", version
        expected = version
    created, version = await runtime.put_configuration(
        configuration.id,
        configuration,
        expected=expected,
        next_day=next_day,
        actor="admin:command-line",
        command_id=f"branch-apply:{configuration.id}:{secrets.token_hex(8)}",
    )
    return "created" if created else "replaced", version
