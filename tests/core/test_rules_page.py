"""What docs/rules.md shows: its examples happen so, and the tests that it names are there."""

import re
from pathlib import Path

import pytest

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Policy
from tests.scenario import Scenario, given, rules

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "rules.md").read_text("utf-8")
MINUTE = 60_000


def test_the_tests_that_the_page_names_are_there() -> None:
    there = "".join(path.read_text("utf-8") for path in HERE.glob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", PAGE)
    assert len(named) >= 10
    assert [name for name in named if f"def {name}(" not in there] == []


@pytest.mark.parametrize("policy", ["promise", "due", "ageing", "strict", "ratio", "fifo"])
def test_every_policy_has_an_example_and_says_how_one_is_overtaken(policy: str) -> None:
    (section,) = re.findall(rf"^## `{policy}`(?: \(default\))?\n(.*?)^## ", PAGE, re.DOTALL | re.MULTILINE)
    assert re.search(r"(?<!\*)\*[A-Z`][^*]+\.\*(?!\*)", section), "an example"
    assert "**Being overtaken:" in section
    assert re.search(r"Test:\s+`test_", section)


def _called(hall: Scenario, count: int) -> list[str]:
    called = []
    for _ in range(count):
        called.append(hall.when(c.CallNext, counter="1", finish=True).last(e.TicketCalled).ticket)
        hall.when(c.StartServing, ticket=called[-1])
    return called


def test_the_example_of_strict() -> None:
    hall = given(rules(policy=Policy("strict"))).open("1").issue("9:05").after(10 * MINUTE).issue("9:15", tier="gold")
    hall.after(5 * MINUTE).issue("9:20", tier="gold").after(5 * MINUTE)
    assert _called(hall, 3) == ["9:15", "9:20", "9:05"]


@pytest.mark.parametrize(
    ("sent_at", "order"), [(None, ["9:05", "9:15", "9:20"]), (5, ["9:05", "9:15", "9:20"]), (11, ["9:15", "9:05", "9:20"])]
)
def test_the_example_of_fifo(sent_at: int | None, order: list[str]) -> None:
    hall = given(rules(policy=Policy("fifo"))).open("1").issue("9:05")
    for minute in range(1, 16):
        hall.after(MINUTE)
        if minute == 10:
            hall.issue("9:15", tier="gold")
        if minute == sent_at:
            hall.serving("1", "9:05").when(c.RequeueTicket, ticket="9:05", position="back")
    hall.issue("9:20", care="elderly")
    assert _called(hall, 3) == order
