"""A cell as it is run in earnest: one PostgreSQL with full durability, and nodes that share it, each a process of its own."""

import asyncio
import contextlib
import re
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientSession

from benchmarks.branches import configuration
from benchmarks.running import Service
from queue_server.eventlog.embedded import EmbeddedPostgres
from tests.deploy.proxies import Node

Json = dict[str, Any]

_SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)$", re.MULTILINE)


class Cell:
    """Nodes on one database; `token` is an administrator's."""

    def __init__(self, folder: Path, database: EmbeddedPostgres, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings = {"QUEUE_DATABASE_URL": database.dsn, **settings}
        self.database = database
        self.nodes: list[Service] = []
        self.token = ""

    def add(self) -> Service:
        """Start one more node, without waiting for it."""
        folder = self._folder / f"node{len(self.nodes) + 1}"
        folder.mkdir()
        node = Service(folder, settings=self._settings)
        node.launch()
        self.nodes.append(node)
        return node

    async def open(self, nodes: int) -> None:
        """Start one node, which brings the empty database to its schema, then the others at once, *nodes* in all."""
        await self.add().ready()
        await asyncio.gather(*(self.add().ready() for _ in range(nodes - 1)))
        self.token = await self.nodes[0].token()

    async def close(self) -> None:
        """End all nodes."""
        await asyncio.gather(*(node.stop() for node in self.nodes))

    @property
    def addresses(self) -> list[Node]:
        """Where the nodes listen."""
        return [Node(node.http_port, node.push_port) for node in self.nodes]

    @property
    def headers(self) -> dict[str, str]:
        """What a client of the administrator's sends."""
        return {"Authorization": f"Bearer {self.token}"}

    async def make_branches(self, branches: Sequence[str], url: str | None = None) -> None:
        """Make *branches* at *url*, or through the first node."""
        async with ClientSession(headers=self.headers) as session:
            for branch in branches:
                body = msgspec.json.encode(configuration(branch))
                async with session.put(f"{url or self.nodes[0].url}/v1/branches/{branch}", data=body) as response:
                    assert response.status == 201, await response.text()


@contextlib.asynccontextmanager
async def running_cell(nodes: int, settings: Mapping[str, str] | None = None) -> AsyncIterator[Cell]:
    """Run a cell of *nodes* nodes, each with *settings* besides its own."""
    with tempfile.TemporaryDirectory(prefix="queue-cell-", ignore_cleanup_errors=True) as name:
        async with EmbeddedPostgres(Path(name) / "data") as database:
            cell = Cell(Path(name), database, settings or {})
            try:
                await cell.open(nodes)
                yield cell
            finally:
                await cell.close()


async def samples(node: Service, name: str, label: str = "branch") -> dict[str, float]:
    """Return the sums of the series *name* of *node* by *label*, as it tells Prometheus; by "" where it has no such label."""
    async with ClientSession() as session, session.get(f"{node.url}/metrics") as response:
        assert response.status == 200
        page = await response.text()
    found: dict[str, float] = {}
    for sample in _SAMPLE.finditer(page):
        if sample["name"] == name:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', sample["labels"] or ""))
            key = labels.get(label, "")
            found[key] = found.get(key, 0.0) + float(sample["value"])
    return found
