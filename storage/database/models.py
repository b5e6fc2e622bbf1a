"""Every table. Names are the field's own (docs/domain.md#glossary); everything below a plan carries its `plan_id`.

Three conventions hold throughout:
* instants are aware UTC (`UtcDateTime` refuses naive ones), days are dates;
* translations are one JSON object a language, `{"es": …, "en": …, "ht": …}`;
* what may be sensitive has two columns: `…` in the clear and `sealed_…` (see `vault`); exactly one is filled.

One module for all tables, although it is long: they refer to each other by foreign keys, migrations are compared with
all of them at once, and a reader who looks for a column looks in one place. Nothing here does anything.
"""

from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
    false,
    text,
)

from storage.database.declared import Declared, column
from storage.database.steady import STEADY


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant. A database without zones stores it as naive UTC. A naive value is a defect."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def bind_processor(self, dialect: Dialect) -> Any:
        return _in_utc if dialect.name == "postgresql" else _written

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return _in_utc if dialect.name == "postgresql" else _read


# An update writes fourteen instants. SQLAlchemy's own two processors, one behind the other, would take a tenth of it.
def _in_utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("naive datetime")
    return value.astimezone(UTC)


_OFFSET = "+00:00"


def _written(value: datetime | None) -> str | None:
    """The instant as SQLAlchemy writes a DateTime to SQLite: "2018-10-03 12:00:00.000000"."""
    utc = _in_utc(value)
    return None if utc is None else utc.isoformat(" ", "microseconds").removesuffix(_OFFSET)


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text + _OFFSET)


Translations = dict[str, str]
Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER
POSTGRESQL_WHERE = "postgresql_where"
"""The condition of an index, for `complete`: told to the index at once, it would import PostgreSQL's dialect."""


def partial_index(name: str, *columns: str, where: str, sqlite: str = "", unique: bool = False) -> Index:
    """Return an index of the rows that meet a condition.

    SQLite uses it only if a question has the very words, and SQLAlchemy writes some of them otherwise there: `sqlite`.
    """
    return Index(name, *columns, unique=unique, sqlite_where=text(sqlite or where), info={POSTGRESQL_WHERE: where})


NEVER_AGAIN = {"sqlite_autoincrement": True}
"""SQLite reuses the number of a deleted last row. This option forbids it: buttons, seals and leases outlive their
rows.
"""


class Base(Declared):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    types: ClassVar[dict[Any, Any]] = {
        int: Integer(),
        bool: Boolean(),
        bytes: LargeBinary(),
        datetime: UtcDateTime(),
        date: Date(),
        dict[str, str]: JSON(),
        dict[str, Any]: JSON(),
        str: Text(),
    }


class OfPlan(Base):
    """A numbered row of a plan."""

    id: Column[int]
    plan_id: Column[int]

    @classmethod
    def first_columns(cls) -> dict[str, Column[Any]]:
        return {"id": Column(Id, primary_key=True), "plan_id": Column(ForeignKey("plan.id"), nullable=False)}


# ------------------------------------------------------------------ the plan
class Plan(Base):
    __tablename__ = "plan"
    id: Column[int] = column(Id, primary_key=True)
    code: Column[str] = column(String(64), unique=True)
    name: Column[Translations]
    starts_on: Column[date]
    ends_on: Column[date]
    timezone: Column[str] = column(String(64))
    country: Column[str] = column(String(2), default="", server_default="")
    """Whose public holidays the plan keeps: an ISO 3166-1 code. Blank: the country of its time zone."""
    currency: Column[str] = column(String(3), default="", server_default="")
    """The currency of its budgets: an ISO 4217 code."""
    min_cell: Column[int] = column(default=10, server_default="10")
    """Outside the coordination, restricted figures of fewer people than this are not told, unless the indicator has
    its own limit.
    """
    hotlines: Column[str] = column(String(500), default="", server_default="")
    """Public telephone numbers that free text may contain, separated by semicolons."""
    imported_at: Column[datetime | None]
    closes_on: Column[date | None]
    """The last day on which something of it is written, once it was decided that the plan ends."""
    succeeds_id: Column[int | None] = column(Id)
    """The earlier plan that this one follows."""
    lists_revision: Column[str] = column(String(16), default="", server_default="")
    """Changes with every change of what forms take from the plan (storage.plan.lists)."""


class StrategicArea(OfPlan):
    __tablename__ = "strategic_area"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    code: Column[str] = column(String(32))
    name: Column[Translations]
    intent: Column[Translations]
    position: Column[int]
    source: Column[str] = column(default="")


class Objective(OfPlan):
    __tablename__ = "objective"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    strategic_area_id: Column[int] = column(ForeignKey("strategic_area.id"))
    code: Column[str] = column(String(32))
    programme: Column[str] = column(default="")
    name: Column[Translations]
    sdg_targets: Column[str] = column(default="")
    gcm_objectives: Column[str] = column(default="")
    source: Column[str] = column(default="")


class Agency(OfPlan):
    """An agency. It is never deleted: membership of the commission changes, reports stay (docs/domain.md#agencies)."""

    __tablename__ = "agency"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    code: Column[str] = column(String(32))
    name: Column[Translations]
    mandate: Column[str] = column(default="")
    role_type: Column[str] = column(String(32), default="member")
    founding_member: Column[bool] = column(default=False)
    reports_referrals: Column[bool] = column(default=False, server_default=false())
    """Whether the agency is asked for its totals of referrals to services."""
    active_from: Column[date | None]
    active_to: Column[date | None]
    source: Column[str] = column(default="")


class AgencyUnit(OfPlan):
    """A part of an agency that reports its share of activities: a province, a consulate. Never deleted, as agencies."""

    __tablename__ = "unit"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    agency_id: Column[int] = column(ForeignKey("agency.id"))
    code: Column[str] = column(String(32))
    name: Column[Translations]
    active_from: Column[date | None]
    active_to: Column[date | None]


