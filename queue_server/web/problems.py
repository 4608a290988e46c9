"""
What is answered when a request cannot be: problem details (RFC 9457) with a stable code, and nothing internal.

Every failure becomes one of these here, whatever it was below; one that is not foreseen is logged and shown as `internal_error`.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from aiohttp import web
from multidict import CIMultiDict

from queue_server.access.tokens import TokensUnavailable
from queue_server.core.rejections import InvalidCommand, LimitReached, Rejected, ServiceClosed, UnknownCounter, UnknownTicket
from queue_server.runtime.errors import KeyReused, NotYet, Overloaded, UnknownBranch, Unsettled
from queue_server.web.headers import API_HEADERS
from queue_server.wire.instants import rfc3339_or_none
from queue_server.wire.reading import Fault, Invalid

_log = structlog.get_logger(__name__)

STATUS: dict[str, int] = {
    "bad_request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "unknown_branch": 404,
    "unknown_ticket": 404,
    "unknown_counter": 404,
    "method_not_allowed": 405,
    "version_conflict": 412,
    "too_large": 413,
    "invalid_body": 422,
    "unknown_service": 422,
    "unknown_tier": 422,
    "unknown_profile": 422,
    "key_reused": 422,
    "counter_busy": 409,
    "counter_closed": 409,
    "counter_paused": 409,
    "wrong_state": 409,
    "not_in_profile": 409,
    "service_closed": 409,
    "staff_elsewhere": 409,
    "limit_reached": 409,
    "park_limit": 409,
    "undo_refused": 409,
    "would_strand": 409,
    "too_many_requests": 429,
    "internal_error": 500,
    "log_unavailable": 503,
    "day_full": 503,
}
_RETRY_SECONDS = {"log_unavailable": 1, "day_full": 60}


class Problem(Exception):  # noqa: N818 - an answer
    """A request that is refused; `more` are further members of the answer."""

    def __init__(
        self, code: str, detail: str, *, status: int | None = None, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        """Refuse with the stable *code* and a sentence; the status is the code's own unless given."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status or STATUS[code]
        self.headers = headers or {}
        self.more = more


def invalid(faults: Sequence[Fault]) -> Problem:
    """Return the problem of a body, a query or a header with *faults*."""
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    first = f"{faults[0].path}: {faults[0].detail}" if faults[0].path else faults[0].detail
    return Problem("invalid_body", f"The request has {count}; the first is: {first}", errors=list(faults))


def response(problem: Problem) -> web.Response:
    """Return *problem* as it is sent."""
    headers = CIMultiDict(API_HEADERS)
    headers["Content-Type"] = "application/problem+json"
    headers.update(problem.headers)
    if problem.code in _RETRY_SECONDS:
        headers.setdefault("Retry-After", str(_RETRY_SECONDS[problem.code]))
    content = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail if problem.detail.endswith((".", "?")) else f"{problem.detail}.",
        "code": problem.code,
        **problem.more,
    }
    return web.Response(body=msgspec.json.encode(content), status=problem.status, headers=headers)


def problem_of(fault: Exception, method: str, template: str, target: str | None) -> Problem:
    """Return the problem that *fault* is; *target* is the ticket or counter in the address, for telling it from one in the body."""
    match fault:
        case Problem():
            return fault
        case Rejected():
            return _refusal(fault, target)
        case Invalid():
            return invalid(fault.faults)
        case UnknownBranch():
            return Problem("unknown_branch", "There is no such branch.")
        case KeyReused():
            return Problem("key_reused", "This Idempotency-Key was used before with another request; use a new key.")
        case Overloaded():
            return Problem("log_unavailable", "More is asked than can be done just now; repeat the request in a moment.")
        case TokensUnavailable():
            return Problem("log_unavailable", "Tokens cannot be checked just now, so nothing was done; repeat it in a moment.")
        case Unsettled() if method in ("GET", "HEAD"):
            return Problem("log_unavailable", "The branch cannot be read just now; repeat the request in a moment.")
        case Unsettled():
            return Problem("log_unavailable", "Whether this took effect is not known yet; repeat it with the same key.")
        case NotYet():
            return Problem("log_unavailable", "The branch has not come as far as `at_least` asks; repeat the request in a moment.")
        case web.HTTPRequestEntityTooLarge():
            return Problem("too_large", "The body is too large.")
        case web.RequestPayloadError():
            return invalid([Fault("", "The body broke off or is not in its stated encoding")])
        case _:
            # The template, not the address: that would have the identity of a ticket in it.
            _log.error("request failed", method=method, route=template, exc_info=fault)
            return Problem("internal_error", "Something went wrong here; it has been recorded. Nothing else is known about it.")


def _refusal(refused: Rejected, target: str | None) -> Problem:
    detail, facts = str(refused), dict(refused.facts)
    if isinstance(refused, InvalidCommand):
        return invalid([Fault(next(iter(facts), ""), detail)])
    if isinstance(refused, ServiceClosed | LimitReached):
        facts["reopens_at"] = rfc3339_or_none(facts.get("reopens_at"))
    named_in_body = isinstance(refused, UnknownTicket | UnknownCounter) and target not in facts.values()
    return Problem(refused.code, detail, status=422 if named_in_body else None, **facts)
