import pytest

from queue_server.access.roles import Role
from tests.web.caller import Caller
from tests.web.conftest import Desk


async def test_what_a_kiosk_shows(main: Caller, desk: Desk) -> None:
    await main.issue()
    kiosk = await desk.as_(Role.KIOSK, ["main"])
    answer = await kiosk.get("/services")
    assert set(answer.body) == {"day", "seq", "services"}
    cash = answer.body["services"][0]
    assert {name: cash[name] for name in ("id", "open", "reason", "until", "waiting", "ahead")} == {
        "id": "cash",
        "open": True,
        "reason": None,
        "until": None,
        "waiting": 1,
        "ahead": 1,
    }
    assert cash["p90_seconds"] > cash["p50_seconds"] > 0


async def test_the_state(main: Caller) -> None:
    first, second = [await main.issue() for _ in range(2)]
    await main.post("/counters/3/call-next")
    body = (await main.get("/state")).body
    assert set(body) == {"day", "seq", "branch", "tickets", "counters", "calls", "notices", "services"}
    assert [(t["ticket_id"], t["state"]) for t in body["tickets"]] == [(first, "called"), (second, "waiting")]
    assert body["tickets"][1]["ahead"] == 0
    assert body["calls"][0]["ticket_id"] == first
    assert set(body["calls"][0]) == {"seq", "at", "number", "ticket_id", "counter", "recalls"}
    assert body["branch"]["name"]["zh-Hant"] == "正街分行"
    assert len(body["counters"]) == 6


async def test_a_ticket_by_identity_and_by_number(main: Caller) -> None:
    ticket = await main.issue()
    one = (await main.get(f"/tickets/{ticket}")).body
    listed = (await main.get("/tickets?number=A001")).body
    assert listed["tickets"][0]["ticket_id"] == one["ticket"]["ticket_id"] == ticket
    assert (await main.get("/tickets?number=Z999")).body["tickets"] == []
    missing = await main.get("/tickets/nobody")
    assert (missing.status, missing.code) == (404, "unknown_ticket")


async def test_the_events(main: Caller) -> None:
    await main.issue(channel="kiosk")
    everything = (await main.get("/events")).body
    assert [event["name"] for event in everything["events"]] == ["DayOpened", "BranchConfigured", "CounterOpened", "TicketIssued"]
    assert [event["seq"] for event in everything["events"]] == [1, 2, 3, 4]
    last = (await main.get("/events?after=3&limit=10")).body
    assert len(last["events"]) == 1
    assert set(last["events"][0]) == {"seq", "at", "name", "version", "actor", "body"}
    assert last["events"][0]["body"]["channel"] == "kiosk"
    assert (await main.get("/events?limit=2")).body["events"] == everything["events"][:2]
    assert (await main.get(f"/events?day={everything['day']}")).body == everything
    assert (await main.get("/events?day=1999-02-03")).body["events"] == []


async def test_a_read_may_ask_to_be_as_new_as_a_receipt(main: Caller) -> None:
    receipt = (await main.post("/tickets", {"service": "cash"})).body
    for path in ("/services", "/state", "/events", f"/tickets/{receipt['ticket']['ticket_id']}", "/tickets?number=A001"):
        sep = "&" if "?" in path else "?"
        answer = await main.get(f"{path}{sep}at_least={receipt['day']}:{receipt['seq']}")
        assert (answer.status, answer.body["seq"]) == (200, receipt["seq"])


async def test_a_read_that_would_have_to_be_newer_than_the_truth_gives_up(main: Caller) -> None:
    day = (await main.get("/services")).body["day"]
    answer = await main.get(f"/services?at_least={day}:999")
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "log_unavailable", "1")


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("/events?after=-1", "after"),
        ("/events?after=x", "after"),
        ("/events?limit=0", "limit"),
        ("/events?limit=1001", "limit"),
        ("/events?limit=1e3", "limit"),
        ("/events?limit=%D9%A1", "limit"),
        ("/events?day=today", "day"),
        ("/events?day=2026-13-01", "day"),
        ("/state?at_least=5", "at_least"),
        ("/state?at_least=2026-02-30:1", "at_least"),
        ("/tickets", "number"),
        ("/tickets?number=", "number"),
        ("/tickets?number=A001&numer=A002", "numer"),
        ("/tickets?number=A001&number=A002", "number"),
        ("/events?at_last=2026-11-23:1", "at_last"),
        ("/state?day=2026-11-23", "day"),
        ("/state?%00=", "'\\x00'"),
        ("?effective=now", "effective"),
    ],
)
async def test_a_bad_query_is_named(main: Caller, query: str, place: str) -> None:
    answer = await main.get(query)
    assert (answer.status, answer.code, answer.places) == (422, "invalid_body", [place])


async def test_the_branches_that_a_token_may_see(main: Caller, desk: Desk, sample: dict[str, object]) -> None:
    await main.at("north").put("", sample | {"id": "north", "name": {"en": "North"}})
    everywhere = await main.send("GET", "/v1/branches")
    assert [branch["id"] for branch in everywhere.body["branches"]] == ["main", "north"]
    here = await desk.as_(Role.KIOSK, ["north"])
    assert (await here.send("GET", "/v1/branches")).body == {"branches": [{"id": "north", "name": {"en": "North"}}]}
    nobody = await desk.as_(Role.METRICS)
    assert (await nobody.send("GET", "/v1/branches")).code == "forbidden"


async def test_head_is_get_without_the_body(main: Caller) -> None:
    answer = await main.send("HEAD", "/v1/branches/main/services")
    assert (answer.status, answer.content) == (200, b"")


async def test_a_list_of_branches_has_no_query(main: Caller) -> None:
    answer = await main.send("GET", "/v1/branches?page=2")
    assert (answer.status, answer.places) == (422, ["page"])
