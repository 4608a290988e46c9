"""Where a ticket stands that waits again: in front, where it was, at the back, behind so many; each within its class."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given as sampled
from hypothesis import settings
from hypothesis import strategies as st

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.choosing import policy_of
from queue_server.core.configuration import Behind, Policy
from queue_server.core.ticket import ParkKind
from queue_server.core.waiting import LineKey
from tests.laws.draws import POLICIES
from tests.scenario import Scenario, given, rules

FIFO = Policy("fifo")


def _called(hall: Scenario, counter: str, count: int) -> str:
    """Who is called next, one after another."""
    order = []
    for _ in range(count):
        hall.when(c.CallNext, counter=counter)
        order.append(hall.last(e.TicketCalled).ticket)
        hall.when(c.CancelTicket, ticket=order[-1])
    return "".join(order)


def _back(hall: Scenario, ticket: str, position: Any) -> Scenario:
    return hall.when(c.CallTicket, counter="1", ticket=ticket).when(c.RequeueTicket, ticket=ticket, position=position)


def test_behind_some_who_came_in_the_same_millisecond() -> None:
    hall = given(rules(policy=FIFO)).open("1")
    for ticket in "abcx":
        hall.issue(ticket)
    _back(hall.after(10), "x", Behind(1))
    assert (hall.ticket("x").place_at, hall.ticket("x").place_order) == (
        hall.ticket("a").place_at,
        hall.ticket("a").issue_seq + 0.5,
    )
    assert _called(hall, "1", 4) == "axbc"


def test_again_and_again_between_two_of_the_same_millisecond() -> None:
    hall = given(rules(policy=FIFO)).open("1")
    for ticket in "abwxyz":
        hall.issue(ticket)
    for ticket in "wxyz":
        _back(hall.after(10), ticket, Behind(1))
    assert _called(hall, "1", 6) == "azyxwb"


def test_when_no_number_is_left_between_two_it_is_the_next_millisecond() -> None:
    hall = given(rules(policy=FIFO)).open("1")
    for ticket in "ab":
        hall.issue(ticket)
    for number in range(80):
        hall.issue(f"x{number}")
        _back(hall, f"x{number}", Behind(1))
    standings = [ticket.standing[:2] for ticket in hall.state.tickets.values()]
    assert len(set(standings)) == len(standings), "never by the text of an identifier"


def test_behind_one_whose_next_came_a_millisecond_later() -> None:
    hall = given(rules(policy=FIFO)).open("1").issue("a").after(1).issue("b").after(1_000).issue("x")
    assert _called(_back(hall, "x", Behind(1)), "1", 3) == "axb"


def test_the_order_among_equals_is_over_when_the_place_is_another() -> None:
    hall = given(rules(policy=FIFO)).open("1").issue("a").issue("b").issue("x")
    _back(_back(hall, "x", Behind(1)).after(1_000), "x", "back")
    assert hall.ticket("x").place_order is None
    assert _called(hall, "1", 3) == "abx"


def test_behind_counts_all_of_the_class_whatever_their_care_by_fifo() -> None:
    hall = given(rules(policy=FIFO)).open("1")
    for ticket in "abc":
        hall.issue(ticket).after(1_000)
    assert _called(_back(hall.issue("x", care="elderly").after(1_000), "x", Behind(1)), "1", 4) == "axbc"


@pytest.mark.parametrize("care", [None, "elderly"])
def test_parked_for_the_service_and_sent_back_is_in_front(care: str | None) -> None:
    hall = given(rules(policy=FIFO)).open("1", "2").issue("a").after(1_000).issue("b").after(1_000).issue("x", care=care)
    hall.serving("1", "x").after(60_000).when(c.ParkTicket, ticket="x", kind=ParkKind.SERVICE).after(60_000)
    assert _called(hall.when(c.RequeueTicket, ticket="x"), "2", 3) == "xab"


def test_the_front_of_a_counter_is_before_those_whom_it_may_call_anyway() -> None:
    hall = given(rules(policy=FIFO)).open("1", "2").issue("a").after(1_000).issue("b").after(1_000).issue("x")
    hall.serving("1", "x").after(60_000).when(c.TransferTicket, ticket="x", counter="2", position="front")
    assert _called(hall, "2", 3) == "xab"


def test_those_who_are_sent_elsewhere_and_other_services_are_not_of_the_class() -> None:
    hall = (
        given(rules(policy=FIFO)).open("1", "2").issue("far").issue("l", "loans").after(60_000).issue("a").after(1_000).issue("x")
    )
    hall.serving("1", "far").when(c.TransferTicket, ticket="far", counter="2")
    _back(hall, "x", "front")
    assert hall.ticket("x").place_at == hall.ticket("a").place_at - 1 > hall.ticket("far").place_at


def test_the_front_is_within_the_tier_where_the_tier_decides() -> None:
    hall = given(rules(policy=Policy("strict"))).open("1").issue("g", tier="gold").after(60_000).issue("s").after(1_000).issue("x")
    _back(hall, "x", "front")
    assert hall.ticket("x").place_at == hall.ticket("s").place_at - 1
    assert _called(hall, "1", 3) == "gxs"


def test_the_front_is_within_promise_and_care_where_the_share_decides() -> None:
    hall = given().open("1").issue("g", tier="gold").after(60_000).issue("s").after(1_000).issue("x").after(1_000)
    _back(hall, "x", "front")
    assert hall.ticket("x").place_at == hall.ticket("s").place_at - 1


@pytest.mark.parametrize(
    ("position", "order"), [("front", "xab"), ("due", "axb"), ("back", "abx"), (Behind(2), "abx"), (Behind(1), "axb")]
)
def test_the_branch_s_own_positions(position: Any, order: str) -> None:
    hall = given(rules(policy=FIFO, reinstate_position=position, transfer_position=position, reinstate_ms=900_000)).open("1", "2")
    hall.issue("a").after(1_000).issue("x").after(1_000).issue("b").after(1_000).when(c.CallTicket, counter="1", ticket="x")
    assert _called(hall.when(c.RecordNoShow, ticket="x").when(c.ReinstateTicket, ticket="x"), "1", 3) == order
    hall.issue("l", "loans").after(1_000).issue("y").after(1_000).issue("m", "loans").after(1_000).when(
        c.CallTicket, counter="1", ticket="y"
    )
    sent = _called(hall.when(c.TransferTicket, ticket="y", service="loans"), "1", 3)
    assert sent == order.translate(str.maketrans("axb", "lym"))


def test_a_place_is_the_same_when_its_fact_is_read_again() -> None:
    fact = e.TicketRequeued(ticket="x", place_at=7, place_order=3.0000000001)
    assert msgspec.json.decode(msgspec.json.encode(fact), type=e.TicketRequeued) == fact
    assert "place_order" not in json.loads(msgspec.json.encode(e.TicketRequeued(ticket="x", place_at=7)))


KEYS = st.builds(
    LineKey,
    service=st.sampled_from(["cash", "loans"]),
    tier=st.sampled_from(["gold", "std"]),
    has_care=st.booleans(),
    target_ms=st.sampled_from([1_000, 600_000, 1_200_000]),
    emergency=st.just(False),
    counter=st.none(),
    zone=st.none(),
    staff=st.none(),
)


@sampled(policy=st.sampled_from(POLICIES), key=KEYS, other=KEYS, places=st.tuples(*[st.integers(-5_000_000, -1)] * 2))
@settings(max_examples=300, deadline=None)
def test_where_a_policy_goes_by_place_the_earlier_place_is_first(
    policy: Policy, key: LineKey, other: LineKey, places: tuple[int, int]
) -> None:
    order = policy_of(rules(policy=policy), {})
    assert order.goes_by_place(key, key)
    assert order.goes_by_place(key, other) == order.goes_by_place(other, key)
    precedes = getattr(order, "precedes", None)
    if precedes is not None and order.goes_by_place(key, other):
        mine, theirs = (places[0], 1, "x"), (places[1], 2, "y")
        assert precedes((key, mine), (other, theirs), 0) == (mine < theirs)
