"""What a screen may follow: a view of a branch, perhaps of one zone or counter only."""

from enum import StrEnum

from msgspec import Struct

from queue_server.core.changes import Change
from queue_server.core.configuration import Configuration
from queue_server.core.ids import BranchId, CounterId, Instant, ZoneId
from queue_server.core.state import BranchState
from queue_server.wire.events import BoardEvent, StaffEvent, board_event, staff_event
from queue_server.wire.states import BoardState, StaffState, board_state, staff_state


class View(StrEnum):
    """Whom the feed speaks to: everybody in the hall, or the staff."""

    BOARD = "board"
    STAFF = "staff"


class Following(Struct, frozen=True):
    """What a screen follows; screens that follow the same are told the same. *zone* and *counter* choose on the board only."""

    branch_id: BranchId
    view: View
    zone: ZoneId | None = None
    counter: CounterId | None = None

    def show(self, state: BranchState, at: Instant) -> BoardState | StaffState:
        """Return all that is shown of *state* at *at*."""
        return staff_state(state, at) if self.view is View.STAFF else board_state(state, at, self.zone, self.counter)

    def tell(self, change: Change, rules: Configuration) -> BoardEvent | StaffEvent | None:
        """Return what *change*, under *rules*, means here; None when nothing that is shown has changed."""
        return staff_event(change, rules) if self.view is View.STAFF else self._told_on_board(change, rules)

    def _told_on_board(self, change: Change, rules: Configuration) -> BoardEvent | None:
        event = board_event(change, rules, self.zone, self.counter)
        if event is None or change.counter is None:
            # A fact about no counter at all (the day closed early) concerns every screen.
            return event
        # One about another zone's counter says nothing here.
        return event if event.counter or event.call or event.withdrawn or event.services else None
