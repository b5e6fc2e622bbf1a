"""Check that roles, submissions, and rows that let data out are as the audit log says.

A log that cannot be changed unnoticed proves little if the data beside it can be changed. With access to the database,
one UPDATE makes somebody a coordinator, or validates a report. So:

* Each row has a mark (`storage.database.marks`) that only this program can make. A row that was changed or added by
  hand is named.
* Each role, each suspension and each review has an entry in the log. If a row was set back to an earlier state, its old
  mark is still good, but the last entry about it disagrees.
* Each link, token, receiver and delegation has an entry too, because they let somebody in or data out, or let somebody
  act for another. It must be as the last entry says, and as the mark in it says if it has one.
* Receipts are numbered without a gap, and each role has an entry. So a removed row is noticed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select, update

from conversations.plan.model import ValidationState
from storage.database.marks import (
    ROLE_COLUMNS,
    ROLES,
    link_mark,
    mark_role,
    protection_mark,
    receiver_mark,
    role_mark,
    setting_mark,
    submission_mark,
    token_mark,
)
from storage.database.models import (
    AuditEntry,
    DataToken,
    Delegation,
    Endpoint,
    Invitation,
    Membership,
    Person,
    Setting,
    Submission,
    table,
)
from storage.plan.settings import find

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_M, _S, _E, _PERSON = map(table, (Membership, Submission, AuditEntry, Person))
_TOKEN, _ENDPOINT, _DELEGATION, _SETTING, _LINK = map(table, (DataToken, Endpoint, Delegation, Setting, Invitation))
PAGE: Final = 500

_UNMARKED_ROLES = select(_M.c.id).where(_M.c.mark.is_(None))
_SENT = select(_S).where(_S.c.id > bindparam("after")).order_by(_S.c.id).limit(PAGE)
_UNMARKED = select(_S).where(_S.c.mark.is_(None), _S.c.id > bindparam("after")).order_by(_S.c.id).limit(PAGE)
_ONE = select(_S).where(_S.c.id == bindparam("key"))
_MARK = update(_S).where(_S.c.id == bindparam("key")).values(mark=bindparam("new_mark"))
_NEWEST = _S.alias("newest")
_NOT_CURRENT = (
    select(_S.c.id, _S.c.receipt_number)
    .where(
        _S.c.is_current
        != (
            _S.c.version
            == select(func.max(_NEWEST.c.version)).where(_NEWEST.c.root_id == _S.c.root_id).scalar_subquery()
        )
    )
    .order_by(_S.c.id)
)
_TOLD = (
    select(_E.c.plan_id, _E.c.act, _E.c.details)
    .where(_E.c.act.in_(bindparam("acts", expanding=True)))
    .order_by(_E.c.id)
)
_ROLES = ("membership.granted", "membership.ended")
_SUSPENSIONS = ("person.suspended", "person.restored")
_TOKENS = ("token.made", "token.revoked")
_ENDPOINTS = ("endpoint.added", "endpoint.changed", "endpoint.paused", "endpoint.resumed", "endpoint.removed")
_PLANS = ("plan.imported", "plan.undone")
_LINKS = ("invitation.issued",)
_LINKS_WITHDRAWN = ("invitation.revoked", "invitation.declined")
_DELEGATIONS = ("delegation.begun", "delegation.ended")
_REVIEWS: Final = {
    "report.validated": (ValidationState.VALIDATED.value,),
    "report.returned": (ValidationState.RETURNED.value,),
    "report.answered": (ValidationState.SUBMITTED.value,),
    "report.taken_back": (ValidationState.SUBMITTED.value, ValidationState.CORRECTED.value),
}
_STATES: Final = tuple(state.value for state in ValidationState)


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that differs from what was written, by its id. None if the row is gone."""

    id: int | None
    text: str


