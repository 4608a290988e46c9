"""A PostgreSQL at the other end of a cable: it listens on the network and asks for a password, as a bank's own would."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from queue_server.eventlog.embedded_binaries import find_binaries, reachable_binaries, unprivileged_account
from queue_server.eventlog.embedded_cluster import SUPERUSER, Cluster
from tests.faults.cables import HERE, THERE, inside

PORT = 5432
PASSWORD = "far-away"
DSN = f"postgresql://{SUPERUSER}:{PASSWORD}@{THERE}:{PORT}/postgres?sslmode=disable"
START_SECONDS = 30.0
LOOK_SECONDS = 0.05


@contextlib.contextmanager
def far_database(folder: Path, namespace: str) -> Iterator[None]:
    """Run one with its files in *folder*, in *namespace*; its address is `DSN`."""
    folder.mkdir()
    account = unprivileged_account(folder / "postgres")
    cluster = Cluster(folder / "postgres", reachable_binaries(find_binaries(None), account), account)
    cluster.open(PASSWORD)
    with (cluster.folder / "pg_hba.conf").open("a", encoding="ascii") as admitted:
        admitted.write(f"host all all {HERE}/32 scram-sha-256\n")
    places = {"port": str(PORT), "listen_addresses": THERE, "unix_socket_directories": ""}
    process = inside(namespace, lambda: cluster.spawn(folder / "start.log", places))
    try:
        yield
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()
        cluster.close()


async def database_answers() -> None:
    """Wait until it takes connections."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                await (await asyncpg.connect(DSN)).close()
                return
            await asyncio.sleep(LOOK_SECONDS)
