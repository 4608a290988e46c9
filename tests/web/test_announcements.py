"""Announcements: prepared or in free words, made once, readable by whoever sees the board, and deleted for good."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from queue_server import __version__
from queue_server.access.roles import Role
from queue_server.core.configuration import Template
from queue_server.eventlog.memory import MemoryLog
from queue_server.metrics.collector import Metrics
from queue_server.notes.memory import MemoryNotes
from queue_server.notes.port import NotesUnavailable
from queue_server.runtime.errors import Unsettled
from queue_server.runtime.runtime import Runtime
from tests.web.caller import Answer, Caller
from tests.web.conftest import Desk

CANARY = "canary-5b1f"
NOTE = f"Mr {CANARY}, please come to the desk"


class Away(MemoryNotes):
    """Can be away."""

    is_away = False

    def _look(self) -> None:
        if self.is_away:
            raise NotesUnavailable("OSError")

    async def keep(self, *told: Any) -> None:
        self._look()
        await super().keep(*told)

    async def find(self, *told: Any) -> str | None:
        self._look()
        return await super().find(*told)

    async def remove(self, *told: Any) -> bool:
        self._look()
        return await super().remove(*told)


@pytest.fixture
def notes() -> Away:
    return Away()


@pytest.fixture
async def hall(main: Caller, runtime: Runtime) -> Caller:
    """A manager's branch with one announcement prepared."""
    version, rules = await runtime.configuration("main")
    prepared = replace(rules, announcements=(Template("closing", {"en": "We close in ten minutes"}),))
    await runtime.put_configuration("main", prepared, expected=version, next_day=False, actor="test", command_id="prepare")
    return main


async def made(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    assert set(answer.body) == {"day", "seq", "announcement"}
    return str(answer.body["announcement"])


async def facts(hall: Caller) -> list[dict[str, Any]]:
    events = (await hall.get("/events?limit=1000")).body["events"]
    return [event["body"] for event in events if event["name"] == "AnnouncementMade"]


async def test_a_note_is_read_by_a_display_until_it_is_deleted(hall: Caller, desk: Desk) -> None:
    display = await desk.as_(Role.DISPLAY, ["main"])
    announced = await hall.post("/announcements", {"note": f"  {NOTE}\t"})
    identity = await made(announced)
    read = await display.get(f"/announcements/{identity}?at_least={announced.body['day']}:{announced.body['seq']}")
    assert read.status == 200
    assert read.body == {
        "day": announced.body["day"],
        "seq": announced.body["seq"],
        "announcement": {"id": identity, "text": NOTE},
    }
    deleted = await hall.send("DELETE", f"/v1/branches/main/announcements/{identity}")
    assert (deleted.status, set(deleted.body)) == (200, {"day", "seq"})
    for answer in (
        await display.get(f"/announcements/{identity}"),
        await hall.send("DELETE", f"/v1/branches/main/announcements/{identity}"),
    ):
        assert (answer.status, answer.code) == (404, "not_found")
    assert [fact["announcement"] for fact in await facts(hall)] == [identity]


async def test_a_prepared_one_has_no_text_of_its_own(hall: Caller, notes: Away) -> None:
    identity = await made(await hall.post("/announcements", {"template": "closing"}))
    [fact] = await facts(hall)
    assert (fact["announcement"], fact["template"]) == (identity, "closing")
    assert not notes._notes
    assert (await hall.get(f"/announcements/{identity}")).code == "not_found"
    assert (await hall.post("/announcements", {"template": "opening"})).code == "invalid_body"


async def test_who_may(hall: Caller, desk: Desk) -> None:
    manager = await desk.as_(Role.MANAGER, ["main"])
    identity = await made(await manager.post("/announcements", {"note": NOTE}))
    place = f"/v1/branches/main/announcements/{identity}"
    for role in (Role.KIOSK, Role.DISPLAY, Role.STAFF, Role.TICKET, Role.METRICS):
        other = await desk.as_(role, ["main"])
        assert (await other.post("/announcements", {"note": NOTE})).code == "forbidden"
        assert (await other.send("DELETE", place)).code == "forbidden"
        status = 403 if role in (Role.TICKET, Role.METRICS) else 200
        assert (await other.get(f"/announcements/{identity}")).status == status
    assert (await manager.send("DELETE", place)).status == 200


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["template", "note"]),
        ({"template": None, "note": None}, ["template", "note"]),
        ({"template": "closing", "note": NOTE}, ["template", "note"]),
        ({"note": ""}, ["note"]),
        ({"note": " \t\n "}, ["note"]),
        ({"note": "x" * 501}, ["note"]),
        ({"note": f"{CANARY}\nline"}, ["note"]),
        ({"note": f"{CANARY}\x00"}, ["note"]),
        ({"note": f"{CANARY}\u202e"}, ["note"]),
        ({"note": 5}, ["note"]),
        ({"note": NOTE, "zone": "attic"}, ["zone"]),
        ({"note": NOTE, "text": CANARY}, ["text"]),
    ],
)
async def test_what_cannot_be_announced_is_refused_with_its_place(
    hall: Caller, notes: Away, body: dict[str, Any], places: list[str]
) -> None:
    refused = await hall.post("/announcements", body)
    assert (refused.status, refused.code, refused.places) == (422, "invalid_body", places)
    assert CANARY not in str(refused.body)
    assert not notes._notes
    assert not await facts(hall)


