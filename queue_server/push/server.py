"""
The websockets server: it lets screens in, hands them to the hub, and pumps what the hub says.

Writing never waits: frames go straight into the connection's buffer, whose bound the hub watches. Any Origin may connect: there
are no cookies, so a page of somebody else's has nothing to ride on; whoever connects must bring a token.
"""

import asyncio
import logging
import socket
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Literal, cast

import structlog
from msgspec import DecodeError, Struct, json
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import OPEN

from queue_server.access.roles import Principal
from queue_server.push.admission import Admission
from queue_server.push.guests import Guest, Guests
from queue_server.push.hello import branch_of, wish_of
from queue_server.push.hub import Hub
from queue_server.push.line import Line, Packing
from queue_server.push.refusals import Refusal, internal_error, unauthenticated, unavailable, unknown_branch
from queue_server.push.rounds import every
from queue_server.push.turnstile import Turnstile
from queue_server.runtime.errors import UnknownBranch, Unsettled

_log = structlog.get_logger(__name__)

_RESTART = 1012
_LARGEST_MESSAGE = 4096
_OPEN_SECONDS = 5.0
_CLOSE_SECONDS = 1.0
_PING_SECONDS = 20.0
_KERNEL_BYTES = 65_536
"""What the system may hold of a screen's bytes beside our own bound; by itself it would take megabytes, all of them stale."""
_ACCEPTED_AT_ONCE = 4
"""In one turn of the event loop. When all screens of a bank come back at once, commands go on in between."""
_LET_IN_AT_ONCE = 4
"""Likewise: hundreds of requests may arrive in one moment, however slowly their connections were accepted."""
_WAITING_TO_BE_ACCEPTED = 4096
"""In the system's queue; one that finds it full tries again only after a second, then after three."""

_QUIET = logging.getLogger(f"{__name__}.websockets")
_QUIET.setLevel(logging.CRITICAL)
"""For the library, which writes a traceback for every port scan; what is worth telling is logged here."""


class _Auth(Struct):
    type: Literal["auth"]
    token: str


