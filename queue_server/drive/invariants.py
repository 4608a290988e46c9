"""
What must always be true, as far as it can be seen from outside: by the staff view of the feed, receipts and the stream.

Each check bears the name it has in the domain: `one_place`, `unique_number`, `one_end`, `counts_balance`, `profile_kept` and
`explained`; `no_gap` says that nothing is missing in the numbering of facts, `display_equals_snapshot` that a display which followed
the deltas shows what a new one is shown.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from queue_server.drive.reducer import GONE, FeedState, comparable

Json = dict[str, Any]
Profiles = dict[str, tuple[frozenset[str], frozenset[str]]]
"""The services and the tiers that each profile allows."""

MOST_KEPT = 100
AT_COUNTER = frozenset({"called", "serving"})


class Violation(Struct, frozen=True):
    """An invariant that did not hold, and where."""

    invariant: str
    detail: str


class Inspector:
    """Collects the violations of one branch; the first hundred are kept, each once."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles
        self._kept: dict[Violation, None] = {}
        self._numbers: dict[str, str] = {}
        self._taken: dict[str, str] = {}
        self._snapshots = 0
        self._ends: dict[str, str] = {}

    @property
    def violations(self) -> list[Violation]:
        """What did not hold, in the order seen."""
        return list(self._kept)

    def violate(self, invariant: str, detail: str) -> None:
        """Note that *invariant* does not hold."""
        if len(self._kept) < MOST_KEPT:
            self._kept.setdefault(Violation(invariant, detail))

    def watch(self, feed: FeedState, message: Json, _arrived: float) -> None:
        """Check one message of the staff view; *feed* is the state after it."""
        if message["type"] == "snapshot":
            self._adopt(feed.state["tickets"])
        elif message["type"] == "delta":
            self._check_order(message)
            for event in message["events"]:
                self._check_event(event)
            self._check_places(feed)
            self._check_counts(feed)

    def _adopt(self, tickets: Iterable[Json]) -> None:
        # Of what came and went while this client was away nothing is told, so the counting begins anew.
        self._snapshots += 1
        self._numbers = {ticket["ticket_id"]: ticket["number"] for ticket in tickets}
        self._ends.clear()

    def _check_order(self, message: Json) -> None:
        seqs = [event["seq"] for event in message["events"]]
        if seqs != sorted(set(seqs)) or not message["prev"] < seqs[0] <= seqs[-1] <= message["seq"]:
            self.violate("no_gap", f"the delta {message['prev']}..{message['seq']} holds the facts {seqs}")

    def _check_event(self, event: Json) -> None:
        if (ticket := event.get("ticket")) is None:
            return
        ticket_id, number = ticket["ticket_id"], ticket["number"]
        if event["name"] == "StepUndone":
            # The end, if that was the step, is no more; who ended before this client came is here again.
            self._ends.pop(ticket_id, None)
            self._numbers[ticket_id] = number
        if ticket_id in self._ends:
            self.violate("one_end", f"{number} had ended as {self._ends[ticket_id]} and then had {event['name']}")
        if event["name"] == "TicketIssued":
            self._numbers[ticket_id] = number
            self.see_number(ticket_id, number)
        if event["name"] == "TicketCalled":
            self._check_profile(ticket, event.get("counter"))
        if ticket["state"] in GONE:
            self._ends[ticket_id] = ticket["state"]
        if event["name"] == "NoShowLapsed":
            self._ends[ticket_id] = "no_show"

    def see_number(self, ticket_id: str, number: str) -> None:
        """Check that *number* was not given to another ticket; issues and receipts both come here."""
        if self._taken.setdefault(number, ticket_id) != ticket_id:
            self.violate("unique_number", f"{number} was given to {self._taken[number]} and to {ticket_id}")

    def _check_profile(self, ticket: Json, counter: Json | None) -> None:
        if counter is None or counter["id"] != ticket["counter"]:
            self.violate("one_place", f"{ticket['number']} was called without its counter {ticket['counter']}")
        elif counter["profile"] is not None:
            services, tiers = self._profiles.get(counter["profile"], (frozenset(), frozenset()))
            if ticket["service"] not in services or ticket["tier"] not in tiers:
                detail = f"{ticket['number']} ({ticket['service']}, {ticket['tier']}) at {counter['id']} ({counter['profile']})"
                self.violate("profile_kept", detail)

    def _check_places(self, feed: FeedState) -> None:
        held = {counter["id"]: counter["ticket"] for counter in feed.state["counters"] if counter["ticket"] is not None}
        placed = {ticket["ticket_id"]: ticket for ticket in feed.state["tickets"] if ticket["state"] in AT_COUNTER}
        for ticket in placed.values():
            if held.get(ticket["counter"]) != ticket["ticket_id"]:
                self.violate(
                    "one_place",
                    f"at {feed.seq}: {ticket['number']} is {ticket['state']} at {ticket['counter']}, which holds another",
                )
        for counter, ticket_id in held.items():
            if ticket_id not in placed or placed[ticket_id]["counter"] != counter:
                self.violate("one_place", f"at {feed.seq}: counter {counter} holds {ticket_id}, which is elsewhere")
        self._check_parked(feed)

    def _check_parked(self, feed: FeedState) -> None:
        kept = Counter((counter["id"], ticket_id) for counter in feed.state["counters"] for ticket_id in counter["parked"])
        parked = Counter(
            (ticket["counter"], ticket["ticket_id"])
            for ticket in feed.state["tickets"]
            if ticket["state"] == "parked" and ticket["park_kind"] == "counter"
        )
        for counter, ticket_id in (kept - parked) + (parked - kept):
            self.violate("one_place", f"at {feed.seq}: {ticket_id} and counter {counter} disagree on whether it is parked there")

    def _check_counts(self, feed: FeedState) -> None:
        present = len(feed.state["tickets"])
        if len(self._numbers) != present + len(self._ends):
            detail = f"at {feed.seq}: {len(self._numbers)} issued, {present} here, {len(self._ends)} ended"
            self.violate("counts_balance", detail)
        waiting = Counter(ticket["service"] for ticket in feed.state["tickets"] if ticket["state"] == "waiting")
        for service in feed.state["services"]:
            if service["waiting"] != waiting[service["id"]]:
                detail = f"at {feed.seq}: {service['id']} shows {service['waiting']} waiting, {waiting[service['id']]} are"
                self.violate("counts_balance", detail)

    def check_routing(self, number: str, routing: Json | None) -> None:
        """Check that a call says why: the rule that decided, its reason, and whom it passed."""
        routing = routing or {}
        missing = [name for name in ("policy", "rule", "reason") if not routing.get(name)]
        overtook = routing.get("overtook") or {}
        count, first = overtook.get("count", -1), overtook.get("first", [])
        if missing or not 0 <= count <= routing.get("waiting", -1) or len(first) != min(count, 10):
            self.violate("explained", f"the call of {number} says only {routing}")

    def check_stream(self, events: Sequence[Json]) -> None:
        """Check that the day's facts, read by HTTP, are numbered 1, 2, 3, ... and that time never runs backwards."""
        for expected, event in enumerate(events, start=1):
            if event["seq"] != expected:
                self.violate("no_gap", f"the fact after {expected - 1} is {event['seq']}")
                return
        for before, event in pairwise(events):
            if event["at"] < before["at"]:
                self.violate("no_gap", f"fact {event['seq']} is older than the one before it")

    def check_ends(self, issued: int, no_shows: int) -> None:
        """Check at the end that all *issued* tickets were seen and have ended, *no_shows* of them as such."""
        if self._snapshots == 1 and len(self._numbers) != issued:
            self.violate("counts_balance", f"{issued} tickets were issued, the feed told of {len(self._numbers)}")
        open_ones = [self._numbers[ticket_id] for ticket_id in self._numbers.keys() - self._ends.keys()]
        if len(open_ones) > no_shows:
            self.violate(
                "one_end", f"{len(open_ones)} tickets have no end, {no_shows} may return: {', '.join(sorted(open_ones)[:10])}"
            )

    def check_display(self, followed: FeedState, fresh: FeedState, view: str) -> bool:
        """Check that a client which followed the deltas holds what a new one is given."""
        same = (followed.epoch, followed.day) == (fresh.epoch, fresh.day) and comparable(followed.state) == comparable(fresh.state)
        if not same:
            differing = [name for name in fresh.state if comparable(followed.state).get(name) != comparable(fresh.state)[name]]
            detail = f"the {view} view at {followed.day}:{followed.seq} differs from a snapshot at {fresh.day}:{fresh.seq} in {differing}"
            self.violate("display_equals_snapshot", detail)
        return same
