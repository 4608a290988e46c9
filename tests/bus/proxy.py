"""A proxy that stands before a server and can fall silent: connections stay open, and nothing passes any more."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeAlias

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class SilentProxy:
    """Passes bytes on, as an asynchronous context, until `swallow`; connections made after `heal` pass again."""

    def __init__(self, reach: Callable[[], Awaitable[Streams]]) -> None:
        self._reach = reach
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._swallowing = asyncio.Event()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    def swallow(self) -> None:
        """Let nothing pass on the connections that there are."""
        self._swallowing.set()

    def heal(self) -> None:
        """Let new connections pass."""
        self._swallowing = asyncio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await self._reach()
        self._writers += [writer, far_writer]
        for source, target in ((reader, far_writer), (far_reader, writer)):
            self._pumps.add(asyncio.create_task(self._pump(source, target, self._swallowing)))

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, swallowing: asyncio.Event) -> None:
        while data := await source.read(65536):
            if not swallowing.is_set():
                target.write(data)
        if not swallowing.is_set():
            target.close()
