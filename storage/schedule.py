"""The plan's calendar: schedules, the ledger of what was said on its account, pauses and holidays.

Whatever decides that something is due may be killed before it says so, or run twice at once. So the decision is a row
of the ledger, unique for who, what and local window, inserted in one transaction with the outbox row that says it
(GUARANTEES G8): whoever comes second inserts nothing and says nothing. Why somebody was not told is a row too.

Everything read here for a decision takes a fixed number of statements, whatever the size of the plan.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from conversations.due import FOR_COORDINATORS, Left, Rung, lapsed_steps, left_indicators, left_reports, steps
from conversations.monitoring import LOOK_BACK as CLOSINGS_KNOWN
from conversations.monitoring import closings_until
from conversations.plan import (
    AGENCY_ROLES,
    OF_AN_AGENCY,
    Activity,
    ActivityStatus,
    PeriodType,
    ReportingPeriod,
    Role,
    ValidationState,
    ended_activities,
    expected_reports,
    unclosed_row,
)
from conversations.reminders import (
    CARRIERS,
    IN_A_ROW,
    LADDER,
    NEEDS,
    Agenda,
    Lapsing,
    Pause,
    PauseKind,
    Reason,
    Recipient,
    silenced,
)
from storage.models import Base
from storage.outbox import OutboxDraft
from storage.plans import REPORTS, reopened_for, seen_locks_on, to_report
from storage.statements import insert_into, insert_of, insert_or_ignore

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

LOOK_BACK = timedelta(days=21)
"""How far back the ledger is read: beyond the last step that could still be told."""
TOLD_TOO = 8
"""People of an agency among whom one is looked for who was told the same."""
SAID = ("queued", "sent", "ambiguous")
"""States of a fire that was said or will be; under the others nobody was told anything."""
UNSAID = ("open", "skipped", "cancelled", "undeliverable")


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """What is said regularly. `timezone` blank: in each recipient's own; `roles` empty: to all the job is for.

    `begins_at`: since when it is as it is now. What would have been before, nobody missed.
    """

    id: int
    plan_id: int
    what: str
    days: str
    at: time
    timezone: str
    roles: tuple[Role, ...]
    paused_at: datetime | None
    begins_at: datetime
    shipped: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """Of an export, what it holds."""

    @property
    def ledger(self) -> str:
        """Its name in the ledger: of those that admins add each has its own, so that none stands in another's way.

        It stays whatever is changed about it: a window that was told is not told again.
        """
        return self.what if self.shipped else f"{self.what}.{self.id}"

    def zone(self, own: str) -> ZoneInfo:
        """The zone in which it is that time for somebody who lives in `own`."""
        return ZoneInfo(self.timezone or own)


@dataclass(frozen=True, slots=True)
class StoredFire:
    """One row of the ledger."""

    id: int
    plan_id: int
    person_id: int
    what: str
    window: str
    state: str
    reason: str
    rungs: str
    answer: str
    lead_id: int | None
    outbox_id: int | None
    is_by_hand: bool
    broadcast_id: int | None
    fired_at: datetime

    @property
    def messages(self) -> tuple[int, ...]:
        """Their rows in the outbox, in order."""
        return tuple(id for id in (self.lead_id, self.outbox_id) if id is not None)

    @property
    def on(self) -> date:
        return date.fromisoformat(self.window)

    @property
    def told_rungs(self) -> tuple[Rung, ...]:
        return tuple(Rung(rung) for rung in self.rungs.split(",") if rung)


@dataclass(frozen=True, slots=True)
class NewFire:
    """One to be noted.

    `drafts` is asked for the message that says it, and before it for one that leads up to it, if nobody has noted it
    before.
    """

    person_id: int
    what: str
    window: date
    state: str = "queued"
    reason: str = ""
    rungs: tuple[Rung, ...] = ()
    drafts: Callable[[], Iterable[OutboxDraft]] = tuple


@dataclass(frozen=True, slots=True)
class StoredPause:
    id: int
    kind: PauseKind
    person_id: int | None
    from_at: datetime
    until_on: date | None
    by_id: int | None

    @property
    def pause(self) -> Pause:
        return Pause(self.kind, self.from_at, self.until_on, self.person_id)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a broadcast is."""

    id: int
    plan_id: int
    person_id: int
    chat_id: int
    card_id: int | None
    shown: str
    total: int
    sent: int
    waiting: int
    is_stopped: bool


@dataclass(frozen=True, slots=True)
class StoredHoliday:
    on: date
    name: str
    is_removed: bool
    added_by_id: int | None = field(default=None)


# ------------------------------------------------------------------ statements, built once
_tables = Base.metadata.tables
_plan = _tables["plan"]
_schedule = _tables["schedule"]
_fire = _tables["fire"]
_broadcast = _tables["broadcast"]
_pause = _tables["pause"]
_holiday = _tables["holiday"]
_person = _tables["person"]
_membership = _tables["membership"]
_agency = _tables["agency"]
_period = _tables["reporting_period"]
_submission = _tables["submission"]
_closing = _tables["closing"]
_session = _tables["session"]
_reopening = _tables["reopening"]
_outbox = _tables["outbox"]

