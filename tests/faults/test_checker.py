"""The checker on histories made by hand: a true one is left in peace, and each thing that can be wrong is found, by its own check."""

from copy import copy

import msgspec
import pytest
from msgspec.structs import replace

from queue_server.core import events as e
from queue_server.core.events import Event
from queue_server.eventlog.codec import to_event, to_row
from tests.faults.checker import late_effects
from tests.faults.history import NO_ANSWER, Attempt, Request
from tests.faults.ledger import BRANCH, Ledger


def a_morning() -> Ledger:
    """Three tickets, two counters, a no-show by time, refusals, empty answers, reads and screens."""
    hall = Ledger(no_show_after_ms=5000)
    hall.screen("staff")
    hall.screen("board")
    for counter in ("1", "2"):
        hall.send(f"/counters/{counter}/open")
    hall.send("/counters/1/call-next")
    for service in ("cash", "loans", "cash"):
        hall.send("/tickets", {"service": service})
    called = hall.send("/counters/1/call-next")
    hall.send(f"/tickets/{ticket(called)}/start")
    hall.send("/counters/1/call-next")
    hall.read((called.attempts[0].answer["day"], called.attempts[0].answer["seq"]))
    hall.send("/counters/1/call-next", {"finish": {}})
    hall.let_pass(60_000)
    hall.send("/counters/2/call-next")
    hall.send("/counters/9/close")
    return hall


def ticket(request: Request) -> str:
    return str(request.attempts[0].answer["ticket"]["ticket_id"])


def answered(request: Request, **changes: object) -> None:
    """Let what was answered to *request* be another thing."""
    request.attempts[0] = replace(request.attempts[0], **changes)


def test_a_true_history_is_left_in_peace() -> None:
    hall = a_morning()
    assert [attempt.status for request in hall.history.requests for attempt in request.attempts].count(409) == 2
    assert hall.violations() == []


def test_what_was_never_answered_may_be_there_once_or_not_at_all() -> None:
    hall = Ledger()
    there = hall.send("/tickets", {"service": "cash"})
    there.attempts[:] = [Attempt(there.began, hall.tick())]
    lost = Request(
        BRANCH, "lost", there.path, there.body, [Attempt(hall.tick(), hall.tick(), status) for status in (NO_ANSWER, 503)]
    )
    hall.history.requests.append(lost)
    assert hall.violations() == []


def test_a_lost_command_is_found() -> None:
    hall = Ledger()
    hall.send("/tickets", {"service": "cash"})
    del hall.rows[-1]
    assert hall.checks() == {"lost"}


def test_a_fact_that_nobody_asked_for_is_found() -> None:
    hall = a_morning()
    del hall.history.requests[3]
    assert "unasked" in hall.checks()


def test_a_second_effect_of_one_key_is_found() -> None:
    hall = Ledger()
    first = hall.send("/tickets", {"service": "cash"})
    hall.send("/counters/1/open")
    hall.send("/tickets", {"service": "cash"}, key=first.key)
    hall.history.requests.pop()
    assert "doubled" in hall.checks()


def test_another_receipt_than_that_of_the_facts_is_found() -> None:
    hall = Ledger()
    one, other = hall.send("/tickets", {"service": "cash"}), hall.send("/tickets", {"service": "cash"})
    answered(one, answer=other.attempts[0].answer)
    assert hall.checks() == {"answer"}


def test_a_later_answer_that_differs_from_the_first_is_found() -> None:
    hall = Ledger()
    one, other = hall.send("/tickets", {"service": "cash"}), hall.send("/tickets", {"service": "cash"})
    one.attempts.append(replace(other.attempts[0], replayed=True))
    assert hall.checks() == {"answer"}


def test_a_refusal_that_had_an_effect_is_found() -> None:
    hall = Ledger()
    answered(hall.send("/counters/1/open"), status=409, answer={"code": "wrong_state"})
    assert "refused_with_effect" in hall.checks()


