"""The call for help, and what is said to the hall."""

import pytest

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Template
from queue_server.core.rejections import CounterClosed, Forbidden, InvalidCommand, UnknownCounter, WrongState
from tests.scenario import given, rules


def test_help_is_called_for_once_until_somebody_has_seen_to_it() -> None:
    hall = given().open("1").when(c.CallForHelp, counter="1", reason="cash").then(e.HelpRequested)
    assert (hall.state.counters["1"].help_since, hall.state.counters["1"].help_reason) == (hall.now, "cash")
    hall.refused(WrongState, c.CallForHelp, counter="1")
    hall.when(c.AcknowledgeHelp, counter="1").then(e.HelpAcknowledged)
    assert (hall.state.counters["1"].help_since, hall.state.counters["1"].help_reason) == (None, None)
    hall.refused(WrongState, c.AcknowledgeHelp, counter="1")
    hall.when(c.CallForHelp, counter="1").then(e.HelpRequested)


@pytest.mark.parametrize("command", [c.CallForHelp, c.AcknowledgeHelp])
def test_help_is_the_seat_s_own(command: type[c.Command]) -> None:
    hall = given().when(c.OpenCounter, counter="1", staff="ann")
    hall.refused(UnknownCounter, command, counter="9")
    if command is c.AcknowledgeHelp:
        hall.when(c.CallForHelp, counter="1", seat="ann")
    hall.refused(Forbidden, command, counter="1", seat="bob")
    hall.when(command, counter="1")


def test_help_is_for_open_counters_busy_and_paused_ones_too() -> None:
    hall = given()
    hall.refused(CounterClosed, c.CallForHelp, counter="1")
    hall.open("1", "2").issue("a").serving("1", "a").when(c.CallForHelp, counter="1").then(e.HelpRequested)
    hall.when(c.PauseCounter, counter="2").when(c.CallForHelp, counter="2").then(e.HelpRequested)
    hall.when(c.CloseCounter, counter="2")
    assert hall.state.counters["2"].help_since is None
    assert hall.state.counters["1"].ticket == "a"


PREPARED = (Template("drill", {"en": "This is a drill"}),)


def test_the_hall_is_told_by_template_or_by_a_text_that_lies_elsewhere() -> None:
    hall = given(rules(announcements=PREPARED, announcement_ms=60_000))
    hall.when(c.Announce, announcement="n1", template="drill", zone="hall").then(e.AnnouncementMade)
    hall.after(1_000).when(c.Announce, announcement="n2").then(e.AnnouncementMade)
    assert [(notice.announcement, notice.template, notice.zone) for notice in hall.state.notices] == [
        ("n2", None, None),
        ("n1", "drill", "hall"),
    ]
    assert hall.state.notices[0].until == hall.now + 60_000
    assert hall.changes[0].notice == hall.state.notices[0]


def test_what_is_not_prepared_and_where_nobody_is_is_refused() -> None:
    hall = given(rules(announcements=PREPARED))
    assert "drill" in str(hall.refused(InvalidCommand, c.Announce, announcement="n", template="fire"))
    hall.refused(InvalidCommand, c.Announce, announcement="n", zone="moon")
    assert "none" in str(given().refused(InvalidCommand, c.Announce, announcement="n", template="fire"))


def test_only_the_latest_are_kept() -> None:
    hall = given()
    for number in range(7):
        hall.when(c.Announce, announcement=f"n{number}")
    assert [notice.announcement for notice in hall.state.notices] == ["n6", "n5", "n4", "n3", "n2"]
