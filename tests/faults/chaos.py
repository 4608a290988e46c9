"""
A proxy that stands before PostgreSQL, HTTP or the screens and does what networks do: late, silent, half-open, reset, cut short.

It forwards bytes and knows no protocol. Each fault is a call: it meets the connections that are open just then, and `delay_seconds`
those to come as well. What is cut in the middle was a frame of whatever protocol runs through.
"""

import asyncio
import contextlib
import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

_CHUNK = 65_536
_LINGER_NOT = struct.pack("ii", 1, 0)
"""With this a close is a reset."""

Address = tuple[str, int] | Path
"""A host with its port, or the path of a socket."""


class _Line:
    """One connection through the proxy, and the one that it stands for."""

    def __init__(self, chaos: "Chaos", near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._chaos = chaos
        self.near = near
        self.far = far
        self.is_mute = False
        self.is_cut = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward until either side ends."""
        with contextlib.suppress(OSError):
            while content := await reader.read(_CHUNK):
                if self._chaos.delay_seconds:
                    await asyncio.sleep(self._chaos.delay_seconds)
                await self._chaos.flows.wait()
                if self.is_mute and writer is self.near:
                    continue
                if self.is_cut:
                    writer.write(content[: len(content) // 2])
                    await writer.drain()
                    break
                writer.write(content)
                await writer.drain()
        self.end()

    def end(self) -> None:
        """Close both ends."""
        self.near.close()
        self.far.close()

    def reset(self) -> None:
        """Let both ends see a reset: nothing of what was under way arrives."""
        for writer in (self.near, self.far):
            held = writer.get_extra_info("socket")
            if held is not None and held.family != socket.AF_UNIX:
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            writer.transport.abort()


class Chaos:
    """Listens on a port of its own, as an asynchronous context, and forwards to *target*."""

    def __init__(self, target: Address) -> None:
        self.delay_seconds = 0.0
        self.flows = asyncio.Event()
        self.flows.set()
        self._target = target
        self._lines: set[_Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port to connect to, on the loopback."""
        if self._server is None:
            raise RuntimeError("the proxy does not listen")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """How many connections go through it now."""
        return len(self._lines)

    def hold(self) -> None:
        """Forward nothing, in either direction, and close nothing: half-open, as after a cable was pulled."""
        self.flows.clear()

    def release(self) -> None:
        """Forward again, what was held first."""
        self.flows.set()

    def mute(self) -> None:
        """Swallow the answers of the connections that are open: requests arrive, nothing comes back."""
        for line in self._lines:
            line.is_mute = True

    def cut(self) -> None:
        """Forward half of whatever comes next on each open connection, then end it."""
        for line in self._lines:
            line.is_cut = True

    def reset(self) -> None:
        """Reset the open connections."""
        for line in list(self._lines):
            line.reset()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.release()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        try:
            far_reader, far = await self._reach()
        except OSError:
            near.transport.abort()
            return
        line = _Line(self, near, far)
        self._lines.add(line)
        ways = (asyncio.create_task(line.carry(reader, far)), asyncio.create_task(line.carry(far_reader, near)))
        for way in ways:
            self._tasks.add(way)
            way.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._lines.discard(line)
            line.end()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, Path):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection(*self._target)
