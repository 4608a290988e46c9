"""What the policy of conditions goes by: queues, an ordered list of rules, and an order for when none of them holds."""

from msgspec import Struct

from queue_server.core.ids import Millis, ProfileId, ServiceId, TierId
from queue_server.core.waiting import LineKey

QueueId = str | None
"""A queue of the plan; None: whoever is in none of them."""


class Queue(Struct, frozen=True, omit_defaults=True):
    """Some of the waiting: those of these services and tiers (None: of all)."""

    id: str
    services: list[ServiceId] | None = None
    tiers: list[TierId] | None = None

    def fits(self, key: LineKey) -> bool:
        """Tell whether tickets of the line *key* may belong to it."""
        return (self.services is None or key.service in self.services) and (self.tiers is None or key.tier in self.tiers)


class Rule(Struct, frozen=True, omit_defaults=True):
    """
    Call from the queue `call` if what is named of the queue `of` (None: the same) holds.

    `fewer_than`: so many have not yet been called from it in this round; `waited_ms`: its first has waited longer. `profiles` are
    those for whose counters the rule is (None: all).
    """

    call: str
    of: str | None = None
    fewer_than: int | None = None
    waited_ms: Millis | None = None
    profiles: list[ProfileId] | None = None

    @property
    def looks_at(self) -> str:
        """The queue whose calls and waits the rule looks at."""
        return self.call if self.of is None else self.of


class Plan(Struct, frozen=True, omit_defaults=True):
    """The queues, the rules in order, and the queues to call from when no rule holds, in order; after these by place."""

    queues: list[Queue] = []
    rules: list[Rule] = []
    otherwise: list[str] = []
