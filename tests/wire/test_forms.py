from typing import Any

import msgspec

from queue_server.core import commands as c
from queue_server.core.events import TicketCalled
from queue_server.wire.forms import promised, routing_form, ticket_form
from queue_server.wire.receipts import call_receipt, day_receipt, issue_receipt, receipt
from queue_server.wire.states import TOLD_LIMIT, board_state, outlook_form, staff_state, told_now
from tests.wire.hall import Hall


def form(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_the_receipt_of_an_issue_has_what_was_promised() -> None:
    hall = Hall()
    hall.do(c.OpenCounter, counter="1")
    hall.issue()
    hall.issue()
    changes = hall.do(c.IssueTicket, ticket_id="x", service="loans", tier="gold", care="elderly", language="en", channel="kiosk")
    answer = form(issue_receipt(changes))
    assert answer == {
        "day": "2026-11-23",
        "seq": hall.state.seq,
        "ticket": {
            "ticket_id": "x",
            "number": "V001",
            "service": "loans",
            "tier": "gold",
            "care": "elderly",
            "state": "waiting",
            "counter": None,
            "zone": None,
            "staff": None,
            "park_kind": None,
            "channel": "kiosk",
            "language": "en",
            "arrived_at": "2026-11-23T06:00:04.000Z",
            "place_at": "2026-11-23T06:00:04.000Z",
            "issued_at": "2026-11-23T06:00:04.000Z",
            "due_at": "2026-11-23T06:05:04.000Z",
            "waited_seconds": 0.0,
            "called_at": None,
            "serving_at": None,
            "ended_at": None,
            "recalls": 0,
            "stages": [
                {
                    "service": "loans",
                    "state": "waiting",
                    "waited_seconds": 0.0,
                    "served_seconds": 0.0,
                    "parked_seconds": 0.0,
                    "outcome": None,
                }
            ],
            "classified_by": None,
            "ahead": hall.state.tickets["x"].ahead,
            "p50_seconds": (hall.state.tickets["x"].p50_ms or 0) / 1000,
            "p90_seconds": (hall.state.tickets["x"].p90_ms or 0) / 1000,
        },
    }
    assert answer["ticket"]["p90_seconds"] >= answer["ticket"]["p50_seconds"] >= 0


def test_the_receipt_of_a_call_has_ticket_routing_and_what_was_finished() -> None:
    hall = Hall()
    hall.do(c.OpenCounter, counter="1")
    assert form(call_receipt([], "2026-11-23", 3)) == {"day": "2026-11-23", "seq": 3, "ticket": None, "routing": None}
    first, second = hall.issue(), hall.issue()
    called = form(call_receipt(hall.do(c.CallNext, counter="1"), "", 0))
    assert (called["ticket"]["ticket_id"], called["counter"]["state"], "finished" in called) == (first, "calling", False)
    assert called["routing"]["overtook"] == {"count": 0, "first": []}
    assert called["routing"]["share"] == round(called["routing"]["share"], 3) > 0
    assert called["ticket"]["ahead"] is None
    hall.do(c.StartServing, ticket=first)
    next_called = form(call_receipt(hall.do(c.CallNext, counter="1", finish=True), "", 0))
    assert next_called["finished"]["ticket_id"] == first
    assert next_called["finished"]["state"] == "finished"
    assert next_called["ticket"]["ticket_id"] == second
    hall.do(c.StartServing, ticket=second)
    alone = form(call_receipt(hall.do(c.CallNext, counter="1", finish=True), "", 0))
    assert (alone["ticket"], alone["routing"], alone["finished"]["ticket_id"]) == (None, None, second)
    assert alone["counter"]["state"] == "open"


def test_the_other_receipts() -> None:
    hall = Hall()
    opened = form(receipt(hall.do(c.OpenCounter, counter="3", staff="ann")))
    assert opened["counter"] == {
        "id": "3",
        "number": "3",
        "zone": "vip",
        "state": "open",
        "profile": None,
        "staff": "ann",
        "ticket": None,
        "parked": [],
        "reason": None,
        "since": "2026-11-23T06:00:01.000Z",
        "help": None,
        "switched_by": None,
    }
    assert "ticket" not in opened
    closed = form(day_receipt(hall.do(c.CloseDay, reason="training")))
    assert closed == {"day": "2026-11-23", "seq": hall.state.seq}


def test_a_ticket_sent_to_a_counter_shows_it_while_it_waits() -> None:
    hall = Hall()
    hall.do(c.OpenCounter, counter="1")
    ticket = hall.issue()
    hall.do(c.CallNext, counter="1")
    hall.do(c.TransferTicket, ticket=ticket, counter="2")
    assert ticket_form(hall.state.tickets[ticket], hall.at).counter == "2"
    hall.do(c.OpenCounter, counter="2")
    hall.do(c.CallNext, counter="2")
    assert ticket_form(hall.state.tickets[ticket], hall.at).counter == "2"
    hall.do(c.RequeueTicket, ticket=ticket)
    assert ticket_form(hall.state.tickets[ticket], hall.at).counter == "2"


def test_staff_see_open_tickets_and_missed_ones_only() -> None:
    hall = Hall()
    hall.do(c.OpenCounter, counter="1")
    missed, left, waits = hall.issue(), hall.issue(), hall.issue()
    hall.do(c.CallNext, counter="1")
    hall.do(c.RecordNoShow, ticket=missed)
    hall.do(c.CancelTicket, ticket=left)
    state = staff_state(hall.state, hall.at)
    assert [(t.ticket_id, t.state, t.ahead) for t in state.tickets] == [(missed, "no_show", None), (waits, "waiting", 0)]
    hall.do(c.ApplyDeadlines, after_ms=1_000_000)
    assert [t.ticket_id for t in staff_state(hall.state, hall.at).tickets] == [waits]


def test_the_board_holds_nothing_personal_and_does_not_grow() -> None:
    hall = Hall()
    hall.do(c.OpenCounter, counter="1")
    small = len(msgspec.json.encode(board_state(hall.state, hall.at)))
    for _ in range(300):
        hall.issue(care="pregnant")
    hall.do(c.CallNext, counter="1")
    board = msgspec.json.encode(board_state(hall.state, hall.at))
    assert len(board) < small + 300
    for secret in (b"pregnant", b"ticket_id", b"staff", b"actor"):
        assert secret not in board
    assert form(board_state(hall.state, hall.at))["counters"][0]["ticket_number"] == "A001"


def test_a_zone_shows_its_own_counters() -> None:
    hall = Hall()
    assert [counter.id for counter in board_state(hall.state, hall.at, zone="vip").counters] == ["3"]
    assert [counter.id for counter in board_state(hall.state, hall.at, counter="2").counters] == ["2"]


def test_the_outlook_agrees_with_the_state_and_is_bounded() -> None:
    hall = Hall()
    hall.do(c.OpenCounter, counter="1")
    for _ in range(TOLD_LIMIT + 5):
        hall.issue()
    state, outlook = form(staff_state(hall.state, hall.at)), form(outlook_form(hall.state, hall.at, tickets=True))
    assert outlook["type"] == "outlook"
    assert len(outlook["tickets"]) == TOLD_LIMIT
    for ticket in state["tickets"][:TOLD_LIMIT]:
        told = outlook["tickets"][ticket["ticket_id"]]
        assert {name: ticket[name] for name in told if name != "share"} == {n: v for n, v in told.items() if n != "share"}
    assert state["tickets"][-1]["ahead"] is None
    assert "tickets" not in form(outlook_form(hall.state, hall.at, tickets=False))
    assert outlook["services"] == [
        {name: service[name] for name in ("id", "open", "reason", "until", "ahead", "p50_seconds", "p90_seconds")}
        for service in state["services"]
    ]


def test_a_closed_day_says_until_when() -> None:
    hall = Hall()
    hall.do(c.CloseDay, reason="fire alarm")
    service = board_state(hall.state, hall.at).services[0]
    assert (service.open, service.reason, service.until) == (False, "day_closed", "2026-11-24T06:00:00.000Z")
    assert service.ahead is None


def test_what_is_told_now_and_what_was_promised() -> None:
    hall = Hall()
    hall.do(c.OpenCounter, counter="1")
    hall.issue()
    second = hall.issue()
    ticket = hall.state.tickets[second]
    assert promised(ticket).ahead == 1
    hall.do(c.CallNext, counter="1")
    assert promised(ticket).ahead == 1
    now = told_now(hall.state, ticket, hall.at)
    assert now is not None
    assert now.ahead == 0


def test_the_share_is_a_part_of_one() -> None:
    hall = Hall()
    hall.do(c.OpenCounter, counter="1")
    hall.issue()
    fact = hall.do(c.CallNext, after_ms=498_000, counter="1")[0].event.fact
    assert isinstance(fact, TicketCalled)
    assert routing_form(fact.routing).share == 0.83
