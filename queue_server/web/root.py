"""What is outside the branches: health, metrics, the description of the interface, and the screens."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import TypeAlias

import msgspec
from aiohttp import web

from queue_server.access.roles import Deed
from queue_server.runtime.runtime import Runtime
from queue_server.web.gate import Gate
from queue_server.web.headers import JSON_HEADERS, METRICS_HEADERS
from queue_server.web.openapi import describe
from queue_server.web.pages import Pages
from queue_server.web.problems import Problem

MetricsPage: TypeAlias = Callable[[], Awaitable[bytes]]

_READY_SECONDS = 1.5
_OF_A_PROXY = frozenset({"forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip"})


class Root:
    """Answers what is not under `/v1`."""

    def __init__(
        self,
        runtime: Runtime,
        gate: Gate,
        *,
        push_port: int,
        push_url: str | None,
        metrics_page: MetricsPage | None,
        metrics_open: bool | None,
        static_dir: Path | None,
        version: str,
    ) -> None:
        self._runtime = runtime
        self._gate = gate
        self._metrics_page = metrics_page
        self._metrics_open = metrics_open
        self._pages = Pages(static_dir)
        self._version = version
        self._asking: asyncio.Task[bool] | None = None
        self._ui = msgspec.json.encode({"push_port": push_port, "push_url": push_url})
        self._places: dict[str, Callable[[web.BaseRequest], Awaitable[web.Response]]] = {
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/openapi.json": self._openapi,
            "/ui.json": self._ui_json,
        }

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer *request*, or refuse."""
        place = self._places.get(request.path)
        page = None if place is not None else self._pages.find(request)
        if place is None and page is None:
            raise Problem("not_found", "There is nothing at this address.")
        if request.method not in ("GET", "HEAD"):
            raise Problem("method_not_allowed", "Here one can only GET.", headers={"Allow": "GET, HEAD"})
        return page if page is not None else await self._places[request.path](request)

    @cached_property
    def _description(self) -> bytes:
        return msgspec.json.encode(describe(self._version))

    async def _healthz(self, _request: web.BaseRequest) -> web.Response:
        return web.Response(body=b'{"status":"ok"}', headers=JSON_HEADERS)

    async def _readyz(self, _request: web.BaseRequest) -> web.Response:
        if not await self._is_ready():
            raise Problem("log_unavailable", "The log does not answer.")
        return web.Response(body=b'{"status":"ready"}', headers=JSON_HEADERS)

    async def _is_ready(self) -> bool:
        # With a frozen database even giving a question up may take long: it is left behind, and there is never more than one.
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._runtime.alive(), name="ready")
        asking = self._asking
        await asyncio.wait((asking,), timeout=_READY_SECONDS)
        return asking.done() and asking.result()

    async def _openapi(self, _request: web.BaseRequest) -> web.Response:
        return web.Response(body=self._description, headers=JSON_HEADERS)

    async def _ui_json(self, _request: web.BaseRequest) -> web.Response:
        return web.Response(body=self._ui, headers=JSON_HEADERS)

    async def _metrics(self, request: web.BaseRequest) -> web.Response:
        if self._metrics_page is None:
            raise Problem("not_found", "This node keeps no metrics.")
        is_open = _is_local(request) if self._metrics_open is None else self._metrics_open
        if not is_open and not (await self._gate.admit(request)).may(Deed.SCRAPE):
            raise Problem("forbidden", "This token's role may not read the metrics.")
        return web.Response(body=await self._metrics_page(), headers=METRICS_HEADERS)


def _is_local(request: web.BaseRequest) -> bool:
    """Tell whether the request comes from this machine itself, not through a proxy on it."""
    if any(name in _OF_A_PROXY or name.startswith("x-forwarded-") for name in map(str.lower, request.headers)):
        return False
    try:
        return ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
