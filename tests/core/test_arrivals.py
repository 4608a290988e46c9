"""Arriving: opening hours, daily numbers, who is classified as what, and what is promised on listed days."""

from typing import Any

import pytest

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.configuration import ArrivalRule, Service, Span, Tier
from queue_server.core.rejections import LimitReached, ServiceClosed, UnknownTier
from queue_server.core.rules_arrivals import closed_because
from queue_server.core.timetable import Timetable, Window
from tests.scenario import HOUR, MORNING, ROLLS_AT, Scenario, given, rules

TOMORROW = MORNING + 25 * HOUR
LUNCH = (
    Window(MORNING + HOUR, MORNING + 3 * HOUR - 900_000, MORNING + 3 * HOUR),
    Window(MORNING + 4 * HOUR, MORNING + 8 * HOUR - 900_000, MORNING + 8 * HOUR),
)


def _on(timetable: Timetable, **changes: Any) -> Scenario:
    """A day with *timetable*."""
    hall = given(rules(**changes))
    return hall.when(c.ConfigureBranch, expected=1, next_day=False, configuration=rules(**changes), timetable=timetable)


def _at(hall: Scenario, at: int) -> Scenario:
    return hall.after(at - hall.now)


@pytest.mark.parametrize(
    ("at", "reopens_at"),
    [
        (MORNING, MORNING + HOUR),
        (MORNING + HOUR - 1, MORNING + HOUR),
        (MORNING + 3 * HOUR - 900_000, MORNING + 4 * HOUR),
        (MORNING + 3 * HOUR, MORNING + 4 * HOUR),
        (MORNING + 9 * HOUR, TOMORROW),
    ],
)
def test_outside_the_hours_nothing_is_given_and_it_is_said_when_again(at: int, reopens_at: int) -> None:
    hall = _at(_on(Timetable(windows=LUNCH, reopens_at=TOMORROW)), at)
    assert hall.refused(ServiceClosed, c.IssueTicket, ticket_id="a", service="cash").facts["reopens_at"] == reopens_at
    assert closed_because(hall.state, "cash", hall.now) == ("closed", reopens_at)


@pytest.mark.parametrize("at", [MORNING + HOUR, MORNING + 3 * HOUR - 900_001, MORNING + 4 * HOUR])
def test_within_the_hours_tickets_are_given_until_the_last_one(at: int) -> None:
    hall = _at(_on(Timetable(windows=LUNCH, reopens_at=TOMORROW)), at)
    hall.issue("a").then(e.TicketIssued)
    assert closed_because(hall.state, "cash", hall.now) is None


def test_who_is_inside_when_the_doors_shut_is_served() -> None:
    hall = _at(_on(Timetable(windows=LUNCH, reopens_at=TOMORROW)), MORNING + 2 * HOUR).open("1").issue("a").after(6 * HOUR)
    hall.serving("1", "a").when(c.FinishServing, ticket="a").then(e.ServingFinished)


def test_a_service_may_have_hours_of_its_own() -> None:
    table = Timetable(windows=LUNCH, reopens_at=TOMORROW, services={"loans": LUNCH[:1]}, services_reopen={"loans": TOMORROW + HOUR})
    hall = _at(_on(table), MORNING + 5 * HOUR).issue("a")
    assert hall.refused(ServiceClosed, c.IssueTicket, ticket_id="b", service="loans").facts["reopens_at"] == TOMORROW + HOUR
    shut = _on(Timetable(services={"loans": ()}))
    assert shut.refused(ServiceClosed, c.IssueTicket, ticket_id="b", service="loans").facts["reopens_at"] is None
    shut.issue("a").then(e.TicketIssued)


