"""A mark is a keyed hash of a row's content; its key is not in the database.

The audit log says who gave which role and who validated what. That is useless if somebody with the database can change
the role or the report without a trace in the log. So each role and each submission has a mark, and
`storage.upkeep.data_check` compares them.

The mark of a role includes the Telegram account that holds it. The mark of a submission includes what was sent, its
files, and the state in which it began; later states are in the log. Other things have no mark of their own, because the
log's entry of their last change has it: what a plan restricts, the limit below which it hides people, each setting, and
what lets somebody in or data out (links, tokens, receivers). So has the entry of a decision and of a comment: one mark
for the row and one for its words, because the words are deleted when their time is over.

The plan itself has a mark for each column of each table. So the check says which one was altered, and a column that a
later version adds is compared from the next import on.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final

import orjson
from sqlalchemy import RowMapping, bindparam, select, update

from storage.database.models import Activity, AuditEntry, Base, Indicator, Membership, Person, Plan, table
from storage.database.unit import Unit
from storage.database.vault import Vault

_M, _P, _PLAN, _I, _A, _E = map(table, (Membership, Person, Plan, Indicator, Activity, AuditEntry))

OF_A_ROLE: Final = (
    "telegram_id", "plan_id", "person_id", "agency_id", "role", "active_from", "active_to", "until_on",
    "is_contributor",
)  # fmt: skip
OF_A_SUBMISSION: Final = (
    "plan_id", "form_id", "form_version_id", "instance_id", "deprecated_instance_id", "root_id", "version", "person_id",
    "agency_id", "subject", "reporting_period_id", "receipt_number", "activity_status", "progress", "zero_reason",
    "sensitive", "language", "started_at", "submitted_at",
)  # fmt: skip
OF_A_FILE: Final = (
    "ref", "file_name", "original_name", "mime_type", "size", "sha256", "original_sha256", "is_compressed", "sensitive",
)  # fmt: skip
OF_A_DECISION: Final = (
    "id", "plan_id", "submission_id", "root_id", "person_id", "decision", "questions", "decided_at",
)  # fmt: skip
OF_A_COMMENT: Final = ("id", "plan_id", "person_id", "subject", "written_at", "proposes")
OF_AN_ANSWER: Final = ("id", "settled_at", "settled_by_id", "outcome")
OF_A_PROPOSAL: Final = frozenset({"proposes", "outcome"})
"""A comment has none of them, so that its mark is as it was before there were proposals."""
OF_A_TOKEN: Final = ("plan_id", "prefix", "token_hash", "audience")
OF_A_RECEIVER: Final = ("id", "plan_id", "host", "audience", "kinds", "made_at")
OF_A_FORM: Final = ("form_id", "version", "title", "xform", "sha256")
OF_THE_PLAN: Final = (
    "plan", "strategic_area", "objective", "agency", "indicator", "target", "activity", "activity_support", "code",
    "cadence", "past_row", "resource", "unit", "activity_unit",
)  # fmt: skip
"""The tables that a workbook writes. Agencies are changed in the chat too: then `past_row` has what they were."""
UNMARKED: Final = frozenset({"lists_revision"})
"""It changes with what it is made of."""
_CHANGES = (
    select(_E.c.details)
    .where(_E.c.plan_id == bindparam("plan_id"), _E.c.act.startswith("plan.") | _E.c.act.startswith("agency."))
    .order_by(_E.c.id)
)
OF_A_LINK: Final = ("id", "plan_id", "token_hash", "role", "agency_id", "expires_at", "until_on", "is_contributor")

Row = Mapping[str, Any] | RowMapping

ROLES: Final = _M.join(_P, _P.c.id == _M.c.person_id)
ROLE_COLUMNS: Final = (_M.c.id, *((_P if name == "telegram_id" else _M).c[name] for name in OF_A_ROLE))
_ROLE = select(*ROLE_COLUMNS).select_from(ROLES).where(_M.c.id == bindparam("key"))
_MARK_ROLE = update(_M).where(_M.c.id == bindparam("key")).values(mark=bindparam("new_mark"))


def role_mark(vault: Vault, row: Row) -> str:
    return _mark(vault, [row[name] for name in OF_A_ROLE], "membership")


def submission_mark(vault: Vault, row: Row, *, state: str, text: str, files: Iterable[Row] | None) -> str:
    """Return the mark of a submission. `text` is its answers, unsealed; `state` is its first state.

    `files` are the rows of its attachments. None: the mark as it was before it included them.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()
    of_files = [] if files is None else [sorted([file[name] for name in OF_A_FILE] for file in files)]
    return _mark(vault, [*(row[name] for name in OF_A_SUBMISSION), state, digest, *of_files], "submission")


def decision_mark(vault: Vault, row: Row) -> str:
    return _mark(vault, [row[name] for name in OF_A_DECISION], "review_decision")


def comment_mark(vault: Vault, row: Row) -> str:
    return _mark(vault, _said_in(row, OF_A_COMMENT), "comment")


def answer_mark(vault: Vault, row: Row) -> str:
    """Return the mark of who settled a comment, and when; of a proposal, with what became of it."""
    return _mark(vault, _said_in(row, OF_AN_ANSWER), "comment settled")


def _said_in(row: Row, columns: Iterable[str]) -> list[Any]:
    return [row[name] for name in columns if row[name] or name not in OF_A_PROPOSAL]


