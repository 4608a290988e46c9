"""Customers put aside: who keeps them, how many, who takes them up again, and which time is which."""

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Code
from queue_server.core.lifecycle import CounterState, TicketState
from queue_server.core.rejections import (
    CounterBusy,
    CounterClosed,
    CounterPaused,
    Forbidden,
    InvalidCommand,
    NotInProfile,
    ParkLimit,
    UnknownCounter,
    UnknownTicket,
    WrongState,
)
from queue_server.core.ticket import ParkKind, Stage
from tests.scenario import Scenario, given, rules

SERVICE = ParkKind.SERVICE


def _parked(kind: ParkKind = ParkKind.COUNTER) -> Scenario:
    """A ticket served for 10 s and parked at counter 1, where ann sits; bob sits at counter 2, which is open too."""
    hall = given(rules(park_limit=2)).when(c.OpenCounter, counter="1", staff="ann").when(c.OpenCounter, counter="2", staff="bob")
    return hall.issue("a").after(60_000).serving("1", "a").after(10_000).when(c.ParkTicket, ticket="a", kind=kind, reason="forms")


def test_a_counter_keeps_what_it_parks_and_is_free_for_others() -> None:
    hall = _parked().then(e.TicketParked)
    counter, ticket = hall.state.counters["1"], hall.ticket("a")
    assert (counter.state, counter.ticket, counter.parked) == (CounterState.OPEN, None, ("a",))
    assert (ticket.state, ticket.park_kind, ticket.counter, ticket.reason) == (TicketState.PARKED, ParkKind.COUNTER, "1", "forms")
    hall.issue("b").when(c.CallNext, counter="1").then(e.TicketCalled)


def test_parked_time_is_neither_waiting_nor_serving() -> None:
    hall = _parked().after(300_000).when(c.UnparkTicket, ticket="a").then(e.TicketUnparked).after(20_000)
    assert hall.state.counters["1"].parked == ()
    hall.when(c.FinishServing, ticket="a").then(e.ServingFinished)
    assert hall.ticket("a").stages == (Stage("cash", 60_000, 30_000, 300_000),)
    assert hall.state.pace["cash"].total_ms == 30_000
    assert hall.ticket("a").waited_ms == 60_000


def test_paused_time_is_nobodys() -> None:
    hall = _parked().when(c.PauseCounter, counter="1").after(600_000).when(c.ResumeCounter, counter="1")
    hall.when(c.UnparkTicket, ticket="a").after(1_000).when(c.FinishServing, ticket="a")
    assert (hall.ticket("a").stages[0].served_ms, hall.ticket("a").stages[0].parked_ms) == (11_000, 600_000)


def test_only_who_is_served_is_parked_and_at_the_own_counter() -> None:
    hall = _parked().issue("b")
    hall.refused(WrongState, c.ParkTicket, ticket="b")
    hall.refused(WrongState, c.ParkTicket, ticket="a")
    hall.refused(UnknownTicket, c.ParkTicket, ticket="zz")
    hall.when(c.CallTicket, counter="1", ticket="b").refused(WrongState, c.ParkTicket, ticket="b")
    hall.when(c.StartServing, ticket="b")
    hall.refused(Forbidden, c.ParkTicket, ticket="b", seat="bob")
    hall.refused(WrongState, c.ParkTicket, ticket="b", counter="2")
    hall.when(c.ParkTicket, ticket="b", counter="1", seat="ann").then(e.TicketParked)


def test_a_counter_keeps_so_many_and_no_more() -> None:
    hall = _parked().issue("b").serving("1", "b").when(c.ParkTicket, ticket="b").issue("d").serving("1", "d")
    assert hall.refused(ParkLimit, c.ParkTicket, ticket="d").facts["parked"] == ["a", "b"]
    hall.when(c.ParkTicket, ticket="d", kind=SERVICE).then(e.TicketParked)
    assert hall.state.counters["1"].parked == ("a", "b")


def test_a_kept_ticket_is_unparked_where_it_is_kept() -> None:
    hall = _parked()
    hall.refused(WrongState, c.UnparkTicket, ticket="a", counter="2")
    hall.refused(Forbidden, c.UnparkTicket, ticket="a", seat="bob")
    hall.refused(UnknownCounter, c.UnparkTicket, ticket="a", counter="9")
    hall.issue("b").serving("1", "b")
    assert hall.refused(CounterBusy, c.UnparkTicket, ticket="a").facts["ticket"] == "b"
    hall.refused(WrongState, c.UnparkTicket, ticket="b")
    hall.when(c.FinishServing, ticket="b").when(c.PauseCounter, counter="1").refused(CounterPaused, c.UnparkTicket, ticket="a")


