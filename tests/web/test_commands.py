"""Every command, once through its life, with the receipt that it gives."""

from queue_server.access.roles import Role
from tests.web.caller import Caller
from tests.web.conftest import Desk


async def test_a_ticket_through_the_hall(main: Caller) -> None:
    issued = await main.post(
        "/tickets", {"service": "loans", "tier": "gold", "care": "elderly", "language": "zh-Hant", "channel": "kiosk"}
    )
    assert issued.status == 201
    assert set(issued.body) == {"day", "seq", "ticket"}
    ticket = issued.body["ticket"]
    assert (ticket["number"], ticket["state"], ticket["ahead"]) == ("L001", "waiting", 0)
    assert (ticket["care"], ticket["language"], ticket["channel"]) == ("elderly", "zh-Hant", "kiosk")
    called = await main.post("/counters/3/call-next", {})
    assert called.status == 200
    assert set(called.body) == {"day", "seq", "ticket", "routing", "counter"}
    assert called.body["ticket"]["ticket_id"] == ticket["ticket_id"]
    assert set(called.body["routing"]) == {"policy", "rule", "reason", "waiting", "overtook", "share", "note"}
    for step, state in (("recall", "called"), ("start", "serving"), ("finish", "finished")):
        answer = await main.post(f"/tickets/{ticket['ticket_id']}/{step}", {"counter": "3"})
        assert (answer.status, answer.body["ticket"]["state"]) == (200, state)
    assert answer.body["counter"]["state"] == "open"
    shown = await main.get(f"/tickets/{ticket['ticket_id']}")
    assert shown.body["ticket"]["ended_at"] is not None
    assert shown.body["ticket"]["ahead"] is None


async def test_nobody_to_call(main: Caller) -> None:
    answer = await main.post("/counters/3/call-next")
    assert (answer.status, answer.body["ticket"], answer.body["routing"]) == (200, None, None)


async def test_one_key_next(main: Caller) -> None:
    first, second = [await main.issue() for _ in range(2)]
    await main.post("/counters/3/call-next")
    await main.post(f"/tickets/{first}/start")
    busy = await main.post("/counters/3/call-next")
    assert (busy.status, busy.code, busy.body["ticket"]) == (409, "counter_busy", first)
    answer = await main.post("/counters/3/call-next", {"finish": {"outcome": "done"}})
    assert (answer.body["finished"]["ticket_id"], answer.body["ticket"]["ticket_id"]) == (first, second)


async def test_a_no_show_and_back(main: Caller) -> None:
    ticket = await main.issue()
    await main.post("/counters/3/call-next")
    assert (await main.post(f"/tickets/{ticket}/no-show", {"reason": "absent"})).body["ticket"]["state"] == "no_show"
    assert (await main.post(f"/tickets/{ticket}/reinstate")).body["ticket"]["state"] == "waiting"
    called = await main.post("/counters/3/call", {"ticket": ticket})
    assert called.body["routing"]["rule"] == "direct"
    for position in ("front", "due", "back", {"behind": 3}):
        answer = await main.post(f"/tickets/{ticket}/requeue", {"position": position})
        assert (answer.status, answer.body["ticket"]["state"]) == (200, "waiting")
        await main.post("/counters/3/call", {"ticket": ticket})
    moved_on = await main.post(f"/tickets/{ticket}/transfer", {"service": "cards", "zone": "hall"})
    assert (moved_on.body["ticket"]["service"], moved_on.body["ticket"]["zone"]) == ("cards", "hall")
    assert moved_on.body["counter"]["state"] == "open"
    moved = await main.post(f"/tickets/{ticket}/move", {"reason": "ill", "emergency": True, "tier": "gold"})
    assert moved.body["ticket"]["tier"] == "gold"
    cancelled = await main.post(f"/tickets/{ticket}/cancel", {"reason": "left"})
    assert (cancelled.status, cancelled.body["ticket"]["state"]) == (200, "cancelled")


async def test_a_counter_through_its_day(main: Caller) -> None:
    opened = await main.post("/counters/1/open", {"profile": "vip", "staff": "ann"})
    assert (opened.body["counter"]["profile"], opened.body["counter"]["staff"]) == ("vip", "ann")
    assert set(opened.body) == {"day", "seq", "counter"}
    steps = [
        ("profile", {"profile": None}, "open"),
        ("pause", {"reason": "break"}, "paused"),
        ("resume", None, "open"),
        ("close", {}, "closed"),
    ]
    for step, body, state in steps:
        answer = await main.post(f"/counters/1/{step}", body)
        assert (answer.status, answer.body["counter"]["state"]) == (200, state)


async def test_closing_the_day(main: Caller) -> None:
    await main.issue()
    closed = await main.post("/day/close", {"reason": "fire alarm"})
    assert (closed.status, set(closed.body)) == (200, {"day", "seq"})
    refused = await main.post("/tickets", {"service": "cash"})
    assert (refused.status, refused.code) == (409, "service_closed")
    assert refused.body["reopens_at"].endswith("Z")
    services = (await main.get("/services")).body["services"]
    assert [(s["open"], s["reason"]) for s in services] == [(False, "day_closed")] * 4


