"""Feed messages of a small branch, as a server would send them."""

from typing import Any

Json = dict[str, Any]


def ticket(number: str, state: str = "waiting", **changes: Any) -> Json:
    """Build a ticket of the staff view; its id is made of its number."""
    base: Json = {"ticket_id": f"t-{number}", "number": number, "service": "PS", "tier": "0", "state": state, "counter": None}
    base |= {"issued_at": f"2026-01-01T09:00:00.{number[1:]}Z", "stages": [{"service": "PS", "state": state}]}
    return {**base, "waited_seconds": 1.0, "ahead": 3, "p50_seconds": 5, "p90_seconds": 9, **changes}


def counter(number: str, state: str = "open", held: str | None = None, **changes: Any) -> Json:
    """Build a counter of the staff view."""
    return {"id": number, "number": number, "state": state, "ticket": held, "parked": [], "profile": "all", **changes}


def staff_snapshot(seq: int = 3, tickets: tuple[Json, ...] = (), counters: tuple[Json, ...] = (), waiting: int = 0) -> Json:
    """Build a snapshot of the staff view."""
    service = {"id": "PS", "name": {"en": "Cash"}, "waiting": waiting, "ahead": 0, "open": True, "p50_seconds": 0, "p90_seconds": 0}
    state = {"branch": {"id": "b"}, "tickets": list(tickets), "counters": list(counters), "calls": [], "notices": []}
    state["services"] = [service]
    return {"type": "snapshot", "epoch": "e", "day": "2026-01-01", "seq": seq, "state": state}


def delta(prev: int, *events: Json) -> Json:
    """Build a delta that ends with the last of *events*."""
    return {"type": "delta", "day": "2026-01-01", "prev": prev, "seq": events[-1]["seq"], "events": list(events)}


def issued(seq: int, number: str, waiting: int = 1, **changes: Any) -> Json:
    """Build the event of an issue after which *waiting* wait."""
    event = {"seq": seq, "at": "2026-01-01T10:00:00.000Z", "name": "TicketIssued", "ticket": ticket(number, **changes)}
    return {**event, "services": [{"id": "PS", "waiting": waiting}]}


def called(seq: int, number: str, at_counter: str = "1", waiting: int = 0, **changes: Any) -> Json:
    """Build the event of a call to a counter after which *waiting* wait."""
    call = {
        "seq": seq,
        "at": "2026-01-01T10:00:01.000Z",
        "number": number,
        "ticket_id": f"t-{number}",
        "counter": at_counter,
        "recalls": 0,
    }
    return {
        "seq": seq,
        "at": call["at"],
        "name": "TicketCalled",
        "ticket": ticket(number, "called", counter=at_counter, **changes),
        "counter": counter(at_counter, "calling", f"t-{number}"),
        "call": call,
        "services": [{"id": "PS", "waiting": waiting}],
    }


def ended(seq: int, number: str, state: str = "cancelled", **changes: Any) -> Json:
    """Build the event of a ticket's end after which nobody waits."""
    names = {"cancelled": "TicketCancelled", "finished": "ServingFinished", "expired": "TicketExpired"}
    event = {"seq": seq, "at": "2026-01-01T10:00:02.000Z", "name": names[state], "ticket": ticket(number, state)}
    return {**event, "services": [{"id": "PS", "waiting": 0}], **changes}