class Indicator(OfPlan):
    __tablename__ = "indicator"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    strategic_area_id: Column[int] = column(ForeignKey("strategic_area.id"))
    agency_id: Column[int] = column(ForeignKey("agency.id"))
    code: Column[str] = column(String(32))
    name: Column[Translations]
    level: Column[str] = column(String(32))
    unit: Column[str] = column(String(32))
    direction: Column[str] = column(String(32))
    aggregation: Column[str] = column(String(32))
    disaggregation: Column[str] = column(default="")
    frequency: Column[str] = column(String(32))
    baseline: Column[str] = column(default="")
    baseline_period: Column[str] = column(default="")
    baseline_source: Column[str] = column(default="")
    sdg_target: Column[str] = column(default="")
    sdg_indicator: Column[str] = column(default="")
    gcm_objective: Column[str] = column(default="")
    sensitivity: Column[str] = column(String(32), default="public")
    min_cell: Column[int] = column(default=0)
    by_exploitation: Column[bool] = column(default=False)
    computed: Column[str] = column(String(32), default="", server_default="")
    """How the bot computes it (conversations.plan.model.COMPUTATIONS). Blank: agencies are asked for it."""
    annual_table: Column[str] = column(String(32), default="", server_default="")
    """Its part of the annual 3P table (conversations.plan.figures.annual.PILLARS). Blank: it is not in the table."""
    note: Column[str] = column(default="")
    continues: Column[str] = column(default="", server_default="")
    """The codes whose series it continues, between spaces: its former code, or those that it was made of."""
    added_on: Column[date | None]
    """The day on which a later import added it. Blank: it is in the plan from its beginning."""
    retired_on: Column[date | None]


class Target(OfPlan):
    __tablename__ = "target"
    __table_args__ = (UniqueConstraint("indicator_id", "target_on"),)
    indicator_id: Column[int] = column(ForeignKey("indicator.id"))
    value: Column[str]
    target_on: Column[date | None]
    source: Column[str] = column(default="")


class Activity(OfPlan):
    __tablename__ = "activity"
    __table_args__ = (UniqueConstraint("plan_id", "code"), Index("ix_activity_agency", "agency_id"))
    objective_id: Column[int] = column(ForeignKey("objective.id"))
    agency_id: Column[int] = column(ForeignKey("agency.id"))
    indicator_id: Column[int | None] = column(ForeignKey("indicator.id"))
    code: Column[str] = column(String(32))
    name: Column[Translations]
    short_name: Column[Translations]
    start_on: Column[date]
    due_on: Column[date | None]
    """NULL: it is continuous, and never past its last day."""
    report_frequency: Column[str] = column(String(32))
    target_quantity: Column[str] = column(default="")
    target_unit: Column[Translations]
    means_of_verification: Column[Translations]
    sensitivity: Column[str] = column(String(32), default="public")
    meets_victims: Column[bool | None]
    """Whether its reporters may meet a victim: then what they write is read strictly. NULL: nobody has said."""
    budget: Column[str] = column(default="")
    budget_status: Column[str] = column(default="")
    source: Column[str] = column(default="")
    continues: Column[str] = column(default="", server_default="")
    """The codes whose series it continues, between spaces: its former code, or those that it was made of."""
    added_on: Column[date | None]
    """The day on which a later import added it. Blank: it is in the plan from its beginning."""
    retired_on: Column[date | None]
    dropped_because: Column[str] = column(default="", server_default="")
    """Why it is not carried on when its plan ends. Blank: it is."""


class ActivitySupport(Base):
    __tablename__ = "activity_support"
    activity_id: Column[int] = column(ForeignKey("activity.id"), primary_key=True)
    agency_id: Column[int] = column(ForeignKey("agency.id"), primary_key=True)
    leads: Column[bool] = column(default=False, server_default=false())
    """It leads jointly with the activity's agency, which alone reports and closes."""


class Resource(Base):
    """What an activity gets from one source: the state's budget, a donor, a loan."""

    __tablename__ = "resource"
    activity_id: Column[int] = column(ForeignKey("activity.id"), primary_key=True)
    source: Column[str] = column(primary_key=True)
    amount: Column[str]
    currency: Column[str] = column(String(3), default="")
    """An ISO 4217 code. Blank: the plan's."""


class ActivityUnit(Base):
    """A unit that reports its share of an activity, and its target there."""

    __tablename__ = "activity_unit"
    activity_id: Column[int] = column(ForeignKey("activity.id"), primary_key=True)
    unit_id: Column[int] = column(ForeignKey("unit.id"), primary_key=True)
    target: Column[str] = column(default="")


class Code(OfPlan):
    """One row of the plan's code lists: statuses, validation states, SDG and GCM titles, disaggregations."""

    __tablename__ = "code"
    __table_args__ = (UniqueConstraint("plan_id", "list", "code"),)
    list: Column[str] = column(String(64))
    code: Column[str] = column(String(64))
    label: Column[Translations]
    attributes: Column[dict[str, str]]
    position: Column[int]


class Cadence(OfPlan):
    """A periodicity of the plan: how many days after the end of a period reporting opens, is due, and ends."""

    __tablename__ = "cadence"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    code: Column[str] = column(String(16))
    """One of `conversations.plan.periods.Frequency`."""
    opening_day: Column[int]
    due_day: Column[int]
    grace_day: Column[int]
    lock_day: Column[int]
    retired_on: Column[date | None]


class ReportingPeriod(OfPlan):
    __tablename__ = "reporting_period"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    code: Column[str] = column(String(16))
    period_type: Column[str] = column(String(16))
    start_on: Column[date]
    end_on: Column[date]
    opens_on: Column[date]
    due_on: Column[date]
    grace_until_on: Column[date]
    locks_on: Column[date]
    is_moved: Column[bool] = column(default=False, server_default=false())
    """Somebody has set its days for everybody, so holidays no longer move them."""
    opening_day: Column[int] = column(default=0, server_default="0")
    """This column and the next three hold the plan's cadence as it was when the period became due."""
    due_day: Column[int] = column(default=0, server_default="0")
    grace_day: Column[int] = column(default=0, server_default="0")
    lock_day: Column[int] = column(default=0, server_default="0")
    sealed_on: Column[date | None]
    """The day on which it locked first, if somebody has opened it again for everybody. NULL: `locks_on`."""


class Closing(OfPlan):
    """An agency's "Cerrar el mes": it has reported everything it had to report for this period."""

    __tablename__ = "closing"
    __table_args__ = (UniqueConstraint("agency_id", "reporting_period_id"),)
    agency_id: Column[int] = column(ForeignKey("agency.id"))
    reporting_period_id: Column[int] = column(ForeignKey("reporting_period.id"))
    closed_at: Column[datetime]
    closed_by_id: Column[int] = column(ForeignKey("person.id"))


