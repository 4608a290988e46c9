"""
What the calendar says about one business day, as UTC instants: the core knows no time zone.

It is worked out when a configuration takes effect, is part of that fact, and so holds on every replay whatever the machine's
time zone data says by then.
"""

from msgspec import Struct

from queue_server.core.ids import Instant, Millis, ServiceId, TierId


class Window(Struct, frozen=True, omit_defaults=True, gc=False):
    """One opening: tickets are given from `opens_at` until before `last_ticket_at`; the doors shut at `closes_at`."""

    opens_at: Instant
    last_ticket_at: Instant
    closes_at: Instant


class Timetable(Struct, frozen=True, omit_defaults=True, gc=False):
    """
    The openings of the day, the promises that hold today, and the time of the arrival rules that have one.

    `windows` None: round the clock. `services` and `services_reopen` name only services with hours of their own. `reopens_at` is the
    first opening after this day (None: none is in sight). `arrivals` are the spans in which arrival rules with a time may hold.
    """

    windows: tuple[Window, ...] | None = None
    reopens_at: Instant | None = None
    services: dict[ServiceId, tuple[Window, ...]] = {}
    services_reopen: dict[ServiceId, Instant] = {}
    target_ms: dict[TierId, Millis] = {}
    service_target_ms: dict[ServiceId, dict[TierId, Millis]] = {}
    arrivals: dict[str, tuple[tuple[Instant, Instant], ...]] = {}

    def windows_of(self, service_id: ServiceId) -> tuple[Window, ...] | None:
        """Return the openings that hold for *service_id*; None: round the clock."""
        return self.services.get(service_id, self.windows)

    def gives_tickets(self, service_id: ServiceId, at: Instant) -> bool:
        """Tell whether a ticket for *service_id* may be had at *at*."""
        windows = self.services.get(service_id, self.windows)
        return windows is None or any(window.opens_at <= at < window.last_ticket_at for window in windows)

    def next_opening(self, service_id: ServiceId, at: Instant) -> Instant | None:
        """Return when tickets for *service_id* are next given after *at*; None when no opening is in sight."""
        later = [window.opens_at for window in self.windows_of(service_id) or () if window.opens_at > at]
        return min(later) if later else self.tomorrow(service_id)

    def tomorrow(self, service_id: ServiceId) -> Instant | None:
        """Return the first opening after this day."""
        return self.services_reopen.get(service_id) if service_id in self.services else self.reopens_at
