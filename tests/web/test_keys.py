"""A key remembers effects: the same request again has none of its own, and gets the first answer."""

from typing import Any

import msgspec
import pytest
from multidict import CIMultiDict

from queue_server.access.roles import Role
from tests.web.caller import Caller
from tests.web.conftest import Desk


async def test_the_same_key_gives_the_first_receipt_and_status(main: Caller) -> None:
    first = await main.post("/tickets", {"service": "cash"}, Idempotency_Key="k 1")
    again = await main.post("/tickets", {"service": "cash"}, Idempotency_Key="k 1")
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status, again.content) == (201, first.content)
    assert len((await main.get("/state")).body["tickets"]) == 1


async def test_the_order_of_fields_and_the_identity_do_not_count(main: Caller) -> None:
    first = await main.post("/tickets", b'{"service":"cash","tier":"gold","identity":"4111"}', Idempotency_Key="k")
    again = await main.post("/tickets", b'{ "identity": {"card": 1}, "tier": "gold", "service": "cash" }', Idempotency_Key="k")
    assert (again.status, again.content) == (201, first.content)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tickets", {"service": "loans"}),
        ("/tickets", {"service": "cash", "tier": "gold"}),
        ("/counters/3/call-next", {}),
        ("/counters/3/pause", {}),
    ],
)
async def test_another_request_under_the_same_key_is_refused(main: Caller, path: str, body: object) -> None:
    await main.post("/tickets", {"service": "cash"}, Idempotency_Key="k")
    before = (await main.get("/events")).content
    refused = await main.post(path, body, Idempotency_Key="k")
    assert (refused.status, refused.code) == (422, "key_reused")
    assert (await main.get("/events")).content == before


async def test_a_key_whose_first_use_was_refused_or_empty_is_free(main: Caller) -> None:
    refused = await main.post("/tickets", {"service": "gold-plating"}, Idempotency_Key="k")
    assert refused.code == "unknown_service"
    assert (await main.post("/counters/3/call-next", Idempotency_Key="k")).body["ticket"] is None
    issued = await main.post("/tickets", {"service": "cash"}, Idempotency_Key="k")
    assert issued.status == 201
    assert "Idempotent-Replayed" not in issued.headers


async def test_keys_of_two_subjects_do_not_meet(main: Caller, desk: Desk) -> None:
    one, other = [await desk.as_(Role.KIOSK, ["main"]) for _ in range(2)]
    first = await one.post("/tickets", {"service": "cash"}, Idempotency_Key="k")
    second = await other.post("/tickets", {"service": "loans"}, Idempotency_Key="k")
    assert (first.status, second.status) == (201, 201)


@pytest.mark.parametrize("key", ["", "k" * 129, "ké", "a\tb"])
async def test_a_key_that_cannot_be_one_is_refused(main: Caller, key: str) -> None:
    refused = await main.post("/tickets", {"service": "cash"}, Idempotency_Key=key)
    assert (refused.status, refused.places) == (422, ["Idempotency-Key"])


async def test_the_longest_key_is_taken(main: Caller) -> None:
    assert (await main.post("/tickets", {"service": "cash"}, Idempotency_Key="k" * 128)).status == 201


async def test_the_identity_is_stored_nowhere(main: Caller) -> None:
    await main.post("/tickets", {"service": "cash", "identity": {"card": "4111111111111111"}}, Idempotency_Key="k")
    assert b"4111" not in (await main.get("/events")).content
    assert b"4111" not in msgspec.json.encode((await main.get("/state")).body)


async def test_a_configuration_whose_answer_was_lost_is_put_again_with_its_key(main: Caller, sample: dict[str, Any]) -> None:
    later = sample | {"name": {"en": "Renamed"}}
    first = await main.put("", later, If_Match='"1"', Idempotency_Key="k")
    again = await main.put("", later, If_Match='"1"', Idempotency_Key="k")
    assert (first.status, first.headers["ETag"]) == (200, '"2"')
    assert (again.status, again.headers["ETag"], again.content) == (200, '"2"', first.content)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await main.put("", later, If_Match='"1"', Idempotency_Key="another")).code == "version_conflict"
    assert (await main.get("")).headers["ETag"] == '"2"'


async def test_a_key_is_good_for_one_configuration(main: Caller, sample: dict[str, Any]) -> None:
    await main.put("", sample, If_Match='"1"', Idempotency_Key="k")
    for path, body in (("", sample | {"name": {"en": "Other"}}), ("?effective=next_day", sample)):
        refused = await main.put(path, body, If_Match="*", Idempotency_Key="k")
        assert (refused.status, refused.code) == (422, "key_reused")
    assert (await main.put("", sample, If_Match="*", Idempotency_Key="")).places == ["Idempotency-Key"]
    assert (await main.get("")).headers["ETag"] == '"2"'


async def test_two_keys_are_none(main: Caller) -> None:
    keys = CIMultiDict([("Authorization", f"Bearer {main._token}"), ("Idempotency-Key", "k"), ("Idempotency-Key", "l")])
    async with main._session.post(f"{main._url}/v1/branches/main/tickets", data=b'{"service":"cash"}', headers=keys) as answer:
        body = await answer.json()
    assert (answer.status, body["code"]) == (422, "invalid_body")
    assert "more than once" in str(body["errors"])
