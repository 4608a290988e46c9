"""The verdict of a campaign is worth something only if it can be guilty: each breach is shown to be found."""

from typing import Any

from tests.faults.crowd import Acknowledged
from tests.faults.verdict import Breach, Harm, judge_effects, judge_issues, judge_stream, judge_unchanged

Json = dict[str, Any]


def fact(seq: int, number: str) -> Json:
    return {"seq": seq, "name": "TicketIssued", "body": {"ticket": f"t-{number}", "number": number}}


def told(seq: int, number: str, ticket_id: str | None = None) -> Acknowledged:
    receipt = {"seq": seq, "ticket": {"ticket_id": ticket_id or f"t-{number}", "number": number}}
    return Acknowledged("north", f"key-{seq}", "/v1/branches/north/tickets", b"{}", 201, receipt, 0.0, 0.1)


def test_an_honest_stream_has_no_breach() -> None:
    events = [fact(1, "A001"), fact(2, "A002")]
    assert judge_stream("north", events) == []
    assert judge_issues("north", events, [told(1, "A001"), told(2, "A002")]) == []
    assert judge_unchanged("north", events, events) == []


def test_a_gap_is_found() -> None:
    assert judge_stream("north", [fact(1, "A001"), fact(3, "A002")]) == [
        Breach(Harm.WRONG, "north: the facts are not numbered 1 to 2 without a gap")
    ]


def test_an_effect_that_is_not_there_or_is_told_of_twice_is_found() -> None:
    events = [fact(1, "A001"), fact(2, "A002")]
    assert judge_effects("north", events, [told(1, "A001"), told(2, "A002")]) == []
    assert [breach.harm for breach in judge_effects("north", events, [told(2, "A001"), told(3, "A003")])] == [Harm.LOST] * 2
    assert [breach.harm for breach in judge_effects("north", events, [told(1, "A001")] * 2)] == [Harm.WRONG]


def test_a_lost_ticket_is_found() -> None:
    assert judge_issues("north", [fact(1, "A001")], [told(1, "A001"), told(2, "A002")]) == [
        Breach(Harm.LOST, "north: the acknowledged ticket A002 (2) is lost")
    ]


def test_a_second_effect_of_one_key_is_found() -> None:
    assert judge_issues("north", [fact(1, "A001"), fact(2, "A002")], [told(1, "A001")]) == [
        Breach(Harm.DOUBLED, "north: A002 (2) was issued a second time for one key")
    ]


def test_a_number_given_twice_and_another_ticket_than_told_are_found() -> None:
    breaches = judge_issues("north", [fact(1, "A001"), fact(2, "A001")], [told(1, "A001"), told(2, "A001", "other")])
    assert breaches == [
        Breach(Harm.WRONG, "north: fact 2 holds another ticket than was told"),
        Breach(Harm.DOUBLED, "north: the number A001 was given 2 times"),
    ]


def test_a_fact_added_by_a_replay_is_found() -> None:
    assert judge_unchanged("north", [], [fact(1, "A001")]) == [Breach(Harm.DOUBLED, "north: replays added 1 facts")]