def words_mark(vault: Vault, place: str, words: str) -> str:
    """Return the mark of the words at a place, such as "comment:17"."""
    return _mark(vault, [place, words], "words")


def token_mark(vault: Vault, row: Row) -> str:
    """Return the mark of a token of the data door. Another secret in its place would read what it reads."""
    return _mark(vault, [row[name] for name in OF_A_TOKEN], "data_token")


def receiver_mark(vault: Vault, row: Row) -> str:
    """Return the mark of a receiver. Its sealed address opens only beside its plan and `made_at`."""
    return _mark(vault, [row[name] for name in OF_A_RECEIVER], "endpoint")


def link_mark(vault: Vault, row: Row) -> str:
    """Return the mark of a link: the role that it gives, and until when."""
    return _mark(vault, [row[name] for name in OF_A_LINK], "invitation")


def setting_mark(vault: Vault, plan_id: int, name: str, value: str) -> str:
    return _mark(vault, [plan_id, name, value], "setting")


def protection_mark(unit: Unit, plan_id: int) -> str:
    """Return the mark of a plan's protection of survivors: its limit, the indicators' limits, what is restricted."""
    said = [
        sorted(map(tuple, unit.connection.execute(each.where(column == plan_id)).all()))
        for each, column in (
            (select(_PLAN.c.min_cell), _PLAN.c.id),
            (select(_I.c.code, _I.c.min_cell, _I.c.sensitivity), _I.c.plan_id),
            (select(_A.c.code, _A.c.sensitivity), _A.c.plan_id),
        )
    ]
    return _mark(unit.vault, [plan_id, *said], "plan")


def form_mark(vault: Vault, row: Row) -> str:
    """Return the mark of a published version of a form: what it asks, and which answers it seals."""
    digest = hashlib.sha256(row["workbook"]).hexdigest()
    return _mark(vault, [*(row[name] for name in OF_A_FORM), digest], "form_version")


def import_mark(vault: Vault, before: bytes) -> str:
    """Return the mark of what an import noted, from which it is undone and past limits are read."""
    return _mark(vault, [hashlib.sha256(before).hexdigest()], "plan_import")


def contents(unit: Unit, plan_id: int, *names: str) -> dict[str, dict[str, str]]:
    """Return table → column → mark, for these tables of the plan or for all."""
    return {name: _columns(unit, plan_id, name) for name in names or OF_THE_PLAN}


def altered_contents(unit: Unit, plan_id: int, *names: str) -> dict[str, list[str]]:
    """Return table → the columns that differ from what the log says of them last; for these tables or for all."""
    told: dict[str, dict[str, str]] = {}
    for details in unit.connection.execute(_CHANGES, {"plan_id": plan_id}).scalars():
        told |= details.get("contents", {})
    here = contents(unit, plan_id, *(names or OF_THE_PLAN)) if told else {}
    found = {
        name: [column for column, mark in columns.items() if told.get(name, {}).get(column, mark) != mark]
        for name, columns in here.items()
    }
    return {name: columns for name, columns in found.items() if columns}


@contextmanager
def told_anew(unit: Unit, plan_id: int, *names: str) -> Iterator[dict[str, Any]]:
    """Yield the details of the entry for a change of these tables; after the change, their new marks are in them.

    If a table was altered by hand before, no mark is made anew: the old one gives the change away. The plan is locked,
    so that the marks of two changes follow each other.
    """
    unit.connection.execute(select(_PLAN.c.id).where(_PLAN.c.id == plan_id).with_for_update())
    details: dict[str, Any] = {}
    is_as_told = not altered_contents(unit, plan_id, *names)
    yield details
    if is_as_told:
        details["contents"] = contents(unit, plan_id, *names)


def _columns(unit: Unit, plan_id: int, name: str) -> dict[str, str]:
    of = Base.metadata.tables[name]
    key = tuple(of.primary_key.columns)
    rows = select(of).order_by(*key)
    match name:
        case "plan":
            rows = rows.where(of.c.id == plan_id)
        case "activity_support" | "resource" | "activity_unit":
            rows = rows.join(_A, _A.c.id == of.c.activity_id).where(_A.c.plan_id == plan_id)
        case _:
            rows = rows.where(of.c.plan_id == plan_id)
    found = unit.connection.execute(rows).mappings().all()
    keys = [[row[column.name] for column in key] for row in found]
    return {
        column: _mark(unit.vault, [plan_id, keys, [_plain(row[column]) for row in found]], f"{name}.{column}")[:16]
        for column in set(of.columns.keys()) - UNMARKED
    }


def mark_role(unit: Unit, membership_id: int) -> None:
    """Renew the mark of a role. Call this whenever a role has been written."""
    row = unit.connection.execute(_ROLE, {"key": membership_id}).mappings().one()
    unit.connection.execute(_MARK_ROLE, {"key": membership_id, "new_mark": role_mark(unit.vault, row)})


_AS_WE_WRITE: Final = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
"""Days and instants are written by `_plain`."""


def _mark(vault: Vault, values: list[Any], purpose: str) -> str:
    return vault.mac(orjson.dumps(values, default=_plain, option=_AS_WE_WRITE), purpose)[:32]


def _plain(value: Any) -> Any:
    """Return the value in the same form on both databases, for any driver."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case date():
            return value.isoformat()
    return value
