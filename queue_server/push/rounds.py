"""Work that is done again and again."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

_log = structlog.get_logger(__name__)


async def every(seconds: float, step: Callable[[], Awaitable[None]], name: str) -> None:
    """Do *step* every *seconds* until cancelled; a round that fails is logged under *name*, and the next one goes on."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await step()
        except Exception:  # noqa: BLE001 - logged, and the next round goes on
            _log.exception("push round failed", step=name)
