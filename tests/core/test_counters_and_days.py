"""Counters, deadlines, the day and the configuration."""

from typing import Any

import pytest

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import Code, CounterPlace, ElasticRule, StartMode
from queue_server.core.deadlines import next_deadline, roll_at
from queue_server.core.lifecycle import TicketState
from queue_server.core.rejections import (
    CounterBusy,
    DayFull,
    Forbidden,
    InvalidCommand,
    Rejected,
    ServiceClosed,
    StaffElsewhere,
    UnknownCounter,
    UnknownProfile,
    UnknownService,
    UnknownTicket,
    UnknownTier,
    VersionConflict,
    WouldStrand,
    WrongState,
)
from tests.scenario import HOUR, ROLLS_AT, Scenario, given, rules


def _roll(hall: Scenario) -> None:
    version, configuration = hall.state.newest
    hall.when(
        c.OpenDay,
        day="2026-01-02",
        opens_at=ROLLS_AT,
        rolls_at=ROLLS_AT + 24 * HOUR,
        version=version,
        configuration=configuration,
    )


def test_a_counter_opens_once_and_with_a_known_profile() -> None:
    hall = given().open("1")
    refusal = hall.refused(WrongState, c.OpenCounter, counter="1")
    assert refusal.facts["state"] == "open"
    assert "close" in refusal.facts["allowed"]
    hall.refused(UnknownProfile, c.OpenCounter, counter="2", profile="x")


def test_a_counter_that_calls_or_serves_neither_pauses_nor_closes() -> None:
    hall = given().open("1").issue("a").when(c.CallNext, counter="1")
    assert hall.refused(CounterBusy, c.PauseCounter, counter="1").facts["ticket"] == "a"
    hall.when(c.StartServing, ticket="a")
    assert hall.refused(CounterBusy, c.CloseCounter, counter="1").facts["ticket"] == "a"


def test_pause_keeps_its_reason_and_resume_forgets_it() -> None:
    hall = given().open("1").when(c.PauseCounter, counter="1", reason="lunch")
    assert hall.state.counters["1"].reason == "lunch"
    hall.when(c.ResumeCounter, counter="1").then(e.CounterResumed)
    assert hall.state.counters["1"].reason is None


def test_one_person_one_seat() -> None:
    hall = given().when(c.OpenCounter, counter="1", staff="ann")
    hall.refused(StaffElsewhere, c.OpenCounter, counter="2", staff="ann")
    hall.when(c.OpenCounter, counter="2", staff="ann", take_over=True).then(e.CounterClosed, e.CounterOpened)
    hall.issue("a").when(c.CallNext, counter="2")
    hall.refused(CounterBusy, c.OpenCounter, counter="1", staff="ann", take_over=True)


def test_a_colleague_who_forgot_to_sign_out_is_taken_over_when_idle() -> None:
    hall = given().when(c.OpenCounter, counter="1", staff="ann").issue("a")
    hall.refused(Forbidden, c.OpenCounter, counter="1", staff="bob", seat="bob")
    hall.when(c.OpenCounter, counter="2", staff="bob", seat="bob")
    hall.when(c.OpenCounter, counter="1", staff="bob", seat="bob", take_over=True)
    hall.then(e.CounterClosed, e.CounterClosed, e.CounterOpened)
    assert hall.state.counters["1"].staff == "bob"
    hall.when(c.CallNext, counter="1", seat="bob")
    hall.refused(CounterBusy, c.OpenCounter, counter="1", staff="ann", seat="ann", take_over=True)
    hall.refused(WrongState, c.OpenCounter, counter="1", staff="bob", seat="bob", take_over=True)


def test_a_changed_profile_counts_from_the_next_call() -> None:
    hall = given().open("1").issue("a").when(c.ChangeProfile, counter="1", profile="gold_only")
    hall.when(c.CallNext, counter="1").then()


def test_deadlines_carry_the_moment_at_which_they_were_due() -> None:
    hall = given(rules(no_show_after_ms=30_000)).open("1").issue("a").when(c.CallNext, counter="1")
    due = hall.now + 30_000
    assert next_deadline(hall.state) == due
    hall.after(500_000).issue("b").then(e.NoShowRecorded, e.TicketIssued)
    assert hall.changes[0].event.at == due
    assert hall.ticket("a").missed_by_time


def test_a_recall_gives_the_whole_grace_again() -> None:
    hall = given(rules(no_show_after_ms=30_000)).open("1").issue("a").when(c.CallNext, counter="1").after(20_000)
    hall.when(c.RecallTicket, ticket="a")
    assert next_deadline(hall.state) == hall.now + 30_000


