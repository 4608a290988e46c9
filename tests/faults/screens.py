"""What the screens were sent, held against the facts: no fact that is not there, none left out, each as it was."""

import copy
from collections import defaultdict
from collections.abc import Sequence

import msgspec

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
            if differing := _differing(comparable(state), comparable(shown(moment.state, view))):
                self.faults.append(("shown", f"{what} at {moment.last} is not the {view} there: {differing}"))
        for view, events in self._told.items():
            for place, change in enumerate(moment.changes, moment.first):
                if (event := told(change, moment.state.rules, view)) is not None:
                    events[place] = event
        if moment.last == self._last:
            self._judge_deltas()
            self.faults += [
                ("shown", f"{each[2]} stands at {at}, in the middle of a command")
                for at, all_ in self._states.items()
                for each in all_
            ]

    def _read(self, screen: Screen) -> None:
        self.faults += [("feed_gap", gap) for gap in screen.gaps]
        feed = FeedState()
        for raw in screen.messages:
            message, before = msgspec.json.decode(raw), feed.seq
            try:
                feed.take(message)
            except FeedGap as gap:
                self.faults.append(("feed_gap", str(gap)))
                return
            if message["type"] == "snapshot":
                self._expect(screen.view, feed, "a snapshot")
            elif message["type"] == "delta":
                # Read again: the reduced state shares what it took, and goes on changing it.
                self._place_delta(screen.view, feed, before, msgspec.json.decode(raw)["events"])
        if feed.epoch is not None:
            self._expect(screen.view, feed, "what a screen showed in the end")

    def _expect(self, view: _View, feed: FeedState, what: str) -> None:
        place = self._places.of(feed.day or "", feed.seq)
        if place is None:
            self.faults.append(("shown", f"{what} stands at {feed.day}:{feed.seq}, which is not in the log"))
        else:
            self._states[place].append((view, copy.deepcopy(feed.state), what))

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


def _differing(shows: Json, is_there: Json) -> str:
    """Name the parts that differ, with the entries of each that do; nothing when none does."""
    parts = []
    for name in shows.keys() | is_there.keys():
        one, other = shows.get(name), is_there.get(name)
        if one != other:
            if isinstance(one, list) and isinstance(other, list):
                one, other = [entry for entry in one if entry not in other], [entry for entry in other if entry not in one]
            parts.append(f"{name}: {one} instead of {other}"[:600])
    return "; ".join(parts)
