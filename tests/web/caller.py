"""Requests as a client sends them, and answers as it sees them."""

from io import BytesIO
from typing import Any

import msgspec
from aiohttp import ClientSession
from msgspec import Struct
from multidict import CIMultiDictProxy


class Answer(Struct):
    """What came back."""

    status: int
    body: Any
    headers: CIMultiDictProxy[str]
    content: bytes

    @property
    def code(self) -> str:
        return str(self.body["code"])

    @property
    def places(self) -> list[str]:
        """Where the faults are."""
        return [fault["path"] for fault in self.body["errors"]]


class Caller:
    """Talks to one branch with one token."""

    def __init__(self, session: ClientSession, url: str, token: str | None, branch: str = "main") -> None:
        self._session = session
        self._url = url
        self._token = token
        self.branch = branch

    def at(self, branch: str) -> "Caller":
        """Return the same caller at another branch."""
        return Caller(self._session, self._url, self._token, branch)

    async def send(self, method: str, path: str, content: bytes | None = None, **headers: str) -> Answer:
        """Send anything anywhere."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self._token is not None:
            sent.setdefault("Authorization", f"Bearer {self._token}")
        # A large body is sent in pieces, as a client would.
        data = BytesIO(content) if isinstance(content, bytes) else content
        async with self._session.request(method, self._url + path, data=data, headers=sent, allow_redirects=False) as response:
            received = await response.read()
            is_json = "json" in response.content_type and received
            return Answer(response.status, msgspec.json.decode(received) if is_json else None, response.headers, received)

    async def get(self, path: str, **headers: str) -> Answer:
        """Read below the branch."""
        return await self.send("GET", self._below(path), None, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """Give a command below the branch."""
        content = body if isinstance(body, bytes) else None if body is None else msgspec.json.encode(body)
        return await self.send("POST", self._below(path), content, **headers)

    async def put(self, path: str, body: Any, **headers: str) -> Answer:
        """Put below the branch, or the branch itself."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.send("PUT", self._below(path), content, **headers)

    async def issue(self, service: str = "cash", **fields: Any) -> str:
        """Issue a ticket and return its identity."""
        answer = await self.post("/tickets", {"service": service, **fields})
        assert answer.status == 201, answer.body
        return str(answer.body["ticket"]["ticket_id"])

    def _below(self, path: str) -> str:
        return f"/v1/branches/{self.branch}{path}"
