"""
The supervisor of the embedded PostgreSQL.

It starts the server in the data folder or adopts one that already runs there (its former owner was killed, or another command
started it), starts it again when it dies, and stops it when the last user leaves. The same SQL and the same durability as on a
server of one's own: `fsync` and its kin are given on the command line, where no file can relax them.

Clients speak to a socket inside the data folder, or, when its path is too long for a socket, to a loopback port; a password is
asked for on both.
"""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import asyncpg
import structlog

from queue_server.eventlog.embedded_binaries import EngineError, find_binaries, reachable_binaries, unprivileged_account
from queue_server.eventlog.embedded_cluster import SUPERUSER, Cluster
from queue_server.eventlog.embedded_locks import FileLock

__all__ = ["DataFolderInUseError", "EmbeddedPostgres", "EngineError"]

_log = structlog.get_logger(__name__)

DATABASE = "queue"
_SOCKET_PORT = 5432
# The operating system's limit for a socket's path is 107 bytes, less on some.
_LONGEST_SOCKET_PATH = 100
_POLL_SECONDS = 0.05
_WATCH_SECONDS = 0.1
_PROGRESS_SECONDS = 5.0
_STOP_SECONDS = 60.0
# After kill -9 of the server its orphaned sessions take a moment to leave the shared memory; nothing starts before.
_ORPHANS_SECONDS = 10.0
_SLOWEST_RETRY_SECONDS = 5.0


class DataFolderInUseError(EngineError):
    """Another service already runs on this data folder."""


