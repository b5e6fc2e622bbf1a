"""The plan as its officers know it: activities, indicators, reporting periods, lights, what is still to report.

A national plan is monitored by calendar: sixty activities of fifteen agencies fall due monthly, quarterly,
half-yearly or yearly, and the same five days of a month carry several of these at once. Everything here is
computed from dates and declared statuses, never typed by anybody, so that the due list, the reminder, the
digest and the reporting rate cannot disagree about what was expected. Sources: DOMAIN §2 and §5.1.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Literal

from conversations.wording import wording

Translations = Mapping[str, str]


class Role(StrEnum):
    """What somebody may be in a plan (DOMAIN §2.7); one at a time in each plan."""

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
    """What the focal point declares. "Delayed" is no opposite of "in progress": being overdue is computed besides."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    DELAYED = "delayed"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"

    @property
    def counts_as_open(self) -> bool:
        return self not in (ActivityStatus.COMPLETED, ActivityStatus.CANCELLED)


class ValidationState(StrEnum):
    """What the coordinator has decided about a report; only validated ones reach observers, readers and exports."""

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
"""Where a report may go from each state (DOMAIN §2.1)."""


# ------------------------------------------------------------------ reporting periods
class PeriodType(StrEnum):
    """As DHIS2 names them."""

    MONTHLY = "Monthly"
    QUARTERLY = "Quarterly"
    SIX_MONTHLY = "SixMonthly"
    YEARLY = "Yearly"


