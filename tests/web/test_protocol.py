"""Bytes on the port that are no request, or one for no address."""

import asyncio
import json
import logging
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.web.caller import Caller

NO_REQUEST = [
    b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    b"MARKER\r\n\r\n",
    b"GET /MARKER HTTP/9.9\r\n\r\n",
    b"GET http://[MARKER HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /" + b"MARKER" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nMARKER\r\n\r\n",
]
NO_ADDRESS = [b"OPTIONS *", b"CONNECT elsewhere:443", b"GET http://elsewhere", b"GET //[", b"GET /v1"]


async def sent(address: tuple[str, int], content: bytes) -> tuple[int, dict[str, str], Any]:
    """Return status, headers and body of the answer to raw bytes, after which the connection must be over."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(content)
    async with asyncio.timeout(5):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), json.loads(body)


@pytest.mark.parametrize("content", NO_REQUEST)
async def test_what_is_no_request_gets_a_problem_and_leaves_no_trace(
    address: tuple[str, int], caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    with caplog.at_level(logging.INFO), capture_logs() as logs:
        status, headers, body = await sent(address, content)
    assert (status, body["status"], body["code"]) == (400, 400, "bad_request")
    assert (headers["Content-Type"], headers["Server"]) == ("application/problem+json", "queue-server")
    assert "MARKER" not in str(body)
    assert not caplog.records
    assert [entry["log_level"] for entry in logs] == ["debug"]


@pytest.mark.parametrize("line", NO_ADDRESS)
async def test_a_target_that_is_no_address_is_not_found(
    address: tuple[str, int], caplog: pytest.LogCaptureFixture, line: bytes
) -> None:
    with capture_logs() as logs:
        status, headers, body = await sent(address, line + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (status, body["code"]) == ((401, "unauthenticated") if b"v1" in line else (404, "not_found"))
    assert headers["Server"] == "queue-server"
    assert (caplog.records, logs) == ([], [])


async def test_a_body_that_is_not_what_it_says_and_that_nobody_read_leaves_no_trace(
    address: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n"
    assert (await sent(address, head + b"abc"))[0] == 404
    assert not caplog.records


async def test_a_client_that_goes_in_mid_request_leaves_no_trace(
    address: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logs:
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"POST /v1/branches HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        writer.transport.abort()
        assert (await sent(address, b"MARKER\r\n\r\n"))[0] == 400
    assert not caplog.records
    assert [entry["log_level"] for entry in logs] == ["debug"]


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(address: tuple[str, int], main: Caller) -> None:
    reader, writer = await asyncio.open_connection(*address)
    head = f"POST /v1/branches/main/tickets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {main._token}\r\n"
    writer.write(head.encode() + b"Content-Length: 18\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(5):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b'{"service":"cash"}')
        assert (await reader.read()).startswith(b"HTTP/1.1 201 Created\r\n")
    writer.close()