# ------------------------------------------------------------------ marking what was there
def mark_what_was_there(unit: "UnitOfWork") -> None:
    """Mark the rows from before there were marks: once, and never later."""
    for id in unit.connection.execute(_UNMARKED_ROLES).scalars().all():
        mark_role(unit, id)
    after = 0
    while rows := unit.connection.execute(_UNMARKED, {"after": after}).mappings().all():
        marks = [
            {
                "key": row["id"],
                "new_mark": submission_mark(unit.vault, row, state=row["validation_state"], text=_text(unit, row)),
            }
            for row in rows
        ]
        unit.connection.execute(_MARK, marks)
        after = rows[-1]["id"]


def mark_anew(unit: "UnitOfWork", submission_id: int, text: str) -> str:
    """Return the new mark of a submission that is losing its words. `text` is what is left of it.

    If the submission was altered before, it keeps the old mark, which gives the change away.
    """
    row = unit.connection.execute(_ONE, {"key": submission_id}).mappings().one()
    began = _began(unit, row)
    if began is None:
        return row["mark"] or ""
    return submission_mark(unit.vault, row, state=began, text=text)


# ------------------------------------------------------------------ comparing
def differences(unit: "UnitOfWork") -> Iterator[Difference]:
    """Return every row that differs from what was written.

    Memory is constant, except for roles and rows that let data out.
    """
    yield from _roles(unit)
    yield from _suspensions(unit)
    yield from _links(unit)
    yield from _tokens(unit)
    yield from _endpoints(unit)
    yield from _delegations(unit)
    yield from _protection(unit)
    yield from _settings(unit)
    yield from _submissions(unit)


def _roles(unit: "UnitOfWork") -> Iterator[Difference]:
    granted: Counter[tuple[int, int]] = Counter()
    told: dict[tuple[int, int], str | None] = {}
    for plan_id, act, details in unit.connection.execute(_TOLD, {"acts": _ROLES}):
        key = (plan_id, details["person"])
        granted[key] += act == "membership.granted"
        told[key] = details["role"] if act == "membership.granted" else None
    there: Counter[tuple[int, int]] = Counter()
    for row in unit.connection.execute(
        select(*ROLE_COLUMNS, _M.c.mark).select_from(ROLES).order_by(_M.c.id)
    ).mappings():
        key = (row["plan_id"], row["person_id"])
        there[key] += 1
        if not compare_digest(row["mark"] or "", role_mark(unit.vault, row)):
            yield Difference(
                row["id"], f"the role of person {row['person_id']} was altered, or not given by this program"
            )
        elif row["active_to"] is None and told.get(key) != row["role"]:
            yield Difference(row["id"], f"person {row['person_id']} has a role that the log says is over")
    for key in sorted(granted):
        if there[key] < granted[key]:
            yield Difference(None, f"a role of person {key[1]} is gone, that the log says was given")


def _suspensions(unit: "UnitOfWork") -> Iterator[Difference]:
    told: dict[int, str] = {}
    for _, act, details in unit.connection.execute(_TOLD, {"acts": _SUSPENSIONS}):
        told[details["person"]] = act
    suspended = set(unit.connection.execute(select(_PERSON.c.id).where(_PERSON.c.suspended_at.is_not(None))).scalars())
    for person_id, act in sorted(told.items()):
        if (act == "person.suspended") != (person_id in suspended):
            yield Difference(person_id, f"person {person_id} is {'not ' * (person_id not in suspended)}suspended")
    for person_id in sorted(suspended - told.keys()):
        yield Difference(person_id, f"person {person_id} is suspended, and the log does not say by whom")


def _told(unit: "UnitOfWork", acts: tuple[str, ...], name: str) -> dict[Any, dict[str, Any]]:
    """Return the id of each thing → all details of its entries together, with the last act as `act`.

    `name` is the detail with the id.
    """
    told: dict[Any, dict[str, Any]] = defaultdict(dict)
    for plan_id, act, details in unit.connection.execute(_TOLD, {"acts": acts}):
        told[details[name]] |= {**details, "plan_id": plan_id, "act": act}
        if act in ("endpoint.paused", "endpoint.resumed"):
            told[details[name]]["is_paused"] = act == "endpoint.paused"
    return told


