"""People, the ledger of reminders and the audit log: who takes part, what was said to them and what they did.

Names stay inside the coordination. Elsewhere a person is a number (`P0012`), the same in every dataset.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, func, select

from storage.database.models import Agency, AuditEntry, Fire, Membership, Person, table
from storage.exports.choosing import streamed
from storage.exports.tables import Cell, Extract, Kind, at, one_table
from storage.exports.wanted import Wanted, span_of
from storage.unit_of_work import UnitOfWork

_PERSON, _MEMBERSHIP, _AGENCY, _FIRE, _AUDIT = (
    table(Person), table(Membership), table(Agency), table(Fire), table(AuditEntry),
)  # fmt: skip

PEOPLE: tuple[tuple[str, Kind], ...] = (
    ("person", Kind.TEXT),
    ("role", Kind.CODE),
    ("agency", Kind.TEXT),
    ("active_since", Kind.INSTANT),
    ("active_until", Kind.INSTANT),
)
PEOPLE_INSIDE: tuple[tuple[str, Kind], ...] = (
    ("person_name", Kind.TEXT),
    ("language", Kind.CODE),
    ("joined_at", Kind.INSTANT),
    ("suspended_at", Kind.INSTANT),
    ("unreachable_at", Kind.INSTANT),
)
REMINDERS: tuple[tuple[str, Kind], ...] = (
    ("number", Kind.WHOLE),
    ("local_day", Kind.TEXT),
    ("what", Kind.TEXT),
    ("person", Kind.TEXT),
    ("person_name", Kind.TEXT),
    ("role", Kind.CODE),
    ("agency", Kind.TEXT),
    ("rungs", Kind.TEXT),
    ("outcome", Kind.CODE),
    ("reason", Kind.TEXT),
    ("pressed", Kind.TEXT),
    ("fired_at", Kind.INSTANT),
    ("settled_at", Kind.INSTANT),
)
AUDIT: tuple[tuple[str, Kind], ...] = (
    ("number", Kind.WHOLE),
    ("at", Kind.INSTANT),
    ("act", Kind.TEXT),
    ("person", Kind.TEXT),
    ("person_name", Kind.TEXT),
    ("details", Kind.TEXT),
    ("hash", Kind.TEXT),
)


def code(person_id: int | None) -> str | None:
    """The code of a person, in place of the name."""
    return None if person_id is None else f"P{person_id:04}"


def people(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """One row for each role that somebody has or had in the plan."""
    conditions = [_MEMBERSHIP.c.plan_id == wanted.plan_id, *_of_agencies(wanted)]
    named = PEOPLE if wanted.is_released else (*PEOPLE, *PEOPLE_INSIDE)
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

    def rows() -> Iterator[Sequence[Cell]]:
        for found in streamed(unit, statement.order_by(_MEMBERSHIP.c.id)):
            row: list[Cell] = [
                code(found.person_id), found.role, found.code, at(found.active_from, wanted.zone),
                at(found.active_to, wanted.zone),
            ]  # fmt: skip
            if not wanted.is_released:
                since = (found.joined_at, found.suspended_at, found.unreachable_at)
                row += [found.name, found.language, *(at(moment, wanted.zone) for moment in since)]
            yield row

    return one_table("people", wanted, named, _count(unit, statement), rows())


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

    def rows() -> Iterator[Sequence[Cell]]:
        for f in streamed(unit, statement.order_by(_FIRE.c.id)):
            yield [
                f.id, f.window, f.what, code(f.person_id), f.name, f.role, f.code, f.rungs or None, f.state,
                f.reason or None, f.answer or None, at(f.fired_at, wanted.zone), at(f.settled_at, wanted.zone),
            ]  # fmt: skip

    return one_table("reminders", wanted, REMINDERS, _count(unit, statement), rows())


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

    def rows() -> Iterator[Sequence[Cell]]:
        for found in streamed(unit, statement.order_by(_AUDIT.c.id)):
            told = {name: value for name, value in (found.details or {}).items() if name not in _PROOFS}
            details = orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode() if told else None
            yield [
                found.id, at(found.at, wanted.zone), found.act, code(found.actor_id), found.name, details, found.hash,
            ]  # fmt: skip

    return one_table("audit", wanted, AUDIT, _count(unit, statement), rows())


def _of_agencies(wanted: Wanted) -> list[ColumnElement[bool]]:
    agencies = wanted.one_of("agency")
    return [_AGENCY.c.code.in_(agencies)] if agencies else []


def _count(unit: UnitOfWork, statement: Select[Any]) -> int:
    return unit.connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
