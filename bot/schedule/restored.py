"""The message after a restore: it asks people to look whether their last answers are there."""

from datetime import time
from typing import Final

from bot.schedule.job import Job
from bot.schedule.regular import as_planned
from conversations.plan.model import Role

RESTORED: Final = Job(
    "restored",
    "reminder",
    frozenset(Role),
    "workdays",
    time(9),
    lambda unit, schedule, moment: (),
    as_planned,
    is_shipped=False,
    is_offered=False,
)
"""Only `resume` sends it. Like every message it keeps quiet hours and has a second look."""
