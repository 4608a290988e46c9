"""Visits of several services: what finish means then, what counts for the next line, and which time is which."""

import pytest

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Code, Service
from queue_server.core.lifecycle import TicketState
from queue_server.core.rejections import CounterBusy, InvalidCommand, UnknownService, WouldStrand, WrongState
from queue_server.core.rules_arrivals import STAGES_MAX
from queue_server.core.ticket import Stage
from tests.scenario import Scenario, given, rules


def test_finish_leads_to_the_next_service_and_then_to_the_end() -> None:
    hall = given().open("1").issue("a", then=("loans", "cash")).after(60_000).serving("1", "a").after(30_000)
    hall.when(c.FinishServing, ticket="a", outcome="done").then(e.StageFinished)
    ticket = hall.ticket("a")
    assert (ticket.state, ticket.service, ticket.then, ticket.number) == (TicketState.WAITING, "loans", ("cash",), "A001")
    assert hall.state.counters["1"].ticket is None
    hall.serving("1", "a").when(c.FinishServing, ticket="a").then(e.StageFinished)
    hall.serving("1", "a").when(c.FinishServing, ticket="a").then(e.ServingFinished)
    assert (ticket.state, [stage.service for stage in ticket.stages]) == (TicketState.FINISHED, ["cash", "loans", "cash"])
    assert ticket.stages[0] == Stage("cash", 60_000, 30_000, 0, "done")


@pytest.mark.parametrize(
    ("waited", "credit_permille", "credit"),
    [
        (600_000, 500, 300_000),
        (600_000, 0, 0),
        (600_000, 1000, 600_000),
        # Never so much that the promise of 20 minutes is nearly used up.
        (3_000_000, 500, 1_080_000),
        (600_001, 500, 300_000),
    ],
)
def test_a_share_of_the_wait_counts_for_the_next_line(waited: int, credit_permille: int, credit: int) -> None:
    hall = given(rules(stage_credit_permille=credit_permille)).open("1").issue("a", then=("loans",)).after(waited)
    hall.serving("1", "a").after(5_000).when(c.FinishServing, ticket="a")
    assert hall.ticket("a").place_at == hall.now - credit


def test_the_credit_is_of_all_stages_and_bounded_by_the_next_promise() -> None:
    soon = Service("loans", {"en": "Loans"}, "L", target_ms={"std": 100_000})
    hall = given(rules(services=(rules().services[0], soon))).open("1").issue("a", then=("cash", "loans"))
    for _ in range(2):
        hall.after(60_000).serving("1", "a").when(c.FinishServing, ticket="a")
    assert (hall.ticket("a").target_ms, hall.ticket("a").place_at) == (100_000, hall.now - 60_000)
    other = given(rules(services=(rules().services[0], soon))).open("1").issue("a", then=("loans",)).after(600_000)
    other.serving("1", "a").when(c.FinishServing, ticket="a")
    assert other.ticket("a").place_at == other.now - 90_000


def test_waits_are_told_by_stage_and_in_total_without_credits() -> None:
    hall = given().open("1").issue("a", then=("loans",)).after(60_000).serving("1", "a").after(10_000)
    hall.when(c.FinishServing, ticket="a").after(20_000).serving("1", "a").after(5_000).when(c.FinishServing, ticket="a")
    ticket = hall.ticket("a")
    assert [(stage.waited_ms, stage.served_ms) for stage in ticket.stages] == [(60_000, 10_000), (20_000, 5_000)]
    assert ticket.waited_ms == 80_000


def test_what_was_served_before_a_requeue_is_not_forgotten() -> None:
    hall = given().open("1").issue("a").serving("1", "a").after(40_000).when(c.RequeueTicket, ticket="a").after(60_000)
    hall.serving("1", "a").after(10_000).when(c.FinishServing, ticket="a")
    (stage,) = hall.ticket("a").stages
    assert (stage.waited_ms, stage.served_ms) == (60_000, 50_000)
    assert hall.state.pace["cash"].total_ms == 10_000, "the pace is how long a call takes a counter"