class Frequency(StrEnum):
    """As the plan workbook names them."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMIANNUAL = "semiannual"
    ANNUAL = "annual"

    @property
    def period_type(self) -> PeriodType:
        return _PERIOD_TYPES[self]


_PERIOD_TYPES = {
    Frequency.MONTHLY: PeriodType.MONTHLY,
    Frequency.QUARTERLY: PeriodType.QUARTERLY,
    Frequency.SEMIANNUAL: PeriodType.SIX_MONTHLY,
    Frequency.ANNUAL: PeriodType.YEARLY,
}


@dataclass(frozen=True, slots=True)
class _Cadence:
    months: int
    due: int
    grace: int
    lock: int


_CADENCES: Mapping[PeriodType, _Cadence] = {
    PeriodType.MONTHLY: _Cadence(1, due=5, grace=10, lock=15),
    PeriodType.QUARTERLY: _Cadence(3, due=10, grace=15, lock=20),
    PeriodType.SIX_MONTHLY: _Cadence(6, due=15, grace=20, lock=25),
    PeriodType.YEARLY: _Cadence(12, due=20, grace=25, lock=30),
}
"""Length in months, and the days of the month after it that matter (DOMAIN §2.4)."""

PeriodStage = Literal["ahead", "open", "grace", "late", "locked"]


@dataclass(frozen=True, slots=True)
class ReportingPeriod:
    """A stretch of time that is reported on, and the days on which that opens, is due, and ends.

    `due_on` and `grace_until_on` are the last day, until 23:59 in the plan's zone; on `locks_on` it is locked
    from the first minute.
    """

    code: str
    type: PeriodType
    start_on: date
    end_on: date
    opens_on: date
    due_on: date
    grace_until_on: date
    locks_on: date
    id: int = field(default=0, compare=False)
    """Its row, when it comes from storage."""
    is_moved: bool = field(default=False, compare=False)
    """Somebody has set its days for everybody."""
    is_reopened: bool = field(default=False, compare=False)
    """As one agency sees it that may report on it again: `locks_on` is the day on which that is over."""

    def stage(self, on: date) -> PeriodStage:
        """Where reporting stands on a day: ahead, open, grace (past due), late (past grace), locked."""
        if on < self.opens_on:
            return "ahead"
        if on <= self.due_on:
            return "open"
        if on <= self.grace_until_on:
            return "grace"
        return "late" if on < self.locks_on else "locked"

    def is_open(self, on: date) -> bool:
        """Whether it can be reported on: opened and not locked; late is still open."""
        return self.opens_on <= on < self.locks_on


_CODE = re.compile(r"(?P<year>[12]\d{3})(?:(?P<month>0[1-9]|1[0-2])|Q(?P<quarter>[1-4])|S(?P<half>[12]))?", re.ASCII)


def reporting_period(code: str, holidays: Collection[date] = frozenset()) -> ReportingPeriod:
    """The period with this DHIS2 code (`201809`, `2018Q3`, `2018S2`, `2018`); ValueError for anything else.

    Due, grace and lock days that fall on a weekend or a holiday move to the next working day; the opening does
    not, since nobody has to do anything on it.
    """
    found = _CODE.fullmatch(code)
    if found is None:
        raise ValueError(f"not a reporting period: {code!r}")
    year = int(found["year"])
    if found["month"]:
        return _period(PeriodType.MONTHLY, year, int(found["month"]) - 1, holidays)
    if found["quarter"]:
        return _period(PeriodType.QUARTERLY, year, int(found["quarter"]) - 1, holidays)
    if found["half"]:
        return _period(PeriodType.SIX_MONTHLY, year, int(found["half"]) - 1, holidays)
    return _period(PeriodType.YEARLY, year, 0, holidays)


def period_for(
    frequency: Frequency | PeriodType, on: date, holidays: Collection[date] = frozenset()
) -> ReportingPeriod:
    """The period of this frequency that contains the day."""
    period_type = frequency.period_type if isinstance(frequency, Frequency) else frequency
    return _period(period_type, on.year, (on.month - 1) // _CADENCES[period_type].months, holidays)


def periods_between(
    start: date,
    end: date,
    *,
    types: Collection[PeriodType] = tuple(PeriodType),
    holidays: Collection[date] = frozenset(),
) -> tuple[ReportingPeriod, ...]:
    """Every period that ends within these days, in the order they end, the shorter first."""
    found: list[ReportingPeriod] = []
    for period_type in types:
        period = period_for(period_type, start, holidays)
        while period.end_on <= end:
            found.append(period)
            period = period_for(period_type, period.end_on + timedelta(days=1), holidays)
    order = tuple(PeriodType)
    return tuple(sorted(found, key=lambda period: (period.end_on, order.index(period.type))))


def closing_periods(month_end: date, holidays: Collection[date] = frozenset()) -> tuple[ReportingPeriod, ...]:
    """What "Cerrar el mes" closes: all periods that end on that day, so September closes 201809 and 2018Q3."""
    return tuple(
        period
        for period in (period_for(period_type, month_end, holidays) for period_type in PeriodType)
        if period.end_on == month_end
    )


def closing_due_on(periods: Iterable[ReportingPeriod]) -> date:
    """Until when an agency closes: with monthly and quarterly items, the later date (DOMAIN §2.4)."""
    return max(period.due_on for period in periods)


def _period(period_type: PeriodType, year: int, index: int, holidays: Collection[date]) -> ReportingPeriod:
    cadence = _CADENCES[period_type]
    start_on = date(year, 1 + index * cadence.months, 1)
    after = start_on.month + cadence.months
    opens_on = date(year + 1, 1, 1) if after > 12 else date(year, after, 1)
    code = {
        PeriodType.MONTHLY: f"{year}{index + 1:02}",
        PeriodType.QUARTERLY: f"{year}Q{index + 1}",
        PeriodType.SIX_MONTHLY: f"{year}S{index + 1}",
        PeriodType.YEARLY: f"{year}",
    }[period_type]
    return ReportingPeriod(
        code=code,
        type=period_type,
        start_on=start_on,
        end_on=opens_on - timedelta(days=1),
        opens_on=opens_on,
        due_on=_working_day(opens_on.replace(day=cadence.due), holidays),
        grace_until_on=_working_day(opens_on.replace(day=cadence.grace), holidays),
        locks_on=_working_day(opens_on.replace(day=cadence.lock), holidays),
    )


def _working_day(on: date, holidays: Collection[date]) -> date:
    while on.weekday() >= 5 or on in holidays:
        on += timedelta(days=1)
    return on


class PeriodName(str):
    """A period's name as it stands alone; a sentence asks for the form it needs, as its language joins the words.

    `{period_name:of}` is "del año 2018", `{period_name:the}` "el año 2018", `{period_name:The}` begins a sentence.
    """

    __slots__ = ("of", "the")
    of: str
    the: str

    def __new__(cls, name: str, of: str, the: str) -> "PeriodName":
        made = super().__new__(cls, name)
        made.of, made.the = of, the
        return made

    def __format__(self, form: str, /) -> str:
        match form:
            case "of":
                return self.of
            case "the":
                return self.the
            case "The":
                return self.the[:1].upper() + self.the[1:]
        return super().__format__(form)


def period_name(period: ReportingPeriod, language: str) -> PeriodName:
    """As a person says it: "septiembre 2018", "3.er trimestre 2018", "2.º semestre 2018", "año 2018"."""
    say = wording(language)
    year, month = period.start_on.year, period.start_on.month
    match period.type:
        case PeriodType.MONTHLY:
            name = say("plan.period.month", month=say(f"plan.month.{month}"), year=year)
            return PeriodName(name, say("plan.period.of_month", name=name), name)
        case PeriodType.QUARTERLY:
            name = say(f"plan.period.quarter.{(month + 2) // 3}", year=year)
        case PeriodType.SIX_MONTHLY:
            name = say(f"plan.period.half.{(month + 5) // 6}", year=year)
        case PeriodType.YEARLY:
            name = say("plan.period.year", year=year)
    return PeriodName(name, say("plan.period.of_longer", name=name), say("plan.period.the_longer", name=name))


def period_names(periods: Iterable[ReportingPeriod], language: str) -> PeriodName:
    """Of several that are spoken of together: "septiembre 2018 · 3.er trimestre 2018"."""
    names = [period_name(period, language) for period in periods]
    both = f" {wording(language)('plan.period.and')} "

    def listed(forms: Sequence[str]) -> str:
        return both.join(part for part in (", ".join(forms[:-1]), *forms[-1:]) if part)

    return PeriodName(" · ".join(names), listed([name.of for name in names]), listed([name.the for name in names]))


# ------------------------------------------------------------------ what is reported on
RESTRICTED_PREFIXES = ("ASI", "PER-2")


def is_restricted(activity_code: str, sensitivity: str) -> bool:
    """Whether its text stays with agency and coordinator, and no photo or place is asked (S10, DOMAIN §2.5–2.7).

    The prefixes bind whatever the plan's own column says; of that column, `public` and `internal` do not
    restrict, and a word nobody knows does.
    """
    return activity_code.startswith(RESTRICTED_PREFIXES) or sensitivity not in ("public", "internal")


@dataclass(frozen=True, slots=True)
class Agency:
    code: str
    name: Translations
    role_type: str = "member"
    active_from: date | None = None
    active_to: date | None = None
    id: int = field(default=0, compare=False)

    def is_active(self, on: date) -> bool:
        """Whether it takes part on that day; one that is only proposed by a bill does not yet."""
        return (
            self.role_type != "proposed"
            and (self.active_from is None or self.active_from <= on)
            and (self.active_to is None or on < self.active_to)
        )


@dataclass(frozen=True, slots=True)
class Activity:
    """One line of the plan, led by one agency."""

    code: str
    agency_code: str
    start_on: date
    due_on: date
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
    added_on: date | None = None
    """When a later import brought it in; None: it has been in the plan from its beginning."""
    retired_on: date | None = None
    id: int = field(default=0, compare=False)

    @property
    def subject(self) -> str:
        return f"activity:{self.code}"

    def is_new_since(self, closed_on: date) -> bool:
        """Whether whoever closed that day could not have reported it: on that day itself nothing may have been left."""
        return self.added_on is not None and self.added_on >= closed_on

    @property
    def is_restricted(self) -> bool:
        return is_restricted(self.code, self.sensitivity)

    def title(self, language: str) -> str:
        """Its short name in that language, else in Spanish, else its full name."""
        return translated(self.short_name, language) or translated(self.name, language) or self.code


COMPUTED_INDICATORS = frozenset({"IND-17", "IND-18", "IND-19"})
"""Reporting rate, rate on time, share completed: counted by the bot itself, asked of nobody (DOMAIN §6)."""


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
    by_exploitation: bool = False
    baseline: str = ""
    target: str = ""
    target_on: date | None = None
    retired_on: date | None = None
    id: int = field(default=0, compare=False)

    @property
    def subject(self) -> str:
        return f"indicator:{self.code}"

    @property
    def is_computed(self) -> bool:
        return self.code in COMPUTED_INDICATORS

    @property
    def is_restricted(self) -> bool:
        return is_restricted("", self.sensitivity)

    def title(self, language: str) -> str:
        return translated(self.name, language) or self.code


def translated(texts: Translations, language: str) -> str:
    """The text of that language, else the Spanish one, else any there is, else blank."""
    return texts.get(language) or texts.get("es") or next((text for text in texts.values() if text), "")


# ------------------------------------------------------------------ what is expected
@dataclass(frozen=True, slots=True)
class ExpectedReport:
    activity: Activity
    period: ReportingPeriod


def is_expected(activity: Activity, period: ReportingPeriod, ended_on: date | None = None) -> bool:
    """Whether a report about it is expected for that period; `ended_on` as `expected_reports` has it.

    The one place where that is decided: the due list, the reminder, the digest and the rates all ask here.
    """
    return (
        activity.start_on <= period.end_on
        and activity.frequency.period_type == period.type
        and (ended_on is None or ended_on >= period.end_on)
        and (activity.added_on is None or activity.added_on < period.due_on)
        and (activity.retired_on is None or activity.retired_on >= period.locks_on)
    )


def expected_reports(
    activities: Iterable[Activity], period: ReportingPeriod, ended: Mapping[str, date] | None = None
) -> tuple[ExpectedReport, ...]:
    """Activity × period in which it is open and its frequency falls due (DOMAIN §2.3).

    It is open from its start, if only for the last day of the period, until a report has said that it is
    completed or cancelled: `ended` gives, by activity code, the last day of the period of that report, which
    itself was still expected. The due date does not end it: overdue work is what a commission most wants to
    hear about. One that came into the plan on the period's due day or later is not expected, nor is one retired
    before the period locked.
    """
    ended = ended or {}
    return tuple(
        ExpectedReport(activity, period)
        for activity in activities
        if is_expected(activity, period, ended.get(activity.code))
    )


def closes_together(
    periods: Iterable[ReportingPeriod],
    today: date,
    is_unclosed: Callable[[ReportingPeriod], bool],
    is_complete: Callable[[ReportingPeriod], bool],
) -> tuple[ReportingPeriod, ...]:
    """What "Cerrar el mes" closes for an agency: the first month's end that is open and that it has not closed.

    It closes by the later date (DOMAIN §2.4): a month whose reports are all in, and that has locked while its quarter
    is still open, is closed with the quarter. `is_unclosed`: something was expected, and it has not been closed.
    """
    periods = tuple(periods)
    open_ones = [period for period in periods if period.is_open(today) and is_unclosed(period)]
    # A period that was reopened opens no other.
    is_last_word = any(not one.is_reopened for one in open_ones if one.end_on == open_ones[0].end_on)
    return tuple(
        period
        for period in periods
        if open_ones
        and period.end_on == open_ones[0].end_on
        and is_unclosed(period)
        and (period in open_ones or (is_last_word and period.locks_on <= today and is_complete(period)))
    )


def unclosed_row(
    periods: Sequence[ReportingPeriod],
    today: date,
    kept_since: date,
    known_since: date,
    is_expected: Callable[[ReportingPeriod], bool],
    is_closed: Callable[[ReportingPeriod], bool],
    together: Iterable[ReportingPeriod] = (),
    is_complete: Callable[[ReportingPeriod], bool] = lambda period: False,
) -> tuple[ReportingPeriod, ...]:
    """The periods in a row, of one type, that somebody has let lock without closing them, up to the last.

    The first that was closed ends the row; those of which nothing was expected neither count nor end it. Nobody is
    held to what locked before the calendar was kept, nor to what ended before it is known who closed, nor yet to what
    they may still close with one of those that are open (`together`), if it is all in. Notices, letters, the digest
    and the plenary's agenda all count with this.
    """
    row: list[ReportingPeriod] = []
    open_ends = {
        other.end_on for other in together if other.is_open(today) and is_expected(other) and not is_closed(other)
    }
    for period in reversed(periods):
        if period.locks_on > today:
            continue
        if period.locks_on <= kept_since or period.end_on < known_since or is_closed(period):
            break
        if is_expected(period) and not (period.end_on in open_ends and is_complete(period)):
            row.append(period)
    return tuple(reversed(row))


def expected_indicators(indicators: Iterable[Indicator], period: ReportingPeriod) -> tuple[Indicator, ...]:
    """Those whose figure is asked for that period: by their frequency, and not computed by the bot itself."""
    return tuple(
        indicator
        for indicator in indicators
        if indicator.frequency.period_type == period.type
        and not indicator.is_computed
        and (indicator.retired_on is None or indicator.retired_on >= period.locks_on)
    )


def expected_at_closing(
    activities: Collection[Activity], month_end: date, ended: Mapping[str, date] | None = None
) -> tuple[ExpectedReport, ...]:
    """All reports that the closing of that month expects, of every frequency that ends with it."""
    return tuple(
        report for period in closing_periods(month_end) for report in expected_reports(activities, period, ended)
    )


# ------------------------------------------------------------------ what is still due
@dataclass(frozen=True, slots=True)
class PastReport:
    """The current version of a report, as far as the due list needs to know it."""

    subject: str
    period_code: str
    period_end_on: date
    validation_state: ValidationState
    status: ActivityStatus | None = None
    progress: int | None = None
    submission_id: int = 0

    @property
    def ends_activity(self) -> bool:
        """Completed as soon as declared, since nobody is asked again meanwhile; cancelled once it is approved."""
        if self.validation_state == ValidationState.RETURNED:
            return False
        if self.status == ActivityStatus.CANCELLED:
            return self.validation_state == ValidationState.VALIDATED
        return self.status == ActivityStatus.COMPLETED


def ended_activities(reports: Iterable[PastReport]) -> dict[str, date]:
    """What `expected_reports` wants as `ended`: the activities whose latest report ended them, with its last day."""
    latest: dict[str, PastReport] = {}
    for report in reports:
        known = latest.get(report.subject)
        if known is None or known.period_end_on < report.period_end_on:
            latest[report.subject] = report
    return {
        subject.removeprefix("activity:"): report.period_end_on
        for subject, report in latest.items()
        if report.ends_activity
    }


@dataclass(frozen=True, slots=True)
class DueReport:
    """One thing that an agency still has to report, with what it said last time."""

    item: Activity | Indicator
    period: ReportingPeriod
    previous: PastReport | None
    """The report for the latest earlier period; "Igual que el reporte anterior" copies from it."""
    returned: PastReport | None = None
    """Set when the coordinator sent this period's report back."""

    @property
    def subject(self) -> str:
        return self.item.subject

    @property
    def code(self) -> str:
        return self.item.code

    @property
    def is_indicator(self) -> bool:
        return isinstance(self.item, Indicator)

    @property
    def previous_status(self) -> ActivityStatus | None:
        return self.previous.status if self.previous else None

    @property
    def previous_progress(self) -> int | None:
        return self.previous.progress if self.previous else None


