"""
Where the time of `POST /tickets` goes: the server runs in this module's process under a sampling profiler, the load in another.

`python -m benchmarks.profile_server` measures; the processor time of the server's main thread is sampled by SIGPROF, 250
times a second, so an idle moment weighs nothing and the code itself is not slowed by hooks on every call.
"""

import argparse
import asyncio
import itertools
import json
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.branches import check
from benchmarks.issue_throughput import plan, receipt_size
from benchmarks.load import generate
from benchmarks.report import keep
from benchmarks.running import running_service

EVERY_SECONDS = 0.004
LAYERS = ("aiohttp", "asyncpg", "websockets", "prometheus_client", "structlog", "msgspec")
DEEPEST = 60


class Sampler:
    """Counts where the main thread is while it uses the processor."""

    def __init__(self) -> None:
        self.layers: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()
        self.within: Counter[str] = Counter()

    def start(self) -> None:
        """Begin to sample."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)

    def stop(self) -> None:
        """Sample no more."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _sample(self, _signal: int, frame: FrameType | None) -> None:
        frames = list(itertools.islice(_outwards(frame), DEEPEST))
        self.layers[next((layer for layer in map(_layer, frames) if layer), "asyncio and the standard library")] += 1
        if frames:
            self.lines[_name(frames[0])] += 1
        # A function is counted once a sample however deep it recurs.
        self.within.update({_name(each) for each in frames})

    def figures(self) -> dict[str, Any]:
        """Return the shares, largest first."""
        total = max(1, self.layers.total())

        def share(counts: Counter[str], most: int) -> dict[str, float]:
            return {name: round(count / total, 3) for name, count in counts.most_common(most)}

        return {
            "samples": total,
            "by_layer": share(self.layers, 20),
            "innermost": share(self.lines, 40),
            "inside_of": share(self.within, 100),
        }


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _layer(frame: FrameType) -> str | None:
    path = frame.f_code.co_filename
    # The command and the wiring are at the bottom of every stack: what runs above them alone is the event loop.
    if "/queue_server/" in path and "/compose/" not in path and not path.endswith(("cli.py", "__main__.py")):
        return "queue_server." + path.rpartition("/queue_server/")[2].split("/")[0].removesuffix(".py")
    return next((layer for layer in LAYERS if f"/{layer}/" in path), None)


def _name(frame: FrameType) -> str:
    return f"{'/'.join(Path(frame.f_code.co_filename).parts[-2:])}:{frame.f_code.co_qualname}"


def serve(output: Path) -> None:
    """Run `queue-server run` in this process; write the profile to *output* when it has ended."""
    from queue_server.cli import main as queue_server  # noqa: PLC0415 - only the sampled process loads it

    sampler = Sampler()
    # The first signal of the user starts the sampling: neither the start nor the making of branches is of interest.
    signal.signal(signal.SIGUSR1, lambda *_: sampler.start())
    sys.argv = ["queue-server", "run"]
    try:
        queue_server()
    finally:
        sampler.stop()
        output.write_text(json.dumps(sampler.figures()), encoding="utf-8")


async def measure(seconds: float) -> dict[str, Any]:
    """Run the load of the issue benchmark against a sampled server and return the profile."""
    with tempfile.TemporaryDirectory(prefix="queue-profile-") as folder:
        output = Path(folder) / "profile.json"
        command = (sys.executable, "-m", "benchmarks.profile_server", "--serve", str(output))
        async with running_service(command) as service:
            token = await service.token()
            await receipt_size(service, token)
            os.kill(service.pid, signal.SIGUSR1)
            result = check(await generate(plan(service.http_port, token, seconds)), {"201"})
        profile: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return {"what": "processor time of the server's main thread under POST /tickets", "issues_a_second": result.rate, **profile}


def show(figures: dict[str, Any]) -> None:
    """Print the profile."""
    print(f"Where the time goes ({figures['samples']:,} samples, {figures['issues_a_second']:,.0f} issues/s while sampled)")
    for title, key, most in (("by layer", "by_layer", 20), ("innermost", "innermost", 15), ("inside of", "inside_of", 60)):
        print(f"  {title}")
        for name, share in itertools.islice(figures[key].items(), most):
            print(f"    {share:>6.1%}  {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--serve", type=Path, metavar="OUTPUT", help="be the sampled server")
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    figures = asyncio.run(measure(arguments.seconds))
    show(figures)
    print(f"  kept in {keep('profile', figures)}")


if __name__ == "__main__":
    main()
