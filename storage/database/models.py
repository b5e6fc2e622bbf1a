"""Every table. Names are the field's own (DESIGN §6); everything below a plan carries its `plan_id`.

Three conventions hold throughout:
* instants are aware UTC (`UtcDateTime` refuses naive ones), days are dates;
* translations are one JSON object a language, `{"es": …, "en": …, "ht": …}`;
* what may be sensitive has two columns: `…` in the clear and `sealed_…` (see `vault`); exactly one is filled.

One module for all tables, although it is long: they refer to each other by foreign keys, migrations are compared with
all of them at once, and a reader who looks for a column looks in one place. Nothing here does anything.
"""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Connection,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
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
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant. A database without zones stores it as naive UTC. A naive value is a defect."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def bind_processor(self, dialect: Dialect) -> Any:
        return _as_utc if dialect.name == "postgresql" else _written

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        return _in_utc if dialect.name == "postgresql" else _read


# Every update writes nine instants: from SQLAlchemy's own processors, two behind each other, they cost a tenth of it.
def _as_utc(value: datetime | None) -> datetime | None:
    return None if value is None else _aware(value)


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("naive datetime")
    return value.astimezone(UTC)


def _written(value: datetime | None) -> str | None:
    """The instant as SQLAlchemy writes a DateTime to SQLite: "2018-10-03 12:00:00.000000"."""
    return None if value is None else _text(value if value.tzinfo is UTC else _aware(value))


# Of the fourteen instants that an update writes, nine are its own. UTC alone may be remembered: elsewhere the two hours
# that a clock shows twice are equal, and are not the same instant.
@lru_cache(maxsize=64)
def _text(utc: datetime) -> str:
    return utc.replace(tzinfo=None).isoformat(" ", "microseconds")


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


Translations = dict[str, str]
Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER
NEVER_AGAIN = {"sqlite_autoincrement": True}
"""SQLite reuses the number of a deleted last row. This option forbids it: buttons, seals and leases outlive their
rows.
"""


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        date: Date(),
        dict[str, str]: JSON(),
        dict[str, Any]: JSON(),
        str: Text(),
    }


# ------------------------------------------------------------------ the plan
class Plan(Base):
    __tablename__ = "plan"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[Translations]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    timezone: Mapped[str] = mapped_column(String(64))
    country: Mapped[str] = mapped_column(String(2), default="", server_default="")
    """Whose public holidays the plan keeps: an ISO 3166-1 code. Blank: the country of its time zone."""
    currency: Mapped[str] = mapped_column(String(3), default="", server_default="")
    """The currency of its budgets: an ISO 4217 code."""
    min_cell: Mapped[int] = mapped_column(default=10, server_default="10")
    """Outside the coordination, restricted figures of fewer people than this are not told, unless the indicator has
    its own limit.
    """
    hotlines: Mapped[str] = mapped_column(String(500), default="", server_default="")
    """Public telephone numbers that free text may contain, separated by semicolons."""
    imported_at: Mapped[datetime | None]
    lists_revision: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """Changes with every change of what forms take from the plan (storage.plan.lists)."""


class StrategicArea(Base):
    __tablename__ = "strategic_area"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    code: Mapped[str] = mapped_column(String(32))
    name: Mapped[Translations]
    intent: Mapped[Translations]
    position: Mapped[int]
    source: Mapped[str] = mapped_column(default="")


class Objective(Base):
    __tablename__ = "objective"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    strategic_area_id: Mapped[int] = mapped_column(ForeignKey("strategic_area.id"))
    code: Mapped[str] = mapped_column(String(32))
    programme: Mapped[str] = mapped_column(default="")
    name: Mapped[Translations]
    sdg_targets: Mapped[str] = mapped_column(default="")
    gcm_objectives: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")


