"""Bad input: each the right problem, nothing changed, nothing leaked."""

import asyncio
import re
from typing import Any

import pytest
from structlog.testing import capture_logs

from queue_server.access.memory import MemoryTokens
from queue_server.access.roles import Role
from queue_server.access.tokens import TokensUnavailable
from queue_server.core.rejections import Rejected
from queue_server.runtime.errors import Overloaded, Unsettled
from queue_server.runtime.runtime import Runtime
from queue_server.web.problems import STATUS, problem_of
from tests.web.caller import Answer, Caller
from tests.web.conftest import Desk

LEAKS = re.compile(rb"Traceback|\.py|/work|/home|/usr|select |insert |asyncpg|msgspec|aiohttp|Python/|queue_server", re.IGNORECASE)
CASH = {"service": "cash"}
BAD: list[tuple[str, str, Any, int, str]] = [
    # (method, path below the branch, body, status, code)
    ("POST", "/tickets", b'{"service": "cash"', 422, "invalid_body"),
    ("POST", "/tickets", b"cash", 422, "invalid_body"),
    ("POST", "/tickets", b"\xff\xfe", 422, "invalid_body"),
    ("POST", "/tickets", b'{"service": "\xff"}', 422, "invalid_body"),
    ("POST", "/tickets", b'{"service": "cash", "language": "\\ud800"}', 422, "invalid_body"),
    ("POST", "/tickets", b"[" * 20_000, 422, "invalid_body"),
    ("POST", "/tickets", b'{"identity": ' + b'{"a":' * 9_000, 422, "invalid_body"),
    ("POST", "/tickets", b'{"service": "cash", "identity": 1e999}', 422, "invalid_body"),
    ("POST", "/tickets", None, 422, "invalid_body"),
    ("POST", "/tickets", [], 422, "invalid_body"),
    ("POST", "/tickets", {"service": 7}, 422, "invalid_body"),
    ("POST", "/tickets", {"service": None}, 422, "invalid_body"),
    ("POST", "/tickets", {"service": ["cash"]}, 422, "invalid_body"),
    ("POST", "/tickets", {"service": ""}, 422, "invalid_body"),
    ("POST", "/tickets", {"service": "a\x00b"}, 422, "invalid_body"),
    ("POST", "/tickets", CASH | {"servce": "cash"}, 422, "invalid_body"),
    ("POST", "/tickets", CASH | {"then": "cards"}, 422, "invalid_body"),
    ("POST", "/tickets", CASH | {"then": ["cards", 7]}, 422, "invalid_body"),
    ("POST", "/tickets", CASH | {"then": ["cards"] * 5}, 422, "invalid_body"),
    ("POST", "/tickets", CASH | {"then": ["cards", "nope"]}, 422, "unknown_service"),
    ("POST", "/tickets", CASH | {"identity": {"card_class": 7}}, 422, "invalid_body"),
    ("POST", "/tickets", CASH | {"card_class": "black"}, 422, "invalid_body"),
    ("POST", "/tickets", CASH | {"care": "rich"}, 422, "invalid_body"),
    ("POST", "/tickets", CASH | {"language": "english please"}, 422, "invalid_body"),
    ("POST", "/tickets", CASH | {"channel": "c" * 33}, 422, "invalid_body"),
    ("POST", "/tickets", CASH | {"channel": "kiosk\n"}, 422, "invalid_body"),
    ("POST", "/tickets", {"service": "nope"}, 422, "unknown_service"),
    ("POST", "/tickets", CASH | {"tier": "nope"}, 422, "unknown_tier"),
    ("POST", "/tickets", b'{"service": "cash", "identity": "' + b"9" * 1_000_000 + b'"}', 413, "too_large"),
    ("POST", "/tickets", b" " * 65_537, 413, "too_large"),
    ("POST", "/counters/9/open", {}, 404, "unknown_counter"),
    ("POST", "/counters/9/open", b"{", 404, "unknown_counter"),
    ("POST", "/counters/9/open", b" " * 70_000, 404, "unknown_counter"),
    ("POST", "/counters/1/open", {"profile": "nope"}, 422, "unknown_profile"),
    ("POST", "/counters/1/open", {"staff": "a b"}, 422, "invalid_body"),
    ("POST", "/counters/1/open", {"take_over": "yes"}, 422, "invalid_body"),
    ("POST", "/counters/3/open", {}, 409, "wrong_state"),
    ("POST", "/counters/1/call-next", {}, 409, "counter_closed"),
    ("POST", "/counters/3/call-next", {"finish": True}, 422, "invalid_body"),
    ("POST", "/counters/3/call", {"ticket": "nobody"}, 422, "unknown_ticket"),
    ("POST", "/counters/3/call", {}, 422, "invalid_body"),
    ("POST", "/counters/3/pause", {"reason": "r" * 101}, 422, "invalid_body"),
    ("POST", "/counters/3/pause", {"reason": ""}, 422, "invalid_body"),
    ("POST", "/tickets/nobody/start", {}, 404, "unknown_ticket"),
    ("POST", "/tickets/nobody/start", {"counter": 1}, 404, "unknown_ticket"),
    ("POST", "/tickets/{ticket}/start", {}, 409, "wrong_state"),
    ("POST", "/tickets/{ticket}/start", {"counter": "9"}, 422, "unknown_counter"),
    ("POST", "/tickets/{ticket}/requeue", {"position": "middle"}, 422, "invalid_body"),
    ("POST", "/tickets/{ticket}/requeue", {"position": {"behind": 0}}, 422, "invalid_body"),
    ("POST", "/tickets/{ticket}/requeue", {"position": {"before": 1}}, 422, "invalid_body"),
    ("POST", "/tickets/{ticket}/transfer", {}, 422, "invalid_body"),
    ("POST", "/tickets/{ticket}/transfer", {"zone": "moon"}, 422, "invalid_body"),
    ("POST", "/tickets/{ticket}/move", {"service": "cards"}, 422, "invalid_body"),
    ("POST", "/tickets/{ticket}/move", {"reason": "because"}, 422, "invalid_body"),
    ("POST", "/tickets/nobody/park", {}, 404, "unknown_ticket"),
    ("POST", "/tickets/{ticket}/park", {}, 409, "wrong_state"),
    ("POST", "/tickets/{ticket}/park", {"kind": "branch"}, 422, "invalid_body"),
    ("POST", "/tickets/{ticket}/park", {"kind": None}, 422, "invalid_body"),
    ("POST", "/tickets/{ticket}/park", {"counter": "9"}, 422, "unknown_counter"),
    ("POST", "/tickets/{ticket}/park", {"reason": "r" * 101}, 422, "invalid_body"),
    ("POST", "/tickets/{ticket}/unpark", {}, 409, "wrong_state"),
    ("POST", "/tickets/{ticket}/unpark", {"counter": "9"}, 422, "unknown_counter"),
    ("POST", "/tickets/{ticket}/unpark", {"kind": "counter"}, 422, "invalid_body"),
    ("POST", "/tickets/nobody/unpark", {"counter": 9}, 404, "unknown_ticket"),
    ("POST", "/tickets/nobody/undo", {}, 404, "unknown_ticket"),
    ("POST", "/tickets/{ticket}/undo", {"counter": "9"}, 422, "unknown_counter"),
    ("POST", "/tickets/{ticket}/undo", {"step": "issue"}, 422, "invalid_body"),
    ("POST", "/counters/9/help", {}, 404, "unknown_counter"),
    ("POST", "/counters/9/help/acknowledge", b"{", 404, "unknown_counter"),
    ("POST", "/counters/1/help", {}, 409, "counter_closed"),
    ("POST", "/counters/3/help", {"reason": 7}, 422, "invalid_body"),
    ("POST", "/counters/3/help/acknowledge", {}, 409, "wrong_state"),
    ("POST", "/counters/3/help/acknowledge", {"reason": "seen"}, 422, "invalid_body"),
    ("GET", "/counters/3/help/acknowledge", None, 405, "method_not_allowed"),
    ("POST", "/counters/3/help/ignore", {}, 404, "not_found"),
    ("POST", "/day/close", {}, 422, "invalid_body"),
    ("PUT", "", b"{", 422, "invalid_body"),
    ("PUT", "?effective=now", b" " * 1_048_577, 413, "too_large"),
    ("POST", "/tickets?servce=cash", CASH, 422, "invalid_body"),
    ("POST", "/counters/9/open?x", {}, 404, "unknown_counter"),
    ("POST", "/counters/3/close?force=1", b" " * 70_000, 413, "too_large"),
    ("DELETE", "", None, 405, "method_not_allowed"),
    ("GET", "/counters/3/open", None, 405, "method_not_allowed"),
    ("GET", "/counters/9/open", None, 404, "unknown_counter"),
    ("PATCH", "/tickets", None, 405, "method_not_allowed"),
    ("OPTIONS", "/tickets", None, 405, "method_not_allowed"),
    ("GET", "/nothing", None, 404, "not_found"),
    ("GET", "/tickets/", None, 404, "not_found"),
    ("POST", "/tickets/{ticket}/undo", {}, 409, "undo_refused"),
    ("GET", "/tickets/%00", None, 404, "unknown_ticket"),
    ("GET", "/tickets/..%2f..%2fetc%2fpasswd", None, 404, "unknown_ticket"),
]


