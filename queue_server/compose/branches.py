"""Branches from outside the interfaces: a file that is applied, and the sample that a new service begins with."""

import secrets
import tomllib
from importlib.resources import files
from typing import Literal, TypeAlias

import structlog

from queue_server.core.configuration import Configuration
from queue_server.runtime.runtime import Runtime
from queue_server.wire.configuration import read_configuration

_log = structlog.get_logger(__name__)

_SAMPLE = "main.toml"

Put: TypeAlias = Literal["created", "replaced", "unchanged"]


async def open_sample(runtime: Runtime) -> None:
    """A service without any branch gets the sample one: something to look at, and to start one's own from."""
    if not await runtime.branches():
        content = tomllib.loads((files("queue_server.samples") / _SAMPLE).read_text(encoding="utf-8"))
        await put_configuration(runtime, read_configuration(content), next_day=False)
        _log.info("sample branch created")


async def put_configuration(runtime: Runtime, configuration: Configuration, *, next_day: bool) -> tuple[Put, int]:
    """Create the branch or replace its configuration, whatever it is now; return what that was, and the version."""
    expected: int | None = None
    if await runtime.exists(configuration.id):
        version, newest, in_force = await runtime.read(configuration.id, lambda state, _: (*state.newest, state.version))
        # One that waits for the next day may still be wanted now.
        if newest == configuration and (next_day or version == in_force):
            return "unchanged", version
        expected = version
    created, version = await runtime.put_configuration(
        configuration.id,
        configuration,
        expected=expected,
        next_day=next_day,
        actor="admin:command-line",
        command_id=f"branch-apply:{configuration.id}:{secrets.token_hex(8)}",
    )
    return "created" if created else "replaced", version
