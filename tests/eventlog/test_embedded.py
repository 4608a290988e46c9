"""The supervisor of the embedded PostgreSQL: start, adopt, share, restart, stop, and the refusals in between."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest

from queue_server.eventlog import embedded_binaries
from queue_server.eventlog.embedded import DataFolderInUseError, EmbeddedPostgres, EngineError
from queue_server.eventlog.migrate import migrate
from queue_server.eventlog.port import LogUnavailable
from queue_server.eventlog.postgres import PostgresLog
from tests.eventlog.claims import MONDAY, claim

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
ROOT = Path(__file__).parents[2]
OWNER = """
import asyncio, sys
from pathlib import Path
from queue_server.eventlog.embedded import EmbeddedPostgres
from queue_server.eventlog.migrate import migrate
from queue_server.eventlog.postgres import PostgresLog
from tests.eventlog.claims import claim

async def main():
    async with EmbeddedPostgres(Path(sys.argv[1]), exclusive=True) as engine:
        await migrate(engine.dsn)
        log = await PostgresLog.connect(engine.dsn)
        await log.append([claim("main", 0, 3)])
        print("pid", engine.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder under a private one, as in a checkout under a private home; its path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="queue-test-") as folder:
        yield Path(folder) / "data"


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def when_back(dsn: str) -> Connection:
    """Connect as soon as the server takes connections again."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await asyncpg.connect(dsn, timeout=5)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0)


async def start_owner(data_dir: Path) -> tuple[asyncio.subprocess.Process, int]:
    """Start a service of its own process on the data folder; return it with the server's process number."""
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(data_dir), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert owner.stdout is not None
    async with asyncio.timeout(60):
        while not (line := await owner.stdout.readline()).startswith(b"pid"):
            assert line, "the owner ended before it was ready"
    return owner, int(line.split()[1])


async def test_it_starts_durable_and_private_and_stops(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir) as engine:
        async with connected(engine.dsn) as connection:
            for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
                assert await connection.fetchval(f"show {name}") == "on"
            methods = await connection.fetch("select distinct auth_method from pg_hba_file_rules")
            assert [r[0] for r in methods] == ["scram-sha-256"]
            assert await connection.fetchval("show listen_addresses") == ""
        pid, dsn = engine.pid, engine.dsn
        assert pid is not None
        for path in (data_dir, data_dir / "postgres", data_dir / "postgres" / "cluster"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert stat.S_IMODE((data_dir / "postgres.password").stat().st_mode) == 0o600
        assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert not (data_dir / "postgres" / "cluster" / "postmaster.pid").exists()
    with pytest.raises(OSError):
        await asyncpg.connect(dsn)


async def test_what_was_written_is_there_after_a_stop_and_a_start(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir) as engine, connected(engine.dsn) as connection:
        await connection.execute("create table kept (x int)")
    async with EmbeddedPostgres(data_dir) as engine, connected(engine.dsn) as connection:
        assert await connection.fetchval("select count(*) from kept") == 0


async def test_a_password_is_asked_for(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir) as engine:
        password = (data_dir / "postgres.password").read_text()
        for wrong in (engine.dsn.replace(f":{password}", ""), engine.dsn.replace(password, "guess")):
            with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InterfaceError)):
                await asyncpg.connect(wrong, passfile="/nowhere")


async def test_a_command_shares_the_service_s_server_and_leaves_it(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, exclusive=True) as service:
        async with EmbeddedPostgres(data_dir) as command:
            assert command.pid == service.pid
        async with connected(service.dsn) as connection:
            assert await connection.fetchval("select 1") == 1


async def test_the_last_one_out_stops_the_server(data_dir: Path) -> None:
    first, second = EmbeddedPostgres(data_dir), EmbeddedPostgres(data_dir)
    await first.__aenter__()
    await second.__aenter__()
    pid = second.pid
    await first.__aexit__(None, None, None)
    assert second.pid == pid
    async with connected(second.dsn) as connection:
        assert await connection.fetchval("select 1") == 1
    await second.__aexit__(None, None, None)
    assert second.pid is None
    assert not (data_dir / "postgres" / "cluster" / "postmaster.pid").exists()


async def test_a_second_service_is_refused_and_harms_nothing(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, exclusive=True) as service:
        with pytest.raises(DataFolderInUseError, match=rf"Another queue-server \(process {os.getpid()}\) already runs"):
            await EmbeddedPostgres(data_dir, exclusive=True).__aenter__()
        async with connected(service.dsn) as connection:
            assert await connection.fetchval("select 1") == 1


async def test_a_server_whose_owner_was_killed_is_adopted(data_dir: Path) -> None:
    owner, pid = await start_owner(data_dir)
    owner.kill()
    await owner.wait()
    async with EmbeddedPostgres(data_dir, exclusive=True) as service:
        assert service.pid == pid
        log = await PostgresLog.connect(service.dsn)
        assert len(await log.read_after("main", MONDAY, 0, 10)) == 3
        await log.close()
    assert await process_ended(pid)