def test_a_refusal_before_the_late_effect_of_an_unanswered_attempt_is_no_fault() -> None:
    hall = Ledger()
    refused = hall.send("/counters/1/close")
    refused.attempts.insert(0, Attempt(hall.tick(), hall.tick()))
    hall.send("/counters/1/open")
    hall.send("/counters/1/close", key=refused.key)
    hall.history.requests.pop()
    assert hall.violations() == []
    assert late_effects(hall.history, {BRANCH: hall.rows}) == 1


def test_a_refusal_after_the_effect_of_its_own_key_is_found() -> None:
    hall = Ledger()
    opened = hall.send("/counters/1/open")
    answered(opened, status=NO_ANSWER, answer={})
    opened.attempts.append(Attempt(hall.tick(), hall.tick(), 409, {"code": "wrong_state"}))
    assert hall.checks() == {"refusal"}


def test_a_refusal_that_was_never_right_is_found() -> None:
    hall = Ledger()
    hall.send("/counters/1/open")
    answered(hall.send("/counters/2/close"), answer={"code": "counter_busy"})
    assert hall.checks() == {"refusal"}


@pytest.mark.parametrize(("moment", "found"), [("before", {"refusal"}), ("during", set())])
def test_a_refusal_must_have_been_right_while_it_was_asked(moment: str, found: set[str]) -> None:
    """Closing a closed counter is refused; here it is told to somebody who has asked when it had been opened, or meanwhile."""
    hall = Ledger()
    refused = hall.send("/counters/1/close")
    opened = hall.send("/counters/1/open")
    began = opened.attempts[0].ended + 0.1 if moment == "before" else opened.attempts[0].ended - 0.1
    answered(refused, began=began, ended=hall.tick())
    assert hall.checks() == found


def test_an_empty_answer_where_somebody_waited_is_found() -> None:
    hall = Ledger()
    hall.send("/counters/1/open")
    empty = hall.send("/counters/1/call-next")
    issued = hall.send("/tickets", {"service": "cash"})
    answer = empty.attempts[0].answer | {"seq": issued.attempts[0].answer["seq"]}
    answered(empty, began=issued.attempts[0].began, ended=hall.tick(), answer=answer)
    assert hall.checks() == {"empty"}


def test_an_empty_answer_of_the_past_is_found() -> None:
    hall = Ledger()
    hall.send("/counters/1/open")
    empty = hall.send("/counters/1/call-next")
    hall.send("/tickets", {"service": "cash"})
    answered(empty, began=hall.tick(), ended=hall.tick())
    assert hall.checks() == {"empty"}


def test_what_ended_before_another_began_must_stand_before_it() -> None:
    hall = Ledger()
    one, other = hall.send("/counters/1/open"), hall.send("/counters/2/open")
    answered(other, began=0.1, ended=0.2)
    assert one.began > 0.2
    assert hall.checks() == {"order"}


def test_a_read_of_another_state_is_found() -> None:
    hall = Ledger()
    old = hall.read()
    hall.send("/tickets", {"service": "cash"})
    new = hall.read()
    hall.history.reads[-1] = replace(new, state=old.state)
    assert hall.checks() == {"read"}


def test_a_read_of_what_was_not_yet_there_is_found() -> None:
    hall = Ledger()
    issued = hall.send("/tickets", {"service": "cash"})
    hall.history.reads[:] = [replace(hall.read(), began=issued.began - 0.2, ended=issued.began - 0.1)]
    assert hall.checks() == {"read"}


def test_a_read_older_than_asked_for_is_found() -> None:
    hall = Ledger()
    read = hall.read()
    hall.history.reads[:] = [replace(read, at_least=(read.day, read.seq + 1))]
    assert hall.checks() == {"stale"}


def stored(hall: Ledger, place: int, fact: e.Fact) -> None:
    """Let another fact stand at *place*."""
    event = to_event(hall.rows[place])
    hall.rows[place] = to_row(BRANCH, Event(event.day, event.seq, event.at, event.command_id, event.actor, fact), None)


