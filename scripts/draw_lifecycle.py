"""Draw docs/lifecycle.md from the life-cycle tables; `make docs` runs it, and a test compares."""

from pathlib import Path

from queue_server.core.lifecycle import (
    COUNTER_STEPS,
    ENDS,
    TICKET_STEPS,
    CounterState,
    TicketState,
    counter_steps_from,
    ticket_steps_from,
)

PAGE = Path(__file__).parents[1] / "docs" / "lifecycle.md"


def page() -> str:
    """Return the page as it should be."""
    return "\n".join(
        [
            "# Life cycles",
            "",
            "Drawn from `queue_server/core/lifecycle.py` by `make docs`; a test fails when the two differ.",
            "",
            "## Ticket",
            "",
            *_diagram(_ticket_arrows()),
            "",
            *_table("ticket", [(state.value, ticket_steps_from(state)) for state in TicketState]),
            "",
            f"Ends: {', '.join(f'`{state.value}`' for state in TicketState if state in ENDS)}. A no-show may be reopened while its time",
            "lasts: reinstated, called by the counter where the customer stands, or started by the clerk who raced with the timer.",
            "",
            "## Counter",
            "",
            *_diagram(_counter_arrows()),
            "",
            *_table("counter", [(state.value, counter_steps_from(state)) for state in CounterState]),
            "",
            "`calling` and `serving` follow the ticket that the counter holds; they have no steps of their own.",
            "",
        ]
    )


def _ticket_arrows() -> list[tuple[str, str, str]]:
    arrows = [("[*]", TicketState.WAITING.value, "issue")]
    for step, (sources, target) in TICKET_STEPS.items():
        arrows += [(source.value, target.value, step.value) for source in sources]
    return arrows + [(state.value, "[*]", "") for state in TicketState if state in ENDS]


def _counter_arrows() -> list[tuple[str, str, str]]:
    arrows = [("[*]", CounterState.CLOSED.value, "")]
    for step, (sources, target) in COUNTER_STEPS.items():
        arrows += [(source.value, (target or source).value, step.value) for source in sources]
    follows = [
        ("open", "calling", "call"),
        ("calling", "serving", "start"),
        ("calling", "open", "no-show, requeue, transfer, cancel"),
    ]
    return [*arrows, *follows, ("serving", "open", "finish, requeue, transfer")]


def _diagram(arrows: list[tuple[str, str, str]]) -> list[str]:
    merged: dict[tuple[str, str], list[str]] = {}
    for source, target, label in arrows:
        merged.setdefault((source, target), []).append(label)
    lines = [f"    {s} --> {t}" + (f": {', '.join(labels)}" if any(labels) else "") for (s, t), labels in merged.items()]
    return ["```mermaid", "stateDiagram-v2", *lines, "```"]


def _table(what: str, rows: list[tuple[str, tuple[str, ...]]]) -> list[str]:
    shown = [f"| `{state}` | {', '.join(steps) or 'none'} |" for state, steps in rows]
    return [f"| a {what} that is | allows |", "|---|---|", *shown]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