async def process_ended(pid: int) -> bool:
    async with asyncio.timeout(10):
        while Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
            await asyncio.sleep(0)
    return True


async def test_owner_and_server_killed_together_lose_nothing(data_dir: Path) -> None:
    owner, pid = await start_owner(data_dir)
    owner.kill()
    os.kill(pid, signal.SIGKILL)
    await owner.wait()
    async with EmbeddedPostgres(data_dir, exclusive=True) as service:
        assert service.pid != pid
        log = await PostgresLog.connect(service.dsn)
        assert len(await log.read_after("main", MONDAY, 0, 10)) == 3
        await log.close()


async def test_a_killed_server_is_back_with_every_acknowledged_fact(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir, exclusive=True) as service:
        await migrate(service.dsn)
        log = await PostgresLog.connect(service.dsn)
        epoch, acknowledged = await log.epoch(), 0
        for _ in range(3):
            killed = service.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            target = acknowledged + 20
            async with asyncio.timeout(20):
                while acknowledged < target:
                    try:
                        head = await log.head("main")
                        await log.append([claim("main", head.seq if head else 0)])
                    except LogUnavailable:
                        await asyncio.sleep(0)
                    else:
                        acknowledged += 1
            assert service.pid != killed
        stored = [r.seq for r in await log.read_after("main", MONDAY, 0, 1000)]
        # An append whose answer was lost may be there too, but none that was acknowledged is missing.
        assert stored == list(range(1, len(stored) + 1))
        assert acknowledged <= len(stored) <= acknowledged + 3
        assert await log.epoch() == epoch
        await log.close()


async def test_a_lock_file_of_a_process_that_is_no_server_is_no_obstacle(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir) as engine:
        pass
    cluster = data_dir / "postgres" / "cluster"
    owner = cluster.stat()
    # A living process of the engine's own account; PostgreSQL itself would take it for its predecessor.
    stranger = await asyncio.create_subprocess_exec(
        "tail", "-f", "/dev/null", start_new_session=True, user=owner.st_uid if os.geteuid() == 0 else None
    )
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (cluster / name).write_text(f"{stranger.pid}\n{data_dir}\n1\n5432\n.\n\n1 1\nready   \n")
        (cluster / name).chmod(0o600)
        os.chown(cluster / name, owner.st_uid, owner.st_gid)
    async with engine, connected(engine.dsn) as connection:
        assert await connection.fetchval("select 1") == 1
        assert engine.pid != stranger.pid
    stranger.kill()
    await stranger.wait()


async def test_a_path_too_long_for_a_socket_means_a_loopback_port(data_dir: Path) -> None:
    deep = data_dir / ("long" * 25)
    async with EmbeddedPostgres(deep, exclusive=True) as service:
        assert "@127.0.0.1:" in service.dsn
        async with connected(service.dsn) as connection:
            assert await connection.fetchval("show listen_addresses") == "127.0.0.1"
        async with EmbeddedPostgres(deep) as command:
            assert command.dsn == service.dsn
        killed = service.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await (await when_back(service.dsn)).close()


async def test_a_start_that_fails_says_why(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir):
        pass
    with (data_dir / "postgres" / "cluster" / "postgresql.conf").open("a") as settings:
        settings.write("\nno_such_setting = 1\n")
    with pytest.raises(EngineError, match=r"PostgreSQL did not start in .*contains errors"):
        await EmbeddedPostgres(data_dir).__aenter__()


async def test_data_of_another_version_is_refused(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir):
        pass
    (data_dir / "postgres" / "cluster" / "PG_VERSION").write_text("14\n")
    with pytest.raises(EngineError, match=r"is of PostgreSQL 14, but"):
        await EmbeddedPostgres(data_dir).__aenter__()


async def test_a_lost_password_is_named(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir):
        pass
    (data_dir / "postgres.password").unlink()
    with pytest.raises(EngineError, match=r"does not know the password in postgres\.password"):
        await EmbeddedPostgres(data_dir).__aenter__()
    assert not (data_dir / "postgres" / "cluster" / "postmaster.pid").exists()


async def test_a_folder_without_the_programs_is_refused(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="There is no postgres in"):
        await EmbeddedPostgres(data_dir, tmp_path).__aenter__()


async def test_an_interrupted_creation_is_made_anew(data_dir: Path) -> None:
    half = data_dir / "postgres" / "cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("")
    async with EmbeddedPostgres(data_dir) as engine, connected(engine.dsn) as connection:
        assert await connection.fetchval("select 1") == 1


def test_a_copy_of_the_programs_runs_by_itself(tmp_path: Path) -> None:
    binaries = embedded_binaries.find_binaries(None)
    target = tmp_path / "copies" / "postgres-1"
    embedded_binaries._copy(binaries.parent, target)
    for program in ("postgres", "initdb"):
        path = target / "package" / binaries.parent.name / "bin" / program
        assert b"PostgreSQL" in subprocess.run([path, "--version"], capture_output=True, check=True).stdout
    embedded_binaries._copy(binaries.parent, target)
    assert [path.name for path in target.parent.iterdir()] == ["postgres-1"]
