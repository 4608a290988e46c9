"""Who is asking: the bearer token of a request, and a limit on guesses."""

import time
from collections import OrderedDict
from collections.abc import Callable

from aiohttp import web

from queue_server.access.roles import Principal
from queue_server.access.tokens import Tokens
from queue_server.web.problems import Problem

_PREFIX = "Bearer "
_PEERS = 10_000
_GUESSES = 100.0
_GUESSES_A_SECOND = 10.0
"""A hall behind one address may have some screens with outdated tokens; somebody guessing asks for far more."""


class Guesses:
    """A bucket of failed tokens for each peer, refilled with time; the table is bounded."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, peer: str) -> float:
        """Return how long *peer* has to wait before its next unknown token is looked at."""
        return max(0.0, (1 - self._now(peer)) / _GUESSES_A_SECOND)

    def failed(self, peer: str) -> None:
        """Count a failed token."""
        self._left[peer] = (self._now(peer) - 1, self._clock())
        self._left.move_to_end(peer)
        if len(self._left) > _PEERS:
            self._left.popitem(last=False)

    def _now(self, peer: str) -> float:
        left, at = self._left.get(peer, (_GUESSES, 0.0))
        return min(_GUESSES, left + (self._clock() - at) * _GUESSES_A_SECOND)


class Gate:
    """Lets a request in, as somebody."""

    def __init__(self, tokens: Tokens, guesses: Guesses | None = None) -> None:
        self._tokens = tokens
        self._guesses = guesses or Guesses()

    async def admit(self, request: web.BaseRequest) -> Principal:
        """Return who is asking, or refuse. Raises TokensUnavailable."""
        stated = request.headers.get("Authorization", "")
        token = stated[len(_PREFIX) :] if stated[: len(_PREFIX)].title() == _PREFIX else ""
        return self._tokens.known(token) or await self._look_up(token, request.remote or "")

    async def _look_up(self, token: str, peer: str) -> Principal:
        if not token:
            raise _refused("A token is needed: send it as `Authorization: Bearer ...`.")
        wait = self._guesses.wait_seconds(peer)
        if wait > 0:
            raise Problem("too_many_requests", "Too many wrong tokens came from here.", headers={"Retry-After": str(int(wait) + 1)})
        principal = await self._tokens.authenticate(token)
        if principal is None:
            self._guesses.failed(peer)
            raise _refused("This token is not known, or has been revoked.")
        return principal


def _refused(detail: str) -> Problem:
    return Problem("unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})
