"""Points by service and tier: other policies are settings of it."""

from typing import Any

import hypothesis.strategies as st
from hypothesis import given as example
from hypothesis import settings

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Policy, Service, Tier
from queue_server.core.estimates import outlook
from tests.scenario import given, rules

TARGETS = {("cash", "gold"): 300_000, ("cash", "std"): 1_200_000, ("loans", "gold"): 600_000, ("loans", "std"): 2_400_000}
LONGEST = max(TARGETS.values())
arrivals = st.lists(
    st.tuples(
        st.sampled_from(["cash", "loans"]),
        st.sampled_from(["gold", "std"]),
        st.sampled_from([None, None, "elderly"]),
        st.sampled_from([0, 1, 1_000, 60_000, 299_999, 400_000]),
    ),
    min_size=1,
    max_size=25,
)


def _table(number: Any) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for (service, tier), target in TARGETS.items():
        table.setdefault(service, {})[tier] = number(target)
    return table


SETTINGS: dict[str, dict[str, Any]] = {
    "fifo": {"rates": {}, "head_start_ms": {"gold": 0}},
    "due": {"rates": {}, "service_head_start_ms": _table(lambda target: LONGEST - target)},
    "promise": {"rates": {"gold": 77_000}, "service_rates": _table(lambda target: 1_000 * LONGEST // target)},
}


def _order(policy: Policy, coming: list[tuple[str, str, str | None, int]], care_permille: int) -> list[tuple[str, int]]:
    """Who is called when, and how many were ahead of each when the calls began."""
    services = tuple(
        Service(name, {}, name[0].upper(), target_ms={tier: TARGETS[name, tier] for tier in ("gold", "std")})
        for name in ("cash", "loans")
    )
    tiers = (Tier("gold", {}, 1), Tier("std", {}, 1))
    hall = given(rules(policy=policy, services=services, tiers=tiers, care_permille=care_permille)).open("1")
    for index, (service, tier, care, gap) in enumerate(coming):
        hall.after(gap).issue(f"t{index}", service, tier=tier, care=care)
    told = {
        ticket.ticket_id: outlook(hall.state, ticket.line_key(), ticket.standing, hall.now).ahead
        for ticket in hall.state.tickets.values()
    }
    order = []
    for _ in coming:
        called = hall.after(7_000).when(c.CallNext, counter="1", finish=True).last(e.TicketCalled).ticket
        hall.when(c.StartServing, ticket=called)
        order.append((called, told[called]))
    return order


@example(arrivals, st.sampled_from(["fifo", "due", "promise"]), st.sampled_from([0, 250, 900]))
@settings(max_examples=150, deadline=None)
def test_fifo_due_and_promise_are_settings_of_it(
    coming: list[tuple[str, str, str | None, int]], name: str, care_permille: int
) -> None:
    # Care counts for nothing in fifo, and for the same in the others.
    care = 0 if name == "fifo" else care_permille
    assert _order(Policy("ageing", SETTINGS[name]), coming, care) == _order(Policy(name), coming, care_permille)


def test_what_a_service_has_of_its_own_goes_before() -> None:
    points = {
        "rates": {"gold": 2_000},
        "service_rates": {"loans": {"gold": 500}},
        "service_head_start_ms": {"loans": {"std": 30_000}},
    }
    coming: list[tuple[str, str, str | None, int]] = [
        ("loans", "gold", None, 0),
        ("cash", "std", None, 1_000),
        ("loans", "std", None, 9_000),
    ]
    assert [ticket for ticket, _ in _order(Policy("ageing", points), coming, 0)] == ["t2", "t1", "t0"]
