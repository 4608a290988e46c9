"""The built screens: read into memory once at the start, since they are few, small and the same for everybody."""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

from aiohttp import web
from msgspec import Struct
from multidict import CIMultiDict

from queue_server.web.headers import PAGE_HEADERS

PAGES = ("kiosk", "display", "counter")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
}
_FILES_MAX, _BYTES_MAX = 1000, 64 * 1024 * 1024


class _File(Struct, frozen=True):
    content: bytes
    headers: CIMultiDict[str]
    etag: str


class Pages:
    """The files below *folder*, by address; a folder that is not there is no pages."""

    def __init__(self, folder: Path | None) -> None:
        self._files = _read(folder) if folder is not None and folder.is_dir() else {}

    def find(self, request: web.BaseRequest) -> web.Response | None:
        """Return the page at the request's address, or where it is; None when there is none."""
        path = request.path
        if path[1:] in PAGES:
            # The page's own addresses are relative, so the slash matters. The browser keeps the fragment.
            query = f"?{request.query_string}" if request.query_string else ""
            return web.Response(status=308, headers=CIMultiDict(PAGE_HEADERS, Location=f"{path}/{query}"))
        file = self._files.get(f"{path}index.html" if path.endswith("/") else path)
        if file is None:
            return None
        if request.headers.get("If-None-Match") == file.etag:
            return web.Response(status=304, headers=file.headers)
        return web.Response(body=file.content, headers=file.headers)


def _read(folder: Path) -> Mapping[str, _File]:
    files: dict[str, _File] = {}
    size = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix not in _TYPES:
            continue
        content = path.read_bytes()
        size += len(content)
        if len(files) >= _FILES_MAX or size > _BYTES_MAX:
            raise ValueError(f"{folder} holds more than the built screens")
        files[f"/{path.relative_to(folder).as_posix()}"] = _file(path, content)
    return files


def _file(path: Path, content: bytes) -> _File:
    etag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    # What is under assets/ has its hash in its name; a page itself must be asked for again after an update.
    cache = "public, max-age=31536000, immutable" if path.parent.name == "assets" else "no-cache"
    headers = CIMultiDict(PAGE_HEADERS)
    headers.update({"Content-Type": _TYPES[path.suffix], "Cache-Control": cache, "ETag": etag})
    return _File(content, headers, etag)
