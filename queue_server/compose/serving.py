"""The whole service in one process: commands, screens and metrics."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib.resources import files
from pathlib import Path

import structlog

from queue_server import __version__
from queue_server.access.tokens import Tokens
from queue_server.compose.branches import open_sample
from queue_server.compose.parts import (
    Addresses,
    bind,
    database,
    hinted,
    keep,
    known_tokens,
    open_log,
    running,
    serve_until,
    spare_the_collector,
    stop_asked_for,
    try_ports,
)
from queue_server.compose.pushing import feed_of, open_feed
from queue_server.eventlog.postgres import PostgresLog
from queue_server.metrics.collector import Metrics
from queue_server.notes.port import Notes
from queue_server.notes.postgres import PostgresNotes
from queue_server.notes.retention import keep_forgetting
from queue_server.runtime.runtime import Runtime
from queue_server.settings import Settings, reached_at
from queue_server.web.app import make_handler
from queue_server.web.server import WebServer

_log = structlog.get_logger(__name__)

_PARTITIONS_EVERY_SECONDS = 24 * 3600


async def serve(settings: Settings, opened: Callable[[Addresses], None]) -> None:
    """
    Serve until SIGTERM or SIGINT; *opened* is called when everything answers.

    Raises:
        CannotStartError: why it could not begin.
        StoppedError: why it could not go on.
    """
    stop = stop_asked_for()
    await try_ports(settings)
    async with AsyncExitStack() as parts:
        dsn = await parts.enter_async_context(database(settings, exclusive=True))
        metrics = Metrics(__version__, settings.wait_buckets)
        log = await parts.enter_async_context(open_log(dsn, settings))
        runtime = await parts.enter_async_context(running(log, settings, metrics))
        tokens = await parts.enter_async_context(known_tokens(dsn))
        bus = await parts.enter_async_context(hinted(runtime, dsn, await log.log_id(), settings))
        notes = PostgresNotes(dsn)
        parts.push_async_callback(notes.close)
        await open_sample(runtime)
        metrics.ask_bus(bus.state if bus is not None else None)
        addresses = await _listen(parts, settings, runtime, tokens, notes, metrics, await log.secret())
        keep(parts, metrics.measure_loop(), "loop lag")
        keep(parts, _make_partitions(log), "partitions")
        keep(parts, keep_forgetting(notes, log), "old notes")
        spare_the_collector()
        opened(addresses)
        await serve_until(stop, runtime)
        _log.info("stopping")
        await runtime.wind_down()


async def _listen(  # noqa: PLR0917 - one of each part
    parts: AsyncExitStack,
    settings: Settings,
    runtime: Runtime,
    tokens: Tokens,
    notes: Notes,
    metrics: Metrics,
    secret: bytes,
) -> Addresses:
    hub = feed_of(runtime, settings)
    metrics.ask(runtime.loaded, lambda: hub.connected, lambda: runtime.queued)
    push = await open_feed(parts, hub, tokens, settings)
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
    await bind(web.start(), settings.http_host, settings.http_port, "http")
    parts.push_async_callback(web.close)
    return Addresses(f"http://{reached_at(settings.http_host)}:{web.port}", f"ws://{reached_at(settings.push_host)}:{push.port}")


async def _make_partitions(log: PostgresLog) -> None:
    while True:
        await asyncio.sleep(_PARTITIONS_EVERY_SECONDS)
        try:
            await log.make_partitions()
        except Exception:  # noqa: BLE001 - logged, and tried again: they are made three months ahead
            _log.exception("partitions could not be made")
