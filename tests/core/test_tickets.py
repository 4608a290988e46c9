"""A ticket's life, step by step."""

import pytest

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Behind, StartMode
from queue_server.core.lifecycle import TicketState
from queue_server.core.rejections import (
    CounterBusy,
    CounterClosed,
    CounterPaused,
    Forbidden,
    InvalidCommand,
    NotInProfile,
    UnknownCounter,
    UnknownService,
    UnknownTicket,
    UnknownTier,
    WrongState,
)
from tests.scenario import given, rules


def test_numbers_belong_to_the_printed_series() -> None:
    hall = given().issue("a").issue("b", tier="gold").issue("c", "loans").issue("d").issue("e", "loans", tier="gold")
    assert [hall.ticket(t).number for t in "abcde"] == ["A001", "V001", "L001", "A002", "L002"]


def test_a_series_never_wraps() -> None:
    hall = given()
    hall.state.serials["A"] = 998
    hall.issue("a").issue("b").issue("c")
    assert [hall.ticket(t).number for t in "abc"] == ["A999", "A1000", "A1001"]


def test_an_unknown_service_or_tier_is_refused_by_name() -> None:
    hall = given()
    assert hall.refused(UnknownService, c.IssueTicket, ticket_id="a", service="gold").facts["known"] == ["cash", "loans"]
    assert hall.refused(UnknownTier, c.IssueTicket, ticket_id="a", service="cash", tier="x").facts["known"] == ["gold", "std"]


def test_a_visit_from_issue_to_finish() -> None:
    hall = given().open("1").issue("a").after(60_000)
    hall.when(c.CallNext, counter="1").then(e.TicketCalled)
    hall.after(5_000).when(c.StartServing, ticket="a").then(e.ServingStarted)
    hall.after(120_000).when(c.FinishServing, ticket="a", outcome="done").then(e.ServingFinished)
    ticket = hall.ticket("a")
    assert (ticket.state, ticket.waited_ms, ticket.outcome) == (TicketState.FINISHED, 60_000, "done")
    assert hall.state.counters["1"].ticket is None


def test_next_finishes_and_calls_as_one_command() -> None:
    hall = given().open("1").issue("a").issue("b").serving("1", "a")
    hall.when(c.CallNext, counter="1", finish=True, outcome="done").then(e.ServingFinished, e.TicketCalled)
    assert {change.event.command_id for change in hall.changes} == {hall.changes[0].event.command_id}
    hall.when(c.StartServing, ticket="b").when(c.CallNext, counter="1", finish=True).then(e.ServingFinished)


def test_next_with_nobody_waiting_is_empty_and_finish_without_serving_is_ignored() -> None:
    given().open("1").when(c.CallNext, counter="1", finish=True).then()


def test_a_busy_counter_names_its_ticket() -> None:
    hall = given().open("1").issue("a").issue("b").when(c.CallNext, counter="1")
    refusal = hall.refused(CounterBusy, c.CallNext, counter="1", finish=True)
    assert refusal.facts["ticket"] == "a"
    assert "A001" in str(refusal)
    hall.when(c.StartServing, ticket="a")
    assert hall.refused(CounterBusy, c.CallNext, counter="1").facts["ticket"] == "a"
    assert hall.refused(CounterBusy, c.CallTicket, counter="1", ticket="b").facts["ticket"] == "a"


def test_a_closed_or_paused_or_unknown_counter_calls_nobody() -> None:
    hall = given().issue("a")
    hall.refused(CounterClosed, c.CallNext, counter="1")
    hall.open("1").when(c.PauseCounter, counter="1").refused(CounterPaused, c.CallNext, counter="1")
    hall.refused(UnknownCounter, c.CallNext, counter="9")
    hall.refused(UnknownTicket, c.CallTicket, counter="1", ticket="zz")


def test_staff_act_at_their_own_counter_only() -> None:
    hall = given().issue("a").when(c.OpenCounter, counter="1", staff="ann")
    hall.refused(Forbidden, c.CallNext, counter="1", seat="bob")
    hall.when(c.CallNext, counter="1", seat="ann")
    hall.refused(Forbidden, c.StartServing, ticket="a", seat="bob")
    hall.when(c.StartServing, ticket="a", seat="ann").then(e.ServingStarted)


def test_direct_call_past_the_profile_needs_override_and_reason() -> None:
    hall = given().open("3").issue("a")
    hall.refused(NotInProfile, c.CallTicket, counter="3", ticket="a")
    hall.refused(InvalidCommand, c.CallTicket, counter="3", ticket="a", override=True)
    hall.when(c.CallTicket, counter="3", ticket="a", override=True, reason="asked").then(e.TicketCalled)
    routing = hall.last(e.TicketCalled).routing
    assert (routing.rule, routing.note) == ("override", "asked")


def test_a_direct_call_within_the_profile_is_no_override() -> None:
    hall = given().open("1").issue("a").issue("b")
    hall.when(c.CallTicket, counter="1", ticket="b", override=True, reason="asked")
    routing = hall.last(e.TicketCalled).routing
    assert (routing.rule, routing.overtook.first) == ("direct", ("A001",))


