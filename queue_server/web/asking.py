"""One request that was let in: who asks for what, where; and what every handler takes from it."""

import re
from collections import Counter
from datetime import date

import msgspec
from aiohttp import web
from msgspec import Struct

from queue_server.access.roles import Deed, Principal, Role
from queue_server.core.ids import BranchId, Day
from queue_server.web.problems import Problem, invalid
from queue_server.wire.reading import FAULTS_TOLD, Fault, beside

BODY_BYTES = 65_536
CONFIGURATION_BYTES = 1_048_576
_AT_LEAST = re.compile(r"(\d{4}-\d{2}-\d{2}):(\d{1,9})")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Asked(Struct, frozen=True):
    """A request to a branch; `target` is the ticket or counter in its address, "" where there is none."""

    request: web.BaseRequest
    principal: Principal
    branch: BranchId
    target: str = ""

    def may(self, deed: Deed) -> bool:
        """Tell whether whoever asks may do *deed* to this target; a ticket's own token only to that ticket."""
        if self.principal.role is Role.TICKET and self.target != self.principal.subject:
            return False
        return self.principal.may(deed)

    @property
    def at_least(self) -> tuple[Day, int] | None:
        """How new the answer must be."""
        stated = self.request.query.get("at_least")
        if stated is None:
            return None
        fitting = _AT_LEAST.fullmatch(stated)
        if fitting is None or not is_day(fitting[1]):
            raise invalid([Fault("at_least", "It has the wrong form; right would be {day}:{seq}, such as 2026-11-23:42")])
        return fitting[1], int(fitting[2])

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return the whole number that the query has under *name*."""
        stated = self.request.query.get(name)
        if stated is None:
            return default
        if not (stated.isascii() and stated.isdigit() and len(stated) < 12 and low <= int(stated) <= high):
            raise invalid([Fault(name, f"It has the wrong form; right would be a whole number from {low} to {high}")])
        return int(stated)

    async def body(self, limit: int = BODY_BYTES) -> bytes:
        """Return the body, once, of at most *limit* bytes."""
        request = self.request
        if request.content.is_eof():
            # It came along with the request, as nearly every one does: there is nothing to wait for.
            content = request.content.read_nowait()
        elif (request.content_length or 0) > limit:
            # Refused by what it says of itself, before a byte of it is read.
            raise _too_large(limit)
        else:
            await self._ask_for_it()
            content = await request.read()
        if len(content) > limit:
            raise _too_large(limit)
        return content

    async def _ask_for_it(self) -> None:
        # Some clients send a large body only when they are told that it is wanted, or after a second of silence.
        if "Expect" in self.request.headers and self.request.headers["Expect"].lower() == "100-continue":
            await self.request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            # What counts from here on is the answer.
            self.request.writer.output_size = 0


def _too_large(limit: int) -> Problem:
    return Problem("too_large", f"The body is larger than {limit} bytes.")


def require_query(request: web.BaseRequest, *known: str) -> None:
    """Refuse a query with a field that is not *known*, which may be a misspelt one, or one that is there twice."""
    if not request.rel_url.raw_query_string:
        return
    fields = Counter(name for name, _ in request.query.items())
    right = f"right would be {' or '.join(known)}" if known else "right would be none"
    unknown = [name for name in fields if name not in known]
    faults = [Fault(beside("", name), f"There is no such field in the query; {right}") for name in unknown]
    repeated = [name for name in known if fields[name] > 1]
    faults += [Fault(name, "It is there more than once; right would be once") for name in repeated]
    if faults:
        raise invalid(faults[:FAULTS_TOLD])


def decoded(content: bytes) -> object:
    """Return *content* as JSON of any form, or refuse."""
    try:
        return msgspec.json.decode(content)
    except _UNREADABLE as error:
        said = str(error) if isinstance(error, msgspec.DecodeError) else "nested too deeply"
        said = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else said
        raise invalid([Fault("", f"The body is not JSON: {said}")]) from None


def is_day(text: str) -> bool:
    """Tell whether *text* is a date such as 2026-11-23."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