class Agency(Base):
    """Never deleted: membership of the commission changes, reports stay (DOMAIN §1.1)."""

    __tablename__ = "agency"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    code: Mapped[str] = mapped_column(String(32))
    name: Mapped[Translations]
    mandate: Mapped[str] = mapped_column(default="")
    role_type: Mapped[str] = mapped_column(String(32), default="member")
    founding_member: Mapped[bool] = mapped_column(default=False)
    reports_referrals: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the agency is asked for its totals of referrals to services."""
    active_from: Mapped[date | None]
    active_to: Mapped[date | None]
    source: Mapped[str] = mapped_column(default="")


class Indicator(Base):
    __tablename__ = "indicator"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    strategic_area_id: Mapped[int] = mapped_column(ForeignKey("strategic_area.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    code: Mapped[str] = mapped_column(String(32))
    name: Mapped[Translations]
    level: Mapped[str] = mapped_column(String(32))
    unit: Mapped[str] = mapped_column(String(32))
    direction: Mapped[str] = mapped_column(String(32))
    aggregation: Mapped[str] = mapped_column(String(32))
    disaggregation: Mapped[str] = mapped_column(default="")
    frequency: Mapped[str] = mapped_column(String(32))
    baseline: Mapped[str] = mapped_column(default="")
    baseline_period: Mapped[str] = mapped_column(default="")
    baseline_source: Mapped[str] = mapped_column(default="")
    sdg_target: Mapped[str] = mapped_column(default="")
    sdg_indicator: Mapped[str] = mapped_column(default="")
    gcm_objective: Mapped[str] = mapped_column(default="")
    sensitivity: Mapped[str] = mapped_column(String(32), default="public")
    min_cell: Mapped[int] = mapped_column(default=0)
    by_exploitation: Mapped[bool] = mapped_column(default=False)
    computed: Mapped[str] = mapped_column(String(32), default="", server_default="")
    """How the bot computes it (conversations.plan.model.COMPUTATIONS). Blank: agencies are asked for it."""
    annual_table: Mapped[str] = mapped_column(String(32), default="", server_default="")
    """Its part of the annual 3P table (conversations.plan.figures.annual.PILLARS). Blank: it is not in the table."""
    note: Mapped[str] = mapped_column(default="")
    retired_on: Mapped[date | None]


class Target(Base):
    __tablename__ = "target"
    __table_args__ = (UniqueConstraint("indicator_id", "target_on"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    indicator_id: Mapped[int] = mapped_column(ForeignKey("indicator.id"))
    value: Mapped[str]
    target_on: Mapped[date | None]
    source: Mapped[str] = mapped_column(default="")


class Activity(Base):
    __tablename__ = "activity"
    __table_args__ = (UniqueConstraint("plan_id", "code"), Index("ix_activity_agency", "agency_id"))
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    objective_id: Mapped[int] = mapped_column(ForeignKey("objective.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    indicator_id: Mapped[int | None] = mapped_column(ForeignKey("indicator.id"))
    code: Mapped[str] = mapped_column(String(32))
    name: Mapped[Translations]
    short_name: Mapped[Translations]
    start_on: Mapped[date]
    due_on: Mapped[date]
    report_frequency: Mapped[str] = mapped_column(String(32))
    target_quantity: Mapped[str] = mapped_column(default="")
    target_unit: Mapped[Translations]
    means_of_verification: Mapped[Translations]
    sensitivity: Mapped[str] = mapped_column(String(32), default="public")
    budget: Mapped[str] = mapped_column(default="")
    budget_status: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")
    added_on: Mapped[date | None]
    """The day on which a later import added it. Blank: it is in the plan from its beginning."""
    retired_on: Mapped[date | None]


class ActivitySupport(Base):
    __tablename__ = "activity_support"
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), primary_key=True)
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True)


class Code(Base):
    """One row of the plan's code lists: statuses, validation states, SDG and GCM titles, disaggregations."""

    __tablename__ = "code"
    __table_args__ = (UniqueConstraint("plan_id", "list", "code"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    list: Mapped[str] = mapped_column(String(64))
    code: Mapped[str] = mapped_column(String(64))
    label: Mapped[Translations]
    attributes: Mapped[dict[str, str]]
    position: Mapped[int]


class Cadence(Base):
    """A periodicity of the plan: how many days after the end of a period reporting opens, is due, and ends."""

    __tablename__ = "cadence"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    code: Mapped[str] = mapped_column(String(16))
    """One of `conversations.plan.periods.Frequency`."""
    opening_day: Mapped[int]
    due_day: Mapped[int]
    grace_day: Mapped[int]
    lock_day: Mapped[int]
    retired_on: Mapped[date | None]


class ReportingPeriod(Base):
    __tablename__ = "reporting_period"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    code: Mapped[str] = mapped_column(String(16))
    period_type: Mapped[str] = mapped_column(String(16))
    start_on: Mapped[date]
    end_on: Mapped[date]
    opens_on: Mapped[date]
    due_on: Mapped[date]
    grace_until_on: Mapped[date]
    locks_on: Mapped[date]
    is_moved: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Somebody has set its days for everybody, so holidays no longer move them."""
    opening_day: Mapped[int] = mapped_column(default=0, server_default="0")
    """This column and the three below are the plan's cadence as it was when the period became due."""
    due_day: Mapped[int] = mapped_column(default=0, server_default="0")
    grace_day: Mapped[int] = mapped_column(default=0, server_default="0")
    lock_day: Mapped[int] = mapped_column(default=0, server_default="0")


class Closing(Base):
    """An agency's "Cerrar el mes": it has reported everything it had to report for this period."""

    __tablename__ = "closing"
    __table_args__ = (UniqueConstraint("agency_id", "reporting_period_id"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    reporting_period_id: Mapped[int] = mapped_column(ForeignKey("reporting_period.id"))
    closed_at: Mapped[datetime]
    closed_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class Reopening(Base):
    """A locked period that one agency may report on again for some days.

    Its reason is part of the record (DOMAIN §4.4).
    """

    __tablename__ = "reopening"
    __table_args__ = (
        Index(
            "uq_reopening_current",
            "agency_id",
            "reporting_period_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        NEVER_AGAIN,
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    reporting_period_id: Mapped[int] = mapped_column(ForeignKey("reporting_period.id"))
    reason: Mapped[str]
    """A code (catalogue keys `reopening.reason.…`), or the person's own words."""
    asked_at: Mapped[datetime | None]
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[datetime | None]
    opened_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    until_on: Mapped[date | None]
    """The first day on which it is locked again, in the plan's zone."""
    ended_at: Mapped[datetime | None]
    """When somebody ended or refused it. A reopening whose days are over has no end."""


class PlanImport(Base):
    """A workbook that was applied, and the plan before it, so that the last import can be undone."""

    __tablename__ = "plan_import"
    __table_args__ = (NEVER_AGAIN,)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    imported_at: Mapped[datetime]
    imported_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    before: Mapped[bytes] = mapped_column(LargeBinary)
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Setting(Base):
    """A decision of the admins that replaces the default of a plan (`storage.plan.settings.SETTINGS`)."""

    __tablename__ = "setting"
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str]
    set_at: Mapped[datetime]
    set_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


# ------------------------------------------------------------------ people
class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    telegram_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    name: Mapped[str]
    language: Mapped[str] = mapped_column(String(8))
    form_language: Mapped[str] = mapped_column(String(64), server_default="")
    """The language in which forms are asked, if the bot itself does not speak it."""
    timezone: Mapped[str] = mapped_column(String(64))
    joined_at: Mapped[datetime]
    privacy_accepted_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]
    unreachable_at: Mapped[datetime | None]
    """Since when Telegram refuses to deliver to this person (403, deactivated). /start clears it."""


class Membership(Base):
    __tablename__ = "membership"
    __table_args__ = (
        Index("ix_membership_person", "person_id"),
        Index(
            "uq_membership_current",
            "plan_id",
            "person_id",
            unique=True,
            sqlite_where=text("active_to IS NULL"),
            postgresql_where=text("active_to IS NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))
    role: Mapped[str] = mapped_column(String(32))
    active_from: Mapped[datetime]
    active_to: Mapped[datetime | None]
    until_on: Mapped[date | None]
    """For a temporary role: the first day on which it is over, in the plan's zone. It may end earlier."""
    is_contributor: Mapped[bool] = mapped_column(default=False, server_default=false())
    """An observer who also reports the indicators of their own agency (DOMAIN §2.7)."""
    mark: Mapped[str | None] = mapped_column(String(32))
    """A keyed hash of the row (`storage.database.marks`). Somebody who has only the database cannot make one."""


class Delegation(Base):
    """A focal point's post, given to a colleague or an invited person until a day."""

    __tablename__ = "delegation"
    __table_args__ = (
        Index(
            "uq_delegation_current",
            "plan_id",
            "person_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_delegation_deputy", "deputy_id"),
        NEVER_AGAIN,
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """Empty until the invited person has accepted."""
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("invitation.id"))
    begun_at: Mapped[datetime]
    until_on: Mapped[date]
    """The first day on which the focal point has the post again, in the plan's zone."""
    ended_at: Mapped[datetime | None]


class RoleRequest(Base):
    """A role that one admin wants to give and that a second admin must grant."""

    __tablename__ = "role_request"
    __table_args__ = (NEVER_AGAIN,)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """Who gets the role. None: whoever redeems the link that is made when the request is granted."""
    role: Mapped[str] = mapped_column(String(32))
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))
    requested_at: Mapped[datetime]
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    decision: Mapped[str] = mapped_column(String(16), default="")
    """Blank while it waits; then `granted`, `refused` or `withdrawn`."""
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Invitation(Base):
    """A link that gives a role once (S1). Only a keyed hash of its token is kept."""

    __tablename__ = "invitation"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(32))
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    expires_at: Mapped[datetime]
    until_on: Mapped[date | None]
    """For a temporary role: the first day on which it is over."""
    redeemed_at: Mapped[datetime | None]
    redeemed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    accepted_at: Mapped[datetime | None]
    """When the role was taken. Later than `redeemed_at` if the person has to give up another role first."""
    revoked_at: Mapped[datetime | None]
    is_contributor: Mapped[bool] = mapped_column(default=False, server_default=false())
    """For an observer's link: whether it gives the right to report (`Membership.is_contributor`)."""


class Stranger(Base):
    """Somebody without a role who wrote. One reply a day (S16), five failed links an hour (S1)."""

    __tablename__ = "stranger"
    telegram_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    answered_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    failures_since: Mapped[datetime | None]


# ------------------------------------------------------------------ forms, sessions, submissions
class Form(Base):
    __tablename__ = "form"
    __table_args__ = (UniqueConstraint("plan_id", "form_id"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    form_id: Mapped[str] = mapped_column(String(128))


class FormVersion(Base):
    __tablename__ = "form_version"
    __table_args__ = (UniqueConstraint("form_id", "version"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    version: Mapped[str] = mapped_column(String(64))
    title: Mapped[str]
    xform: Mapped[str]
    workbook: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Session(Base):
    """A form being filled.

    One open session for each subject and period: focal point and alternate cannot fill it twice.
    """

    __tablename__ = "session"
    __table_args__ = (
        Index(
            "uq_session_open_subject",
            "plan_id",
            "form_id",
            "subject",
            "reporting_period_id",
            unique=True,
            sqlite_where=text("state = 'open' AND subject IS NOT NULL"),
            postgresql_where=text("state = 'open' AND subject IS NOT NULL"),
        ),
        Index("ix_session_person", "person_id", "state"),
        Index(
            "ix_session_lapsing",
            "expires_at",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        CheckConstraint("(data IS NULL) <> (sealed_data IS NULL)", name="data_or_sealed"),
        CheckConstraint("subject IS NULL OR reporting_period_id IS NOT NULL", name="subject_has_period"),
        NEVER_AGAIN,
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_version.id"))
    instance_id: Mapped[str] = mapped_column(String(64), unique=True)
    subject: Mapped[str | None] = mapped_column(String(64))
    """What it reports on: `activity:A-101`, `indicator:I-01`, or "" for nothing."""
    reporting_period_id: Mapped[int | None] = mapped_column(ForeignKey("reporting_period.id"))
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"))
    """The submission that is being corrected, if any."""
    state: Mapped[str] = mapped_column(String(16))
    version: Mapped[int]
    """The number of saves. Saving with an older number is a Conflict."""
    sensitive: Mapped[bool]
    data: Mapped[str | None]
    sealed_data: Mapped[bytes | None]
    opened_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Submission(Base):
    """A final, versioned set of answers. A correction is a new row with the same `root_id`; no row is overwritten."""

    __tablename__ = "submission"
    __table_args__ = (
        Index(
            "uq_submission_current_subject",
            "plan_id",
            "form_id",
            "subject",
            "reporting_period_id",
            unique=True,
            sqlite_where=text("is_current = 1 AND subject IS NOT NULL"),
            postgresql_where=text("is_current AND subject IS NOT NULL"),
        ),
        Index(
            "ix_submission_period",
            "plan_id",
            "reporting_period_id",
            sqlite_where=text("is_current AND subject IS NOT NULL"),
            postgresql_where=text("is_current AND subject IS NOT NULL"),
        ),
        Index("ix_submission_person", "person_id", "id"),
        Index("ix_submission_agency", "agency_id", "id"),
        Index(
            "ix_submission_subject",
            "plan_id",
            "subject",
            sqlite_where=text("is_current = 1 AND subject IS NOT NULL"),
            postgresql_where=text("is_current AND subject IS NOT NULL"),
        ),
        Index(
            "ix_submission_state",
            "plan_id",
            "validation_state",
            "submitted_at",
            sqlite_where=text("is_current = 1"),
            postgresql_where=text("is_current"),
        ),
        Index(
            "ix_submission_standing",
            "plan_id",
            "subject",
            sqlite_where=text("is_standing = 1 AND is_current = 0"),
            postgresql_where=text("is_standing AND NOT is_current"),
        ),
        UniqueConstraint("plan_id", "receipt_number"),
        Index(
            "ix_submission_indicator",
            "plan_id",
            "subject",
            sqlite_where=text("subject IS NOT NULL AND activity_status IS NULL"),
            postgresql_where=text("subject IS NOT NULL AND activity_status IS NULL"),
        ),
        Index("uq_submission_version", "root_id", "version", unique=True),
        CheckConstraint("(answers IS NULL) <> (sealed_answers IS NULL)", name="answers_or_sealed"),
        CheckConstraint("subject IS NULL OR reporting_period_id IS NOT NULL", name="subject_has_period"),
        NEVER_AGAIN,
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_version.id"))
    instance_id: Mapped[str] = mapped_column(String(64), unique=True)
    deprecated_instance_id: Mapped[str | None] = mapped_column(String(64))
    root_id: Mapped[str] = mapped_column(String(64))
    """The instance_id of the first version of the chain."""
    version: Mapped[int]
    is_current: Mapped[bool]
    is_standing: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The version that was validated last. People outside the coordination see it while a correction waits."""
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))
    subject: Mapped[str | None] = mapped_column(String(64))
    reporting_period_id: Mapped[int | None] = mapped_column(ForeignKey("reporting_period.id"))
    validation_state: Mapped[str] = mapped_column(String(16))
    receipt_number: Mapped[int]
    activity_status: Mapped[str | None] = mapped_column(String(32))
    """Status and progress are kept in the clear also when the answers are sealed: rates and lights count them
    (DOMAIN §2.3).
    """
    progress: Mapped[int | None]
    promises_evidence: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The report says that its evidence comes later. In the clear, because the digest counts the evidence still to
    come.
    """
    zero_reason: Mapped[str | None] = mapped_column(String(32))
    """For a report without news: the reason, one of `notices.REASONS`."""
    sensitive: Mapped[bool]
    answers: Mapped[str | None]
    sealed_answers: Mapped[bytes | None]
    language: Mapped[str] = mapped_column(String(8))
    started_at: Mapped[datetime]
    submitted_at: Mapped[datetime]
    mark: Mapped[str | None] = mapped_column(String(32))
    """A keyed hash of what was sent (`storage.database.marks`). Somebody who has only the database cannot make one."""


class ReviewDecision(Base):
    """What a coordinator decided about one version of a report: validated, or returned with a reason."""

    __tablename__ = "review_decision"
    __table_args__ = (Index("ix_review_decision_root", "root_id", "id"), NEVER_AGAIN)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    root_id: Mapped[str] = mapped_column(String(64))
    """The `root_id` of the report, so that a corrected report comes back to the coordinator who returned it."""
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    decision: Mapped[str] = mapped_column(String(16))
    questions: Mapped[list[str]] = mapped_column(JSON)
    """Refs of the questions that must be answered again. Empty: the whole report."""
    reason: Mapped[str | None]
    sealed_reason: Mapped[bytes | None]
    decided_at: Mapped[datetime]


class Comment(Base):
    """What an observer tells the coordination. It never changes an agency's datum (DOMAIN §4.5)."""

    __tablename__ = "comment"
    __table_args__ = (Index("ix_comment_plan", "plan_id", "settled_at"), NEVER_AGAIN)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    subject: Mapped[str | None] = mapped_column(String(64))
    sealed_text: Mapped[bytes | None]
    """Always sealed: what somebody knows from outside may be about anybody. None: it was deleted when its time was
    over (S14).
    """
    written_at: Mapped[datetime]
    sealed_reply: Mapped[bytes | None]
    settled_at: Mapped[datetime | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Attachment(Base):
    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_instance", "instance_id"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    instance_id: Mapped[str] = mapped_column(String(64))
    ref: Mapped[str]
    file_name: Mapped[str]
    """The file's name in the answer: unique within the instance, safe in any file system."""
    original_name: Mapped[str]
    mime_type: Mapped[str] = mapped_column(String(128))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the stored file."""
    original_sha256: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the file as it was sent. It differs if image metadata was removed."""
    is_compressed: Mapped[bool] = mapped_column(default=False)
    """Telegram recompressed it: it was sent as a photo, not as a file."""
    sensitive: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


# ------------------------------------------------------------------ what arrives and what goes out
class Chat(Base):
    """One private chat: which session it is filling, which card it shows. Every update locks this row (G3)."""

    __tablename__ = "chat"
    __table_args__ = (
        Index(
            "ix_chat_session",
            "session_id",
            sqlite_where=text("session_id IS NOT NULL"),
            postgresql_where=text("session_id IS NOT NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Telegram's chat id."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    session_id: Mapped[int | None] = mapped_column(ForeignKey("session.id"))
    card_id: Mapped[int | None] = mapped_column(Id)
    turn: Mapped[int] = mapped_column(default=0)
    awaits: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """`command:argument` of the command that waits for a typed text. Blank: none does."""


class Card(Base):
    """A message of ours that later ones edit. Its Telegram number is known only after it was delivered."""

    __tablename__ = "card"
    __table_args__ = (Index("ix_card_chat_message", "chat_id", "message_id"), NEVER_AGAIN)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    is_gone: Mapped[bool] = mapped_column(default=False)
    """Telegram says that it can no longer be edited. The next edit is sent as a new message."""


class ProcessedUpdate(Base):
    __tablename__ = "processed_update"
    __table_args__ = ({"sqlite_with_rowid": False},)  # the key is the whole row: one tree to write instead of two
    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    processed_at: Mapped[datetime] = mapped_column(index=True)


class PoisonUpdate(Base):
    """An update that could not be processed. Only its kind and the reason are kept, not its content."""

    __tablename__ = "poison_update"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    bot_id: Mapped[int] = mapped_column(BigInteger)
    update_id: Mapped[int] = mapped_column(BigInteger)
    update_type: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str]
    set_aside_at: Mapped[datetime]


class Suspect(Base):
    """An update or job that may have killed the process (storage.messages.suspects)."""

    __tablename__ = "suspect"
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    bot_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    deaths: Mapped[int]
    marked_at: Mapped[datetime]


class OutboxMessage(Base):
    """One call to the Bot API that must happen (G5, G7)."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_open",
            "state",
            "chat_id",
            "id",
            sqlite_where=text("state IN ('queued', 'sending')"),
            postgresql_where=text("state IN ('queued', 'sending')"),
        ),
        CheckConstraint("(payload IS NULL) OR (sealed_payload IS NULL)", name="payload_or_sealed"),
        NEVER_AGAIN,
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(16))
    method: Mapped[str] = mapped_column(String(32))
    card_id: Mapped[int | None] = mapped_column(Id)
    state: Mapped[str] = mapped_column(String(16))
    sensitive: Mapped[bool] = mapped_column(default=False)
    payload: Mapped[str | None]
    """JSON parameters of the method, without chat_id and message_id. Emptied once the call is settled."""
    sealed_payload: Mapped[bytes | None]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")
    owner: Mapped[int | None] = mapped_column(BigInteger)
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
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    card_id: Mapped[int | None] = mapped_column(Id)
    """For a message of ours: the card has its number at Telegram."""
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    """For a message of the person: its number at Telegram."""
    session_id: Mapped[int | None] = mapped_column(Id)
    """The draft for which it was written. When the draft ends, the message is due to be deleted."""
    written_at: Mapped[datetime]
    due_at: Mapped[datetime]
    """When it is to be deleted."""
    outbox_id: Mapped[int | None] = mapped_column(Id)
    """The call that deletes it."""
    refused_at: Mapped[datetime | None]
    """When Telegram last refused."""
    reason: Mapped[str] = mapped_column(default="")


class Job(Base):
    """Long work that a worker claims (DESIGN §3): a download, an export, a broadcast."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_state", "state", "id"), NEVER_AGAIN)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")
    owner: Mapped[int | None] = mapped_column(BigInteger)
    """The replica whose worker does it."""


class Replica(Base):
    """A running process, or one that ended without notice (storage.upkeep.presence)."""

    __tablename__ = "replica"
    __table_args__ = (NEVER_AGAIN,)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    started_at: Mapped[datetime]


# ------------------------------------------------------------------ what others are told
class Endpoint(Base):
    """A receiver outside that gets events.

    Its address and secret are sealed, because many addresses are secrets too.
    """

    __tablename__ = "endpoint"
    __table_args__ = (Index("ix_endpoint_plan", "plan_id"), NEVER_AGAIN)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    host: Mapped[str] = mapped_column(String(255))
    """The part of its address that may be shown."""
    sealed_target: Mapped[bytes]
    """JSON: `url` and `secret`."""
    audience: Mapped[str] = mapped_column(String(16))
    kinds: Mapped[str]
    """Comma-separated, with a comma at both ends, so that a statement can search for one."""
    made_at: Mapped[datetime]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    paused_at: Mapped[datetime | None]


class Event(Base):
    """Something that happened to the plan or a report: references and codes, never words. Written with the act."""

    __tablename__ = "event"
    __table_args__ = (NEVER_AGAIN,)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    uid: Mapped[str] = mapped_column(String(64), unique=True)
    """The `webhook-id`: the same at every try, so that a receiver recognises a repetition."""
    kind: Mapped[str] = mapped_column(String(32))
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class EventDelivery(Base):
    """One event for one receiver: `waiting`, `delivered` or `dead`. In one lane, the earlier event goes first."""

    __tablename__ = "event_delivery"
    __table_args__ = (
        Index(
            "ix_event_delivery_waiting",
            "endpoint_id",
            "lane",
            "id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_event_delivery_state", "endpoint_id", "state", "settled_at"),
        Index("ix_event_delivery_event", "event_id"),
        NEVER_AGAIN,
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("endpoint.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"))
    lane: Mapped[str] = mapped_column(String(80))
    """Events of one lane arrive in order: one report, one period, or the plan."""
    state: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    owner: Mapped[int | None] = mapped_column(BigInteger)
    """The replica that works on it until `lease_until`."""
    status: Mapped[int | None]
    """The receiver's last HTTP status, if it answered."""
    reason: Mapped[str] = mapped_column(String(16), default="")
    """Why the last try failed: one of the codes of `storage.messages.events`. Nothing from the receiver's answer is
    kept.
    """
    settled_at: Mapped[datetime | None]


# ------------------------------------------------------------------ what is said of the bot's own accord
class Schedule(Base):
    """A regular message: what, when, to whom, in which zone. Never deleted, because fires refer to it."""

    __tablename__ = "schedule"
    __table_args__ = (
        Index(
            "uq_schedule_shipped",
            "plan_id",
            "shipped",
            unique=True,
            sqlite_where=text("shipped IS NOT NULL"),
            postgresql_where=text("shipped IS NOT NULL"),
        ),
        NEVER_AGAIN,
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    what: Mapped[str] = mapped_column(String(32))
    shipped: Mapped[str | None] = mapped_column(String(32))
    """For a schedule that every plan begins with: its name. So it is made once, and not again after it was deleted."""
    days: Mapped[str] = mapped_column(String(64))
    at: Mapped[str] = mapped_column(String(5))
    """Wall time, `09:00`."""
    timezone: Mapped[str] = mapped_column(String(64), default="")
    """Blank: each recipient's own zone."""
    roles: Mapped[str] = mapped_column(default="")
    """Comma-separated. Blank: every role of the job."""
    details: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """For a scheduled export: its dataset, filters and format."""
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    begins_at: Mapped[datetime | None]
    """When its days, hour or zone were last changed, or it was resumed. Blank: never."""
    paused_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Fire(Base):
    """The ledger: what was said to whom for which local window, or why not. Inserted with its outbox row (G8)."""

    __tablename__ = "fire"
    __table_args__ = (
        UniqueConstraint("plan_id", "person_id", "what", "window"),
        Index("ix_fire_window", "plan_id", "what", "window"),
        Index("ix_fire_lead", "lead_id"),
        Index("ix_fire_outbox", "outbox_id"),
        Index(
            "ix_fire_queued",
            "outbox_id",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_fire_broadcast", "broadcast_id"),
        NEVER_AGAIN,
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    what: Mapped[str] = mapped_column(String(32))
    """The job. For a schedule that admins have added also its number: `digest`, `digest.7`."""
    window: Mapped[str] = mapped_column(String(32))
    """A local day, `2018-10-05`."""
    state: Mapped[str] = mapped_column(String(16))
    """`queued`, then `sent`, `ambiguous`, `undeliverable` or `cancelled`; or `skipped`; or `open`, which may still
    be said.
    """
    reason: Mapped[str] = mapped_column(String(32), default="")
    rungs: Mapped[str] = mapped_column(default="")
    answer: Mapped[str] = mapped_column(String(32), default="")
    """The button that the person pressed under it."""
    lead_id: Mapped[int | None] = mapped_column(Id)
    """The message before it, if any: the picture of a digest."""
    outbox_id: Mapped[int | None] = mapped_column(Id)
    """The outbox message. Its outcome becomes the outcome of the fire."""
    is_by_hand: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Somebody sent it by hand. No window of it comes again, so it waits where a scheduled one would be dropped."""
    broadcast_id: Mapped[int | None] = mapped_column(ForeignKey("broadcast.id"))
    fired_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class Broadcast(Base):
    """A message that somebody sent to many people at once. Its card shows the progress."""

    __tablename__ = "broadcast"
    __table_args__ = (NEVER_AGAIN,)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    card_id: Mapped[int | None] = mapped_column(Id)
    shown: Mapped[str] = mapped_column(String(64), default="")
    """The text on its card, so that the card is edited only when the text changes."""
    total: Mapped[int]
    begun_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Pause(Base):
    """Silence that somebody asked for: a hurricane, a leave, a hand-over, "tomorrow"."""

    __tablename__ = "pause"
    __table_args__ = (Index("ix_pause_plan", "plan_id", "ended_at"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    kind: Mapped[str] = mapped_column(String(16))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    from_at: Mapped[datetime]
    until_on: Mapped[date | None]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]


class Holiday(Base):
    """A day on which nobody is expected to work: from the country's calendar, or added by an admin."""

    __tablename__ = "holiday"
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    on: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="")
    is_removed: Mapped[bool] = mapped_column(default=False)
    """An admin says that people work on this day. The row is kept so that the calendar does not add it again."""
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class AuditEntry(Base):
    """An entry of the audit log. The database allows only additions. The sealer fills `position` and `hash` once."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_plan", "plan_id", "id"),
        Index(
            "ix_audit_entry_unsealed",
            "id",
            sqlite_where=text("hash IS NULL"),
            postgresql_where=text("hash IS NULL"),
        ),
        Index("uq_audit_entry_position", "position", unique=True),
        Index("uq_audit_entry_mark", "mark", unique=True),
        NEVER_AGAIN,
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id"))
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    act: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]]
    hash: Mapped[str | None] = mapped_column(String(64))
    position: Mapped[int | None] = mapped_column(BigInteger)
    """Its place in the chain. Not the id: ids are given before the commit, so a lower one may become visible later."""
    mark: Mapped[str | None] = mapped_column(String(48))
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


class DataToken(Base):
    """Lets a program read the exports for one audience. Only a hash of the token is kept; the prefix identifies it."""

    __tablename__ = "data_token"
    __table_args__ = (Index("ix_data_token_plan", "plan_id"),)
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    audience: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class DataRead(Base):
    """How many times a token read a dataset on a day of the plan's zone."""

    __tablename__ = "data_read"
    data_token_id: Mapped[int] = mapped_column(ForeignKey("data_token.id"), primary_key=True)
    on_day: Mapped[date] = mapped_column(primary_key=True)
    dataset: Mapped[str] = mapped_column(String(32), primary_key=True)
    reads: Mapped[int]


class StandingChange(Base):
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
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    root_id: Mapped[str] = mapped_column(String(64))
    transaction_id: Mapped[int] = mapped_column(BigInteger)


class Fact(Base):
    """What the running bot has learnt and other commands need: its user name, its last good call of the Bot API."""

    __tablename__ = "fact"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]
    learnt_at: Mapped[datetime]


def table(model: type[Base]) -> Table:
    """The Table of a model, for statements in SQLAlchemy Core."""
    found = model.__table__
    if not isinstance(found, Table):
        raise TypeError(model)
    return found
