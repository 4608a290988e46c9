"""A database with random days in it: every table filled, several branches, days that have rolled, texts that need escapes."""

import random
from collections.abc import Sequence
from typing import Any

import asyncpg

from queue_server.access.postgres import PostgresTokens
from queue_server.access.roles import Role
from queue_server.access.tokens import create_token
from queue_server.core import commands as c
from queue_server.core.rejections import Rejected
from queue_server.eventlog.postgres import PostgresLog
from queue_server.notes.postgres import PostgresNotes
from queue_server.runtime.runtime import Runtime
from tests.runtime.hall import HandClock
from tests.scenario import HOUR, rules

BRANCHES = ("a", "b", "Z-9")
TEXTS = ("plain", "a\ttab", "two\nlines", "back\\slash", "\\N", "\\x00ff", "ä 漢 🎫", "", " ")
ADMIN = "admin@hall"


async def fill(url: str, seed: int, steps: int = 60) -> str:
    """Let *steps* random things happen in each branch of the database at *url*, on two days; return a token that counts there."""
    log = await PostgresLog.connect(url, require_durability=False)
    clock = HandClock()
    runtime = Runtime(log, clock)
    await runtime.start()
    try:
        for branch in BRANCHES:
            configuration = rules(id=branch, undo_ms=30_000)
            await runtime.put_configuration(
                branch, configuration, expected=None, next_day=False, actor="test", command_id=f"create {branch}"
            )
        await _live(runtime, clock, random.Random(seed), BRANCHES, steps)
        clock.at += 30 * HOUR
        # One branch stays on the day before.
        await _live(runtime, clock, random.Random(seed + 1), BRANCHES[1:], steps)
    finally:
        await runtime.close()
        await log.close()
    return await _beside(url)


async def _live(runtime: Runtime, clock: HandClock, chance: random.Random, branches: Sequence[str], steps: int) -> None:
    for number in range(steps):
        for branch in branches:
            clock.at += chance.randrange(60_000)
            key = f"{chance.choice(TEXTS)} {clock.at} {number}"
            tickets = await runtime.read(branch, lambda state, _: [*state.tickets, "nobody"])
            command = _command(chance, f"t{clock.at}", chance.choice(tickets), key)
            try:
                await runtime.execute(branch, command, b"request" if number % 3 else None)
            except Rejected:
                continue


def _command(chance: random.Random, new: str, ticket: str, key: str) -> c.Command:
    counter = chance.choice("123")
    reason = chance.choice(TEXTS[:-2]).replace("\\x00", "x")
    kinds: Sequence[tuple[type[c.Command], dict[str, Any]]] = (
        (c.IssueTicket, {"ticket_id": new, "service": chance.choice(["cash", "loans"]), "tier": chance.choice([None, "gold"])}),
        (c.IssueTicket, {"ticket_id": new, "service": "cash", "then": ("loans",)}),
        (c.OpenCounter, {"counter": counter, "staff": chance.choice([None, "ann"])}),
        (c.CallNext, {"counter": counter, "finish": True}),
        (c.CancelTicket, {"ticket": ticket, "reason": reason}),
        (c.PauseCounter, {"counter": counter, "reason": reason}),
        (c.ResumeCounter, {"counter": counter}),
        (c.RecordNoShow, {"ticket": ticket}),
    )
    kind, fields = chance.choice(kinds)
    return kind(at=0, command_id=key, actor="test", **fields)


async def _beside(url: str) -> str:
    """Fill what stands beside the stream."""
    tokens, notes = PostgresTokens(url), PostgresNotes(url)
    token, _ = await create_token(tokens, Role.ADMIN, None, ADMIN)
    await create_token(tokens, Role.KIOSK, ["a", "b"], None)
    for number, text in enumerate(TEXTS):
        await notes.keep("a", f"n{number}", "2026-01-01", text)
    await tokens.close()
    await notes.close()
    return token


async def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""
    connection = await asyncpg.connect(url)
    try:
        tables = {
            "event": "branch_id, day, seq",
            "branch_head": "branch_id",
            "access_token": "token_hash",
            "note": "branch_id, note_id",
            "log_identity": "log_id",
        }
        return {
            name: [tuple(row) for row in await connection.fetch(f"select * from {name} order by {order}")]  # noqa: S608
            for name, order in tables.items()
        }
    finally:
        await connection.close()