def test_serving_begins_by_itself_some_seconds_after_the_call() -> None:
    hall = given(rules(start=StartMode.AFTER, start_after_ms=10_000)).open("1").issue("a").when(c.CallNext, counter="1")
    hall.after(60_000).when(c.ApplyDeadlines).then(e.ServingStarted)
    assert hall.ticket("a").serving_at == hall.now - 50_000


def test_the_roll_expires_who_waits_and_opens_the_next_day_by_one_command() -> None:
    hall = given().open("1").issue("a").issue("b").when(c.CallNext, counter="1")
    hall.after(20 * HOUR)
    _roll(hall)
    hall.then(e.TicketExpired, e.TicketExpired, e.CounterClosed, e.DayClosed, e.DayOpened, e.BranchConfigured)
    assert [change.event.seq for change in hall.changes[-2:]] == [1, 2]
    assert hall.last(e.DayOpened).previous == "2026-01-01"
    hall.issue("c")
    assert hall.ticket("c").number == "A001"


def test_a_customer_being_served_delays_the_roll_up_to_the_grace() -> None:
    hall = given().open("1").issue("a").serving("1", "a")
    assert roll_at(hall.state) == ROLLS_AT + 2 * HOUR
    hall.when(c.FinishServing, ticket="a")
    assert roll_at(hall.state) == ROLLS_AT


def test_the_grace_over_serving_ends_with_the_day() -> None:
    hall = given().open("1").issue("a").serving("1", "a").after(22 * HOUR)
    _roll(hall)
    assert hall.last(e.ServingFinished).outcome == "day_closed"


def test_a_roll_that_is_noticed_late_ends_everything_at_its_moment() -> None:
    hall = given().open("1").issue("a").issue("b").serving("1", "a").after(32 * HOUR)
    _roll(hall)
    ended = {type(change.event.fact): change.event.at for change in hall.changes}
    assert ended[e.ServingFinished] == ended[e.TicketExpired] == ended[e.DayClosed] == ROLLS_AT + 2 * HOUR
    assert ended[e.DayOpened] == hall.now


def test_a_day_closed_early_takes_nothing_until_it_rolls() -> None:
    hall = given().open("1").issue("a").when(c.CloseDay, reason="fire_alarm").then(e.TicketExpired, e.CounterClosed, e.DayClosed)
    assert hall.ticket("a").state is TicketState.EXPIRED
    assert hall.refused(ServiceClosed, c.IssueTicket, ticket_id="b", service="cash").facts["reopens_at"] == ROLLS_AT
    assert next_deadline(hall.state) == ROLLS_AT
    hall.when(c.ConfigureBranch, expected=1, next_day=True, configuration=rules(care_permille=100)).then(e.ConfigurationScheduled)
    hall.when(c.ConfigureBranch, expected=2, next_day=False, configuration=rules(care_permille=50)).then(e.BranchConfigured)
    _roll(hall)
    hall.then(e.DayOpened, e.BranchConfigured)


def test_when_the_day_ends_nobody_may_return_any_more() -> None:
    hall = given().open("1").issue("a").when(c.CallNext, counter="1").when(c.RecordNoShow, ticket="a")
    hall.when(c.CloseDay, reason="fire_alarm").then(e.NoShowLapsed, e.CounterClosed, e.DayClosed)
    assert not hall.state.lapsing


def test_a_day_is_bounded() -> None:
    hall = given(rules(day_limit=6)).open("1").issue("a").serving("1", "a")
    hall.refused(DayFull, c.IssueTicket, ticket_id="b", service="cash")
    hall.refused(DayFull, c.CallNext, counter="1", finish=True)
    hall.when(c.FinishServing, ticket="a").when(c.CloseCounter, counter="1").when(c.CloseDay, reason="full")


def test_a_configuration_replaces_the_version_it_was_made_from() -> None:
    hall = given()
    hall.refused(VersionConflict, c.ConfigureBranch, expected=0, next_day=False, configuration=rules())
    hall.when(c.ConfigureBranch, expected=1, next_day=False, configuration=rules(care_permille=100)).then(e.BranchConfigured)
    assert (hall.state.version, hall.state.rules.care_permille) == (2, 100)


def test_a_configuration_for_the_next_day_waits_for_it() -> None:
    hall = given().when(c.ConfigureBranch, expected=1, next_day=True, configuration=rules(care_permille=100))
    hall.then(e.ConfigurationScheduled)
    assert (hall.state.rules.care_permille, hall.state.newest[0]) == (250, 2)
    hall.after(20 * HOUR)
    _roll(hall)
    assert (hall.state.version, hall.state.rules.care_permille) == (2, 100)


