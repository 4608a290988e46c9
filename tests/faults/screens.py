"""What the screens were sent, held against the facts: no fact that is not there, none left out, each as it was."""

from collections import defaultdict
from collections.abc import Sequence

from queue_server.drive.reducer import FeedGap, FeedState, comparable
from tests.faults.history import Json, Screen
from tests.faults.placing import Places
from tests.faults.replaying import Moment
from tests.faults.showing import shown, told

_View = str


class Screens:
    """
    The screens of one branch, judged while its stream is replayed.

    Each message is read as a screen reads it. Snapshots, and what a screen shows at its last message, must be the state at their
    place; a delta must tell of every fact since the one before it that its view shows, as the core makes it.
    """

    def __init__(self, screens: Sequence[Screen], places: Places) -> None:
        self.faults: list[tuple[str, str]] = []
        self._places = places
        self._states: dict[int, list[tuple[_View, Json, str]]] = defaultdict(list)
        self._deltas: dict[_View, list[tuple[int, int, list[Json]]]] = defaultdict(list)
        self._told: dict[_View, dict[int, Json]] = {screen.view: {} for screen in screens}
        self._last = len(places.events)
        for screen in screens:
            self._read(screen)

    def pass_by(self, moment: Moment) -> None:
        """Judge what was shown at *moment*."""
        for view, state, what in self._states.pop(moment.last, ()):
            if comparable(state) != comparable(shown(moment.state, view)):
                self.faults.append(("shown", f"{what} at {moment.last} is not the {view} there"))
        for view, events in self._told.items():
            for place, change in enumerate(moment.changes, moment.first):
                if (event := told(change, moment.state.rules, view)) is not None:
                    events[place] = event
        if moment.last == self._last:
            self._judge_deltas()

    def _read(self, screen: Screen) -> None:
        feed = FeedState()
        for message in screen.messages:
            if message is None:
                continue
            before = feed.seq
            try:
                feed.take(message)
            except FeedGap as gap:
                self.faults.append(("feed_gap", str(gap)))
                return
            if message["type"] == "snapshot":
                self._expect(screen.view, feed, "a snapshot")
            elif message["type"] == "delta":
                self._place_delta(screen.view, feed, before, message["events"])
        if feed.epoch is not None:
            self._expect(screen.view, feed, "what a screen showed in the end")

    def _expect(self, view: _View, feed: FeedState, what: str) -> None:
        place = self._places.of(feed.day or "", feed.seq)
        if place is None:
            self.faults.append(("shown", f"{what} stands at {feed.day}:{feed.seq}, which is not in the log"))
        else:
            # A copy by value: the state goes on changing.
            self._states[place].append((view, _copied(feed.state), what))

    def _place_delta(self, view: _View, feed: FeedState, before: int, events: list[Json]) -> None:
        first, last = self._places.of(feed.day or "", before), self._places.of(feed.day or "", feed.seq)
        if first is None or last is None:
            self.faults.append(("shown", f"a delta leads to {feed.day}:{feed.seq}, which is not in the log"))
        else:
            self._deltas[view].append((first, last, events))

    def _judge_deltas(self) -> None:
        for view, deltas in self._deltas.items():
            facts = self._told[view]
            for first, last, events in deltas:
                if events != [facts[place] for place in range(first + 1, last + 1) if place in facts]:
                    seqs = [event["seq"] for event in events]
                    self.faults.append(
                        ("shown", f"a delta of the {view} after {first} up to {last} tells of {seqs}, not what is there")
                    )


def _copied(state: Json) -> Json:
    return {name: [dict(entry) for entry in value] if isinstance(value, list) else value for name, value in state.items()}
