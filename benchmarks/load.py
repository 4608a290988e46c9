"""
A lean closed-loop HTTP/1.1 load generator, run as a process of its own: `python -m benchmarks.load < plan.json > result.json`.

Each connection is kept alive, has one request in flight, and sends the next as soon as the answer is there. Requests are built
beforehand but for their idempotency key, so the generator costs little of the machine that it shares with the server.
"""

import asyncio
import secrets
import sys
from collections import Counter, defaultdict
from functools import partial
from itertools import cycle
from pathlib import Path

import msgspec
from msgspec import Struct

LONGEST_SECONDS = 300.0


class Request(Struct, frozen=True):
    """One request to be repeated: its *kind* names it in the result."""

    kind: str
    method: str
    path: str
    token: str = ""
    body: str = ""


class Plan(Struct, frozen=True):
    """
    Which requests each connection repeats in turn, and for how long.

    With `each` a connection sends that many requests and ends; otherwise answers are counted for `seconds` after `warmup_seconds`.
    Between an answer and the next request of a connection lie `pause_seconds`. With `keeps_moments` the result has when each request
    was sent.
    """

    host: str
    port: int
    connections: tuple[tuple[Request, ...], ...]
    warmup_seconds: float = 1.0
    seconds: float = 5.0
    each: int | None = None
    pause_seconds: float = 0.0
    keeps_moments: bool = False


class Latency(Struct, frozen=True):
    """Seconds from sending to the last byte of the answer."""

    count: int
    p50: float
    p90: float
    p99: float
    max: float


class Result(Struct, frozen=True):
    """
    What was counted: answers a second, by status, latencies by kind of request, and the first answer of each refusal.

    `moments`, if they were to be kept, are when each request was sent, by the monotonic clock, and the seconds until its answer.
    """

    rate: float
    seconds: float
    statuses: dict[str, int]
    latency: dict[str, Latency]
    failures: int
    refusals: dict[str, str]
    moments: list[tuple[float, float]] = []


class Measure:
    """Collects answers while it is on."""

    def __init__(self, *, keeps_moments: bool) -> None:
        self.is_on = False
        self.moments: list[tuple[float, float]] = []
        self._keeps_moments = keeps_moments
        self.failures = 0
        self.statuses: Counter[str] = Counter()
        self.refusals: dict[str, str] = {}
        self.latencies: dict[str, list[float]] = defaultdict(list)

    def answer(self, kind: str, status: str, sent: float, seconds: float) -> None:
        """Count one answer."""
        if self.is_on:
            self.statuses[status] += 1
            self.latencies[kind].append(seconds)
            if self._keeps_moments:
                self.moments.append((sent, seconds))

    def result(self, seconds: float) -> Result:
        """Return what was collected in *seconds*."""
        latency = {kind: _latency(sorted(values)) for kind, values in self.latencies.items()}
        rate = self.statuses.total() / seconds
        return Result(rate, seconds, dict(self.statuses), latency, self.failures, self.refusals, self.moments)


def _latency(ordered: list[float]) -> Latency:
    p50, p90, p99 = (ordered[int(share * len(ordered))] for share in (0.5, 0.9, 0.99))
    return Latency(len(ordered), p50, p90, p99, ordered[-1])


class Connection(asyncio.Protocol):
    """One kept-alive connection and its loop of requests; `ended` is done when it has closed."""

    def __init__(self, requests: tuple[Request, ...], plan: Plan, measure: Measure) -> None:
        host = f"{plan.host}:{plan.port}"
        self._parts = cycle([(request.kind, *_parts(request, host)) for request in requests])
        self._pause = plan.pause_seconds
        self._measure = measure
        self._left = plan.each
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._key = secrets.token_hex(4)
        self._sent = 0
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows the type
        self._transport = transport
        self._send()

    def _send(self) -> None:
        if self._left is not None:
            if self._left == 0:
                self._transport.close()
                return
            self._left -= 1
        self._kind, before, after = next(self._parts)
        self._sent += 1
        self._at = self._loop.time()
        self._transport.write(b"%b%b-%x%b" % (before, self._key.encode(), self._sent, after))

    def data_received(self, data: bytes) -> None:
        """Take the answer, once it is complete, and send the next request."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        mark = head.find(b"content-length:")
        length = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        status = head[9:12].decode()
        self._measure.answer(self._kind, status, self._at, self._loop.time() - self._at)
        if status >= "300":
            self._measure.refusals.setdefault(f"{self._kind} {status}", self._buffer[end + 4 :].decode())
        self._buffer = b""
        if self._pause:
            self._loop.call_later(self._pause, self._send)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and whether it came too early."""
        if exc is not None or self._left is None or self._left > 0:
            self._measure.failures += self._measure.is_on
        if not self.ended.done():
            self.ended.set_result(None)

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()


def _parts(request: Request, host: str) -> tuple[bytes, bytes]:
    token = f"Authorization: Bearer {request.token}\r\n" if request.token else ""
    kind = f"Content-Type: application/json\r\nContent-Length: {len(request.body.encode())}\r\n"
    head = f"{request.method} {request.path} HTTP/1.1\r\nHost: {host}\r\n{token}{kind}Idempotency-Key: "
    return head.encode(), b"\r\n\r\n" + request.body.encode()


def _itself(connection: Connection) -> Connection:
    return connection


async def run(plan: Plan) -> Result:
    """Carry out *plan*."""
    loop, measure = asyncio.get_running_loop(), Measure(keeps_moments=plan.keeps_moments)
    measure.is_on = plan.each is not None
    began = loop.time()
    connections = [Connection(mine, plan, measure) for mine in plan.connections]
    for connection in connections:
        await loop.create_connection(partial(_itself, connection), plan.host, plan.port)
    ends = asyncio.gather(*(connection.ended for connection in connections))
    if plan.each is not None:
        await asyncio.wait_for(ends, LONGEST_SECONDS)
        return measure.result(loop.time() - began)
    await asyncio.sleep(plan.warmup_seconds)
    measure.is_on, began = True, loop.time()
    await asyncio.sleep(plan.seconds)
    measure.is_on = False
    result = measure.result(loop.time() - began)
    for connection in connections:
        connection.close()
    await ends
    return result


def main() -> None:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(run(plan))))


async def generate(plan: Plan) -> Result:
    """Carry out *plan* in a process of its own."""
    command = (sys.executable, "-m", "benchmarks.load")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=Path(__file__).parents[1])
    output, _ = await process.communicate(msgspec.json.encode(plan))
    if process.returncode != 0:
        raise RuntimeError(f"the load generator ended with {process.returncode}")
    return msgspec.json.decode(output, type=Result)


if __name__ == "__main__":
    main()
