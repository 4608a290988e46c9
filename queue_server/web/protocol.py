"""The HTTP server below the handler: what it says to bytes that are no request."""

from typing import Any

import structlog
from aiohttp import web

from queue_server.web.problems import Problem, problem_of, response

_log = structlog.get_logger(__name__)


class Listener(web.Server):
    """Makes a protocol for each connection."""

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return _Protocol(self, loop=self._loop, **self._kwargs)


class _Protocol(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """
        Return a problem, and end the connection.

        By default the answer repeats what was sent and names the versions of the interpreter and the library, and each port scan
        leaves a traceback in the log.
        """
        if isinstance(exc, ConnectionError) or request.writer.output_size > 0:
            raise ConnectionError  # the client is gone, or has half an answer
        if status == 400:
            _log.debug("not a request", reason=type(exc).__name__)
            problem = Problem("bad_request", "This is not a request in the form of HTTP/1.1.")
        else:
            fault = exc if isinstance(exc, Exception) else RuntimeError(message or f"status {status}")
            problem = problem_of(fault, request.method, "", None)
        answer = response(problem)
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Leave out of the log what the sender did to a body that nobody read; anything else is a fault to be told."""
        if not isinstance(kw.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **kw)
