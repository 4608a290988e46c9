"""One kill of each kind under load; the campaign does twenty and takes the time."""

import random

import pytest

from tests.faults.campaign import Kind, campaign


@pytest.mark.parametrize("kind", list(Kind))
async def test_nothing_acknowledged_is_lost_and_serving_comes_back(kind: Kind) -> None:
    seed = random.SystemRandom().randrange(10**6)
    outcome = await campaign(kind, 1, random.Random(seed))
    assert outcome.breaches == [], f"seed {seed}"
    assert len(outcome.rounds) == 1
