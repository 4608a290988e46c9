"""
The reference of the issue benchmark: a bare aiohttp JSON POST, `python -m benchmarks.reference_aiohttp PORT SIZE`.

It decodes a small JSON body and answers with JSON of SIZE bytes, the size of a receipt; no rules, tokens, metrics or storage.
"""

import asyncio
import sys

import msgspec
from aiohttp import web

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def application(size: int) -> web.Application:
    """Return the application that answers with about *size* bytes."""
    padding = "x" * max(0, size - len('{"service":"cash","padding":""}'))

    async def issue(request: web.Request) -> web.Response:
        body = _decode(await request.read())
        return web.Response(
            body=_encode({"service": body["service"], "padding": padding}), status=201, content_type="application/json"
        )

    app = web.Application()
    app.router.add_post("/v1/branches/{branch}/tickets", issue)
    return app


async def serve(port: int, size: int) -> None:
    """Serve until the process is ended."""
    runner = web.AppRunner(application(size), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