def due_list(
    activities: Iterable[Activity],
    indicators: Iterable[Indicator],
    periods: Iterable[ReportingPeriod],
    reports: Iterable[PastReport],
    on: date,
    *,
    closed: Mapping[str, date] | None = None,
) -> tuple[DueReport, ...]:
    """What one agency has still to report on a day, those due first on top.

    `periods` that are not open that day are passed over. In those whose code is in `closed`, with the day of that,
    only activities are due that came into the plan since: closing is about activity reports (DOMAIN §2.3), so
    indicators stay. Computed indicators are asked of nobody.
    A report that was returned is due again, and names itself, also after closing.
    """
    reports = sorted(reports, key=lambda report: report.period_end_on)
    by_subject: dict[str, list[PastReport]] = {}
    for report in reports:
        by_subject.setdefault(report.subject, []).append(report)
    ended, closed = ended_activities(reports), closed or {}
    activities, indicators = tuple(activities), tuple(indicators)
    due: list[DueReport] = []
    for period in periods:
        if not period.is_open(on):
            continue
        for item in _expected_items(activities, indicators, period, ended):
            past = by_subject.get(item.subject, [])
            this = next((report for report in past if report.period_code == period.code), None)
            closed_on = closed.get(period.code) if this is None and isinstance(item, Activity) else None
            if closed_on is not None and isinstance(item, Activity) and not item.is_new_since(closed_on):
                continue
            if this is not None and this.validation_state != ValidationState.RETURNED:
                continue
            earlier = [report for report in past if report.period_end_on < period.end_on]
            due.append(DueReport(item, period, earlier[-1] if earlier else None, this))
    return tuple(sorted(due, key=_urgency))


