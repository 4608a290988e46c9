"""Commands and reads over HTTP as a careful client sends them: one key a command, repeated until the answer is known."""

import asyncio
import uuid
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec
from aiohttp import ClientError, ClientResponse, ClientTimeout
from multidict import CIMultiDictProxy

Json = dict[str, Any]

ATTEMPT_SECONDS = 5.0
GIVE_UP_SECONDS = 60.0
CALL_NEXT_GIVE_UP_SECONDS = 8.0
"""A customer called by a repeat as late as this would be called to a counter that no longer expects it."""
REPEAT_AFTER_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
BUSY = frozenset({429, 502, 503, 504})

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Unreachable(Exception):  # noqa: N818 - an unknown outcome is no error of the program
    """The server did not answer in all the time that was allowed; what became of the command is unknown."""


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """The server understood the request and refused it; `problem` is the problem details."""

    def __init__(self, request: str, status: int, problem: Json) -> None:
        self.status = status
        self.problem = problem
        super().__init__(f"{request} was refused: {status} {self.code or '(no code)'}: {problem.get('detail', '')}".rstrip(": "))

    @property
    def code(self) -> str:
        """The stable name of the refusal."""
        return str(self.problem.get("code", ""))


class Answer(msgspec.Struct, frozen=True):
    """What came back: the decoded body, and the headers."""

    status: int
    body: Json
    headers: CIMultiDictProxy[str]


class Client:
    """Keep-alive connections to one server with one token; an async context manager."""

    def __init__(self, url: str, token: str, *, connections: int = 64, attempt_seconds: float = ATTEMPT_SECONDS) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._connections = connections
        self._timeout = ClientTimeout(total=attempt_seconds)

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=30)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.close()

    async def get(self, path: str, *, give_up: float = GIVE_UP_SECONDS) -> Json:
        """Read *path*; raises as `send`."""
        return (await self.send("GET", path, give_up=give_up)).body

    async def post(self, path: str, body: Json, *, give_up: float = GIVE_UP_SECONDS) -> Json:
        """Give a command under a key of its own and return its receipt; raises as `send`."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        return (await self.send("POST", path, body, headers=key, give_up=give_up)).body

    async def send(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        headers: dict[str, str] | None = None,
        give_up: float = GIVE_UP_SECONDS,
    ) -> Answer:
        """
        Send one request, the same again while the server is busy or away, for up to *give_up* seconds.

        Raises:
            Refused: the answer is a refusal (any 4xx other than 429, or 500).
            Unreachable: there was no answer in time.
        """
        loop, pause, why = asyncio.get_running_loop(), REPEAT_AFTER_SECONDS, "no answer"
        ends = loop.time() + give_up
        while True:
            try:
                answer = await self._once(method, path, body, headers or {})
                if answer.status < 400:
                    return answer
                if answer.status not in BUSY:
                    raise Refused(f"{method} {path}", answer.status, answer.body)
                why = f"{answer.status} {answer.body.get('code', '')}".rstrip()
            except (ClientError, TimeoutError, OSError) as fault:
                why = str(fault) or type(fault).__name__
            if loop.time() + pause > ends:
                raise Unreachable(f"{method} {path} had no answer within {give_up:g} s ({why})")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _once(self, method: str, path: str, body: Json | None, headers: dict[str, str]) -> Answer:
        data = None if body is None else _encode(body)
        kind = {} if body is None else {"Content-Type": "application/json"}
        async with self._session.request(method, self._url + path, data=data, headers={**headers, **kind}) as response:
            return Answer(response.status, await _body(response), response.headers)


async def _body(response: ClientResponse) -> Json:
    content = await response.read()
    try:
        body = _decode(content) if content else {}
    except msgspec.DecodeError:
        body = None
    # A proxy in between answers in its own words; only JSON objects are the server's.
    return body if isinstance(body, dict) else {"detail": content[:200].decode("utf-8", "replace")}
