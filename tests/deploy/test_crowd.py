"""The judge of the crowd finds what it is there to find."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.deploy.crowd import Told, judge

Json = dict[str, Any]

EVENTS = [
    {"seq": 1, "name": "DayOpened", "body": {}},
    {"seq": 2, "name": "TicketIssued", "body": {"ticket": "t1", "number": "A001"}},
    {"seq": 3, "name": "TicketCalled", "body": {"ticket": "t1"}},
]
TOLD = [
    Told("main", "/tickets", 201, {"ticket": {"ticket_id": "t1"}}),
    Told("main", "/counters/1/call-next", 200, {"ticket": {"ticket_id": "t1"}}),
    Told("main", "/counters/2/call-next", 200, {"ticket": None}),
]


def fact(seq: int, name: str, **body: str) -> Json:
    return {"seq": seq, "name": name, "body": body}


def test_a_clean_day_has_no_breach() -> None:
    assert judge(EVENTS, TOLD) == []


@pytest.mark.parametrize(
    ("spoil", "breach"),
    [
        (lambda: (EVENTS[:2], TOLD), "TicketCalled of t1 is lost"),
        (lambda: (EVENTS, TOLD[:1]), "TicketCalled of t1 happened without anybody being told"),
        (lambda: ([*EVENTS, fact(4, "TicketCalled", ticket="t1")], TOLD), "TicketCalled of t1 happened 2 times"),
        (lambda: ([*EVENTS, fact(5, "CounterPaused")], TOLD), "the facts are not numbered without a gap"),
        (lambda: ([*EVENTS, fact(4, "TicketIssued", ticket="t2", number="A001")], TOLD), "the number A001 was given 2 times"),
    ],
    ids=["lost", "not-told", "twice", "gap", "number"],
)
def test_each_kind_of_breach_is_found(spoil: Callable[[], tuple[list[Json], list[Told]]], breach: str) -> None:
    assert breach in judge(*spoil())
