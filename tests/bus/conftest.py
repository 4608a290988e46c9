"""Each test of the contract is run on every carrier."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from tests.bus.carriers import Carrier, InMemory, OnNats, OnPostgres
from tests.bus.nats_server import NatsServer


@pytest.fixture
def nats_server() -> Iterator[NatsServer]:
    """A nats-server of this test's own."""
    server = NatsServer()
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def in_memory() -> AsyncIterator[Carrier]:
    async with AsyncExitStack() as stack:
        yield InMemory(stack)


@pytest.fixture
async def on_postgres(empty_database_url: str) -> AsyncIterator[Carrier]:
    async with AsyncExitStack() as stack:
        yield OnPostgres(stack, empty_database_url)


@pytest.fixture
async def on_nats(nats_server: NatsServer) -> AsyncIterator[Carrier]:
    async with AsyncExitStack() as stack:
        yield OnNats(stack, nats_server)


@pytest.fixture(params=["in_memory", "on_postgres", "on_nats"])
def carrier(request: pytest.FixtureRequest) -> Carrier:
    """What carries the bus."""
    found: Carrier = request.getfixturevalue(request.param)
    return found
