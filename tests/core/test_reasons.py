"""Why a step was taken is a configured code, where the branch has listed some: free words stay out of the facts."""

from typing import Any

import pytest

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Code
from queue_server.core.rejections import InvalidCommand, UnknownCounter, UnknownTicket, WrongState
from tests.scenario import Scenario, given, rules

PAPERS = (Code("papers", {"en": "Papers missing"}), Code("asked", {"en": "As asked"}))
STEPS: list[tuple[str, type[c.Command], dict[str, Any]]] = [
    ("serving", c.ParkTicket, {"ticket": "a"}),
    ("serving", c.RequeueTicket, {"ticket": "a"}),
    ("serving", c.TransferTicket, {"ticket": "a", "service": "loans"}),
    ("called", c.RecordNoShow, {"ticket": "a"}),
    ("called", c.CancelTicket, {"ticket": "a"}),
    ("missed", c.ReinstateTicket, {"ticket": "a"}),
    ("waiting", c.MoveTicket, {"ticket": "a", "tier": "gold"}),
    ("waiting", c.CallTicket, {"ticket": "a", "counter": "1"}),
    ("waiting", c.CallForHelp, {"counter": "1"}),
    ("waiting", c.CloseCounter, {"counter": "1"}),
    ("waiting", c.CloseDay, {}),
]


def _hall(state: str, **changes: Any) -> Scenario:
    hall = given(rules(**changes)).open("1").issue("a")
    if state == "waiting":
        return hall
    hall.when(c.CallNext, counter="1")
    return hall.when(c.StartServing if state == "serving" else c.RecordNoShow, ticket="a") if state != "called" else hall


@pytest.mark.parametrize(("state", "command", "fields"), STEPS)
def test_a_reason_is_one_of_those_configured(state: str, command: type[c.Command], fields: dict[str, Any]) -> None:
    hall = _hall(state, reasons=PAPERS)
    refusal = hall.refused(InvalidCommand, command, **fields, reason="Mr Smith 4711")
    assert "papers, asked" in str(refusal)
    assert "Smith" not in str(refusal) + str(refusal.facts)
    hall.when(command, **fields, reason="papers")
    assert hall.events
    _hall(state).when(command, **fields, reason="anything, as long as nothing is configured")


def test_without_a_reason_nothing_is_checked() -> None:
    _hall("serving", reasons=PAPERS).when(c.ParkTicket, ticket="a").then(e.TicketParked)


def test_what_is_unknown_is_told_before_and_what_is_not_possible_after() -> None:
    hall = _hall("waiting", reasons=PAPERS)
    hall.refused(UnknownTicket, c.CancelTicket, ticket="x", reason="why not")
    hall.refused(UnknownCounter, c.CloseCounter, counter="9", reason="why not")
    hall.refused(InvalidCommand, c.ParkTicket, ticket="a", reason="why not")
    hall.refused(WrongState, c.ParkTicket, ticket="a", reason="papers")


def test_why_a_counter_pauses_is_a_list_of_its_own() -> None:
    hall = _hall("waiting", reasons=PAPERS)
    hall.when(c.PauseCounter, counter="1", reason="lunch").then(e.CounterPaused)
    listed = _hall("waiting", reasons=PAPERS, pause_reasons=(Code("lunch", {"en": "Lunch"}),))
    listed.refused(InvalidCommand, c.PauseCounter, counter="1", reason="papers")