class EmbeddedPostgres:
    """
    The engine in *data_dir*, as an asynchronous context; `dsn` is good inside it, across restarts.

    *exclusive* is for the service: one at a time may use a data folder, and it watches over the server. Commands beside it share
    the server that runs, and start and stop one when none does. *relaxed_durability* is for unit tests alone.
    """

    def __init__(
        self,
        data_dir: Path,
        postgres_bin: Path | None = None,
        *,
        exclusive: bool = False,
        start_seconds: float = 600.0,
        relaxed_durability: bool = False,
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._given_binaries = postgres_bin
        self._exclusive = exclusive
        self._start_seconds = start_seconds
        self._relaxed_durability = relaxed_durability
        self._run_lock = FileLock(self._data_dir / "run.lock")
        self._start_lock = FileLock(self._data_dir / "postgres.start")
        self._users_lock = FileLock(self._data_dir / "postgres.users")
        self._cluster: Cluster | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._password = ""
        self._port = _SOCKET_PORT
        self._on_socket = True

    @property
    def dsn(self) -> str:
        """The database's address with its password: for connecting, never for a log."""
        return self._dsn(DATABASE)

    @property
    def pid(self) -> int | None:
        """The server's process at this moment."""
        return self._cluster.running_pid() if self._cluster else None

    async def __aenter__(self) -> Self:
        try:
            await self._claim()
            await self._enter()
        except BaseException:
            await self._leave()
            raise
        self._start_lock.release()
        if self._exclusive:
            self._watch = asyncio.create_task(self._keep_running(), name="embedded PostgreSQL")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._watch:
            self._watch.cancel()
            await asyncio.wait([self._watch])
            self._watch = None
        await self._start_lock.wait(self._start_seconds)
        await self._leave()

    async def _claim(self) -> None:
        """Make the data folder where it is missing, and take the locks in it."""
        try:
            self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._admit()
            await self._start_lock.wait(self._start_seconds)
        except OSError as fault:
            reason = "there is a file of that name" if isinstance(fault, FileExistsError) else fault.strerror or fault
            raise EngineError(
                f"The data folder {self._data_dir} cannot be used ({reason}); QUEUE_DATA_DIR names another."
            ) from fault

    def _admit(self) -> None:
        if not self._exclusive:
            return
        if not self._run_lock.take():
            raise DataFolderInUseError(
                f"Another queue-server ({self._run_lock.read()}) already runs on the data folder {self._data_dir}:"
                " stop it, or give this one a data folder of its own."
            )
        self._run_lock.note(f"process {os.getpid()}")

    async def _enter(self) -> None:
        """Prepare the files, then find or start the server; the start lock is held."""
        alone = self._users_lock.take()
        home = self._data_dir / "postgres"
        account = unprivileged_account(home)
        binaries = await asyncio.to_thread(reachable_binaries, find_binaries(self._given_binaries), account)
        self._cluster = Cluster(home, binaries, account, relaxed_durability=self._relaxed_durability)
        self._password = _kept_password(self._data_dir / "postgres.password")
        await asyncio.to_thread(self._cluster.open, self._password)
        self._choose_address(self._cluster)
        await self._adopt_or_start(self._cluster, alone=alone)
        await self._users_lock.wait(self._start_seconds, shared=True)
        await self._make_database()

    async def _adopt_or_start(self, cluster: Cluster, *, alone: bool) -> None:
        # When others use it, theirs is the server to wait for: it may live where we cannot see its process.
        pid = cluster.running_pid()
        if (pid or not alone) and await self._wait_until_ready(cluster, pid):
            _log.info("postgres_adopted", pid=pid)
        else:
            await self._start(cluster)

    async def _leave(self) -> None:
        """Stop the server unless others still use it; the start lock is held when there is one to stop."""
        if self._cluster and self._users_lock.take():
            await self._stop(self._cluster)
        elif self._process and self._process.poll() is None:
            # It lives on for the others; Popen would warn of a child left behind.
            self._process.returncode = 0
        if self._cluster:
            self._cluster.close()
            self._cluster = None
        for lock in (self._users_lock, self._start_lock, self._run_lock):
            lock.release()

    def _choose_address(self, cluster: Cluster) -> None:
        path = str(cluster.folder)
        self._on_socket = len(f"{path}/.s.PGSQL.{_SOCKET_PORT}".encode()) <= _LONGEST_SOCKET_PATH and "," not in path
        if not self._on_socket:
            self._port = cluster.running_port() if cluster.running_pid() else _free_port()

    def _dsn(self, database: str) -> str:
        if self._cluster and self._on_socket:
            return f"postgresql://{SUPERUSER}:{self._password}@/{database}?host={quote(str(self._cluster.folder), safe='')}"
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self._port}/{database}?sslmode=disable"

    async def _start(self, cluster: Cluster) -> None:
        # The socket is named from the server's own working folder, the cluster.
        places = {"listen_addresses": "", "unix_socket_directories": "."}
        if not self._on_socket:
            places = {"listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
        orphans_until = time.monotonic() + _ORPHANS_SECONDS
        start_log = self._data_dir / "postgres-start.log"
        while True:
            self._process = cluster.spawn(start_log, {"port": str(self._port), **places})
            if await self._wait_until_ready(cluster, None):
                _log.info("postgres_started", pid=self._process.pid, socket=self._on_socket)
                return
            reason = cluster.last_fatal(start_log)
            if "pre-existing shared memory block" not in reason or time.monotonic() > orphans_until:
                raise EngineError(f"PostgreSQL did not start in {cluster.folder}: {reason}")
            await asyncio.sleep(_POLL_SECONDS)

    async def _wait_until_ready(self, cluster: Cluster, adopted: int | None) -> bool:
        """Wait until the server takes connections, however long its recovery; False when it has ended instead."""
        began = said = time.monotonic()
        while not await self._answers():
            started_ended = self._process is not None and self._process.poll() is not None
            if started_ended or (adopted and cluster.running_pid() is None):
                return False
            now = time.monotonic()
            if now - began > self._start_seconds:
                raise EngineError(f"PostgreSQL in {cluster.folder} takes no connections after {self._start_seconds:.0f} s.")
            if now - said > _PROGRESS_SECONDS:
                said = now
                _log.info("postgres_starting", seconds=round(now - began), note="it may be recovering; please wait")
            await asyncio.sleep(_POLL_SECONDS)
        return True

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self._dsn("postgres"), timeout=5)
        except asyncpg.InvalidPasswordError as error:
            raise EngineError(f"The PostgreSQL in {self._data_dir} does not know the password in postgres.password.") from error
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            return False
        await connection.close(timeout=5)
        return True

    async def _make_database(self) -> None:
        connection = await asyncpg.connect(self._dsn("postgres"), timeout=30)
        try:
            if not await connection.fetchval("select exists (select from pg_database where datname = $1)", DATABASE):
                await connection.execute(f"create database {DATABASE}")
        finally:
            await connection.close(timeout=5)

    async def _keep_running(self) -> None:
        """Start the server again whenever it has died."""
        pause = _WATCH_SECONDS
        while cluster := self._cluster:
            await asyncio.sleep(pause)
            if self._present(cluster) is not None:
                continue
            _log.error("postgres_died", status=self._process.returncode if self._process else None)
            try:
                await self._start(cluster)
                pause = _WATCH_SECONDS
            except Exception as error:  # noqa: BLE001 - whatever it was, the watch goes on
                pause = min(pause * 2, _SLOWEST_RETRY_SECONDS)
                _log.error("postgres_restart_failed", reason=str(error), retry_seconds=pause)

    async def _stop(self, cluster: Cluster) -> None:
        # Fast, then immediate: both are safe, the second leaves a recovery to the next start.
        for number in (signal.SIGINT, signal.SIGQUIT):
            pid = self._present(cluster)
            if pid is None:
                break
            os.kill(pid, number)
            give_up = time.monotonic() + _STOP_SECONDS
            while self._present(cluster):
                if time.monotonic() > give_up:
                    break
                await asyncio.sleep(_POLL_SECONDS)
        _log.info("postgres_stopped")

    def _present(self, cluster: Cluster) -> int | None:
        """Return the server's process; also when we have just started it and it has not yet written its lock file."""
        if self._process and self._process.poll() is None:
            return self._process.pid
        return cluster.running_pid()


def _kept_password(path: Path) -> str:
    """Return the password in *path*, made on first use; the file appears whole or not at all."""
    if not path.exists():
        made = path.with_name(f"{path.name}.new")
        made.unlink(missing_ok=True)
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        made.rename(path)
    return path.read_text().strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