def test_a_change_that_would_strand_somebody_names_them() -> None:
    hall = given().open("2").issue("a", "loans")
    fewer = rules(services=rules().services[:1], counters=rules().counters[:1], profiles=())
    refusal = hall.refused(WouldStrand, c.ConfigureBranch, expected=1, next_day=False, configuration=fewer)
    assert refusal.facts["stranded"] == ["ticket L001", "counter 2"]
    hall.when(c.ConfigureBranch, expected=1, next_day=True, configuration=fewer)


GOLDEN = (CounterPlace("1", "1", profile="gold_only"), CounterPlace("3", "3", zone="vip", profile="gold_only"))


def _configured(hall: Scenario, **changes: Any) -> Scenario:
    return hall.when(c.ConfigureBranch, expected=1, next_day=False, configuration=rules(**changes))


def test_a_change_strands_whom_no_counter_could_call_any_more() -> None:
    hall = given().issue("s").issue("g", tier="gold").issue("l", "loans")
    change: dict[str, Any] = {"expected": 1, "next_day": False, "configuration": rules(counters=GOLDEN)}
    refusal = hall.refused(WouldStrand, c.ConfigureBranch, **change)
    assert refusal.facts["stranded"] == ["ticket A001", "ticket L001"]
    assert "A001, ticket L001" in str(refusal)


def test_an_open_counter_keeps_its_profile_and_strands_nobody() -> None:
    assert _configured(given().open("1").issue("s"), counters=GOLDEN).state.version == 2


def test_a_rule_may_give_the_profile() -> None:
    helps = ElasticRule("helps", ("1",), "cash_only", waiting=1, back_waiting=1, back_after_ms=0)
    assert _configured(given().issue("s"), counters=GOLDEN, elastic=(helps,)).state.version == 2


def test_whom_nobody_could_call_before_does_not_keep_a_change_from_helping_others() -> None:
    hall = given(rules(counters=GOLDEN)).issue("s")
    assert _configured(hall, counters=GOLDEN, care_permille=100).state.version == 2


def test_a_zone_of_its_own_needs_a_profile_too() -> None:
    hall = given().issue("s").when(c.MoveTicket, ticket="s", zone="hall", reason="quiet")
    elsewhere = (CounterPlace("1", "1"), CounterPlace("2", "2", zone="hall", profile="gold_only"))
    change: dict[str, Any] = {"expected": 1, "next_day": False, "configuration": rules(counters=elsewhere)}
    assert hall.refused(WouldStrand, c.ConfigureBranch, **change).facts["stranded"] == ["ticket A001"]


UNKNOWN: list[tuple[type[c.Command], dict[str, Any], type[Rejected]]] = [
    (c.CallNext, {"counter": "9"}, UnknownCounter),
    (c.OpenCounter, {"counter": "9"}, UnknownCounter),
    (c.StartServing, {"ticket": "nobody"}, UnknownTicket),
    (c.CallTicket, {"counter": "1", "ticket": "nobody"}, UnknownTicket),
    (c.IssueTicket, {"ticket_id": "x", "service": "gold"}, UnknownService),
    (c.IssueTicket, {"ticket_id": "x", "service": "cash", "then": ("gold",)}, UnknownService),
    (c.IssueTicket, {"ticket_id": "x", "service": "cash", "tier": "cash"}, UnknownTier),
    (c.OpenCounter, {"counter": "2", "profile": "none"}, UnknownProfile),
    (c.TransferTicket, {"ticket": "a", "service": "gold"}, UnknownService),
    (c.CallNext, {"counter": "1", "finish": True, "outcome": "lost"}, InvalidCommand),
]
KNOWN: list[tuple[type[c.Command], dict[str, Any]]] = [
    (c.CallNext, {"counter": "1"}),
    (c.StartServing, {"ticket": "a"}),
    (c.IssueTicket, {"ticket_id": "x", "service": "cash", "then": ("loans",)}),
    (c.OpenCounter, {"counter": "2", "profile": "gold_only"}),
]
OUTCOMES = (Code("done", {"en": "Done"}),)


@pytest.mark.parametrize(("command", "fields", "rejection"), UNKNOWN)
def test_what_there_is_not_is_unknown_when_the_day_has_closed_or_is_full_too(
    command: type[c.Command], fields: dict[str, Any], rejection: type[Rejected]
) -> None:
    given(rules(outcomes=OUTCOMES)).open("1").issue("a").when(c.CloseDay, reason="x").refused(rejection, command, **fields)
    given(rules(outcomes=OUTCOMES, day_limit=4)).open("1").issue("a").refused(rejection, command, **fields)


@pytest.mark.parametrize(("command", "fields"), KNOWN)
def test_what_there_is_is_refused_because_of_the_day(command: type[c.Command], fields: dict[str, Any]) -> None:
    given().open("1").issue("a").when(c.CloseDay, reason="x").refused(ServiceClosed, command, **fields)
    given(rules(day_limit=4)).open("1").issue("a").refused(DayFull, command, **fields)