def test_who_took_a_number_while_the_doors_were_open_has_it() -> None:
    hall = _at(_on(Timetable(windows=LUNCH, reopens_at=TOMORROW)), MORNING + 3 * HOUR)
    hall.issue("a", arrived_at=MORNING + 2 * HOUR).then(e.TicketIssued)
    refused = hall.refused(ServiceClosed, c.IssueTicket, ticket_id="b", service="cash", arrived_at=MORNING)
    assert refused.facts["reopens_at"] == MORNING + 4 * HOUR, "not a moment that has passed"
    _at(hall, MORNING + 4 * HOUR).issue("b", arrived_at=MORNING).then(e.TicketIssued)


LIMITED = (Service("cash", {"en": "Cash"}, "A", daily_limit=2), Service("loans", {"en": "Loans"}, "L"))


def test_a_day_has_so_many_tickets_of_a_service() -> None:
    hall = (
        _on(Timetable(windows=None, reopens_at=TOMORROW), services=LIMITED).issue("a").issue("b").when(c.CancelTicket, ticket="a")
    )
    assert hall.refused(LimitReached, c.IssueTicket, ticket_id="x", service="cash").facts["reopens_at"] == TOMORROW
    assert closed_because(hall.state, "cash", hall.now) == ("limit_reached", TOMORROW)
    hall.issue("x", "loans").then(e.TicketIssued)
    assert given(rules(services=LIMITED)).issue("a").issue("b").refused(
        LimitReached, c.IssueTicket, ticket_id="x", service="cash"
    ).facts == {"reopens_at": ROLLS_AT}


def test_who_stands_at_the_counter_is_served_beyond_hours_and_limits() -> None:
    hall = _on(Timetable(windows=(), reopens_at=TOMORROW), services=LIMITED).open("1")
    for ticket in "abd":
        hall.when(c.ServeDirectly, counter="1", ticket_id=ticket, service="cash").when(c.FinishServing, ticket=ticket)
    assert hall.state.issued_for == {"cash": 3}


def test_when_the_day_has_ended_it_is_said_when_the_next_begins() -> None:
    hall = _on(Timetable(windows=LUNCH, reopens_at=TOMORROW)).when(c.CloseDay, reason="fire_alarm")
    assert closed_because(hall.state, "cash", hall.now) == ("day_closed", TOMORROW)
    assert hall.refused(ServiceClosed, c.IssueTicket, ticket_id="a", service="cash").facts["reopens_at"] == TOMORROW
    assert closed_because(given().when(c.CloseDay, reason="x").state, "cash", MORNING) == ("day_closed", ROLLS_AT)


def _rule(**when: Any) -> ArrivalRule:
    return ArrivalRule("r", tier="gold", care="elderly", zone="vip", **when)


@pytest.mark.parametrize(
    ("when", "given_then", "otherwise"),
    [
        ({"services": ("cash",)}, {"service": "cash"}, {"service": "loans"}),
        ({"languages": ("ar",)}, {"language": "ar"}, {"language": "en"}),
        ({"channels": ("app",)}, {"channel": "app"}, {}),
        ({"card_classes": ("gold_card",)}, {"card_class": "gold_card"}, {}),
        ({"identified": True}, {"identified": True}, {}),
        ({"identified": False}, {}, {"identified": True}),
        ({"services": ("cash",), "channels": ("app",)}, {"channel": "app"}, {"channel": "app", "service": "loans"}),
    ],
)
def test_a_rule_of_arrival_holds_when_all_it_names_does(when: Any, given_then: Any, otherwise: Any) -> None:
    hall = given(rules(classification=(_rule(**when),)))
    hall.issue("yes", **given_then).issue("no", **otherwise)
    yes, no = hall.ticket("yes"), hall.ticket("no")
    assert (yes.tier, yes.care, yes.zone, yes.classified_by, yes.number[0] == "V") == (
        "gold",
        "elderly",
        "vip",
        "r",
        yes.service == "cash",
    )
    assert (no.tier, no.care, no.zone, no.classified_by) == ("std", None, None, None)
    assert yes.target_ms == 600_000


