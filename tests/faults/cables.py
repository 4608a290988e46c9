"""Two network namespaces of a test's own, joined by one cable that can be pulled; no address of the machine's is touched."""

import asyncio
import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec import Struct

Result = TypeVar("Result")

HERE, THERE = "198.51.100.1", "198.51.100.2"
"""Addresses that are for documentation: they exist in the namespaces alone."""
_NETWORK_NAMESPACE = 0x40000000


class Cable(Struct, frozen=True):
    """The cable between the namespaces *here* and *there*; its plugs bear the same names."""

    here: str
    there: str

    def pull_there(self) -> None:
        """Pull the plug at the far end: here packets vanish, and nothing says so."""
        ip("-n", self.there, "link", "set", self.there, "down")

    def pull_here(self) -> None:
        """Pull the plug at this end: nobody can be reached, which is said at once."""
        ip("-n", self.here, "link", "set", self.here, "down")

    def mend(self) -> None:
        """Put both plugs back."""
        for end in (self.here, self.there):
            ip("-n", end, "link", "set", end, "up")


def ip(*arguments: str) -> None:
    """Run `ip`; raises CalledProcessError with what it said."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


@contextlib.contextmanager
def cable() -> Iterator[Cable]:
    """Lay a cable between two new namespaces; the test is skipped where that is not permitted."""
    if shutil.which("ip") is None:
        pytest.skip("iproute2 is not installed, so there is no cable to pull")
    laid = Cable(f"qhere{os.getpid()}", f"qthere{os.getpid()}")
    try:
        try:
            _lay(laid)
        except subprocess.CalledProcessError as refused:
            pytest.skip(f"network namespaces are not permitted here: {refused.stderr.strip()}")
        yield laid
    finally:
        for name in (laid.here, laid.there):
            # The cable goes with either end.
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def _lay(laid: Cable) -> None:
    ends = ((laid.here, HERE), (laid.there, THERE))
    for name, _ in ends:
        ip("netns", "add", name)
    ip("-n", laid.here, "link", "add", laid.here, "type", "veth", "peer", "name", laid.there, "netns", laid.there)
    for name, address in ends:
        ip("-n", name, "address", "add", f"{address}/24", "dev", name)
        ip("-n", name, "link", "set", "lo", "up")
    laid.mend()


def inside(namespace: str, work: Callable[[], Result]) -> Result:
    """Do *work* on a thread whose connections, and the processes that it starts, are in *namespace*."""

    def enter() -> Result:
        with Path("/run/netns", namespace).open("rb") as entrance:
            if ctypes.CDLL(None, use_errno=True).setns(entrance.fileno(), _NETWORK_NAMESPACE) != 0:
                raise OSError(ctypes.get_errno(), "the namespace cannot be entered")
        return work()

    # The thread ends with the work, so nobody finds itself there afterwards.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(enter).result()


def run_inside(namespace: str, work: Coroutine[Any, Any, Result]) -> Result:
    """Run *work* on a loop of its own in *namespace*."""
    return inside(namespace, lambda: asyncio.run(work))
