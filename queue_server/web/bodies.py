"""What the body of each command may hold. An empty body is `{}`; an unknown field is a fault, since it may be a misspelt one."""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from queue_server.core.configuration import Behind, Position
from queue_server.wire.constraints import BehindBody, Care, Language, Reference, ShortText, Subject, Text, WantedPosition
from queue_server.wire.reading import Invalid, faults_in


class Body(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of all bodies, and the body of a command that needs nothing."""


def position(wanted: WantedPosition | None) -> Position | None:
    """Return the core's position; None leaves it to the branch's rules."""
    return Behind(wanted.behind) if isinstance(wanted, BehindBody) else wanted


THEN_MAX = 4
ServicesToCome: TypeAlias = Annotated[
    tuple[Reference, ...], Meta(max_length=THEN_MAX, extra={"right": f"a list of at most {THEN_MAX} services"})
]


class IssueBody(Body, frozen=True, kw_only=True):
    """
    A customer takes a ticket; `then` are the services that follow in the same visit.

    `identity` is never kept. Where it is an object with a `card_class`, that and its being there serve to find tier, care and zone.
    """

    service: Reference
    then: ServicesToCome | None = None
    tier: Reference | None = None
    identity: Any = None
    care: Care | None = None
    language: Language | None = None
    channel: ShortText | None = None


def card_class(identity: Any) -> str | None:
    """
    Return what the customer's identity was found to be, where it says so.

    Raises:
        Invalid: it is not a short text. What else an identity holds is nobody's business here.
    """
    stated = identity.get("card_class") if isinstance(identity, dict) else None
    faults = faults_in(stated, ShortText | None, "identity.card_class")
    if faults:
        raise Invalid(faults)
    return stated


class OpenBody(Body, frozen=True, kw_only=True):
    """A counter opens; `staff` only for those who may act for others."""

    profile: Reference | None = None
    staff: Subject | None = None
    take_over: bool = False


class ProfileBody(Body, frozen=True, kw_only=True):
    """Another profile; null is the counter's own."""

    profile: Reference | None = None


class ReasonBody(Body, frozen=True, kw_only=True):
    """A reason, where there is one."""

    reason: Text | None = None


class FinishPart(Body, frozen=True, kw_only=True):
    """How the present ticket ends."""

    outcome: Text | None = None


class CallNextBody(Body, frozen=True, kw_only=True):
    """With `finish` the ticket being served ends by the same command."""

    finish: FinishPart | None = None


class ServeBody(Body, frozen=True, kw_only=True):
    """Somebody without a ticket is served at once."""

    service: Reference
    tier: Reference | None = None


class CallBody(Body, frozen=True, kw_only=True):
    """This ticket, out of its turn; `override` also past the counter's profile, with a reason."""

    ticket: Reference
    override: bool = False
    reason: Text | None = None


class StepBody(Body, frozen=True, kw_only=True):
    """A step of a ticket; `counter` guards against acting on one that has gone elsewhere meanwhile."""

    counter: Reference | None = None
    reason: Text | None = None
    outcome: Text | None = None


class ParkBody(Body, frozen=True, kw_only=True):
    """The customer is put aside, and stays with this `counter` or may be taken up by any of the `service`."""

    kind: Literal["counter", "service"] = "counter"
    counter: Reference | None = None
    reason: Text | None = None


class UnparkBody(Body, frozen=True, kw_only=True):
    """The customer is served on: at `counter`, or where whoever asks sits, or else where it was parked."""

    counter: Reference | None = None


class RequeueBody(Body, frozen=True, kw_only=True):
    """Back to waiting; unless it is said where, when it is due, and at the front for one parked for any counter of the service."""

    position: WantedPosition | None = None
    counter: Reference | None = None
    reason: Text | None = None


class TransferBody(Body, frozen=True, kw_only=True):
    """On to another service, counter, zone or person; at least one of them."""

    service: Reference | None = None
    counter: Reference | None = None
    zone: Reference | None = None
    staff: Subject | None = None
    position: WantedPosition | None = None
    reason: Text | None = None


class MoveBody(Body, frozen=True, kw_only=True):
    """
    How a waiting ticket shall wait from now on, and why.

    `zone` null: no longer for any zone, counter or person in particular, for one whose counter or person is no longer there.
    """

    reason: Text
    service: Reference | None = None
    tier: Reference | None = None
    zone: Reference | UnsetType | None = UNSET
    emergency: bool | None = None


class CloseDayBody(Body, frozen=True, kw_only=True):
    """Why the day ends early."""

    reason: Text
