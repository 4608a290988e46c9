"""
Answers whose headers are known beforehand.

The library puts the headers of each answer together anew, which takes as long as deciding most commands. To an ordinary request
everything but the moment and the length is the same each time, so the answer leaves in one piece; anything else a request may want
(an older HTTP, the end of the connection, no body) is left to the library.
"""

import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter


class Answers:
    """Makes all answers with *status* and *headers*."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self._status = status
        self._headers = headers
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            *(f"{name}: {value}" for name, value in headers.items()),
            "Date: ",
        ]
        self._head = "\r\n".join(lines).encode()

    def to(self, request: web.BaseRequest, content: bytes) -> web.StreamResponse:
        """Return the answer to *request* that has *content*."""
        if request.version == HttpVersion11 and request.keep_alive and request.method != "HEAD":
            return _OnePiece(
                self._status, b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (self._head, _date(int(time.time())), len(content), content)
            )
        return web.Response(body=content, status=self._status, headers=self._headers)


class _OnePiece(web.StreamResponse):
    """Bytes that are a whole answer, after which the connection stays open."""

    def __init__(self, status: int, piece: bytes) -> None:
        super().__init__(status=status)
        self._piece = piece
        self._writer: AbstractStreamWriter | None = None

    @property
    def keep_alive(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        self._writer = request.writer
        return self._writer

    async def write_eof(self, data: bytes = b"") -> None:
        del data
        if self._writer is not None:
            await self._writer.write(self._piece)
            # Whoever asks and does not read waits here, not in our memory.
            await self._writer.drain()


@lru_cache(1)
def _date(second: int) -> bytes:
    """Return a moment as HTTP writes it (RFC 9110, 5.6.7): nearly always the one that was asked for before."""
    return formatdate(second, usegmt=True).encode()
