"""JOBS: everything that is sent on schedule. A message without a row here is never sent."""

from bot.schedule import digests, exports
from bot.schedule.entering import ENTERING
from bot.schedule.job import Job
from bot.schedule.reminders import REMINDERS
from bot.schedule.restored import RESTORED
from bot.schedule.vacancies import VACANCIES
from bot.schedule.validated import VALIDATED

JOBS: tuple[Job, ...] = (
    REMINDERS,
    digests.WEEKLY,
    digests.MONTHLY,
    VALIDATED,
    VACANCIES,
    ENTERING,
    exports.SCHEDULED,
    RESTORED,
)
"""Everything that is said on schedule. What is not in it is never said."""

BY_WHAT = {job.what: job for job in JOBS}


def job_of(what: str) -> Job | None:
    """The job of a schedule, or of its name in the ledger (`digest`, `digest.7`)."""
    return BY_WHAT.get(what.partition(".")[0])
