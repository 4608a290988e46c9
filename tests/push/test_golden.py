"""The golden files that the screens' reducer is tested with have the forms that the server sends."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from queue_server.wire.events import BoardEvent, StaffEvent, WaitingForm
from queue_server.wire.forms import BoardCallForm, BoardCounterForm, CallForm, CounterForm, NoticeForm, TicketForm
from queue_server.wire.states import BoardState, BranchForm, ServiceForm, StaffState
from tests.push.stories import STORIES, Story

Json = dict[str, Any]
GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "feed").glob("*.json"))
SHOWN = {
    "board": (BoardState, {"counters": BoardCounterForm, "calls": BoardCallForm, "notices": NoticeForm, "services": ServiceForm}),
    "staff": (
        StaffState,
        {"tickets": TicketForm, "counters": CounterForm, "calls": CallForm, "notices": NoticeForm, "services": ServiceForm},
    ),
}
TOLD = {
    "board": (BoardEvent, {"counter": BoardCounterForm, "call": BoardCallForm, "notice": NoticeForm}),
    "staff": (StaffEvent, {"ticket": TicketForm, "counter": CounterForm, "call": CallForm, "notice": NoticeForm}),
}
ALWAYS = {"board": {"seq", "at", "name"}, "staff": {"seq", "at", "name", "actor"}}


def fields(form: Any) -> set[str]:
    return set(form.__struct_fields__)


def check_form(entry: Json, form: Any) -> None:
    assert entry.keys() == fields(form)
    msgspec.convert(entry, form)


def check_state(view: str, state: Json) -> None:
    whole, parts = SHOWN[view]
    assert state.keys() == fields(whole)
    assert state["branch"].keys() == fields(BranchForm)
    for name, form in parts.items():
        for entry in state[name]:
            check_form(entry, form)


def check_event(view: str, event: Json) -> None:
    whole, parts = TOLD[view]
    assert ALWAYS[view] <= event.keys() <= fields(whole)
    for name, form in parts.items():
        if name in event:
            check_form(event[name], form)
    for count in event.get("services", []):
        assert count.keys() == fields(WaitingForm)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_conversation_is_one_that_the_server_could_have_had(path: Path) -> None:
    golden = msgspec.json.decode(path.read_bytes())
    view, held = golden["view"], golden["snapshot"]["seq"]
    check_state(view, golden["snapshot"]["state"])
    check_state(view, golden["final"]["state"])
    for delta in golden["deltas"]:
        assert delta.keys() == {"type", "day", "prev", "seq", "events"}
        assert delta["prev"] == held
        held = delta["seq"]
        for event in delta["events"]:
            check_event(view, event)
    assert held == golden["final"]["seq"]


def test_there_are_golden_files_of_both_views() -> None:
    assert {msgspec.json.decode(path.read_bytes())["view"] for path in GOLDEN} == {"board", "staff"}


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_is_told_as_it_is_kept(story: Story) -> None:
    assert story.tell() == msgspec.json.decode(story.path.read_bytes())
