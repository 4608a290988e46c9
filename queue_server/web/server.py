"""Listens, and stops listening."""

from aiohttp import web

from queue_server.web.app import RequestHandler, make_runner


class WebServer:
    """The HTTP interface on one address; made on the running loop."""

    def __init__(self, handler: RequestHandler, host: str, port: int) -> None:
        self._runner = make_runner(handler)
        self._host = host
        self._port = port

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._runner.addresses[0][1]) if self._runner.addresses else self._port

    async def start(self) -> None:
        """Listen. Raises OSError when the port cannot be had."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port, reuse_address=True).start()

    async def close(self) -> None:
        """Answer what is under way, for a moment, and close all connections; idempotent."""
        await self._runner.cleanup()