_OF_PLAN: Any = bindparam("plan_id")
_WHAT: Any = bindparam("what")
_SCHEDULES = (
    select(
        _schedule.c.id,
        _schedule.c.plan_id,
        _schedule.c.what,
        _schedule.c.days,
        _schedule.c.at,
        _schedule.c.timezone,
        _schedule.c.roles,
        _schedule.c.paused_at,
        func.coalesce(_schedule.c.begins_at, _schedule.c.created_at).label("begins_at"),
        _schedule.c.shipped,
        _schedule.c.details,
    )
    .where(_schedule.c.deleted_at.is_(None))
    .order_by(_schedule.c.id)
)
_HOLIDAYS = select(_holiday.c.on).where(_holiday.c.plan_id == _OF_PLAN, ~_holiday.c.is_removed)
_CALENDAR = (
    select(_holiday.c.on, _holiday.c.name, _holiday.c.is_removed, _holiday.c.added_by_id)
    .where(_holiday.c.plan_id == _OF_PLAN)
    .order_by(_holiday.c.on)
)
_HAS_ROLE = and_(
    _membership.c.person_id == _person.c.id,
    _membership.c.active_to.is_(None),
    _membership.c.plan_id == _OF_PLAN,
)
_RECIPIENTS = (
    select(
        _person.c.id,
        _person.c.telegram_id,
        _person.c.name,
        _person.c.language,
        _person.c.timezone,
        _membership.c.role,
        _agency.c.code.label("agency_code"),
        _membership.c.active_from,
        _membership.c.until_on,
        case((_membership.c.role.in_([role.value for role in OF_AN_AGENCY]), _agency.c.active_to)).label(
            "agency_ends_on"
        ),
        _person.c.unreachable_at.is_not(None).label("is_unreachable"),
        _person.c.privacy_accepted_at.is_not(None).label("has_accepted"),
        _membership.c.is_contributor,
    )
    .join(_membership, _HAS_ROLE)
    .outerjoin(_agency, _agency.c.id == _membership.c.agency_id)
    .where(_person.c.suspended_at.is_(None))
    .order_by(_person.c.id)
)
# Of an agency's crowd a few: they are asked for in the unit in which messages leave.
_TOLD_FIRST = (
    select(
        _fire.c.person_id,
        _fire.c.window,
        func.row_number()
        .over(partition_by=(_membership.c.agency_id, _fire.c.window), order_by=_fire.c.person_id)
        .label("place"),
    )
    .join(_membership, and_(_membership.c.person_id == _fire.c.person_id, _membership.c.active_to.is_(None)))
    .join(_agency, _agency.c.id == _membership.c.agency_id)
    .where(
        _fire.c.plan_id == _OF_PLAN,
        _membership.c.plan_id == _OF_PLAN,
        _membership.c.role.in_(sorted(AGENCY_ROLES)),
        _agency.c.code.in_(bindparam("agencies", expanding=True)),
        _fire.c.what == bindparam("what"),
        _fire.c.window.in_(bindparam("windows", expanding=True)),
        _fire.c.state.in_(SAID),
    )
    .subquery()
)
_TOLD = (
    _RECIPIENTS.join(_TOLD_FIRST, _TOLD_FIRST.c.person_id == _person.c.id)
    .where(_TOLD_FIRST.c.place <= bindparam("few"))
    .add_columns(_TOLD_FIRST.c.window)
)
_ZONES = (
    select(_person.c.timezone)
    .join(_membership, _HAS_ROLE)
    .where(_person.c.suspended_at.is_(None))
    .distinct()
    .order_by(_person.c.timezone)
)
_IN_LEDGER = and_(
    _fire.c.plan_id == _OF_PLAN,
    _fire.c.person_id == _person.c.id,
    _fire.c.what == _WHAT,
    _fire.c.window == bindparam("window"),
)
_MEANT = _RECIPIENTS.where(
    _person.c.timezone == bindparam("zone"), _membership.c.role.in_(bindparam("roles", expanding=True))
)
_FIRE_COLUMNS = tuple(_fire.c[name] for name in StoredFire.__slots__)
_PLAN_ZONE = select(_plan.c.timezone).where(_plan.c.id == _OF_PLAN).scalar_subquery().label("plan_timezone")
_LEDGER = (
    select(
        _fire.c.person_id,
        _fire.c.window,
        _fire.c.state,
        _fire.c.reason,
        _fire.c.fired_at,
        _fire.c.settled_at,
        _fire.c.is_by_hand,
        _person.c.timezone,
        _PLAN_ZONE,
    )
    .join(_person, _person.c.id == _fire.c.person_id)
    .where(_fire.c.plan_id == _OF_PLAN, _fire.c.what == _WHAT, _fire.c.window >= bindparam("since"))
)
# What was said by a digest or a card, to whom, and when it left: it spoke for the ladder too.
_CARRIED = (
    select(
        _fire.c.person_id,
        _fire.c.state,
        _fire.c.rungs,
        _fire.c.fired_at,
        _fire.c.settled_at,
        _person.c.timezone,
        _PLAN_ZONE,
    )
    .join(_person, _person.c.id == _fire.c.person_id)
    .where(
        _fire.c.plan_id == _OF_PLAN,
        _fire.c.what.in_(
            select(
                case(
                    (_schedule.c.shipped.is_not(None), _schedule.c.what),
                    else_=_schedule.c.what.concat(".").concat(_schedule.c.id),
                )
            ).where(_schedule.c.plan_id == _OF_PLAN, _schedule.c.what.in_(sorted(CARRIERS)))
        ),
        _fire.c.window >= bindparam("since"),
        _fire.c.state.in_(SAID),
    )
)
_LADDER_WAITS = select(_fire.c.person_id).where(
    _fire.c.plan_id == _OF_PLAN,
    _fire.c.what == LADDER,
    _fire.c.state == literal_column("'queued'"),
    _fire.c.window >= bindparam("since"),
)
_FIRES = (
    select(*_FIRE_COLUMNS).where(_fire.c.plan_id == _OF_PLAN, _fire.c.window >= bindparam("since")).order_by(_fire.c.id)
)
_IDS: Any = bindparam("ids", expanding=True)
_OF_OUTBOX = select(*_FIRE_COLUMNS).where(or_(_fire.c.outbox_id.in_(_IDS), _fire.c.lead_id.in_(_IDS)))
_IS_QUEUED = _fire.c.state == literal_column("'queued'")
_OF_ITS_ROW = _outbox.c.id == _fire.c.outbox_id
_LEARN = (
    update(_fire)
    .where(
        _IS_QUEUED,
        _fire.c.outbox_id.in_(
            select(_outbox.c.id).where(
                _outbox.c.id.in_(select(_fire.c.outbox_id).where(_IS_QUEUED)),
                _outbox.c.state.in_(("sent", "ambiguous", "undeliverable")),
            )
        ),
    )
    .values(
        state=select(_outbox.c.state).where(_OF_ITS_ROW).scalar_subquery(),
        settled_at=select(_outbox.c.settled_at).where(_OF_ITS_ROW).scalar_subquery(),
    )
    .returning(_fire.c.plan_id, _fire.c.person_id, _fire.c.what, _fire.c.window, _fire.c.state)
)
_colleague = _membership.alias("colleague")
# Who was passed over on that day for somebody whom no message reaches any more.
_PASSED_OVER = delete(_fire).where(
    _fire.c.plan_id == _OF_PLAN,
    _fire.c.what == LADDER,
    _fire.c.window == bindparam("window"),
    _fire.c.reason == literal_column("'focal_point_told'"),
    _fire.c.person_id.in_(
        select(_colleague.c.person_id)
        .join(_membership, _membership.c.agency_id == _colleague.c.agency_id)
        .join(_person, _person.c.id == _membership.c.person_id)
        .where(
            _person.c.id == bindparam("person_id"),
            _person.c.unreachable_at.is_not(None),
            _membership.c.active_to.is_(None),
            _colleague.c.active_to.is_(None),
        )
    ),
)
_PAUSES = (
    select(_pause.c.id, _pause.c.kind, _pause.c.person_id, _pause.c.from_at, _pause.c.until_on, _pause.c.by_id)
    .where(
        _pause.c.plan_id == _OF_PLAN,
        _pause.c.ended_at.is_(None),
        or_(_pause.c.until_on.is_(None), _pause.c.until_on >= bindparam("since")),
    )
    .order_by(_pause.c.id)
)
# Of the agency they reported for when they were told, whatever they do today and in other plans.
_ANSWERS = (
    select(_agency.c.code, _fire.c.answer)
    .join(
        _membership,
        and_(
            _membership.c.person_id == _fire.c.person_id,
            _membership.c.plan_id == _fire.c.plan_id,
            _membership.c.active_from <= _fire.c.fired_at,
            or_(_membership.c.active_to.is_(None), _membership.c.active_to > _fire.c.fired_at),
        ),
    )
    .join(_agency, _agency.c.id == _membership.c.agency_id)
    .where(_fire.c.plan_id == _OF_PLAN, _fire.c.window >= bindparam("since"), _fire.c.answer.in_(NEEDS))
    .order_by(_fire.c.id)
)
# Of an activity whose report ended it, all reports: a later one may have taken it up again.
_ENDED_ONCE = select(_submission.c.subject).where(
    _submission.c.plan_id == _OF_PLAN,
    _submission.c.is_current,
    _submission.c.activity_status.in_((ActivityStatus.COMPLETED.value, ActivityStatus.CANCELLED.value)),
)
_ENDING_REPORTS = REPORTS.where(_submission.c.subject.in_(_ENDED_ONCE))
_DRAFTS = (
    select(_session.c.person_id, _session.c.subject, seen_locks_on.label("locks_on"))
    .join(_period, _period.c.id == _session.c.reporting_period_id)
    .outerjoin(_reopening, reopened_for(_session.c.agency_id))
    .where(
        _session.c.plan_id == _OF_PLAN,
        _session.c.state == literal_column("'open'"),
        _session.c.subject.is_not(None),
        seen_locks_on > bindparam("after"),
        seen_locks_on <= bindparam("until"),
    )
    .order_by(_session.c.id)
)
_REPORTED = (
    select(_submission.c.subject, _period.c.code, _submission.c.validation_state)
    .join(_period, _period.c.id == _submission.c.reporting_period_id)
    .where(
        _submission.c.plan_id == _OF_PLAN,
        _submission.c.is_current,
        _submission.c.subject.is_not(None),
        _submission.c.reporting_period_id.in_(bindparam("period_ids", expanding=True)),
    )
)
_CLOSED = (
    select(_agency.c.code.label("agency"), _period.c.code.label("period"), _closing.c.closed_at, _plan.c.timezone)
    .select_from(_closing)
    .join(_plan, _plan.c.id == _closing.c.plan_id)
    .join(_agency, _agency.c.id == _closing.c.agency_id)
    .join(_period, _period.c.id == _closing.c.reporting_period_id)
    .where(_closing.c.plan_id == _OF_PLAN, _period.c.end_on >= bindparam("since"))
)
_BROADCASTS = (
    select(
        _broadcast.c.id,
        _broadcast.c.plan_id,
        _broadcast.c.person_id,
        _person.c.telegram_id,
        _broadcast.c.card_id,
        _broadcast.c.shown,
        _broadcast.c.total,
        func.coalesce(func.sum(case((_fire.c.state.in_(("sent", "ambiguous")), 1), else_=0)), 0).label("sent"),
        func.coalesce(func.sum(case((_fire.c.state == "queued", 1), else_=0)), 0).label("waiting"),
        _broadcast.c.stopped_at.is_not(None).label("is_stopped"),
    )
    .join(_person, _person.c.id == _broadcast.c.person_id)
    .outerjoin(_fire, _fire.c.broadcast_id == _broadcast.c.id)
    .where(_broadcast.c.ended_at.is_(None))
    .group_by(
        _broadcast.c.id,
        _broadcast.c.plan_id,
        _broadcast.c.person_id,
        _person.c.telegram_id,
        _broadcast.c.card_id,
        _broadcast.c.shown,
        _broadcast.c.total,
        _broadcast.c.stopped_at,
    )
    .order_by(_broadcast.c.id)
)


