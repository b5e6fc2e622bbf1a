"""The end of a plan: until when something of it is still written, and what of it is not carried on.

Two admins decide it, if there are two, so the first one's request is an entry of the audit log, and the second one's
agreement refers to it. On the day after `closes_on` nothing of the plan is written any more, and nothing runs to make
it so: whoever would write asks for the day.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, delete, or_, select, update

from conversations.plan.calendar.working_time import closed_early
from conversations.plan.periods import ONE_DAY
from storage.database.audit import Act, Audit, Search, StoredAuditEntry
from storage.database.marks import told_anew
from storage.database.models import Base
from storage.database.statements import Prepared
from storage.database.unit import Repository
from storage.errors import NotFound
from storage.plan.periods import Periods
from storage.plan.plans import Plans

REQUEST_TTL: Final = timedelta(days=7)
"""After so long, a request to close a plan is void."""

_tables = Base.metadata.tables
_plan = _tables["plan"]
_activity = _tables["activity"]
_period = _tables["reporting_period"]
_DROPPED = Prepared(
    select(_activity.c.code, _activity.c.dropped_because)
    .where(_activity.c.plan_id == bindparam("plan_id"), _activity.c.dropped_because != "")
    .order_by(_activity.c.code)
)


class AskedEnd(NamedTuple):
    """A request to close a plan that may still be agreed to."""

    closes_on: date
    asked_by_id: int
    asked_at: datetime


class Endings(Repository):
    """The ends of plans."""

    def asked(self, plan_id: int, now: datetime) -> AskedEnd | None:
        """Return the request that waits for a second admin. None if there is none, or it is settled or too old."""
        for entry in self._unit.of(Audit).latest(plan_id, Search(kind="plan", since=now - REQUEST_TTL), limit=100):
            if entry.act in ("plan.closed", "plan.kept_open"):
                return None
            if entry.act == "plan.close_asked":
                return _to_request(entry)
        return None

    def ask(self, plan_id: int, closes_on: date, *, now: datetime, by: int) -> None:
        self._unit.of(Audit).record("plan.close_asked", by, plan_id, {"closes_on": closes_on.isoformat()}, now)

    def close(self, plan_id: int, closes_on: date, *, today: date, now: datetime, by: int | None) -> None:
        """Close the plan after this day. What is open today, and the periods that end last, are open until then.

        Periods that have not begun today, or that would open only after `closes_on`, are not reported: they are
        removed.
        """
        unreached = and_(_period.c.opens_on > today, or_(_period.c.start_on > today, _period.c.opens_on > closes_on))
        self._connection.execute(delete(_period).where(_period.c.plan_id == plan_id, unreached))
        periods, locks_on = self._unit.of(Plans).periods(plan_id), closes_on + ONE_DAY
        last = max((period.end_on for period in periods), default=date.min)
        for period in periods:
            if (period.locks_on > today or period.end_on == last) and period.locks_on != locks_on:
                moved = replace(closed_early(period, closes_on), locks_on=locks_on)
                self._unit.of(Periods).set_days(moved, now=now, by=by)
        self._set(plan_id, closes_on, "plan.closed", now=now, by=by)

    def keep_open(self, plan_id: int, *, now: datetime, by: int | None) -> None:
        """Withdraw or refuse the request, or take the decision back before its day. Lock days stay as they are."""
        self._set(plan_id, None, "plan.kept_open", now=now, by=by)

    def dropped(self, plan_id: int) -> Mapping[str, str]:
        """Return the activities that are not carried on → why, by code."""
        return dict(_DROPPED.rows(self._connection, {"plan_id": plan_id}))

    def drop(self, plan_id: int, code: str, because: str, *, now: datetime, by: int | None) -> None:
        """Say why an activity is not carried on into the next plan; a blank reason carries it on after all."""
        here = (_activity.c.plan_id == plan_id, _activity.c.code == code)
        with told_anew(self._unit, plan_id, "activity") as details:
            if not self._connection.execute(update(_activity).where(*here).values(dropped_because=because)).rowcount:
                raise NotFound(f"no activity {code!r}")
        details |= {"code": code, "dropped": bool(because)}
        self._unit.of(Audit).record("plan.dropped", by, plan_id, details, now)

    def _set(self, plan_id: int, closes_on: date | None, act: Act, *, now: datetime, by: int | None) -> None:
        with told_anew(self._unit, plan_id, "plan") as details:
            self._connection.execute(update(_plan).where(_plan.c.id == plan_id).values(closes_on=closes_on))
        if closes_on is not None:
            details["closes_on"] = closes_on.isoformat()
        self._unit.of(Audit).record(act, by, plan_id, details, now)


def _to_request(entry: StoredAuditEntry) -> AskedEnd | None:
    if entry.actor_id is None:
        return None
    return AskedEnd(date.fromisoformat(entry.details["closes_on"]), entry.actor_id, entry.at)