class Reopening(OfPlan):
    """A locked period that one agency may report on again for some days.

    Its reason is part of the record (docs/domain.md#reopening).
    """

    __tablename__ = "reopening"
    __table_args__ = (
        partial_index(
            "uq_reopening_current", "agency_id", "reporting_period_id", unique=True, where="ended_at IS NULL"
        ),
        NEVER_AGAIN,
    )
    agency_id: Column[int] = column(ForeignKey("agency.id"))
    reporting_period_id: Column[int] = column(ForeignKey("reporting_period.id"))
    reason: Column[str]
    """A code (catalogue keys `reopening.reason.…`), or the person's own words."""
    asked_at: Column[datetime | None]
    asked_by_id: Column[int | None] = column(ForeignKey("person.id"))
    opened_at: Column[datetime | None]
    opened_by_id: Column[int | None] = column(ForeignKey("person.id"))
    until_on: Column[date | None]
    """The first day on which it is locked again, in the plan's zone."""
    ended_at: Column[datetime | None]
    """When somebody ended or refused it. A reopening that ran to its last day has none."""


class PlanImport(OfPlan):
    """A workbook that was applied, and the plan before it, so that the last import can be undone."""

    __tablename__ = "plan_import"
    __table_args__ = (NEVER_AGAIN,)
    imported_at: Column[datetime]
    imported_by_id: Column[int | None] = column(ForeignKey("person.id"))
    sha256: Column[str] = column(String(64))
    before: Column[bytes] = column(LargeBinary)
    undone_at: Column[datetime | None]
    undone_by_id: Column[int | None] = column(ForeignKey("person.id"))


class PastRow(OfPlan):
    """What a row of the plan said before an edit, for the periods that had locked by then (storage.plan.past_rows)."""

    __tablename__ = "past_row"
    __table_args__ = (
        UniqueConstraint("plan_id", "of_table", "row_id", "valid_to"),
        Index("ix_past_row_agency", "agency_id"),
    )
    of_table: Column[str] = column(String(32))
    row_id: Column[int] = column(Id)
    valid_to: Column[date]
    """The first day on which a period that locks goes by what the row says afterwards."""
    columns: Column[dict[str, Any]]
    """The columns that the edit changed, as they were. A column that is not here is as after the edit."""
    reason: Column[str] = column(default="", server_default="")
    """Why somebody has corrected what was expected of the periods that locked on the day before. Blank: no correction.
    """
    agency_id: Column[int | None] = column(Id)
    """The agency that led the row, if the edit gave it to another: reports about it are read for both."""


class Setting(Base):
    """A decision of the admins that replaces the default of a plan (`storage.plan.settings.SETTINGS`)."""

    __tablename__ = "setting"
    plan_id: Column[int] = column(ForeignKey("plan.id"), primary_key=True)
    name: Column[str] = column(String(32), primary_key=True)
    value: Column[str]
    set_at: Column[datetime]
    set_by_id: Column[int | None] = column(ForeignKey("person.id"))


# ------------------------------------------------------------------ people
class Person(Base):
    __tablename__ = "person"
    id: Column[int] = column(Id, primary_key=True)
    telegram_id: Column[int] = column(BigInteger, unique=True)
    name: Column[str]
    language: Column[str] = column(String(8))
    form_language: Column[str] = column(String(64), server_default="")
    """The language in which forms are asked, if the bot itself does not speak it."""
    timezone: Column[str] = column(String(64))
    joined_at: Column[datetime]
    privacy_accepted_at: Column[datetime | None]
    suspended_at: Column[datetime | None]
    unreachable_at: Column[datetime | None]
    """Since when Telegram refuses to deliver to this person (403, deactivated). /start clears it."""


class Membership(OfPlan):
    __tablename__ = "membership"
    __table_args__ = (
        Index("ix_membership_person", "person_id"),
        partial_index("uq_membership_current", "plan_id", "person_id", unique=True, where="active_to IS NULL"),
    )
    person_id: Column[int] = column(ForeignKey("person.id"))
    agency_id: Column[int | None] = column(ForeignKey("agency.id"))
    role: Column[str] = column(String(32))
    active_from: Column[datetime]
    active_to: Column[datetime | None]
    until_on: Column[date | None]
    """For a temporary role: the first day on which it is over, in the plan's zone. It may end earlier."""
    is_contributor: Column[bool] = column(default=False, server_default=false())
    """An observer who also reports the indicators of their own agency (docs/domain.md#who-sees-what)."""
    mark: Column[str | None] = column(String(32))
    """A keyed hash of the row (`storage.database.marks`). Somebody who has only the database cannot make one."""


class Delegation(OfPlan):
    """A focal point's post, given to a colleague or an invited person until a day."""

    __tablename__ = "delegation"
    __table_args__ = (
        partial_index("uq_delegation_current", "plan_id", "person_id", unique=True, where="ended_at IS NULL"),
        Index("ix_delegation_deputy", "deputy_id"),
        NEVER_AGAIN,
    )
    agency_id: Column[int] = column(ForeignKey("agency.id"))
    person_id: Column[int] = column(ForeignKey("person.id"))
    deputy_id: Column[int | None] = column(ForeignKey("person.id"))
    """Empty until the invited person has accepted."""
    invitation_id: Column[int | None] = column(ForeignKey("invitation.id"))
    begun_at: Column[datetime]
    until_on: Column[date]
    """The first day on which the focal point has the post again, in the plan's zone."""
    ended_at: Column[datetime | None]


class RoleRequest(OfPlan):
    """A role that one admin wants to give and that a second admin must grant."""

    __tablename__ = "role_request"
    __table_args__ = (NEVER_AGAIN,)
    person_id: Column[int | None] = column(ForeignKey("person.id"))
    """Who gets the role. None: the person who uses the link that is made when the request is granted."""
    role: Column[str] = column(String(32))
    agency_id: Column[int | None] = column(ForeignKey("agency.id"))
    requested_at: Column[datetime]
    requested_by_id: Column[int] = column(ForeignKey("person.id"))
    decision: Column[str] = column(String(16), default="")
    """Blank while it waits; then `granted`, `refused` or `withdrawn`."""
    decided_at: Column[datetime | None]
    decided_by_id: Column[int | None] = column(ForeignKey("person.id"))


