"""Who stands at the door of the feed, and how many may."""

from functools import partial
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from queue_server.core.ids import BranchId
from queue_server.push.hello import Wish
from queue_server.push.refusals import unavailable
from queue_server.push.turnstile import Turnstile

_LET_OUT_AT_ONCE = 8
"""In one turn of the event loop: what the library does for each takes a tenth of a millisecond."""


class Guest(ServerConnection):
    """A connection with what was learned of it at the handshake. `token` is None until it has been accepted."""

    branch_id: BranchId
    wish: Wish
    token: str | None = None
    is_stranger = False
    peer = ""

    def __init__(self, *args: Any, guests: "Guests", **options: Any) -> None:
        super().__init__(*args, **options)
        self._guests = guests

    def connection_made(self, transport: Any) -> None:
        """Stand at the door from the first byte on, long before the library knows of a connection."""
        super().connection_made(transport)
        self.peer = (transport.get_extra_info("peername") or ("",))[0]
        self._guests.present.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Be gone at once for whoever tells screens, and let the library clear up when it is one's turn: a cut loses a thousand at once."""
        self._guests.lose(self)
        self.protocol.receive_eof()
        self._guests.way_out.line_up(partial(super().connection_lost, exc))


class Guests:
    """
    All that are connected, in two bounds: screens, whose token has been accepted, and strangers, whose token is still to come.

    Strangers take no place of a screen, and those of one address not all of the others' places.
    """

    def __init__(self, screens: int, strangers: int, strangers_of_peer: int) -> None:
        self.present: set[Guest] = set()
        self.way_out = Turnstile(_LET_OUT_AT_ONCE)
        self._admitted = 0
        self._screens = screens
        self._strangers = strangers
        self._strangers_of_peer = strangers_of_peer

    def wait(self, guest: Guest) -> None:
        """Let *guest* wait for its token to come. Raises Refusal."""
        peers = [other.peer for other in self.present if other.is_stranger]
        if len(peers) >= self._strangers or peers.count(guest.peer) >= self._strangers_of_peer:
            raise unavailable("As many connections as allowed wait for their token")
        guest.is_stranger = True

    def admit(self, guest: Guest, token: str) -> None:
        """Make *guest* a screen, by *token*. Raises Refusal."""
        # Counted as they come and go: a thousand that come at once would else look at each other a million times.
        if self._admitted >= self._screens:
            raise unavailable("As many screens as allowed are connected")
        guest.token, guest.is_stranger = token, False
        self._admitted += guest in self.present

    def lose(self, guest: Guest) -> None:
        """Let *guest* go."""
        if guest in self.present:
            self.present.remove(guest)
            self._admitted -= guest.token is not None

    def abort_unopened(self) -> None:
        """End the connections that have said too little to be told why."""
        for guest in list(self.present):
            if guest.protocol.state is State.CONNECTING:
                guest.transport.abort()

    def abort(self) -> None:
        """End all connections without a word."""
        for guest in list(self.present):
            guest.transport.abort()