def test_next_finishes_a_stage_as_it_finishes_a_visit() -> None:
    hall = given().open("1").issue("a", then=("loans",)).issue("b").serving("1", "a").after(1_000)
    hall.when(c.CallNext, counter="1", finish=True).then(e.StageFinished, e.TicketCalled)
    assert hall.last(e.TicketCalled).ticket == "b"


def test_the_last_of_the_hall_is_called_for_the_next_stage_by_the_same_key() -> None:
    hall = given().open("1").issue("a", then=("loans",)).serving("1", "a")
    hall.when(c.CallNext, counter="1", finish=True).then(e.StageFinished, e.TicketCalled)
    assert (hall.ticket("a").state, hall.ticket("a").service) == (TicketState.CALLED, "loans")


def test_a_direction_is_for_the_service_it_was_given_for() -> None:
    hall = given().open("1", "2").issue("a", then=("loans",)).serving("1", "a")
    hall.when(c.TransferTicket, ticket="a", counter="2").serving("2", "a").when(c.FinishServing, ticket="a")
    assert hall.ticket("a").directed_to is None
    hall.when(c.CallNext, counter="1").then(e.TicketCalled)


def test_a_stage_ends_only_while_it_is_served() -> None:
    hall = given(rules(outcomes=(Code("done", {"en": "Done"}),))).open("1").issue("a", then=("loans",))
    hall.refused(WrongState, c.FinishServing, ticket="a")
    hall.when(c.CallNext, counter="1").refused(CounterBusy, c.CallNext, counter="1", finish=True)
    hall.when(c.StartServing, ticket="a")
    assert "done" in str(hall.refused(InvalidCommand, c.FinishServing, ticket="a", outcome="lost"))
    hall.refused(InvalidCommand, c.CallNext, counter="1", finish=True, outcome="lost")
    hall.when(c.FinishServing, ticket="a", outcome="done").then(e.StageFinished)


def test_a_visit_has_services_that_exist_and_not_too_many() -> None:
    hall = given()
    hall.refused(UnknownService, c.IssueTicket, ticket_id="a", service="cash", then=("gold",))
    hall.refused(InvalidCommand, c.IssueTicket, ticket_id="a", service="cash", then=("loans",) * STAGES_MAX)
    hall.issue("a", then=("loans",) * (STAGES_MAX - 1)).then(e.TicketIssued)


def test_a_service_still_to_come_is_not_taken_away() -> None:
    hall = given().issue("a", then=("loans",))
    fewer = rules(services=rules().services[:1])
    assert hall.refused(WouldStrand, c.ConfigureBranch, expected=1, next_day=False, configuration=fewer).facts["stranded"] == [
        "ticket A001"
    ]
    hall.when(c.CancelTicket, ticket="a").when(c.ConfigureBranch, expected=1, next_day=False, configuration=fewer)


def test_the_end_of_the_day_ends_the_visit_whatever_was_to_come() -> None:
    hall = given().open("1", "2").issue("a", then=("loans",)).issue("b", then=("loans",)).serving("1", "a")
    hall.serving("2", "b").when(c.FinishServing, ticket="b").when(c.CloseDay, reason="fire_alarm")
    assert (hall.ticket("a").state, hall.ticket("a").outcome) == (TicketState.FINISHED, "day_closed")
    assert hall.ticket("b").state is TicketState.EXPIRED


def _times(hall: Scenario, ticket: str) -> list[tuple[str, int, int, int]]:
    return [(stage.service, stage.waited_ms, stage.served_ms, stage.parked_ms) for stage in hall.ticket(ticket).stages]


