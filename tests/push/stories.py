"""
Conversations of the feed as the server's own code has them, kept as golden files for the screens' reducer.

`python -m tests.push.stories` writes them anew after a wanted change of the forms; look at the difference before it is committed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from queue_server.core import commands as c
from queue_server.core.changes import Change
from queue_server.core.configuration import ElasticRule, Template
from queue_server.core.ticket import ParkKind
from queue_server.push.channel import Channel
from queue_server.push.messages import snapshot_frame
from queue_server.push.recent import Recent
from queue_server.push.views import Following, View
from tests.push.hall import Hall, configuration

Json = dict[str, Any]
GOLDEN = Path(__file__).parents[1] / "golden" / "feed"
EPOCH = "7450000000000000001-1-a"
RULES = configuration(
    elastic=(ElasticRule("rush", ("1",), "cash", service="cash", waiting=2, back_waiting=1),),
    announcements=(Template("closing", {"en": "We close in ten minutes.", "de": "Wir schließen in zehn Minuten."}),),
)
PLAIN = configuration(announcements=RULES.announcements, carry_over=True)


class Story(Struct):
    """What happens before the screen connects, and while it follows; each of these is a commit of its own."""

    name: str
    about: str
    view: View
    before: Callable[[Hall], None]
    then: list[Callable[[Hall], list[Change]]]
    is_elastic: bool = False

    def tell(self) -> Json:
        """Return the golden file."""
        hall = Hall(rules=RULES if self.is_elastic else PLAIN)
        self.before(hall)
        following = Following("main", self.view)
        recent = Recent(hall.state.day, hall.state.seq, 100)
        channel = Channel(following, recent, EPOCH)
        first = snapshot_frame(EPOCH, hall.state.day, hall.state.seq, following.show(hall.state, hall.at))
        deltas, seq = [], hall.state.seq
        for step in self.then:
            delta = channel.delta(step(hall), hall.state.rules)
            if delta is not None:
                deltas.append(msgspec.json.decode(delta.frame(seq)))
                seq = delta.seq
        final = msgspec.json.decode(msgspec.json.encode(following.show(hall.state, hall.at)))
        return {
            "about": self.about,
            "view": self.view.value,
            "snapshot": msgspec.json.decode(first),
            "deltas": deltas,
            "final": {"seq": seq, "state": final},
        }

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return GOLDEN / f"{self.name}.json"


def do(command: type[c.Command], /, **fields: Any) -> Callable[[Hall], list[Change]]:
    """Give a command, five seconds after the one before unless it says otherwise."""
    return lambda hall: hall.do(command, **{"after_ms": 5_000, **fields})


def serve(hall: Hall, ticket: str, counter: str = "1") -> None:
    """Call *ticket* and begin to serve it."""
    hall.do(c.CallTicket, counter=counter, ticket=ticket, after_ms=20_000)
    hall.do(c.StartServing, ticket=ticket, after_ms=4_000)


def _waiting(*services: str, then: tuple[str, ...] = ()) -> Callable[[Hall], None]:
    def before(hall: Hall) -> None:
        hall.open_counter("1")
        hall.open_counter("3")
        for service in services:
            hall.issue(service, then=then)

    return before


def _serving(*services: str, then: tuple[str, ...] = ()) -> Callable[[Hall], None]:
    def before(hall: Hall) -> None:
        _waiting(*services, then=then)(hall)
        serve(hall, next(iter(hall.state.tickets)))

    return before


def _carried(*services: str) -> Callable[[Hall], None]:
    def before(hall: Hall) -> None:
        _waiting(*services)(hall)
        hall.do(c.CancelTicket, ticket=next(iter(hall.state.tickets)))
        hall.roll()

    return before


def step(command: type[c.Command], index: int, /, **fields: Any) -> Callable[[Hall], list[Change]]:
    """Give a command about the ticket issued as *index*-th."""
    return lambda hall: do(command, ticket=list(hall.state.tickets)[index], **fields)(hall)


STORIES = [
    Story(
        "stages",
        "A visit of two services: after the first the customer waits for the second, is called for it elsewhere, and has finished.",
        View.STAFF,
        _serving("cash", then=("loans",)),
        [
            step(c.FinishServing, 0, counter="1", outcome="paid"),
            do(c.CallNext, counter="3", after_ms=60_000),
            step(c.StartServing, 0),
            do(c.IssueTicket, ticket_id="late", service="cash"),
            step(c.FinishServing, 0, after_ms=120_000),
        ],
    ),
    Story(
        "park_and_unpark",
        "Two customers are put aside, one with the counter and one with the service; both are taken up, and closing gives one to all.",
        View.STAFF,
        _serving("cash", "loans"),
        [
            step(c.ParkTicket, 0, reason="form"),
            do(c.CallNext, counter="1"),
            step(c.StartServing, 1),
            step(c.ParkTicket, 1, kind=ParkKind.SERVICE),
            step(c.UnparkTicket, 0, after_ms=90_000),
            step(c.UnparkTicket, 1, counter="3"),
            step(c.ParkTicket, 0),
            do(c.CloseCounter, counter="1", reason="lunch"),
        ],
    ),
    Story(
        "parked_and_back_in_line",
        "The hall: a parked customer goes back to waiting while the counter that kept the ticket serves another, whose number stays up.",
        View.BOARD,
        _serving("cash", "cash"),
        [
            step(c.ParkTicket, 0),
            do(c.CallNext, counter="1"),
            step(c.StartServing, 1),
            step(c.RequeueTicket, 0, position="back"),
        ],
    ),
    Story(
        "undo_of_a_call",
        "The hall: a call by mistake is taken back, so the number goes from the board and waits again.",
        View.BOARD,
        _serving("cash", "loans"),
        [do(c.CallNext, counter="3"), step(c.UndoStep, 1)],
    ),
    Story(
        "undo_of_a_finish",
        "One who was finished with the call of the next is being served again, where they stood in the list; the next goes back.",
        View.STAFF,
        _serving("cash", "cash", "loans"),
        [do(c.CallNext, counter="1", finish=True), step(c.UndoStep, 0)],
    ),
    Story(
        "help_and_switched_counter",
        "A counter calls for help; an elastic rule gives it another profile while many wait; somebody comes to help.",
        View.STAFF,
        _waiting("cash"),
        [
            do(c.CallForHelp, counter="1", reason="forged note"),
            do(c.IssueTicket, ticket_id="second", service="cash"),
            do(c.ApplyDeadlines, after_ms=0),
            do(c.AcknowledgeHelp, counter="1", after_ms=40_000),
        ],
        is_elastic=True,
    ),
    Story(
        "carried_over",
        "Two have waited over the night, number and place are theirs still; a new customer gets the first number that is free.",
        View.STAFF,
        _carried("cash", "loans", "cash"),
        [
            do(c.OpenCounter, counter="1", profile="all"),
            do(c.IssueTicket, ticket_id="early", service="cash"),
            do(c.IssueTicket, ticket_id="later", service="cash"),
            do(c.CallNext, counter="1"),
        ],
    ),
    Story(
        "announcements",
        "Notices come up newest first, prepared ones with their text, notes without; five are kept.",
        View.BOARD,
        _waiting("cash"),
        [
            do(c.Announce, announcement="n1", template="closing"),
            do(c.Announce, announcement="n2", zone="vip"),
            *[do(c.Announce, announcement=f"n{n}", template="closing", zone="hall") for n in range(3, 7)],
        ],
    ),
]


def write() -> None:
    """Write all of them anew."""
    for story in STORIES:
        story.path.write_bytes(msgspec.json.format(msgspec.json.encode(story.tell()), indent=2) + b"\n")


if __name__ == "__main__":
    write()
