"""One kill of each kind under load; the campaign does twenty and takes the time."""

import random

from tests.faults.campaign import Kind, campaign


async def test_nothing_acknowledged_is_lost_and_serving_comes_back() -> None:
    seed = random.SystemRandom().randrange(10**6)
    outcome = await campaign("each once", list(Kind), random.Random(seed))
    assert outcome.breaches == [], f"seed {seed}"
    assert len(outcome.rounds) == len(Kind)
