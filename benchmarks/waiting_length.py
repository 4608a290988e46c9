"""
Issue and call-next in one branch with 10,000 waiting as with 100: nothing on the path may grow with the number waiting.

Each of 32 counters takes turns at issuing a ticket and calling one (finishing the present ticket), so that the number waiting
stays where it is. The two branches are measured in turns, A B B A; the figures that count are the ratios of each turn, of the rates
and, less moved by whatever else the machine does, of the processor time that a command costs the server.
"""

import argparse
import asyncio
from typing import Any

from benchmarks.branches import call_request, check, fill, issue_request, make_branches
from benchmarks.load import Plan, Result, generate
from benchmarks.report import keep, line, ratio, spread, spread_line
from benchmarks.running import Service, processor_seconds, running_service
from queue_server.drive.client import Client

COUNTERS = 32
EACH = 50


async def prepare(service: Service, token: str, lengths: list[int]) -> None:
    """Make a branch for each of *lengths* with that many waiting and all counters open."""
    async with Client(service.url, token) as client:
        await make_branches(client, [f"waiting-{length}" for length in lengths], COUNTERS, "on_call")
        for length in lengths:
            for counter in range(1, COUNTERS + 1):
                await client.post(f"/v1/branches/waiting-{length}/counters/{counter}/open", {})
            await fill(service, f"waiting-{length}", length, token)


async def turns(service: Service, token: str, length: int) -> Result:
    """Issue and call in turns against the branch that has *length* waiting."""
    branch = f"waiting-{length}"
    pairs = [(issue_request(branch, n, token), call_request(branch, str(n + 1), token)) for n in range(COUNTERS)]
    plan = Plan("127.0.0.1", service.http_port, tuple(pairs), each=2 * EACH)
    return check(await generate(plan), {"200", "201"})


async def measure(rounds: int, lengths: list[int]) -> dict[str, Any]:
    """Measure the branches in turns and return the figures."""
    rates: dict[int, list[float]] = {length: [] for length in lengths}
    cost: dict[int, list[float]] = {length: [] for length in lengths}
    p50: dict[int, dict[str, list[float]]] = {length: {"issue": [], "call-next": []} for length in lengths}
    async with running_service() as service:
        token = await service.token()
        await prepare(service, token, lengths)
        for turn in range(rounds):
            for length in lengths if turn % 2 else reversed(lengths):
                before = processor_seconds(service.pid)
                result = await turns(service, token, length)
                cost[length].append((processor_seconds(service.pid) - before) / sum(result.statuses.values()) * 1e6)
                rates[length].append(result.rate)
                for kind, latency in result.latency.items():
                    p50[length][kind].append(latency.p50 * 1000)
    return {
        "what": "issue and call-next in turns in one branch, by the number waiting",
        "counters": COUNTERS,
        "commands_a_second": {str(length): spread(values) for length, values in rates.items()},
        "p50_ms": {str(length): {kind: spread(values) for kind, values in kinds.items()} for length, kinds in p50.items()},
        "command_processor_us": {str(length): spread(values) for length, values in cost.items()},
        "ratio_of_longest_to_shortest": ratio(rates[max(lengths)], rates[min(lengths)]),
        "cost_ratio_of_longest_to_shortest": ratio(cost[max(lengths)], cost[min(lengths)]),
        "rounds": {str(length): values for length, values in rates.items()},
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    print("Issue and call-next in turns, one branch")
    for length, values in figures["rounds"].items():
        print(line(f"with {int(length):,} waiting", values, "/s"))
        kinds = figures["p50_ms"][length]
        cost = figures["command_processor_us"][length]["median"]
        print(
            f"    p50: issue {kinds['issue']['median']} ms, call-next {kinds['call-next']['median']} ms; {cost:.0f} us of the processor each"
        )
    print(spread_line("ratio of the rates, longest / shortest", figures["ratio_of_longest_to_shortest"]))
    print(spread_line("ratio of the processor time, longest / shortest", figures["cost_ratio_of_longest_to_shortest"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--waiting", type=int, nargs="+", default=[100, 10_000], help="numbers waiting to compare")
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.rounds, arguments.waiting))
    show(figures)
    print(f"  kept in {keep('waiting_length', figures)}")


if __name__ == "__main__":
    main()
