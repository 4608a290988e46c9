"""Short ways to write claims and their rows."""

from queue_server.core.ids import BranchId, Day, Instant
from queue_server.eventlog.port import Claim, Head, Row

MONDAY, TUESDAY = "2026-11-23", "2026-11-24"
NOON = 1_795_435_200_000


def row(branch_id: BranchId, day: Day, seq: int, command_id: str = "", request: bytes | None = None) -> Row:
    command_id = command_id or f"kiosk-1:{branch_id}:{day}:{seq}"
    return Row(branch_id, day, seq, NOON + seq, "TicketIssued", 1, command_id, "kiosk:1", request, b'{"number":"A%03d"}' % seq)


def claim(branch_id: BranchId, after: int, count: int = 1, day: Day = MONDAY, wakes_at: Instant | None = None) -> Claim:
    """Claim *count* facts after *after*; 0 makes the branch."""
    rows = [row(branch_id, day, after + n) for n in range(1, count + 1)]
    return Claim((day, after) if after else None, Head(branch_id, day, after + count, True, wakes_at), rows)
