"""Who is asking: the bearer token of a request, and a limit on guesses."""

from aiohttp import web

from queue_server.access.guesses import Guesses
from queue_server.access.roles import Principal
from queue_server.access.tokens import Tokens
from queue_server.web.problems import Problem

_PREFIX = "Bearer "


class Gate:
    """Lets a request in, as somebody."""

    def __init__(self, tokens: Tokens, guesses: Guesses | None = None) -> None:
        self._tokens = tokens
        self._guesses = guesses or Guesses()

    def known(self, request: web.BaseRequest) -> Principal | None:
        """Return who is asking, if that has been found out before; None when it has not."""
        return self._tokens.known(_token(request))

    async def admit(self, request: web.BaseRequest) -> Principal:
        """Return who is asking, or refuse. Raises TokensUnavailable."""
        token = _token(request)
        if not token:
            raise _refused("A token is needed: send it as `Authorization: Bearer ...`.")
        # Looked up even when too many wrong ones came from there: behind a proxy every screen has the same address.
        principal = await self._tokens.authenticate(token)
        if principal is None:
            wait = self._guesses.failed(request.remote or "")
            if wait > 0:
                headers = {"Retry-After": str(int(wait) + 1)}
                raise Problem("too_many_requests", "Too many wrong tokens came from here.", headers=headers)
            raise _refused("This token is not known, or has been revoked.")
        return principal


def _token(request: web.BaseRequest) -> str:
    stated = request.headers.get("Authorization", "")
    return stated[len(_PREFIX) :] if stated[: len(_PREFIX)].title() == _PREFIX else ""


def _refused(detail: str) -> Problem:
    return Problem("unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})
