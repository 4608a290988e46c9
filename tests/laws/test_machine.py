"""
Random days: every command, in any order, at any moment, and every law after each step.

`LAWS_EXAMPLES` and `LAWS_STEPS` set how long the campaign is; `make laws` runs the long one.
"""

import os

from hypothesis import HealthCheck, settings

from tests.laws.hall_commands import HallCommands

HallCommands.TestCase.settings = settings(
    max_examples=int(os.environ.get("LAWS_EXAMPLES", "60")),
    stateful_step_count=int(os.environ.get("LAWS_STEPS", "50")),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestHall = HallCommands.TestCase