class Invitation(OfPlan):
    """A link that gives a role once (S1). Only a keyed hash of its token is kept."""

    __tablename__ = "invitation"
    token_hash: Column[str] = column(String(64), unique=True)
    role: Column[str] = column(String(32))
    agency_id: Column[int | None] = column(ForeignKey("agency.id"))
    created_at: Column[datetime]
    created_by_id: Column[int | None] = column(ForeignKey("person.id"))
    expires_at: Column[datetime]
    until_on: Column[date | None]
    """For a temporary role: the first day on which it is over."""
    redeemed_at: Column[datetime | None]
    redeemed_by_id: Column[int | None] = column(ForeignKey("person.id"))
    accepted_at: Column[datetime | None]
    """When the role was taken. Later than `redeemed_at` if the person has to give up another role first."""
    revoked_at: Column[datetime | None]
    is_contributor: Column[bool] = column(default=False, server_default=false())
    """For an observer's link: whether it gives the right to report (`Membership.is_contributor`)."""


class Stranger(Base):
    """A person without a role who wrote. They get one reply a day (S16) and may try five wrong links an hour (S1)."""

    __tablename__ = "stranger"
    telegram_id: Column[int] = column(BigInteger, primary_key=True, autoincrement=False)
    answered_at: Column[datetime | None]
    failures: Column[int] = column(default=0)
    failures_since: Column[datetime | None]


# ------------------------------------------------------------------ forms, sessions, submissions
class Form(OfPlan):
    __tablename__ = "form"
    __table_args__ = (UniqueConstraint("plan_id", "form_id"),)
    form_id: Column[str] = column(String(128))


class FormVersion(Base):
    __tablename__ = "form_version"
    __table_args__ = (UniqueConstraint("form_id", "version"),)
    id: Column[int] = column(Id, primary_key=True)
    form_id: Column[int] = column(ForeignKey("form.id"))
    version: Column[str] = column(String(64))
    title: Column[str]
    xform: Column[str]
    workbook: Column[bytes] = column(LargeBinary)
    sha256: Column[str] = column(String(64))
    published_at: Column[datetime]
    published_by_id: Column[int | None] = column(ForeignKey("person.id"))


class Session(OfPlan):
    """A form being filled.

    One open session for each subject and period: focal point and alternate cannot fill it twice.
    """

    __tablename__ = "session"
    __table_args__ = (
        partial_index(
            "uq_session_open_subject",
            "plan_id",
            "form_id",
            "subject",
            "reporting_period_id",
            unique=True,
            where="state = 'open' AND subject IS NOT NULL",
        ),
        Index("ix_session_person", "person_id", "state"),
        partial_index("ix_session_lapsing", "expires_at", where="state = 'open'"),
        CheckConstraint("(data IS NULL) <> (sealed_data IS NULL)", name="data_or_sealed"),
        CheckConstraint("subject IS NULL OR reporting_period_id IS NOT NULL", name="subject_has_period"),
        NEVER_AGAIN,
    )
    person_id: Column[int] = column(ForeignKey("person.id"))
    agency_id: Column[int | None] = column(ForeignKey("agency.id"))
    form_id: Column[int] = column(ForeignKey("form.id"))
    form_version_id: Column[int] = column(ForeignKey("form_version.id"))
    instance_id: Column[str] = column(String(64), unique=True)
    subject: Column[str | None] = column(String(64))
    """What it reports on: `activity:A-101`, `indicator:I-01`, or "" for nothing."""
    reporting_period_id: Column[int | None] = column(ForeignKey("reporting_period.id"))
    supersedes_id: Column[int | None] = column(ForeignKey("submission.id"))
    """The submission that is being corrected, if any."""
    state: Column[str] = column(String(16))
    version: Column[int]
    """The number of saves. Saving with an older number is a Conflict."""
    sensitive: Column[bool]
    data: Column[str | None]
    sealed_data: Column[bytes | None]
    opened_at: Column[datetime]
    touched_at: Column[datetime]
    expires_at: Column[datetime]


