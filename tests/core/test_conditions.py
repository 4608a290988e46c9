"""The policy of conditions, against a plain definition that calls one by one."""

from typing import Any

import hypothesis.strategies as st
from hypothesis import given as example
from hypothesis import settings

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.apply import apply
from queue_server.core.configuration import CounterPlace, Policy, Profile
from queue_server.core.estimates import outlook
from queue_server.core.routing import next_ticket
from queue_server.core.state import BranchState
from queue_server.core.ticket import Ticket
from tests.scenario import Scenario, fingerprint, given, rules

QUEUES: list[dict[str, Any]] = [
    {"id": "top", "tiers": ["gold"]},
    {"id": "cash", "services": ["cash"]},
    {"id": "loans", "services": ["loans"], "tiers": ["std"]},
]
QUEUE = {("cash", "gold"): "top", ("loans", "gold"): "top", ("cash", "std"): "cash", ("loans", "std"): "loans"}
names = st.sampled_from(["top", "cash", "loans"])
arrivals = st.lists(
    st.tuples(
        st.sampled_from(["cash", "loans"]),
        st.sampled_from(["gold", "std"]),
        st.sampled_from([None, "elderly"]),
        st.sampled_from([0, 500, 60_000]),
    ),
    min_size=1,
    max_size=20,
)
plans = st.fixed_dictionaries(
    {
        "queues": st.integers(1, 3).map(lambda count: QUEUES[:count]),
        "rules": st.lists(
            st.fixed_dictionaries(
                {"call": names},
                optional={"of": names, "fewer_than": st.integers(1, 3), "waited_ms": st.sampled_from([0, 30_000, 90_000])},
            ),
            max_size=4,
        ),
        "otherwise": st.lists(names, max_size=3, unique=True),
        "scope": st.just("branch"),
    }
)


class Plain:
    """Calls one by one, by the definition."""

    def __init__(self, plan: dict[str, Any], known: dict[str, int]) -> None:
        self.plan, self.counts = plan, dict(known)

    def queue(self, ticket: Ticket) -> str | None:
        name = QUEUE[ticket.service, ticket.tier]
        return name if name in {queue["id"] for queue in self.plan["queues"]} else None

    def call(self, waiting: list[Ticket], at: int) -> Ticket:
        waiting = sorted(waiting, key=lambda ticket: ticket.standing)
        first = {queue: next(t for t in waiting if self.queue(t) == queue) for queue in {self.queue(t) for t in waiting}}
        for rule in self.plan["rules"]:
            of = rule.get("of", rule["call"])
            if rule["call"] not in first or self.counts.get(of, 0) >= rule.get("fewer_than", 1_000):
                continue
            if "waited_ms" in rule and (of not in first or at - first[of].place_at <= rule["waited_ms"]):
                continue
            self.counts[rule["call"]] = self.counts.get(rule["call"], 0) + 1
            return first[rule["call"]]
        self.counts = {}
        return next((first[queue] for queue in self.plan["otherwise"] if queue in first), waiting[0])


@example(plans, arrivals, st.integers(0, 6))
@settings(max_examples=200, deadline=None)
def test_calls_follow_the_definition_and_ahead_counts_them(
    plan: dict[str, Any], coming: list[tuple[str, str, str | None, int]], before: int
) -> None:
    hall = given(rules(policy=Policy("conditions", plan))).open("1")
    for index, (service, tier, care, gap) in enumerate(coming):
        hall.after(gap).issue(f"t{index}", service, tier=tier, care=care)
    hall.after(10_000)
    plain = Plain(plan, {})
    waiting = list(hall.state.tickets.values())
    for _ in range(min(before, len(waiting))):
        _call(hall, plain, waiting)
    told = {t.ticket_id: outlook(hall.state, t.line_key(), t.standing, hall.now).ahead for t in waiting}
    for index in range(len(waiting)):
        called = _call(hall, plain, waiting)
        assert told[called.ticket_id] == index
    rebuilt = _replayed(hall)
    assert fingerprint(rebuilt)["turns"] == fingerprint(hall.state)["turns"]


def _call(hall: Scenario, plain: Plain, waiting: list[Ticket]) -> Ticket:
    choice = next_ticket(hall.state, "1", hall.now)
    assert choice is not None
    called = plain.call(waiting, hall.now)
    assert choice.ticket == called.ticket_id
    hall.when(c.CallNext, counter="1").when(c.StartServing, ticket=called.ticket_id).when(c.FinishServing, ticket=called.ticket_id)
    waiting.remove(called)
    return called


def _replayed(hall: Scenario) -> BranchState:
    rebuilt = BranchState("b")
    for event in hall.events:
        apply(rebuilt, event)
    return rebuilt


