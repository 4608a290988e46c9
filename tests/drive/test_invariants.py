"""Each check is shown to be silent on an honest branch and to speak when its invariant is broken."""

import copy
from typing import Any

import pytest

from queue_server.drive.invariants import MOST_KEPT, Inspector
from queue_server.drive.reducer import FeedState
from tests.drive.screens import called, counter, delta, ended, issued, staff_snapshot, ticket

Json = dict[str, Any]
PROFILES = {"all": (frozenset({"PS"}), frozenset({"0"}))}
START = staff_snapshot(3, (), (counter("1"), counter("2")))
ROUTING = {
    "policy": "promise",
    "rule": "policy",
    "reason": "A001 waited longest",
    "waiting": 2,
    "overtook": {"count": 0, "first": []},
}


def inspect(*messages: Json) -> Inspector:
    feed, inspector = FeedState(), Inspector(PROFILES)
    for message in copy.deepcopy(messages):
        feed.take(message)
        inspector.watch(feed, message, 0.0)
    return inspector


def broken(inspector: Inspector) -> set[str]:
    return {violation.invariant for violation in inspector.violations}


def test_an_honest_branch_has_no_violation() -> None:
    finished = ended(6, "A001", "finished", counter=counter("1"))
    inspector = inspect(START, delta(3, issued(4, "A001")), delta(4, called(5, "A001")), delta(5, finished))
    inspector.see_number("t-A001", "A001")
    inspector.check_routing("A001", ROUTING)
    inspector.check_stream([{"seq": 1, "at": "a"}, {"seq": 2, "at": "a"}])
    inspector.check_ends(issued=1, no_shows=0)
    assert inspector.violations == []


def test_one_place_two_counters_hold_one_ticket() -> None:
    again = called(6, "A001", "2")
    assert broken(inspect(START, delta(3, issued(4, "A001")), delta(4, called(5, "A001")), delta(5, again))) == {"one_place"}


def test_one_place_a_counter_serves_two_tickets() -> None:
    issues = delta(3, issued(4, "A001"), issued(5, "A002", waiting=2))
    assert "one_place" in broken(inspect(START, issues, delta(5, called(6, "A001", waiting=1)), delta(6, called(7, "A002"))))


def test_one_place_a_call_without_its_counter() -> None:
    call = {**called(5, "A001"), "counter": None}
    assert "one_place" in broken(inspect(START, delta(3, issued(4, "A001")), delta(4, call)))


def test_unique_number_on_the_feed_and_in_receipts() -> None:
    twice = issued(5, "A001", waiting=2, ticket_id="other")
    assert broken(inspect(START, delta(3, issued(4, "A001")), delta(4, twice))) == {"unique_number"}
    inspector = inspect(START, delta(3, issued(4, "A001")))
    inspector.see_number("other", "A001")
    assert broken(inspector) == {"unique_number"}


def test_one_end_a_ticket_that_had_ended_moves_again() -> None:
    dead = delta(3, issued(4, "A001"), ended(5, "A001"))
    assert "one_end" in broken(inspect(START, dead, delta(5, called(6, "A001"))))


def undone(seq: int, number: str, state: str, held: str | None, waiting: int = 0) -> Json:
    at_counter = {"ticket": ticket(number, state, counter="1"), "counter": counter("1", "serving" if held else "open", held)}
    return {"seq": seq, "at": "x", "name": "StepUndone", **at_counter, "services": [{"id": "PS", "waiting": waiting}]}


def test_an_end_that_was_undone_is_none() -> None:
    served = [
        delta(3, issued(4, "A001")),
        delta(4, called(5, "A001")),
        delta(5, ended(6, "A001", "finished", counter=counter("1"))),
    ]
    back = delta(6, undone(7, "A001", "serving", "t-A001"))
    last = delta(7, ended(8, "A001", "finished", counter=counter("1")))
    inspector = inspect(START, *served, back, last)
    inspector.check_ends(issued=1, no_shows=0)
    assert inspector.violations == []
    assert "one_end" in broken(inspect(START, *served, back, last, delta(8, called(9, "A001"))))


def test_one_who_had_ended_before_this_client_came_counts_when_back() -> None:
    assert inspect(START, delta(3, undone(4, "A001", "serving", "t-A001"))).violations == []
    assert broken(inspect(START, delta(3, undone(4, "A001", "serving", None)))) == {"one_place"}


