"""Who is next and why, and how many are ahead: checked against the plain definition, ticket by ticket."""

from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given as example
from hypothesis import settings

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Policy, Tier
from queue_server.core.estimates import outlook
from queue_server.core.routing import next_ticket
from queue_server.core.state import Ticket
from queue_server.core.waiting import Line
from tests.scenario import Scenario, given, rules

arrivals = st.lists(
    st.tuples(
        st.sampled_from(["cash", "loans"]),
        st.sampled_from(["gold", "std"]),
        st.sampled_from([None, "elderly"]),
        st.sampled_from([0, 1, 500, 1_000, 60_000, 250_000]),
    ),
    min_size=1,
    max_size=25,
)


def _hall(policy: str, coming: list[tuple[str, str, str | None, int]]) -> Scenario:
    hall = given(rules(policy=Policy(policy), tiers=(Tier("gold", {}, 70_000), Tier("std", {}, 300_001)))).open("1")
    for index, (service, tier, care, gap) in enumerate(coming):
        hall.after(gap).issue(f"t{index}", service, tier=tier, care=care)
    return hall.after(10_000)


def _claim(policy: str, ticket: Ticket, at: int) -> Any:
    """The definition: the share of the promise used, care included, then the order of issue; larger goes first."""
    if policy == "fifo":
        return (-ticket.place_at, -ticket.issue_seq)
    care = Fraction(1, 4) if ticket.care else 0
    return (Fraction(at - ticket.place_at, ticket.target_ms) + care, -ticket.issue_seq)


@example(arrivals, st.sampled_from(["promise", "fifo"]))
@settings(max_examples=80, deadline=None)
def test_calls_follow_the_definition_and_ahead_counts_them(coming: list[tuple[str, str, str | None, int]], policy: str) -> None:
    hall = _hall(policy, coming)
    ordered = sorted(hall.state.tickets.values(), key=lambda ticket: _claim(policy, ticket, hall.now), reverse=True)
    for index, ticket in enumerate(ordered):
        assert outlook(hall.state, ticket.line_key(), ticket.standing, hall.now).ahead == index
    called: list[str] = []
    while (choice := next_ticket(hall.state, "1", hall.now)) is not None:
        passed = [t for t in ordered if t.ticket_id not in called and t.standing < hall.ticket(choice.ticket).standing]
        assert choice.routing.overtook.count == len(passed)
        assert list(choice.routing.overtook.first) == [t.number for t in sorted(passed, key=lambda t: t.standing)][:10]
        assert choice.routing.waiting == len(ordered) - len(called)
        called.append(choice.ticket)
        hall.serving("1", choice.ticket).when(c.FinishServing, ticket=choice.ticket)
    assert called == [ticket.ticket_id for ticket in ordered]


@example(arrivals)
@settings(max_examples=80, deadline=None)
def test_promise_is_overtaken_only_within_its_stated_bound(coming: list[tuple[str, str, str | None, int]]) -> None:
    # Without care: y passes x only if it came in the first (1 - T_y/T_x) of x's wait, and never when T_y >= T_x.
    hall = _hall("promise", [(service, tier, None, gap) for service, tier, _, gap in coming])
    while (choice := next_ticket(hall.state, "1", hall.now)) is not None:
        passing = hall.ticket(choice.ticket)
        for passed in hall.state.tickets.values():
            if passed.waiting_since is not None and passed.standing < passing.standing:
                assert passing.target_ms < passed.target_ms
                bound = (1 - Fraction(passing.target_ms, passed.target_ms)) * (hall.now - passed.place_at)
                assert passing.place_at - passed.place_at <= bound
        hall.serving("1", choice.ticket).when(c.FinishServing, ticket=choice.ticket).after(3_000)


def test_the_sentence_names_share_and_promise() -> None:
    hall = given().open("1").issue("a").after(60_000).issue("v", tier="gold").after(498_000).when(c.CallNext, counter="1")
    routing = hall.last(e.TicketCalled).routing
    assert routing.reason == "V001 had used 83 % of its 10 minutes, the most of 2 waiting"
    assert (routing.share, routing.overtook.first) == (830, ("A001",))


def test_care_is_the_same_share_for_every_tier() -> None:
    hall = given().open("1").issue("a").after(1_000).issue("b", care="elderly").when(c.CallNext, counter="1")
    assert hall.last(e.TicketCalled).ticket == "b"
    assert "care included" in hall.last(e.TicketCalled).routing.reason


def test_equal_claims_go_by_the_order_of_issue() -> None:
    hall = given().open("1").issue("b", "loans").issue("a", "cash").when(c.CallNext, counter="1")
    assert hall.last(e.TicketCalled).ticket == "b"


def test_zone_and_person_restrict_who_may_call() -> None:
    hall = given().open("1").when(c.OpenCounter, counter="2", staff="ann").issue("a").issue("b")
    hall.serving("1", "a").when(c.TransferTicket, ticket="a", zone="hall")
    hall.serving("1", "b").when(c.TransferTicket, ticket="b", staff="ann")
    hall.when(c.CallNext, counter="1").then()
    hall.serving("2", "a").when(c.CallNext, counter="2", finish=True)
    assert hall.last(e.TicketCalled).ticket == "b"


def test_nothing_is_promised_while_nobody_could_call() -> None:
    hall = given().issue("a")
    assert (hall.ticket("a").ahead, hall.ticket("a").p50_ms) == (0, None)
    hall.open("1").issue("b")
    assert hall.ticket("b").ahead == 1
    assert hall.ticket("b").p50_ms == pytest.approx(180_000 * 0.7, rel=0.02)


def test_an_idle_counter_means_no_wait() -> None:
    hall = given().open("1", "2").issue("a")
    assert (hall.ticket("a").p50_ms, hall.ticket("a").p90_ms) == (0, 0)


def test_the_range_is_the_erlang_quantile() -> None:
    # Erlang(k = 3, one counter of mean 180 s): median 2.674 m, 90 % 5.322 m (tables of the gamma distribution).
    hall = given().open("1").issue("x").serving("1", "x").issue("a").issue("b").issue("z")
    told = hall.ticket("z")
    assert told.p50_ms == pytest.approx(2.674 * 180_000, rel=0.02)
    assert told.p90_ms == pytest.approx(5.322 * 180_000, rel=0.02)


@example(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=300))
@settings(max_examples=60, deadline=None)
def test_a_line_is_a_sorted_list_whatever_comes_and_goes(steps: list[tuple[int, bool]]) -> None:
    line = Line()
    plain: list[tuple[int, int, str]] = []
    for index, (place_at, leaves) in enumerate(steps):
        if leaves and plain:
            standing = plain.pop(0 if place_at % 3 else place_at % len(plain))
            line.remove(standing)
        else:
            standing = (place_at, index, f"t{index}")
            line.add(standing)
            plain.append(standing)
            plain.sort()
        assert line.standings[line.start :] == plain
        assert line.count_before(25, 7) == sum(other < (25, 7, "") for other in plain)
        assert line.first_before(25, 7, 3) == [other for other in plain if other < (25, 7, "")][:3]


def test_taking_out_who_does_not_stand_there_is_a_fault() -> None:
    line = Line()
    line.add((1, 1, "a"))
    with pytest.raises(LookupError):
        line.remove((1, 2, "b"))


def test_a_long_line_gives_back_the_room_of_those_who_left() -> None:
    line = Line()
    standings = [(place, place, "t") for place in range(3_000)]
    for standing in standings:
        line.add(standing)
    for standing in standings:
        line.remove(standing)
    assert len(line) == 0
    assert len(line.standings) < 1_200
