"""Why a screen is not let in: as a problem at the handshake, or as a close code after it."""

from http import HTTPStatus

from msgspec import Struct, json

_CLOSE_CODES = {401: 4401, 403: 4403, 404: 4404, 500: 1011}
_TRY_AGAIN_LATER = 1013
_REASON_BYTES = 123
"""As much of a reason as fits into a close frame."""


class Problem(Struct):
    """Problem details (RFC 9457) with the stable name of the fault."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class Refusal(Exception):  # noqa: N818 - an answer to whoever knocks
    """The screen is not let in; *status* and *code* are those that HTTP would give."""

    def __init__(self, status: int, code: str, detail: str, retry_seconds: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_seconds = retry_seconds

    @property
    def body(self) -> bytes:
        """The refusal as a problem."""
        return json.encode(Problem("about:blank", HTTPStatus(self.status).phrase, self.status, self.detail, self.code))

    @property
    def close_code(self) -> int:
        """The refusal of a connection that is already open."""
        return _CLOSE_CODES.get(self.status, _TRY_AGAIN_LATER)

    @property
    def reason(self) -> str:
        """The detail, as much as a close frame can carry."""
        return self.detail.encode()[:_REASON_BYTES].decode(errors="ignore")


def unauthenticated() -> Refusal:
    """Nobody, or nobody that is known here."""
    return Refusal(401, "unauthenticated", "A valid token is needed, in the Authorization header or as the first message")


def forbidden(detail: str) -> Refusal:
    """Somebody, but not one who may see this."""
    return Refusal(403, "forbidden", detail)


def unknown_branch(branch_id: str) -> Refusal:
    """There is no such branch."""
    return Refusal(404, "unknown_branch", f"There is no branch {branch_id!r}")


def unavailable(detail: str) -> Refusal:
    """Not now."""
    return Refusal(503, "log_unavailable", detail, retry_seconds=1)


def too_many_guesses(wait_seconds: float) -> Refusal:
    """One more wrong token from an address that has sent too many."""
    return Refusal(429, "too_many_requests", "Too many wrong tokens came from here", retry_seconds=int(wait_seconds) + 1)


def internal_error() -> Refusal:
    """A fault of ours; what it was is in the log only."""
    return Refusal(500, "internal_error", "Something went wrong here; it has been recorded")
