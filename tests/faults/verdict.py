"""What must hold after the faults: nothing acknowledged is lost, nothing happened twice, and a key still gives its first receipt."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from msgspec import Struct

from tests.faults.crowd import BRANCHES, Acknowledged, Crowd

Json = dict[str, Any]
Item = TypeVar("Item")

PAGE = 1000
MOST_EVENTS = 1_000_000
AT_ONCE = 32
REPLAYS_EACH = 300
"""So many commands of each branch, spread over the campaign, are repeated: a repeat of long ago costs a replay of the day."""


class Harm(StrEnum):
    """What a breach has done to somebody."""

    LOST = "lost"
    DOUBLED = "doubled"
    WRONG = "wrong"


class Breach(Struct, frozen=True):
    """One thing that should not be."""

    harm: Harm
    detail: str


async def judge(crowd: Crowd) -> list[Breach]:
    """Return every breach that can be found by asking the service; empty when all is well."""
    breaches = [Breach(Harm.WRONG, fault) for fault in crowd.faults]
    for branch in BRANCHES:
        acknowledged = [done for done in crowd.acknowledged if done.branch == branch]
        events = await _stream(crowd, branch)
        breaches += judge_stream(branch, events) + judge_issues(branch, events, acknowledged)
        breaches += judge_effects(branch, events, acknowledged)
        breaches += await _judge_tickets(crowd, acknowledged)
        effects = [done for done in acknowledged if done.had_effect]
        breaches += await _judge_replays(crowd, effects[:: len(effects) // REPLAYS_EACH + 1])
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


def judge_stream(branch: str, events: Sequence[Json]) -> list[Breach]:
    """Find gaps and repetitions in the numbering of facts."""
    seqs = [event["seq"] for event in events]
    if seqs == list(range(1, len(seqs) + 1)):
        return []
    return [Breach(Harm.WRONG, f"{branch}: the facts are not numbered 1 to {len(seqs)} without a gap")]


def judge_issues(branch: str, events: Iterable[Json], acknowledged: Iterable[Acknowledged]) -> list[Breach]:
    """Find acknowledged tickets that are not in the stream, issues that nobody was told of, and numbers given twice."""
    issued = {event["seq"]: _stored(event["body"]) for event in events if event["name"] == "TicketIssued"}
    told = {done.receipt["seq"]: done.receipt["ticket"] for done in acknowledged if done.is_issue and done.had_effect}
    numbers = Counter(ticket["number"] for ticket in issued.values())
    both = told.keys() & issued.keys()
    swapped = sorted(seq for seq in both if _name(issued[seq]) != _name(told[seq]))
    lost = [f"the acknowledged ticket {told[seq]['number']} ({seq}) is lost" for seq in told.keys() - issued.keys()]
    again = [f"{issued[seq]['number']} ({seq}) was issued a second time for one key" for seq in issued.keys() - told.keys()]
    wrong = [f"fact {seq} holds another ticket than was told" for seq in swapped]
    twice = [f"the number {number} was given {times} times" for number, times in numbers.items() if times > 1]
    found = ((Harm.LOST, lost), (Harm.DOUBLED, again), (Harm.WRONG, wrong), (Harm.DOUBLED, twice))
    return [Breach(harm, f"{branch}: {detail}") for harm, details in found for detail in details]


def judge_effects(branch: str, events: Iterable[Json], acknowledged: Iterable[Acknowledged]) -> list[Breach]:
    """Find acknowledged commands whose fact is not there, or is about somebody else, and facts that two were told of."""
    facts = {event["seq"]: event["body"] for event in events}
    seqs: Counter[int] = Counter()
    lost = []
    for done in acknowledged:
        if done.had_effect:
            seq, ticket = done.receipt["seq"], done.receipt.get("ticket")
            seqs[seq] += 1
            if seq not in facts or (ticket is not None and facts[seq].get("ticket") != ticket["ticket_id"]):
                lost.append(Breach(Harm.LOST, f"{branch}: what {done.key} was told of {done.path} is not fact {seq}"))
    return lost + [
        Breach(Harm.WRONG, f"{branch}: {times} commands were told of fact {seq}") for seq, times in seqs.items() if times > 1
    ]


def _stored(body: Json) -> Json:
    return {"ticket_id": body["ticket"], "number": body["number"]}


def _name(ticket: Json) -> tuple[str, str]:
    return ticket["ticket_id"], ticket["number"]


def judge_unchanged(branch: str, before: Sequence[Json], after: Sequence[Json]) -> list[Breach]:
    """Find facts that replays have added."""
    added = len(after) - len(before)
    return [Breach(Harm.DOUBLED, f"{branch}: replays added {added} facts")] if added else []


async def _judge_tickets(crowd: Crowd, acknowledged: Iterable[Acknowledged]) -> list[Breach]:
    tickets = [done.receipt["ticket"] | {"branch": done.branch} for done in acknowledged if done.is_issue and done.had_effect]
    breaches: list[Breach] = []
    for some in _by_turns(tickets):
        found = await asyncio.gather(*(crowd.get(f"/v1/branches/{t['branch']}/tickets?number={t['number']}") for t in some))
        for ticket, answer in zip(some, found, strict=True):
            if [entry["ticket_id"] for entry in answer["tickets"]] != [ticket["ticket_id"]]:
                breaches.append(Breach(Harm.WRONG, f"{ticket['branch']}: {ticket['number']} is answered as {answer['tickets']}"))
    return breaches


async def _judge_replays(crowd: Crowd, effects: Sequence[Acknowledged]) -> list[Breach]:
    breaches: list[Breach] = []
    for some in _by_turns(effects):
        answers = await asyncio.gather(*(crowd.post(done.path, done.body, done.key) for done in some))
        for done, answer in zip(some, answers, strict=True):
            if answer != (done.status, done.receipt, True):
                # What is done as if for the first time is not remembered: its first effect is gone.
                harm = Harm.LOST if answer is not None and answer[0] < 300 and not answer[2] else Harm.WRONG
                told = f"{done.path} under its key {done.key} first gave {done.status} {done.receipt}, now {answer}"
                breaches.append(Breach(harm, told))
    return breaches


def _by_turns(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE))