_TAKEN_OVER = ("state", "reason", "rungs", "fired_at", "is_by_hand", "broadcast_id", "settled_at")
"""What a row of the ledger gets anew when something is said in its place after all."""
_FOLLOWS = (
    update(_fire)
    .where(_fire.c.id == bindparam("fire_id"))
    .values(outbox_id=bindparam("message_id"), lead_id=bindparam("before_id"))
)


@cache
def _untold(but: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    """Who is not in the ledger for a window, save in one of these states."""
    return _MEANT.where(~exists().where(_IN_LEDGER, *(_fire.c.state != state for state in but)))


def _said_on(row: Any) -> date:
    """The day where they live on which something was said, or was made that waits to be sent."""
    at: datetime = row.settled_at or row.fired_at
    return at.astimezone(ZoneInfo(row.timezone)).date()


@cache
def _fire_statement(dialect: str, *, is_by_hand: bool) -> Any:
    statement = insert_of(dialect, _fire)
    if is_by_hand:
        statement = statement.on_conflict_do_update(
            index_elements=["plan_id", "person_id", "what", "window"],
            set_={name: statement.excluded[name] for name in _TAKEN_OVER},
            # Spelled out: an IN is expanded anew at every execution, and cannot be executed for many rows at once.
            where=or_(*(_fire.c.state == state for state in UNSAID)),
        )
    else:
        statement = statement.on_conflict_do_nothing()
    return statement.returning(_fire.c.id, _fire.c.person_id, _fire.c.what, _fire.c.window)


def known_since(plan_id: int) -> str:
    """The fact that holds since when the plan's calendar has been kept: nobody could close a period before."""
    return f"calendar.{plan_id}"


def _letter(plan_id: int, agency_code: str) -> str:
    """The fact that holds up to which period a letter to an agency's head was put off."""
    return f"letter.{plan_id}.{agency_code}"


class Schedules:
    """The plan's calendar."""

    def __init__(self, unit: "UnitOfWork") -> None:
        self._unit = unit
        self._connection = unit.connection

    # -------------------------------------------------------------- schedules
    def all(self, plan_id: int | None = None) -> tuple[StoredSchedule, ...]:
        """Those that have not been deleted, the paused ones too; of every plan, if none is named."""
        statement = _SCHEDULES if plan_id is None else _SCHEDULES.where(_schedule.c.plan_id == plan_id)
        return tuple(map(_to_schedule, self._connection.execute(statement)))

    def get(self, plan_id: int, id: int) -> StoredSchedule | None:
        found = self._connection.execute(_SCHEDULES.where(_schedule.c.plan_id == plan_id, _schedule.c.id == id)).first()
        return None if found is None else _to_schedule(found)

    def add(
        self,
        plan_id: int,
        what: str,
        days: str,
        at: time,
        now: datetime,
        *,
        timezone: str = "",
        roles: Collection[Role] = (),
        by: int | None = None,
        shipped: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> bool:
        """A new one. False, and nothing changed, if it is one that the plan was shipped with and has, or had."""
        row: dict[str, object] = {
            "plan_id": plan_id,
            "what": what,
            "shipped": shipped,
            "days": days,
            "at": f"{at:%H:%M}",
            "timezone": timezone,
            "roles": ",".join(sorted(roles)),
            "created_at": now,
            "created_by_id": by,
        }
        if details is not None:
            row["details"] = dict(details)
        return insert_or_ignore(self._connection, _schedule, row)

    def change(self, plan_id: int, id: int, **values: object) -> bool:
        """Change `days`, `at`, `timezone`, `roles`, `details`, `begins_at`, `paused_at` or `deleted_at`; false if gone.

        Whoever changes when it is said lets it begin anew: otherwise it is said at once for a window that is past.
        """
        if isinstance(values.get("at"), time):
            values["at"] = f"{values['at']:%H:%M}"
        done = self._connection.execute(
            update(_schedule)
            .where(_schedule.c.plan_id == plan_id, _schedule.c.id == id, _schedule.c.deleted_at.is_(None))
            .values(**values)
        )
        return done.rowcount == 1

    def bring_back(self, plan_id: int, shipped: str, days: str, at: time, now: datetime) -> bool:
        """One that the plan was shipped with and that was deleted, as it was at first; false if there is none.

        It keeps its name in the ledger: what it has said today it does not say again.
        """
        done = self._connection.execute(
            update(_schedule)
            .where(_schedule.c.plan_id == plan_id, _schedule.c.shipped == shipped, _schedule.c.deleted_at.is_not(None))
            .values(
                days=days,
                at=f"{at:%H:%M}",
                timezone="",
                roles="",
                begins_at=now,
                paused_at=None,
                deleted_at=None,
            )
        )
        return done.rowcount == 1

    # -------------------------------------------------------------- holidays
    def holidays(self, plan_id: int) -> frozenset[date]:
        return frozenset(self._connection.execute(_HOLIDAYS, {"plan_id": plan_id}).scalars())

    def calendar(self, plan_id: int) -> tuple[StoredHoliday, ...]:
        """Every day that is or was one, in order."""
        return tuple(StoredHoliday(*row) for row in self._connection.execute(_CALENDAR, {"plan_id": plan_id}))

    def add_holidays(self, plan_id: int, days: Mapping[date, str]) -> None:
        """Days of the country's calendar; what an admin has removed stays so."""
        rows = [{"plan_id": plan_id, "on": on, "name": name, "is_removed": False} for on, name in days.items()]
        if rows:
            self._connection.execute(insert_into(self._connection, _holiday).on_conflict_do_nothing(), rows)

    def add_holiday(self, plan_id: int, on: date, *, by: int | None) -> None:
        """A day that somebody has decided on, also one removed before. `by` None: the server."""
        statement = insert_into(self._connection, _holiday).on_conflict_do_update(
            index_elements=["plan_id", "on"], set_={"is_removed": False, "added_by_id": by}
        )
        row = {"plan_id": plan_id, "on": on, "name": "", "is_removed": False, "added_by_id": by}
        self._connection.execute(statement, row)

    def remove_holiday(self, plan_id: int, on: date) -> bool:
        done = self._connection.execute(
            update(_holiday)
            .where(_holiday.c.plan_id == plan_id, _holiday.c.on == on, ~_holiday.c.is_removed)
            .values(is_removed=True)
        )
        return done.rowcount == 1

    # -------------------------------------------------------------- pauses
    def pauses(self, plan_id: int, since: date) -> tuple[StoredPause, ...]:
        """Those that are not over, or not longer than since then."""
        rows = self._connection.execute(_PAUSES, {"plan_id": plan_id, "since": since})
        return tuple(StoredPause(*row) for row in rows)

    def pause(
        self,
        plan_id: int,
        kind: PauseKind,
        now: datetime,
        until_on: date | None,
        *,
        person_id: int | None,
        by: int | None,
    ) -> None:
        """A pause from now on, in place of the same person's (or everybody's) of that kind."""
        self.resume(plan_id, now, person_id=person_id, kinds=(kind,))
        self._connection.execute(
            insert(_pause).values(
                plan_id=plan_id, kind=kind, person_id=person_id, from_at=now, until_on=until_on, by_id=by
            )
        )

    def resume(
        self, plan_id: int, now: datetime, *, person_id: int | None, kinds: Sequence[PauseKind] = ("own",)
    ) -> bool:
        """End it; whether there was one."""
        whose = _pause.c.person_id.is_(None) if person_id is None else _pause.c.person_id == person_id
        done = self._connection.execute(
            update(_pause)
            .where(_pause.c.plan_id == plan_id, whose, _pause.c.kind.in_(kinds), _pause.c.ended_at.is_(None))
            .values(ended_at=now)
        )
        return done.rowcount > 0

    # -------------------------------------------------------------- who
    def zones(self, plan_id: int) -> list[str]:
        """Where the people of the plan live."""
        return list(self._connection.execute(_ZONES, {"plan_id": plan_id}).scalars())

    def untold(
        self,
        plan_id: int,
        what: str,
        zone: str,
        window: date,
        roles: Collection[Role],
        *,
        but: Collection[str] = (),
    ) -> list[Recipient]:
        """Who lives in that zone, has one of these roles, and is not in the ledger for that window.

        Or is in one of the states `but`: `("open",)` for what may be said later, `UNSAID` for all that was not.
        """
        values = {
            "plan_id": plan_id,
            "what": what,
            "zone": zone,
            "window": window.isoformat(),
            "roles": [role.value for role in roles],
        }
        return [_to_recipient(row) for row in self._connection.execute(_untold(tuple(but)), values)]

    def recipients(self, plan_id: int, person_ids: Collection[int] | None = None) -> list[Recipient]:
        """These people, or all of the plan, as they are now; who has no role any more, or is suspended, is missing."""
        statement = _RECIPIENTS
        if person_ids is not None:
            statement = statement.where(_person.c.id.in_(list(person_ids)))
        return [_to_recipient(row) for row in self._connection.execute(statement, {"plan_id": plan_id})]

    def told(
        self, plan_id: int, what: str, agencies: Collection[str], windows: Collection[date]
    ) -> list[tuple[Recipient, date]]:
        """Of each of these agencies a few who report for it, and were or will be told in one of these windows.

        With the window.
        """
        days = sorted(window.isoformat() for window in windows)
        rows = self._rows(_TOLD, plan_id=plan_id, what=what, agencies=sorted(agencies), windows=days, few=TOLD_TOO)
        return [(_to_recipient(row), date.fromisoformat(row.window)) for row in rows]

    # -------------------------------------------------------------- the figures of a decision
    def outlook(self, plan_id: int, today: date, what: str = LADDER, people: Collection[int] | None = None) -> Agenda:
        """The steps, the pauses and the ledger: enough to know whom anything concerns. Seven statements.

        The ledger of these people alone, if any are named. To the ladder's belongs what digests have said for it.
        """
        holidays = self.holidays(plan_id)
        periods = self._unit.plans.periods(plan_id)
        delegated = [
            one for one in self._unit.delegations.of_plan(plan_id) if one.deputy_id is not None and today < one.until_on
        ]
        told: dict[int, date] = {}
        told_until: dict[int, date] = {}
        windows: dict[tuple[int, date], Reason] = {}
        ledger = _LEDGER if people is None else _LEDGER.where(_fire.c.person_id.in_(sorted(people)))
        late: set[tuple[int, date]] = set()
        waiting: dict[int, Reason] = {}
        tomorrow, since = today + timedelta(days=1), (today - LOOK_BACK).isoformat()
        for row in self._rows(ledger, plan_id=plan_id, what=what, since=since):
            on = date.fromisoformat(row.window)
            is_said = row.state in SAID
            # Undeliverable has no reason of ours: Telegram's is that nobody is there.
            windows[row.person_id, on] = "told_today" if is_said else cast("Reason", row.reason or "unreachable")
            if is_said and row.is_by_hand:  # a scheduled one leaves on its own day or not at all
                late.add((row.person_id, _said_on(row)))
            if row.state == "queued":
                waiting[row.person_id] = "told_today"
            # What another message spoke of too is as told as that. A window of the future was noted by a wrong clock.
            is_settled = row.state not in ("open", "undeliverable") and row.reason != "told_later"
            if told.get(row.person_id, date.min) < on <= tomorrow and is_settled:
                told[row.person_id] = on
                told_until[row.person_id] = min(on, row.fired_at.astimezone(ZoneInfo(row.plan_timezone)).date())
        if what.partition(".")[0] in CARRIERS:  # it speaks for the ladder, of what that has not told
            waiting |= dict.fromkeys(
                (id for (id,) in self._rows(_LADDER_WAITS, plan_id=plan_id, since=since)), "told_today"
            )
        windows |= dict.fromkeys(late, "told_today")
        if what == LADDER:
            for row in self._rows(_CARRIED, plan_id=plan_id, since=since):
                made_on = row.fired_at.astimezone(ZoneInfo(row.timezone)).date()
                if made_on > tomorrow:
                    continue
                planned_on = min(made_on, row.fired_at.astimezone(ZoneInfo(row.plan_timezone)).date())
                told[row.person_id] = max(told.get(row.person_id, date.min), made_on)
                steps_until = planned_on if row.rungs else date.min
                told_until[row.person_id] = max(told_until.get(row.person_id, date.min), steps_until)
                windows.setdefault((row.person_id, _said_on(row)), "told_in_digest")
                if row.state == "queued":
                    waiting.setdefault(row.person_id, "told_in_digest")
        return Agenda(
            today=today,
            holidays=holidays,
            periods=periods,
            steps=steps(periods, today, holidays),
            lapsed=lapsed_steps(periods, today, holidays),
            pauses=(
                *(stored.pause for stored in self.pauses(plan_id, today - LOOK_BACK)),
                *(Pause("delegated", one.begun_at, one.until_on, one.person_id) for one in delegated),
            ),
            deputies=frozenset(one.deputy_id for one in delegated if one.deputy_id is not None),
            lapsing=self._lapsing(plan_id, today),
            told=told,
            told_until=told_until,
            windows=windows,
            waiting=waiting,
        )

    def agenda(
        self,
        plan_id: int,
        outlook: Agenda,
        now: datetime,
        agencies: Collection[str] | None = None,
        *,
        contributing: Collection[str] = (),
        is_decided: bool = False,
    ) -> Agenda:
        """The outlook, and what is left and unclosed: of these agencies, or of all.

        Six statements, or nine on the days on which coordinators are told. And one more for the indicators that are
        left of the agencies that are `contributing`. Once it is decided who is told, only they ask who of the agencies
        can be told.
        """
        today, periods = outlook.today, outlook.periods
        rows: dict[str, tuple[ReportingPeriod, ...]] = {}
        closing = [step.period for step in outlook.steps if step.rung in FOR_COORDINATORS]
        open_ends = {period.end_on for period in periods if period.is_open(today)}
        ended_together = [p for p in periods if p.end_on in open_ends and p.opens_on <= today]
        concerned = {p.code: p for p in (*ended_together, *closing)}
        activities = self._unit.plans.activities(plan_id, include_retired=True, agencies=agencies)
        ended = self._ended(plan_id)
        reported, returned = self._reported(plan_id, concerned.values())
        since = min(p.end_on for p in concerned.values()) if concerned else today
        since = min(since, today - CLOSINGS_KNOWN)
        closed = {
            (row.agency, row.period): row.closed_at.astimezone(ZoneInfo(row.timezone)).date()
            for row in self._rows(_CLOSED, plan_id=plan_id, since=since)
        }
        expecting = {code: _agencies(activities, period, ended) for code, period in concerned.items()}
        left = left_reports(activities, concerned.values(), ended, reported, returned, closed)
        answers = self._rows(_ANSWERS, plan_id=plan_id, since=(today - LOOK_BACK).isoformat()) if closing else []
        reporters = {} if is_decided and not closing else self._reporters(plan_id, now, outlook)
        there = [who for who, silence in reporters.items() if silence is None]
        reachable = frozenset(who.agency_code for who in there)
        if closing:
            rows = self._unclosed_rows(plan_id, today, periods, activities, ended, closed, left)
        return replace(
            outlook,
            left=left,
            left_indicators=left_indicators(
                [each for each in self._unit.plans.indicators(plan_id) if each.agency_code in contributing],
                concerned.values(),
                reported,
                returned,
            )
            if contributing
            else {},
            expecting=expecting,
            unclosed={
                p.code: tuple(sorted(agency for agency in expecting[p.code] if (agency, p.code) not in closed))
                for p in concerned.values()
            },
            in_a_row={agency: len(row) for agency, row in rows.items()},
            put_off=self.letters_put_off(plan_id, rows),
            answers={row.code: row.answer for row in answers},
            with_focal_point=frozenset(
                who.agency_code for who in there if who.role is Role.FOCAL_POINT or who.person_id in outlook.deputies
            ),
            reachable=reachable,
            silent={
                who.agency_code: silence
                # Whoever gave the post away is silent because of that; why nobody speaks is the reason of who took it.
                for who, silence in sorted(reporters.items(), key=lambda each: each[1] != "delegated")
                if silence is not None and who.agency_code not in reachable
            },
        )

    def passed(self, plan_id: int, agency_code: str, today: date) -> tuple[ReportingPeriod, ...]:
        """The periods in a row that an agency has let lock without closing, back from the last: of its longest row."""
        return self._passed(plan_id, today, {agency_code}).get(agency_code, ())

    def lacking(self, plan_id: int, agency_code: str, periods: Iterable[ReportingPeriod]) -> tuple[Left, ...]:
        """The reports of these periods that an agency has not sent, or that were returned, closed or not."""
        activities = self._unit.plans.activities(plan_id, include_retired=True, agencies={agency_code})
        periods = tuple(periods)
        left = left_reports(activities, periods, self._ended(plan_id), *self._reported(plan_id, periods), {})
        return left.get(agency_code, ())

    def all_passed(self, plan_id: int, today: date) -> dict[str, tuple[ReportingPeriod, ...]]:
        """The same of every agency that has let so many pass that a letter is offered, the longest rows first."""
        rows = self._passed(plan_id, today, None)
        order = sorted(
            (code for code in rows if len(rows[code]) >= IN_A_ROW), key=lambda code: (-len(rows[code]), code)
        )
        return {code: rows[code] for code in order}

    def put_letter_off(self, plan_id: int, agency_code: str, row: Sequence[ReportingPeriod], now: datetime) -> None:
        """Offer no letter to this agency's head before its row of periods has grown."""
        self._unit.facts.set(_letter(plan_id, agency_code), row[-1].code, now)

    def letters_put_off(self, plan_id: int, rows: Mapping[str, Sequence[ReportingPeriod]]) -> frozenset[str]:
        """Of the agencies with these rows, those whose letter was put off, and no period has passed since."""
        names = {_letter(plan_id, code): code for code, row in rows.items() if len(row) >= IN_A_ROW}
        known = self._unit.facts.known(names) if names else {}
        return frozenset(names[name] for name, last in known.items() if last == rows[names[name]][-1].code)

    def _passed(
        self, plan_id: int, today: date, agencies: Collection[str] | None
    ) -> dict[str, tuple[ReportingPeriod, ...]]:
        activities = self._unit.plans.activities(plan_id, include_retired=True, agencies=agencies)
        closed = {
            (row.agency, row.period) for row in self._rows(_CLOSED, plan_id=plan_id, since=today - CLOSINGS_KNOWN)
        }
        periods, ended = self._unit.plans.periods(plan_id), self._ended(plan_id)
        open_ends = {period.end_on for period in periods if period.is_open(today)}
        ended_together = [period for period in periods if period.end_on in open_ends]
        left = left_reports(activities, ended_together, ended, *self._reported(plan_id, ended_together), {})
        return self._unclosed_rows(plan_id, today, periods, activities, ended, closed, left)

    def _unclosed_rows(
        self,
        plan_id: int,
        today: date,
        periods: Sequence[ReportingPeriod],
        activities: Iterable[Activity],
        ended: Mapping[str, date],
        closed: Collection[tuple[str, str]],
        left: Mapping[str, Iterable[Left]],
    ) -> dict[str, tuple[ReportingPeriod, ...]]:
        """By agency its longest row of periods that locked unclosed, as `monitoring.standing` counts it (`passed`).

        Like there, only of those that still have an activity, or a report of the present closing to send.
        `left`: what they have still to report in the periods that ended with one that is open.
        """
        learnt_at = self._unit.facts.learnt_at(known_since(plan_id))
        timezone = self._unit.plans.by_id(plan_id).timezone
        kept_since = learnt_at.astimezone(ZoneInfo(timezone)).date() if learnt_at else today
        since = today - CLOSINGS_KNOWN
        activities = tuple(activities)
        recent = [period for period in periods if period.end_on >= since and kept_since < period.locks_on <= today]
        open_ones = [period for period in periods if period.is_open(today)]
        expecting = {period.code: _agencies(activities, period, ended) for period in (*recent, *open_ones)}
        lacking = {agency: {one.period.code for one in reports} for agency, reports in left.items()}
        there = {activity.agency_code for activity in activities if activity.retired_on is None}
        for closing in closings_until(periods, today, 1):
            there.update(*(_agencies(activities, period, ended) for period in closing.periods))
        return {
            agency: max(
                (
                    unclosed_row(
                        [period for period in recent if period.type == kind],
                        today,
                        kept_since,
                        since,
                        lambda period, agency=agency: agency in expecting[period.code],  # type: ignore[misc]
                        lambda period, agency=agency: (agency, period.code) in closed,  # type: ignore[misc]
                        open_ones,
                        lambda period, agency=agency: period.code not in lacking.get(agency, ()),  # type: ignore[misc]
                    )
                    for kind in PeriodType
                ),
                key=len,
            )
            for agency in sorted(there & frozenset[str]().union(*expecting.values()))
        }

    def _lapsing(self, plan_id: int, today: date) -> dict[int, tuple[Lapsing, ...]]:
        """Drafts lapse in the first minute of the day on which their period locks."""
        found: dict[int, tuple[Lapsing, ...]] = {}
        until = today + timedelta(days=7)
        for person_id, subject, on in self._rows(_DRAFTS, plan_id=plan_id, after=today, until=until):
            draft = Lapsing(subject.partition(":")[2], on)
            found[person_id] = (*found.get(person_id, ()), draft)
        return found

    def _ended(self, plan_id: int) -> dict[str, date]:
        return ended_activities(map(to_report, self._rows(_ENDING_REPORTS, plan_id=plan_id)))

    def _reported(
        self, plan_id: int, periods: Iterable[ReportingPeriod]
    ) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
        reported: set[tuple[str, str]] = set()
        returned: set[tuple[str, str]] = set()
        ids = [period.id for period in periods]
        for subject, code, state in self._rows(_REPORTED, plan_id=plan_id, period_ids=ids):
            (returned if state == ValidationState.RETURNED else reported).add((subject, code))
        return reported, returned

    def _reporters(self, plan_id: int, now: datetime, outlook: Agenda) -> dict[Recipient, Reason | None]:
        """Who reports, and why they can be told nothing now.

        Of a pause for everybody each is told when it is decided.
        """
        statement = _RECIPIENTS.where(_membership.c.role.in_(sorted(AGENCY_ROLES)))
        own = replace(outlook, pauses=tuple(pause for pause in outlook.pauses if pause.person_id is not None))
        return {
            who: silenced(own, who, now, now.astimezone(ZoneInfo(who.timezone)).date())
            for who in map(_to_recipient, self._connection.execute(statement, {"plan_id": plan_id}))
        }

    # -------------------------------------------------------------- the ledger
    def fire_all(
        self,
        plan_id: int,
        fires: Sequence[NewFire],
        now: datetime,
        *,
        is_by_hand: bool = False,
        broadcast_id: int | None = None,
    ) -> list[bool]:
        """Note them, with the messages that say them; of each whether nobody had yet.

        Of those somebody had, nothing is said, and nothing changes. Of two messages the ledger follows the second. What
        somebody sends by hand may take the place of a row that says why nothing was said; it is said once all the same.
        What is said regularly takes the place of an open row; the ladder's stay, since each of its days is a window of
        its own.
        """
        if not fires:
            return []
        rows = [
            {
                "plan_id": plan_id,
                "person_id": fire.person_id,
                "what": fire.what,
                "window": fire.window.isoformat(),
                "state": fire.state,
                "reason": fire.reason,
                "rungs": ",".join(fire.rungs),
                "fired_at": now,
                "is_by_hand": is_by_hand,
                "broadcast_id": broadcast_id,
                "settled_at": None if fire.state == "queued" else now,
            }
            for fire in fires
        ]
        regular = [(fire.person_id, fire.what, fire.window.isoformat()) for fire in fires if fire.what != LADDER]
        if regular and not is_by_hand:
            self._connection.execute(
                delete(_fire).where(
                    _fire.c.plan_id == plan_id,
                    _fire.c.state == "open",
                    tuple_(_fire.c.person_id, _fire.c.what, _fire.c.window).in_(regular),
                )
            )
        statement = _fire_statement(self._connection.dialect.name, is_by_hand=is_by_hand)
        made = {(row.person_id, row.what, row.window): row.id for row in self._connection.execute(statement, rows)}
        new: list[bool] = []
        said: list[dict[str, int | None]] = []
        for fire in fires:
            number = made.pop((fire.person_id, fire.what, fire.window.isoformat()), None)
            new.append(number is not None)
            if number is None:
                continue
            messages = [self._unit.outbox.add(draft, now=now) for draft in fire.drafts()]
            if messages:
                *before, message = messages
                said.append({"fire_id": number, "message_id": message, "before_id": before[0] if before else None})
        if said:
            self._connection.execute(_FOLLOWS, said)
        return new

    def of_outbox(self, ids: Collection[int]) -> dict[int, StoredFire]:
        """The ledger's rows behind these messages, by their numbers."""
        if not ids:
            return {}
        fires = [StoredFire(*row) for row in self._connection.execute(_OF_OUTBOX, {"ids": list(ids)})]
        return {id: fire for fire in fires for id in fire.messages if id in ids}

    def learn(self) -> int:
        """Take over from the outbox what became of the messages, and when; how many were settled. One statement.

        And one for each reminder that could not be delivered.
        """
        settled = self._connection.execute(_LEARN).all()
        for fire in settled:
            if fire.state == "undeliverable":
                self._decide_anew(fire)
        return len(settled)

    def _decide_anew(self, fire: Any) -> None:
        """Of those who were passed over for somebody who is out of reach; once, since a message is settled once."""
        if fire.what == LADDER:
            values = {"plan_id": fire.plan_id, "person_id": fire.person_id, "window": fire.window}
            self._connection.execute(_PASSED_OVER, values)

    def cancel(self, fire: StoredFire, reason: str, now: datetime, *, is_open: bool) -> None:
        """It is not said after all; an open one may be told on another day, and so may what it was to tell too."""
        self._connection.execute(
            update(_fire)
            .where(_fire.c.id == fire.id)
            .values(state="open" if is_open else "cancelled", reason=reason, settled_at=now)
        )
        if reason == "unreachable":
            self._decide_anew(fire)
        if is_open:
            self._connection.execute(
                update(_fire)
                .where(
                    _fire.c.plan_id == fire.plan_id,
                    _fire.c.person_id == fire.person_id,
                    _fire.c.what == fire.what,
                    _fire.c.reason == literal_column("'told_later'"),
                    _fire.c.fired_at == fire.fired_at,
                )
                .values(state="open", reason=reason)
            )

    def fires(self, plan_id: int, since: date, what: str | None = None) -> list[StoredFire]:
        """The ledger since a day, oldest first."""
        statement = _FIRES if what is None else _FIRES.where(_fire.c.what == what)
        rows = self._connection.execute(statement, {"plan_id": plan_id, "since": since.isoformat()})
        return [StoredFire(*row) for row in rows]

    def answer(self, plan_id: int, person_id: int, what: str, answer: str) -> None:
        """Note what somebody pressed under the last thing they were told."""
        latest = (
            select(func.max(_fire.c.id))
            .where(_fire.c.plan_id == plan_id, _fire.c.person_id == person_id, _fire.c.what == what)
            .scalar_subquery()
        )
        self._connection.execute(update(_fire).where(_fire.c.id == latest).values(answer=answer))

    def counts(self) -> dict[str, int]:
        """How many rows of the ledger are in each state."""
        rows = self._connection.execute(select(_fire.c.state, func.count()).group_by(_fire.c.state))
        return {state: number for state, number in rows}  # noqa: C416

    def purge(self, before: datetime) -> int:
        """Forget what was said before then; how much that was."""
        done = self._connection.execute(delete(_fire).where(_fire.c.fired_at < before))
        return done.rowcount

    # -------------------------------------------------------------- broadcasts
    def begin_broadcast(self, plan_id: int, person_id: int, card_id: int | None, total: int, now: datetime) -> int:
        statement = insert(_broadcast).values(
            plan_id=plan_id, person_id=person_id, card_id=card_id, total=total, begun_at=now
        )
        id: int = self._connection.execute(statement.returning(_broadcast.c.id)).scalar_one()
        return id

    def broadcasts(self, id: int | None = None) -> list[Progress]:
        """Those that go on, and how far they are."""
        statement = _BROADCASTS if id is None else _BROADCASTS.where(_broadcast.c.id == id)
        return [Progress(*row) for row in self._connection.execute(statement)]

    def set_broadcast(self, id: int, **values: object) -> None:
        self._connection.execute(update(_broadcast).where(_broadcast.c.id == id).values(**values))

    def stop_broadcast(self, id: int, now: datetime) -> int:
        """Take back what has not begun to be sent of it, claimed or not; how many messages that was."""
        waiting = select(_fire.c.outbox_id).where(_fire.c.broadcast_id == id, _fire.c.state == "queued")
        dropped = self._connection.execute(
            update(_outbox)
            .where(_outbox.c.id.in_(waiting), _outbox.c.state == literal_column("'queued'"))
            .values(state="undeliverable", payload=None, sealed_payload=None, settled_at=now, error="stopped")
        )
        self.set_broadcast(id, stopped_at=now)
        stopped = select(_outbox.c.id).where(_outbox.c.id.in_(waiting), _outbox.c.error == literal_column("'stopped'"))
        # Nothing was said: whatever the calendar has for them on this day is still to be said.
        self._connection.execute(
            delete(_fire).where(_fire.c.broadcast_id == id, _fire.c.state == "queued", _fire.c.outbox_id.in_(stopped))
        )
        self.learn()
        return dropped.rowcount

    def _rows(self, statement: Select[*tuple[Any, ...]], **values: object) -> list[Any]:
        return list(self._connection.execute(statement, values))


def _agencies(activities: Iterable[Activity], period: ReportingPeriod, ended: Mapping[str, date]) -> frozenset[str]:
    return frozenset(expected.activity.agency_code for expected in expected_reports(activities, period, ended))


def _to_schedule(row: Any) -> StoredSchedule:
    return StoredSchedule(
        id=row.id,
        plan_id=row.plan_id,
        what=row.what,
        days=row.days,
        at=time.fromisoformat(row.at),
        timezone=row.timezone,
        roles=tuple(Role(role) for role in row.roles.split(",") if role),
        paused_at=row.paused_at,
        begins_at=row.begins_at,
        shipped=row.shipped,
        details=row.details or {},
    )


def _to_recipient(row: Any) -> Recipient:
    return Recipient(
        person_id=row.id,
        chat_id=row.telegram_id,
        name=row.name,
        language=row.language,
        timezone=row.timezone,
        role=Role(row.role),
        agency_code=row.agency_code or "",
        since=row.active_from.astimezone(ZoneInfo(row.timezone)).date(),
        until=min(row.until_on or date.max, row.agency_ends_on or date.max),
        is_unreachable=row.is_unreachable,
        has_accepted_privacy=row.has_accepted,
        is_contributor=row.is_contributor,
    )
