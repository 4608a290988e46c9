"""The law of the feed at the level of forms: an old snapshot with the events since applied is the snapshot of now."""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from queue_server.core import commands as c
from queue_server.core.changes import Change
from queue_server.core.configuration import Configuration, ElasticRule, Profile, Template
from queue_server.core.rejections import Rejected
from queue_server.core.ticket import ParkKind
from queue_server.wire.events import board_event, event_form, staff_event
from queue_server.wire.states import board_state, staff_state
from tests.wire.hall import RULES, Hall

Step: TypeAlias = tuple[tuple[type[c.Command], dict[str, Any]], int, int]

OUTLOOK = {"waited_seconds", "ahead", "p50_seconds", "p90_seconds"}
RUNNING = {"waited_seconds", "served_seconds", "parked_seconds"}
GONE = {"finished", "cancelled", "expired"}


def plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def without_outlook(state: dict[str, Any]) -> dict[str, Any]:
    tickets = {t["ticket_id"]: {k: v for k, v in t.items() if k not in OUTLOOK} for t in state.get("tickets", [])}
    for ticket in tickets.values():
        ticket["stages"] = [
            s if s["state"] == "finished" else s.keys() - RUNNING | {s["service"], s["state"]} for s in ticket["stages"]
        ]
    services = [{"id": s["id"], "name": s["name"], "waiting": s["waiting"]} for s in state["services"]]
    return {**state, "tickets": tickets, "services": services}


def reduce(state: dict[str, Any], event: dict[str, Any]) -> None:
    """What every client does with an event."""
    if "counter" in event:
        state["counters"] = [event["counter"] if c["id"] == event["counter"]["id"] else c for c in state["counters"]]
    if "call" in event:
        kept = [call for call in state["calls"] if call["number"] != event["call"]["number"]]
        state["calls"] = [event["call"], *kept][:12]
    if "withdrawn" in event:
        state["calls"] = [call for call in state["calls"] if call["number"] != event["withdrawn"]]
    if "notice" in event:
        state["notices"] = [event["notice"], *state["notices"]][:5]
    for waiting in event.get("services", []):
        next(s for s in state["services"] if s["id"] == waiting["id"]).update(waiting)
    if "ticket" in event:
        ticket = event["ticket"]
        state["tickets"] = [t for t in state["tickets"] if t["ticket_id"] != ticket["ticket_id"]]
        if ticket["state"] not in GONE and event["name"] != "NoShowLapsed":
            state["tickets"].append(ticket)


BUSY = replace(
    RULES,
    profiles=(Profile("loans", services=("loans",)),),
    elastic=(ElasticRule("rush", ("1", "2"), "loans", waiting=4, back_waiting=2),),
    announcements=(Template("closing", {"en": "We close soon."}),),
    automatic_after_ms=40_000,
    undo_ms=600_000,
)
COMMANDS = st.sampled_from(
    [
        (c.IssueTicket, {"service": "cash"}),
        (c.IssueTicket, {"service": "loans", "tier": "gold", "care": "elderly"}),
        (c.IssueTicket, {"service": "cash", "then": ("loans", "cash")}),
        (c.CallNext, {"finish": True}),
        (c.CallTicket, {"override": True, "reason": "asked"}),
        (c.RecallTicket, {}),
        (c.StartServing, {}),
        (c.FinishServing, {}),
        (c.ParkTicket, {"reason": "form"}),
        (c.ParkTicket, {"kind": ParkKind.SERVICE}),
        (c.UnparkTicket, {}),
        (c.UndoStep, {}),
        (c.CallForHelp, {"reason": "cash"}),
        (c.AcknowledgeHelp, {}),
        (c.Announce, {"announcement": "a", "template": "closing", "zone": "vip"}),
        (c.Announce, {"announcement": "b"}),
        (c.RecordNoShow, {}),
        (c.ReinstateTicket, {}),
        (c.RequeueTicket, {"position": "front"}),
        (c.TransferTicket, {"service": "loans"}),
        (c.TransferTicket, {"counter": "3"}),
        (c.MoveTicket, {"service": "loans", "reason": "wrong"}),
        (c.CancelTicket, {}),
        (c.OpenCounter, {}),
        (c.CloseCounter, {}),
        (c.PauseCounter, {"reason": "break"}),
        (c.ResumeCounter, {}),
        (c.ApplyDeadlines, {}),
    ]
)


