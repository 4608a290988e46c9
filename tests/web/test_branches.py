from typing import Any

from queue_server.access.roles import Role
from tests.web.caller import Caller
from tests.web.conftest import Desk


async def test_a_branch_is_created_and_comes_back_the_same(admin: Caller, sample: dict[str, Any]) -> None:
    created = await admin.put("", sample)
    assert (created.status, created.headers["ETag"]) == (201, '"1"')
    shown = await admin.get("")
    assert (shown.status, shown.headers["ETag"], shown.content) == (200, '"1"', created.content)
    for name, sent in sample.items():
        if name not in {"services", "counters", "tiers", "profiles"}:
            assert shown.body[name] == sent
    again = await admin.put("", shown.content, If_Match=shown.headers["ETag"])
    assert (again.status, again.headers["ETag"], again.content) == (200, '"2"', shown.content)
    assert (await admin.post("/tickets", {"service": "cash"})).status == 201


async def test_replacing_needs_the_present_etag(main: Caller, sample: dict[str, Any]) -> None:
    blind = await main.put("", sample)
    assert (blind.status, blind.code, blind.body["version"]) == (412, "version_conflict", 1)
    for outdated in ('"0"', '"7"', "1", 'W/"1"', ""):
        assert (await main.put("", sample, If_Match=outdated)).code == "version_conflict"
    assert (await main.put("", sample, If_Match='"9", "1"')).status == 200
    assert (await main.put("", sample, If_Match="*")).headers["ETag"] == '"3"'
    nowhere = await main.at("north").put("", sample | {"id": "north"}, If_Match="*")
    assert (nowhere.status, nowhere.code) == (412, "version_conflict")


async def test_next_day_is_shown_but_not_in_force(main: Caller, sample: dict[str, Any]) -> None:
    later = sample | {"name": {"en": "Tomorrow"}}
    put = await main.put("?effective=next_day", later, If_Match='"1"')
    assert (put.status, put.headers["ETag"]) == (200, '"2"')
    assert (await main.get("")).body["name"] == {"en": "Tomorrow"}
    assert (await main.get("/state")).body["branch"]["name"] == sample["name"]
    odd = await main.put("?effective=soon", sample, If_Match='"2"')
    assert (odd.status, odd.places) == (422, ["effective"])
    misspelt = await main.put("?efective=next_day", sample, If_Match='"2"')
    assert (misspelt.status, misspelt.places) == (422, ["efective"])
    twice = await main.put("?effective=now&effective=next_day", sample, If_Match='"2"')
    assert (twice.status, twice.places) == (422, ["effective"])
    assert (await main.get("")).headers["ETag"] == '"2"'


async def test_what_would_strand_somebody_is_refused_by_name(main: Caller, sample: dict[str, Any]) -> None:
    await main.issue("cards")
    without = sample | {"services": sample["services"][:3], "profiles": [], "counters": sample["counters"][2:4]}
    refused = await main.put("", without, If_Match='"1"')
    assert (refused.status, refused.code, refused.body["stranded"]) == (409, "would_strand", ["ticket C001"])
    assert (await main.get("")).headers["ETag"] == '"1"'


async def test_who_may_create_and_replace(admin: Caller, desk: Desk, sample: dict[str, Any]) -> None:
    manager, staff = await desk.as_(Role.MANAGER, ["main"]), await desk.as_(Role.STAFF, ["main"])
    assert (await manager.put("", sample)).code == "forbidden"
    assert (await staff.put("", b"{")).code == "forbidden"
    assert (await admin.put("", sample)).status == 201
    assert (await staff.put("", sample, If_Match='"1"')).code == "forbidden"
    assert (await staff.get("")).status == 200
    assert (await manager.put("", sample, If_Match='"1"')).status == 200
    assert (await manager.at("north").put("", sample | {"id": "north"})).code == "forbidden"


async def test_every_fault_of_a_configuration_is_told(admin: Caller, sample: dict[str, Any]) -> None:
    wrong = sample | {"id": "other", "care_share": 2, "policy": {"name": "luck"}, "tears": []}
    refused = await admin.put("", wrong)
    assert (refused.status, refused.code) == (422, "invalid_body")
    assert set(refused.places) == {"id", "care_share", "policy.name", "tears"}
    assert (await admin.get("")).code == "unknown_branch"


async def test_a_configuration_may_be_large_but_not_larger(admin: Caller, sample: dict[str, Any]) -> None:
    many = [{"id": str(n), "number": str(n), "zone": "z" * 60, "profile": None} for n in range(500)]
    large = sample | {"counters": many, "name": {"en": "Large"}}
    assert (await admin.put("", large)).status == 201
    refused = await admin.at("other").put("", b" " * 1_048_577)
    assert (refused.status, refused.code) == (413, "too_large")


async def test_reasons_are_codes_where_the_branch_lists_them(main: Caller, sample: dict[str, Any]) -> None:
    ticket = await main.issue()
    name = dict.fromkeys(sample["languages"], "Left")
    assert (await main.put("", sample | {"reasons": [{"id": "left", "name": name}]}, If_Match='"1"')).status == 200
    refused = await main.post(f"/tickets/{ticket}/cancel", {"reason": "Mr Smith went home"})
    assert (refused.status, refused.code, refused.places) == (422, "invalid_body", ["reason"])
    assert "left" in str(refused.body)
    assert "Smith" not in str(refused.body)
    assert (await main.post("/tickets/nobody/cancel", {"reason": "went home"})).code == "unknown_ticket"
    assert (await main.post(f"/tickets/{ticket}/cancel", {"reason": "left"})).status == 200