def _is_as_marked(said: dict[str, Any], mark: str) -> bool:
    """Entries from before there were marks prove nothing."""
    return "mark" not in said or compare_digest(said["mark"], mark)


def _links(unit: "UnitOfWork") -> Iterator[Difference]:
    """A link that was changed gives another role than the log says was offered; one that was used lets in another."""
    issued, withdrawn = _told(unit, _LINKS, "invitation"), _told(unit, _LINKS_WITHDRAWN, "invitation")
    taken = {
        details["invitation"]
        for _, act, details in unit.connection.execute(_TOLD, {"acts": _ROLES})
        if act == "membership.granted" and "invitation" in details
    }
    for row in unit.connection.execute(select(_LINK).order_by(_LINK.c.id)).mappings():
        said, what = issued.get(row["id"]), f"link {row['id']}"
        if said is None:
            yield Difference(row["id"], f"{what} was not made by this program")
        elif (said["role"], said["agency_id"]) != (row["role"], row["agency_id"]) or not _is_as_marked(
            said, link_mark(unit.vault, row)
        ):
            yield Difference(row["id"], f"{what} was altered")
        elif row["id"] in withdrawn and row["revoked_at"] is None:
            yield Difference(row["id"], f"{what} is not revoked")
        elif row["id"] in taken and row["accepted_at"] is None:
            yield Difference(row["id"], f"{what} can be used again")


def _tokens(unit: "UnitOfWork") -> Iterator[Difference]:
    told = _told(unit, _TOKENS, "token")
    for row in unit.connection.execute(select(_TOKEN).order_by(_TOKEN.c.id)).mappings():
        said = told.get(row["prefix"])
        what = f"the token {row['prefix']}"
        if said is None or said["plan_id"] != row["plan_id"]:
            yield Difference(row["id"], f"{what} was not made by this program")
        elif said["audience"] != row["audience"]:
            yield Difference(row["id"], f"{what} is for {row['audience']!r}, and the log says otherwise")
        elif not _is_as_marked(said, token_mark(unit.vault, row)):
            yield Difference(row["id"], f"{what} was altered")
        elif (said["act"] == "token.revoked") != (row["revoked_at"] is not None):
            yield Difference(row["id"], f"{what} is {'not ' * (row['revoked_at'] is None)}revoked")


def _endpoints(unit: "UnitOfWork") -> Iterator[Difference]:
    told = _told(unit, _ENDPOINTS, "endpoint")
    for row in unit.connection.execute(select(_ENDPOINT).order_by(_ENDPOINT.c.id)).mappings():
        said = told.get(row["id"])
        what = f"receiver {row['id']}"
        if said is None or said["act"] == "endpoint.removed":
            yield Difference(row["id"], f"{what} was not set up by this program, or was removed")
            continue
        kinds = len([kind for kind in row["kinds"].split(",") if kind])
        here = (row["plan_id"], row["host"], row["audience"], kinds)
        is_as_told = here == (said["plan_id"], said["host"], said["audience"], said["kinds"])
        if not is_as_told or not _is_as_marked(said, receiver_mark(unit.vault, row)):
            yield Difference(row["id"], f"{what} was altered")
        elif said.get("is_paused", False) != (row["paused_at"] is not None):
            yield Difference(row["id"], f"{what} is {'not ' * (row['paused_at'] is None)}paused")


def _delegations(unit: "UnitOfWork") -> Iterator[Difference]:
    told = _told(unit, _DELEGATIONS, "delegation")
    for row in unit.connection.execute(select(_DELEGATION).order_by(_DELEGATION.c.id)).mappings():
        said = told.get(row["id"])
        what = f"delegation {row['id']}"
        if said is None or "until" not in said:
            yield Difference(row["id"], f"{what} was not given through this program")
        elif (row["person_id"], row["until_on"].isoformat()) != (said["person"], said["until"]) or (
            said["deputy"] not in (None, row["deputy_id"])
        ):
            yield Difference(row["id"], f"{what} was altered")
        elif (said["act"] == "delegation.ended") != (row["ended_at"] is not None):
            yield Difference(row["id"], f"{what} is {'not ' * (row['ended_at'] is None)}over")