@event.listens_for(Session.__table__, "after_create")
def _leave_room(_: object, connection: Connection, **__: object) -> None:
    """Leave three tenths of each page free on PostgreSQL.

    A draft is saved with each answer. PostgreSQL writes a changed row anew, and if it finds room on the same page, the
    indexes of the table stay as they are.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE session SET (fillfactor = 70)")


class Submission(OfPlan):
    """A final, versioned set of answers. A correction is a new row with the same `root_id`; no row is overwritten."""

    __tablename__ = "submission"
    __table_args__ = (
        partial_index(
            "uq_submission_current_subject",
            "plan_id",
            "form_id",
            "subject",
            "reporting_period_id",
            unique=True,
            where="is_current AND subject IS NOT NULL",
            sqlite="is_current = 1 AND subject IS NOT NULL",
        ),
        partial_index(
            "ix_submission_period", "plan_id", "reporting_period_id", where="is_current AND subject IS NOT NULL"
        ),
        Index("ix_submission_person", "person_id", "id"),
        Index("ix_submission_agency", "agency_id", "id"),
        partial_index(
            "ix_submission_subject",
            "plan_id",
            "subject",
            "reporting_period_id",
            where="is_current AND subject IS NOT NULL",
            sqlite="is_current = 1 AND subject IS NOT NULL",
        ),
        partial_index(
            "ix_submission_ended",
            "plan_id",
            "subject",
            "reporting_period_id",
            where="is_current AND (activity_status = 'completed' OR activity_status = 'cancelled')",
            sqlite="is_current = 1 AND (activity_status = 'completed' OR activity_status = 'cancelled')",
        ),
        partial_index(
            "ix_submission_state",
            "plan_id",
            "validation_state",
            "submitted_at",
            where="is_current",
            sqlite="is_current = 1",
        ),
        partial_index(
            "ix_submission_standing",
            "plan_id",
            "subject",
            where="is_standing AND NOT is_current",
            sqlite="is_standing = 1 AND is_current = 0",
        ),
        UniqueConstraint("plan_id", "receipt_number"),
        partial_index(
            "ix_submission_indicator", "plan_id", "subject", where="subject IS NOT NULL AND activity_status IS NULL"
        ),
        Index("uq_submission_version", "root_id", "version", unique=True),
        CheckConstraint("(answers IS NULL) <> (sealed_answers IS NULL)", name="answers_or_sealed"),
        CheckConstraint("subject IS NULL OR reporting_period_id IS NOT NULL", name="subject_has_period"),
        NEVER_AGAIN,
    )
    form_id: Column[int] = column(ForeignKey("form.id"))
    form_version_id: Column[int] = column(ForeignKey("form_version.id"))
    instance_id: Column[str] = column(String(64), unique=True)
    deprecated_instance_id: Column[str | None] = column(String(64))
    root_id: Column[str] = column(String(64))
    """The instance_id of the first version of the chain."""
    version: Column[int]
    is_current: Column[bool]
    is_standing: Column[bool] = column(default=False, server_default=false())
    """The version that was validated last. People outside the coordination see it while a correction waits."""
    person_id: Column[int] = column(ForeignKey("person.id"))
    agency_id: Column[int | None] = column(ForeignKey("agency.id"))
    subject: Column[str | None] = column(String(64))
    reporting_period_id: Column[int | None] = column(ForeignKey("reporting_period.id"))
    validation_state: Column[str] = column(String(16))
    receipt_number: Column[int]
    activity_status: Column[str | None] = column(String(32))
    """Status and progress are kept in the clear also when the answers are sealed: rates and lights count them
    (docs/domain.md#rates).
    """
    progress: Column[int | None]
    promises_evidence: Column[bool] = column(default=False, server_default=false())
    """The report says that its evidence comes later. In the clear, because the digest counts the evidence still to
    come.
    """
    zero_reason: Column[str | None] = column(String(32))
    """For a report without news: the reason, one of `notices.REASONS`."""
    sensitive: Column[bool]
    answers: Column[str | None]
    sealed_answers: Column[bytes | None]
    language: Column[str] = column(String(8))
    started_at: Column[datetime]
    submitted_at: Column[datetime]
    mark: Column[str | None] = column(String(32))
    """A keyed hash of what was sent (`storage.database.marks`). Somebody who has only the database cannot make one."""


class ReviewDecision(OfPlan):
    """A coordinator's decision about one version of a report: validated, or returned with a reason."""

    __tablename__ = "review_decision"
    __table_args__ = (Index("ix_review_decision_root", "root_id", "id"), NEVER_AGAIN)
    submission_id: Column[int] = column(ForeignKey("submission.id"))
    root_id: Column[str] = column(String(64))
    """The `root_id` of the report, so that a corrected report comes back to the coordinator who returned it."""
    person_id: Column[int] = column(ForeignKey("person.id"))
    decision: Column[str] = column(String(16))
    questions: Column[list[str]] = column(JSON)
    """Refs of the questions that must be answered again. Empty: the whole report."""
    reason: Column[str | None]
    sealed_reason: Column[bytes | None]
    decided_at: Column[datetime]


class Comment(OfPlan):
    """Words for the coordination about the plan: an observer's comment (docs/domain.md#comments), or an officer's
    proposal to change a value of it.
    """

    __tablename__ = "comment"
    __table_args__ = (Index("ix_comment_plan", "plan_id", "settled_at"), NEVER_AGAIN)
    person_id: Column[int] = column(ForeignKey("person.id"))
    subject: Column[str | None] = column(String(64))
    sealed_text: Column[bytes | None]
    """Always sealed: what somebody knows from outside may be about anybody. None: it was deleted when its time was
    over (S14).
    """
    written_at: Column[datetime]
    sealed_reply: Column[bytes | None]
    settled_at: Column[datetime | None]
    settled_by_id: Column[int | None] = column(ForeignKey("person.id"))
    proposes: Column[str | None] = column(String(32))
    """The workbook's header of the value that a proposal would change; `sealed_text` has the value and the reason
    (conversations.plan.messages.changes). None: a comment.
    """
    outcome: Column[str | None] = column(String(16))
    """What became of a proposal: one of OUTCOMES. None: it waits."""


class Attachment(OfPlan):
    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_instance", "instance_id"),)
    instance_id: Column[str] = column(String(64))
    ref: Column[str]
    file_name: Column[str]
    """The file's name in the answer: unique within the instance, safe in any file system."""
    original_name: Column[str]
    mime_type: Column[str] = column(String(128))
    size: Column[int]
    sha256: Column[str] = column(String(64))
    """SHA-256 of the stored file."""
    original_sha256: Column[str] = column(String(64))
    """SHA-256 of the file as it was sent. It differs if image metadata was removed."""
    is_compressed: Column[bool] = column(default=False)
    """Telegram recompressed it: it was sent as a photo, not as a file."""
    sensitive: Column[bool] = column(default=False)
    created_at: Column[datetime]


# ------------------------------------------------------------------ what arrives and what goes out
class Chat(Base):
    """One private chat: which session it is filling, which card it shows. Every update locks this row (G3)."""

    __tablename__ = "chat"
    __table_args__ = (partial_index("ix_chat_session", "session_id", where="session_id IS NOT NULL"),)
    id: Column[int] = column(BigInteger, primary_key=True, autoincrement=False)
    """Telegram's chat id."""
    person_id: Column[int | None] = column(ForeignKey("person.id"))
    session_id: Column[int | None] = column(ForeignKey("session.id"))
    card_id: Column[int | None] = column(Id)
    turn: Column[int] = column(default=0)
    awaits: Column[str] = column(String(64), default="", server_default="")
    """`command:argument` of the command that waits for a typed text. Blank: none does."""
    plan_id: Column[int | None] = column(Id)
    """The plan of the present card. It is noted for people in several plans."""


class Card(Base):
    """A message of ours that later ones edit. Its Telegram number is known only after it was delivered."""

    __tablename__ = "card"
    __table_args__ = (
        # The message first: Telegram numbers a bot's messages across its chats, so the index grows at its end.
        partial_index("ix_card_message", "message_id", "chat_id", where="message_id IS NOT NULL"),
        NEVER_AGAIN,
    )
    id: Column[int] = column(Id, primary_key=True)
    chat_id: Column[int] = column(BigInteger)
    message_id: Column[int | None] = column(BigInteger)
    is_gone: Column[bool] = column(default=False)
    """Telegram says that it can no longer be edited. The next edit is sent as a new message."""


class ProcessedUpdate(Base):
    __tablename__ = "processed_update"
    __table_args__ = ({"sqlite_with_rowid": False},)  # the key is the whole row: one tree to write instead of two
    bot_id: Column[int] = column(BigInteger, primary_key=True, autoincrement=False)
    update_id: Column[int] = column(BigInteger, primary_key=True, autoincrement=False)
    processed_at: Column[datetime]


class PoisonUpdate(Base):
    """An update that could not be processed. Only its kind and the reason are kept, not its content."""

    __tablename__ = "poison_update"
    id: Column[int] = column(Id, primary_key=True)
    bot_id: Column[int] = column(BigInteger)
    update_id: Column[int] = column(BigInteger)
    update_type: Column[str] = column(String(64))
    reason: Column[str]
    set_aside_at: Column[datetime]


class KeptUpdate(Base):
    """An update that waits behind many others of its chat (storage.messages.kept). In the order of its numbers."""

    __tablename__ = "kept_update"
    __table_args__ = (UniqueConstraint("bot_id", "update_id"), Index("ix_kept_update_line", "bot_id", "chat_id", "id"))
    id: Column[int] = column(Id, primary_key=True)
    bot_id: Column[int] = column(BigInteger)
    update_id: Column[int] = column(BigInteger)
    chat_id: Column[int] = column(BigInteger)
    sealed_update: Column[bytes]
    kept_at: Column[datetime]


class Suspect(Base):
    """An update or job that may have killed the process (storage.messages.suspects)."""

    __tablename__ = "suspect"
    kind: Column[str] = column(String(8), primary_key=True)
    bot_id: Column[int] = column(BigInteger, primary_key=True, autoincrement=False)
    number: Column[int] = column(BigInteger, primary_key=True, autoincrement=False)
    deaths: Column[int]
    marked_at: Column[datetime]


class OutboxMessage(Base):
    """One call to the Bot API that must happen (G5, G7)."""

    __tablename__ = "outbox"
    __table_args__ = (
        partial_index("ix_outbox_open", "state", "chat_id", "id", where="state IN ('queued', 'sending')"),
        CheckConstraint("(payload IS NULL) OR (sealed_payload IS NULL)", name="payload_or_sealed"),
        NEVER_AGAIN,
    )
    id: Column[int] = column(Id, primary_key=True)
    chat_id: Column[int] = column(BigInteger)
    kind: Column[str] = column(String(16))
    method: Column[str] = column(String(32))
    card_id: Column[int | None] = column(Id)
    state: Column[str] = column(String(16))
    sensitive: Column[bool] = column(default=False)
    payload: Column[str | None]
    """JSON parameters of the method, without chat_id and message_id. Emptied once the call is settled."""
    sealed_payload: Column[bytes | None]
    attempts: Column[int] = column(default=0)
    """How often it was claimed. It identifies the claim."""
    doubts: Column[int] = column(default=0, server_default="0")
    """How often a call may have delivered a reply that is sent again. A claim that was handed back is no doubt."""
    lease_until: Column[datetime | None]
    not_before: Column[datetime | None]
    created_at: Column[datetime]
    settled_at: Column[datetime | None]
    error: Column[str] = column(default="")
    owner: Column[int | None] = column(BigInteger)
    """The replica that works on it until `lease_until`."""


class RestrictedMessage(Base):
    """A message with something restricted in a chat, ours or the person's, until it is deleted there (S15)."""

    __tablename__ = "restricted_message"
    __table_args__ = (
        UniqueConstraint("card_id"),
        UniqueConstraint("chat_id", "message_id"),
        CheckConstraint("(card_id IS NULL) <> (message_id IS NULL)", name="ours_or_theirs"),
        Index("ix_restricted_message_due", "outbox_id", "due_at"),
        Index("ix_restricted_message_session", "session_id"),
        NEVER_AGAIN,
    )
    id: Column[int] = column(Id, primary_key=True)
    chat_id: Column[int] = column(BigInteger)
    card_id: Column[int | None] = column(Id)
    """For a message of ours: the card has its number at Telegram."""
    message_id: Column[int | None] = column(BigInteger)
    """For a message of the person: its number at Telegram."""
    session_id: Column[int | None] = column(Id)
    """The draft for which it was written. When the draft ends, the message is due to be deleted."""
    written_at: Column[datetime]
    due_at: Column[datetime]
    """When it is to be deleted."""
    outbox_id: Column[int | None] = column(Id)
    """The call that deletes it."""
    refused_at: Column[datetime | None]
    """When Telegram last refused."""
    reason: Column[str] = column(default="")


class Job(Base):
    """Long work that a worker claims: a download, an export, a broadcast."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_state", "state", "id"), NEVER_AGAIN)
    id: Column[int] = column(Id, primary_key=True)
    kind: Column[str] = column(String(32))
    chat_id: Column[int | None] = column(BigInteger)
    payload: Column[dict[str, Any]]
    state: Column[str] = column(String(16))
    attempts: Column[int] = column(default=0)
    """How often it was claimed. It identifies the claim."""
    failures: Column[int] = column(default=0, server_default="0")
    """How often doing it failed. Being stopped in order, or taken over, is no failure."""
    lease_until: Column[datetime | None]
    not_before: Column[datetime | None]
    created_at: Column[datetime]
    settled_at: Column[datetime | None]
    error: Column[str] = column(default="")
    owner: Column[int | None] = column(BigInteger)
    """The replica whose worker does it."""


class Replica(Base):
    """A running process, or one that ended without notice (storage.upkeep.presence)."""

    __tablename__ = "replica"
    __table_args__ = (NEVER_AGAIN,)
    id: Column[int] = column(Id, primary_key=True)
    started_at: Column[datetime]


# ------------------------------------------------------------------ what others are told
class Endpoint(OfPlan):
    """A receiver outside that gets events.

    Its address and secret are sealed, because many addresses are secrets too.
    """

    __tablename__ = "endpoint"
    __table_args__ = (Index("ix_endpoint_plan", "plan_id"), NEVER_AGAIN)
    host: Column[str] = column(String(255))
    """The part of its address that may be shown."""
    sealed_target: Column[bytes]
    """JSON: `url` and `secret`."""
    audience: Column[str] = column(String(16))
    kinds: Column[str]
    """Comma-separated, with a comma at both ends, so that a statement can search for one."""
    made_at: Column[datetime]
    made_by_id: Column[int | None] = column(ForeignKey("person.id"))
    paused_at: Column[datetime | None]


class Event(OfPlan):
    """Something that happened to the plan or a report: references and codes, never words. Written with the act."""

    __tablename__ = "event"
    __table_args__ = (NEVER_AGAIN,)
    uid: Column[str] = column(String(64), unique=True)
    """The `webhook-id`: the same at every try, so that a receiver recognises a repetition."""
    kind: Column[str] = column(String(32))
    data: Column[dict[str, Any]]
    at: Column[datetime]


class EventDelivery(Base):
    """One event for one receiver: `waiting`, `delivered` or `dead`. In one lane, the earlier event goes first."""

    __tablename__ = "event_delivery"
    __table_args__ = (
        partial_index("ix_event_delivery_waiting", "endpoint_id", "lane", "id", where="state = 'waiting'"),
        Index("ix_event_delivery_state", "endpoint_id", "state", "settled_at"),
        Index("ix_event_delivery_event", "event_id"),
        NEVER_AGAIN,
    )
    id: Column[int] = column(Id, primary_key=True)
    endpoint_id: Column[int] = column(ForeignKey("endpoint.id"))
    event_id: Column[int] = column(ForeignKey("event.id"))
    lane: Column[str] = column(String(80))
    """Events of one lane arrive in order: one report, one period, or the plan."""
    state: Column[str] = column(String(16))
    tries: Column[int] = column(default=0)
    next_at: Column[datetime]
    lease_until: Column[datetime | None]
    owner: Column[int | None] = column(BigInteger)
    """The replica that works on it until `lease_until`."""
    status: Column[int | None]
    """The receiver's last HTTP status, if it answered."""
    reason: Column[str] = column(String(16), default="")
    """Why the last try failed: one of the codes of `storage.messages.events`. Nothing from the receiver's answer is
    kept.
    """
    settled_at: Column[datetime | None]


# ------------------------------------------------------------------ what is said of the bot's own accord
class Schedule(OfPlan):
    """A regular message: what, when, to whom, in which zone. Never deleted, because fires refer to it."""

    __tablename__ = "schedule"
    __table_args__ = (
        partial_index("uq_schedule_shipped", "plan_id", "shipped", unique=True, where="shipped IS NOT NULL"),
        NEVER_AGAIN,
    )
    what: Column[str] = column(String(32))
    shipped: Column[str | None] = column(String(32))
    """For a schedule that every plan begins with: its name. So it is made once, and not again after it was deleted."""
    days: Column[str] = column(String(64))
    at: Column[str] = column(String(5))
    """Wall time, `09:00`."""
    timezone: Column[str] = column(String(64), default="")
    """Blank: each recipient's own zone."""
    roles: Column[str] = column(default="")
    """Comma-separated. Blank: every role of the job."""
    details: Column[dict[str, Any] | None] = column(JSON)
    """For a scheduled export: its dataset, filters and format."""
    created_at: Column[datetime]
    created_by_id: Column[int | None] = column(ForeignKey("person.id"))
    begins_at: Column[datetime | None]
    """When its days, hour or zone were last changed, or it was resumed. Blank: never."""
    paused_at: Column[datetime | None]
    deleted_at: Column[datetime | None]


class Fire(OfPlan):
    """The ledger: what was said to whom for which local window, or why not. Inserted with its outbox row (G8)."""

    __tablename__ = "fire"
    __table_args__ = (
        UniqueConstraint("plan_id", "person_id", "what", "window"),
        Index("ix_fire_window", "plan_id", "what", "window"),
        Index("ix_fire_lead", "lead_id"),
        Index("ix_fire_outbox", "outbox_id"),
        partial_index("ix_fire_queued", "outbox_id", where="state = 'queued'"),
        Index("ix_fire_broadcast", "broadcast_id"),
        NEVER_AGAIN,
    )
    person_id: Column[int] = column(ForeignKey("person.id"))
    what: Column[str] = column(String(32))
    """The job. For a schedule that admins have added also its number: `digest`, `digest.7`."""
    window: Column[str] = column(String(32))
    """A local day, `2018-10-05`."""
    state: Column[str] = column(String(16))
    """`queued`, then `sent`, `ambiguous`, `undeliverable` or `cancelled`; or `skipped`; or `open`, which may still
    be said.
    """
    reason: Column[str] = column(String(32), default="")
    rungs: Column[str] = column(default="")
    answer: Column[str] = column(String(32), default="")
    """The button that the person pressed under it."""
    lead_id: Column[int | None] = column(Id)
    """The message before it, if any: the picture of a digest."""
    outbox_id: Column[int | None] = column(Id)
    """The outbox message. Its outcome becomes the outcome of the fire."""
    is_by_hand: Column[bool] = column(default=False, server_default=false())
    """Somebody sent it by hand. No window of it comes again, so it waits where a scheduled one would be dropped."""
    broadcast_id: Column[int | None] = column(ForeignKey("broadcast.id"))
    fired_at: Column[datetime]
    settled_at: Column[datetime | None]


class Broadcast(OfPlan):
    """A message that somebody sent to many people at once. Its card shows the progress."""

    __tablename__ = "broadcast"
    __table_args__ = (NEVER_AGAIN,)
    person_id: Column[int] = column(ForeignKey("person.id"))
    card_id: Column[int | None] = column(Id)
    shown: Column[str] = column(String(64), default="")
    """The text on its card, so that the card is edited only when the text changes."""
    total: Column[int]
    begun_at: Column[datetime]
    stopped_at: Column[datetime | None]
    ended_at: Column[datetime | None]


class Pause(OfPlan):
    """A pause that somebody asked for: a hurricane, a leave, a hand-over, "tomorrow"."""

    __tablename__ = "pause"
    __table_args__ = (Index("ix_pause_plan", "plan_id", "ended_at"),)
    kind: Column[str] = column(String(16))
    person_id: Column[int | None] = column(ForeignKey("person.id"))
    from_at: Column[datetime]
    until_on: Column[date | None]
    by_id: Column[int | None] = column(ForeignKey("person.id"))
    ended_at: Column[datetime | None]


class Holiday(Base):
    """A day on which nobody is expected to work: from the country's calendar, or added by an admin."""

    __tablename__ = "holiday"
    plan_id: Column[int] = column(ForeignKey("plan.id"), primary_key=True)
    on: Column[date] = column(primary_key=True)
    name: Column[str] = column(default="")
    is_removed: Column[bool] = column(default=False)
    """An admin says that people work on this day. The row is kept so that the calendar does not add it again."""
    added_by_id: Column[int | None] = column(ForeignKey("person.id"))


class AuditEntry(Base):
    """An entry of the audit log. The database allows only additions. The sealer fills `position` and `hash` once."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_plan", "plan_id", "id"),
        partial_index("ix_audit_entry_unsealed", "id", where="hash IS NULL"),
        Index("uq_audit_entry_position", "position", unique=True),
        Index("uq_audit_entry_mark", "mark", unique=True),
        NEVER_AGAIN,
    )
    id: Column[int] = column(Id, primary_key=True)
    plan_id: Column[int | None] = column(ForeignKey("plan.id"))
    at: Column[datetime]
    actor_id: Column[int | None] = column(ForeignKey("person.id"))
    act: Column[str] = column(String(64))
    details: Column[dict[str, Any]]
    hash: Column[str | None] = column(String(64))
    position: Column[int | None] = column(BigInteger)
    """Its place in the chain. Not the id: ids are given before the commit, so a lower one may become visible later."""
    mark: Column[str | None] = column(String(48))
    """A nonce and a keyed hash of the entry. Somebody who has only the database cannot add an entry."""


AUDIT_TRIGGERS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE TRIGGER audit_entry_undeleted BEFORE DELETE ON audit_entry "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_entry_unchanged BEFORE UPDATE OF id, plan_id, at, actor_id, act, details ON audit_entry "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_entry_sealed_once BEFORE UPDATE OF hash, position, mark ON audit_entry "
        "WHEN OLD.hash IS NOT NULL BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_entry_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
        "CREATE TRIGGER audit_entry_unchanged "
        "BEFORE DELETE OR UPDATE OF id, plan_id, at, actor_id, act, details ON audit_entry "
        "FOR EACH ROW EXECUTE FUNCTION audit_entry_is_kept()",
        "CREATE TRIGGER audit_entry_sealed_once BEFORE UPDATE OF hash, position, mark ON audit_entry "
        "FOR EACH ROW WHEN (OLD.hash IS NOT NULL) EXECUTE FUNCTION audit_entry_is_kept()",
    ),
}
"""Triggers that refuse changes of the log to everybody who may not change tables (S13, S20)."""


@event.listens_for(AuditEntry.__table__, "after_create")
def _keep_the_log(_: object, connection: Connection, **__: object) -> None:
    for statement in AUDIT_TRIGGERS[connection.dialect.name]:
        connection.exec_driver_sql(statement)


PLAN_CHANGED: Final = "plan-changed"
"""The fact that says which transaction was the last to change a steady table (storage.database.steady)."""
TELL_CHANGES: tuple[str, ...] = (
    "CREATE FUNCTION plan_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"INSERT INTO fact (name, value, learnt_at) VALUES ('{PLAN_CHANGED}', txid_current()::text, now()) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value, learnt_at = excluded.learnt_at "
    "WHERE fact.value <> excluded.value; RETURN NULL; END $$",
    *(
        f"CREATE CONSTRAINT TRIGGER {name}_has_changed AFTER INSERT OR UPDATE OR DELETE ON {name} "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION plan_has_changed()"
        for name in sorted(STEADY)
    ),
)
"""PostgreSQL tells of each change when its transaction is committed; before that, nobody waits for the fact's row."""
FUNCTIONS: Final = ("audit_entry_is_kept", "plan_has_changed")
"""The functions of our triggers. Dropping a table leaves its trigger's function behind."""


@event.listens_for(Base.metadata, "after_create")
def _tell_changes(_: object, connection: Connection, **__: object) -> None:
    if connection.dialect.name == "postgresql":
        for statement in TELL_CHANGES:
            connection.exec_driver_sql(statement)


class DataToken(OfPlan):
    """Lets a program read the exports for one audience. Only a hash of the token is kept; the prefix identifies it."""

    __tablename__ = "data_token"
    __table_args__ = (Index("ix_data_token_plan", "plan_id"),)
    prefix: Column[str] = column(String(16), unique=True)
    token_hash: Column[str] = column(String(64))
    audience: Column[str] = column(String(16))
    name: Column[str] = column(default="")
    created_at: Column[datetime]
    created_by_id: Column[int | None] = column(ForeignKey("person.id"))
    revoked_at: Column[datetime | None]
    last_used_at: Column[datetime | None]


class DataRead(Base):
    """How many times a token read a dataset on a day of the plan's zone."""

    __tablename__ = "data_read"
    data_token_id: Column[int] = column(ForeignKey("data_token.id"), primary_key=True)
    on_day: Column[date] = column(primary_key=True)
    dataset: Column[str] = column(String(32), primary_key=True)
    reads: Column[int]


class StandingChange(OfPlan):
    """The standing version of a report has changed, or there is none any more: copies of exports must look at it again.

    `transaction_id` is PostgreSQL's number of the transaction that made the change. With it a reader can say which
    changes it has seen. Ids are not enough: they are given before the commit, so a lower one may become visible later.
    On SQLite it is 0, because there writers follow each other.
    """

    __tablename__ = "standing_change"
    __table_args__ = (
        Index("ix_standing_change_plan", "plan_id", "transaction_id", "id"),
        Index("ix_standing_change_root", "root_id"),
        NEVER_AGAIN,
    )
    root_id: Column[str] = column(String(64))
    transaction_id: Column[int] = column(BigInteger)


class Fact(Base):
    """A fact that the running bot has learnt and other commands need: its user name, its last good call of the Bot
    API.
    """

    __tablename__ = "fact"
    name: Column[str] = column(String(64), primary_key=True)
    value: Column[str]
    learnt_at: Column[datetime]


@event.listens_for(Base.metadata, "before_create")
def complete(metadata: MetaData, connection: Connection, **_: object) -> None:
    """Give the indexes their conditions: tables are made, or compared, on this database."""
    for index in (index for each in metadata.tables.values() for index in each.indexes):
        if connection.dialect.name == "postgresql" and POSTGRESQL_WHERE in index.info:
            index.dialect_kwargs[POSTGRESQL_WHERE] = text(index.info[POSTGRESQL_WHERE])


def table(model: type[Base]) -> Table:
    """The Table of a model, for statements in SQLAlchemy Core."""
    return model.__table__


def columns_of(record: type, rows: FromClause, **others: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    """Return the columns of which a record is made, in the order of its fields.

    A field is the column of this name in `rows`, or one of `others`, which gets its name. A field that is neither has
    no column.
    """
    names = getattr(record, "_fields", None) or [field.name for field in fields(record)]
    found = {name: rows.c[name] for name in names if name in rows.c}
    found |= {name: column.label(name) for name, column in others.items()}
    return tuple(found[name] for name in names if name in found)
