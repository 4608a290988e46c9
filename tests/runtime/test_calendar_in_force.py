"""Opening hours, limits, promises and arrival times as a running node keeps to them: configured outside, decided in the core."""

from datetime import UTC, datetime
from typing import Any

import pytest

from queue_server.core import commands as c
from queue_server.core.configuration import ArrivalRule, Hours, PromiseDays, Service, Span
from queue_server.core.rejections import LimitReached, Rejected, ServiceClosed
from queue_server.core.ticket import Ticket
from tests.runtime.hall import Hall, number_of
from tests.scenario import HOUR, rules

MINUTE = 60_000
THURSDAY = "2026-01-01"
WEEK = Hours(
    {
        "thursday": (Span("09:00", "12:00"), Span("13:00", "17:00")),
        "friday": (Span("10:00", "16:00"),),
        "saturday": (Span("09:30", "12:00"),),
    },
    last_ticket_ms=15 * MINUTE,
)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


async def configure(hall: Hall, version: int = 1, *, next_day: bool = False, **changes: Any) -> None:
    await hall.runtime.put_configuration(
        "b", rules(**changes), expected=version, next_day=next_day, actor="test", command_id=f"put-{version}"
    )


async def refused(hall: Hall, at: str, kind: type[Rejected], **wanted: Any) -> int | None:
    """Try to get a ticket at *at* and return when the next is to be had."""
    hall.clock.at = ms(at)
    with pytest.raises(kind) as refusal:
        await hall.do(c.IssueTicket, ticket_id=f"refused-{at}", **({"service": "cash"} | wanted))
    reopens_at = refusal.value.facts["reopens_at"]
    assert reopens_at is None or isinstance(reopens_at, int)
    return reopens_at


async def given(hall: Hall, at: str, service: str = "cash", **wanted: Any) -> Ticket:
    """Get a ticket at *at*."""
    hall.clock.at = ms(at)
    outcome = await hall.do(c.IssueTicket, ticket_id=f"{service}-{at}", service=service, **wanted)
    ticket = outcome.changes[-1].ticket
    assert isinstance(ticket, Ticket)
    return ticket


async def test_a_branch_gives_tickets_while_it_is_open_and_says_when_it_opens_again() -> None:
    async with Hall() as hall:
        await configure(hall, hours=WEEK)
        assert await refused(hall, f"{THURSDAY}T08:59:59.999", ServiceClosed) == ms(f"{THURSDAY}T09:00")
        await given(hall, f"{THURSDAY}T09:00")
        await given(hall, f"{THURSDAY}T11:44:59.999")
        assert await refused(hall, f"{THURSDAY}T11:45", ServiceClosed) == ms(f"{THURSDAY}T13:00"), "the last ticket before lunch"
        await given(hall, f"{THURSDAY}T13:00")
        assert await refused(hall, f"{THURSDAY}T17:30", ServiceClosed) == ms("2026-01-02T10:00")
        # Over the roll, to the hours of the next day, and past days on which it is shut.
        assert await refused(hall, "2026-01-02T09:00", ServiceClosed) == ms("2026-01-02T10:00")
        assert (await given(hall, "2026-01-02T10:00")).number == "A001"
        assert await refused(hall, "2026-01-03T13:00", ServiceClosed) == ms("2026-01-08T09:00")


async def test_whoever_stands_at_the_counter_is_served_out_of_hours() -> None:
    async with Hall() as hall:
        await configure(hall, hours=WEEK)
        await refused(hall, f"{THURSDAY}T16:50", ServiceClosed)
        await hall.do(c.OpenCounter, counter="1")
        outcome = await hall.do(c.ServeDirectly, counter="1", ticket_id="direct", service="cash")
        assert number_of(outcome) == "A001"
        assert [type(change.event.fact).__name__ for change in outcome.changes] == [
            "TicketIssued",
            "TicketCalled",
            "ServingStarted",
        ]


async def test_a_waiting_customer_is_called_after_the_doors_have_shut() -> None:
    async with Hall() as hall:
        await configure(hall, hours=WEEK)
        ticket = await given(hall, f"{THURSDAY}T16:44")
        hall.clock.at = ms(f"{THURSDAY}T18:00")
        await hall.do(c.OpenCounter, counter="1")
        called = await hall.do(c.CallNext, counter="1")
        assert number_of(called) == ticket.number


