"""What must hold after the faults: nothing acknowledged is lost, nothing happened twice, and a key still gives its first receipt."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from tests.faults.crowd import BRANCHES, Acknowledged, Crowd

Json = dict[str, Any]
Item = TypeVar("Item")

PAGE = 1000
MOST_EVENTS = 1_000_000
AT_ONCE = 32


async def judge(crowd: Crowd) -> list[str]:
    """Return every breach that can be found by asking the service; empty when all is well."""
    breaches = list(crowd.faults)
    for branch in BRANCHES:
        acknowledged = [done for done in crowd.acknowledged if done.branch == branch]
        events = await _stream(crowd, branch)
        breaches += judge_stream(branch, events) + judge_issues(branch, events, acknowledged)
        breaches += await _judge_tickets(crowd, acknowledged)
        breaches += await _judge_replays(crowd, acknowledged)
        # Neither the looking nor the replays may have added a fact.
        breaches += judge_unchanged(branch, events, await _stream(crowd, branch))
    return breaches


async def _stream(crowd: Crowd, branch: str) -> list[Json]:
    events: list[Json] = []
    while len(events) < MOST_EVENTS:
        page = (await crowd.get(f"/v1/branches/{branch}/events?after={len(events)}&limit={PAGE}"))["events"]
        if not page:
            break
        events += page
    return events


def judge_stream(branch: str, events: Sequence[Json]) -> list[str]:
    """Find gaps and repetitions in the numbering of facts."""
    seqs = [event["seq"] for event in events]
    expected = list(range(1, len(seqs) + 1))
    return [] if seqs == expected else [f"{branch}: the facts are not numbered 1 to {len(seqs)} without a gap"]


def judge_issues(branch: str, events: Iterable[Json], acknowledged: Iterable[Acknowledged]) -> list[str]:
    """Find acknowledged tickets that are not in the stream, issues that nobody was told of, and numbers given twice."""
    issued = {event["seq"]: _stored(event["body"]) for event in events if event["name"] == "TicketIssued"}
    told = {done.receipt["seq"]: done.receipt["ticket"] for done in acknowledged if done.is_issue and done.had_effect}
    numbers = Counter(ticket["number"] for ticket in issued.values())
    both = told.keys() & issued.keys()
    swapped = sorted(seq for seq in both if _name(issued[seq]) != _name(told[seq]))
    return [
        *(f"{branch}: the acknowledged ticket {told[seq]['number']} ({seq}) is lost" for seq in told.keys() - issued.keys()),
        *(f"{branch}: {issued[seq]['number']} ({seq}) was issued a second time for one key" for seq in issued.keys() - told.keys()),
        *(f"{branch}: fact {seq} holds another ticket than was told" for seq in swapped),
        *(f"{branch}: the number {number} was given {times} times" for number, times in numbers.items() if times > 1),
    ]


def _stored(body: Json) -> Json:
    return {"ticket_id": body["ticket"], "number": body["number"]}


def _name(ticket: Json) -> tuple[str, str]:
    return ticket["ticket_id"], ticket["number"]


def judge_unchanged(branch: str, before: Sequence[Json], after: Sequence[Json]) -> list[str]:
    """Find facts that replays have added."""
    return [] if len(before) == len(after) else [f"{branch}: replays added {len(after) - len(before)} facts"]


async def _judge_tickets(crowd: Crowd, acknowledged: Iterable[Acknowledged]) -> list[str]:
    tickets = [done.receipt["ticket"] | {"branch": done.branch} for done in acknowledged if done.is_issue and done.had_effect]
    breaches: list[str] = []
    for some in _by_turns(tickets):
        found = await asyncio.gather(*(crowd.get(f"/v1/branches/{t['branch']}/tickets?number={t['number']}") for t in some))
        for ticket, answer in zip(some, found, strict=True):
            if [entry["ticket_id"] for entry in answer["tickets"]] != [ticket["ticket_id"]]:
                breaches.append(f"{ticket['branch']}: {ticket['number']} is answered as {answer['tickets']}")
    return breaches


async def _judge_replays(crowd: Crowd, acknowledged: Iterable[Acknowledged]) -> list[str]:
    breaches: list[str] = []
    for some in _by_turns([done for done in acknowledged if done.had_effect]):
        answers = await asyncio.gather(*(crowd.post(done.path, done.body, done.key) for done in some))
        for done, answer in zip(some, answers, strict=True):
            if answer != (done.status, done.receipt, True):
                breaches.append(f"{done.path} under its key {done.key} first gave {done.status} {done.receipt}, now {answer}")
    return breaches


def _by_turns(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))
