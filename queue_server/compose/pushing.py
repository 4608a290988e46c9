"""The push feed: beside the commands, or as a process of its own that follows the log and holds the screens."""

from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from queue_server import __version__
from queue_server.access.tokens import Tokens
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
from queue_server.metrics.collector import Metrics
from queue_server.push.admission import Admission
from queue_server.push.hub import Hub
from queue_server.push.server import PushServer
from queue_server.runtime.runtime import Runtime
from queue_server.settings import Settings, reached_at
from queue_server.web.app import make_root_handler
from queue_server.web.server import WebServer

_log = structlog.get_logger(__name__)


async def serve_push(settings: Settings, opened: Callable[[Addresses], None]) -> None:
    """
    Hold screens until SIGTERM or SIGINT, telling them what other processes write; *opened* is called when everything answers.

    On the http port only health, readiness and metrics are found.

    Raises:
        CannotStartError: why it could not begin.
        StoppedError: why it could not go on.
    """
    stop = stop_asked_for()
    await try_ports(settings)
    async with AsyncExitStack() as parts:
        dsn = await parts.enter_async_context(database(settings, exclusive=False))
        metrics = Metrics(__version__, settings.wait_buckets)
        log = await parts.enter_async_context(open_log(dsn, settings))
        runtime = await parts.enter_async_context(running(log, settings, metrics, writes=False))
        tokens = await parts.enter_async_context(known_tokens(dsn))
        bus = await parts.enter_async_context(hinted(runtime, dsn, await log.log_id(), settings))
        hub = feed_of(runtime, settings)
        # What waits in the branches is told by the nodes that write.
        metrics.ask(tuple, lambda: hub.connected, int)
        metrics.ask_bus(bus.state if bus is not None else None)
        push = await open_feed(parts, hub, tokens, settings)
        handler = make_root_handler(
            runtime,
            tokens,
            metrics_page=metrics.render,
            metrics_open=settings.metrics_open,
            push_port=push.port,
            version=__version__,
        )
        web = WebServer(handler, settings.http_host, settings.http_port)
        await bind(web.start(), settings.http_host, settings.http_port, "http")
        parts.push_async_callback(web.close)
        keep(parts, metrics.measure_loop(), "loop lag")
        spare_the_collector()
        opened(
            Addresses(f"http://{reached_at(settings.http_host)}:{web.port}", f"ws://{reached_at(settings.push_host)}:{push.port}")
        )
        await serve_until(stop, runtime)
        _log.info("stopping")


def feed_of(runtime: Runtime, settings: Settings) -> Hub:
    """Return the hub of the screens, which watches *runtime*."""
    hub = Hub(
        runtime,
        heartbeat_seconds=settings.heartbeat_seconds,
        outlook_seconds=settings.outlook_seconds,
        buffer_bytes=settings.screen_buffer_bytes,
    )
    runtime.observers.append(hub)
    return hub


async def open_feed(parts: AsyncExitStack, hub: Hub, tokens: Tokens, settings: Settings) -> PushServer:
    """Let screens in until *parts* are closed."""
    push = PushServer(
        hub,
        Admission(tokens),
        host=settings.push_host,
        port=settings.push_port,
        screens_limit=settings.screens_limit,
        buffer_bytes=settings.screen_buffer_bytes,
    )
    await bind(push.start(), settings.push_host, settings.push_port, "push")
    parts.push_async_callback(push.close)
    return push