def is_problem(answer: Answer, status: int, code: str) -> None:
    """Check the form of a problem, and that nothing of the inside shows."""
    assert (answer.status, answer.code, answer.body["status"]) == (status, code, status), answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "code"} <= set(answer.body)
    assert len(answer.body["detail"]) > 10
    assert (code == "invalid_body") == ("errors" in answer.body)
    said = answer.content + str(answer.headers).encode()
    assert not LEAKS.search(said), said


async def everything(caller: Caller) -> list[Any]:
    """Return all that a command could have changed."""
    events, branch = await caller.get("/events?limit=1000"), await caller.get("")
    return [events.body, branch.body, branch.headers["ETag"]]


@pytest.mark.parametrize("case", BAD)
async def test_bad_input_changes_nothing(main: Caller, case: tuple[str, str, Any, int, str]) -> None:
    method, path, body, status, code = case
    ticket = await main.issue()
    before = await everything(main)
    below = f"/v1/branches/main{path.replace('{ticket}', ticket)}"
    content = body if isinstance(body, bytes | None) else _json(body)
    answer = await main.send(method, below, content, Idempotency_Key="k")
    is_problem(answer, status, code)
    assert await everything(main) == before


def _json(body: Any) -> bytes:
    import json

    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("body", "places"),
    [
        (b"{", [""]),
        ({"service": 7, "tier": 8, "colour": "red"}, ["colour", "service", "tier"]),
        ({"care": "rich"}, ["service", "care"]),
        ({"service": "cash", "language": "!"}, ["language"]),
    ],
)
async def test_every_fault_of_a_body_has_its_place(main: Caller, body: Any, places: list[str]) -> None:
    assert (await main.post("/tickets", body)).places == places


