"""The proxies of deploy/, with the very files of deploy/, before nodes of the tests' own."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from aiohttp import ClientError, ClientSession, ClientTimeout
from msgspec import Struct

from benchmarks.running import free_ports

DEPLOY = Path(__file__).parents[2] / "deploy"
NGINX, HAPROXY = "/usr/sbin/nginx", "/usr/sbin/haproxy"
OWN_FOLDERS = "".join(f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
"""For nginx without rights: no folder of the system's is its to write to."""
START_SECONDS = 20.0
LOOK_SECONDS = 0.02
NOBODY = 65534 if os.geteuid() == 0 else None
"""Whom a proxy runs as where the tests run with all rights; else as the tests do."""


class Node(Struct, frozen=True):
    """Where a node listens."""

    http_port: int
    push_port: int


class OtherCell(Struct, frozen=True):
    """A cell named two beside the first, and the branches that live in it."""

    nodes: Sequence[Node]
    branches: Sequence[str]


NO_OTHER = OtherCell((), ())


class Proxy(Protocol):
    """A proxy that can be started and told of other nodes."""

    port: int
    command: list[str]

    def write(self, nodes: Sequence[Node]) -> None:
        """Write down which nodes there are."""


class Nginx:
    """nginx with the policy of deploy/; *balance* replaces the hash on the branch."""

    def __init__(self, folder: Path, other: OtherCell, balance: str = "hash $queue_branch consistent;") -> None:
        (self.port,) = free_ports(1)
        self._folder, self._other, self._balance = folder, other, balance
        shutil.copy(DEPLOY / "nginx" / "nginx.conf", folder)
        (folder / "listen.conf").write_text(f"listen 127.0.0.1:{self.port};\n", encoding="utf-8")
        own = f"daemon off; pid {folder}/nginx.pid;"
        self.command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr", "-g", own]

    def write(self, nodes: Sequence[Node]) -> None:
        """Write the site's part."""
        site = [
            OWN_FOLDERS,
            "map $queue_branch $queue_cell { default one;",
            *(f"{branch} two;" for branch in self._other.branches),
            "}",
            *self._cell("one", nodes),
            *(self._cell("two", self._other.nodes) if self._other.nodes else []),
            "limit_conn_zone $binary_remote_addr zone=queue_connections:1m;",
            "limit_req_zone $binary_remote_addr zone=queue_requests:1m rate=10000r/s;",
        ]
        (self._folder / "site.conf").write_text("\n".join(site), encoding="utf-8")

    def _cell(self, name: str, nodes: Sequence[Node]) -> list[str]:
        http = self._group(f"{name}_http", [node.http_port for node in nodes])
        return [http, self._group(f"{name}_push", [node.push_port for node in nodes])]

    def _group(self, name: str, ports: Sequence[int]) -> str:
        servers = " ".join(f"server 127.0.0.1:{port} max_fails=2 fail_timeout=2s;" for port in ports)
        return f"upstream {name} {{ {self._balance} {servers} keepalive 64; }}"


class HAProxy:
    """HAProxy with the file of deploy/, which knows two nodes; another cell is made as its comment says."""

    def __init__(self, folder: Path, other: OtherCell) -> None:
        (self.port,) = free_ports(1)
        self._folder, self._other = folder, other
        self._nodes: Sequence[Node] = ()
        # Without a master process a signal ends it at once, as nginx.
        self.command = [HAPROXY, "-db", "-f", str(folder / "haproxy.cfg")]

    def write(self, nodes: Sequence[Node]) -> None:
        """Put this test's addresses where the file names its own."""
        text = (DEPLOY / "haproxy.cfg").read_text(encoding="utf-8")
        own = {"QUEUE_PROXY_SOCKET": f"{self._folder}/admin.sock", "QUEUE_PROXY_BIND": f"127.0.0.1:{self.port}"}
        own |= _addresses("QUEUE", nodes)
        if self._other.nodes:
            text += text[text.index("\nbackend ") :].replace("_one", "_two").replace("QUEUE_", "TWO_")
            own |= _addresses("TWO", self._other.nodes)
        lines = [f'    setenv {name} "{value}"\n' for name, value in own.items()]
        (self._folder / "haproxy.cfg").write_text(text.replace("global\n", "global\n" + "".join(lines), 1), encoding="utf-8")
        living = "".join(f"{branch} two\n" for branch in self._other.branches)
        (self._folder / "cells.map").write_text((DEPLOY / "cells.map").read_text(encoding="utf-8") + living, encoding="utf-8")


def _addresses(prefix: str, nodes: Sequence[Node]) -> dict[str, str]:
    own: dict[str, str] = {}
    for number, node in enumerate(nodes, 1):
        own |= {f"{prefix}_NODE{number}": f"127.0.0.1:{node.http_port}", f"{prefix}_PUSH{number}": f"127.0.0.1:{node.push_port}"}
    return own


class Running:
    """A proxy's process."""

    def __init__(self, proxy: Proxy, folder: Path) -> None:
        self._proxy = proxy
        self._log = folder / "proxy.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{proxy.port}"
        self.push_url = f"ws://127.0.0.1:{proxy.port}"

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._proxy.command,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=NOBODY,
                group=NOBODY,
                extra_groups=None if NOBODY is None else [],
            )
        async with ClientSession(timeout=ClientTimeout(total=1)) as session, asyncio.timeout(START_SECONDS):
            while not await self._lives(session):
                if self._process.poll() is not None:
                    raise RuntimeError(self.log())
                await asyncio.sleep(LOOK_SECONDS)

    async def _lives(self, session: ClientSession) -> bool:
        with contextlib.suppress(ClientError, TimeoutError, OSError):
            async with session.get(f"{self.url}/healthz") as response:
                return response.status == 200
        return False

    def reload(self, nodes: Sequence[Node]) -> None:
        """Let it go on with other nodes, losing no request."""
        self._proxy.write(nodes)
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    async def administer(self, command: str) -> None:
        """Say *command* on HAProxy's socket."""
        reader, writer = await asyncio.open_unix_connection(self._log.with_name("admin.sock"))
        writer.write(f"{command}\n".encode())
        answer = await reader.read()
        writer.close()
        assert not answer.strip(), answer

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def log(self) -> str:
        """Return what it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that the proxy, too, may write to."""
    with tempfile.TemporaryDirectory(prefix="queue-proxy-") as name:
        if NOBODY is not None:
            os.chown(name, NOBODY, NOBODY)
        yield Path(name)


@contextlib.asynccontextmanager
async def running_proxy(kind: str, nodes: Sequence[Node], other: OtherCell = NO_OTHER) -> AsyncIterator[Running]:
    """Run a proxy of *kind* (nginx, random for nginx without the hash, haproxy) before *nodes*, and before those of an *other* cell."""
    with own_folder() as folder:
        proxy: Proxy = (
            HAProxy(folder, other) if kind == "haproxy" else Nginx(folder, other, *(["random;"] if kind == "random" else []))
        )
        proxy.write(nodes)
        running = Running(proxy, folder)
        try:
            await running.start()
            yield running
        finally:
            running.stop()
