"""The tables: what they promise to be, and the page that is drawn from them."""

import runpy
from pathlib import Path

from queue_server.core.lifecycle import COUNTER_STEPS, ENDS, OPEN_STATES, TICKET_STEPS, CounterStep, TicketState, TicketStep

ROOT = Path(__file__).parents[2]


def test_the_page_is_drawn_from_the_tables() -> None:
    drawn = runpy.run_path(str(ROOT / "scripts" / "draw_lifecycle.py"))["page"]()
    assert (ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8") == drawn, "run make docs"


def test_every_step_stands_in_the_tables_once() -> None:
    assert set(TICKET_STEPS) == set(TicketStep)
    assert set(COUNTER_STEPS) == set(CounterStep)


def test_a_state_is_open_or_an_end() -> None:
    assert set(TicketState) == OPEN_STATES | ENDS
    assert not OPEN_STATES & ENDS


def test_only_a_no_show_is_reopened() -> None:
    reopened = {
        source for sources, target in TICKET_STEPS.values() if target in OPEN_STATES for source in sources if source in ENDS
    }
    assert reopened == {TicketState.NO_SHOW}
