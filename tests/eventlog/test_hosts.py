"""The primary is found among several hosts, also when another one does not answer at all."""

import re
import socket
import time
from urllib.parse import urlsplit

import pytest

from queue_server.access.postgres import PostgresTokens
from queue_server.eventlog.migrate import migrate
from queue_server.eventlog.postgres import PostgresLog
from queue_server.eventlog.postgres_hosts import connect_primary, each_host


@pytest.mark.parametrize(
    ("dsn", "hosts"),
    [
        ("postgresql://u:p@one/q", ["postgresql://u:p@one/q"]),
        ("postgresql://u@one:1,two:2,[::1]/q?a=b", ["u@one:1", "u@two:2", "u@[::1]"]),
        ("postgresql://u:p@/q?host=%2Fone&sslmode=disable", ["postgresql://u:p@/q?host=%2Fone&sslmode=disable"]),
        ("postgresql://u@/q?host=/one,/two", ["host=%2Fone", "host=%2Ftwo"]),
        ("postgresql://u@/q?host=one,two&port=1,2", ["host=one&port=1", "host=two&port=2"]),
        ("postgresql://u@/q?host=one,two&port=7", ["host=one&port=7", "host=two&port=7"]),
    ],
)
def test_an_address_is_taken_apart(dsn: str, hosts: list[str]) -> None:
    found = each_host(dsn)
    assert len(found) == len(hosts)
    assert all(host in one for host, one in zip(hosts, found, strict=True))
    assert all(urlsplit(one).path == "/q" for one in found)


async def test_a_host_that_does_not_answer_keeps_nobody_from_the_next(empty_database_url: str) -> None:
    # As good as a machine that is gone: nothing comes back, not even a refusal.
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
        url = re.sub(r"host=([^&]+)", rf"host=127.0.0.1,\1&port={port},5432", empty_database_url)
        assert len(each_host(url)) == 2
        assert await migrate(url)
        began = time.monotonic()
        log = await PostgresLog.connect(url, command_timeout_seconds=20, require_durability=False)
        tokens = PostgresTokens(url, timeout_seconds=20)
        try:
            assert await log.heads() == []
            assert await tokens.find(b"x") is None
        finally:
            await tokens.close()
            await log.close()
        assert time.monotonic() - began < 20


async def test_when_no_host_is_the_primary_the_fault_is_told() -> None:
    with pytest.raises(OSError, match="Connect call failed"):
        await connect_primary("postgresql://u:p@127.0.0.1:1,127.0.0.1:2/q", timeout=5)


def test_ports_that_do_not_fit_the_hosts_are_refused() -> None:
    with pytest.raises(ValueError, match="2 hosts and 3 ports"):
        each_host("postgresql://u@/q?host=one,two&port=1,2,3")
