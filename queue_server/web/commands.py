"""The commands: for each its address, who may give it, its body, what it asks of the core, and its receipt."""

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Struct

from queue_server.access.roles import Deed, Principal
from queue_server.core import commands as c
from queue_server.core.ticket import ParkKind
from queue_server.runtime.outcomes import Outcome
from queue_server.web import bodies as b
from queue_server.web.identifiers import new_identifier
from queue_server.web.problems import Problem
from queue_server.wire.receipts import CallReceipt, DayReceipt, Receipt, call_receipt, day_receipt, issue_receipt, receipt


class Wish(Struct, frozen=True):
    """A command as it was asked for: by whom, under which id, about which ticket or counter."""

    principal: Principal
    command_id: str
    target: str

    @property
    def who(self) -> dict[str, Any]:
        """What every command carries; the moment is set where it is decided."""
        return {"at": 0, "command_id": self.command_id, "actor": self.principal.actor, "seat": self.principal.seat}

    def need(self, deed: Deed, detail: str) -> None:
        """Refuse when whoever asks may not do *deed*, which only the body made necessary."""
        if not self.principal.may(deed):
            raise Problem("forbidden", detail)


Build: TypeAlias = Callable[[Wish, Any], c.Command]


class CommandRoute(Struct, frozen=True):
    """A command's place in the interface; `path` is below the branch."""

    path: str
    summary: str
    body: type[b.Body]
    build: Build
    deed: Deed = Deed.SERVE
    own_deed: Deed | None = None
    form: type[Struct] = Receipt
    answer: Callable[[Outcome], Struct] = lambda outcome: receipt(outcome.changes)
    status: int = 200


def _called(outcome: Outcome) -> CallReceipt:
    return call_receipt(outcome.changes, outcome.day, outcome.seq)


def _issue(wish: Wish, body: b.IssueBody) -> c.Command:
    return c.IssueTicket(
        at=0,
        command_id=wish.command_id,
        actor=wish.principal.actor,
        ticket_id=new_identifier(),
        service=body.service,
        tier=body.tier,
        care=body.care,
        language=body.language,
        channel=body.channel,
        card_class=None if body.identity is None else b.card_class(body.identity),
        identified=body.identity is not None,
        then=body.then or (),
    )


def _open(wish: Wish, body: b.OpenBody) -> c.Command:
    person = wish.principal.seat
    if person is not None and body.staff not in (None, person):
        raise Problem("forbidden", "Staff open a counter for themselves only.")
    return c.OpenCounter(
        **wish.who, counter=wish.target, profile=body.profile, staff=person or body.staff, take_over=body.take_over
    )


def _profile(wish: Wish, body: b.ProfileBody) -> c.Command:
    return c.ChangeProfile(**wish.who, counter=wish.target, profile=body.profile)


def _pause(wish: Wish, body: b.ReasonBody) -> c.Command:
    return c.PauseCounter(**wish.who, counter=wish.target, reason=body.reason)


def _resume(wish: Wish, _body: b.Body) -> c.Command:
    return c.ResumeCounter(**wish.who, counter=wish.target)


def _close(wish: Wish, body: b.ReasonBody) -> c.Command:
    return c.CloseCounter(**wish.who, counter=wish.target, reason=body.reason)


def _call_next(wish: Wish, body: b.CallNextBody) -> c.Command:
    outcome = None if body.finish is None else body.finish.outcome
    return c.CallNext(**wish.who, counter=wish.target, finish=body.finish is not None, outcome=outcome)


def _call(wish: Wish, body: b.CallBody) -> c.Command:
    if body.override:
        wish.need(Deed.OVERSEE, "Only a manager may call past a counter's profile.")
    return c.CallTicket(**wish.who, counter=wish.target, ticket=body.ticket, override=body.override, reason=body.reason)


def _serve(wish: Wish, body: b.ServeBody) -> c.Command:
    return c.ServeDirectly(**wish.who, counter=wish.target, ticket_id=new_identifier(), service=body.service, tier=body.tier)


def _help(wish: Wish, body: b.ReasonBody) -> c.Command:
    return c.CallForHelp(**wish.who, counter=wish.target, reason=body.reason)


def _acknowledge(wish: Wish, _body: b.Body) -> c.Command:
    return c.AcknowledgeHelp(**wish.who, counter=wish.target)


def _recall(wish: Wish, body: b.StepBody) -> c.Command:
    return c.RecallTicket(**wish.who, ticket=wish.target, counter=body.counter)


def _start(wish: Wish, body: b.StepBody) -> c.Command:
    return c.StartServing(**wish.who, ticket=wish.target, counter=body.counter)


def _finish(wish: Wish, body: b.StepBody) -> c.Command:
    return c.FinishServing(**wish.who, ticket=wish.target, counter=body.counter, outcome=body.outcome)


def _no_show(wish: Wish, body: b.StepBody) -> c.Command:
    return c.RecordNoShow(**wish.who, ticket=wish.target, counter=body.counter, reason=body.reason)


def _reinstate(wish: Wish, body: b.StepBody) -> c.Command:
    return c.ReinstateTicket(**wish.who, ticket=wish.target, counter=body.counter, reason=body.reason)


