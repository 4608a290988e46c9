"""Over the roll: who waits waits on where the branch asks for it, and each day adds up by itself."""

from typing import Any

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Behind, CounterPlace, Policy, Service
from queue_server.core.deadlines import roll_at
from queue_server.core.lifecycle import TicketState
from queue_server.core.ticket import ParkKind
from tests import invariants
from tests.scenario import HOUR, ROLLS_AT, Scenario, given, rules

OVER: dict[str, Any] = {"carry_over": True}


def _roll(hall: Scenario, late: int = 0, **changes: Any) -> Scenario:
    hall.now = max(hall.now, roll_at(hall.state) + late)
    version, configuration = hall.state.newest
    hall.when(
        c.OpenDay,
        day="2026-01-02",
        opens_at=ROLLS_AT,
        rolls_at=ROLLS_AT + 24 * HOUR,
        version=version,
        configuration=rules(**(OVER | changes)) if changes else configuration,
    )
    today = [event for event in hall.events if event.day == hall.state.day]
    invariants.check(hall.state, today)
    return hall


def test_who_waits_waits_on_with_number_place_and_wait() -> None:
    hall = given(rules(**OVER)).issue("a").after(3 * HOUR).issue("b", tier="gold", care="elderly", language="de", then=("loans",))
    before = {ticket: (hall.ticket(ticket).number, hall.ticket(ticket).place_at, hall.ticket(ticket).arrived_at) for ticket in "ab"}
    _roll(hall).then(e.TicketCarried, e.TicketCarried, e.DayClosed, e.DayOpened, e.BranchConfigured, e.TicketIssued, e.TicketIssued)
    assert {t: (hall.ticket(t).number, hall.ticket(t).place_at, hall.ticket(t).arrived_at) for t in "ab"} == before
    assert hall.ticket("a").waited_at(hall.now) == 20 * HOUR
    assert (hall.ticket("b").tier, hall.ticket("b").care, hall.ticket("b").language, hall.ticket("b").then) == (
        "gold",
        "elderly",
        "de",
        ("loans",),
    )
    assert hall.state.issued_for == {"cash": 2, "loans": 1}
    hall.open("1").when(c.CallNext, counter="1").then(e.TicketCalled)


def test_a_branch_that_does_not_ask_for_it_sends_everybody_home() -> None:
    hall = _roll(given().issue("a"))
    assert (hall.last(e.TicketExpired).ticket, hall.state.tickets) == ("a", {})


def test_called_parked_and_served_ones_end_as_ever() -> None:
    hall = given(rules(**OVER)).open("1", "2").issue("a").issue("b").issue("d").serving("1", "a").when(c.ParkTicket, ticket="a")
    hall.when(c.CallTicket, counter="1", ticket="b").serving("2", "d")
    hall.now = roll_at(hall.state)
    _roll(hall)
    assert hall.state.tickets == {}
    ends = [type(event.fact).__name__ for event in hall.events if isinstance(event.fact, e.TicketExpired | e.ServingFinished)]
    assert sorted(ends) == ["ServingFinished", "TicketExpired", "TicketExpired"]


def test_the_series_of_the_new_day_skips_the_numbers_that_were_brought_along() -> None:
    hall = given(rules(**OVER)).issue("gone").issue("a").issue("b").when(c.CancelTicket, ticket="gone")
    _roll(hall)
    assert sorted(ticket.number for ticket in hall.state.tickets.values()) == ["A002", "A003"]
    for ticket in ("x", "y"):
        hall.issue(ticket)
    assert (hall.ticket("x").number, hall.ticket("y").number) == ("A001", "A004")
    hall.issue("g", tier="gold")
    assert hall.ticket("g").number == "V001"


def test_a_number_stays_taken_when_its_ticket_has_ended() -> None:
    hall = _roll(given(rules(**OVER)).issue("a")).when(c.CancelTicket, ticket="a").issue("x")
    assert hall.ticket("x").number == "A002"


def test_those_of_one_millisecond_keep_their_order() -> None:
    hall = given(rules(policy=Policy("fifo"), **OVER)).open("1")
    for ticket in "abx":
        hall.issue(ticket)
    hall.when(c.CallTicket, counter="1", ticket="x").when(c.RequeueTicket, ticket="x", position=Behind(1))
    _roll(hall).open("1")
    order = []
    for _ in "axb":
        hall.when(c.CallNext, counter="1")
        order.append(hall.last(e.TicketCalled).ticket)
        hall.when(c.CancelTicket, ticket=order[-1])
    assert order == ["a", "x", "b"]


def test_direction_emergency_and_what_was_given_go_along() -> None:
    hall = given(rules(**OVER)).open("1", "2").issue("a").after(5_000).serving("1", "a").after(7_000)
    hall.when(c.TransferTicket, ticket="a", service="loans", counter="2").when(
        c.MoveTicket, ticket="a", emergency=True, reason="ill"
    )
    stages = hall.ticket("a").stages
    _roll(hall)
    ticket = hall.ticket("a")
    assert (ticket.directed_to, ticket.emergency, ticket.stages, ticket.counter) == ("2", True, stages, None)
    hall.open("1", "2").when(c.CallNext, counter="1").then().when(c.CallNext, counter="2").then(e.TicketCalled)


def test_whom_the_new_day_has_no_place_for_has_gone_home() -> None:
    hall = given(rules(**OVER)).open("1", "2").issue("a").issue("l", "loans").serving("1", "a")
    hall.when(c.TransferTicket, ticket="a", counter="2").issue("b")
    fewer: dict[str, Any] = {"services": (Service("cash", {"en": "Cash"}, "A", prefixes={"gold": "V"}),), "profiles": ()}
    _roll(hall, **fewer, counters=(CounterPlace("1", "1"),))
    assert list(hall.state.tickets) == ["b"]
    assert sorted(event.fact.ticket for event in hall.events if isinstance(event.fact, e.TicketExpired)) == ["a", "l"]


def test_a_roll_that_is_noticed_late_changes_nothing_in_the_wait() -> None:
    hall = _roll(given(rules(**OVER)).issue("a"), late=HOUR)
    assert next(event for event in hall.events if isinstance(event.fact, e.TicketCarried)).at == ROLLS_AT
    assert hall.ticket("a").waited_at(hall.now) == 21 * HOUR


def test_over_two_nights() -> None:
    hall = _roll(given(rules(**OVER)).issue("a"))
    hall.now = roll_at(hall.state)
    version, configuration = hall.state.newest
    hall.when(
        c.OpenDay,
        day="2026-01-03",
        opens_at=hall.now,
        rolls_at=hall.now + 24 * HOUR,
        version=version,
        configuration=configuration,
    )
    assert (hall.ticket("a").number, hall.ticket("a").state) == ("A001", TicketState.WAITING)
    assert hall.last(e.TicketCarried).to == "2026-01-03"


def test_a_day_that_is_closed_early_carries_nobody() -> None:
    hall = given(rules(**OVER)).issue("a").when(c.CloseDay, reason="fire_alarm").then(e.TicketExpired, e.DayClosed)
    assert _roll(hall).state.tickets == {}


def test_who_was_parked_for_the_service_is_not_waiting() -> None:
    hall = given(rules(**OVER)).open("1").issue("a").serving("1", "a").when(c.ParkTicket, ticket="a", kind=ParkKind.SERVICE)
    assert _roll(hall).state.tickets == {}
