"""
Connecting to the primary, wherever it is among the hosts that the address names.

asyncpg asks one host after the other within one time limit: a machine that has lost its power answers nothing, uses up the limit, and
the host that has become the primary is never asked. So all are asked at once, and the first that is the primary is taken.
"""

import asyncio
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def connect_primary(dsn: str, **options: Any) -> Connection:
    """Connect to the primary, as `asyncpg.connect` does: a stand-by may show commits late and cannot take any."""
    asked: list[asyncio.Future[Connection]] = [asyncio.ensure_future(_connect(address, options)) for address in each_host(dsn)]
    try:
        return await _first(asked)
    finally:
        for one in asked:
            one.cancel()
            one.add_done_callback(_leave)


async def _connect(address: str, options: dict[str, Any]) -> Connection:
    return await asyncpg.connect(address, target_session_attrs=SessionAttribute.primary, **options)


async def _first(asked: "list[asyncio.Future[Connection]]") -> Connection:
    """Return the first that succeeds, and take it out of *asked*; when none does, raise what the last one has met."""
    while True:
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            if one.exception() is None or len(asked) == 1:
                asked.remove(one)
                return one.result()
            asked.remove(one)


def _leave(late: "asyncio.Future[Connection]") -> None:
    # It had succeeded before it could be called off.
    if not late.cancelled() and late.exception() is None:
        late.result().terminate()


def each_host(dsn: str) -> list[str]:
    """Return *dsn* once for each host that it names."""
    address = urlsplit(dsn)
    who, at, hosts = address.netloc.rpartition("@")
    if "," in hosts:
        return [address._replace(netloc=f"{who}{at}{host}").geturl() for host in hosts.split(",")]
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    named, ports = query.get("host", "").split(","), query.get("port", "").split(",")
    if len(named) == 1:
        return [dsn]
    if len(ports) not in {1, len(named)}:
        raise ValueError(
            f"The address names {len(named)} hosts and {len(ports)} ports; right would be one port, or one for each host."
        )
    ports = ports if len(ports) == len(named) else ports * len(named)
    pairs = [{"host": host} | ({"port": port} if port else {}) for host, port in zip(named, ports, strict=True)]
    return [address._replace(query=urlencode(query | pair)).geturl() for pair in pairs]
