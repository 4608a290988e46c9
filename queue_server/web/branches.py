"""The branches that a token may see, and the configuration of one."""

import msgspec
from aiohttp import web
from msgspec import Struct
from multidict import CIMultiDict, CIMultiDictProxy

from queue_server.access.roles import Deed, Principal
from queue_server.core.commands import ConfigureBranch
from queue_server.core.configuration import Configuration
from queue_server.core.events import BranchConfigured, ConfigurationScheduled
from queue_server.runtime.errors import UnknownBranch
from queue_server.runtime.outcomes import Outcome
from queue_server.runtime.runtime import Runtime
from queue_server.web.asking import CONFIGURATION_BYTES, Asked, decoded, require_query
from queue_server.web.commanding import KEY_HEADER, keyed
from queue_server.web.headers import JSON_HEADERS, REPLAYED_HEADERS
from queue_server.web.identifiers import new_identifier
from queue_server.web.problems import Problem, invalid
from queue_server.wire.configuration import configuration_form, read_configuration
from queue_server.wire.reading import Fault

_encode = msgspec.json.Encoder().encode
_NO_VERSION = 0


class BranchEntry(Struct, frozen=True):
    """A branch by name."""

    id: str
    name: dict[str, str]


class BranchesAnswer(Struct, frozen=True):
    """The branches that this token may see."""

    branches: tuple[BranchEntry, ...]


async def listing(runtime: Runtime, request: web.BaseRequest, principal: Principal) -> web.Response:
    """Answer with the branches that *principal* may see."""
    if not principal.may(Deed.SEE_BOARD):
        raise Problem("forbidden", "This token's role may not see branches.")
    require_query(request)
    entries = []
    for branch_id in await runtime.branches():
        if principal.is_for(branch_id):
            _, rules = await runtime.configuration(branch_id)
            entries.append(BranchEntry(rules.id, rules.name))
    return web.Response(body=_encode(BranchesAnswer(tuple(entries))), headers=JSON_HEADERS)


async def show(runtime: Runtime, asked: Asked) -> web.Response:
    """Answer with the newest configuration, also one that takes effect with the next day."""
    require_query(asked.request)
    version, rules = await runtime.configuration(asked.branch)
    return _configuration(version, rules, 200)


async def put(runtime: Runtime, secret: bytes, asked: Asked) -> web.Response:
    """Create the branch, or replace its configuration where `If-Match` names the one it has; *secret* keys the hashes of requests."""
    version = await _version(runtime, asked)
    if version is None and not asked.principal.may(Deed.CREATE_BRANCH):
        raise Problem("forbidden", "Only an admin may create a branch.")
    content = await asked.body(CONFIGURATION_BYTES)
    require_query(asked.request, "effective")
    body = decoded(content)
    rules = read_configuration(body, asked.branch)
    next_day = _effective(asked) == "next_day"
    expected = _expected(asked.request.headers.get("If-Match"), version)
    stated = asked.request.headers.getall(KEY_HEADER, None)
    command_id, hashed = (new_identifier(), None) if stated is None else keyed(asked, stated, [next_day, body], secret)
    actor = asked.principal.actor
    if expected is None:
        _, version = await runtime.put_configuration(
            asked.branch, rules, expected=None, next_day=next_day, actor=actor, command_id=command_id
        )
        return _configuration(version, rules, 201)
    command = ConfigureBranch(at=0, command_id=command_id, actor=actor, expected=expected, next_day=next_day, configuration=rules)
    outcome = await runtime.execute(asked.branch, command, hashed)
    return _configuration(_version_of(outcome), rules, 200, REPLAYED_HEADERS if outcome.replayed else JSON_HEADERS)


def _configuration(version: int, rules: Configuration, status: int, headers: CIMultiDictProxy[str] = JSON_HEADERS) -> web.Response:
    return web.Response(body=_encode(configuration_form(rules)), status=status, headers=CIMultiDict(headers, ETag=f'"{version}"'))


def _version_of(outcome: Outcome) -> int:
    fact = outcome.changes[0].event.fact
    assert isinstance(fact, BranchConfigured | ConfigurationScheduled)  # noqa: S101 - replacing causes one of them and nothing else
    return fact.version


async def _version(runtime: Runtime, asked: Asked) -> int | None:
    try:
        return (await runtime.configuration(asked.branch))[0]
    except UnknownBranch:
        return None


def _expected(stated: str | None, version: int | None) -> int | None:
    """Return the version that the request means to replace; None when it means to create."""
    if stated is None and version is None:
        return None
    if stated is None:
        raise Problem(
            "version_conflict", "The branch exists; read it, and send its ETag in If-Match to replace it.", version=version
        )
    if version is None:
        raise Problem("version_conflict", "There is no configuration yet that If-Match could name.", version=version)
    meant = {part.strip() for part in stated.split(",")}
    # One that is outdated is refused where commands are decided: with a key, it may be a request that has had its effect.
    return version if meant & {"*", f'"{version}"'} else _NO_VERSION


def _effective(asked: Asked) -> str:
    effective = asked.request.query.get("effective", "now")
    if effective not in ("now", "next_day"):
        raise invalid([Fault("effective", "It has the wrong form; right would be now or next_day")])
    return effective
