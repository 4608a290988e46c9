"""One kill of each kind under load; the campaign does two hundred and takes the time."""

import random
from collections.abc import Sequence

import pytest

from tests.faults.campaign import campaign
from tests.faults.targets import ALONE, Kind


@pytest.mark.parametrize("kinds", [sorted(ALONE), sorted(set(Kind) - ALONE)], ids=["alone", "behind a proxy"])
async def test_nothing_acknowledged_is_lost_and_serving_comes_back(kinds: Sequence[Kind]) -> None:
    seed = random.SystemRandom().randrange(10**6)
    outcome = await campaign("each once", kinds, random.Random(seed))
    assert outcome.breaches == [], f"seed {seed}"
    assert len(outcome.rounds) == len(kinds)
