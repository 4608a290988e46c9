"""The branches that a token may see, and the configuration of one."""

import secrets

import msgspec
from aiohttp import web
from msgspec import Struct
from multidict import CIMultiDict

from queue_server.access.roles import Deed, Principal
from queue_server.core.configuration import Configuration
from queue_server.runtime.errors import UnknownBranch
from queue_server.runtime.runtime import Runtime
from queue_server.web.asking import CONFIGURATION_BYTES, Asked, decoded
from queue_server.web.headers import JSON_HEADERS
from queue_server.web.problems import Problem, invalid
from queue_server.wire.configuration import configuration_form, read_configuration
from queue_server.wire.reading import Fault

_encode = msgspec.json.Encoder().encode


class BranchEntry(Struct, frozen=True):
    """A branch by name."""

    id: str
    name: dict[str, str]


class BranchesAnswer(Struct, frozen=True):
    """The branches that this token may see."""

    branches: tuple[BranchEntry, ...]


async def listing(runtime: Runtime, principal: Principal) -> web.Response:
    """Answer with the branches that *principal* may see."""
    if not principal.may(Deed.SEE_BOARD):
        raise Problem("forbidden", "This token's role may not see branches.")
    entries = []
    for branch_id in await runtime.branches():
        if principal.is_for(branch_id):
            _, rules = await runtime.configuration(branch_id)
            entries.append(BranchEntry(rules.id, rules.name))
    return web.Response(body=_encode(BranchesAnswer(tuple(entries))), headers=JSON_HEADERS)


async def show(runtime: Runtime, asked: Asked) -> web.Response:
    """Answer with the newest configuration, also one that takes effect with the next day."""
    version, rules = await runtime.configuration(asked.branch)
    return _configuration(version, rules, 200)


async def put(runtime: Runtime, asked: Asked) -> web.Response:
    """Create the branch, or replace its configuration where `If-Match` names the one it has."""
    version = await _version(runtime, asked)
    if version is None and not asked.principal.may(Deed.CREATE_BRANCH):
        raise Problem("forbidden", "Only an admin may create a branch.")
    rules = read_configuration(decoded(await asked.body(CONFIGURATION_BYTES)), asked.branch)
    next_day = _effective(asked) == "next_day"
    expected = _expected(asked.request.headers.get("If-Match"), version)
    created, version = await runtime.put_configuration(
        asked.branch,
        rules,
        expected=expected,
        next_day=next_day,
        actor=asked.principal.actor,
        command_id=secrets.token_hex(16),
    )
    return _configuration(version, rules, 201 if created else 200)


def _configuration(version: int, rules: Configuration, status: int) -> web.Response:
    headers = CIMultiDict(JSON_HEADERS, ETag=f'"{version}"')
    return web.Response(body=_encode(configuration_form(rules)), status=status, headers=headers)


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
    meant = {part.strip() for part in stated.split(",")}
    if version is None or not meant & {"*", f'"{version}"'}:
        raise Problem("version_conflict", "The configuration is not the one that If-Match names; read it again.", version=version)
    return version


def _effective(asked: Asked) -> str:
    effective = asked.request.query.get("effective", "now")
    if effective not in ("now", "next_day"):
        raise invalid([Fault("effective", "It has the wrong form; right would be now or next_day")])
    return effective