@pytest.mark.parametrize(
    ("kind", "listed", "violations"),
    [
        ("counter", ["t-A001"], set()),
        ("service", [], set()),
        ("counter", [], {"one_place"}),
        ("service", ["t-A001"], {"one_place"}),
        ("counter", ["t-A001", "t-A001"], {"one_place"}),
    ],
)
def test_one_place_a_parked_ticket_is_kept_by_its_counter_alone(kind: str, listed: list[str], violations: set[str]) -> None:
    parked = {"ticket": ticket("A001", "parked", counter="1", park_kind=kind), "counter": counter("1", parked=listed)}
    aside = delta(5, {"seq": 6, "at": "x", "name": "TicketParked", **parked})
    assert broken(inspect(START, delta(3, issued(4, "A001")), delta(4, called(5, "A001")), aside)) == violations


def test_one_end_a_ticket_never_ends() -> None:
    inspector = inspect(START, delta(3, issued(4, "A001")))
    inspector.check_ends(issued=1, no_shows=0)
    assert broken(inspector) == {"one_end"}


def test_counts_balance_a_ticket_vanishes_or_is_never_told() -> None:
    unannounced = {**called(4, "A001"), "name": "TicketRequeued"}
    assert "counts_balance" in broken(inspect(START, delta(3, unannounced)))
    inspector = inspect(START, delta(3, issued(4, "A001"), ended(5, "A001")))
    inspector.check_ends(issued=2, no_shows=0)
    assert broken(inspector) == {"counts_balance"}


def test_counts_balance_a_wrong_count_of_those_waiting() -> None:
    assert broken(inspect(START, delta(3, issued(4, "A001", waiting=2)))) == {"counts_balance"}


def test_no_gap_in_a_delta_and_in_the_stream() -> None:
    assert broken(inspect(START, delta(3, issued(5, "A001"), issued(5, "A002", waiting=2)))) == {"no_gap"}
    for stream in ([{"seq": 1, "at": "a"}, {"seq": 3, "at": "a"}], [{"seq": 1, "at": "b"}, {"seq": 2, "at": "a"}]):
        inspector = inspect(START)
        inspector.check_stream(stream)
        assert broken(inspector) == {"no_gap"}


def test_profile_kept_a_counter_gets_what_its_profile_does_not_allow() -> None:
    issue = delta(3, issued(4, "A001", tier="2"))
    assert broken(inspect(START, issue, delta(4, called(5, "A001", tier="2")))) == {"profile_kept"}


@pytest.mark.parametrize(
    "routing",
    [
        None,
        {**ROUTING, "reason": ""},
        {**ROUTING, "overtook": {"count": 3, "first": ["A002", "A003", "A004"]}},
        {**ROUTING, "overtook": {"count": 1, "first": []}},
        {key: value for key, value in ROUTING.items() if key != "overtook"},
    ],
)
def test_explained_a_call_that_does_not_say_why(routing: Json | None) -> None:
    inspector = inspect(START)
    inspector.check_routing("A001", routing)
    assert broken(inspector) == {"explained"}


def test_display_equals_snapshot_leaves_the_outlook_aside() -> None:
    followed, fresh = FeedState(), FeedState()
    followed.take(staff_snapshot(3, (ticket("A001"),)))
    fresh.take(staff_snapshot(3, (ticket("A001", ahead=0, waited_seconds=7.0),)))
    inspector = Inspector(PROFILES)
    assert inspector.check_display(followed, fresh, "staff")
    fresh.take(staff_snapshot(3, (ticket("A001", "serving"),)))
    assert not inspector.check_display(followed, fresh, "staff")
    assert broken(inspector) == {"display_equals_snapshot"}


def test_after_a_new_snapshot_the_counting_begins_anew() -> None:
    again = staff_snapshot(9, (ticket("A004"),), (counter("1"), counter("2")), waiting=1)
    inspector = inspect(
        START, delta(3, issued(4, "A001")), again, delta(9, called(10, "A004")), delta(10, ended(11, "A004", counter=counter("1")))
    )
    inspector.check_ends(issued=4, no_shows=0)
    assert inspector.violations == []


def test_what_is_kept_is_bounded() -> None:
    inspector = Inspector(PROFILES)
    for number in range(2 * MOST_KEPT):
        inspector.violate("one_place", f"fault {number}")
    inspector.violate("one_place", "fault 0")
    assert len(inspector.violations) == MOST_KEPT