def test_recall_counts_and_heads_the_board() -> None:
    hall = given().open("1", "2").issue("a").issue("b").when(c.CallNext, counter="1").when(c.CallNext, counter="2")
    assert [call.number for call in hall.state.calls] == ["A002", "A001"]
    hall.when(c.RecallTicket, ticket="a").then(e.TicketRecalled)
    assert [(call.number, call.recalls) for call in hall.state.calls] == [("A001", 1), ("A002", 0)]


def test_a_no_show_returns_within_its_time_only() -> None:
    hall = given().open("1").issue("a").after(1_000).when(c.CallNext, counter="1").after(30_000)
    hall.when(c.RecordNoShow, ticket="a").then(e.NoShowRecorded)
    hall.after(10_000).when(c.ReinstateTicket, ticket="a").then(e.TicketReinstated)
    assert hall.ticket("a").place_at == hall.ticket("a").arrived_at + 40_000, "due keeps the place, less what was not waiting"
    hall.when(c.CallNext, counter="1").when(c.RecordNoShow, ticket="a")
    hall.after(900_000).when(c.ApplyDeadlines).then(e.NoShowLapsed)
    hall.refused(WrongState, c.ReinstateTicket, ticket="a")
    hall.refused(WrongState, c.CallTicket, counter="1", ticket="a")


def test_a_missed_customer_at_the_counter_is_reinstated_and_called_by_one_command() -> None:
    hall = given().open("1", "2").issue("a").when(c.CallNext, counter="1").when(c.RecordNoShow, ticket="a")
    hall.when(c.CallTicket, counter="2", ticket="a").then(e.TicketReinstated, e.TicketCalled)


def test_the_clerk_wins_the_race_with_the_grace() -> None:
    hall = given(rules(no_show_after_ms=30_000)).open("1").issue("a").when(c.CallNext, counter="1").after(30_000)
    hall.when(c.StartServing, ticket="a").then(e.NoShowRecorded, e.ServingStarted)
    assert hall.ticket("a").state is TicketState.SERVING
    assert not hall.state.lapsing


def test_a_no_show_that_staff_recorded_is_not_started() -> None:
    hall = given().open("1").issue("a").when(c.CallNext, counter="1").when(c.RecordNoShow, ticket="a")
    assert hall.refused(WrongState, c.StartServing, ticket="a").facts["allowed"] == ["call", "reinstate"]


def test_requeue_and_its_positions() -> None:
    hall = given().open("1")
    for ticket in "abcdef":
        hall.issue(ticket).after(1_000)
    order = []
    for position in ("front", "due", Behind(2), Behind(0), "back", Behind(99)):
        hall.when(c.CallTicket, counter="1", ticket="c").when(c.RequeueTicket, ticket="c", position=position).then(e.TicketRequeued)
        (line,) = hall.state.lines.values()
        order.append("".join(standing[2] for standing in line.standings[line.start :]))
        hall.after(1_000)
    assert order == ["cabdef", "cabdef", "abcdef", "cabdef", "abdefc", "abdefc"]


def test_transfer_keeps_the_number_and_waits_for_what_was_asked() -> None:
    hall = given().open("1", "2").issue("a").serving("1", "a").after(60_000)
    hall.when(c.TransferTicket, ticket="a", service="loans", counter="2").then(e.TicketTransferred)
    ticket = hall.ticket("a")
    assert (ticket.number, ticket.service, ticket.directed_to, ticket.state) == ("A001", "loans", "2", TicketState.WAITING)
    hall.when(c.CallNext, counter="1").then()
    hall.when(c.CallNext, counter="2").then(e.TicketCalled)


def test_a_transfer_that_nobody_could_take_is_refused() -> None:
    hall = given().open("1").issue("a").serving("1", "a")
    hall.refused(NotInProfile, c.TransferTicket, ticket="a", counter="3")
    hall.refused(InvalidCommand, c.TransferTicket, ticket="a", zone="moon")
    hall.refused(InvalidCommand, c.TransferTicket, ticket="a")
    hall.refused(UnknownService, c.TransferTicket, ticket="a", service="x")


def test_nobody_is_sent_where_no_counter_could_take_them() -> None:
    hall = given().open("1").issue("a").serving("1", "a")
    hall.refused(NotInProfile, c.TransferTicket, ticket="a", zone="vip")
    hall.when(c.RequeueTicket, ticket="a")
    hall.refused(NotInProfile, c.MoveTicket, ticket="a", zone="vip", reason="asked")
    hall.issue("v", tier="gold").when(c.MoveTicket, ticket="v", zone="vip", reason="asked")
    hall.refused(NotInProfile, c.MoveTicket, ticket="v", tier="std", reason="asked")


def test_those_whose_time_to_return_ends_first_lapse_first() -> None:
    hall = given().open("1").issue("a").issue("b").when(c.CallNext, counter="1").when(c.RecordNoShow, ticket="a")
    hall.when(c.ConfigureBranch, expected=1, next_day=False, configuration=rules(reinstate_ms=1_000))
    hall.when(c.CallNext, counter="1").when(c.RecordNoShow, ticket="b").after(1_000)
    hall.when(c.ApplyDeadlines).then(e.NoShowLapsed)
    assert hall.last(e.NoShowLapsed).ticket == "b"