class PushServer:
    """
    Serves the feed of every branch on one port.

    *screens_limit* bounds the screens that were let in; those whose token is still to come are bounded apart, overall by
    *strangers_limit* and from one address by *strangers_of_peer*: wide enough for all screens of a bank that come back at once
    through one proxy. *auth_seconds* is how long a screen without an Authorization header has for its token; every
    *recheck_seconds* the tokens of all screens are looked at again.
    """

    def __init__(
        self,
        hub: Hub,
        admission: Admission,
        *,
        host: str = "127.0.0.1",
        port: int = 8081,
        screens_limit: int = 2000,
        strangers_limit: int = 4096,
        strangers_of_peer: int = 2048,
        buffer_bytes: int = 262_144,
        auth_seconds: float = 5.0,
        recheck_seconds: float = 1.0,
    ) -> None:
        self._hub = hub
        self._admission = admission
        self._host = host
        self._port = port
        self._guests = Guests(screens_limit, strangers_limit, strangers_of_peer)
        self._buffer_bytes = buffer_bytes
        self._auth_seconds = auth_seconds
        self._recheck_seconds = recheck_seconds
        self._packing = Packing()
        self._turnstile = Turnstile(_LET_IN_AT_ONCE)
        self._server: Server | None = None
        self._rounds: list[asyncio.Task[None]] = []
        self._handlers: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server is not None else self._port

    async def start(self) -> None:
        """Listen, and keep the screens informed. Raises OSError when the port cannot be had."""
        self._server = await serve(
            self._serve,
            self._host,
            self._port,
            process_request=self._receive,
            create_connection=cast("type[Guest]", partial(Guest, guests=self._guests)),
            # Paid for each screen, and it halves what one process can tell; the messages are small.
            compression=None,
            server_header=None,
            open_timeout=_OPEN_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            ping_interval=_PING_SECONDS,
            ping_timeout=_PING_SECONDS,
            max_size=_LARGEST_MESSAGE,
            # Pings wait while writing is paused; below the hub's own bound they must not, or a dead screen goes unnoticed.
            write_limit=self._buffer_bytes,
            logger=_QUIET,
            backlog=_ACCEPTED_AT_ONCE,
        )
        for listening in self._server.sockets:
            with listening.dup() as twin:
                twin.listen(_WAITING_TO_BE_ACCEPTED)
        loop = asyncio.get_running_loop()
        self._rounds = [
            loop.create_task(self._hub.run(), name="push hub"),
            loop.create_task(every(self._recheck_seconds, self._recheck, "tokens"), name="push tokens"),
        ]

    async def close(self) -> None:
        """Send all screens away with 1012, so that they come back to whoever serves next; within about a second. Idempotent."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close(close_connections=False)
        self._guests.abort_unopened()
        await asyncio.gather(*(self._end(connection, _RESTART, "restart") for connection in server.connections))
        for task in (*self._rounds, *self._handlers):
            task.cancel()
        await asyncio.gather(*self._rounds, *self._handlers, *self._closing, return_exceptions=True)
        self._guests.abort()
        await server.wait_closed()

    async def _receive(self, connection: ServerConnection, request: Request) -> Response | None:
        assert isinstance(connection, Guest)  # noqa: S101 - `create_connection` makes nothing else
        # The task serves the connection from here to its end.
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)
        try:
            await self._turnstile.enter()
            await self._knock(connection, request)
        except Refusal as refusal:
            return _response(refusal)
        except Exception:  # noqa: BLE001 - logged; whoever knocked learns no more than that
            _log.exception("handshake failed", path=request.path.partition("?")[0])
            return _response(internal_error())
        return None

    async def _knock(self, guest: Guest, request: Request) -> None:
        guest.branch_id = branch_of(request.path)
        authorizations = request.headers.get_all("Authorization")
        if not authorizations:
            # Browsers cannot set the header: the token is to come as the first message.
            guest.wish = wish_of(request.path)
            self._guests.wait(guest)
            return
        token = _bearer(authorizations)
        principal = await self._enter(token, guest)
        guest.wish = wish_of(request.path)
        self._admission.look(principal, guest.wish.view)
        self._guests.admit(guest, token)

    async def _enter(self, token: str, guest: Guest) -> Principal:
        principal = await self._admission.identify(token, guest.peer)
        self._admission.enter(principal, guest.branch_id)
        try:
            await self._hub.find(guest.branch_id)
        except UnknownBranch:
            raise unknown_branch(guest.branch_id) from None
        except Unsettled:
            raise _unreadable() from None
        return principal

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, Guest)  # noqa: S101 - `create_connection` makes nothing else
        try:
            if connection.token is None:
                await self._hear_token(connection)
            await self._follow(connection)
        except Refusal as refusal:
            await self._end(connection, refusal.close_code, refusal.reason)
        except ConnectionClosed:
            pass  # nothing to clean up: it followed nothing, or `_follow` has let it go
        except Exception:  # noqa: BLE001 - logged; the screen comes back
            _log.exception("feed failed", branch=connection.branch_id)
            fault = internal_error()
            await self._end(connection, fault.close_code, fault.reason)

    async def _hear_token(self, guest: Guest) -> None:
        try:
            async with asyncio.timeout(self._auth_seconds):
                message = await guest.recv(decode=False)
            token = json.decode(message, type=_Auth).token
        except (TimeoutError, DecodeError, ValueError, RecursionError):
            raise unauthenticated() from None
        principal = await self._enter(token, guest)
        self._admission.look(principal, guest.wish.view)
        self._guests.admit(guest, token)

    async def _follow(self, guest: Guest) -> None:
        guest.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        following = guest.wish.following(guest.branch_id)
        session = self._hub.enroll(guest.wish.after)
        try:
            await self._hub.join(session, following, Line(guest, self._packing))
            # Screens have nothing more to say; reading on is what notices that they have gone.
            async for _ in guest:
                pass
        except (UnknownBranch, Unsettled):
            raise _unreadable() from None
        finally:
            self._hub.leave(session, following)

    async def _recheck(self) -> None:
        for guest in list(self._guests.present):
            if guest.token is not None and guest.state is OPEN and await self._admission.is_revoked(guest.token):
                refusal = unauthenticated()
                closing = asyncio.create_task(self._end(guest, refusal.close_code, refusal.reason))
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)

    async def _end(self, connection: ServerConnection, code: int, reason: str) -> None:
        """Close a connection, in no more than about a second: one that is stuck is cut off."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await connection.close(code, reason)
            return
        connection.transport.abort()


def _unreadable() -> Refusal:
    return unavailable("The branch cannot be read now; try again")


def _bearer(authorizations: list[str]) -> str:
    scheme, _, token = authorizations[0].partition(" ")
    if scheme.lower() != "bearer" or len(authorizations) != 1:
        raise unauthenticated()
    return token.strip()


def _response(refusal: Refusal) -> Response:
    headers = Headers({"Content-Type": "application/problem+json", "Content-Length": str(len(refusal.body)), "Connection": "close"})
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.retry_seconds is not None:
        headers["Retry-After"] = str(refusal.retry_seconds)
    return Response(refusal.status, HTTPStatus(refusal.status).phrase, headers, refusal.body)
