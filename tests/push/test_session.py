"""One screen's place in its view, without sockets: what is sent, in which order, with which `prev`."""

from typing import Any

import msgspec
import pytest

from queue_server.core import commands as c
from queue_server.core.changes import Change
from queue_server.push.channel import Channel, Moment
from queue_server.push.messages import Delta, Heartbeat, Outlook
from queue_server.push.recent import Recent
from queue_server.push.session import Position, Session
from queue_server.push.views import Following, View
from queue_server.wire.states import outlook_form
from tests.push.hall import DAY, NEXT_DAY, Hall, configuration

EPOCH = "e1"
LIMIT = 1000
Json = dict[str, Any]


class Desk:
    """A hall with one channel on it, kept by hand as the hub does."""

    def __init__(self, view: View = View.BOARD, zone: str | None = None, counter: str | None = None, recent: int = 100) -> None:
        self.hall = Hall()
        self.recent = Recent(self.hall.state.day, self.hall.state.seq, recent)
        self.channel = Channel(Following("main", view, zone, counter), self.recent, EPOCH)

    def begin(self, after: Position | None = None) -> tuple[Session, list[Json]]:
        session = Session(after, LIMIT)
        return session, self.again(session)

    def again(self, session: Session) -> list[Json]:
        self.channel.outdate()
        moment = Moment(self.channel, self.hall.state, self.hall.at)
        return [decoded(frame) for frame in session.begin(moment, self.recent, EPOCH, None)]

    def commit(self, changes: list[Change]) -> Delta | None:
        self.recent.extend(changes)
        return self.channel.delta(changes, self.hall.state.rules)

    def issue(self, service: str = "cash") -> Delta:
        self.hall.issue(service)
        delta = self.commit(self.hall.changes[-1:])
        assert delta is not None
        return delta


def decoded(frame: bytes | None) -> Json:
    assert frame is not None
    message: Json = msgspec.json.decode(frame)
    return message


def test_a_new_screen_gets_a_snapshot_and_then_what_follows() -> None:
    desk = Desk()
    session, [snapshot] = desk.begin()
    assert (snapshot["type"], snapshot["epoch"], snapshot["day"], snapshot["seq"]) == ("snapshot", EPOCH, DAY, 2)
    first, second = decoded(session.follow(desk.issue(), 0)), decoded(session.follow(desk.issue(), 0))
    assert (first["type"], first["day"], first["prev"], first["seq"]) == ("delta", DAY, 2, 3)
    assert (second["prev"], second["seq"]) == (3, 4)
    assert second["events"][0]["services"] == [{"id": "cash", "waiting": 2}]


def test_staff_are_told_of_tickets_and_the_hall_is_not() -> None:
    board, staff = Desk(), Desk(View.STAFF)
    (event,) = decoded(board.begin()[0].follow(board.issue(), 0))["events"]
    assert event.keys() == {"seq", "at", "name", "services"}
    (event,) = decoded(staff.begin()[0].follow(staff.issue(), 0))["events"]
    assert event["ticket"]["number"] == "A001"
    assert event["actor"] == "staff:ann"


def test_a_known_position_gets_only_what_it_missed() -> None:
    desk = Desk()
    desk.issue()
    desk.issue()
    _, messages = desk.begin(Position(EPOCH, DAY, 3))
    assert [message["type"] for message in messages] == ["delta", "heartbeat"]
    assert (messages[0]["prev"], messages[0]["seq"]) == (3, 4)
    assert [event["seq"] for event in messages[0]["events"]] == [4]
    assert (messages[1]["prev"], messages[1]["seq"]) == (4, 4)


def test_a_position_at_the_head_gets_a_heartbeat_at_once() -> None:
    desk = Desk()
    desk.issue()
    _, [heartbeat] = desk.begin(Position(EPOCH, DAY, 3))
    assert (heartbeat["type"], heartbeat["day"], heartbeat["prev"], heartbeat["seq"]) == ("heartbeat", DAY, 3, 3)


@pytest.mark.parametrize(
    "after",
    [
        Position("another", DAY, 3),
        Position(EPOCH, "2026-11-22", 3),
        Position(EPOCH, DAY, 5),
        Position(EPOCH, DAY, 1),
    ],
    ids=["another epoch", "another day", "beyond the head", "too far behind"],
)
def test_any_other_position_gets_a_snapshot(after: Position) -> None:
    desk = Desk()
    desk.issue()
    desk.issue()
    _, [message] = desk.begin(after)
    assert (message["type"], message["seq"]) == ("snapshot", 4)


def test_only_a_position_of_today_before_what_is_kept_needs_the_history() -> None:
    recent = Recent(DAY, 10, 100)
    assert Session(Position(EPOCH, DAY, 9), LIMIT).needs_history(recent, EPOCH)
    assert not Session(Position(EPOCH, DAY, 10), LIMIT).needs_history(recent, EPOCH)
    assert not Session(Position("another", DAY, 9), LIMIT).needs_history(recent, EPOCH)
    assert not Session(Position(EPOCH, NEXT_DAY, 9), LIMIT).needs_history(recent, EPOCH)
    assert not Session(None, LIMIT).needs_history(recent, EPOCH)


def test_a_fact_that_the_view_does_not_show_moves_the_head_only() -> None:
    desk = Desk(zone="vip")
    session, _ = desk.begin()
    assert desk.commit(desk.hall.do(c.OpenCounter, counter="1")) is None
    heartbeat = decoded(session.beat(Heartbeat(DAY, desk.recent.seq, desk.hall.at), 0))
    assert (heartbeat["prev"], heartbeat["seq"]) == (2, 3)
    delta = desk.commit(desk.hall.do(c.OpenCounter, counter="3"))
    assert delta is not None
    assert (decoded(session.follow(delta, 0))["prev"], delta.seq) == (2, 4)


