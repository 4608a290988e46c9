"""
The HTTP application: every request goes through one dispatcher, so that faults are found in one fixed order.

The order is 401 (who), 403 (may they), 404 (is it there), 405 (this method), 413, 422 (what was sent), 409 (is it possible now). A
busy path must not pay for that order: whether the branch, the ticket or the counter is there is only looked up when something
later has already failed, and otherwise found out by doing it.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn, TypeAlias

from aiohttp import web
from msgspec import Struct

from queue_server.access.roles import Deed, Principal
from queue_server.access.tokens import Tokens
from queue_server.core.ids import Instant
from queue_server.core.lifecycle import TicketState
from queue_server.core.rejections import Forbidden, Rejected, UnknownCounter, UnknownTicket
from queue_server.core.state import BranchState
from queue_server.core.ticket import ParkKind
from queue_server.notes.port import Notes
from queue_server.runtime.errors import KeyReused
from queue_server.runtime.runtime import Runtime
from queue_server.web import branches, commanding, reads
from queue_server.web.announcements import ANNOUNCE, PLACE, Announcements
from queue_server.web.asking import Asked
from queue_server.web.commands import COMMANDS
from queue_server.web.gate import Gate
from queue_server.web.problems import STATUS, Problem, problem_of, response
from queue_server.web.protocol import Listener
from queue_server.web.reads import READS
from queue_server.web.root import MetricsPage, Root
from queue_server.wire.reading import Invalid

_OF_CONTENT = frozenset({413, 422})
_SHUTDOWN_SECONDS = 0.5
_KEEPALIVE_SECONDS = 75.0

Handler: TypeAlias = Callable[[Asked], Awaitable[web.StreamResponse]]
RequestHandler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Entry(Struct, frozen=True):
    """What answers one method at one address."""

    template: str
    deed: Deed
    own_deed: Deed | None
    handle: Handler


class Api:
    """Answers everything under `/v1`, and hands the rest to the root."""

    def __init__(self, runtime: Runtime, gate: Gate, root: Root, notes: Notes, *, secret: bytes) -> None:
        self._runtime = runtime
        self._gate = gate
        self._root = root
        self._places: dict[tuple[str | None, ...], dict[str, _Entry]] = {}
        self._add("GET", "", Deed.SEE_CONFIGURATION, None, lambda asked: branches.show(runtime, asked))
        self._add("PUT", "", Deed.CONFIGURE, None, lambda asked: branches.put(runtime, secret, asked))
        for command in COMMANDS:
            self._add("POST", command.path, command.deed, command.own_deed, commanding.handler(runtime, secret, command))
        for read in READS:
            self._add("GET", read.path, read.deed, read.own_deed, reads.handler(runtime, read))
        announcements = Announcements(runtime, notes)
        announce = commanding.handler(runtime, secret, ANNOUNCE, announcements.carry_out)
        self._add("POST", ANNOUNCE.path, ANNOUNCE.deed, ANNOUNCE.own_deed, announce)
        self._add("GET", PLACE, Deed.SEE_BOARD, None, announcements.show)
        self._add("DELETE", PLACE, Deed.ANNOUNCE, None, announcements.delete)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer *request*, whatever happens."""
        parts = request.rel_url.raw_path.split("/")
        try:
            # Not every target is a path: `OPTIONS *` and `CONNECT host:port` have no second part.
            if parts[1:2] != ["v1"]:
                return await self._root.handle(request)
            principal = self._gate.known(request) or await self._gate.admit(request)
            if parts == ["", "v1", "branches"]:
                return await self._list(request, principal)
            asked, place = self._place(request, principal, parts)
            entry = place.get("GET" if request.method == "HEAD" else request.method)
            if entry is None:
                return await self._refuse(asked, parts, place)
            _require_deed(asked, entry)
            try:
                return await entry.handle(asked)
            except Exception as fault:
                await self._prefer_earlier(fault, asked, parts)
                raise
        except ConnectionError:
            raise  # the client is gone: there is nobody to answer
        except Exception as fault:  # noqa: BLE001 - whatever it is, the answer is a problem and nothing internal
            return response(problem_of(fault, request.method, _template(parts), parts[5] if len(parts) > 5 else None))

    async def _list(self, request: web.BaseRequest, principal: Principal) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            raise _not_allowed(["GET"])
        return await branches.listing(self._runtime, request, principal)

    def _place(self, request: web.BaseRequest, principal: Principal, parts: list[str]) -> tuple[Asked, dict[str, _Entry]]:
        """Return what is asked for, and what answers there by method; a branch that is not the token's comes before all else."""
        if len(parts) < 4 or parts[2] != "branches" or not parts[3]:
            raise _not_found()
        place, target = self._find(parts[4:])
        asked = Asked(request, principal, parts[3], target)
        if not principal.is_for(asked.branch):
            raise Problem("forbidden", "This token is not for this branch.")
        if place is None:
            raise _not_found()
        return asked, place

    async def _refuse(self, asked: Asked, parts: list[str], place: dict[str, _Entry]) -> NoReturn:
        """Say which methods there are here, if there is such a place."""
        await self._require(asked, parts)
        raise _not_allowed(sorted(place))

    def _add(self, method: str, path: str, deed: Deed, own_deed: Deed | None, handle: Handler) -> None:
        key = tuple(None if part.startswith("{") else part for part in path.split("/")[1:])
        self._places.setdefault(key, {})[method] = _Entry(path, deed, own_deed, handle)

    def _find(self, rest: list[str]) -> tuple[dict[str, _Entry] | None, str]:
        exact = self._places.get(tuple(rest))
        if exact is not None or not 2 <= len(rest) <= 4 or not rest[1]:
            return exact, ""
        return self._places.get((rest[0], None, *rest[2:])), rest[1]

    async def _prefer_earlier(self, fault: Exception, asked: Asked, parts: list[str]) -> None:
        """A fault of what was sent, or of the moment, comes after one of the address: raise that, if there is one."""
        if asked.request.method != "PUT" and _is_of_content(fault):
            await self._require(asked, parts)

    async def _require(self, asked: Asked, parts: list[str]) -> None:
        """Refuse when the branch, the counter or the ticket of the address is not there, or is at another's counter."""
        kind = parts[4] if len(parts) > 5 else ""

        def look(state: BranchState, _at: Instant) -> Rejected | None:
            return _missing(state, kind, asked)

        missing = await self._runtime.read(asked.branch, look)
        if missing is not None:
            raise missing