def test_move_changes_how_a_ticket_waits_and_emergency_goes_first() -> None:
    hall = given().open("1").issue("a").after(60_000).issue("b").after(60_000).issue("c", "loans")
    hall.when(c.MoveTicket, ticket="c", emergency=True, reason="unwell").then(e.TicketMoved)
    hall.when(c.CallNext, counter="1")
    assert hall.last(e.TicketCalled).ticket == "c"
    assert hall.last(e.TicketCalled).routing.rule == "emergency"
    hall.when(c.MoveTicket, ticket="b", tier="gold", reason="asked")
    assert (hall.ticket("b").tier, hall.ticket("b").target_ms, hall.ticket("b").place_at) == (
        "gold",
        600_000,
        hall.ticket("b").arrived_at,
    )


def test_cancel_while_called_frees_the_counter() -> None:
    hall = given().open("1").issue("a").when(c.CallNext, counter="1").when(c.CancelTicket, ticket="a").then(e.TicketCancelled)
    assert hall.state.counters["1"].ticket is None
    hall.refused(WrongState, c.CancelTicket, ticket="a")


def test_serving_begins_with_the_call_where_the_branch_says_so() -> None:
    hall = given(rules(start=StartMode.ON_CALL)).open("1").issue("a")
    hall.when(c.CallNext, counter="1").then(e.TicketCalled, e.ServingStarted)


def test_waiting_counts_waiting_only() -> None:
    hall = given().open("1").issue("a").after(10_000).serving("1", "a").after(50_000)
    hall.when(c.RequeueTicket, ticket="a").after(7_000).when(c.CallNext, counter="1")
    assert hall.ticket("a").waited_ms == 17_000


@pytest.mark.parametrize("late", [0, 90_000])
def test_a_ticket_taken_while_the_server_was_away_keeps_its_true_arrival(late: int) -> None:
    hall = given()
    hall.issue("a", arrived_at=hall.now - late)
    assert hall.ticket("a").place_at == hall.now - late


def test_somebody_without_a_ticket_is_issued_called_and_started_by_one_command() -> None:
    hall = given().open("1").issue("a").after(1_000).when(c.ServeDirectly, counter="1", ticket_id="d", service="cash")
    hall.then(e.TicketIssued, e.TicketCalled, e.ServingStarted)
    assert {change.event.command_id for change in hall.changes} == {hall.changes[0].event.command_id}
    ticket, routing = hall.ticket("d"), hall.last(e.TicketCalled).routing
    assert (ticket.number, ticket.state, ticket.waited_ms, ticket.channel) == ("A002", TicketState.SERVING, 0, "direct")
    assert (routing.rule, routing.overtook.first) == ("direct", ("A001",))
    hall.refused(CounterBusy, c.ServeDirectly, counter="1", ticket_id="x", service="cash")


def test_direct_serving_keeps_to_the_profile() -> None:
    hall = given().open("3")
    hall.refused(NotInProfile, c.ServeDirectly, counter="3", ticket_id="d", service="cash")
    hall.refused(UnknownService, c.ServeDirectly, counter="3", ticket_id="d", service="x")
    hall.when(c.ServeDirectly, counter="3", ticket_id="d", service="cash", tier="gold").then(
        e.TicketIssued, e.TicketCalled, e.ServingStarted
    )


def test_where_serving_begins_with_the_call_direct_serving_starts_once() -> None:
    hall = given(rules(start=StartMode.ON_CALL)).open("1").when(c.ServeDirectly, counter="1", ticket_id="d", service="cash")
    hall.then(e.TicketIssued, e.TicketCalled, e.ServingStarted)


@pytest.mark.parametrize("target", [{"counter": "2"}, {"zone": "hall"}, {"staff": "ann"}])
def test_whoever_waits_for_one_that_is_gone_may_be_called_anywhere_again(target: dict[str, str]) -> None:
    hall = given().open("1", "2").issue("a").serving("1", "a").when(c.TransferTicket, ticket="a", **target)
    hall.when(c.CloseCounter, counter="2").when(c.CallNext, counter="1").then()
    place_at = hall.ticket("a").place_at
    hall.when(c.MoveTicket, ticket="a", anywhere=True, reason="gone").then(e.TicketMoved)
    ticket = hall.ticket("a")
    assert (ticket.directed_to, ticket.zone, ticket.staff, ticket.place_at) == (None, None, None, place_at)
    hall.when(c.CallNext, counter="1").then(e.TicketCalled)


def test_a_move_may_send_to_another_zone_and_away_from_a_counter_at_once() -> None:
    hall = given().open("1", "2").issue("a").serving("1", "a").when(c.TransferTicket, ticket="a", counter="1")
    hall.when(c.MoveTicket, ticket="a", anywhere=True, zone="hall", reason="quiet")
    assert (hall.ticket("a").directed_to, hall.ticket("a").zone) == (None, "hall")