async def test_a_service_may_keep_hours_of_its_own() -> None:
    loans = Service(
        "loans", {"en": "Loans"}, "L", hours=Hours({"thursday": (Span("10:00", "11:00"),), "monday": (Span("10:00", "11:00"),)})
    )
    cash = Service("cash", {"en": "Cash"}, "A")
    async with Hall() as hall:
        await configure(hall, hours=WEEK, services=(cash, loans))
        assert await refused(hall, f"{THURSDAY}T09:30", ServiceClosed, service="loans") == ms(f"{THURSDAY}T10:00")
        await given(hall, f"{THURSDAY}T09:30")
        await given(hall, f"{THURSDAY}T10:00", "loans")
        assert await refused(hall, f"{THURSDAY}T11:00", ServiceClosed, service="loans") == ms("2026-01-05T10:00")


async def test_a_day_has_so_many_tickets_and_the_next_has_them_again() -> None:
    services = (Service("cash", {"en": "Cash"}, "A", daily_limit=2), Service("loans", {"en": "Loans"}, "L"))
    async with Hall() as hall:
        await configure(hall, hours=WEEK, services=services)
        for minute in (0, 1):
            await given(hall, f"{THURSDAY}T09:0{minute}")
        assert await refused(hall, f"{THURSDAY}T09:02", LimitReached) == ms("2026-01-02T10:00")
        await given(hall, f"{THURSDAY}T09:02", "loans")
        await hall.do(c.OpenCounter, counter="1")
        assert number_of(await hall.do(c.ServeDirectly, counter="1", ticket_id="direct", service="cash")) == "A003"
        await given(hall, "2026-01-02T10:00")


async def test_without_hours_the_limit_lasts_until_the_day_rolls() -> None:
    async with Hall() as hall:
        await configure(
            hall, services=(Service("cash", {"en": "Cash"}, "A", daily_limit=1), Service("loans", {"en": "Loans"}, "L"))
        )
        await given(hall, f"{THURSDAY}T09:00")
        assert await refused(hall, f"{THURSDAY}T09:00", LimitReached) == ms("2026-01-02T04:00")


async def test_the_promises_of_a_listed_day_are_made_to_those_who_come_on_it() -> None:
    payday = PromiseDays(("2026-01-02",), {"std": 40 * MINUTE}, {"loans": {"std": 90 * MINUTE}})
    async with Hall() as hall:
        await configure(hall, promises=(payday,))
        assert (await given(hall, f"{THURSDAY}T09:00")).target_ms == 20 * MINUTE
        assert (await given(hall, "2026-01-02T09:00")).target_ms == 40 * MINUTE
        assert (await given(hall, "2026-01-02T09:00", "loans")).target_ms == 90 * MINUTE
        assert (await given(hall, "2026-01-02T09:01", tier="gold")).target_ms == 10 * MINUTE, "not listed, so as ever"
        assert (await given(hall, "2026-01-03T09:00")).target_ms == 20 * MINUTE


async def test_an_arrival_rule_holds_at_its_time_of_day() -> None:
    async with Hall() as hall:
        await configure(hall, classification=(ArrivalRule("noon", between=Span("12:00", "13:00"), tier="gold"),))
        noon = await given(hall, f"{THURSDAY}T12:59")
        assert (noon.tier, noon.classified_by) == ("gold", "noon")
        assert (await given(hall, f"{THURSDAY}T13:00")).tier == "std"
        assert (await given(hall, "2026-01-02T12:00")).tier == "gold"


async def test_a_change_counts_at_once_or_when_the_next_day_opens() -> None:
    async with Hall() as hall:
        await given(hall, f"{THURSDAY}T08:00")
        await configure(hall, hours=WEEK)
        await refused(hall, f"{THURSDAY}T08:00", ServiceClosed)
        longer = Hours({"thursday": (Span("08:00", "18:00"),), "friday": (Span("08:00", "18:00"),)})
        await configure(hall, 2, hours=longer, next_day=True)
        assert await refused(hall, f"{THURSDAY}T08:30", ServiceClosed) == ms(f"{THURSDAY}T09:00")
        await given(hall, "2026-01-02T08:00")
        await configure(hall, 3)
        await given(hall, "2026-01-02T23:00")


async def test_a_change_that_waited_over_the_roll_is_for_the_day_that_it_finds() -> None:
    async with Hall() as hall:
        hall.clock.at += 20 * HOUR
        await configure(hall, hours=WEEK)
        windows = await hall.runtime.read("b", lambda state, _: state.timetable.windows)
        assert windows is not None
        assert [window.opens_at for window in windows] == [ms("2026-01-02T10:00")]


async def test_what_was_worked_out_is_read_again_from_the_log() -> None:
    async with Hall() as hall:
        await configure(hall, hours=WEEK)
        known = await hall.runtime.read("b", lambda state, _: state.timetable)
        assert known.windows
        async with Hall(hall.log) as other:
            assert await other.runtime.read("b", lambda state, _: state.timetable) == known
