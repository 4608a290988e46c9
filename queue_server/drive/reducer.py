"""
The feed's state as a screen keeps it: a snapshot replaces everything, deltas change it, and nothing else does.

The law that this file lives by: the snapshot at n, with the deltas n..m applied, equals the snapshot at m, outlook aside.
"""

from typing import Any

from msgspec import Struct, field

Json = dict[str, Any]

SHOWN_CALLS = 12
SHOWN_NOTICES = 5
GONE = frozenset({"finished", "cancelled", "expired"})
OUTLOOK_FIELDS = frozenset(
    {"waited_seconds", "ahead", "p50_seconds", "p90_seconds", "share", "open", "reason", "until"},
)
RUNNING_FIELDS = frozenset({"waited_seconds", "served_seconds", "parked_seconds"})
"""What goes on with time in the present stage of a visit."""


class FeedGap(Exception):  # noqa: N818 - the sign to connect again
    """A message does not continue what the client holds: something between was lost, so it must connect again."""


class FeedState(Struct):
    """What one connection has shown so far: where it stands in the stream, and the state there."""

    epoch: str | None = None
    day: str | None = None
    seq: int = 0
    head: int = 0
    """The newest `seq` the server has told of; ahead of `seq` when the latest facts do not matter to this view."""
    state: Json = field(default_factory=dict)

    @property
    def after(self) -> str | None:
        """Where to resume: `{epoch}:{day}:{seq}`, or None before the first snapshot."""
        return None if self.epoch is None else f"{self.epoch}:{self.day}:{self.seq}"

    def take(self, message: Json) -> None:
        """
        Bring the state up to date with one *message* of the feed; kinds that are not known are passed over.

        Raises:
            FeedGap: its `prev` is not what this client holds.
        """
        match message.get("type"):
            case "snapshot":
                self.epoch, self.day, self.state = message["epoch"], message["day"], message["state"]
                self.seq = self.head = message["seq"]
            case "delta":
                self._expect(message)
                for event in message["events"]:
                    reduce_event(self.state, event)
                self.seq = self.head = message["seq"]
            case "outlook":
                reduce_outlook(self.state, message)
            case "heartbeat":
                self._expect(message)
                self.head = message["seq"]

    def _expect(self, message: Json) -> None:
        if (message["day"], message["prev"]) != (self.day, self.seq):
            raise FeedGap(f"{message['type']} continues {message['day']}:{message['prev']}, held is {self.day}:{self.seq}")


def reduce_event(state: Json, event: Json) -> None:
    """Apply one *event* of a delta to *state*: the new values of what it changed."""
    if counter := event.get("counter"):
        state["counters"] = [counter if held["id"] == counter["id"] else held for held in state["counters"]]
    if call := event.get("call"):
        others = [held for held in state["calls"] if held["number"] != call["number"]]
        state["calls"] = [call, *others][:SHOWN_CALLS]
    if withdrawn := event.get("withdrawn"):
        state["calls"] = [held for held in state["calls"] if held["number"] != withdrawn]
    if notice := event.get("notice"):
        state["notices"] = [notice, *state["notices"]][:SHOWN_NOTICES]
    if changed := event.get("services"):
        _merge(state["services"], changed)
    if ticket := event.get("ticket"):
        _put_ticket(state, ticket, lapsed=event["name"] == "NoShowLapsed")


def reduce_outlook(state: Json, message: Json) -> None:
    """Merge what changes with time alone into the services and tickets of *state*."""
    _merge(state["services"], message.get("services", []))
    tickets = message.get("tickets") or {}
    for ticket in state.get("tickets", []):
        ticket.update(tickets.get(ticket["ticket_id"], {}))


def _merge(services: list[Json], changed: list[Json]) -> None:
    by_id = {entry["id"]: entry for entry in changed}
    for service in services:
        service.update(by_id.get(service["id"], {}))


def _put_ticket(state: Json, ticket: Json, *, lapsed: bool) -> None:
    held = state["tickets"]
    index = next((place for place, other in enumerate(held) if other["ticket_id"] == ticket["ticket_id"]), None)
    # A known ticket keeps its place: the order of issue, as in a snapshot.
    after = index + 1 if index is not None else _place_of(held, ticket)
    held[after if index is None else index : after] = [] if lapsed or ticket["state"] in GONE else [ticket]


def _place_of(held: list[Json], ticket: Json) -> int:
    """Return where a new ticket stands: last, unless it had ended and is back because that was undone."""
    place = len(held)
    while place and held[place - 1]["issued_at"] > ticket["issued_at"]:
        place -= 1
    return place


def comparable(state: Json) -> Json:
    """Return *state* without the outlook: what two clients at one seq must agree on; tickets as a map."""
    compared = {name: value for name, value in state.items() if name != "tickets"}
    compared["services"] = [_steady(service) for service in state["services"]]
    if "tickets" in state:
        compared["tickets"] = {ticket["ticket_id"]: _steady_ticket(ticket) for ticket in state["tickets"]}
    return compared


def _steady_ticket(ticket: Json) -> Json:
    steady = _steady(ticket)
    steady["stages"] = [stage if stage["state"] == "finished" else _without(stage, RUNNING_FIELDS) for stage in ticket["stages"]]
    return steady


def _steady(entry: Json) -> Json:
    return _without(entry, OUTLOOK_FIELDS)


def _without(entry: Json, left_out: frozenset[str]) -> Json:
    return {name: value for name, value in entry.items() if name not in left_out}
