"""What a branch's views and events look like on the wire, as plain JSON."""

import msgspec

from queue_server.core.changes import Change
from queue_server.core.configuration import Configuration
from queue_server.core.state import BranchState
from queue_server.wire.events import board_event, staff_event
from queue_server.wire.states import board_state, staff_state
from tests.faults.history import Json


def shown(state: BranchState, view: str) -> Json:
    """Return *state* as *view* shows it; the outlook is that of the last fact's moment."""
    form = board_state(state, state.last_at) if view == "board" else staff_state(state, state.last_at)
    content: Json = msgspec.json.decode(msgspec.json.encode(form))
    return content


def told(change: Change, rules: Configuration, view: str) -> Json | None:
    """Return what *view* is told of *change*; None when nothing."""
    form = board_event(change, rules) if view == "board" else staff_event(change, rules)
    if form is None:
        return None
    content: Json = msgspec.json.decode(msgspec.json.encode(form))
    return content
