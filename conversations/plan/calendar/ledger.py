"""The rules of the ledger: what was said to whom, and the budget of notices that a person has.

One notice a day, all topics together (docs/domain.md#reminders); for whoever reports also two a week and four a month.
`has_room` decides that, for every job and over all plans: the ladder asks it before it decides, and the scheduler asks
it for whatever any job has planned (`bot.schedule.ledger.write_once`), so a new job need not know it. The exceptions
are in `BESIDE`, each with its reason. What never enters the ledger is no notice: an emergency, a lost phone, an
operator's alarm, and the answer to somebody's own act.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from conversations.plan.model import Role

LADDER = "reminders"
"""The ladder's name among the jobs and in the ledger."""
CARRIERS: Mapping[str, frozenset[Role]] = {
    "digest": frozenset({Role.COORDINATOR}),
    "card": frozenset({Role.OBSERVER, Role.READER}),
}
"""The jobs whose message also contains the ladder's message of that day, and the roles for which it does.

On such a day the ladder itself is silent for these people: one message a day, all topics together
(docs/domain.md#reminders).
"""
BESIDE: Mapping[str, str] = {
    "validated": "What became of one's own report: a line without a sound, which asks for nothing.",
    "export": "A file that an admin ordered for that day and hour.",
    "restored": "An operator's alarm after a restore, so that nobody's answers are lost.",
}
"""Jobs that are outside of everybody's budget, each with the reason. All other jobs share it."""
ASKED_FOR = "asked_for"
"""The reason of a notice that its reader asked for ("remind me tomorrow"): an answer to their own act."""

SAID = ("queued", "sent", "ambiguous")
"""States of a row of the ledger that was said, or will be. In the others nobody was told anything."""
UNSAID = ("open", "skipped", "cancelled", "undeliverable")


# ------------------------------------------------------------------ the rows
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
        """Whether it is paid from its reader's budget: any job's message that they did not ask for."""
        return self.is_said and job_name(self.what) not in BESIDE and self.reason != ASKED_FOR

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


# ------------------------------------------------------------------ the budget
def day_of(on: date) -> date:
    return on


def week_of(on: date) -> date:
    """Return the Monday of its week."""
    return on - timedelta(days=on.weekday())


def month_of(on: date) -> date:
    """Return the first day of its month."""
    return on.replace(day=1)


Budget = Mapping[Callable[[date], date], int]
EVERYBODY: Budget = {day_of: 1}
OFFICERS: Budget = {day_of: 1, week_of: 2, month_of: 4}
"""The most notices that whoever reports gets, over all plans and topics, in each span of time."""
LONGEST = timedelta(days=32)
"""How far back notices count: a month, and a day for the zones."""


def has_room(day: date, said_on: Collection[date], budget: Budget) -> bool:
    """Whether one notice more on a day is within a budget, beside the notices of these days."""
    return all(sum(span(on) == span(day) for on in said_on) < most for span, most in budget.items())


@dataclass(frozen=True, slots=True)
class Withheld:
    """The people to whom something is not said now."""

    today: Collection[int]
    """They have had another message today, or one waits to be sent."""
    spent: Collection[int]
    """Their notices of this week or month are used up."""


def withheld(plan_id: int, what: str, rows: Iterable[LedgerRow], now: datetime, officers: Collection[int]) -> Withheld:
    """Return to whom this job of this plan says nothing now, by the messages of all jobs and plans since a month ago.

    Its own notices of that day do not count: two schedules of one job were each made for their own hour. Of a job in
    `BESIDE` nothing is withheld.
    """
    if job_name(what) in BESIDE:
        return Withheld((), ())
    today, spent = set[int](), dict[int, list[date]]()
    days: dict[int, date] = {}
    for row in rows:
        day = days[row.person_id] = day_there(now, row.timezone)
        on = day if row.state == "queued" else row.said_on
        is_other = waits_for(what, row.what, is_other_plan=row.plan_id != plan_id)
        if row.is_said and is_other and not has_room(day, [on], EVERYBODY):
            today.add(row.person_id)
        if row.is_notice and row.person_id in officers:
            spent.setdefault(row.person_id, []).append(on)
    longer = {span: most for span, most in OFFICERS.items() if span not in EVERYBODY}
    return Withheld(today, {person for person, on in spent.items() if not has_room(days[person], on, longer)})
