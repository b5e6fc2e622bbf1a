"""The rows from which `monitoring` counts the state of a plan. Storage reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from conversations.plan.entering import Absence
from conversations.plan.model import WAITING, Activity, ActivityStatus, Agency, Role, ValidationState, ends_activity
from conversations.plan.periods import ReportingPeriod


@dataclass(frozen=True, slots=True)
class Closing:
    """The periods that "Cerrar el mes" closes: those that end on one day."""

    month_end: date
    periods: tuple[ReportingPeriod, ...]

    @property
    def opens_on(self) -> date:
        return self.periods[0].opens_on

    @property
    def due_on(self) -> date:
        """Return the day by which an agency with monthly and quarterly items has to close."""
        return max(period.due_on for period in self.periods)

    @property
    def locks_on(self) -> date:
        return max(period.locks_on for period in self.periods)

    @property
    def seals_on(self) -> date:
        """Return the day that settles what was expected for the last of its periods."""
        return max(period.seals_on for period in self.periods)


@dataclass(frozen=True, slots=True)
class Detail:
    """What a report says about its difficulties. For a restricted report, only the codes are ever shown."""

    reasons: tuple[str, ...] = ()
    """Codes of the plan's list of obstacles."""
    needs_decision: bool = False
    decision: str = ""
    new_due_on: date | None = None


class Report(NamedTuple):
    """A report about an activity: the parts that are counted.

    It is the current version. For readers of validated reports only, it is the last validated version while the current
    one waits.
    """

    submission_id: int
    activity_code: str
    period_id: int
    end_on: date
    state: ValidationState
    status: ActivityStatus
    progress: int
    sent_at: datetime
    """When its first version was sent. A correction takes its place."""
    promises_evidence: bool = False
    """It says that its evidence will come later."""
    has_files: bool = False
    """Whether evidence came with it. Known only for reports of the present closing."""
    is_current: bool = True
    detail: Detail | None = None
    zero_reason: str = ""
    """If it brings no news, the code of the reason (catalogue keys `nothing.reason.…`)."""
    corrected_at: datetime | None = None
    """When this version of it was sent, if it is not the first."""
    corrected_from: ActivityStatus | None = None
    """The status that the version before gave."""

    @property
    def is_explained(self) -> bool:
        """Whether the report says what holds the activity back."""
        return bool(self.zero_reason or (self.detail and self.detail.reasons))

    def is_read(self, *, only_validated: bool) -> bool:
        """Whether a reader sees this version: `only_validated` for those who read validated reports only."""
        return self.state is ValidationState.VALIDATED if only_validated else self.is_current

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for the coordinator."""
        return self.state in WAITING

    @property
    def ends_activity(self) -> bool:
        return ends_activity(self.status, self.state)


@dataclass(frozen=True, slots=True)
class Closed:
    agency_id: int
    period_id: int
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Reporter:
    """A person who reports, or reported, for an agency."""

    agency_id: int
    role: Role
    name: str
    active_to: datetime | None = None
    absence: Absence | None = None
    """Why nothing reaches them. None: messages do."""
    absent_since: datetime | None = None

    @property
    def is_there(self) -> bool:
        """Whether they have the post and receive what is sent to it."""
        return self.active_to is None and self.absence is None


@dataclass(frozen=True, slots=True)
class Queue:
    """The reports that wait for the coordinator."""

    count: int = 0
    oldest_code: str = ""
    oldest_agency: str = ""
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """The rows of one plan at one instant, from which everything is counted."""

    agencies: tuple[Agency, ...]
    activities: tuple[Activity, ...]
    """Retired activities too: they were expected until they were retired. And earlier versions of edited ones."""
    periods: tuple[ReportingPeriod, ...]
    reports: tuple[Report, ...]
    """The reports of the closings looked back on and of the one before, each activity's last older ones, and those
    whose promised evidence is still awaited.

    In the order their periods end.
    """
    closed: tuple[Closed, ...]
    reporters: tuple[Reporter, ...]
    queue: Queue = Queue()
    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The plan's obstacles: code → label in each language."""
    reminded: Mapping[int, int] = field(default_factory=dict)
    """On how many days an agency has been reminded since the present closing opened, by its id."""
    kept_since: date = date.min
    """The day since which the bot keeps the calendar. What was due before does not count."""

    def closed_at(self) -> Mapping[int, Mapping[int, datetime]]:
        """Agency's id → period's id → when the agency closed it. Agencies that closed nothing are missing."""
        found: dict[int, dict[int, datetime]] = {}
        for each in self.closed:
            found.setdefault(each.agency_id, {})[each.period_id] = each.closed_at
        return found

    def led_by(self) -> Mapping[str, Sequence[Activity]]:
        """Agency's code → the activities that it leads, retired ones too."""
        found: dict[str, list[Activity]] = {}
        for activity in self.activities:
            found.setdefault(activity.agency_code, []).append(activity)
        return found
