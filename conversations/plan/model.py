"""The plan as its officers know it: roles, agencies, activities, indicators, statuses.

A national plan is monitored by calendar. Sixty activities of fifteen agencies are due monthly, quarterly, half-yearly
or yearly, and several of these fall on the same five days of a month. Everything here is computed from dates and
declared statuses; nobody types it. So the due list, the reminder, the digest and the reporting rate cannot disagree
about what was expected. Sources: docs/domain.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from conversations.languages import translated
from conversations.plan.periods import Frequency

Translations = Mapping[str, str]


class Role(StrEnum):
    """The roles in a plan (docs/domain.md#who-sees-what). A person has one role in each plan."""

    FOCAL_POINT = "focal_point"
    ALTERNATE = "alternate"
    COORDINATOR = "coordinator"
    ADMIN = "admin"
    OBSERVER = "observer"
    READER = "reader"


AGENCY_ROLES = frozenset({Role.FOCAL_POINT, Role.ALTERNATE})
"""Roles that report for an agency, and mean nothing without one."""
OF_AN_AGENCY = AGENCY_ROLES | {Role.OBSERVER}
"""Roles that are given for an agency, and are somebody's only as long as it takes part."""


class ActivityStatus(StrEnum):
    """The status that the focal point declares. Whether an activity is overdue is computed separately."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    DELAYED = "delayed"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


class ValidationState(StrEnum):
    """The coordinator's decision about a report. Only validated reports reach observers, readers and exports."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    VALIDATED = "validated"
    CORRECTED = "corrected"


VALIDATION_MOVES: Mapping[ValidationState, frozenset[ValidationState]] = {
    ValidationState.DRAFT: frozenset({ValidationState.SUBMITTED}),
    ValidationState.SUBMITTED: frozenset({ValidationState.VALIDATED, ValidationState.RETURNED}),
    ValidationState.RETURNED: frozenset({ValidationState.SUBMITTED}),
    ValidationState.VALIDATED: frozenset({ValidationState.CORRECTED}),
    ValidationState.CORRECTED: frozenset({ValidationState.VALIDATED, ValidationState.RETURNED}),
}
"""Where a report may go from each state (docs/domain.md#status-and-validation)."""
WAITING = frozenset({ValidationState.SUBMITTED, ValidationState.CORRECTED})
"""The states in which a report waits for the coordinator."""


def ends_activity(status: ActivityStatus | None, state: ValidationState) -> bool:
    """Whether a report ends its activity: a "completed" one at once, a "cancelled" one when it is approved."""
    if status is ActivityStatus.CANCELLED:
        return state is ValidationState.VALIDATED
    return status is ActivityStatus.COMPLETED and state is not ValidationState.RETURNED


# ------------------------------------------------------------------ what is reported on
STANDARD_CELL: Final = 10
"""The limit for restricted figures, if neither the plan nor the indicator sets one."""
LEAST_CELL: Final = 3
"""The lowest limit that a plan may set: one or two people can be recognised everywhere (docs/domain.md#small-numbers).
"""


def is_restricted(sensitivity: str) -> bool:
    """Whether an item's text stays with agency and coordinator, and no photo or place is asked (S10,
    docs/domain.md#restricted-activities).

    The plan's own column says so: `public` and `internal` do not restrict; `restricted` does, and so does any unknown
    word.
    """
    return sensitivity not in ("public", "internal")


def is_read_strictly(sensitivity: str, meets_victims: bool | None) -> bool:
    """Whether the strict rules read what is written about an item: about a restricted one, and about an activity whose
    reporters may meet a victim.
    """
    return is_restricted(sensitivity) or meets_victims is True


class Care(NamedTuple):
    """How words about something are treated. Each safeguard follows one of these two properties, and no other.

    The first follows from what an activity publishes (its column `sensitivity`), the second also from whom its
    reporters meet (`meets_victims`). The notes of a patrol can name a child, although its figures are open.
    """

    is_restricted: bool = False
    """No photo and no place is asked (S10). Texts and files are sealed (S12), forgotten (S14), and deleted from the
    chat (S15). A lock screen shows the code alone (S24). Outsiders see neither texts nor small figures
    (docs/domain.md#restricted-activities).
    """
    is_read_strictly: bool = False
    """Whatever is typed about it is read by the strict rules: answers, reasons, comments, captions, names of files, and
    what its reporters type where no form is open (docs/domain.md#free-text). Whatever is restricted is read strictly.
    """


ORDINARY: Final = Care()


@dataclass(frozen=True, slots=True)
class Post:
    """A role in a plan that a person gets: for an agency or none, without end or until a day."""

    role: Role
    agency_id: int | None = None
    is_contributor: bool = False
    """Whether an observer also reports the indicators that their agency leads (docs/domain.md#who-sees-what)."""
    until_on: date | None = None
    """The first day on which it is over."""


FOLLOWERS: Final = {"continued": (1, 1), "merged": (1, 1), "split": (2, 99), "dropped": (0, 0)}
"""What became of a row of the earlier plan, and how many rows of this plan it became, at least and at most."""
SUCCESSION: Final = "succession"
"""The sheet, and the code list, that says of each row of the earlier plan what became of it in this one."""
DEFINITION: Final = ("unit", "aggregation", "direction")
"""An indicator of which one of these has changed is another measure: its line has a mark where it changes."""
ROLE_TYPES: Final = ("chair", "member", "collaborator", "observer", "proposed")
"""The parts that an agency may have in the commission; catalogue keys `agencies.type.…`."""


@dataclass(frozen=True, slots=True)
class Agency:
    code: str
    name: Translations
    role_type: str = "member"
    active_from: date | None = None
    active_to: date | None = None
    id: int = field(default=0, compare=False)
    valid_from: date | None = field(default=None, compare=False)
    """The first day on which a period must lock to go by this version of the row. None: from the beginning."""
    valid_to: date | None = field(default=None, compare=False)
    """The first day on which a period that locks goes by the next version. None: this is the present one."""

    def is_active(self, on: date) -> bool:
        """Whether the agency takes part on that day. An agency that a bill only proposes does not take part yet."""
        return (
            self.role_type != "proposed"
            and (self.active_from is None or self.active_from <= on)
            and (self.active_to is None or on < self.active_to)
        )


@dataclass(frozen=True, slots=True)
class AgencyUnit:
    """A part of an agency, such as a province or a consulate, that reports its share of activities."""

    code: str
    agency_code: str
    name: Translations
    active_from: date | None = None
    active_to: date | None = None
    id: int = field(default=0, compare=False)
    valid_from: date | None = field(default=None, compare=False)
    valid_to: date | None = field(default=None, compare=False)

    def is_active(self, on: date) -> bool:
        """Whether it reports on that day."""
        return (self.active_from is None or self.active_from <= on) and (self.active_to is None or on < self.active_to)


@dataclass(frozen=True, slots=True)
class Activity:
    """One line of the plan, led by one agency."""

    code: str
    agency_code: str
    start_on: date
    due_on: date | None
    """The day by which it is to be done. None: it is continuous."""
    frequency: Frequency
    name: Translations = field(default_factory=dict)
    short_name: Translations = field(default_factory=dict)
    area_code: str = ""
    objective_code: str = ""
    indicator_code: str = ""
    target_quantity: str = ""
    target_unit: Translations = field(default_factory=dict)
    means_of_verification: Translations = field(default_factory=dict)
    sensitivity: str = "public"
    meets_victims: bool | None = None
    """Whether its reporters may meet a victim. None: nobody has said."""
    added_on: date | None = None
    """The day on which a later import added it. None: it has been in the plan from its beginning."""
    retired_on: date | None = None
    continues: str = ""
    """The codes whose series it continues, between spaces (`conversations.plan.series`)."""
    id: int = field(default=0, compare=False)
    valid_from: date | None = field(default=None, compare=False)
    valid_to: date | None = field(default=None, compare=False)

    @property
    def subject(self) -> str:
        return f"activity:{self.code}"

    @property
    def ends_on(self) -> date:
        """The last day to reckon with. One that is continuous has all time: it is never late, nor behind."""
        return self.due_on or date.max

    def is_new_since(self, closed_on: date) -> bool:
        """Return whether an agency that closed on that day could not have reported it.

        An item that was added on that very day counts as new: an agency closes only when nothing is left.
        """
        return self.added_on is not None and self.added_on >= closed_on

    @property
    def is_restricted(self) -> bool:
        return is_restricted(self.sensitivity)

    @property
    def care(self) -> Care:
        return Care(self.is_restricted, is_read_strictly(self.sensitivity, self.meets_victims))

    def title(self, language: str) -> str:
        """Return the short name in that language, or in another; without a short name, the full name."""
        return translated(self.short_name, language) or translated(self.name, language) or self.code


@dataclass(frozen=True, slots=True)
class Judged:
    """An objective, as one person judges it when its plan ends (docs/domain.md#the-evaluation)."""

    code: str
    name: Translations
    person_id: int
    is_restricted: bool
    """Whether one of its activities is."""
    agency_code: str = ""
    """The person's, if they have one."""
    answerer: str = ""
    """One of ANSWERERS."""

    @property
    def subject(self) -> str:
        """The objective, judged by this person: everybody judges it once."""
        return f"{_JUDGED}{self.person_id}:{self.code}"

    @property
    def care(self) -> Care:
        return Care(self.is_restricted, is_read_strictly=True)

    def title(self, language: str) -> str:
        return translated(self.name, language)


_JUDGED: Final = "objective/"
ANSWERERS: Final[Mapping[Role, str]] = {
    Role.FOCAL_POINT: "agency",
    Role.ALTERNATE: "agency",
    Role.COORDINATOR: "coordinator",
    Role.OBSERVER: "observer",
}
"""Who judges objectives, by role."""


def judge_of(subject: str | None) -> int | None:
    """Return the person whose judgement of an objective it is. None if it is a report, or about nothing."""
    return int(subject[len(_JUDGED) :].partition(":")[0]) if subject and subject.startswith(_JUDGED) else None


COMPUTATIONS = ("reporting_rate", "rate_on_time", "share_completed")
"""The figures that the bot computes itself (docs/domain.md#computed-figures), by their names in the plan's column
`computed`.
"""


def is_year(period: str) -> bool:
    """Whether the period is exactly one calendar year."""
    return period.isdecimal() and len(period) == 4


class Target(NamedTuple):
    """What an indicator is to reach, and until when. Without a day: by the end of the plan."""

    value: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Indicator:
    code: str
    agency_code: str
    frequency: Frequency
    name: Translations = field(default_factory=dict)
    area_code: str = ""
    level: str = ""
    unit: str = ""
    direction: str = ""
    aggregation: str = ""
    sensitivity: str = "public"
    min_cell: int = 0
    standard_cell: int = STANDARD_CELL
    """The plan's limit. It holds if the indicator is restricted and names none itself."""
    by_exploitation: bool = False
    computed: str = ""
    """How the bot counts it itself: one of COMPUTATIONS. Blank: its agency reports it."""
    annual_table: str = ""
    """The part of the annual 3P table to which it belongs; blank for none."""
    baseline: str = ""
    baseline_period: str = ""
    targets: tuple[Target, ...] = ()
    """In the order of their days: the plan's own, and before it those of single years."""
    added_on: date | None = None
    """As an activity's."""
    retired_on: date | None = None
    continues: str = ""
    """The codes whose series it continues, between spaces (`conversations.plan.series`)."""
    id: int = field(default=0, compare=False)
    valid_from: date | None = field(default=None, compare=False)
    valid_to: date | None = field(default=None, compare=False)

    @property
    def subject(self) -> str:
        return f"indicator:{self.code}"

    @property
    def is_computed(self) -> bool:
        return bool(self.computed)

    def target_of(self, year: int) -> Target:
        """Return the target that holds in that year: the next one to be reached, or else the last."""
        ahead = (each for each in self.targets if each.on is None or each.on.year >= year)
        return next(ahead, self.targets[-1] if self.targets else Target())

    @property
    def is_by_the_year(self) -> bool:
        """Whether its target is of one year: 17 investigations in 2017, 30 a year by 2020.

        The baseline decides. If it is of one calendar year, the target is compared with one year's sum. Otherwise it is
        compared with the sum since the beginning.
        """
        return is_year(self.baseline_period)

    @property
    def is_restricted(self) -> bool:
        return is_restricted(self.sensitivity)

    @property
    def care(self) -> Care:
        return Care(self.is_restricted, self.is_restricted)

    def title(self, language: str) -> str:
        return translated(self.name, language) or self.code
