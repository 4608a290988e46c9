"""The main job, end to end, in real browsers: a ticket is taken on one page, called on the second, seen on the third."""

import asyncio
import os
from pathlib import Path

from benchmarks.running import Service, running_service

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "test-results" / "hall"


async def test_a_ticket_is_taken_called_and_seen() -> None:
    assert (ROOT / "queue_server" / "web" / "static" / "kiosk" / "index.html").is_file(), "the screens are not built: make setup"
    async with running_service() as service:
        await _hall(service)


async def _hall(service: Service) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    surroundings = {
        "BASE_URL": service.url,
        "KIOSK_TOKEN": await service.token("kiosk"),
        "DISPLAY_TOKEN": await service.token("display"),
        "STAFF_TOKEN": await service.token("staff"),
        "MANAGER_TOKEN": await service.token("manager"),
        "OUT_DIR": str(PICTURES),
    }
    process = await asyncio.create_subprocess_exec(
        str(ROOT / "scripts" / "with-node"),
        "node",
        "tests/browser/hall.mjs",
        cwd=ROOT,
        env={**os.environ, **surroundings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode(errors="replace")