def make_handler(
    runtime: Runtime,
    tokens: Tokens,
    notes: Notes,
    *,
    secret: bytes,
    push_port: int,
    push_url: str | None = None,
    metrics_page: MetricsPage | None = None,
    metrics_open: bool | None = None,
    static_dir: Path | None = None,
    version: str = "0",
) -> RequestHandler:
    """
    Return what answers requests.

    *secret* keys the hashes of requests and must be the same on all nodes. *metrics_open* None: `/metrics` is open to this very
    machine. *static_dir* holds the built screens.
    """
    gate = Gate(tokens)
    root = Root(
        runtime,
        gate,
        push_port=push_port,
        push_url=push_url,
        metrics_page=metrics_page,
        metrics_open=metrics_open,
        static_dir=static_dir,
        version=version,
    )
    return Api(runtime, gate, root, notes, secret=secret).handle


def make_root_handler(
    runtime: Runtime,
    tokens: Tokens,
    *,
    push_port: int,
    metrics_page: MetricsPage | None = None,
    metrics_open: bool | None = None,
    version: str = "0",
) -> RequestHandler:
    """Return what answers requests where no commands are taken: health, readiness, metrics and the description, and nothing else."""
    root = Root(
        runtime,
        Gate(tokens),
        push_port=push_port,
        push_url=None,
        metrics_page=metrics_page,
        metrics_open=metrics_open,
        static_dir=None,
        version=version,
    )

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await root.handle(request)
        except ConnectionError:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever it is, the answer is a problem and nothing internal
            return response(problem_of(fault, request.method, request.path[:100], None))

    return handle


def make_runner(handler: RequestHandler) -> web.ServerRunner:
    """
    Return the runner of *handler*: no access log (addresses name tickets), and a stop that waits for nobody long.

    There is one dispatcher for all addresses, so aiohttp's router and application, which would find that out for each request, are
    left out: the low-level server hands requests over as they are.
    """
    server = Listener(handler, access_log=None, keepalive_timeout=_KEEPALIVE_SECONDS)
    return web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)


def _require_deed(asked: Asked, entry: _Entry) -> None:
    if not (asked.may(entry.deed) or (entry.own_deed is not None and asked.may(entry.own_deed))):
        raise Problem("forbidden", "This token's role may not do this.")


def _is_of_content(fault: Exception) -> bool:
    if isinstance(fault, Problem | Rejected):
        return STATUS[fault.code] in _OF_CONTENT
    return isinstance(fault, Invalid | KeyReused | web.HTTPRequestEntityTooLarge | web.RequestPayloadError)


def _missing(state: BranchState, kind: str, asked: Asked) -> Rejected | None:
    counter_id: str | None = None
    if kind == "counters":
        counter_id = asked.target
        if counter_id not in state.counters:
            return UnknownCounter(counter=counter_id)
    elif kind == "tickets":
        ticket = state.tickets.get(asked.target)
        if ticket is None:
            return UnknownTicket(ticket=asked.target)
        # One that waits, or is parked for any counter, is at none.
        is_at_none = ticket.state is TicketState.WAITING or ticket.park_kind is ParkKind.SERVICE
        counter_id = None if is_at_none else ticket.counter
    counter = state.counters.get(counter_id) if counter_id is not None else None
    seat = asked.principal.seat
    if counter is not None and seat is not None and counter.staff not in (None, seat):
        return Forbidden(counter=counter.id)
    return None


def _not_found() -> Problem:
    return Problem("not_found", "There is nothing at this address.")


def _not_allowed(methods: list[str]) -> Problem:
    return Problem("method_not_allowed", f"Here one can only {' or '.join(methods)}.", headers={"Allow": ", ".join(methods)})


def _template(parts: list[str]) -> str:
    """Return the address for the log: without what names a ticket."""
    shown = [part if index not in (3, 5) else "..." for index, part in enumerate(parts[:7])]
    return "/".join(shown)[:100]
