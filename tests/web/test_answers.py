"""The bytes of an answer: the same whether the library made them or not."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from aiohttp import web

from tests.web.caller import Caller

Head = tuple[str, dict[str, str]]


class Line:
    """A connection on which requests are written by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self._reader = reader
        self._writer = writer
        self._token = token

    def write(self, first: str, *headers: str, body: bytes = b"", cut: int | None = None) -> None:
        """Send one request, with its body up to *cut*."""
        lines = [first, "Host: x", f"Authorization: Bearer {self._token}", f"Content-Length: {len(body)}", *headers, "", ""]
        self._writer.write("\r\n".join(lines).encode() + body[:cut])

    def write_on(self, content: bytes) -> None:
        """Send the rest of a request."""
        self._writer.write(content)

    async def head(self) -> Head:
        """Return the first line and the headers of the next answer."""
        async with asyncio.timeout(5):
            first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        return first, dict(line.split(": ", 1) for line in lines if line)

    async def answer(self) -> tuple[Head, bytes]:
        """Return the next answer."""
        head = await self.head()
        return head, await self._reader.readexactly(int(head[1]["Content-Length"]))

    async def rest(self) -> bytes:
        """Return what comes until the connection ends."""
        async with asyncio.timeout(5):
            return await self._reader.read()

    def close(self) -> None:
        self._writer.close()


@pytest.fixture
async def line(address: tuple[str, int], main: Caller) -> AsyncIterator[Line]:
    """A connection to the application as it listens in earnest."""
    line = Line(*await asyncio.open_connection(*address), main._token or "")
    yield line
    line.close()


ISSUE = "POST /v1/branches/main/tickets HTTP/1.1"
SERVICES = "GET /v1/branches/main/services HTTP/1.1"
BODY = b'{"service":"cash"}'


async def test_a_command_is_answered_alike_before_the_connection_ends_and_after(line: Line) -> None:
    line.write(ISSUE, "Idempotency-Key: once", body=BODY)
    (first, kept), receipt = await line.answer()
    line.write(ISSUE, "Idempotency-Key: once", "Connection: close", body=BODY)
    (last, ended), repeated = await line.answer()
    assert first == last == "HTTP/1.1 201 Created"
    assert receipt == repeated
    assert (ended.pop("Connection"), ended.pop("Idempotent-Replayed")) == ("close", "true")
    assert abs(parsedate_to_datetime(kept.pop("Date")) - datetime.now(UTC)) < timedelta(seconds=5)
    ended.pop("Date")
    assert kept == ended
    assert await line.rest() == b""


async def test_a_repeat_says_so_on_a_connection_that_stays(line: Line) -> None:
    for replayed in (None, "true"):
        line.write(ISSUE, "Idempotency-Key: once", body=BODY)
        (_, headers), _ = await line.answer()
        assert headers.get("Idempotent-Replayed") == replayed


async def test_a_read_is_answered_alike(line: Line) -> None:
    line.write(SERVICES)
    (first, kept), content = await line.answer()
    line.write(SERVICES, "Connection: close")
    (last, ended), again = await line.answer()
    assert (first, content) == (last, again)
    assert ended.pop("Connection") == "close"
    del kept["Date"], ended["Date"]
    assert kept == ended


async def test_an_older_client_is_told_that_the_connection_stays(line: Line) -> None:
    line.write(SERVICES.replace("1.1", "1.0"), "Connection: keep-alive")
    (first, headers), _ = await line.answer()
    assert (first, headers["Connection"]) == ("HTTP/1.0 200 OK", "keep-alive")


async def test_a_head_has_no_body(line: Line) -> None:
    line.write(SERVICES.replace("GET", "HEAD"))
    line.write(SERVICES)
    first, headers = await line.head()
    assert first == "HTTP/1.1 200 OK"
    (_, following), content = await line.answer()
    assert len(content) == int(following["Content-Length"]) == int(headers["Content-Length"])


async def test_requests_sent_at_once_are_answered_in_order(line: Line) -> None:
    for _ in range(3):
        line.write(ISSUE, body=BODY)
    numbers = [(await line.answer())[1] for _ in range(3)]
    assert [b'"number":"A00%d"' % n in receipt for n, receipt in enumerate(numbers, 1)] == [True] * 3


async def test_a_body_that_comes_in_pieces_is_waited_for(line: Line) -> None:
    line.write(ISSUE, "Expect: 100-continue", body=BODY, cut=9)
    # Asked for what is missing, so the half must have been read.
    assert (await line.head())[0] == "HTTP/1.1 100 Continue"
    line.write_on(BODY[9:])
    assert (await line.answer())[0][0] == "HTTP/1.1 201 Created"


async def test_who_asks_and_does_not_read_is_not_answered_on_and_on(
    listener: web.ServerRunner, address: tuple[str, int], main: Caller
) -> None:
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        await asyncio.get_running_loop().sock_connect(deaf, address)
        request = f"{SERVICES}\r\nHost: x\r\nAuthorization: Bearer {main._token}\r\n\r\n".encode()
        asking = asyncio.create_task(asyncio.get_running_loop().sock_sendall(deaf, request * 20_000))
        listening = listener.server
        assert listening is not None
        async with asyncio.timeout(20):
            while not any(connection._paused for connection in listening.connections):
                await asyncio.sleep(0)
        # More turns of the loop than a server takes that goes on: each answer needs a few.
        answered = listening.requests_count
        for _ in range(2_000):
            await asyncio.sleep(0)
        assert listening.requests_count <= answered + 1
        asking.cancel()
