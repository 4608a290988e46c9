"""What doctor looks at in the database: engine, settings, clock, schema, partitions, tokens, heads that are overdue."""

import re
from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from queue_server.core.ids import Instant, Millis
from queue_server.eventlog.port import Head
from queue_server.eventlog.postgres_partitions import months_from
from queue_server.upkeep.findings import Finding, fault, fine, unseen, warning
from queue_server.upkeep.manifest import SchemaStep
from queue_server.upkeep.marks import Mark

_OLDEST_ENGINE = 15
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
_SKEW_MS: Millis = 2_000
_OVERDUE_MS: Millis = 180_000
"""A sweep looks every minute; what is overdue for longer than a few of them wakes nobody."""
_FEWEST_CONNECTIONS = 25
_NAMED = 5
_MIB = 1024**2
# "FIRST 2 (a, b, c)", "ANY 1 (*)", "2 (a, b)"; a plain list of names wants one.
_WANTED = re.compile(r"\s*(?:(?:first|any)\s+)?(\d+)\s*\(", re.IGNORECASE)


class Vitals(Struct, frozen=True):
    """
    What a database says of itself.

    `standbys` are connected and keep up; `synchronous` is how many of them a commit waits for or may, None where this user is not shown
    that. `now` is its clock, and `skew_ms` how far it is ahead of this machine's, give or take `uncertain_ms`. `takes_writes` is False on
    one that was made read-only. `partitions` are months as "2026-11"; `schema` is None where there is none, and then so is what
    lies in it. `writers` are the nodes connected.
    """

    now: Instant
    skew_ms: Millis
    uncertain_ms: Millis
    version: str
    major: int
    settings: dict[str, str]
    takes_writes: bool
    connections: int
    writers: int
    database_bytes: int
    standbys: int
    synchronous: int | None
    schema: tuple[SchemaStep, ...] | None
    partitions: frozenset[str] = frozenset()
    admins: int = 0


def look_at_engine(vitals: Vitals) -> list[Finding]:
    """Return what is to be said of the server, whatever is in the database."""
    return [
        _version(vitals),
        _durability(vitals),
        _writes(vitals),
        _wal(vitals),
        _standbys(vitals),
        _connections(vitals),
        _clock(vitals),
    ]


def _version(vitals: Vitals) -> Finding:
    text = f"PostgreSQL {vitals.version}"
    if vitals.major < _OLDEST_ENGINE:
        return fault("engine", text, f"PostgreSQL {_OLDEST_ENGINE} or newer")
    return fine("engine", text)


def _durability(vitals: Vitals) -> Finding:
    text = ", ".join(f"{name} = {vitals.settings[name]}" for name in _DURABLE)
    if any(vitals.settings[name] != "on" for name in ("fsync", "full_page_writes")):
        return fault("durability", text, "fsync = on and full_page_writes = on; the service does not start without them")
    if vitals.settings["synchronous_commit"] == "off":
        # The writer sets it for itself; a token or a note could still be lost.
        return warning("durability", text, "synchronous_commit = on; facts are safe, the latest tokens and notes are not")
    return fine("durability", text)


def _writes(vitals: Vitals) -> Finding:
    if not vitals.takes_writes:
        return fault("writes", "the database is read-only", "a primary with default_transaction_read_only = off")
    return fine("writes", "the database is a primary and takes writes")


def _wal(vitals: Vitals) -> Finding:
    text = f"wal_level = {vitals.settings['wal_level']}"
    if vitals.settings["wal_level"] == "minimal":
        return warning("replication", text, "wal_level = replica, where a stand-by or an archive is wanted")
    return fine("replication", text)


def _standbys(vitals: Vitals) -> Finding:
    names = vitals.settings["synchronous_standby_names"]
    if vitals.synchronous is None:
        text = f"{_stand_bys(vitals.standbys)}; whether they are synchronous is not shown to this user"
        return unseen("stand-bys", text, "grant pg_read_all_stats to it")
    text = f"{_stand_bys(vitals.standbys)}, of them synchronous {vitals.synchronous}; synchronous_standby_names = '{names}'"
    if vitals.synchronous < _wanted(names):
        right = (
            f"{_wanted(names)} of those named, connected: until then no commit is acknowledged, and every command is answered 503"
        )
        return fault("stand-bys", text, right)
    if vitals.standbys and not names:
        right = "synchronous_standby_names, if one of them may become the primary: what was acknowledged last could be lost"
        return warning("stand-bys", text, right)
    return fine("stand-bys", text if vitals.standbys else "none is connected, and none is waited for")


