"""Visits with several services, customers who are put aside, steps taken back and calls for help, over HTTP."""

from typing import Any

import pytest
from msgspec.structs import replace

from queue_server.access.roles import Role
from queue_server.core.configuration import ArrivalRule, Configuration
from queue_server.runtime.runtime import Runtime
from tests.web.caller import Caller
from tests.web.conftest import Desk


async def serve(caller: Caller, ticket: str, counter: str = "3") -> None:
    """Call *ticket* to *counter* and begin to serve it."""
    assert (await caller.post(f"/counters/{counter}/call", {"ticket": ticket})).status == 200
    assert (await caller.post(f"/tickets/{ticket}/start")).status == 200


async def configure(runtime: Runtime, **changes: Any) -> None:
    """Change the sample branch's configuration."""
    version, rules = await runtime.configuration("main")
    changed: Configuration = replace(rules, **changes)
    await runtime.put_configuration("main", changed, expected=version, next_day=False, actor="test", command_id=f"put-{version}")


def states(ticket: dict[str, Any]) -> list[tuple[str, str]]:
    return [(stage["service"], stage["state"]) for stage in ticket["stages"]]


async def test_a_visit_of_two_services(main: Caller) -> None:
    issued = (await main.post("/tickets", {"service": "cash", "then": ["cards"]})).body["ticket"]
    ticket = issued["ticket_id"]
    assert states(issued) == [("cash", "waiting"), ("cards", "to_come")]
    await serve(main, ticket)
    first = (await main.post(f"/tickets/{ticket}/finish", {"counter": "3", "outcome": "paid"})).body
    assert (first["ticket"]["service"], first["ticket"]["state"], first["counter"]["state"]) == ("cards", "waiting", "open")
    assert first["finished"] == first["ticket"]
    assert states(first["ticket"]) == [("cash", "finished"), ("cards", "waiting")]
    assert first["ticket"]["stages"][0]["outcome"] == "paid"
    assert set(first["ticket"]["stages"][0]) == {
        "service",
        "state",
        "waited_seconds",
        "served_seconds",
        "parked_seconds",
        "outcome",
    }
    await serve(main, ticket)
    last = (await main.post(f"/tickets/{ticket}/finish")).body
    assert (last["ticket"]["state"], "finished" in last) == ("finished", False)
    assert states(last["ticket"]) == [("cash", "finished"), ("cards", "finished")]


async def test_one_key_next_ends_a_service_of_a_visit(main: Caller) -> None:
    ticket, other = await main.issue("cash", then=["cards"]), await main.issue("cash")
    await serve(main, ticket)
    # Both have waited for some milliseconds only: who is next must not hang on these.
    await main.post(f"/tickets/{other}/move", {"reason": "ill", "emergency": True})
    answer = (await main.post("/counters/3/call-next", {"finish": {}})).body
    assert (answer["finished"]["ticket_id"], answer["finished"]["service"]) == (ticket, "cards")
    assert answer["ticket"]["ticket_id"] == other


async def test_a_customer_is_put_aside_and_served_on(main: Caller) -> None:
    ticket, other = await main.issue(), await main.issue()
    await serve(main, ticket)
    parked = (await main.post(f"/tickets/{ticket}/park", {"reason": "form"})).body
    assert (parked["ticket"]["state"], parked["ticket"]["park_kind"], parked["ticket"]["counter"]) == ("parked", "counter", "3")
    assert (parked["counter"]["state"], parked["counter"]["parked"]) == ("open", [ticket])
    await serve(main, other)
    busy = await main.post(f"/tickets/{ticket}/unpark")
    assert (busy.status, busy.code, busy.body["ticket"]) == (409, "counter_busy", other)
    await main.post(f"/tickets/{other}/finish")
    back = (await main.post(f"/tickets/{ticket}/unpark", {"counter": "3"})).body
    assert (back["ticket"]["state"], back["ticket"]["park_kind"]) == ("serving", None)
    assert (back["counter"]["ticket"], back["counter"]["parked"]) == (ticket, [])


