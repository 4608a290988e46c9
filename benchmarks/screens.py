"""
Many lean screens in a process of their own: `python -m benchmarks.screens`, spoken to over its pipes by a `Crowd`.

Each screen is one websocket that follows the feed of a branch, answers pings, and remembers its position for the next connection.
A stalled one reads its first message and then nothing more, behind the smallest window that the system gives.
"""

import asyncio
import contextlib
import re
import socket
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from msgspec import Struct, field

LONGEST_SECONDS = 120.0
SMALL_WINDOW = 4096
ALL_AT_ONCE = 2000
_TEXT, _CLOSE, _PING = 1, 8, 9
_SNAPSHOT = re.compile(rb'\{"type":"snapshot","epoch":"([^"]+)","day":"([^"]+)","seq":(\d+)')
_DELTA = re.compile(rb'\{"type":"delta","day":"([^"]+)","prev":\d+,"seq":(\d+)')


class Plan(Struct, frozen=True):
    """Where the feed is, the branch of each screen, and how many of the screens stall."""

    host: str
    port: int
    token: str
    branches: list[str]
    stalled: int = 0
    keeps_arrivals: bool = False


class Report(Struct):
    """
    What came since the last report, and where the screens stand.

    Moments are of the monotonic clock: `began` when the screens were cut or sent off to connect, `moved` when the last of them came to
    the position that it holds, or was told after connecting that there is nothing beyond it. `heads` has the lowest position of
    each branch; `arrivals` are the moments of deltas by branch and `seq`, without stalled screens.
    """

    live: int = 0
    seconds: float = 0.0
    began: float = 0.0
    moved: float = 0.0
    heads: dict[str, int] = field(default_factory=dict)
    deltas: int = 0
    beats: int = 0
    closed: int = 0
    arrivals: dict[str, dict[int, list[float]]] = field(default_factory=dict)


class Order(Struct, frozen=True):
    """
    What the screens are told to do.

    `report`; `connect` anew, all of them at once, to *port*; or `move`: wait until the server hangs up, then connect to *port*.
    """

    what: str
    port: int = 0


