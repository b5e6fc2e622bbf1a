"""The rules of the ledger: what was said to whom, and which messages share the one notice that a person gets on a day.

One notice for each person and day, all topics together (DOMAIN §5.3). That is decided here, once, for every job and
over all plans: a job says nothing to a person who has had a message of another job on the same day. A new job need not
know the rule; the scheduler keeps it (`bot.schedule.ledger.write_once`). The exceptions are in `BESIDE`, each with its
reason.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from conversations.plan.model import Role

LADDER = "reminders"
"""The ladder's name among the jobs and in the ledger."""
CARRIERS: Mapping[str, frozenset[Role]] = {
    "digest": frozenset({Role.COORDINATOR}),
    "card": frozenset({Role.OBSERVER, Role.READER}),
}
"""The jobs whose message also contains the ladder's message of that day, and the roles for which it does.

On such a day the ladder itself is silent for these people: one message a day, all topics together (DOMAIN §5.3).
"""
BESIDE: Mapping[str, str] = {
    "validated": "One line without a sound at the end of the day. It asks for nothing.",
    "export": "A file that an admin ordered for that day and hour.",
    "restored": "Said once after a restore, so that nobody's answers are lost.",
}
"""Jobs that may speak beside the day's notice, each with the reason. Every other job shares the day with all others."""

SAID = ("queued", "sent", "ambiguous")
"""States of a row of the ledger that was said, or will be. In the others nobody was told anything."""
UNSAID = ("open", "skipped", "cancelled", "undeliverable")


def job_name(ledger_name: str) -> str:
    """Return the job of a name in the ledger: `digest` for `digest.7`, the name of a schedule that an admin added."""
    return ledger_name.partition(".")[0]


def waits_for(what: str, other: str, *, is_other_plan: bool = False) -> bool:
    """Whether a message of one job is not sent on a day on which the other job has spoken.

    Both are names in the ledger.

    Two schedules of one job in one plan do not wait for each other: an admin made each of them for its own hour.
    """
    job, said = job_name(what), job_name(other)
    return (job != said or is_other_plan) and job not in BESIDE and said not in BESIDE


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One row of the ledger, with the time zones for its days."""

    plan_id: int
    what: str
    person_id: int
    window: str
    state: str
    reason: str
    rungs: str
    answer: str
    is_by_hand: bool
    fired_at: datetime
    settled_at: datetime | None
    timezone: str
    plan_timezone: str

    @property
    def on(self) -> date:
        return date.fromisoformat(self.window)

    @property
    def is_said(self) -> bool:
        return self.state in SAID

    @property
    def is_notice(self) -> bool:
        """Whether it counts for the pace: the ladder sent it, or a coordinator did by hand."""
        return self.is_said and bool(self.rungs or self.is_by_hand)

    @property
    def said_on(self) -> date:
        """Return the day, in the person's zone, on which the message was sent, or was made if it still waits."""
        return day_there(self.settled_at or self.fired_at, self.timezone)

    @property
    def made_on(self) -> date:
        return day_there(self.fired_at, self.timezone)

    @property
    def made_on_in_plan(self) -> date:
        """Return the same day, counted in the plan's zone."""
        return day_there(self.fired_at, self.plan_timezone)


def day_there(at: datetime, timezone: str) -> date:
    return at.astimezone(ZoneInfo(timezone)).date()


def have_had_notice(plan_id: int, what: str, rows: Iterable[LedgerRow], now: datetime) -> frozenset[int]:
    """Return the people to whom this job of this plan says nothing now.

    Another job or another plan has sent them a message today, or has one on its way.
    """
    return frozenset(
        row.person_id
        for row in rows
        if row.is_said
        and waits_for(what, row.what, is_other_plan=row.plan_id != plan_id)
        and (row.state == "queued" or row.said_on == day_there(now, row.timezone))
    )
