"""From a request to a command to its receipt; the issue of a ticket is the busiest path of the whole service."""

import re
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, TypeAlias

import msgspec
from aiohttp import web

from queue_server.core.commands import Command
from queue_server.core.ids import BranchId
from queue_server.runtime.outcomes import Outcome
from queue_server.runtime.runtime import Runtime
from queue_server.web.answers import Answers
from queue_server.web.asking import Asked, decoded, require_query
from queue_server.web.commands import CommandRoute, Wish
from queue_server.web.headers import JSON_HEADERS, REPLAYED_HEADERS
from queue_server.web.identifiers import new_identifier
from queue_server.web.problems import Problem, invalid
from queue_server.wire.reading import Fault, faults_in

Handler: TypeAlias = Callable[[Asked], Awaitable[web.StreamResponse]]
CarryOut: TypeAlias = Callable[[BranchId, Any, Command, bytes | None], Awaitable[Outcome]]

KEY_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x20-\x7e]{1,128}")
_encode = msgspec.json.Encoder().encode
_canonical = msgspec.json.Encoder(order="deterministic").encode


def handler(runtime: Runtime, secret: bytes, route: CommandRoute, carry_out: CarryOut | None = None) -> Handler:
    """
    Return the handler of the command at *route*; *secret* keys the hashes of requests.

    *carry_out* is for one to which more belongs than its facts: it gets the body, and gives the command itself.
    """
    decode = msgspec.json.Decoder(route.body).decode
    first, repeated = Answers(route.status, JSON_HEADERS), Answers(route.status, REPLAYED_HEADERS)

    async def give(asked: Asked) -> web.StreamResponse:
        content = await asked.body() or b"{}"
        require_query(asked.request)
        try:
            body = decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _unfit(content, route.body) from None
        stated = asked.request.headers.getall(KEY_HEADER, None)
        command_id, hashed = (new_identifier(), None) if stated is None else keyed(asked, stated, _told_apart_by(content), secret)
        wish = Wish(asked.principal, command_id, asked.target)
        command = route.build(wish, body)
        if carry_out is None:
            outcome = await runtime.execute(asked.branch, command, hashed)
        else:
            outcome = await carry_out(asked.branch, body, command, hashed)
        answers = repeated if outcome.replayed else first
        return answers.to(asked.request, _encode(route.answer(outcome)))

    return give


def keyed(asked: Asked, keys: list[str], content: object, secret: bytes) -> tuple[str, bytes]:
    """Return the command's id and the hash of the request, by which one with other *content* under the same key is told apart."""
    if len(keys) > 1:
        raise invalid([Fault(KEY_HEADER, "It is there more than once; right would be once")])
    key = keys[0]
    if not _KEY.fullmatch(key):
        raise invalid([Fault(KEY_HEADER, "It has the wrong form; right would be 1 to 128 printable ASCII characters")])
    request = (asked.request.method, asked.request.rel_url.raw_path, content)
    return f"{asked.principal.subject}:{key}", blake2b(_canonical(request), digest_size=16, key=secret).digest()


def _told_apart_by(content: bytes) -> object:
    body: Any = decoded(content)
    body.pop("identity", None)
    return body


def _unfit(content: bytes, form: type[Any]) -> Problem:
    return invalid(faults_in(decoded(content), form) or [Fault("", "The body does not have the form of this command")])