def test_a_rule_may_have_a_time_of_the_day_and_that_is_the_time_of_arrival() -> None:
    rule = _rule(between=Span("09:00", "10:00"))
    hall = _on(Timetable(arrivals={"r": ((MORNING + HOUR, MORNING + 2 * HOUR),)}), classification=(rule,))
    hall.issue("early").after(HOUR).issue("in").after(HOUR).issue("out").issue("late", arrived_at=MORNING + HOUR)
    assert [hall.ticket(ticket).classified_by for ticket in ("early", "in", "out", "late")] == [None, "r", None, "r"]


def test_the_first_rule_that_holds_wins_and_fills_what_was_left_open() -> None:
    first = ArrivalRule("first", channels=("app",), care="pregnant")
    hall = given(rules(classification=(first, _rule())))
    hall.issue("a", channel="app").issue("b", tier="std").issue("d", care="disabled")
    assert [(hall.ticket(t).classified_by, hall.ticket(t).tier, hall.ticket(t).care) for t in "abd"] == [
        ("first", "std", "pregnant"),
        ("r", "std", "elderly"),
        ("r", "gold", "disabled"),
    ]
    assert hall.ticket("b").zone is None, "no counter of that zone may call this tier: nobody is left waiting for ever"
    hall.refused(UnknownTier, c.IssueTicket, ticket_id="x", service="cash", tier="none")


def test_who_is_served_directly_is_what_the_clerk_says() -> None:
    hall = given(rules(classification=(_rule(),))).open("1").when(c.ServeDirectly, counter="1", ticket_id="a", service="cash")
    assert (hall.ticket("a").tier, hall.ticket("a").classified_by) == ("std", None)


LISTED = Timetable(target_ms={"std": 3_000_000}, service_target_ms={"loans": {"std": 4_000_000}})


def test_on_listed_days_the_promises_are_others() -> None:
    hall = _on(LISTED).open("1").issue("a", then=("loans",)).issue("g", tier="gold").issue("l", "loans")
    assert [hall.ticket(t).target_ms for t in "agl"] == [3_000_000, 600_000, 4_000_000]
    hall.serving("1", "a").when(c.FinishServing, ticket="a")
    assert hall.ticket("a").target_ms == 4_000_000
    hall.when(c.MoveTicket, ticket="g", tier="std", reason="asked")
    assert hall.ticket("g").target_ms == 3_000_000


def test_what_is_said_of_listed_days_beats_what_is_said_of_a_service() -> None:
    services = (Service("cash", {"en": "Cash"}, "A", target_ms={"std": 60_000}), rules().services[1])
    hall = _on(LISTED, services=services, tiers=(Tier("std", {"en": "Standard"}, 1),), profiles=(), counters=(), default_tier="std")
    assert hall.issue("a").ticket("a").target_ms == 3_000_000


def test_a_visit_counts_for_each_of_its_services_once() -> None:
    hall = given(rules(services=LIMITED)).issue("a", "loans", then=("cash",)).issue("b", then=("loans", "cash"))
    assert hall.state.issued_for == {"loans": 2, "cash": 2}
    hall.refused(LimitReached, c.IssueTicket, ticket_id="x", service="loans", then=("cash",))


@pytest.mark.parametrize(
    ("asked", "given_language", "holds"),
    [
        ("en", "en", True),
        ("en", "en-GB", True),
        ("en", "EN-gb", True),
        ("zh-Hant", "zh-Hant-HK", True),
        ("en-GB", "en", False),
        ("en", "eng", False),
        ("en", None, False),
    ],
)
def test_a_language_is_also_each_of_its_kinds(asked: str, given_language: str | None, holds: bool) -> None:
    hall = given(rules(classification=(ArrivalRule("spoken", languages=(asked,), tier="gold"),)))
    assert (hall.issue("a", language=given_language).ticket("a").classified_by == "spoken") == holds
