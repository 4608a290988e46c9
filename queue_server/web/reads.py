"""The reads below a branch: views of what is committed, each with the day and seq at which it holds."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec
from aiohttp import web
from msgspec import Struct

from queue_server.access.roles import Deed
from queue_server.core.ids import Instant
from queue_server.core.rejections import UnknownTicket
from queue_server.core.state import BranchState
from queue_server.eventlog.codec import VERSIONS
from queue_server.runtime.runtime import Runtime
from queue_server.web.answers import Answers
from queue_server.web.asking import Asked, is_day, require_query
from queue_server.web.headers import JSON_HEADERS
from queue_server.web.problems import invalid
from queue_server.wire.events import EventForm, event_form
from queue_server.wire.forms import CallForm, CounterForm, NoticeForm, TicketForm, ticket_form
from queue_server.wire.reading import Fault
from queue_server.wire.states import BranchForm, ServiceForm, services_form, staff_state, told_now

EVENTS_LIMIT = 1000
_encode = msgspec.json.Encoder().encode


class ServicesAnswer(Struct, frozen=True):
    """What a kiosk shows."""

    day: str
    seq: int
    services: tuple[ServiceForm, ...]


class StateAnswer(Struct, frozen=True):
    """The whole branch as staff see it."""

    day: str
    seq: int
    branch: BranchForm
    tickets: tuple[TicketForm, ...]
    counters: tuple[CounterForm, ...]
    calls: tuple[CallForm, ...]
    notices: tuple[NoticeForm, ...]
    services: tuple[ServiceForm, ...]


class EventsAnswer(Struct, frozen=True):
    """Stored facts, oldest first."""

    day: str
    seq: int
    events: tuple[EventForm, ...]


class TicketAnswer(Struct, frozen=True):
    """One ticket."""

    day: str
    seq: int
    ticket: TicketForm


class TicketsAnswer(Struct, frozen=True):
    """The tickets with a number: one or none."""

    day: str
    seq: int
    tickets: tuple[TicketForm, ...]


Read: TypeAlias = Callable[[Runtime, Asked], Awaitable[Struct]]


class ReadRoute(Struct, frozen=True):
    """A read's place in the interface; `path` is below the branch. `query` names its parameters with what they are."""

    path: str
    summary: str
    deed: Deed
    form: type[Struct]
    read: Read
    own_deed: Deed | None = None
    query: tuple[tuple[str, str], ...] = ()


def handler(runtime: Runtime, route: ReadRoute) -> Callable[[Asked], Awaitable[web.StreamResponse]]:
    """Return the handler of the read at *route*."""
    known = (*(name for name, _ in route.query), "at_least")
    answers = Answers(200, JSON_HEADERS)

    async def show(asked: Asked) -> web.StreamResponse:
        require_query(asked.request, *known)
        return answers.to(asked.request, _encode(await route.read(runtime, asked)))

    return show


async def _services(runtime: Runtime, asked: Asked) -> Struct:
    def look(state: BranchState, at: Instant) -> Struct:
        return ServicesAnswer(state.day, state.seq, services_form(state, at))

    return await runtime.read(asked.branch, look, asked.at_least)


async def _state(runtime: Runtime, asked: Asked) -> Struct:
    def look(state: BranchState, at: Instant) -> Struct:
        now = staff_state(state, at)
        return StateAnswer(state.day, state.seq, now.branch, now.tickets, now.counters, now.calls, now.notices, now.services)

    return await runtime.read(asked.branch, look, asked.at_least)


async def _ticket(runtime: Runtime, asked: Asked) -> Struct:
    def look(state: BranchState, at: Instant) -> Struct | None:
        ticket = state.tickets.get(asked.target)
        if ticket is None:
            return None
        return TicketAnswer(state.day, state.seq, ticket_form(ticket, at, told_now(state, ticket, at)))

    found = await runtime.read(asked.branch, look, asked.at_least)
    if found is None:
        raise UnknownTicket(ticket=asked.target)
    return found


async def _tickets(runtime: Runtime, asked: Asked) -> Struct:
    number = asked.request.query.get("number")
    if not number or len(number) > 16:
        raise invalid([Fault("number", "It is missing or has the wrong form; right would be a ticket's number, such as A042")])

    def look(state: BranchState, at: Instant) -> Struct:
        ids = [state.by_number[number]] if number in state.by_number else []
        tickets = [state.tickets[ticket_id] for ticket_id in ids]
        shown = tuple(ticket_form(ticket, at, told_now(state, ticket, at)) for ticket in tickets)
        return TicketsAnswer(state.day, state.seq, shown)

    return await runtime.read(asked.branch, look, asked.at_least)


async def _events(runtime: Runtime, asked: Asked) -> Struct:
    day = asked.request.query.get("day")
    if day is not None and not is_day(day):
        raise invalid([Fault("day", "It has the wrong form; right would be a date such as 2026-11-23")])
    after = asked.number("after", 0, 0, 10**9)
    limit = asked.number("limit", 100, 1, EVENTS_LIMIT)
    if asked.at_least is not None:
        await runtime.read(asked.branch, lambda _state, _at: None, asked.at_least)
    head_day, seq, events = await runtime.events(asked.branch, day, after, limit)
    forms = tuple(event_form(event, VERSIONS.get(type(event.fact).__name__, 1)) for event in events)
    return EventsAnswer(head_day, seq, forms)


READS: tuple[ReadRoute, ...] = (
    ReadRoute("/services", "What a kiosk shows", Deed.SEE_SERVICES, ServicesAnswer, _services),
    ReadRoute("/state", "The whole branch as staff see it", Deed.SEE_HALL, StateAnswer, _state),
    ReadRoute(
        "/events",
        "The facts of a day, as they are stored",
        Deed.SEE_HALL,
        EventsAnswer,
        _events,
        query=(("day", "date, the present day unless given"), ("after", "seq"), ("limit", f"1 to {EVENTS_LIMIT}, 100")),
    ),
    ReadRoute("/tickets/{ticket}", "One ticket", Deed.SEE_HALL, TicketAnswer, _ticket, own_deed=Deed.SEE_OWN_TICKET),
    ReadRoute("/tickets", "The ticket with a number", Deed.SEE_HALL, TicketsAnswer, _tickets, query=(("number", "such as A042"),)),
)
