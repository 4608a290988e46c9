"""What a screen asks for, read from the address of its connection."""

import re
from urllib.parse import parse_qsl

from msgspec import Struct

from queue_server.core.ids import BranchId, CounterId, ZoneId
from queue_server.push.refusals import Refusal, forbidden, unknown_branch
from queue_server.push.session import Position
from queue_server.push.views import Following, View

_PATH = re.compile(r"/v1/branches/([^/]{1,200})/feed")
_BRANCH = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Identifiers are taken as they stand, not percent-decoded: each branch has one address."""
_AFTER = re.compile(r"([^:\s]{1,200}):(\d{4}-\d\d-\d\d):(\d{1,9})", re.ASCII)
_FIELDS = ("view", "after", "zone", "counter", "ticket")
_LONGEST = 200


class Wish(Struct, frozen=True):
    """A view, perhaps of one zone or counter, and the position from which the screen can continue."""

    view: View
    after: Position | None
    zone: ZoneId | None
    counter: CounterId | None

    def following(self, branch_id: BranchId) -> Following:
        """Return what the screen follows in that branch; staff see the whole of it."""
        if self.view is View.STAFF:
            return Following(branch_id, self.view)
        return Following(branch_id, self.view, self.zone, self.counter)


def branch_of(address: str) -> BranchId:
    """Return the branch in *address*; Refusal when it is not that of a feed."""
    found = _PATH.fullmatch(_split(address)[0])
    if found is None:
        raise Refusal(404, "not_found", "The feed of a branch is at /v1/branches/{branch}/feed")
    if _BRANCH.fullmatch(found[1]) is None:
        raise unknown_branch(found[1])
    return found[1]


def wish_of(address: str) -> Wish:
    """Return what the query of *address* asks for; Refusal with the place of the first fault."""
    fields = _fields(_split(address)[1])
    return Wish(
        _view(fields.get("view", View.BOARD.value)), _position(fields.get("after")), fields.get("zone"), fields.get("counter")
    )


def _split(address: str) -> tuple[str, str]:
    # Not by urllib, which takes control characters out and stumbles over brackets.
    path, _, query = address.partition("?")
    return path, query


def _fields(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=len(_FIELDS))
    except ValueError:
        raise _invalid("the query", "is not one of " + ", ".join(_FIELDS)) from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        # The value is not repeated: a token put here by mistake must not come back in an answer or a log.
        if name not in _FIELDS:
            raise _invalid("the query", "has a field that is not one of " + ", ".join(_FIELDS))
        if name in fields or len(value) > _LONGEST * 3:
            raise _invalid(name, "is given once, in a few characters")
        fields[name] = value
    return {name: value for name, value in fields.items() if value}


def _view(name: str) -> View:
    if name == "ticket":
        raise forbidden("The view 'ticket' is not open here")
    try:
        return View(name)
    except ValueError:
        raise _invalid("view", "is board or staff") from None


def _position(after: str | None) -> Position | None:
    if after is None:
        return None
    found = _AFTER.fullmatch(after)
    if found is None:
        raise _invalid("after", "is {epoch}:{day}:{seq}, as the feed gave them")
    return Position(found[1], found[2], int(found[3]))


def _invalid(what: str, right: str) -> Refusal:
    return Refusal(422, "invalid_body", f"{what} {right}")