def test_what_was_given_before_a_transfer_is_a_stage_of_its_own() -> None:
    hall = given().open("1", "2").issue("a").after(10_000).serving("1", "a").after(60_000)
    hall.when(c.TransferTicket, ticket="a", service="loans").after(5_000).serving("2", "a").after(7_000)
    hall.when(c.FinishServing, ticket="a").then(e.ServingFinished)
    assert _times(hall, "a") == [("cash", 10_000, 60_000, 0), ("loans", 5_000, 7_000, 0)]
    assert hall.state.pace["loans"].total_ms == 7_000
    assert "cash" not in hall.state.pace, "it was not given to its end"


def test_parked_time_stays_with_the_stage_that_was_parked() -> None:
    hall = given().open("1").issue("a").serving("1", "a").after(9_000).when(c.ParkTicket, ticket="a").after(20_000)
    hall.when(c.TransferTicket, ticket="a", service="loans").after(4_000).serving("1", "a").after(3_000)
    hall.when(c.FinishServing, ticket="a")
    assert _times(hall, "a") == [("cash", 0, 9_000, 20_000), ("loans", 4_000, 3_000, 0)]


def test_what_was_served_before_a_second_call_belongs_to_the_stage_too() -> None:
    hall = given().open("1").issue("a").serving("1", "a").after(9_000).when(c.RequeueTicket, ticket="a").after(1_000)
    hall.when(c.CallTicket, counter="1", ticket="a").after(2_000).when(c.TransferTicket, ticket="a", service="loans")
    assert _times(hall, "a") == [("cash", 1_000, 9_000, 0)]


@pytest.mark.parametrize("target", [{"service": "loans"}, {"service": "cash", "counter": "2"}])
def test_nothing_given_or_the_same_service_is_no_stage_of_its_own(target: dict[str, str]) -> None:
    hall = given().open("1", "2").issue("a").after(8_000)
    if target["service"] == "loans":
        hall.when(c.CallTicket, counter="1", ticket="a")
    else:
        hall.serving("1", "a").after(6_000)
    hall.when(c.TransferTicket, ticket="a", **target)
    assert hall.ticket("a").stages == ()
    hall.serving("2", "a").after(1_000).when(c.FinishServing, ticket="a")
    assert _times(hall, "a") == [("loans", 8_000, 1_000, 0) if target["service"] == "loans" else ("cash", 8_000, 7_000, 0)]


def test_a_service_still_to_come_is_not_given_twice() -> None:
    hall = given().open("1", "2").issue("a", then=("cash", "loans", "cash")).serving("1", "a")
    hall.when(c.TransferTicket, ticket="a", service="loans")
    assert (hall.ticket("a").service, hall.ticket("a").then) == ("loans", ("cash", "cash"))
    moved = given().issue("a", then=("loans",)).when(c.MoveTicket, ticket="a", service="loans", reason="asked")
    assert (moved.ticket("a").service, moved.ticket("a").then) == ("loans", ())
    again = given().open("1").issue("a", then=("cash",)).serving("1", "a").when(c.TransferTicket, ticket="a", counter="1")
    assert again.ticket("a").then == ("cash",), "the present service is not one to come"


def test_the_stages_of_a_visit_are_bounded_and_no_time_is_lost() -> None:
    hall = given().open("1").issue("a")
    for number in range(30):
        hall.serving("1", "a").after(1_000).when(c.TransferTicket, ticket="a", service=("loans", "cash")[number % 2]).after(500)
    hall.serving("1", "a").after(1_000).when(c.FinishServing, ticket="a")
    times = _times(hall, "a")
    assert (len(times), sum(time[1] for time in times), sum(time[2] for time in times)) == (21, 15_000, 31_000)


def test_a_transfer_taken_back_takes_its_stage_back() -> None:
    hall = given().open("1").issue("a", then=("loans",)).serving("1", "a").after(9_000)
    hall.when(c.TransferTicket, ticket="a", service="loans").when(c.UndoStep, ticket="a").after(1_000)
    assert (hall.ticket("a").stages, hall.ticket("a").then, hall.ticket("a").served_at(hall.now)) == ((), ("loans",), 10_000)
