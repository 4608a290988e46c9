"""What a recovery cannot do without: how long the service and PostgreSQL themselves take to start on the same data."""

import time

from benchmarks.faults import kill_database
from benchmarks.running import Service
from queue_server.eventlog.embedded import EmbeddedPostgres


async def restart_seconds(service: Service) -> float:
    """Stop the service in an orderly way and return the seconds from its start until it is ready."""
    await service.stop()
    began = time.monotonic()
    service.launch()
    await service.ready()
    return time.monotonic() - began


async def postgres_seconds(service: Service) -> float:
    """Kill the database of a service that was stopped, and return the seconds from its start until it answers."""
    # Nothing watches over this one: what was killed stays so until the clock runs.
    async with EmbeddedPostgres(service.data):
        kill_database(service)
    began = time.monotonic()
    async with EmbeddedPostgres(service.data):
        return time.monotonic() - began
