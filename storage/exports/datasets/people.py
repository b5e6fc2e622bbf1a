"""People, the ledger of reminders and the audit log: who takes part, what was said to them and what they did.

Names stay inside the coordination. Elsewhere a person is a number (`P0012`), the same in every dataset.
"""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, func, select

from storage.database.models import Agency, AuditEntry, Fire, Membership, Person, table
from storage.exports.choosing import streamed
from storage.exports.tables import ColumnOf, Extract, Kind, at, table_of
from storage.exports.wanted import Wanted, span_of
from storage.unit_of_work import UnitOfWork

_PERSON, _MEMBERSHIP, _AGENCY, _FIRE, _AUDIT = (
    table(Person), table(Membership), table(Agency), table(Fire), table(AuditEntry),
)  # fmt: skip


def code(person_id: int | None) -> str | None:
    """The code of a person, in place of the name."""
    return None if person_id is None else f"P{person_id:04}"


def people(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """One row for each role that somebody has or had in the plan."""
    conditions = [_MEMBERSHIP.c.plan_id == wanted.plan_id, *_of_agencies(wanted)]
    columns: list[ColumnOf[Any]] = [
        ("person", Kind.TEXT, lambda of: code(of.person_id)),
        ("role", Kind.CODE, lambda of: of.role),
        ("agency", Kind.TEXT, lambda of: of.code),
        ("active_since", Kind.INSTANT, lambda of: at(of.active_from, wanted.zone)),
        ("active_until", Kind.INSTANT, lambda of: at(of.active_to, wanted.zone)),
    ]
    if not wanted.is_released:
        columns += [
            ("person_name", Kind.TEXT, lambda of: of.name),
            ("language", Kind.CODE, lambda of: of.language),
            ("joined_at", Kind.INSTANT, lambda of: at(of.joined_at, wanted.zone)),
            ("suspended_at", Kind.INSTANT, lambda of: at(of.suspended_at, wanted.zone)),
            ("unreachable_at", Kind.INSTANT, lambda of: at(of.unreachable_at, wanted.zone)),
        ]
    statement = (
        select(
            _MEMBERSHIP.c.id, _MEMBERSHIP.c.person_id, _MEMBERSHIP.c.role, _MEMBERSHIP.c.active_from,
            _MEMBERSHIP.c.active_to, _AGENCY.c.code, _PERSON.c.name, _PERSON.c.language, _PERSON.c.joined_at,
            _PERSON.c.suspended_at, _PERSON.c.unreachable_at,
        )
        .join(_PERSON, _PERSON.c.id == _MEMBERSHIP.c.person_id)
        .outerjoin(_AGENCY, _AGENCY.c.id == _MEMBERSHIP.c.agency_id)
        .where(*conditions)
    )  # fmt: skip

    rows = streamed(unit, statement.order_by(_MEMBERSHIP.c.id))
    return table_of("people", wanted, columns, _count(unit, statement), rows)


def reminders(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """One row for each message that the bot sent by itself, or did not send and why. A period filters by local day."""
    conditions = [_FIRE.c.plan_id == wanted.plan_id, *_of_agencies(wanted)]
    if (span := span_of(wanted.period)) is not None:
        conditions.append(_FIRE.c.window.between(span.start_on.isoformat(), f"{span.end_on.isoformat()}~"))
    statement = (
        select(
            _FIRE.c.id, _FIRE.c.window, _FIRE.c.what, _FIRE.c.person_id, _PERSON.c.name, _MEMBERSHIP.c.role,
            _AGENCY.c.code, _FIRE.c.rungs, _FIRE.c.state, _FIRE.c.reason, _FIRE.c.answer, _FIRE.c.fired_at,
            _FIRE.c.settled_at,
        )
        .join(_PERSON, _PERSON.c.id == _FIRE.c.person_id)
        .outerjoin(
            _MEMBERSHIP,
            (_MEMBERSHIP.c.person_id == _FIRE.c.person_id)
            & (_MEMBERSHIP.c.plan_id == _FIRE.c.plan_id)
            & _MEMBERSHIP.c.active_to.is_(None),
        )
        .outerjoin(_AGENCY, _AGENCY.c.id == _MEMBERSHIP.c.agency_id)
        .where(*conditions)
    )  # fmt: skip

    columns: tuple[ColumnOf[Any], ...] = (
        ("number", Kind.WHOLE, lambda of: of.id),
        ("local_day", Kind.TEXT, lambda of: of.window),
        ("what", Kind.TEXT, lambda of: of.what),
        ("person", Kind.TEXT, lambda of: code(of.person_id)),
        ("person_name", Kind.TEXT, lambda of: of.name),
        ("role", Kind.CODE, lambda of: of.role),
        ("agency", Kind.TEXT, lambda of: of.code),
        ("rungs", Kind.TEXT, lambda of: of.rungs or None),
        ("outcome", Kind.CODE, lambda of: of.state),
        ("reason", Kind.TEXT, lambda of: of.reason or None),
        ("pressed", Kind.TEXT, lambda of: of.answer or None),
        ("fired_at", Kind.INSTANT, lambda of: at(of.fired_at, wanted.zone)),
        ("settled_at", Kind.INSTANT, lambda of: at(of.settled_at, wanted.zone)),
    )
    rows = streamed(unit, statement.order_by(_FIRE.c.id))
    return table_of("reminders", wanted, columns, _count(unit, statement), rows)


_PROOFS = frozenset(("decision", "mark", "words"))
"""What an entry holds for `enlace audit verify --data` alone: the number of a row, and keyed hashes."""


def audit(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """One row for each act, with its link of the chain: acts of the plan, and acts of no plan.

    A period filters by the local day of the act. The chain itself cannot be filtered: its links include rows left out.
    """
    conditions: list[ColumnElement[bool]] = [(_AUDIT.c.plan_id == wanted.plan_id) | _AUDIT.c.plan_id.is_(None)]
    if (span := span_of(wanted.period)) is not None:
        first, beyond = (datetime.combine(day, time(0), wanted.zone)
                         for day in (span.start_on, span.end_on + timedelta(days=1)))  # fmt: skip
        conditions += [_AUDIT.c.at >= first, _AUDIT.c.at < beyond]
    statement = (
        select(_AUDIT.c.id, _AUDIT.c.at, _AUDIT.c.act, _AUDIT.c.actor_id, _PERSON.c.name, _AUDIT.c.details,
               _AUDIT.c.hash)
        .outerjoin(_PERSON, _PERSON.c.id == _AUDIT.c.actor_id)
        .where(*conditions)
    )  # fmt: skip

    columns: tuple[ColumnOf[Any], ...] = (
        ("number", Kind.WHOLE, lambda of: of.id),
        ("at", Kind.INSTANT, lambda of: at(of.at, wanted.zone)),
        ("act", Kind.TEXT, lambda of: of.act),
        ("person", Kind.TEXT, lambda of: code(of.actor_id)),
        ("person_name", Kind.TEXT, lambda of: of.name),
        ("details", Kind.TEXT, lambda of: _details(of.details or {})),
        ("hash", Kind.TEXT, lambda of: of.hash),
    )
    return table_of("audit", wanted, columns, _count(unit, statement), streamed(unit, statement.order_by(_AUDIT.c.id)))


def _details(of_act: Mapping[str, Any]) -> str | None:
    told = {name: value for name, value in of_act.items() if name not in _PROOFS}
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode() if told else None


def _of_agencies(wanted: Wanted) -> list[ColumnElement[bool]]:
    agencies = wanted.one_of("agency")
    return [_AGENCY.c.code.in_(agencies)] if agencies else []


def _count(unit: UnitOfWork, statement: Select[Any]) -> int:
    return unit.connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
