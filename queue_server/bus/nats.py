"""
Hints over core NATS, for many nodes.

All branches share one subject and travel many to a message: a node hears of thousands of branches with one subscription. The client
is not left to reconnect by itself: it waits for a frozen server's connection to end in good order, which may never be, and keeps
no promise about what it held back meanwhile. The line finds a silent server sooner and opens a fresh connection.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from queue_server.bus.line import Line

_log = structlog.get_logger(__name__)

SUBJECT = "queue.hints"
_CONNECT_SECONDS = 2
_CLOSE_SECONDS = 0.5
_MESSAGES_HELD = 4096


def nats_line(
    servers: Sequence[str],
    subject: str = SUBJECT,
    *,
    heartbeat_seconds: float = 2.0,
    patience_seconds: float = 4.0,
    waiting_limit: int = 10_000,
) -> Line:
    """
    Return a bus over any of *servers*, whose addresses (`nats://`, `tls://`) may carry a name and password, or a token.

    Installations that share servers must not share a *subject*.
    """
    return Line(
        lambda: NatsLink(servers, subject),
        heartbeat_seconds=heartbeat_seconds,
        patience_seconds=patience_seconds,
        waiting_limit=waiting_limit,
    )


class NatsLink:
    """One connection to one of the servers."""

    def __init__(self, servers: Sequence[str], subject: str) -> None:
        self._servers = list(servers)
        self._subject = subject
        self._client = Client()

    async def open(self, hear: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        """Connect to a server that answers, and subscribe."""

        async def on_message(message: Msg) -> None:
            hear(message.data)

        async def on_closed() -> None:
            lost("the connection to NATS is broken")

        await self._client.connect(
            self._servers,
            name="queue-server bus",
            allow_reconnect=False,
            # Each server is asked, twice at most, without a pause: the pauses are the line's.
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=_CONNECT_SECONDS,
            error_cb=_on_error,
            closed_cb=on_closed,
        )
        await self._client.subscribe(self._subject, cb=on_message, pending_msgs_limit=_MESSAGES_HELD)

    async def send(self, messages: Sequence[bytes]) -> None:
        """Publish *messages*, and wait until the server has read them."""
        for message in messages:
            await self._client.publish(self._subject, message)
        # Closing a socket on which something has come in unread makes the kernel throw away what the other side has not read yet.
        await self._client.flush()

    async def close(self) -> None:
        """Disconnect; a server that does not go along is left soon."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._client.close()
        except Exception as fault:  # noqa: BLE001 - it may have failed half-way through its opening, and is thrown away
            _log.debug("nats_left", reason=str(fault) or type(fault).__name__)


async def _on_error(fault: Exception) -> None:
    # A subscription that is not permitted is told in this way alone; the line then hears nothing and says that it is lost.
    _log.info("nats_error", reason=str(fault) or type(fault).__name__)