def _expected_items(
    activities: tuple[Activity, ...],
    indicators: tuple[Indicator, ...],
    period: ReportingPeriod,
    ended: Mapping[str, date],
) -> Iterator[Activity | Indicator]:
    for expected in expected_reports(activities, period, ended):
        yield expected.activity
    yield from expected_indicators(indicators, period)


def _urgency(due: DueReport) -> tuple[date, bool, date, str]:
    item_due_on = due.item.due_on if isinstance(due.item, Activity) else date.max
    return due.period.due_on, due.is_indicator, item_due_on, due.item.code


# ------------------------------------------------------------------ the traffic light
class Light(StrEnum):
    GREY = "grey"
    CRITICAL = "critical"
    ATTENTION = "attention"
    ON_TRACK = "on_track"

    @property
    def shape(self) -> str:
        return _SHAPES[self]

    def label(self, language: str) -> str:
        """Word and shape, never colour alone."""
        return wording(language)(f"plan.light.{self.value}", shape=self.shape)


_SHAPES = {Light.GREY: "⚪", Light.CRITICAL: "🔴", Light.ATTENTION: "🟡", Light.ON_TRACK: "🟢"}


def expected_progress(start_on: date, due_on: date, today: date) -> Fraction:
    """The share of its time that has gone by, in percent, between 0 and 100."""
    gone, whole = _days_gone(start_on, due_on, today)
    return Fraction(100 * gone, whole)


