"""Who is next and why, and how many are ahead: checked against the plain definition, ticket by ticket."""

from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given as example
from hypothesis import settings

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Cap, CounterPlace, Policy, Preference, Profile, Tier
from queue_server.core.estimates import outlook
from queue_server.core.policies import said_duration
from queue_server.core.routing import next_ticket
from queue_server.core.ticket import Ticket
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


RATES = {"gold": Fraction(5, 2), "std": Fraction(1, 2)}
PARAMETERS: dict[str, dict[str, Any]] = {
    "fifo": {},
    "promise": {},
    "due": {},
    "strict": {},
    "weighed": {"service_weights": {"loans": 2, "cash": -1}},
    "ageing": {"rates": {"gold": 2500, "std": 500}, "head_start_ms": {"gold": 30_000}},
}


def _hall(policy: str, coming: list[tuple[str, str, str | None, int]]) -> Scenario:
    name = "strict" if policy == "weighed" else policy
    hall = given(
        rules(policy=Policy(name, PARAMETERS.get(policy, {})), tiers=(Tier("gold", {}, 70_000), Tier("std", {}, 300_001)))
    ).open("1")
    for index, (service, tier, care, gap) in enumerate(coming):
        hall.after(gap).issue(f"t{index}", service, tier=tier, care=care)
    return hall.after(10_000)


def _claim(policy: str, ticket: Ticket, at: int) -> Any:
    """The definitions, as domain and docs/rules.md state them: the larger claim goes first, equal ones by the order of issue."""
    waited, target, care = at - ticket.place_at, ticket.target_ms, Fraction(1, 4) if ticket.care else 0
    claims: dict[str, Any] = {
        "fifo": waited,
        "promise": Fraction(waited, target) + care,
        "due": -(ticket.place_at + target - care * target),
        "ageing": (30_000 if ticket.tier == "gold" else 0) + RATES[ticket.tier] * (waited + care * target),
        "strict": (ticket.tier == "gold", waited + care * target),
        "weighed": (ticket.tier == "gold", ticket.service == "loans", waited + care * target),
    }
    return (claims[policy], -ticket.issue_seq)


@example(arrivals, st.sampled_from(list(PARAMETERS)))
@settings(max_examples=150, deadline=None)
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
        assert line.first(3) == plain[:3]


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


def _called(hall: Scenario, counter: str, count: int) -> list[str]:
    called = []
    for _ in range(count):
        hall.when(c.CallNext, counter=counter, finish=True)
        called.append(hall.last(e.TicketCalled).ticket)
        hall.when(c.StartServing, ticket=called[-1])
    return called


def _two_lines(hall: Scenario, gold: int, std: int) -> Scenario:
    for index in range(std):
        hall.after(1_000).issue(f"s{index}")
    for index in range(gold):
        hall.after(1_000).issue(f"g{index}", tier="gold")
    return hall


def _ratio(gold: int, std: int, **more: Any) -> Policy:
    return Policy("ratio", {"calls": {"gold": gold, "std": std}, "scope": "branch"} | more)


def test_ratio_takes_turns() -> None:
    hall = _two_lines(given(rules(policy=_ratio(2, 1))).open("1"), 5, 4)
    assert _called(hall, "1", 9) == ["g0", "g1", "s0", "g2", "g3", "s1", "g4", "s2", "s3"]


@example(st.integers(1, 3), st.integers(1, 3), st.integers(0, 12), st.integers(0, 12), st.tuples(st.integers(0, 4), st.booleans()))
@settings(max_examples=120, deadline=None)
def test_ratio_keeps_its_promise_and_ahead_is_what_happens(
    gold: int, std: int, golds: int, stds: int, more: tuple[int, bool]
) -> None:
    before, has_profile = more
    counters = (CounterPlace("1", "1", profile="cash_only" if has_profile else None),)
    hall = _two_lines(given(rules(policy=_ratio(gold, std), counters=counters)).open("1"), golds, stds)
    called = _called(hall, "1", min(before, golds + stds))
    told = {
        ticket.ticket_id: outlook(hall.state, ticket.line_key(), ticket.standing, hall.now).ahead
        for ticket in hall.state.tickets.values()
        if ticket.waiting_since is not None
    }
    rest = _called(hall, "1", golds + stds - len(called))
    assert [told[ticket] for ticket in rest] == list(range(len(rest)))
    # While both wait: never more than n of the one in a row, nor more than m of the other.
    both = min(max((i for i, t in enumerate(called + rest) if t[0] == kind), default=-1) for kind in "gs")
    runs = "".join(ticket[0] for ticket in (called + rest)[: both + 1])
    assert "g" * (gold + 1) not in runs
    assert "s" * (std + 1) not in runs


