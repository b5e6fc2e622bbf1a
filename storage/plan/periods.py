"""Changes to a reporting period: its days for everybody, and its reopening for one agency.

A period locks by the calendar, and some agency always has a reason to report later. So a coordinator may reopen it, for
one agency and some days, with the reason on record (docs/domain.md#reopening). A dozen places ask whether a period is
open. They read the period as their agency sees it (`plans`), with the lock day that a reopening has moved. A draft
stores its own end. So every change here also moves the ends of its drafts, in the same transaction.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select, update

from conversations.plan.periods import ReportingPeriod
from storage.database.audit import Act, Audit
from storage.database.models import Base, columns_of
from storage.database.statements import insert_or_ignore
from storage.database.unit import Repository
from storage.errors import Conflict, NotFound
from storage.plan.seen_periods import reopened_for, seen_locks_on

_tables = Base.metadata.tables
_plan = _tables["plan"]
_period = _tables["reporting_period"]
_agency = _tables["agency"]
_reopening = _tables["reopening"]
_session = _tables["session"]


@dataclass(frozen=True, slots=True)
class StoredReopening:
    """A reopening that an agency has asked for or that was granted. `until_on` is the first day after it."""

    id: int
    plan_id: int
    agency_id: int
    agency_code: str
    period_id: int
    period_code: str
    reason: str = field(repr=False)
    asked_by_id: int | None
    opened_at: datetime | None
    until_on: date | None

    def is_open(self, on: date) -> bool:
        return self.until_on is not None and on < self.until_on

    @property
    def is_asked(self) -> bool:
        """Whether the request is not decided yet."""
        return self.opened_at is None


_REOPENINGS: Any = (
    select(
        *columns_of(
            StoredReopening,
            _reopening,
            agency_code=_agency.c.code,
            period_id=_reopening.c.reporting_period_id,
            period_code=_period.c.code,
        )
    )
    .join(_agency, _agency.c.id == _reopening.c.agency_id)
    .join(_period, _period.c.id == _reopening.c.reporting_period_id)
    .where(_reopening.c.ended_at.is_(None))
    .order_by(_period.c.end_on, _agency.c.code)
)
# The open drafts of a period, with the lock day that their agency sees.
_DRAFTS = (
    select(_session.c.id, _session.c.expires_at, seen_locks_on.label("locks_on"), _plan.c.timezone)
    .select_from(_session)
    .join(_period, _period.c.id == _session.c.reporting_period_id)
    .join(_plan, _plan.c.id == _period.c.plan_id)
    .outerjoin(_reopening, reopened_for(_session.c.agency_id))
    .where(_session.c.state == "open")
    .order_by(_session.c.id)
)


class Periods(Repository):
    """Changes to the calendar of a plan."""

    # -------------------------------------------------------------- for one agency
    def reopenings(self, plan_id: int, on: date) -> tuple[StoredReopening, ...]:
        """The reopenings that were asked for, and those in force on that day."""
        which = or_(_reopening.c.until_on.is_(None), _reopening.c.until_on > on)
        return self._reopenings(_reopening.c.plan_id == plan_id, which)

    def reopening(self, plan_id: int, id: int) -> StoredReopening:
        """Return a reopening. NotFound if it is another plan's, or was ended or refused."""
        for found in self._reopenings(_reopening.c.plan_id == plan_id, _reopening.c.id == id):
            return found
        raise NotFound(f"reopening {id}")

    def ask(
        self, plan_id: int, agency_id: int, period: ReportingPeriod, reason: str, *, now: datetime, by: int, today: date
    ) -> StoredReopening | None:
        """Ask for a reopening. None if the agency has asked already, or the period is open."""
        before = self._current(agency_id, period.id)
        if before is not None:
            if before.is_asked or before.is_open(today):
                return None
            self._end(before, now)
        self._add(plan_id, agency_id, period, reason, asked_at=now, asked_by_id=by)
        asked = self._current(agency_id, period.id)
        self._record("period.reopening_asked", asked, by, now)
        return asked

    def reopen(
        self,
        plan_id: int,
        agency_id: int,
        period: ReportingPeriod,
        until_on: date,
        *,
        reason: str,
        now: datetime,
        by: int | None,
    ) -> StoredReopening:
        """Reopen a period for this agency until that day, in place of an earlier reopening. `by` None: the server.

        Drafts kept since the lock go on. Conflict if somebody else does the same at this moment.
        """
        if not reason:
            raise ValueError("a period is reopened for a reason")
        before = self._current(agency_id, period.id)
        granted = {"opened_at": now, "opened_by_id": by, "until_on": until_on}
        if before is not None and before.is_asked:
            self._change(before, reason=reason, **granted)
        else:
            if before is not None:
                self._end(before, now)
            self._add(plan_id, agency_id, period, reason, **granted)
        made = self._current(agency_id, period.id)
        if made is None:
            raise NotFound("the reopening just made")
        self._move_drafts(_session.c.reporting_period_id == period.id, _session.c.agency_id == agency_id, now=now)
        self._record("period.reopened", made, by, now)
        return made

    def end(self, reopening: StoredReopening, *, now: datetime, by: int | None) -> None:
        """End a reopening early, or refuse a request. Drafts stay, but cannot be sent."""
        self._end(reopening, now)
        self._move_drafts(
            _session.c.reporting_period_id == reopening.period_id,
            _session.c.agency_id == reopening.agency_id,
            now=now,
        )
        self._record("period.reopening_refused" if reopening.is_asked else "period.locked_again", reopening, by, now)

    # -------------------------------------------------------------- for everybody
    def set_days(self, period: ReportingPeriod, *, now: datetime, by: int | None) -> None:
        """Set a period's days by hand. Holidays no longer move them, and the audit log names the person."""
        days = self._put(period, now, is_moved=True)
        plan_id = self._connection.execute(select(_period.c.plan_id).where(_period.c.id == period.id)).scalar_one()
        details = {"period": period.code, **{name: day.isoformat() for name, day in days.items()}}
        self._unit.of(Audit).record("period.moved", by, plan_id, details, now)

    def roll(self, period: ReportingPeriod, *, now: datetime) -> None:
        """Set a period's days as the calendar computes them. This is nobody's decision and is not audited."""
        self._put(period, now)

    # -------------------------------------------------------------- inside
    def _put(self, period: ReportingPeriod, now: datetime, **values: object) -> dict[str, date]:
        days = {name: getattr(period, name) for name in ("opens_on", "due_on", "grace_until_on", "locks_on")}
        locked = select(_period.c.locks_on, _plan.c.timezone).join(_plan, _plan.c.id == _period.c.plan_id)
        locked_on, zone = self._connection.execute(locked.where(_period.c.id == period.id)).one()
        if locked_on <= now.astimezone(ZoneInfo(zone)).date():
            # Opened again: what was expected is what it was on the day on which it locked first.
            values["sealed_on"] = func.coalesce(_period.c.sealed_on, locked_on)
        self._connection.execute(update(_period).where(_period.c.id == period.id).values(**days, **values))
        self._move_drafts(_session.c.reporting_period_id == period.id, now=now)
        return days

    def _reopenings(self, *which: Any) -> tuple[StoredReopening, ...]:
        return tuple(StoredReopening(*row) for row in self._connection.execute(_REOPENINGS.where(*which)))

    def _current(self, agency_id: int, period_id: int) -> StoredReopening | None:
        which = and_(_reopening.c.agency_id == agency_id, _reopening.c.reporting_period_id == period_id)
        return next(iter(self._reopenings(which)), None)

    def _add(self, plan_id: int, agency_id: int, period: ReportingPeriod, reason: str, **values: object) -> None:
        row: dict[str, object] = {
            "plan_id": plan_id,
            "agency_id": agency_id,
            "reporting_period_id": period.id,
            "reason": reason,
            **values,
        }
        if not insert_or_ignore(self._connection, _reopening, row):
            raise Conflict("somebody is reopening it already")

    def _end(self, reopening: StoredReopening, now: datetime) -> None:
        self._change(reopening, ended_at=now)

    def _change(self, reopening: StoredReopening, **values: object) -> None:
        """Change a reopening. Conflict if somebody has changed it since it was read."""
        opened_at = _reopening.c.opened_at
        is_as_read = opened_at.is_(None) if reopening.is_asked else opened_at.is_not(None)
        done = self._connection.execute(
            update(_reopening)
            .where(_reopening.c.id == reopening.id, _reopening.c.ended_at.is_(None), is_as_read)
            .values(**values)
        )
        if done.rowcount != 1:
            raise Conflict("somebody has decided about it already")

    def _move_drafts(self, *which: Any, now: datetime) -> None:
        """Let open drafts end when their period locks for them, but never in the past: else they would be deleted too
        early.

        Each draft gets a new version, so that an answer that is being applied at this moment cannot restore the old
        end.
        """
        for id, expires_at, locks_on, timezone in self._connection.execute(_DRAFTS.where(*which)).all():
            ends_at = datetime.combine(locks_on, time(), ZoneInfo(timezone))
            if ends_at < now:
                ends_at = min(now, expires_at)
            if ends_at != expires_at:
                self._connection.execute(
                    update(_session)
                    .where(_session.c.id == id)
                    .values(expires_at=ends_at, version=_session.c.version + 1)
                )

    def _record(self, act: Act, reopening: StoredReopening | None, by: int | None, now: datetime) -> None:
        if reopening is None:
            raise NotFound("the reopening just made")
        details = {
            "reopening": reopening.id,
            "agency": reopening.agency_code,
            "period": reopening.period_code,
            "reason": reopening.reason,
        }
        if reopening.until_on is not None:
            details["until"] = reopening.until_on.isoformat()
        self._unit.of(Audit).record(act, by, reopening.plan_id, details, now)
