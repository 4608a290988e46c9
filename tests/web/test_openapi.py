from typing import Any

import msgspec
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from queue_server.web.app import Api
from queue_server.web.openapi import describe
from tests.web.caller import Caller
from tests.web.conftest import Desk

BRANCH = "/v1/branches/{branch}"


async def test_it_is_a_valid_description(desk: Desk) -> None:
    answer = await desk.with_token(None).send("GET", "/openapi.json")
    assert answer.status == 200
    assert answer.body["openapi"].startswith("3.1")
    assert answer.body["info"]["version"] == "1.2.3"
    validate(answer.body)


def described() -> set[tuple[str, str]]:
    paths: dict[str, Any] = describe("1")["paths"]
    return {(method, path) for path, place in paths.items() for method in place if method != "parameters"}


async def test_every_route_is_in_it_and_nothing_else() -> None:
    places = Api(None, None, None, None, secret=b"")._places  # type: ignore[arg-type]
    routes = {(method.lower(), BRANCH + entry.template) for place in places.values() for method, entry in place.items()}
    roots = {("get", path) for path in ("/healthz", "/readyz", "/openapi.json", "/ui.json", "/metrics", "/v1/branches")}
    assert described() == routes | roots


async def test_answers_have_the_described_form(main: Caller, desk: Desk) -> None:
    description = msgspec.json.decode(msgspec.json.encode(describe("1")))
    ticket = await main.issue(then=["cards"])
    await main.post("/announcements", {"note": "The lift is out of order."})
    seen = [
        ("get", "/state", await main.get("/state")),
        ("get", "/services", await main.get("/services")),
        ("get", "/events", await main.get("/events")),
        ("get", "", await main.get("")),
        ("get", "/tickets/{ticket}", await main.get(f"/tickets/{ticket}")),
        ("post", "/tickets", await main.post("/tickets", {"service": "cash"})),
        ("post", "/counters/{counter}/call-next", await main.post("/counters/3/call-next")),
        ("post", "/counters/{counter}/call-next", await main.post("/counters/3/call-next")),
        ("post", "/tickets/{ticket}/start", await main.post(f"/tickets/{ticket}/start")),
        ("post", "/tickets/{ticket}/park", await main.post(f"/tickets/{ticket}/park")),
        ("post", "/tickets/{ticket}/unpark", await main.post(f"/tickets/{ticket}/unpark")),
        ("post", "/tickets/{ticket}/finish", await main.post(f"/tickets/{ticket}/finish")),
        ("post", "/tickets/{ticket}/undo", await main.post(f"/tickets/{ticket}/undo")),
        ("post", "/counters/{counter}/help", await main.post("/counters/3/help", {"reason": "change"})),
        ("post", "/counters/{counter}/help/acknowledge", await main.post("/counters/3/help/acknowledge")),
        ("post", "/tickets", await main.post("/tickets", {"service": 1})),
    ]
    assert [answer.code for _, _, answer in seen if answer.status >= 400] == ["counter_busy", "invalid_body"]
    for method, path, answer in seen:
        responses = description["paths"][BRANCH + path][method]["responses"]
        content = responses.get(str(answer.status), responses["default"])["content"]
        [kind] = content
        assert answer.headers["Content-Type"] == kind
        schema = content[kind]["schema"] | {"components": description["components"]}
        OAS31Validator(schema).validate(answer.body)