@pytest.mark.parametrize("care", ["rich", 7, []])
async def test_what_care_may_be_is_told(main: Caller, care: Any) -> None:
    (fault,) = (await main.post("/tickets", CASH | {"care": care})).body["errors"]
    assert fault["detail"].endswith("; right would be elderly or disabled or pregnant or with_infant or service_member")


async def test_a_wrong_token_is_told_before_anything_else(main: Caller, desk: Desk) -> None:
    before = await everything(main)
    for caller in (desk.with_token(None), desk.with_token("wrong"), desk.with_token("x" * 500)):
        for path in ("/v1/branches/main/tickets", "/v1/branches/none/tickets", "/v1/nothing", "/v1", "/v1/branches"):
            answer = await caller.send("POST", path, b" " * 100_000)
            is_problem(answer, 401, "unauthenticated")
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    for stated in ("Bearer", "Basic abc", "Bearer  ", ""):
        is_problem(await desk.with_token(None).send("GET", "/v1/branches", None, Authorization=stated), 401, "unauthenticated")
    assert await everything(main) == before


async def test_another_branch_is_forbidden_whether_it_exists_or_not(main: Caller, desk: Desk, sample: dict[str, Any]) -> None:
    await main.at("north").put("", sample | {"id": "north"})
    stranger = await desk.as_(Role.STAFF, ["north"])
    before = await everything(main)
    for branch in ("main", "nowhere"):
        for path in ("/tickets", "/nothing", "/counters/9/open"):
            is_problem(await stranger.at(branch).post(path, b"{"), 403, "forbidden")
    assert await everything(main) == before
    is_problem(await main.at("nowhere").post("/tickets", b"{"), 404, "unknown_branch")
    is_problem(await main.at("nowhere").post("/tickets", CASH), 404, "unknown_branch")
    is_problem(await main.at("nowhere").send("PATCH", "/v1/branches/nowhere/tickets"), 404, "unknown_branch")
    is_problem(await main.at("%00").get("/state"), 404, "unknown_branch")