async def test_staff_sit_at_one_counter(main: Caller, desk: Desk) -> None:
    ann, bob = [await desk.as_(Role.STAFF, ["main"], name) for name in ("ann", "bob")]
    opened = await ann.post("/counters/1/open")
    assert opened.body["counter"]["staff"] == "ann"
    assert (await bob.post("/counters/1/call-next")).code == "forbidden"
    assert (await bob.post("/counters/2/open", {"staff": "ann"})).code == "forbidden"
    elsewhere = await ann.post("/counters/2/open")
    assert (elsewhere.status, elsewhere.code, elsewhere.body["counter"]) == (409, "staff_elsewhere", "1")
    assert (await ann.post("/counters/2/open", {"take_over": True})).status == 200
    ticket = await main.issue()
    assert (await ann.post("/counters/2/call", {"ticket": ticket})).status == 200
    stolen = await bob.post(f"/tickets/{ticket}/start")
    assert (stolen.status, stolen.code) == (403, "forbidden")
    # The same with a body that is at fault: who comes before what.
    assert (await bob.post(f"/tickets/{ticket}/start", b"{")).code == "forbidden"
    assert (await main.post(f"/tickets/{ticket}/start")).status == 200


async def test_overrides_and_emergencies_are_for_managers(main: Caller, desk: Desk) -> None:
    ann, boss = await desk.as_(Role.STAFF, None, "ann"), await desk.as_(Role.MANAGER, ["main"], "boss")
    await ann.post("/counters/6/open")
    ticket = await main.issue("cash", tier="standard")
    assert (await ann.post("/counters/6/call", {"ticket": ticket})).code == "not_in_profile"
    override = {"ticket": ticket, "override": True, "reason": "asked"}
    assert (await ann.post("/counters/6/call", override)).code == "forbidden"
    assert (await ann.post(f"/tickets/{ticket}/move", {"reason": "x", "emergency": True})).code == "forbidden"
    assert (await ann.post(f"/tickets/{ticket}/move", {"reason": "x", "service": "cards"})).status == 200
    unexplained = await boss.post("/counters/6/call", {"ticket": ticket, "override": True})
    assert (unexplained.status, unexplained.code) == (422, "invalid_body")
    assert (await boss.post("/counters/6/call", override)).status == 200


async def test_a_ticket_of_its_own_may_be_seen_and_cancelled(main: Caller, desk: Desk) -> None:
    mine, other = await main.issue(), await main.issue()
    me = await desk.as_(Role.TICKET, ["main"], mine)
    assert (await me.get(f"/tickets/{mine}")).body["ticket"]["ticket_id"] == mine
    assert (await me.get(f"/tickets/{other}")).code == "forbidden"
    assert (await me.post(f"/tickets/{other}/cancel")).code == "forbidden"
    assert (await me.post("/tickets", {"service": "cash"})).code == "forbidden"
    assert (await me.post(f"/tickets/{mine}/cancel")).status == 200


async def test_somebody_without_a_ticket_is_served_directly(main: Caller) -> None:
    served = await main.post("/counters/3/serve", {"service": "loans"})
    assert served.status == 200
    assert (served.body["ticket"]["state"], served.body["counter"]["state"]) == ("serving", "serving")
    assert served.body["ticket"]["number"] in served.body["routing"]["reason"]
    again = await main.post("/counters/3/serve", {"service": "loans"})
    assert (again.status, again.body["code"], again.body["ticket"]) == (409, "counter_busy", served.body["ticket"]["ticket_id"])
    assert (await main.post("/counters/3/serve", {})).body["code"] == "invalid_body"


async def test_what_there_is_not_is_unknown_at_night_too(main: Caller) -> None:
    ticket = await main.issue()
    await main.post("/day/close", {"reason": "fire alarm"})
    answers = {
        ("/counters/9/call-next", 404, "unknown_counter"): {},
        ("/counters/9/open", 404, "unknown_counter"): {},
        ("/tickets/nobody/start", 404, "unknown_ticket"): {},
        ("/counters/3/call", 422, "unknown_ticket"): {"ticket": "nobody"},
        ("/tickets", 422, "unknown_service"): {"service": "nothing"},
        ("/tickets", 422, "unknown_tier"): {"service": "cash", "tier": "none"},
        ("/counters/3/open", 422, "unknown_profile"): {"profile": "none"},
        ("/tickets", 422, "invalid_body"): {"servce": "cash"},
        ("/tickets", 409, "service_closed"): {"service": "cash"},
        ("/counters/3/call-next", 409, "service_closed"): {},
        (f"/tickets/{ticket}/start", 409, "service_closed"): {},
    }
    for (path, status, code), body in answers.items():
        answer = await main.post(path, body)
        assert (answer.status, answer.code) == (status, code), path


async def test_a_move_with_zone_null_lets_the_ticket_be_called_anywhere(main: Caller) -> None:
    ticket = await main.issue()
    await main.post("/counters/3/call", {"ticket": ticket})
    sent = await main.post(f"/tickets/{ticket}/transfer", {"staff": "nobody-yet"})
    assert sent.body["ticket"]["staff"] == "nobody-yet"
    kept = await main.post(f"/tickets/{ticket}/move", {"tier": "gold", "reason": "asked"})
    assert kept.body["ticket"]["staff"] == "nobody-yet"
    moved = await main.post(f"/tickets/{ticket}/move", {"zone": None, "reason": "not in today"})
    assert (moved.status, moved.body["ticket"]["staff"], moved.body["ticket"]["zone"]) == (200, None, None)
    assert (await main.post(f"/tickets/{ticket}/move", {"reason": "why"})).code == "invalid_body"
