"""Stored facts stay readable: a golden file for every version of every fact."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from queue_server.core.events import FACTS, Event, TicketRecalled
from queue_server.eventlog import codec
from queue_server.eventlog.port import Row

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "events").glob("*.json"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_fact_reads_and_is_written_as_it_was(path: Path) -> None:
    name, version = path.stem.split(".")
    stored = path.read_bytes()
    fact = codec.decode(name, int(version), stored)
    assert type(fact).__name__ == name
    if int(version) == codec.VERSIONS.get(name, 1):
        assert json.loads(msgspec.json.encode(fact)) == json.loads(stored)


def test_every_version_of_every_fact_has_a_golden_file() -> None:
    wanted = {f"{fact.__name__}.{version}" for fact in FACTS for version in range(1, codec.VERSIONS.get(fact.__name__, 1) + 1)}
    assert {path.stem for path in GOLDEN} == wanted


def test_a_golden_file_holds_every_field() -> None:
    # A field that no golden file shows could change its meaning unnoticed.
    for fact in FACTS:
        shown = json.loads((GOLDEN[0].parent / f"{fact.__name__}.{codec.VERSIONS.get(fact.__name__, 1)}.json").read_text())
        assert set(shown) == set(fact.__struct_fields__), fact.__name__


def test_a_row_goes_there_and_back() -> None:
    event = Event("2026-01-01", 7, 1_000, "s:k", "staff:ann", TicketRecalled(ticket="t", counter="1"))
    row = codec.to_row("b", event, b"hash")
    assert codec.to_event(row) == event
    assert (row.name, row.version, row.request, row.body) == ("TicketRecalled", 1, b"hash", b'{"ticket":"t","counter":"1"}')


@pytest.mark.parametrize(("name", "version"), [("TicketDreamt", 1), ("TicketIssued", 99)])
def test_what_a_newer_program_wrote_is_refused_by_name(name: str, version: int) -> None:
    with pytest.raises(codec.UnreadableFact, match=f"{name} version {version}"):
        codec.to_event(Row("b", "2026-01-01", 1, 0, name, version, "c", "a", None, b"{}"))


def test_an_older_version_is_brought_up_to_the_present(monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(body: dict[str, Any]) -> dict[str, Any]:
        return {"ticket": body["number"], "counter": body["window"]}

    monkeypatch.setitem(codec.VERSIONS, "TicketRecalled", 3)
    monkeypatch.setitem(codec.UPCASTERS, ("TicketRecalled", 1), renamed)
    monkeypatch.setitem(codec.UPCASTERS, ("TicketRecalled", 2), lambda body: body | {"counter": body["counter"].upper()})
    assert codec.decode("TicketRecalled", 1, b'{"number":"t","window":"a"}') == TicketRecalled(ticket="t", counter="A")