@pytest.mark.parametrize(
    ("role", "method", "path"),
    [
        (Role.KIOSK, "GET", "/state"),
        (Role.KIOSK, "POST", "/counters/3/call-next"),
        (Role.KIOSK, "POST", "/tickets/t/undo"),
        (Role.DISPLAY, "POST", "/counters/3/help/acknowledge"),
        (Role.TICKET, "POST", "/tickets/t/park"),
        (Role.DISPLAY, "POST", "/tickets"),
        (Role.DISPLAY, "GET", "/services"),
        (Role.METRICS, "GET", "/services"),
        (Role.STAFF, "POST", "/day/close"),
        (Role.STAFF, "PUT", ""),
        (Role.KIOSK, "GET", ""),
    ],
)
async def test_a_role_may_not_do_everything(main: Caller, desk: Desk, role: Role, method: str, path: str) -> None:
    caller = await desk.as_(role)
    is_problem(await caller.send(method, f"/v1/branches/main{path}", b"{"), 403, "forbidden")


async def test_a_busy_counter_names_its_ticket(main: Caller) -> None:
    ticket = await main.issue()
    await main.post("/counters/3/call-next")
    before = await everything(main)
    for path in ("/counters/3/call-next", "/counters/3/pause", "/counters/3/close"):
        answer = await main.post(path, {})
        is_problem(answer, 409, "counter_busy")
        assert answer.body["ticket"] == ticket
    wrong = await main.post(f"/tickets/{ticket}/finish")
    is_problem(wrong, 409, "wrong_state")
    assert wrong.body["state"] == "called"
    assert "start" in wrong.body["allowed"]
    assert await everything(main) == before


async def test_a_body_without_a_length_is_bounded_too(main: Caller) -> None:
    async def chunks() -> Any:
        for _ in range(40):
            yield b" " * 50_000
            await asyncio.sleep(0)

    sent: Any = chunks()
    is_problem(await main.send("POST", "/v1/branches/main/tickets", sent), 413, "too_large")


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Overloaded(), "log_unavailable"), (Unsettled(), "log_unavailable"), (TokensUnavailable(), "log_unavailable")],
)
async def test_what_passes_says_when_to_come_again(
    main: Caller, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str
) -> None:
    async def fail(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(runtime, "execute", fail)
    answer = await main.post("/tickets", CASH)
    is_problem(answer, 503, code)
    assert answer.headers["Retry-After"] == "1"


async def test_a_read_that_fails_says_nothing_of_an_effect(main: Caller, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise Unsettled

    monkeypatch.setattr(runtime, "read", fail)
    for path in ("/state", "/services", ""):
        answer = await main.get(path)
        is_problem(answer, 503, "log_unavailable")
        assert "cannot be read" in answer.body["detail"]
        assert "key" not in answer.body["detail"]
    assert answer.headers["Retry-After"] == "1"


async def test_while_tokens_cannot_be_checked_nothing_was_done(
    main: Caller, desk: Desk, store: MemoryTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_hash: bytes) -> None:
        raise TokensUnavailable

    monkeypatch.setattr(store, "find", away)
    before = await everything(main)
    answer = await desk.with_token("qs_new").send("POST", "/v1/branches/main/tickets", b'{"service": "cash"}')
    is_problem(answer, 503, "log_unavailable")
    assert "nothing was done" in answer.body["detail"]
    assert await everything(main) == before


async def test_what_nobody_foresaw_is_recorded_and_not_shown(
    main: Caller, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("select secret from /srv/table.py")

    monkeypatch.setattr(runtime, "execute", fail)
    with capture_logs() as logs:
        answer = await main.post("/tickets/0123456789abcdef/start", {"reason": "4111111111111111"})
    is_problem(answer, 500, "internal_error")
    assert [entry["event"] for entry in logs] == ["request failed"]
    assert logs[0]["route"] == "/v1/branches/.../tickets/.../start"
    told = str({name: value for name, value in logs[0].items() if name != "exc_info"})
    assert "0123456789abcdef" not in told
    assert "4111" not in told


async def test_guessing_tokens_is_slowed_down(main: Caller, desk: Desk) -> None:
    for n in range(150):
        answer = await desk.with_token(f"guess-{n}").send("GET", "/v1/branches")
        if answer.status == 429:
            break
    is_problem(answer, 429, "too_many_requests")
    assert int(answer.headers["Retry-After"]) >= 1
    assert (await main.get("/services")).status == 200
    # Behind a proxy all come from one address: a good token that the node has not seen yet must not pay for the guesses.
    assert (await (await desk.as_(Role.KIOSK)).get("/services")).status == 200


def test_every_refusal_of_the_core_has_its_status() -> None:
    kinds = Rejected.__subclasses__()
    assert len(kinds) > 10
    for kind in kinds:
        assert kind.code in STATUS
        problem = problem_of(kind(), "POST", "/", None)
        assert problem.code == kind.code
