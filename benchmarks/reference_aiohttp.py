"""
The references of the issue benchmark: `python -m benchmarks.reference_aiohttp PORT SIZE [--lean]`.

A bare aiohttp JSON POST as aiohttp's own documentation writes it (`await request.json()`, `web.json_response`), which answers with
JSON of SIZE bytes, the size of a receipt; no rules, tokens, metrics or storage. `--lean` does the same with msgspec in place of
the standard library's JSON: the least that aiohttp can do.
"""

import asyncio
import sys

import msgspec
from aiohttp import web

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def application(size: int, *, lean: bool) -> web.Application:
    """Return the application that answers with about *size* bytes."""
    padding = "x" * max(0, size - len('{"service":"cash","padding":""}'))

    async def issue(request: web.Request) -> web.Response:
        body = await request.json()
        return web.json_response({"service": body["service"], "padding": padding}, status=201)

    async def issue_lean(request: web.Request) -> web.Response:
        body = _decode(await request.read())
        content = _encode({"service": body["service"], "padding": padding})
        return web.Response(body=content, status=201, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/branches/{branch}/tickets", issue_lean if lean else issue)
    return app


async def serve(port: int, size: int, *, lean: bool) -> None:
    """Serve until the process is ended."""
    runner = web.AppRunner(application(size, lean=lean), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), lean="--lean" in sys.argv))
