"""Visits of several services, parked tickets, notices and closed services, as the outside sees them."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from queue_server.core import commands as c
from queue_server.core.changes import Change
from queue_server.core.configuration import Template
from queue_server.core.lifecycle import TicketState
from queue_server.core.ticket import ParkKind
from queue_server.core.timetable import Timetable, Window
from queue_server.wire.events import board_event, staff_event
from queue_server.wire.forms import ticket_form
from queue_server.wire.receipts import call_receipt, receipt
from queue_server.wire.stages import StageState
from queue_server.wire.states import board_state, outlook_form, staff_state
from tests.wire.hall import OPENED_AT, RULES, Hall

ANNOUNCING = replace(RULES, announcements=(Template("closing", {"en": "We close soon."}),))


def form(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def serving(hall: Hall, *services: str) -> str:
    """Serve a customer who has waited for ten seconds."""
    hall.do(c.OpenCounter, counter="1")
    first, *then = services
    ticket = hall.issue(first, then=tuple(then))
    hall.do(c.CallTicket, counter="1", ticket=ticket, after_ms=10_000)
    hall.do(c.StartServing, ticket=ticket, after_ms=3_000)
    return ticket


def figures(hall: Hall, ticket: str, after_ms: int = 0) -> list[tuple[str, str, float, float, float]]:
    stages = ticket_form(hall.state.tickets[ticket], hall.at + after_ms).stages
    return [(s.service, s.state.value, s.waited_seconds, s.served_seconds, s.parked_seconds) for s in stages]


def test_each_service_of_a_visit_has_its_own_times() -> None:
    hall = Hall()
    ticket = serving(hall, "cash", "loans", "cash")
    assert figures(hall, ticket, 2_000) == [
        ("cash", "serving", 10.0, 2.0, 0.0),
        ("loans", "to_come", 0.0, 0.0, 0.0),
        ("cash", "to_come", 0.0, 0.0, 0.0),
    ]
    hall.do(c.ParkTicket, ticket=ticket, after_ms=5_000)
    hall.do(c.UnparkTicket, ticket=ticket, after_ms=40_000)
    hall.do(c.FinishServing, ticket=ticket, after_ms=6_000)
    given = ("cash", "finished", 10.0, 11.0, 40.0)
    assert figures(hall, ticket, 7_000) == [given, ("loans", "waiting", 7.0, 0.0, 0.0), ("cash", "to_come", 0.0, 0.0, 0.0)]
    assert ticket_form(hall.state.tickets[ticket], hall.at + 7_000).waited_seconds == 17.0
    hall.do(c.CancelTicket, ticket=ticket, after_ms=9_000)
    assert figures(hall, ticket, 60_000) == [given, ("loans", "cancelled", 9.0, 0.0, 0.0), ("cash", "to_come", 0.0, 0.0, 0.0)]


def test_a_finished_visit_names_each_service_once() -> None:
    hall = Hall()
    ticket = serving(hall, "cash")
    hall.do(c.FinishServing, ticket=ticket, after_ms=20_000, outcome="paid")
    assert figures(hall, ticket, 99_000) == [("cash", "finished", 10.0, 20.0, 0.0)]
    assert ticket_form(hall.state.tickets[ticket], hall.at).stages[0].outcome == "paid"


def test_every_state_of_a_ticket_may_be_that_of_its_present_stage() -> None:
    assert {state.value for state in TicketState} | {"to_come"} == {state.value for state in StageState}


def test_the_receipt_of_the_end_of_a_stage_says_who_goes_on() -> None:
    hall = Hall()
    ticket = serving(hall, "cash", "cash")
    ended = form(receipt(hall.do(c.FinishServing, ticket=ticket)))
    assert ended["finished"] == ended["ticket"]
    assert (ended["ticket"]["state"], ended["counter"]["ticket"]) == ("waiting", None)
    hall.do(c.CallNext, counter="1")
    hall.do(c.StartServing, ticket=ticket)
    assert "finished" not in form(receipt(hall.do(c.FinishServing, ticket=ticket)))


def test_one_may_be_called_again_by_the_counter_that_has_just_finished_a_stage() -> None:
    hall = Hall()
    ticket = serving(hall, "cash", "loans")
    answer = form(call_receipt(hall.do(c.CallNext, counter="1", finish=True), "", 0))
    assert (answer["finished"]["state"], answer["ticket"]["state"]) == ("waiting", "called")
    assert answer["finished"]["ticket_id"] == answer["ticket"]["ticket_id"] == ticket


def test_a_parked_ticket_and_who_keeps_it() -> None:
    hall = Hall()
    ticket = serving(hall, "cash")
    parked = form(receipt(hall.do(c.ParkTicket, ticket=ticket, kind=ParkKind.SERVICE)))
    assert (parked["ticket"]["park_kind"], parked["ticket"]["counter"], parked["counter"]["parked"]) == ("service", "1", [])
    hall.do(c.UnparkTicket, ticket=ticket)
    parked = form(receipt(hall.do(c.ParkTicket, ticket=ticket)))
    assert (parked["ticket"]["park_kind"], parked["counter"]["parked"]) == ("counter", [ticket])
    assert [t.ticket_id for t in staff_state(hall.state, hall.at).tickets] == [ticket]
    closed = form(receipt(hall.do(c.CloseCounter, counter="1")))
    assert "ticket" not in closed


def test_help_is_there_until_somebody_sees_to_it() -> None:
    hall = Hall()
    hall.do(c.OpenCounter, counter="1")
    asked = form(receipt(hall.do(c.CallForHelp, counter="1", reason="change")))["counter"]
    assert asked["help"] == {"since": "2026-11-23T06:00:02.000Z", "reason": "change"}
    assert form(receipt(hall.do(c.AcknowledgeHelp, counter="1")))["counter"]["help"] is None


@pytest.mark.parametrize("command", [c.CallForHelp, c.ChangeProfile])
def test_what_the_hall_cannot_see_is_not_on_the_board(command: type[c.Command]) -> None:
    hall = Hall()
    hall.do(c.OpenCounter, counter="1")
    (change,) = hall.do(command, counter="1")
    assert board_event(change, RULES) is None
    assert form(staff_event(change, RULES))["counter"]["id"] == "1"


def test_a_counter_that_serves_one_keeps_its_number_up_while_another_it_parked_goes() -> None:
    hall = Hall()
    first = serving(hall, "cash")
    hall.do(c.ParkTicket, ticket=first)
    second = hall.issue()
    hall.do(c.CallTicket, counter="1", ticket=second)
    for step in (c.CancelTicket, c.UndoStep):
        (change,) = hall.do(step, ticket=first)
        assert "counter" not in form(board_event(change, RULES))
        assert form(staff_event(change, RULES))["counter"]["ticket"] == second
        assert board_state(hall.state, hall.at).counters[0].ticket_number == "A002"


def test_a_notice_has_the_text_of_its_template_and_a_note_has_none() -> None:
    hall = Hall(ANNOUNCING)
    changes: list[Change] = hall.do(c.Announce, announcement="x", template="closing", zone="vip")
    changes += hall.do(c.Announce, announcement="y")
    prepared, note = (form(board_event(change, ANNOUNCING))["notice"] for change in changes)
    assert prepared == {
        "seq": 3,
        "at": "2026-11-23T06:00:01.000Z",
        "until": "2026-11-23T06:05:01.000Z",
        "announcement": "x",
        "template": "closing",
        "text": {"en": "We close soon."},
        "zone": "vip",
    }
    assert (note["announcement"], note["template"], note["text"], note["zone"]) == ("y", None, None, None)
    assert form(board_state(hall.state, hall.at))["notices"] == [note, prepared]
    assert form(staff_event(changes[0], ANNOUNCING))["notice"] == prepared


def test_with_the_hours_a_service_opens_and_closes_by_time_alone() -> None:
    hall = Hall()
    hour = 3_600_000
    morning = Window(OPENED_AT + hour, OPENED_AT + 2 * hour, OPENED_AT + 3 * hour)
    hall.state.timetable = Timetable(windows=(morning,), services={"loans": ()}, reopens_at=OPENED_AT + 25 * hour)
    told = [
        [(s.id, s.open, s.reason, s.until) for s in outlook_form(hall.state, OPENED_AT + at * hour, tickets=False).services]
        for at in (0, 1, 2)
    ]
    loans = ("loans", False, "closed", None)
    assert told == [
        [("cash", False, "closed", "2026-11-23T07:00:00.000Z"), loans],
        [("cash", True, None, None), loans],
        [("cash", False, "closed", "2026-11-24T07:00:00.000Z"), loans],
    ]
    assert board_state(hall.state, OPENED_AT).services[0].ahead is None
