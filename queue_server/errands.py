"""What the command line does to a database beside the service, whether it runs or not: schema, branches, tokens."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from queue_server import compose
from queue_server.access.roles import Principal, Role
from queue_server.access.tokens import TokenStore, TokensUnavailable, create_token, token_hash
from queue_server.compose import CannotStartError, Put
from queue_server.core.ids import BranchId
from queue_server.core.rejections import Rejected
from queue_server.eventlog.port import LogUnavailable
from queue_server.runtime.errors import Overloaded, Unsettled
from queue_server.settings import Settings
from queue_server.wire.configuration import read_configuration

_NO_ANSWER = "The database did not answer; try again."


async def migrate_database(settings: Settings) -> list[str]:
    """Bring the database to this version's schema; return what was applied."""
    async with compose.database(settings, exclusive=False, migrated=False) as dsn:
        return await compose.apply_migrations(dsn)


async def apply_branch(settings: Settings, content: Any, *, next_day: bool) -> tuple[BranchId, int, Put]:
    """
    Create the branch that *content* describes, or replace its configuration; return its id, the version, and what was done.

    Raises:
        Invalid: *content* describes no branch.
    """
    configuration = read_configuration(content)
    async with (
        compose.database(settings, exclusive=False) as dsn,
        compose.open_log(dsn, settings) as log,
        compose.running(log, settings) as runtime,
    ):
        try:
            done, version = await compose.put_configuration(runtime, configuration, next_day=next_day)
        except Rejected as refusal:
            raise CannotStartError(str(refusal)) from None
        except (Unsettled, Overloaded):
            raise CannotStartError(_NO_ANSWER) from None
        return configuration.id, version, done


async def make_token(
    settings: Settings, role: Role, branches: Sequence[BranchId] | None, subject: str | None
) -> tuple[str, Principal, list[BranchId]]:
    """
    Make a token for *role*; beside a running server it counts there at once.

    Return it, whom it stands for, and those of *branches* that do not exist: it may be made before they are.
    """
    async with compose.database(settings, exclusive=False) as dsn:
        missing = await _missing(dsn, settings, branches) if branches else []
        async with _tokens(dsn) as store:
            token, principal = await create_token(store, role, branches, subject)
    return token, principal, missing


async def revoke_token(settings: Settings, token: str) -> bool:
    """Let *token* no longer count, at a running server within seconds; False when there is no such token that does."""
    async with compose.database(settings, exclusive=False) as dsn, _tokens(dsn) as store:
        return await store.revoke(token_hash(token))


async def _missing(dsn: str, settings: Settings, branches: Sequence[BranchId]) -> list[BranchId]:
    async with compose.open_log(dsn, settings) as log:
        try:
            known = {head.branch_id for head in await log.heads()}
        except LogUnavailable:
            raise CannotStartError(_NO_ANSWER) from None
    return [branch for branch in branches if branch not in known]


@asynccontextmanager
async def _tokens(dsn: str) -> AsyncIterator[TokenStore]:
    async with compose.token_store(dsn) as store:
        try:
            yield store
        except TokensUnavailable:
            raise CannotStartError(_NO_ANSWER) from None
