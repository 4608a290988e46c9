"""What the actors of a run have seen and done so far, kept in one place until the summary is made."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from queue_server.drive.reducer import FeedState
from queue_server.drive.summary import MOST_ERRORS
from queue_server.drive.trace import Visit

Json = dict[str, Any]


class Tally:
    """The customers of the day and how each of them ended; `settled` is set when all have."""

    def __init__(self, visits: Sequence[Visit], progress: Callable[[], object]) -> None:
        self.expected = len(visits)
        self.settled = asyncio.Event()
        self.errors: list[str] = []
        self.called = 0
        self.ends: dict[str, str] = {}
        self.waits: dict[str, list[float]] = defaultdict(list)
        self._failed = 0
        self._progress = progress
        self._issued: dict[str, asyncio.Future[Visit]] = {}
        self._sent: dict[str, float] = {}
        self._shown: dict[str, float] = {}

    @property
    def concluded(self) -> int:
        """How many customers need no more attention."""
        return len(self.ends) + self._failed

    @property
    def issued(self) -> int:
        """How many tickets were issued."""
        return sum(future.done() for future in self._issued.values())

    def error(self, text: str) -> None:
        """Keep an error, unless there are too many already."""
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(text)

    def issue(self, ticket: Json, visit: Visit) -> None:
        """Note whose ticket this is."""
        future = self._visit(ticket["ticket_id"])
        if future.done():
            self.error(f"ticket {ticket['ticket_id']} was issued to two customers")
            self.issue_failed()
        else:
            future.set_result(visit)

    def issue_failed(self) -> None:
        """Note that a customer came away without a ticket."""
        self._failed += 1
        self._conclude()

    async def visit(self, ticket_id: str) -> Visit:
        """Return whose ticket this is; a call can be answered before the issue is, so this may wait a moment."""
        async with asyncio.timeout(60):
            return await asyncio.shield(self._visit(ticket_id))

    def _visit(self, ticket_id: str) -> asyncio.Future[Visit]:
        if ticket_id not in self._issued:
            self._issued[ticket_id] = asyncio.get_running_loop().create_future()
        return self._issued[ticket_id]

    def call(self, ticket: Json, sent: float) -> None:
        """Note a call, with the moment (the loop's clock) when its command was first sent."""
        self.called += 1
        self._sent[ticket["number"]] = sent

    def watch_board(self, _feed: FeedState, message: Json, arrived: float) -> None:
        """Note when the display showed each call for the first time."""
        shown = (event["call"] for event in message.get("events", ()) if event.get("call"))
        for call in shown if message["type"] == "delta" else message.get("state", {}).get("calls", ()):
            self._shown.setdefault(call["number"], arrived)

    def serve(self, ticket: Json, speed: float) -> None:
        """Note how long a customer whose serving began had waited, in trace seconds."""
        waited = datetime.fromisoformat(ticket["called_at"]) - datetime.fromisoformat(ticket["arrived_at"])
        self.waits[ticket["tier"]].append(waited.total_seconds() * speed)

    def end(self, ticket_id: str, how: str) -> None:
        """Note that a ticket ended as `served`, `left` or `no_show`; a second end is an error."""
        if (before := self.ends.setdefault(ticket_id, how)) != how:
            self.error(f"ticket {ticket_id} ended as {before} and as {how}")
        self._conclude()

    def _conclude(self) -> None:
        self._progress()
        if self.concluded >= self.expected:
            self.settled.set()

    def count(self, how: str) -> int:
        """Return how many tickets ended that way."""
        return sum(1 for end in self.ends.values() if end == how)

    def display_delays(self) -> list[float]:
        """Return the real seconds from sending each call to its arrival at the display."""
        return [self._shown[number] - sent for number, sent in self._sent.items() if number in self._shown]

    def never_shown(self) -> list[str]:
        """Return the numbers that were called and never reached the display."""
        return sorted(self._sent.keys() - self._shown.keys())