def _next(hall: Scenario, counter: str) -> str:
    called: str = hall.when(c.CallNext, counter=counter, finish=True).last(e.TicketCalled).ticket
    hall.when(c.StartServing, ticket=called)
    return called


def _plan(**more: Any) -> Policy:
    plan = {
        "queues": QUEUES,
        "rules": [{"call": "top", "fewer_than": 2}, {"call": "cash", "fewer_than": 1}],
        "otherwise": ["loans"],
    }
    return Policy("conditions", {"scope": "branch", **plan, **more})


def _full(hall: Scenario) -> Scenario:
    for index in range(6):
        hall.issue(f"g{index}", tier="gold").issue(f"c{index}").issue(f"l{index}", "loans")
    return hall


def test_two_of_one_queue_one_of_the_next_and_one_otherwise_round_and_round() -> None:
    hall = _full(given(rules(policy=_plan())).open("1"))
    assert [_next(hall, "1") for _ in range(8)] == ["g0", "g1", "c0", "l0", "g2", "g3", "c1", "l1"]


def test_the_sentence_and_the_turn_name_the_queue() -> None:
    hall = _full(given(rules(policy=_plan())).open("1")).after(60_000)
    routing = hall.when(c.CallNext, counter="1").last(e.TicketCalled).routing
    assert (routing.rule, routing.turn) == ("policy", "top")
    assert routing.reason == "V001 had waited 1 minute, the first of the queue top, which the rules put first, of 18 waiting"


def test_counts_by_counter_begin_anew_for_all_when_one_has_gone_through_the_rules() -> None:
    hall = _full(given(rules(policy=_plan(scope="counter"))).open("1", "2"))
    assert [_next(hall, "1") for _ in range(3)] == ["g0", "g1", "c0"]
    assert [_next(hall, "2") for _ in range(1)] == ["g2"], "the second counter counts for itself"
    assert [_next(hall, "1") for _ in range(1)] == ["l0"], "the first one has gone through the rules"
    assert [_next(hall, "2") for _ in range(3)] == ["g3", "g4", "c1"], "and the second one begins anew with it"


def test_a_call_out_of_turn_is_not_counted() -> None:
    hall = _full(given(rules(policy=_plan())).open("1"))
    hall.when(c.CallTicket, counter="1", ticket="g5").when(c.StartServing, ticket="g5")
    assert [_next(hall, "1") for _ in range(3)] == ["g0", "g1", "c0"]


def test_a_rule_may_be_for_the_counters_of_some_profiles() -> None:
    profiles = (Profile("advice"), Profile("till"))
    counters = (CounterPlace("1", "1", profile="advice"), CounterPlace("2", "2", profile="till"), CounterPlace("3", "3"))
    plan = _plan(rules=[{"call": "loans", "profiles": ["advice"]}, {"call": "cash", "profiles": ["till"]}], otherwise=["top"])
    hall = _full(given(rules(policy=plan, profiles=profiles, counters=counters)).open("1", "2", "3"))
    assert [_next(hall, counter) for counter in "123"] == ["l0", "c0", "g0"]


def test_a_queue_is_called_from_when_somebody_elsewhere_has_waited_too_long() -> None:
    plan = _plan(rules=[{"call": "top", "of": "cash", "waited_ms": 60_000}], otherwise=["loans"])
    hall = _full(given(rules(policy=plan)).open("1"))
    assert _next(hall.after(60_000), "1") == "l0"
    assert _next(hall.after(1), "1") == "g0"


def test_whoever_is_in_no_queue_waits_for_the_end_of_the_round() -> None:
    hall = given(rules(policy=_plan(queues=QUEUES[:1], rules=[{"call": "top"}], otherwise=["top"]))).open("1")
    hall.issue("c0").issue("g0", tier="gold").issue("l0", "loans")
    assert [_next(hall, "1") for _ in range(3)] == ["g0", "c0", "l0"]
    reasons = [event.fact.routing.reason for event in hall.events if isinstance(event.fact, e.TicketCalled)]
    assert "outside all queues" in reasons[1]


def test_a_call_that_is_taken_back_has_never_counted_even_at_the_end_of_a_round() -> None:
    hall = _full(given(rules(policy=_plan())).open("1"))
    order = []
    for _ in range(5):
        undone = hall.when(c.CallNext, counter="1").last(e.TicketCalled).ticket
        order.append(hall.when(c.UndoStep, ticket=undone).when(c.CallNext, counter="1").last(e.TicketCalled).ticket)
        hall.when(c.StartServing, ticket=order[-1]).when(c.FinishServing, ticket=order[-1])
    assert order == ["g0", "g1", "c0", "l0", "g2"]
