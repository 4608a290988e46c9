"""The identifiers and units that every part of the system shares."""

from typing import TypeAlias

BranchId: TypeAlias = str
CounterId: TypeAlias = str
ProfileId: TypeAlias = str
ServiceId: TypeAlias = str
StaffId: TypeAlias = str
TicketId: TypeAlias = str
TierId: TypeAlias = str
ZoneId: TypeAlias = str

Day: TypeAlias = str
"""A business day as an ISO date, "2026-11-23"; it names a stream, it is never computed from a clock here."""

Instant: TypeAlias = int
"""Milliseconds since the epoch, UTC."""

Millis: TypeAlias = int
"""A duration in milliseconds."""
