"""What doctor looks at on this machine: ports, the disk, and the time zones that branches ask for."""

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from queue_server.core.ids import BranchId
from queue_server.upkeep.findings import Finding, fault, fine, warning

_ANSWER_SECONDS = 2.0
_GIB = 1024**3
_WARN_BYTES, _WARN_SHARE = 2 * _GIB, 0.1
_FAULT_BYTES = _GIB // 4
_ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
# How each port names itself: in a header, and the feed by what it says to one who is no screen.
_OURS = (b"server: queue-server", b"the feed of a branch is at")
_EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


async def look_at_port(check: str, host: str, port: int, setting: str) -> tuple[Finding, bool]:
    """Return what is found at *port*, and whether a node of ours answers there."""
    address = f"{host}:{port}"
    if port == 0:
        return fine(check, "any free port is taken"), False
    answer = await _ask(_EVERY_INTERFACE.get(host, host), port)
    if answer is None:
        return await _try(check, host, port, setting), False
    if any(sign in answer.lower() for sign in _OURS):
        return fine(check, f"{address} is answered by queue-server"), True
    return fault(check, f"{address} is taken by another program", f"stop it, or choose another port with {setting}"), False


async def _ask(host: str, port: int) -> bytes | None:
    """Return the beginning of what is answered at the port; None when nobody listens."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return None
    try:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_ANSWER_SECONDS):
                writer.write(_ASK)
                return await reader.read(4096)
        return b""
    finally:
        writer.close()


async def _try(check: str, host: str, port: int, setting: str) -> Finding:
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)
    except OSError as refused:
        text = f"{host}:{port} cannot be listened on ({refused.strerror or refused})"
        return fault(check, text, f"an address of this machine and a port that this user may have, with {setting}")
    server.close()
    return fine(check, f"{host}:{port} is free")


def look_at_disk(folder: Path) -> Finding:
    """Return how much room there is for the embedded database in *folder*, or where it will be made."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    usage = shutil.disk_usage(there)
    return weigh_disk(folder, usage.free, usage.total)


def weigh_disk(folder: Path, free: int, total: int) -> Finding:
    """Judge *free* of *total* bytes."""
    text = f"{free / _GIB:.1f} of {total / _GIB:.1f} GiB are free for {folder}"
    right = "make room: without any, every command is answered 503 until there is some"
    if free < _FAULT_BYTES:
        return fault("disk", text, right)
    if free < _WARN_BYTES or free < total * _WARN_SHARE:
        return warning("disk", text, right)
    return fine("disk", text)


def look_at_zones(zones: Mapping[BranchId, str]) -> Finding:
    """Return whether this machine knows the time zone of every branch."""
    unknown = sorted(branch for branch, zone in zones.items() if not _is_known(zone))
    if unknown:
        named = ", ".join(f"{zones[branch]} ({branch})" for branch in unknown[:5])
        text = f"{len(unknown)} branches cannot open their next day, their time zone is not known here: {named}"
        return fault("time zones", text, "install the package tzdata, or the system's zone files")
    return fine("time zones", f"{len(set(zones.values()))} in use, all known here")


def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
