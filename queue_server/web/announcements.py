"""
Announcements: a notice to the hall, prepared in the configuration or in free words.

Free words lie beside the stream. They are kept before the command is decided, so that no screen is told of a notice whose text is not
there yet, and under an identity of their own at each attempt: when the command was refused, or its key had its effect before, they are
removed again, and cannot bring back what somebody has deleted meanwhile.
"""

from typing import Any

import msgspec
import structlog
from aiohttp import web
from msgspec import Struct

from queue_server.access.roles import Deed
from queue_server.core.commands import Announce, Command
from queue_server.core.events import AnnouncementMade
from queue_server.core.ids import BranchId, Day
from queue_server.core.rejections import Rejected
from queue_server.notes.port import Notes, NotesUnavailable
from queue_server.runtime.errors import KeyReused, Overloaded, Spoiled, UnknownBranch
from queue_server.runtime.outcomes import Outcome
from queue_server.runtime.runtime import Runtime
from queue_server.web.asking import Asked, require_query
from queue_server.web.bodies import Body
from queue_server.web.commands import CommandRoute, Wish
from queue_server.web.headers import JSON_HEADERS
from queue_server.web.identifiers import new_identifier
from queue_server.web.problems import Problem, invalid
from queue_server.wire.constraints import Note, Reference
from queue_server.wire.reading import Fault
from queue_server.wire.receipts import DayReceipt

PLACE = "/announcements/{announcement}"
_EITHER = "Send exactly one of template and note"
# After these it is certain that there is no fact; after anything else the text stays, since a fact may point to it.
_WITHOUT_EFFECT = (Rejected, KeyReused, Overloaded, UnknownBranch, Spoiled)

_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode


class AnnounceBody(Body, frozen=True, kw_only=True):
    """A prepared announcement or a note in free words, one of them; to the whole hall unless a zone is named."""

    template: Reference | None = None
    note: Note | None = None
    zone: Reference | None = None


class AnnouncementReceipt(Struct, frozen=True):
    """The answer to an announcement: under which identity it was made."""

    day: str
    seq: int
    announcement: str


class AnnouncementForm(Struct, frozen=True):
    """The free words of an announcement."""

    id: str
    text: str


class AnnouncementAnswer(Struct, frozen=True):
    """One announcement whose text is there."""

    day: str
    seq: int
    announcement: AnnouncementForm


def _announce(wish: Wish, body: AnnounceBody) -> Command:
    if (body.template is None) == (body.note is None):
        raise invalid([Fault("template", _EITHER), Fault("note", _EITHER)])
    return Announce(**wish.who, announcement=new_identifier(), template=body.template, zone=body.zone)


def _receipt(outcome: Outcome) -> AnnouncementReceipt:
    return AnnouncementReceipt(outcome.day, outcome.seq, _made(outcome))


ANNOUNCE = CommandRoute(
    "/announcements", "Give a notice to the hall", AnnounceBody, _announce, Deed.ANNOUNCE, form=AnnouncementReceipt, answer=_receipt
)


class Announcements:
    """Carries announcements out, and answers for their texts."""

    def __init__(self, runtime: Runtime, notes: Notes) -> None:
        self._runtime = runtime
        self._notes = notes

    async def carry_out(self, branch_id: BranchId, body: AnnounceBody, command: Any, hashed: bytes | None) -> Outcome:
        """Keep the text of *body*, if it has one, and give *command*; without effect no text stays."""
        if body.note is None:
            return await self._runtime.execute(branch_id, command, hashed)
        await self._keep(branch_id, command.announcement, body.note.strip())
        try:
            outcome = await self._runtime.execute(branch_id, command, hashed)
        except _WITHOUT_EFFECT:
            await self._take_back(branch_id, command.announcement)
            raise
        if _made(outcome) != command.announcement:
            await self._take_back(branch_id, command.announcement)
        return outcome

    async def show(self, asked: Asked) -> web.Response:
        """Answer with the text of an announcement."""
        require_query(asked.request, "at_least")
        day, seq = await self._head(asked)
        try:
            text = await self._notes.find(asked.branch, asked.target)
        except NotesUnavailable:
            raise Problem("log_unavailable", "The text cannot be read just now; repeat the request in a moment.") from None
        if text is None:
            raise _no_text()
        return _answer(AnnouncementAnswer(day, seq, AnnouncementForm(asked.target, text)))

    async def delete(self, asked: Asked) -> web.Response:
        """Delete the text of an announcement; that it was made stays known."""
        require_query(asked.request)
        day, seq = await self._head(asked)
        try:
            was_there = await self._notes.remove(asked.branch, asked.target)
        except NotesUnavailable:
            detail = "Whether the text is deleted is not known; repeat the request in a moment."
            raise Problem("log_unavailable", detail) from None
        if not was_there:
            raise _no_text()
        return _answer(DayReceipt(day, seq))

    async def _head(self, asked: Asked) -> tuple[Day, int]:
        return await self._runtime.read(asked.branch, lambda state, _: (state.day, state.seq), asked.at_least)

    async def _keep(self, branch_id: BranchId, note_id: str, text: str) -> None:
        day = await self._runtime.read(branch_id, lambda state, _: state.day)
        try:
            await self._notes.keep(branch_id, note_id, day, text)
        except NotesUnavailable:
            detail = "The text cannot be kept just now, so nothing was announced; repeat the request in a moment."
            raise Problem("log_unavailable", detail) from None

    async def _take_back(self, branch_id: BranchId, note_id: str) -> None:
        try:
            await self._notes.remove(branch_id, note_id)
        except NotesUnavailable:
            # Nothing points to it, and it goes with those of its day.
            _log.warning("the text of a refused announcement stays until its day is over", branch=branch_id)


def _made(outcome: Outcome) -> str:
    return next(change.event.fact.announcement for change in outcome.changes if isinstance(change.event.fact, AnnouncementMade))


def _no_text() -> Problem:
    return Problem("not_found", "There is no text of such an announcement, or it was deleted.")


def _answer(content: Struct) -> web.Response:
    return web.Response(body=_encode(content), headers=JSON_HEADERS)