def _cancel(wish: Wish, body: b.StepBody) -> c.Command:
    return c.CancelTicket(**wish.who, ticket=wish.target, counter=body.counter, reason=body.reason)


def _park(wish: Wish, body: b.ParkBody) -> c.Command:
    return c.ParkTicket(**wish.who, ticket=wish.target, counter=body.counter, kind=ParkKind(body.kind), reason=body.reason)


def _unpark(wish: Wish, body: b.UnparkBody) -> c.Command:
    return c.UnparkTicket(**wish.who, ticket=wish.target, counter=body.counter)


def _undo(wish: Wish, body: b.StepBody) -> c.Command:
    return c.UndoStep(**wish.who, ticket=wish.target, counter=body.counter)


def _requeue(wish: Wish, body: b.RequeueBody) -> c.Command:
    return c.RequeueTicket(
        **wish.who, ticket=wish.target, counter=body.counter, position=b.position(body.position), reason=body.reason
    )


def _transfer(wish: Wish, body: b.TransferBody) -> c.Command:
    return c.TransferTicket(
        **wish.who,
        ticket=wish.target,
        service=body.service,
        counter=body.counter,
        zone=body.zone,
        staff=body.staff,
        position=b.position(body.position),
        reason=body.reason,
    )


def _move(wish: Wish, body: b.MoveBody) -> c.Command:
    if body.emergency is not None:
        wish.need(Deed.OVERSEE, "Only a manager may mark an emergency.")
    return c.MoveTicket(
        **wish.who,
        ticket=wish.target,
        reason=body.reason,
        service=body.service,
        tier=body.tier,
        zone=body.zone or None,
        emergency=body.emergency,
        anywhere=body.zone is None,
    )


def _close_day(wish: Wish, body: b.CloseDayBody) -> c.Command:
    return c.CloseDay(**wish.who, reason=body.reason)


COMMANDS: tuple[CommandRoute, ...] = (
    CommandRoute(
        "/tickets",
        "Issue a ticket",
        b.IssueBody,
        _issue,
        Deed.ISSUE,
        answer=lambda outcome: issue_receipt(outcome.changes),
        status=201,
    ),
    CommandRoute(
        "/counters/{counter}/call-next", "Call whoever is next", b.CallNextBody, _call_next, form=CallReceipt, answer=_called
    ),
    CommandRoute(
        "/counters/{counter}/call", "Call this ticket out of its turn", b.CallBody, _call, form=CallReceipt, answer=_called
    ),
    CommandRoute(
        "/counters/{counter}/serve", "Serve somebody without a ticket", b.ServeBody, _serve, form=CallReceipt, answer=_called
    ),
    CommandRoute("/counters/{counter}/open", "Open a counter", b.OpenBody, _open),
    CommandRoute("/counters/{counter}/close", "Close a counter", b.ReasonBody, _close),
    CommandRoute("/counters/{counter}/pause", "Pause a counter", b.ReasonBody, _pause),
    CommandRoute("/counters/{counter}/resume", "Resume a counter", b.Body, _resume),
    CommandRoute("/counters/{counter}/profile", "Change what a counter may call", b.ProfileBody, _profile),
    CommandRoute("/counters/{counter}/help", "Call for help", b.ReasonBody, _help),
    CommandRoute("/counters/{counter}/help/acknowledge", "See to a call for help", b.Body, _acknowledge),
    CommandRoute("/tickets/{ticket}/recall", "Announce the same call again", b.StepBody, _recall),
    CommandRoute("/tickets/{ticket}/start", "Begin serving", b.StepBody, _start),
    CommandRoute("/tickets/{ticket}/finish", "End serving", b.StepBody, _finish),
    CommandRoute("/tickets/{ticket}/no-show", "Record that the customer did not come", b.StepBody, _no_show),
    CommandRoute("/tickets/{ticket}/reinstate", "Let a missed customer wait again", b.StepBody, _reinstate),
    CommandRoute("/tickets/{ticket}/park", "Put a customer aside", b.ParkBody, _park),
    CommandRoute("/tickets/{ticket}/unpark", "Serve a parked customer on", b.UnparkBody, _unpark),
    CommandRoute("/tickets/{ticket}/undo", "Take the last step back", b.StepBody, _undo),
    CommandRoute("/tickets/{ticket}/requeue", "Send a customer back to waiting", b.RequeueBody, _requeue),
    CommandRoute("/tickets/{ticket}/transfer", "Send a customer on", b.TransferBody, _transfer),
    CommandRoute("/tickets/{ticket}/move", "Change how a waiting ticket waits", b.MoveBody, _move),
    CommandRoute("/tickets/{ticket}/cancel", "The customer leaves", b.StepBody, _cancel, own_deed=Deed.CANCEL_OWN_TICKET),
    CommandRoute(
        "/day/close",
        "End the day early",
        b.CloseDayBody,
        _close_day,
        Deed.CLOSE_DAY,
        form=DayReceipt,
        answer=lambda outcome: day_receipt(outcome.changes),
    ),
)
