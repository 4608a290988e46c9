import copy

import pytest

from queue_server.drive.reducer import SHOWN_CALLS, FeedGap, FeedState, comparable
from tests.drive.screens import called, counter, delta, ended, issued, staff_snapshot, ticket


def following(*messages: dict[str, object]) -> FeedState:
    feed = FeedState()
    for message in copy.deepcopy(messages):
        feed.take(message)
    return feed


def test_a_snapshot_replaces_everything() -> None:
    feed = following(staff_snapshot(3, (ticket("A001"),)), staff_snapshot(7))
    assert (feed.after, feed.state["tickets"]) == ("e:2026-01-01:7", [])


def test_deltas_on_an_old_snapshot_give_the_new_one() -> None:
    start = staff_snapshot(3, (), (counter("1"),))
    call = called(5, "A001")
    followed = following(start, delta(3, issued(4, "A001")), delta(4, call))
    fresh = staff_snapshot(5, (call["ticket"],), (call["counter"],))
    fresh["state"]["calls"] = [call["call"]]
    assert comparable(followed.state) == comparable(fresh["state"])


@pytest.mark.parametrize("state", ["finished", "cancelled", "expired"])
def test_a_ticket_that_has_ended_goes(state: str) -> None:
    feed = following(staff_snapshot(3, (ticket("A001"),)), delta(3, ended(4, "A001", state)))
    assert feed.state["tickets"] == []


def test_a_no_show_stays_until_it_may_no_longer_return() -> None:
    gone = {"seq": 4, "at": "x", "name": "NoShowRecorded", "ticket": ticket("A001", "no_show")}
    feed = following(staff_snapshot(3, (ticket("A001", "called"),)), delta(3, gone))
    assert [held["state"] for held in feed.state["tickets"]] == ["no_show"]
    feed.take(delta(4, {**gone, "seq": 5, "name": "NoShowLapsed"}))
    assert feed.state["tickets"] == []


def test_a_recall_moves_its_entry_to_the_front_and_only_twelve_are_shown() -> None:
    first = [called(seq, f"A{seq:03}") for seq in range(4, 20)]
    feed = following(
        staff_snapshot(3), delta(3, *first), delta(19, {"seq": 20, "name": "TicketRecalled", "call": called(20, "A015")["call"]})
    )
    numbers = [call["number"] for call in feed.state["calls"]]
    assert len(numbers) == SHOWN_CALLS
    assert numbers[:3] == ["A015", "A019", "A018"]


def test_an_outlook_changes_what_is_left_out_of_comparisons() -> None:
    feed = following(staff_snapshot(3, (ticket("A001"),)))
    before = comparable(copy.deepcopy(feed.state))
    feed.take({"type": "outlook", "services": [{"id": "PS", "ahead": 9}], "tickets": {"t-A001": {"share": 0.5}}})
    assert (feed.state["services"][0]["ahead"], feed.state["tickets"][0]["share"]) == (9, 0.5)
    assert comparable(feed.state) == before


def test_a_delta_that_does_not_continue_what_is_held_is_a_gap() -> None:
    with pytest.raises(FeedGap, match="continues 2026-01-01:9, held is 2026-01-01:3"):
        following(staff_snapshot(3), delta(9, issued(10, "A001")))


def test_a_heartbeat_tells_of_a_lost_delta() -> None:
    beat = {"type": "heartbeat", "day": "2026-01-01", "at": "x"}
    assert following(staff_snapshot(3), {**beat, "seq": 8, "prev": 3}).head == 8
    with pytest.raises(FeedGap):
        following(staff_snapshot(3), {**beat, "seq": 8, "prev": 8})


def test_a_call_that_was_withdrawn_goes() -> None:
    undone = {"seq": 6, "at": "x", "name": "StepUndone", "ticket": ticket("A001"), "withdrawn": "A001"}
    feed = following(staff_snapshot(3), delta(3, called(4, "A002"), called(5, "A001")), delta(5, undone))
    assert [call["number"] for call in feed.state["calls"]] == ["A002"]


def test_notices_come_newest_first_and_only_five_are_shown() -> None:
    made = [{"seq": seq, "at": "x", "name": "AnnouncementMade", "notice": {"seq": seq}} for seq in range(4, 11)]
    feed = following(staff_snapshot(3), delta(3, *made))
    assert [notice["seq"] for notice in feed.state["notices"]] == [10, 9, 8, 7, 6]


def test_one_who_had_ended_and_is_back_stands_where_they_were_issued() -> None:
    back = {"seq": 5, "at": "x", "name": "StepUndone", "ticket": ticket("A002", "serving")}
    feed = following(staff_snapshot(3, (ticket("A001"), ticket("A002", "serving"), ticket("A003"))), delta(3, ended(4, "A002")))
    feed.take(delta(4, back))
    assert [held["number"] for held in feed.state["tickets"]] == ["A001", "A002", "A003"]


def test_what_goes_on_in_the_present_stage_is_left_out_of_comparisons_and_what_was_given_is_not() -> None:
    def shown(given: float, present: float) -> object:
        first = {"service": "PS", "state": "finished", "served_seconds": given}
        stages = [first, {"service": "PS", "state": "serving", "served_seconds": present}]
        return comparable(following(staff_snapshot(3, (ticket("A001", stages=stages),))).state)

    assert shown(5, 1) == shown(5, 2)
    assert shown(5, 1) != shown(6, 1)