def test_a_number_given_twice_is_found() -> None:
    hall = Ledger()
    hall.send("/tickets", {"service": "cash"})
    hall.send("/tickets", {"service": "cash"})
    first, second = (to_event(row).fact for row in hall.rows[-2:])
    assert isinstance(first, e.TicketIssued)
    assert isinstance(second, e.TicketIssued)
    changed = copy(first)
    stored(
        hall, -1, e.TicketIssued(**{name: getattr(changed, name) for name in changed.__struct_fields__} | {"ticket": second.ticket})
    )
    assert {"number_twice", "decided", "law"} <= hall.checks()


def test_a_ticket_at_two_counters_is_found() -> None:
    hall = a_morning()
    place = next(place for place, row in enumerate(hall.rows) if row.name == "TicketCalled")
    call = hall.rows[place]
    again = to_event(call).fact
    assert isinstance(again, e.TicketCalled)
    hall.rows.insert(place + 1, replace(to_row(BRANCH, to_event(call), None), seq=call.seq + 1, command_id="somebody:other"))
    hall.rows[place + 2 :] = [replace(row, seq=row.seq + 1) for row in hall.rows[place + 2 :]]
    stored(hall, place + 1, e.TicketCalled(ticket=again.ticket, counter="2", routing=again.routing))
    assert {"called_twice", "unasked"} <= hall.checks()


def test_a_gap_and_a_time_that_runs_backwards_are_found() -> None:
    hall = Ledger()
    hall.send("/counters/1/open")
    hall.send("/counters/2/open")
    hall.rows[-1] = replace(hall.rows[-1], seq=hall.rows[-1].seq + 1, at=0)
    assert {"gap", "backwards"} <= hall.checks()


def test_a_screen_that_was_left_out_of_a_fact_is_found() -> None:
    hall = a_morning()
    screen = hall.history.screens[0]
    left_out, following = (msgspec.json.decode(screen.messages[place]) for place in (3, 4))
    screen.messages[3:5] = [msgspec.json.encode(following | {"prev": left_out["prev"]})]
    assert hall.checks() == {"shown"}


def test_a_break_in_the_chain_of_a_screen_is_found() -> None:
    hall = a_morning()
    del hall.history.screens[1].messages[3]
    assert hall.checks() == {"feed_gap"}


def test_a_screen_that_was_told_of_what_is_not_there_is_found() -> None:
    hall = Ledger()
    screen = hall.screen("staff")
    hall.send("/tickets", {"service": "cash"})
    del hall.rows[-1]
    hall.history.requests.clear()
    assert len(screen.messages) == 2
    assert hall.checks() == {"shown"}


def test_a_snapshot_of_another_state_is_found() -> None:
    hall = Ledger()
    screen = hall.screen("board")
    hall.send("/tickets", {"service": "cash"})
    old = msgspec.json.decode(screen.messages[0])
    screen.messages[:] = [msgspec.json.encode(hall.snapshot("board") | {"state": old["state"]})]
    assert hall.checks() == {"shown"}


def test_an_answer_of_500_is_found() -> None:
    hall = Ledger()
    answered(hall.send("/counters/1/open"), status=500, answer={})
    assert hall.checks() == {"error"}


def test_a_deadline_applied_twice_is_found() -> None:
    hall = Ledger(no_show_after_ms=5000)
    hall.send("/tickets", {"service": "cash"})
    hall.send("/counters/1/open")
    hall.send("/counters/1/call-next")
    hall.let_pass(6000)
    missed = hall.rows[-1]
    assert missed.name == "NoShowRecorded"
    hall.rows.append(replace(missed, seq=missed.seq + 1))
    assert {"decided", "law"} <= hall.checks()


def test_a_client_that_is_not_told_when_to_come_again_is_found() -> None:
    hall = Ledger()
    opened = hall.send("/counters/1/open")
    opened.attempts.insert(0, Attempt(0.1, 0.2, 503, {"code": "log_unavailable"}, is_told_when=False))
    assert hall.checks() == {"no_retry_after"}