async def test_one_parked_for_the_service_is_taken_up_elsewhere_or_comes_first(main: Caller, desk: Desk) -> None:
    ticket = await main.issue()
    await serve(main, ticket)
    await main.post(f"/tickets/{ticket}/park", {"kind": "service"})
    ann = await desk.as_(Role.STAFF, ["main"], "ann")
    await ann.post("/counters/4/open")
    elsewhere = (await ann.post(f"/tickets/{ticket}/unpark")).body
    assert (elsewhere["ticket"]["counter"], elsewhere["counter"]["staff"]) == ("4", "ann")
    await ann.post(f"/tickets/{ticket}/park", {"kind": "service"})
    earlier = await main.issue()
    queued = (await main.post(f"/tickets/{ticket}/requeue")).body["ticket"]
    assert queued["place_at"] < (await main.get(f"/tickets/{earlier}")).body["ticket"]["place_at"]


async def test_a_counter_keeps_so_many_parked_and_no_more(main: Caller) -> None:
    parked = []
    for _ in range(3):
        parked.append(await main.issue())
        await serve(main, parked[-1])
        assert (await main.post(f"/tickets/{parked[-1]}/park")).status == 200
    last = await main.issue()
    await serve(main, last)
    refused = await main.post(f"/tickets/{last}/park")
    assert (refused.status, refused.code, refused.body["parked"]) == (409, "park_limit", parked)
    assert (await main.post(f"/tickets/{last}/park", {"kind": "service"})).status == 200


async def test_closing_leaves_parked_customers_to_the_service_and_answers_with_the_counter_alone(main: Caller) -> None:
    ticket = await main.issue()
    await serve(main, ticket)
    await main.post(f"/tickets/{ticket}/park")
    closed = (await main.post("/counters/3/close")).body
    assert (set(closed), closed["counter"]["state"], closed["counter"]["parked"]) == ({"day", "seq", "counter"}, "closed", [])
    assert (await main.get(f"/tickets/{ticket}")).body["ticket"]["park_kind"] == "service"


async def test_a_step_is_taken_back(main: Caller) -> None:
    ticket = await main.issue()
    await main.post("/counters/3/call-next")
    undone = (await main.post(f"/tickets/{ticket}/undo", {"counter": "3"})).body
    assert (undone["ticket"]["state"], undone["ticket"]["called_at"], undone["counter"]["state"]) == ("waiting", None, "open")
    assert (await main.get("/state")).body["calls"] == []
    refused = await main.post(f"/tickets/{ticket}/undo")
    assert (refused.status, refused.code) == (409, "undo_refused")
    await serve(main, ticket)
    await main.post(f"/tickets/{ticket}/finish")
    assert (await main.post(f"/tickets/{ticket}/undo")).body["counter"]["ticket"] == ticket
    listed = (await main.get("/state")).body["tickets"]
    assert [(held["ticket_id"], held["state"]) for held in listed] == [(ticket, "serving")]


async def test_nobody_takes_back_what_another_has_done(main: Caller, desk: Desk) -> None:
    ann, bob = [await desk.as_(Role.STAFF, ["main"], name) for name in ("ann", "bob")]
    await ann.post("/counters/4/open")
    ticket = await main.issue()
    await ann.post("/counters/4/call", {"ticket": ticket})
    refused = await bob.post(f"/tickets/{ticket}/undo")
    assert (refused.status, refused.code) == (403, "forbidden")
    assert (await bob.post(f"/tickets/{ticket}/undo", b"{")).code == "forbidden"
    assert (await ann.post(f"/tickets/{ticket}/undo")).status == 200
    # A waiting ticket is at nobody's counter, so what is wrong with the request is what is told.
    assert (await bob.post(f"/tickets/{ticket}/undo", b"{")).code == "invalid_body"


async def test_a_call_for_help(main: Caller) -> None:
    asked = (await main.post("/counters/3/help", {"reason": "forged note"})).body["counter"]
    assert set(asked["help"]) == {"since", "reason"}
    assert asked["help"]["reason"] == "forged note"
    again = await main.post("/counters/3/help")
    assert (again.status, again.code, again.body["allowed"]) == (409, "wrong_state", ["help/acknowledge"])
    assert (await main.post("/counters/3/help/acknowledge", {})).body["counter"]["help"] is None
    assert (await main.post("/counters/3/help/acknowledge")).code == "wrong_state"
    assert (await main.post("/counters/1/help")).code == "counter_closed"