def test_any_counter_of_the_service_takes_up_what_is_parked_for_the_service() -> None:
    hall = _parked(SERVICE).open("3")
    assert hall.state.counters["1"].parked == ()
    hall.refused(NotInProfile, c.UnparkTicket, ticket="a", counter="3")
    hall.refused(Forbidden, c.UnparkTicket, ticket="a", counter="1", seat="bob")
    hall.when(c.UnparkTicket, ticket="a", seat="bob").then(e.TicketUnparked)
    assert (hall.ticket("a").counter, hall.state.counters["2"].ticket, hall.ticket("a").park_kind) == ("2", "a", None)


def test_closing_a_counter_leaves_what_it_keeps_to_the_service() -> None:
    hall = _parked().when(c.CloseCounter, counter="1").then(e.ParkKindChanged, e.CounterClosed)
    assert (hall.ticket("a").park_kind, hall.state.counters["1"].parked) == (SERVICE, ())
    hall.refused(CounterClosed, c.UnparkTicket, ticket="a")
    hall.after(5_000).when(c.UnparkTicket, ticket="a", counter="2").then(e.TicketUnparked)
    assert hall.ticket("a").parked_ms == 5_000


def test_a_person_who_moves_leaves_their_parked_tickets_to_the_service() -> None:
    hall = _parked().when(c.CloseCounter, counter="2").when(c.OpenCounter, counter="2", staff="ann", take_over=True)
    hall.then(e.ParkKindChanged, e.CounterClosed, e.CounterOpened)


def test_requeue_brings_the_parked_back_by_who_kept_them() -> None:
    hall = _parked().after(30_000).issue("b").when(c.RequeueTicket, ticket="a").then(e.TicketRequeued)
    assert hall.ticket("a").place_at == hall.ticket("a").arrived_at + 40_000, "the time that was not waiting does not count"
    assert hall.state.counters["1"].parked == ()
    other = _parked(SERVICE).issue("b", arrived_at=_parked().now - 500_000).when(c.RequeueTicket, ticket="a", seat="bob")
    assert other.ticket("a").place_at == other.ticket("b").place_at - 1, "the front"


def test_transfer_and_cancel_take_the_ticket_from_who_keeps_it() -> None:
    hall = _parked()
    hall.refused(Forbidden, c.TransferTicket, ticket="a", service="loans", seat="bob")
    hall.refused(Forbidden, c.CancelTicket, ticket="a", seat="bob")
    hall.when(c.TransferTicket, ticket="a", service="loans").then(e.TicketTransferred)
    assert (hall.ticket("a").service, hall.state.counters["1"].parked) == ("loans", ())
    other = _parked().when(c.CancelTicket, ticket="a").then(e.TicketCancelled)
    assert (other.ticket("a").state, other.state.counters["1"].parked) == (TicketState.CANCELLED, ())
    _parked(SERVICE).when(c.CancelTicket, ticket="a", seat="bob").then(e.TicketCancelled)
    _parked(SERVICE).when(c.TransferTicket, ticket="a", service="loans", seat="bob").then(e.TicketTransferred)


def test_parked_tickets_expire_with_the_day() -> None:
    hall = _parked().when(c.CloseDay, reason="fire_alarm").then(e.TicketExpired, e.CounterClosed, e.CounterClosed, e.DayClosed)
    assert (hall.ticket("a").state, hall.state.counters["1"].parked) == (TicketState.EXPIRED, ())


def test_a_new_configuration_leaves_the_parked_where_they_are() -> None:
    hall = _parked().when(c.ConfigureBranch, expected=1, next_day=False, configuration=rules(park_limit=1))
    assert hall.state.counters["1"].parked == ("a",)
    hall.issue("b").serving("1", "b").refused(ParkLimit, c.ParkTicket, ticket="b")
    hall.when(c.FinishServing, ticket="b").when(c.UnparkTicket, ticket="a").then(e.TicketUnparked)


def test_a_pause_names_one_of_the_configured_reasons() -> None:
    hall = given(rules(pause_reasons=(Code("lunch", {"en": "Lunch"}),))).open("1")
    assert "lunch" in str(hall.refused(InvalidCommand, c.PauseCounter, counter="1", reason="nap"))
    hall.when(c.PauseCounter, counter="1", reason="lunch").when(c.ResumeCounter, counter="1").when(c.PauseCounter, counter="1")
