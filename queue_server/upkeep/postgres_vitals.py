"""Asks a PostgreSQL for its vitals; it changes nothing there."""

import time

import msgspec

from queue_server.eventlog.postgres_queries import QUERIES
from queue_server.eventlog.postgres_writer import Connection
from queue_server.upkeep.manifest import SchemaStep
from queue_server.upkeep.vitals import Vitals

_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit", "wal_level", "max_connections", "synchronous_standby_names")
_SERVER = """
select current_setting('server_version') as version, current_setting('server_version_num')::int / 10000 as major,
       (select jsonb_object_agg(name, setting)::text from pg_settings where name = any($1::text[])) as settings,
       not pg_is_in_recovery() and not (select reset_val::bool from pg_settings where name = 'default_transaction_read_only')
           as takes_writes,
       (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
       (select count(*) from pg_stat_activity
         where datname = current_database() and application_name = 'queue-server writer') as writers,
       pg_database_size(current_database()) as database_bytes,
       (select count(*) from pg_stat_replication) as standbys,
       case when pg_has_role('pg_read_all_stats', 'usage') then
           (select count(*) from pg_stat_replication where state = 'streaming' and sync_state in ('sync', 'quorum'))
       end as synchronous"""
_SCHEMA = "select version, name, checksum from schema_migration order by version"
_ADMINS = "select count(*) from access_token where role = 'admin' and revoked_at is null"


async def read_vitals(connection: Connection) -> Vitals:
    """Return what the database on *connection* says of itself."""
    now, skew_ms, uncertain_ms = await _compare_clocks(connection)
    server = await connection.fetchrow(_SERVER, list(_SETTINGS))
    assert server is not None  # noqa: S101 - an aggregate always gives one row
    schema = await read_schema(connection)
    return Vitals(
        now=now,
        skew_ms=skew_ms,
        uncertain_ms=uncertain_ms,
        schema=schema,
        partitions=await _partitions(connection) if schema else frozenset(),
        admins=await connection.fetchval(_ADMINS) if schema else 0,
        **{**dict(server), "settings": msgspec.json.decode(server["settings"])},
    )


async def read_schema(connection: Connection) -> tuple[SchemaStep, ...] | None:
    """Return the migrations applied; None where there is no ledger of them."""
    if await connection.fetchval("select to_regclass('schema_migration')") is None:
        return None
    return tuple(SchemaStep(*record) for record in await connection.fetch(_SCHEMA))


async def _partitions(connection: Connection) -> frozenset[str]:
    names = [record["relname"] for record in await connection.fetch(QUERIES["partitions"])]
    return frozenset(name.removeprefix("event_").replace("_", "-") for name in names)


async def _compare_clocks(connection: Connection) -> tuple[int, int, int]:
    """Return the database's clock, how far it is ahead of ours, and how much of that the exchange itself may be."""
    sent = time.time()
    now: int = await connection.fetchval(QUERIES["clock"])
    received = time.time()
    return now, round(now - (sent + received) * 500), round((received - sent) * 500) + 1
