"""A queue server of its own in a temporary folder, started as a user would, for whoever measures it from outside."""

import asyncio
import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

Json = dict[str, Any]

ROOT = Path(__file__).parents[1]
QUEUE_SERVER = (sys.executable, "-m", "queue_server")
START_SECONDS = 60.0
STOP_SECONDS = 20.0
LOOK_SECONDS = 0.02
PORTS = range(20_000, 32_000)
"""Below those that Linux gives to connections that are opened."""


def free_ports(count: int) -> list[int]:
    """
    Return *count* different ports that nobody listened on just now.

    None that the system would give to a connection: who is killed and started again must find its port free.
    """
    drawn = random.SystemRandom().sample(PORTS, len(PORTS))
    return list(itertools.islice(filter(_is_free, drawn), count))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process, with all its threads, has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(parent: int) -> list[int]:
    """Return the processes that *parent* has started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.append(int(stat.parent.name))
    return found


class Service:
    """One `queue-server run` with its data folder; it can be killed and started again on the same data."""

    def __init__(self, folder: Path, command: Sequence[str] = (), settings: Mapping[str, str] | None = None) -> None:
        self.http_port, self.push_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.push_url = f"ws://127.0.0.1:{self.push_port}"
        self.data = folder / "data"
        self.log = folder / "server.log"
        self._command = tuple(command) or (*QUEUE_SERVER, "run")
        self._environment = {
            **os.environ,
            "QUEUE_DATA_DIR": str(self.data),
            "QUEUE_HTTP_PORT": str(self.http_port),
            "QUEUE_PUSH_PORT": str(self.push_port),
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process of the service."""
        if self._process is None:
            raise RuntimeError("the service was not started")
        return self._process.pid

    def database_pid(self) -> int | None:
        """Return the process of the embedded database; None when there is none."""
        for path in self.data.rglob("postmaster.pid"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                pid = int(path.read_text(encoding="ascii").splitlines()[0])
                if Path(f"/proc/{pid}/comm").read_text(encoding="ascii").startswith("postgres"):
                    return pid
        return None

    def launch(self) -> None:
        """Start the process, without waiting for it to be ready."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    async def ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until the service says that it can take commands."""
        async with ClientSession(timeout=ClientTimeout(total=1)) as session, asyncio.timeout(seconds):
            while True:
                self._check_alive()
                with contextlib.suppress(ClientError, TimeoutError, OSError):
                    async with session.get(f"{self.url}/readyz") as response:
                        if response.status == 200:
                            return
                await asyncio.sleep(LOOK_SECONDS)

    def _check_alive(self) -> None:
        if self._process is not None and (code := self._process.poll()) is not None:
            raise RuntimeError(f"the service ended with {code}:\n{self.log_tail()}")

    def log_tail(self, characters: int = 4000) -> str:
        """Return the end of what the service wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-characters:]

    def kill(self) -> None:
        """Kill the service as `kill -9` does, and wait until it is gone; its database lives on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def stop(self) -> int:
        """Ask the service to end, and return its exit code."""
        process = self._process
        if process is None:
            return 0
        process.terminate()
        try:
            return await asyncio.to_thread(process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return await asyncio.to_thread(process.wait)
        finally:
            self._stop_database()

    def _stop_database(self) -> None:
        # Only a service that did not end by itself leaves its database behind.
        if (pid := self.database_pid()) is not None:
            os.kill(pid, signal.SIGQUIT)

    async def run(self, *arguments: str) -> Json:
        """Run another `queue-server` command with the same settings and `--json`; return what it printed last."""
        process = await asyncio.create_subprocess_exec(
            *QUEUE_SERVER,
            *arguments,
            "--json",
            env=self._environment,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(
                f"queue-server {' '.join(arguments)} ended with {process.returncode}: {errors.decode(errors='replace')}"
            )
        answer: Json = msgspec.json.decode(output.splitlines()[-1])
        return answer

    async def token(self, role: str = "admin") -> str:
        """Create a token."""
        return str((await self.run("token", "create", "--role", role))["token"])


@contextlib.asynccontextmanager
async def running_service(command: Sequence[str] = (), settings: Mapping[str, str] | None = None) -> AsyncIterator[Service]:
    """Start a service in a temporary folder, ready for commands, and stop it afterwards."""
    with tempfile.TemporaryDirectory(prefix="queue-", ignore_cleanup_errors=True) as folder:
        service = Service(Path(folder), command, settings)
        service.launch()
        try:
            await service.ready()
            yield service
        finally:
            await service.stop()
