"""Events for receivers outside, written in the transaction of the act itself.

A webhook called after the commit is lost in a crash. A webhook called before the commit reports what may never happen.
So an event is a row of the same unit as the act, with one more row for each receiver. A plan without receivers has no
events. The statement that stores or numbers the act also asks whether the plan has a receiver (`is_heard`), so a plan
without receivers pays nothing.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, Table, Text, bindparam, literal, literal_column, select
from sqlalchemy import insert as insert_rows
from sqlalchemy.sql.elements import ColumnElement

from conversations.plan.sharing.events import EventKind, audiences_of, told_of
from storage.database.models import Agency, Endpoint, Event, EventDelivery, Form, ReportingPeriod, Submission, table
from storage.database.statements import Prepared, insert_or_ignore
from storage.database.unit import Repository

_EP, _E, _D = table(Endpoint), table(Event), table(EventDelivery)
_S, _F, _P, _A = table(Submission), table(Form), table(ReportingPeriod), table(Agency)
_ROOT = table(Submission).alias("root")


def is_heard(of: Table) -> ColumnElement[bool]:
    """Whether the plan of a new row of this table has a receiver; for the RETURNING of the INSERT.

    The new row's column is written as text, because SQLAlchemy would join the table once more.
    """
    return has_receiver(literal_column(f"{of.name}.plan_id"))


def has_receiver(plan_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether this plan has a receiver; a column with the name `is_heard`."""
    return select(_EP.c.id).where(_EP.c.plan_id == plan_id).exists().label("is_heard")


_ADD = Prepared(insert_rows(_E).returning(_E.c.id))
_REPORT = Prepared(
    select(
        _S.c.receipt_number.label("receipt"),
        _ROOT.c.receipt_number.label("root_receipt"),
        _S.c.version,
        _F.c.form_id,
        _S.c.subject,
        _P.c.code.label("period"),
        _A.c.code.label("agency"),
        _S.c.validation_state.label("validation"),
        _S.c.activity_status.label("status"),
        _S.c.progress,
    )
    .join(_ROOT, _ROOT.c.instance_id == _S.c.root_id)
    .join(_F, _F.c.id == _S.c.form_id)
    .outerjoin(_P, _P.c.id == _S.c.reporting_period_id)
    .outerjoin(_A, _A.c.id == _S.c.agency_id)
    .where(_S.c.plan_id == bindparam("plan_id"), _S.c.receipt_number == bindparam("receipt"))
)
_CLOSING = Prepared(
    select(_P.c.code.label("period"), _A.c.code.label("agency")).where(
        _P.c.id == bindparam("period_id"), _A.c.id == bindparam("agency_id")
    )
)


def _fan_out() -> Select[Any]:
    """One row for each receiver of this plan that asked for this kind of event and may hear it."""
    return select(
        _EP.c.id,
        bindparam("event", type_=_D.c.event_id.type),
        bindparam("in_lane", type_=_D.c.lane.type),
        literal("waiting"),
        literal(0),
        bindparam("now", type_=_D.c.next_at.type),
        literal(""),
    ).where(
        _EP.c.plan_id == bindparam("of_plan"),
        _EP.c.kinds.contains(bindparam("wanted")),
        bindparam("for", type_=Text()).contains("," + _EP.c.audience + ","),
    )


_FAN_OUT = insert_rows(_D).from_select(
    ["endpoint_id", "event_id", "lane", "state", "tries", "next_at", "reason"], _fan_out()
)
LANE: Final[Mapping[str, str]] = {"report": "root_receipt", "period": "period"}
"""The part of a lane's name after its noun. The events of one lane (a report or a period) arrive in order."""


class Events(Repository):
    """The events of a plan. Only the delivery to receivers reads them."""

    def record(
        self, kind: EventKind, plan_id: int, details: Mapping[str, Any], now: datetime, *, uid: str = ""
    ) -> None:
        """Record an event, and one delivery for each receiver, if the plan has a receiver.

        `details` are those of the audit entry; only the fields that `conversations.plan.sharing.events` lists are taken
        from them. For a report they contain its `receipt`, and the rest is looked up. An event with a given `uid` is
        recorded only once.
        """
        data = told_of(kind, self._report(plan_id, details) if kind.startswith("report.") else details)
        heard_by = audiences_of(kind, data)
        if not heard_by:
            return
        values: dict[str, Any] = {
            "plan_id": plan_id,
            "uid": uid or f"evt_{secrets.token_hex(12)}",
            "kind": kind,
            "data": data,
            "at": now,
        }
        if uid and not insert_or_ignore(self._connection, _E, values):
            return
        event = self._id(uid) if uid else _ADD.first(self._connection, values)[0]
        noun = kind.partition(".")[0]
        self._connection.execute(
            _FAN_OUT,
            {
                "event": event,
                "in_lane": f"{noun}:{data.get(LANE.get(noun, ''), '')}",
                "now": now,
                "of_plan": plan_id,
                "wanted": f",{kind},",
                "for": f",{','.join(sorted(heard_by))},",
            },
        )

    def is_recorded(self, uid: str) -> bool:
        return self._connection.execute(select(_E.c.id).where(_E.c.uid == uid)).first() is not None

    def closed(self, plan_id: int, agency_id: int, period_id: int, now: datetime) -> None:
        """Record that an agency has closed a period."""
        found = _CLOSING.first(self._connection, {"agency_id": agency_id, "period_id": period_id})
        self.record("period.closed", plan_id, found._asdict(), now)

    def _report(self, plan_id: int, details: Mapping[str, Any]) -> dict[str, Any]:
        found = _REPORT.first(self._connection, {"plan_id": plan_id, "receipt": details["receipt"]})
        data: dict[str, Any] = found._asdict()
        what, _, code = (data.pop("subject") or "").partition(":")
        return {**data, **({what: code} if code else {})}

    def _id(self, uid: str) -> int:
        return int(self._connection.execute(select(_E.c.id).where(_E.c.uid == uid)).scalar_one())