def test_a_screen_of_a_zone_still_hears_calls_and_counts_of_the_others() -> None:
    desk = Desk(zone="vip")
    session, [snapshot] = desk.begin()
    assert [counter["id"] for counter in snapshot["state"]["counters"]] == ["3"]
    desk.commit(desk.hall.do(c.OpenCounter, counter="1", profile="all"))
    session.follow(desk.issue(), 0)
    delta = desk.commit(desk.hall.call_next("1"))
    assert delta is not None
    (event,) = decoded(session.follow(delta, 0))["events"]
    assert event["call"]["number"] == "A001"
    assert event["services"] == [{"id": "cash", "waiting": 0}]
    assert "counter" not in event


def test_the_closing_of_the_day_concerns_every_screen() -> None:
    desk = Desk(counter="3")
    session, _ = desk.begin()
    delta = desk.commit(desk.hall.do(c.CloseDay, reason="fire"))
    assert delta is not None
    assert [event["name"] for event in decoded(session.follow(delta, 0))["events"]] == ["DayClosed"]


def test_screens_that_hold_the_same_share_the_bytes() -> None:
    desk = Desk()
    first, _ = desk.begin()
    second, _ = desk.begin()
    delta = desk.issue()
    assert first.follow(delta, 0) is second.follow(delta, 0)
    late, _ = desk.begin(Position(EPOCH, DAY, 2))
    delta = desk.issue()
    assert first.follow(delta, 0) is late.follow(delta, 0)


def test_a_slow_screen_is_told_nothing_until_it_has_read_and_then_what_it_missed() -> None:
    desk = Desk()
    session, _ = desk.begin()
    session.follow(desk.issue(), LIMIT)
    assert session.follow(desk.issue(), LIMIT + 1) is None
    assert session.is_behind
    assert session.beat(Heartbeat(DAY, 4, 0), 0) is None
    assert session.follow(desk.issue(), 0) is None
    messages = desk.again(session)
    assert (messages[0]["type"], messages[0]["prev"], messages[0]["seq"]) == ("delta", 3, 5)
    assert decoded(session.follow(desk.issue(), 0))["prev"] == 5


def test_a_screen_that_was_slow_over_more_than_is_kept_gets_a_snapshot() -> None:
    desk = Desk(recent=2)
    session, _ = desk.begin()
    assert session.follow(desk.issue(), LIMIT + 1) is None
    for _ in range(3):
        desk.issue()
    (message,) = desk.again(session)
    assert (message["type"], message["seq"]) == ("snapshot", 6)


def test_a_screen_that_was_slow_over_the_roll_gets_the_new_day() -> None:
    desk = Desk()
    session, _ = desk.begin()
    for _ in range(4):
        session.follow(desk.issue(), 0)
    session.follow(desk.issue(), LIMIT + 1)
    desk.hall.roll()
    desk.recent.begin(NEXT_DAY, desk.hall.state.seq)
    assert session.replace(b"{}", desk.recent, 0, None) is None
    for _ in range(9):
        desk.issue()
    (message,) = desk.again(session)
    assert (message["type"], message["day"]) == ("snapshot", NEXT_DAY)


def test_a_new_day_replaces_everything() -> None:
    desk = Desk()
    session, _ = desk.begin()
    desk.hall.roll()
    desk.recent.begin(NEXT_DAY, desk.hall.state.seq)
    assert session.replace(b"{}", desk.recent, 0, None) == b"{}"
    assert decoded(session.follow(desk.issue(), 0))["prev"] == 2


def test_an_outlook_is_told_once_and_only_when_it_is_news() -> None:
    desk = Desk()
    session, _ = desk.begin()
    outlook = Outlook(outlook_form(desk.hall.state, desk.hall.at, tickets=False))
    assert outlook.says(outlook_form(desk.hall.state, desk.hall.at + 5, tickets=False))
    assert decoded(session.foretell(outlook, 0))["type"] == "outlook"
    assert session.foretell(outlook, 0) is None
    desk.hall.open_counter()
    assert not outlook.says(outlook_form(desk.hall.state, desk.hall.at, tickets=False))


def test_history_fills_what_is_kept_to_its_bound() -> None:
    desk = Desk(recent=3)
    for _ in range(5):
        desk.hall.issue()
    early, late = desk.hall.changes[2:6], desk.hall.changes[6:]
    recent = Recent(DAY, 6, 3)
    recent.extend(late)
    recent.complete(NEXT_DAY, early)
    assert recent.start == 6
    # The history reaches to the head, so it repeats what has been kept meanwhile.
    recent.complete(DAY, early + late)
    assert recent.start == 4
    assert [change.event.seq for change in recent.since(4)] == [5, 6, 7]
    assert [change.event.seq for change in recent.since(6)] == [7]


def test_history_over_a_reconfiguration_is_kept_only_from_there_on() -> None:
    desk = Desk()
    desk.issue()
    desk.hall.do(c.ConfigureBranch, expected=1, next_day=False, configuration=configuration(name={"en": "New"}))
    desk.hall.issue()
    recent = Recent(DAY, 5, 100)
    # A history that ends before what is kept begins would leave a gap.
    recent.complete(DAY, desk.hall.changes[:4])
    assert (recent.start, recent.whole) == (5, 0)
    recent.complete(DAY, desk.hall.changes)
    assert (recent.start, recent.whole) == (4, 4)
    assert not Session(Position(EPOCH, DAY, 3), LIMIT).needs_history(recent, EPOCH)