class Screen(asyncio.Protocol):
    """One websocket."""

    def __init__(self, hall: "Hall", branch: str, *, stalls: bool) -> None:
        self._hall = hall
        self.branch = branch
        self.stalls = stalls
        self.epoch = self.day = b""
        self.seq = 0
        self.moved = 0.0
        self.transport: asyncio.Transport | None = None
        self.live: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        """Connect, from the position that is held if there is one, and wait for the first message."""
        loop = asyncio.get_running_loop()
        self.live, self.ended = loop.create_future(), loop.create_future()
        self._buffer, self._is_open = b"", False
        plan = self._hall.plan
        sock = socket.socket()
        sock.setblocking(False)
        if self.stalls:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
        await loop.sock_connect(sock, (plan.host, self._hall.port))
        await loop.create_connection(lambda: self, sock=sock)
        await self.live

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the feed."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows the type
        self.transport = transport
        after = b"&after=%b:%b:%d" % (self.epoch, self.day, self.seq) if self.epoch else b""
        transport.write(
            b"GET /v1/branches/%b/feed?view=board%b HTTP/1.1\r\nHost: feed\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer %b\r\n\r\n"
            % (self.branch.encode(), after, self._hall.plan.token.encode())
        )

    def data_received(self, data: bytes) -> None:
        """Take all whole frames."""
        self._buffer += data
        if not self._is_open:
            head, mark, rest = self._buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._fail(head.decode())
                return
            self._is_open, self._buffer = True, rest
        while (frame := _frame(self._buffer)) is not None:
            opcode, payload, size = frame
            self._buffer = self._buffer[size:]
            self._take(opcode, payload)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING and self.transport is not None:
            # A mask of zeros leaves the payload as it is.
            self.transport.write(b"\x8a" + bytes([0x80 | len(payload)]) + bytes(4) + payload)
        elif opcode == _CLOSE:
            self._hall.report.closed += 1
            if self.transport is not None:
                # With the code that came: the echo that ends the closing handshake.
                self.transport.write(b"\x88" + bytes([0x80 | len(payload[:2])]) + bytes(4) + payload[:2])
        elif opcode == _TEXT:
            self._read(payload)

    def _read(self, message: bytes) -> None:
        if (delta := _DELTA.match(message)) is not None:
            self.day, self.seq, self.moved = delta[1], int(delta[2]), asyncio.get_running_loop().time()
            self._hall.note(self)
        elif (snapshot := _SNAPSHOT.match(message)) is not None:
            self.epoch, self.day, self.seq = snapshot[1], snapshot[2], int(snapshot[3])
            self.moved = asyncio.get_running_loop().time()
        elif message.startswith(b'{"type":"heartbeat"'):
            self._hall.report.beats += 1
        if not self.live.done():
            self.live.set_result(None)
            self.moved = asyncio.get_running_loop().time()
            if self.stalls and self.transport is not None:
                self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for the first message, or for the end, need not wait any more."""
        if not self.ended.done():
            self.ended.set_result(None)
        self._fail(f"the connection ended: {exc}")

    def _fail(self, why: str) -> None:
        if not self.live.done():
            self.live.set_exception(ConnectionError(why))


def _frame(buffer: bytes) -> tuple[int, bytes, int] | None:
    """Return opcode, payload and size of the first frame, which a server does not mask; None while it is not whole."""
    if len(buffer) < 2:
        return None
    length, start = buffer[1], 2
    if length >= 126:
        start = 4 if length == 126 else 10
        length = int.from_bytes(buffer[2:start]) if len(buffer) >= start else len(buffer)
    end = start + length
    return (buffer[0] & 15, buffer[start:end], end) if len(buffer) >= end else None


class Hall:
    """All screens of this process."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.port = plan.port
        self.report = Report()
        self._screens = [Screen(self, branch, stalls=n < plan.stalled) for n, branch in enumerate(plan.branches)]
        self._arrivals: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))

    def note(self, screen: Screen) -> None:
        """Count a delta."""
        if not screen.stalls:
            self.report.deltas += 1
            if self.plan.keeps_arrivals:
                self._arrivals[screen.branch][screen.seq].append(screen.moved)

    async def connect(self, *, hangs_up: bool) -> None:
        """Connect all screens at once, when their connections have ended; a refused one tries again, as a screen does."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for screen in self._screens:
            if hangs_up and screen.transport is not None:
                screen.transport.abort()
        slots = asyncio.Semaphore(ALL_AT_ONCE)
        await asyncio.gather(*(self._connect(screen, slots) for screen in self._screens))
        self.report.began, self.report.seconds = began, loop.time() - began

    async def _connect(self, screen: Screen, slots: asyncio.Semaphore) -> None:
        if screen.transport is not None:
            await screen.ended
        async with slots:
            while True:
                try:
                    await screen.connect()
                except OSError:
                    await asyncio.sleep(0.2)
                else:
                    return

    def take_report(self) -> Report:
        """Return what came since the last one."""
        report, self.report = self.report, Report()
        report.live = sum(screen.transport is not None and not screen.transport.is_closing() for screen in self._screens)
        for screen in self._screens:
            report.heads[screen.branch] = min(screen.seq, report.heads.get(screen.branch, screen.seq))
        report.moved = max(screen.moved for screen in self._screens)
        report.arrivals, self._arrivals = dict(self._arrivals), defaultdict(lambda: defaultdict(list))
        return report


async def obey() -> None:
    """Connect, then do as told until the pipe ends; each order is answered with a report."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=2**26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin.buffer)
    hall = Hall(msgspec.json.decode(await lines.readline(), type=Plan))
    order: Order | None = Order("connect", hall.port)
    while order is not None:
        if order.what != "report":
            hall.port = order.port or hall.port
            await hall.connect(hangs_up=order.what == "connect")
        sys.stdout.buffer.write(msgspec.json.encode(hall.take_report()) + b"\n")
        sys.stdout.buffer.flush()
        line = await lines.readline()
        order = msgspec.json.decode(line, type=Order) if line else None


class Crowd:
    """The screens of another process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def hear(self) -> Report:
        """Return the next report."""
        assert self._process.stdout is not None  # noqa: S101 - it was started with pipes
        async with asyncio.timeout(LONGEST_SECONDS):
            return msgspec.json.decode(await self._process.stdout.readline(), type=Report)

    async def ask(self, what: str = "report", port: int = 0) -> Report:
        """Give an order and return the report that answers it."""
        self.order(what, port)
        return await self.hear()

    def order(self, what: str, port: int = 0) -> None:
        """Give an order whose report is heard later."""
        assert self._process.stdin is not None  # noqa: S101 - it was started with pipes
        self._process.stdin.write(msgspec.json.encode(Order(what, port)) + b"\n")

    async def reach(self, deltas: int) -> None:
        """Wait until the screens have told of *deltas* more."""
        async with asyncio.timeout(LONGEST_SECONDS):
            while (deltas := deltas - (await self.ask()).deltas) > 0:
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def crowd(plan: Plan) -> AsyncIterator[tuple[Crowd, Report]]:
    """Run the screens of *plan*; yields them when all are live, with the report of that."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.screens", stdin=pipe, stdout=pipe, cwd=Path(__file__).parents[1], limit=2**28
    )
    assert process.stdin is not None  # noqa: S101 - it was started with pipes
    process.stdin.write(msgspec.json.encode(plan) + b"\n")
    screens = Crowd(process)
    try:
        yield screens, await screens.hear()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(obey())