def test_a_turn_that_a_counter_cannot_take_is_skipped_and_not_spent() -> None:
    profiles = (Profile("std_only", tiers=("std",)), Profile("cash_only", services=("cash",)))
    counters = (CounterPlace("1", "1"), CounterPlace("2", "2", profile="std_only"), CounterPlace("3", "3", profile="cash_only"))
    hall = given(rules(policy=_ratio(1, 1), profiles=profiles, counters=counters)).open("1", "2", "3")
    hall.issue("g0", "loans", tier="gold").issue("s0").issue("s1").issue("s2").issue("g1", "loans", tier="gold")
    assert _called(hall, "2", 1) == ["s0"], "it may call one side only: its calls count for nothing"
    assert _called(hall, "3", 1) == ["s1"], "gold waits, but not for what this counter serves: its turn is not spent"
    assert _called(hall, "1", 2) == ["g0", "s2"]


def test_ratio_by_counter_keeps_rounds_of_its_own() -> None:
    hall = _two_lines(given(rules(policy=_ratio(1, 1, scope="counter"))).open("1", "2"), 3, 3)
    assert _called(hall, "1", 1) + _called(hall, "2", 1) + _called(hall, "1", 1) == ["g0", "g1", "s0"]


def test_the_cap_lets_the_lowest_tier_through() -> None:
    hall = _two_lines(given(rules(policy=Policy("strict"), cap=Cap(2))).open("1"), 6, 3)
    assert _called(hall, "1", 9) == ["g0", "g1", "s0", "g2", "g3", "s1", "g4", "g5", "s2"]
    assert [event.fact.routing.rule for event in hall.events if isinstance(event.fact, e.TicketCalled)][:4] == [
        "policy",
        "policy",
        "cap",
        "policy",
    ]


def test_without_the_cap_strict_starves_the_lowest_tier() -> None:
    hall = given(rules(policy=Policy("strict"))).open("1").issue("s")
    for index in range(20):
        hall.after(1_000).issue(f"g{index}", tier="gold")
        assert _called(hall, "1", 1) == [f"g{index}"]


def test_a_reserved_counter_waits_for_its_tier() -> None:
    hall = given(rules(reserve={"gold": 1})).open("1", "2").issue("a").issue("b")
    assert _called(hall, "1", 1) == ["a"]
    hall.when(c.CallNext, counter="2").then()
    hall.issue("v", tier="gold").when(c.CallNext, counter="2").then(e.TicketCalled)
    hall.when(c.StartServing, ticket="v").when(c.FinishServing, ticket="a")
    hall.when(c.CallNext, counter="1").then()
    hall.when(c.FinishServing, ticket="v").when(c.CallNext, counter="1").then(e.TicketCalled)


def test_a_paused_counter_is_not_open_for_the_reservation() -> None:
    hall = given(rules(reserve={"gold": 1})).open("1", "2").when(c.PauseCounter, counter="2").issue("a")
    hall.when(c.CallNext, counter="1").then()


def test_a_counter_prefers_its_services_and_says_so() -> None:
    preference: dict[str, Preference | int] = {"loans": Preference.FIRST, "cash": Preference.ONLY_WHEN_IDLE}
    profiles = (Profile("loans_first", preference=preference),)
    hall = given(rules(profiles=profiles, counters=(CounterPlace("1", "1", profile="loans_first"),))).open("1")
    hall.issue("a").after(60_000).issue("l", "loans").when(c.CallNext, counter="1")
    routing = hall.last(e.TicketCalled).routing
    assert (hall.last(e.TicketCalled).ticket, routing.rule, routing.overtook.first) == ("l", "preference", ("A001",))
    assert _called(hall.when(c.StartServing, ticket="l"), "1", 1) == ["a"]


@pytest.mark.parametrize(
    ("ms", "said"),
    [(1000, "1 second"), (500, "0.5 seconds"), (60_000, "1 minute"), (90_000, "1.5 minutes"), (60_000_000, "1000 minutes")],
)
def test_durations_are_said_as_a_clerk_would(ms: int, said: str) -> None:
    assert said_duration(ms) == said