def _wanted(names: str) -> int:
    counted = _WANTED.match(names)
    return int(counted[1]) if counted else int(bool(names.strip()))


def _stand_bys(count: int) -> str:
    return f"{count} stand-by{'' if count == 1 else 's'} connected"


def look_at_remote_disk(vitals: Vitals) -> Finding:
    """Say that the room of a server elsewhere cannot be seen through a connection to it."""
    text = f"the database takes {vitals.database_bytes / _MIB:,.0f} MiB; the room left on its server cannot be seen from here"
    return unseen("disk", text, "look there, and let an alert look: a full disk stops every command")


def _connections(vitals: Vitals) -> Finding:
    most = int(vitals.settings["max_connections"])
    text = f"{vitals.connections} of {most} connections are in use"
    if most < _FEWEST_CONNECTIONS or vitals.connections > most * 0.8:
        return warning("connections", text, "a higher max_connections: each node takes up to ten")
    return fine("connections", text)


def _clock(vitals: Vitals) -> Finding:
    skew = abs(vitals.skew_ms)
    # An exchange that took long proves no difference.
    if skew <= _SKEW_MS + vitals.uncertain_ms:
        return fine("clock", f"this machine's clock is within {max(skew, vitals.uncertain_ms)} ms of the database's")
    text = f"this machine's clock is {skew / 1000:.1f} s {'behind' if vitals.skew_ms > 0 else 'ahead of'} the database's"
    right = "NTP on both; no ticket depends on it, for the database's clock counts, but times in the logs do"
    return warning("clock", text, right)


def look_at_schema(found: Sequence[SchemaStep] | None, known: Sequence[SchemaStep]) -> Finding:
    """Return whether the migrations applied are those of this version."""
    if found is None:
        return warning("schema", "the database has no schema yet", "`queue-server run` or `queue-server migrate` makes it")
    if len(found) > len(known):
        return fault("schema", f"the database has {len(found)} migrations, this version knows {len(known)}", "the newer version")
    changed = [step.name for step, right in zip(found, known, strict=False) if step != right]
    if changed:
        return fault("schema", f"{', '.join(changed)} was applied with other contents", "the version that made the database")
    if len(found) < len(known):
        text = f"{len(known) - len(found)} migrations are missing"
        return warning("schema", text, "`queue-server run` or `queue-server migrate` applies them")
    return fine("schema", f"all {len(known)} migrations are applied")


def look_at_partitions(partitions: frozenset[str], today: date) -> Finding:
    """Return whether the months ahead have their partitions."""
    wanted = months_from(today)
    missing = [month for month in wanted if month not in partitions]
    if missing:
        text = f"there is no partition for {', '.join(missing)}"
        return warning("partitions", text, "a running service makes them at its start and every day; see its log")
    return fine("partitions", f"made ahead up to {wanted[-1]}")


def look_at_tokens(admins: int) -> Finding:
    """Return whether anybody may configure the branches over the interface."""
    if admins == 0:
        return warning("tokens", "nobody has the role admin", "`queue-server token create --role admin`")
    return fine("tokens", f"{admins} with the role admin")


def look_at_branches(marks: Sequence[Mark]) -> Finding:
    """Return whether the facts of every branch lead to its head."""
    damaged = [mark for mark in marks if mark.fault is not None]
    if damaged:
        named = "; ".join(f"{mark.branch_id}: {mark.fault}" for mark in damaged[:_NAMED])
        text = f"{len(damaged)} of {len(marks)} branches cannot be read: {named}"
        return fault("branches", text, "the version that wrote them, or a backup; the others are served")
    return fine("branches", f"{len(marks)}, all can be read")


def look_at_deadlines(heads: Sequence[Head], now: Instant, *, is_served: bool) -> Finding:
    """Return whether time has passed over branches: with a node running none may be overdue."""
    overdue = [head for head in heads if head.wakes_at is not None and head.wakes_at < now - _OVERDUE_MS]
    if not overdue:
        return fine("deadlines", "none is overdue")
    named = ", ".join(head.branch_id for head in overdue[:_NAMED])
    text = f"{len(overdue)} branches have something overdue: {named}"
    if is_served:
        return fault("deadlines", text, "see the log of the service for why it does not wake them, and start it again")
    return fine("deadlines", f"{text}; it is caught up with when the service starts")