@pytest.mark.parametrize("note", ["x", "x" * 500, f"  {'é' * 500}\n"])
async def test_the_shortest_and_the_longest_are_taken(hall: Caller, note: str) -> None:
    identity = await made(await hall.post("/announcements", {"note": note}))
    assert (await hall.get(f"/announcements/{identity}")).body["announcement"]["text"] == note.strip()


async def test_a_repeated_key_gives_the_first_and_keeps_nothing_twice(hall: Caller, notes: Away) -> None:
    answers = [await hall.post("/announcements", {"note": NOTE}, Idempotency_Key="k")]
    answers += await asyncio.gather(*(hall.post("/announcements", {"note": NOTE}, Idempotency_Key="k") for _ in range(3)))
    assert [answer.content for answer in answers] == [answers[0].content] * 4
    assert ["Idempotent-Replayed" in answer.headers for answer in answers] == [False, True, True, True]
    assert list(notes._notes) == [("main", await made(answers[0]))]
    assert len(await facts(hall)) == 1


async def test_a_repeated_key_does_not_bring_back_what_was_deleted(hall: Caller, notes: Away) -> None:
    identity = await made(await hall.post("/announcements", {"note": NOTE}, Idempotency_Key="k"))
    await hall.send("DELETE", f"/v1/branches/main/announcements/{identity}")
    assert await made(await hall.post("/announcements", {"note": NOTE}, Idempotency_Key="k")) == identity
    assert not notes._notes


async def test_another_note_under_the_same_key_is_refused_and_not_kept(hall: Caller, notes: Away) -> None:
    identity = await made(await hall.post("/announcements", {"note": NOTE}, Idempotency_Key="k"))
    assert (await hall.post("/announcements", {"note": "Another"}, Idempotency_Key="k")).code == "key_reused"
    assert [text for _, text in notes._notes.values()] == [NOTE]
    assert (await hall.get(f"/announcements/{identity}")).body["announcement"]["text"] == NOTE


async def test_a_refused_one_leaves_no_text(hall: Caller, notes: Away) -> None:
    assert (await hall.post("/day/close", {"reason": "fire alarm"})).status == 200
    assert (await hall.post("/announcements", {"note": NOTE})).code == "service_closed"
    assert (await hall.at("nowhere").post("/announcements", {"note": NOTE})).code == "unknown_branch"
    assert not notes._notes


async def test_while_the_outcome_is_unknown_the_text_stays(
    hall: Caller, runtime: Runtime, notes: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        async def unsettled(*_told: Any) -> None:
            raise Unsettled

        patched.setattr(runtime, "execute", unsettled)
        assert (await hall.post("/announcements", {"note": NOTE}, Idempotency_Key="k")).code == "log_unavailable"
    assert [text for _, text in notes._notes.values()] == [NOTE]


async def test_without_the_store_nothing_is_announced_but_prepared_ones_are(hall: Caller, notes: Away) -> None:
    identity = await made(await hall.post("/announcements", {"note": NOTE}))
    notes.is_away = True
    place = f"/announcements/{identity}"
    answers = [
        await hall.post("/announcements", {"note": NOTE}),
        await hall.get(place),
        await hall.send("DELETE", f"/v1/branches/main{place}"),
    ]
    assert [(answer.status, answer.code) for answer in answers] == [(503, "log_unavailable")] * 3
    assert len(await facts(hall)) == 1
    await made(await hall.post("/announcements", {"template": "closing"}))


async def test_a_text_that_cannot_be_removed_does_not_hide_why_it_was_refused(
    hall: Caller, notes: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_told: Any) -> bool:
        raise NotesUnavailable("OSError")

    monkeypatch.setattr(notes, "remove", away)
    with capture_logs() as logged:
        assert (await hall.post("/announcements", {"note": NOTE, "zone": "attic"})).places == ["zone"]
    assert [line["log_level"] for line in logged] == ["warning"]
    assert CANARY not in repr(logged)


async def test_the_text_is_in_no_fact_no_state_no_metric_and_no_log(
    hall: Caller, runtime: Runtime, log: MemoryLog, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics(__version__, (60.0, 600.0))
    runtime.observers.append(metrics)
    caplog.set_level(0)
    with capture_logs() as logged:
        identity = await made(await hall.post("/announcements", {"note": NOTE}, Idempotency_Key="k"))
        await hall.post("/announcements", {"note": NOTE}, Idempotency_Key="k")
        await hall.post("/announcements", {"note": f"{NOTE}!"}, Idempotency_Key="k")
        await hall.post("/announcements", {"note": NOTE, "zone": "attic"})
        assert CANARY in (await hall.get(f"/announcements/{identity}")).content.decode()
        seen = [(await hall.get(path)).content.decode() for path in ("/events?limit=1000", "/state", "/services", "")]
    rows = [row for kept in log._rows.values() for row in kept]
    [fact] = [row for row in rows if row.name == "AnnouncementMade"]
    assert fact.request is not None
    assert len(fact.request) == 16
    for told in (*seen, repr(rows), (await metrics.render()).decode(), repr(logged), caplog.text, *capfd.readouterr()):
        assert CANARY not in told