def play(hall: Hall, steps: list[Step]) -> None:
    for (command, fields), pick, after_ms in steps:
        names = command.__struct_fields__
        given_fields: dict[str, Any] = dict(fields)
        tickets = list(hall.state.tickets)
        if command is c.IssueTicket:
            given_fields["ticket_id"] = f"t{hall.state.seq}"
        elif "ticket" in names:
            # Undone are the last steps, so these are what mostly can be.
            tickets = list(hall.state.steps) if command is c.UndoStep and hall.state.steps else tickets
            given_fields["ticket"] = tickets[pick % len(tickets)] if tickets else "none"
        if ("counter" in names and "ticket" not in names) or command is c.CallTicket:
            given_fields["counter"] = str(pick % 3 + 1)
        hall.do(c.ApplyDeadlines, after_ms=after_ms)
        try:
            hall.do(command, after_ms=0, **given_fields)
        except Rejected:
            continue


STEPS = st.lists(st.tuples(COMMANDS, st.integers(0, 40), st.sampled_from([0, 500, 30_000, 1_000_000])), max_size=60)


@given(STEPS, STEPS)
@settings(max_examples=150, deadline=None)
def test_snapshot_and_events_give_the_snapshot_of_now(before: list[Step], after: list[Step]) -> None:
    hall = Hall(BUSY)
    hall.do(c.OpenCounter, counter="1")
    play(hall, before)
    staff, board = plain(staff_state(hall.state, hall.at)), plain(board_state(hall.state, hall.at))
    vip = plain(board_state(hall.state, hall.at, zone="vip"))
    known = len(hall.changes)
    play(hall, after)
    for change in hall.changes[known:]:
        reduce(staff, plain(staff_event(change, BUSY)))
        for state, event in ((board, board_event(change, BUSY)), (vip, board_event(change, BUSY, zone="vip"))):
            if event is not None:
                reduce(state, plain(event))
    assert without_outlook(staff) == without_outlook(plain(staff_state(hall.state, hall.at)))
    assert without_outlook(board) == without_outlook(plain(board_state(hall.state, hall.at)))
    assert without_outlook(vip) == without_outlook(plain(board_state(hall.state, hall.at, zone="vip")))


def test_a_board_event_names_nobody() -> None:
    hall = Hall()
    hall.do(c.OpenCounter, counter="1", staff="ann")
    hall.issue(care="disabled")
    hall.do(c.CallNext, counter="1")
    told = b"".join(msgspec.json.encode(board_event(change, RULES)) for change in hall.changes)
    for secret in (b"ann", b"disabled", b"ticket_id", b"actor"):
        assert secret not in told


@pytest.mark.parametrize("view", [staff_event, board_event])
def test_an_issue_tells_how_many_wait_and_only_staff_the_promise(view: Callable[[Change, Configuration], object]) -> None:
    hall = Hall()
    hall.issue()
    event = plain(view(hall.changes[-1], RULES))
    assert event["services"] == [{"id": "cash", "waiting": 1}]
    assert event["name"] == "TicketIssued"
    assert ("ticket" in event) == (view is staff_event)


def test_a_stored_fact_is_shown_as_it_is() -> None:
    hall = Hall()
    hall.do(c.OpenCounter, counter="1", staff="ann")
    shown = plain(event_form(hall.changes[-1].event, 1))
    assert shown == {
        "seq": 3,
        "at": "2026-11-23T06:00:01.000Z",
        "name": "CounterOpened",
        "version": 1,
        "actor": "staff:ann",
        "body": {"counter": "1", "staff": "ann"},
    }