@pytest.mark.parametrize("is_forgotten", [False, True])
async def test_a_key_used_again_gives_the_first_receipt(main: Caller, runtime: Runtime, is_forgotten: bool) -> None:
    ticket = await main.issue(then=["cards"])
    await serve(main, ticket)
    steps = [
        (f"/tickets/{ticket}/park", {"kind": "counter"}),
        (f"/tickets/{ticket}/undo", {}),
        ("/counters/3/help", {"reason": "change"}),
        ("/counters/3/help/acknowledge", {}),
        (f"/tickets/{ticket}/finish", {}),
    ]
    firsts = [await main.post(path, body, Idempotency_Key=f"k{n}") for n, (path, body) in enumerate(steps)]
    before = (await main.get("/events?limit=1000")).content
    if is_forgotten:
        # As on another node: the receipt is made again from the facts.
        runtime._writer._receipts.clear()
    for n, (path, body) in enumerate(steps):
        again = await main.post(path, body, Idempotency_Key=f"k{n}")
        assert (again.status, again.content, again.headers["Idempotent-Replayed"]) == (200, firsts[n].content, "true")
    assert (await main.get("/events?limit=1000")).content == before


async def test_the_identity_serves_the_arrival_rules_and_is_kept_nowhere(main: Caller, runtime: Runtime) -> None:
    rules = (ArrivalRule("black", card_classes=("black",), tier="private"), ArrivalRule("known", identified=True, tier="gold"))
    await configure(runtime, classification=rules)
    told = []
    for identity in ({"card_class": "black", "card": "4111111111111111"}, {"card": "4111111111111111"}, "4111111111111111", None):
        ticket = (await main.post("/tickets", {"service": "cash", "identity": identity})).body["ticket"]
        told.append((ticket["tier"], ticket["classified_by"]))
    assert told == [("private", "black"), ("gold", "known"), ("gold", "known"), ("standard", None)]
    for path in ("/events?limit=1000", "/state"):
        content = (await main.get(path)).content
        assert b"4111" not in content
        assert b"card_class" not in content.replace(b"card_classes", b"")


async def test_what_is_no_card_class_is_told_without_repeating_it(main: Caller) -> None:
    for stated in (7, "", "x" * 33, ["black"], "a\nb"):
        answer = await main.post("/tickets", {"service": "cash", "identity": {"card_class": stated, "card": "4111"}})
        assert (answer.status, answer.places) == (422, ["identity.card_class"])
        assert b"4111" not in answer.content


async def test_when_all_tickets_of_a_service_are_given_it_says_when_it_opens_again(main: Caller, runtime: Runtime) -> None:
    _, rules = await runtime.configuration("main")
    await configure(runtime, services=tuple(replace(s, daily_limit=1 if s.id == "cash" else None) for s in rules.services))
    await main.issue("cash")
    refused = await main.post("/tickets", {"service": "cash"})
    assert (refused.status, refused.code) == (409, "limit_reached")
    cash, *others = (await main.get("/services")).body["services"]
    assert (cash["open"], cash["reason"], cash["until"], cash["ahead"]) == (
        False,
        "limit_reached",
        refused.body["reopens_at"],
        None,
    )
    assert refused.body["reopens_at"].endswith("Z")
    assert all(service["open"] for service in others)


async def test_outside_the_hours_it_says_when_it_opens_or_that_no_opening_is_in_sight(main: Caller, sample: dict[str, Any]) -> None:
    services = [service | ({"hours": {"week": {}}} if service["id"] == "cards" else {}) for service in sample["services"]]
    assert (await main.put("", sample | {"hours": None, "services": services}, If_Match="*")).status == 200
    refused = await main.post("/tickets", {"service": "cards"})
    assert (refused.status, refused.code, refused.body["reopens_at"]) == (409, "service_closed", None)
    cards = next(service for service in (await main.get("/services")).body["services"] if service["id"] == "cards")
    assert (cards["open"], cards["reason"], cards["until"]) == (False, "closed", None)
    later = await main.post("/tickets", {"service": "cash", "then": ["cards"]})
    assert (later.status, later.code) == (409, "service_closed"), "a visit that could not go on is not begun"


async def test_an_outcome_or_a_reason_is_one_of_the_configured_ones(main: Caller) -> None:
    ticket = await main.issue()
    await serve(main, ticket)
    for path, body in (
        (f"/tickets/{ticket}/finish", {"outcome": "4111111111111111"}),
        ("/counters/3/call-next", {"finish": {"outcome": "4111111111111111"}}),
    ):
        refused = await main.post(path, body)
        assert (refused.status, refused.code) == (422, "invalid_body")
        assert [fault["path"] for fault in refused.body["errors"]] == ["outcome"]
    assert (await main.post(f"/tickets/{ticket}/finish", {"outcome": "advised"})).status == 200
    assert (await main.post("/counters/3/pause", {"reason": "because"})).code == "invalid_body"
