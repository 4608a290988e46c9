"""
A branch's stream taken apart into commands, and each decided again by the core.

The core is a pure function, so a fact is right exactly when the same command, decided on the facts before it, gives it again. The
fence, the order and the keys are thereby checked without a word from the service.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from unittest.mock import patch

import msgspec
from msgspec import Struct

from queue_server.access.roles import Principal, Role
from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.changes import Change, advance
from queue_server.core.decide import decide
from queue_server.core.events import Event
from queue_server.core.ids import Instant
from queue_server.core.rejections import Rejected
from queue_server.core.state import BranchState
from queue_server.core.turn import Turn
from queue_server.eventlog.codec import to_event
from queue_server.eventlog.port import Row
from queue_server.runtime.calendar import SYSTEM
from queue_server.runtime.outcomes import Outcome
from queue_server.web.commands import COMMANDS, CommandRoute, Wish
from tests.faults.history import Json, Request

NOTHING = ""
_ADDRESS = re.compile(r"/v1/branches/[^/]+(?P<rest>/.*)")
_BEYOND_THE_CORE = (e.DayOpened, e.DayClosed, e.BranchConfigured, e.ConfigurationScheduled)
"""Decided from the calendar and the configuration, which a client's request does not hold."""


class Moment(Struct):
    """
    The branch right after one command; *first* and *last* are the places of its facts in the stream, counted from 1.

    *fault* says how its facts differ from what the core decides.
    """

    first: int
    last: int
    command_id: str
    state: BranchState
    events: Sequence[Event]
    changes: Sequence[Change]
    fault: str | None = None


def route_of(request: Request) -> tuple[CommandRoute, str]:
    """Return which command *request* is, and the ticket or counter in its address."""
    found = _ADDRESS.fullmatch(request.path)
    for route in COMMANDS:
        pattern = re.sub(r"\{\w+\}", "([^/]+)", route.path)
        if found is not None and (match := re.fullmatch(pattern, found["rest"])) is not None:
            return route, match[1] if match.groups() else ""
    raise ValueError(f"{request.path} is no command")


def command_of(request: Request, subject: str, at: Instant, ticket_id: str = "") -> c.Command:
    """Return what *request* asks of the core, decided at *at*; *ticket_id* is the one that the service drew."""
    route, target = route_of(request)
    wish = Wish(Principal(subject, Role.ADMIN), f"{subject}:{request.key}", target)
    command = route.build(wish, msgspec.json.decode(request.body or b"{}", type=route.body))
    command.at = at
    if isinstance(command, c.IssueTicket | c.ServeDirectly) and ticket_id:
        command.ticket_id = ticket_id
    return command


def receipt_of(request: Request, changes: Sequence[Change]) -> Json:
    """Return the one true answer to *request*, which has caused *changes*."""
    last = changes[-1].event
    answer: Json = msgspec.json.decode(
        msgspec.json.encode(route_of(request)[0].answer(Outcome(changes, last.day, last.seq, last.at)))
    )
    return answer


def moments(branch: str, rows: Sequence[Row], requests: dict[str, Request], subject: str) -> Iterator[Moment]:
    """Replay *rows*, command by command; the state is the same object throughout, unless a fault has spoiled it."""
    state, done = BranchState(branch), 0
    events = [to_event(row) for row in rows]
    for command_id, run in groupby(events, lambda event: event.command_id):
        group = list(run)
        first, done = done + 1, done + len(group)
        changes, fault = _again(state, group, requests.get(command_id), subject)
        if fault is not None:
            state, changes = _rebuilt(branch, events[:done], len(group))
        yield Moment(first, done, command_id, state, group, changes, fault)


def _again(state: BranchState, group: list[Event], request: Request | None, subject: str) -> tuple[list[Change], str | None]:
    """Decide *group* again on *state*; what was changed, or why it is not what the core would have decided."""
    command = _asked(group, request, subject)
    if command is None:
        return [advance(state, event) for event in group], None
    try:
        changes = decide(state, command)
    except Rejected as refusal:
        return [], f"the core refuses it: {refusal.code} ({refusal})"
    told, wanted = [_content(event) for event in group], [_content(change.event) for change in changes]
    if told != wanted:
        return [], f"the log has {_shown(told)}, the core decides {_shown(wanted)}"
    return changes, None


def _asked(group: list[Event], request: Request | None, subject: str) -> c.Command | None:
    first, last = group[0], group[-1]
    if request is not None:
        drawn = first.fact.ticket if isinstance(first.fact, e.TicketIssued) else ""
        return command_of(request, subject, first.at, drawn)
    if isinstance(first.fact, _BEYOND_THE_CORE) or first.actor != SYSTEM:
        return None
    return c.ApplyDeadlines(at=last.at, command_id=first.command_id, actor=SYSTEM)


def _rebuilt(branch: str, events: Sequence[Event], latest: int) -> tuple[BranchState, list[Change]]:
    """The state that the facts themselves lead to, however they came about."""
    state = BranchState(branch)
    return state, [advance(state, event) for event in events][-latest:]


def _content(event: Event) -> tuple[Any, ...]:
    return event.day, event.seq, event.at, event.actor, event.fact


def _shown(contents: Sequence[tuple[Any, ...]]) -> str:
    return ", ".join(f"{seq}: {type(fact).__name__} {msgspec.json.encode(fact).decode()[:160]}" for _, seq, _, _, fact in contents)


class _HasEffect(Exception):  # noqa: N818 - a finding
    """The command has come to its first fact."""


class _Probe(Turn):
    """A turn that stops before anything changes: every refusal comes before the first fact."""

    def emit(self, fact: e.Fact, at: Instant | None = None) -> None:
        raise _HasEffect


def refusal(state: BranchState, command: c.Command) -> str | None:
    """Return the code with which the core refuses *command* on *state*, NOTHING when nothing happens, None when it has an effect."""
    with patch("queue_server.core.decide.Turn", _Probe):
        try:
            decide(state, command)
        except Rejected as refused:
            return refused.code
        except _HasEffect:
            return None
    return NOTHING