def _days_gone(start_on: date, due_on: date, today: date) -> tuple[int, int]:
    """How many of how many days."""
    if today < start_on:
        return 0, 1
    if today >= due_on:
        return 1, 1
    return (today - start_on).days, (due_on - start_on).days


def traffic_light(
    start_on: date,
    due_on: date,
    today: date,
    *,
    status: ActivityStatus | None,
    progress: int,
    missed_in_a_row: int = 0,
    evidence_pending: bool = False,
    cancellation_approved: bool = False,
    new_due_on: date | None = None,
) -> Light:
    """The light of an activity, evaluated from top to bottom (DOMAIN §2.2); never typed by anybody.

    `missed_in_a_row` counts the expected reports missing up to the last one; `new_due_on` is the date a
    suspended activity is meant to go on until.
    """
    gone, whole = _days_gone(start_on, due_on, today)
    gap = 100 * gone - progress * whole  # in percent of `whole`: a plan of thousands is no place for fractions
    is_completed = status == ActivityStatus.COMPLETED
    if today < start_on or (status == ActivityStatus.CANCELLED and cancellation_approved):
        return Light.GREY
    if (
        (today > due_on and not is_completed)
        or gap > 25 * whole
        or missed_in_a_row >= 2
        or (status == ActivityStatus.SUSPENDED and new_due_on is None)
    ):
        return Light.CRITICAL
    if (
        gap > 10 * whole
        or (due_on - today <= timedelta(days=30) and progress < 80)
        or missed_in_a_row == 1
        or (is_completed and evidence_pending)
    ):
        return Light.ATTENTION
    return Light.ON_TRACK