def _protection(unit: "UnitOfWork") -> Iterator[Difference]:
    told = {plan_id: details for plan_id, _, details in unit.connection.execute(_TOLD, {"acts": _PLANS})}
    for plan_id, details in sorted(told.items()):
        # Entries from before there were marks prove nothing; the next import's entry does.
        said = details.get("protects")
        if said is not None and not compare_digest(said, protection_mark(unit, plan_id)):
            yield Difference(plan_id, f"what plan {plan_id} restricts, or below which number, was altered")


def _settings(unit: "UnitOfWork") -> Iterator[Difference]:
    told: dict[tuple[int, str], str | None] = {}
    for plan_id, _, details in unit.connection.execute(_TOLD, {"acts": ("setting.changed",)}):
        told[plan_id, details["setting"]] = details.get("mark")
    there = {(row.plan_id, row.name): row.value for row in unit.connection.execute(select(_SETTING))}
    for key in sorted(there.keys() | told.keys()):
        plan_id, name = key
        known = find(name)
        value = there.get(key, known.default if known else "")
        if key not in told:
            yield Difference(plan_id, f"the setting {name} was not made by this program")
        elif (said := told[key]) is not None and not compare_digest(
            said, setting_mark(unit.vault, plan_id, name, value)
        ):
            yield Difference(plan_id, f"the setting {name} was altered")


def _submissions(unit: "UnitOfWork") -> Iterator[Difference]:
    told: dict[tuple[int, int, int], tuple[str, ...]] = {}
    for plan_id, act, details in unit.connection.execute(_TOLD, {"acts": tuple(_REVIEWS)}):
        told[plan_id, details["receipt"], details["version"]] = _REVIEWS[act]
    numbers: Counter[int] = Counter()
    last: dict[int, int] = defaultdict(int)
    for plan_id, receipt, _ in told:
        last[plan_id] = max(last[plan_id], receipt)
    after = 0
    while rows := unit.connection.execute(_SENT, {"after": after}).mappings().all():
        for row in rows:
            plan_id, receipt = row["plan_id"], row["receipt_number"]
            numbers[plan_id] += 1
            last[plan_id] = max(last[plan_id], receipt)
            began = _began(unit, row)
            if began is None:
                yield Difference(row["id"], f"receipt {receipt} was altered, or not sent through this program")
            elif row["validation_state"] not in told.get((plan_id, receipt, row["version"]), (began,)):
                yield Difference(
                    row["id"], f"receipt {receipt} is {row['validation_state']!r}, and the log says otherwise"
                )
        after = rows[-1]["id"]
    for id, receipt in unit.connection.execute(_NOT_CURRENT):
        yield Difference(id, f"receipt {receipt}: another version was made the current one")
    for plan_id, highest in sorted(last.items()):
        if numbers[plan_id] < highest:
            yield Difference(None, f"{highest - numbers[plan_id]} receipts of plan {plan_id} are gone")


def _began(unit: "UnitOfWork", row: Any) -> str | None:
    """Return the first state of a submission, which its mark proves. None if the row differs from what was sent."""
    text = _text(unit, row)
    for state in _STATES:
        if compare_digest(row["mark"] or "", submission_mark(unit.vault, row, state=state, text=text)):
            return state
    return None


def _text(unit: "UnitOfWork", row: Any) -> str:
    if row["sealed_answers"] is None:
        return str(row["answers"])
    from storage.reports.submissions import row as sealed_name  # `enlace status` loads this module and opens no report

    return unit.vault.open(row["sealed_answers"], sealed_name(row["instance_id"]))
