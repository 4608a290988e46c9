"""What each role may do: one table, read by HTTP and the feed alike."""

from enum import StrEnum

from msgspec import Struct

from queue_server.core.ids import BranchId


class Role(StrEnum):
    """Who holds a token."""

    KIOSK = "kiosk"
    DISPLAY = "display"
    STAFF = "staff"
    MANAGER = "manager"
    TICKET = "ticket"
    METRICS = "metrics"
    ADMIN = "admin"


class Deed(StrEnum):
    """Something that a role may or may not do."""

    SEE_BOARD = "see_board"  # the board feed
    SEE_SERVICES = "see_services"
    SEE_HALL = "see_hall"  # tickets, counters, events; the staff feed
    SEE_CONFIGURATION = "see_configuration"
    SEE_OWN_TICKET = "see_own_ticket"  # the ticket that the token was made for
    ISSUE = "issue"
    SERVE = "serve"  # the commands of a counter and its tickets; with a seat only at one's own
    CANCEL_OWN_TICKET = "cancel_own_ticket"
    OVERSEE = "oversee"  # any counter, any person, overrides, emergencies
    ANNOUNCE = "announce"  # notices to the hall, and deleting their texts; whoever sees the board may read them
    CLOSE_DAY = "close_day"
    CONFIGURE = "configure"
    CREATE_BRANCH = "create_branch"
    SCRAPE = "scrape"


_KIOSK = frozenset({Deed.SEE_BOARD, Deed.SEE_SERVICES, Deed.ISSUE})
_STAFF = frozenset({Deed.SEE_BOARD, Deed.SEE_SERVICES, Deed.SEE_HALL, Deed.SEE_CONFIGURATION, Deed.ISSUE, Deed.SERVE})

MAY: dict[Role, frozenset[Deed]] = {
    Role.KIOSK: _KIOSK,
    Role.DISPLAY: frozenset({Deed.SEE_BOARD}),
    Role.STAFF: _STAFF,
    Role.MANAGER: _STAFF | {Deed.OVERSEE, Deed.ANNOUNCE, Deed.CLOSE_DAY, Deed.CONFIGURE},
    Role.TICKET: frozenset({Deed.SEE_OWN_TICKET, Deed.CANCEL_OWN_TICKET}),
    Role.METRICS: frozenset({Deed.SCRAPE}),
    Role.ADMIN: frozenset(Deed) - {Deed.SEE_OWN_TICKET, Deed.CANCEL_OWN_TICKET},
}


class Principal(Struct, frozen=True):
    """Whoever a token stands for: a subject (for staff the person), a role, and the branches it is for (None: all)."""

    subject: str
    role: Role
    branches: frozenset[BranchId] | None = None

    def may(self, deed: Deed) -> bool:
        """Tell whether the role allows *deed*."""
        return deed in MAY[self.role]

    def is_for(self, branch_id: BranchId) -> bool:
        """Tell whether the token is for this branch."""
        return self.branches is None or branch_id in self.branches

    @property
    def actor(self) -> str:
        """How facts name it."""
        return f"{self.role}:{self.subject}"

    @property
    def seat(self) -> str | None:
        """The person it acts for; None acts for the branch."""
        return self.subject if self.role is Role.STAFF else None
