"""Check that the data is as the audit log says: here roles, reports and what was said of them.

A log that cannot be changed unnoticed proves little if the data beside it can be changed. With access to the database,
one UPDATE makes somebody a coordinator, or validates a report. So:

* Each row has a mark (`storage.database.marks`) that only this program can make. A row that was changed or added by
  hand is named.
* Each role, each suspension and each review has an entry in the log. If a row was set back to an earlier state, its old
  mark is still good, but the last entry about it disagrees.
* What lets somebody in or data out has an entry too (`storage.upkeep.door_checks`), and so have the plan, its forms and
  its settings (`storage.upkeep.plan_checks`). Each must be as the last entry says, and as the mark in it says.
* Receipts are numbered without a gap, and each role, decision and comment has an entry. So a removed row is noticed.
* The mark of a submission includes its files. A decision and a comment have theirs in their entry, with one of their
  words, which are deleted when their time is over (S14), and not before.
"""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select, update

from conversations.plan.model import ValidationState
from storage.database.marks import (
    OF_A_FILE,
    ROLE_COLUMNS,
    ROLES,
    answer_mark,
    comment_mark,
    decision_mark,
    mark_role,
    role_mark,
    submission_mark,
    words_mark,
)
from storage.database.models import (
    Agency,
    Attachment,
    Comment,
    Membership,
    Person,
    ReviewDecision,
    Submission,
    table,
)
from storage.errors import NotFound, StorageError
from storage.upkeep import door_checks, plan_checks
from storage.upkeep.told import TOLD, Difference, by_id, opened, told

if TYPE_CHECKING:
    from storage.reports.files import FileStore
    from storage.unit_of_work import UnitOfWork

_M, _S, _PERSON, _AGENCY = map(table, (Membership, Submission, Person, Agency))
_DECISION, _COMMENT, _FILE = map(table, (ReviewDecision, Comment, Attachment))
PAGE: Final = 500
WORDS_KEPT: Final = timedelta(days=730)
"""How long words about something restricted are kept."""

_UNMARKED_ROLES = select(_M.c.id).where(_M.c.mark.is_(None))
_SENT = select(_S).where(_S.c.id > bindparam("after")).order_by(_S.c.id).limit(PAGE)
_UNMARKED = select(_S).where(_S.c.mark.is_(None), _S.c.id > bindparam("after")).order_by(_S.c.id).limit(PAGE)
_FILES = select(_FILE.c.instance_id, *(_FILE.c[name] for name in OF_A_FILE)).where(
    _FILE.c.instance_id.in_(bindparam("instances", expanding=True))
)
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
_VALID = _S.alias("valid")
_NOT_STANDING = (
    select(_S.c.id, _S.c.receipt_number)
    .where(
        _S.c.is_standing
        != (
            _S.c.id
            == func.coalesce(
                select(func.max(_VALID.c.id))
                .where(_VALID.c.root_id == _S.c.root_id, _VALID.c.validation_state == ValidationState.VALIDATED.value)
                .scalar_subquery(),
                0,
            )
        )
    )
    .order_by(_S.c.id)
)
"""Which version counts in figures follows from the decisions; a column says it for the sake of speed."""
_ROLES = ("membership.granted", "membership.contributor", "membership.ended")
_SUSPENSIONS = ("person.suspended", "person.restored")
_COMMENTS = ("comment.written", "change.proposed")
_ANSWERS = ("comment.answered", "comment.settled", "change.decided")
_OF_AN_ANSWER = ("settled_at", "settled_by_id", "sealed_reply")
_REVIEWS: Final = {
    "report.validated": (ValidationState.VALIDATED.value,),
    "report.returned": (ValidationState.RETURNED.value,),
    "report.answered": (ValidationState.SUBMITTED.value,),
    "report.taken_back": (ValidationState.SUBMITTED.value, ValidationState.CORRECTED.value),
}
_STATES: Final = tuple(state.value for state in ValidationState)


# ------------------------------------------------------------------ marking what was there
def mark_what_was_there(unit: "UnitOfWork") -> None:
    """Mark the rows from before there were marks: once, and never later."""
    for id in unit.connection.execute(_UNMARKED_ROLES).scalars().all():
        mark_role(unit, id)
    after = 0
    while rows := unit.connection.execute(_UNMARKED, {"after": after}).mappings().all():
        files = _files(unit, rows)
        marks = [
            {
                "key": row["id"],
                "new_mark": submission_mark(
                    unit.vault,
                    row,
                    state=row["validation_state"],
                    text=_text(unit, row) or "",
                    files=files[row["instance_id"]],
                ),
            }
            for row in rows
        ]
        unit.connection.execute(_MARK, marks)
        after = rows[-1]["id"]


@contextlib.contextmanager
def marked_anew(unit: "UnitOfWork", submission_id: int) -> Iterator[None]:
    """Renew the mark of a submission that loses words or files inside.

    If the submission was altered before, it keeps the old mark, which gives the change away.
    """

    def read() -> tuple[Any, list[Any]]:
        row = unit.connection.execute(_ONE, {"key": submission_id}).mappings().one()
        return row, _files(unit, [row])[row["instance_id"]]

    began = _began(unit, *read())
    yield
    if began is not None:
        row, files = read()
        mark = submission_mark(unit.vault, row, state=began, text=_text(unit, row) or "", files=files)
        unit.connection.execute(_MARK, {"key": submission_id, "new_mark": mark})


# ------------------------------------------------------------------ comparing
def differences(unit: "UnitOfWork", now: datetime) -> Iterator[Difference]:
    """Return every row that differs from what was written. At `now`, words may be missing whose time is over.

    Memory is constant, except for roles, decisions, comments, and rows that let data out: some numbers of each.
    """
    yield from _roles(unit)
    yield from _suspensions(unit)
    yield from door_checks.differences(unit, now)
    yield from plan_checks.differences(unit)
    yield from _submissions(unit)
    yield from _decisions(unit, now)
    yield from _comments(unit, now)


def _roles(unit: "UnitOfWork") -> Iterator[Difference]:
    granted: Counter[tuple[int, int]] = Counter()
    last: dict[tuple[int, int], tuple[str, str | None, bool] | None] = {}
    for plan_id, act, details in unit.connection.execute(TOLD, {"acts": _ROLES}):
        key = (plan_id, details["person"])
        present = last.get(key)
        match act:
            case "membership.granted":
                granted[key] += 1
                last[key] = (details["role"], details["agency"] or None, details.get("contributor", False))
            case "membership.contributor" if present is not None:
                last[key] = (*present[:2], details["contributor"])
            case "membership.ended":
                last[key] = None
    there: Counter[tuple[int, int]] = Counter()
    roles = select(*ROLE_COLUMNS, _M.c.mark, _AGENCY.c.code).select_from(
        ROLES.outerjoin(_AGENCY, _AGENCY.c.id == _M.c.agency_id)
    )
    for row in unit.connection.execute(roles.order_by(_M.c.id)).mappings():
        key = (row["plan_id"], row["person_id"])
        there[key] += 1
        if not compare_digest(row["mark"] or "", role_mark(unit.vault, row)):
            yield Difference(
                row["id"], f"the role of person {row['person_id']} was altered, or not given by this program"
            )
        elif row["active_to"] is None and last.get(key) != (row["role"], row["code"], row["is_contributor"]):
            yield Difference(row["id"], f"person {row['person_id']} has a role that the log says is over")
    for key in sorted(granted):
        if there[key] < granted[key]:
            yield Difference(None, f"a role of person {key[1]} is gone, that the log says was given")


def _suspensions(unit: "UnitOfWork") -> Iterator[Difference]:
    told: dict[int, str] = {}
    for _, act, details in unit.connection.execute(TOLD, {"acts": _SUSPENSIONS}):
        told[details["person"]] = act
    suspended = set(unit.connection.execute(select(_PERSON.c.id).where(_PERSON.c.suspended_at.is_not(None))).scalars())
    for person_id, act in sorted(told.items()):
        if (act == "person.suspended") != (person_id in suspended):
            yield Difference(person_id, f"person {person_id} is {'not ' * (person_id not in suspended)}suspended")
    for person_id in sorted(suspended - told.keys()):
        yield Difference(person_id, f"person {person_id} is suspended, and the log does not say by whom")


def _submissions(unit: "UnitOfWork") -> Iterator[Difference]:
    told: dict[tuple[int, int, int], tuple[str, ...]] = {}
    for plan_id, act, details in unit.connection.execute(TOLD, {"acts": tuple(_REVIEWS)}):
        told[plan_id, details["receipt"], details["version"]] = _REVIEWS[act]
    numbers: Counter[int] = Counter()
    last: dict[int, int] = defaultdict(int)
    for plan_id, receipt, _ in told:
        last[plan_id] = max(last[plan_id], receipt)
    after = 0
    while rows := unit.connection.execute(_SENT, {"after": after}).mappings().all():
        files = _files(unit, rows)
        for row in rows:
            plan_id, receipt = row["plan_id"], row["receipt_number"]
            numbers[plan_id] += 1
            last[plan_id] = max(last[plan_id], receipt)
            began = _began(unit, row, files[row["instance_id"]])
            if began is None:
                yield Difference(
                    row["id"], f"receipt {receipt} was altered, or its files, or it was not sent through this program"
                )
            elif row["validation_state"] not in told.get((plan_id, receipt, row["version"]), (began,)):
                yield Difference(
                    row["id"], f"receipt {receipt} is {row['validation_state']!r}, and the log says otherwise"
                )
        after = rows[-1]["id"]
    for id, receipt in unit.connection.execute(_NOT_CURRENT):
        yield Difference(id, f"receipt {receipt}: another version was made the current one")
    for id, receipt in unit.connection.execute(_NOT_STANDING):
        yield Difference(id, f"receipt {receipt}: another version was made the one that counts")
    for plan_id, highest in sorted(last.items()):
        if numbers[plan_id] < highest:
            yield Difference(None, f"{highest - numbers[plan_id]} receipts of plan {plan_id} are gone")


def _began(unit: "UnitOfWork", row: Any, files: list[Any]) -> str | None:
    """Return the first state of a submission, which its mark proves. None if the row differs from what was sent."""
    text = _text(unit, row)
    if text is None:
        return None
    for state in _STATES:
        for of_files in (files, None):  # None: a mark of before
            mark = submission_mark(unit.vault, row, state=state, text=text, files=of_files)
            if compare_digest(row["mark"] or "", mark):
                return state
    return None


def _files(unit: "UnitOfWork", rows: Any) -> dict[str, list[Any]]:
    """Return the files of these submissions, by instance."""
    found: dict[str, list[Any]] = defaultdict(list)
    names = [row["instance_id"] for row in rows]
    for file in unit.connection.execute(_FILES, {"instances": names}).mappings():
        found[file["instance_id"]].append(file)
    return found


def _text(unit: "UnitOfWork", row: Any) -> str | None:
    """Return the answers, unsealed. None if they do not open here."""
    if row["sealed_answers"] is None:
        return str(row["answers"])
    from storage.reports.submissions import row as sealed_name  # `enlace status` loads this module and opens no report

    return opened(unit, row["sealed_answers"], sealed_name(row["instance_id"]))


def files_on_disk(unit: "UnitOfWork", store: "FileStore") -> Iterator[Difference]:
    """Return the files of reports whose content is gone or altered. It reads every file."""
    from storage.reports.files import storage_key

    named = (_FILE.c.id, _FILE.c.sha256, _FILE.c.sensitive, _S.c.receipt_number)
    for file in by_id(unit, select(*named).join(_S, _S.c.instance_id == _FILE.c.instance_id), _FILE.c.id):
        what = f"a file of receipt {file['receipt_number']}"
        try:
            store.get(storage_key(file["sha256"], sensitive=file["sensitive"]))
        except NotFound:
            yield Difference(file["id"], f"{what} is gone")
        except StorageError:
            yield Difference(file["id"], f"{what} was altered")


# ------------------------------------------------------------------ what was said
def _decisions(unit: "UnitOfWork", now: datetime) -> Iterator[Difference]:
    """A decision that is gone takes its reason with it; one that was altered says something else to the reporter."""
    from storage.reports.reviews import row as sealed_name

    told: dict[int, dict[str, Any]] = {}
    of_version: Counter[tuple[int, int, int, str]] = Counter()
    for plan_id, act, details in unit.connection.execute(TOLD, {"acts": (*_REVIEWS, "report.remarked")}):
        of_version[plan_id, details["receipt"], details["version"], act.partition(".")[2]] += 1
        if "decision" in details:
            told[details["decision"]] = details
    joined = select(_DECISION, _S.c.receipt_number, _S.c.version, _S.c.sensitive).join(
        _S, _S.c.id == _DECISION.c.submission_id
    )
    for row in by_id(unit, joined, _DECISION.c.id):
        id, what = row["id"], f"a decision about receipt {row['receipt_number']}"
        of_version[row["plan_id"], row["receipt_number"], row["version"], row["decision"]] -= 1
        said = told.pop(id, None)
        if said is None:
            continue  # one of before; it is counted
        sealed = opened(unit, row["sealed_reason"], sealed_name(row["root_id"], row["person_id"], row["decided_at"]))
        words = sealed if row["sealed_reason"] is not None else row["reason"]
        is_over = row["sensitive"] and words is None and now - row["decided_at"] >= WORDS_KEPT
        is_said_twice = row["reason"] is not None and row["sealed_reason"] is not None
        if is_said_twice or not compare_digest(said["mark"], decision_mark(unit.vault, row)):
            yield Difference(id, f"{what} was altered")
        elif not is_over and not _are_words(unit, said, f"decision:{id}", words):
            yield Difference(id, f"the words of {what} were altered or are gone")
    for (_, receipt, version, decision), count in sorted(of_version.items()):
        if count:
            is_gone = "is gone" if count > 0 else "was not made through this program"
            yield Difference(None, f"receipt {receipt}, version {version}: {abs(count)} × {decision!r} {is_gone}")


def _comments(unit: "UnitOfWork", now: datetime) -> Iterator[Difference]:
    written, answered = told(unit, _COMMENTS, "comment"), told(unit, _ANSWERS, "comment")
    first = min(written, default=None)
    for row in by_id(unit, select(_COMMENT), _COMMENT.c.id):
        said = written.pop(row["id"], None)
        has_no_words = row["sealed_text"] is None and row["sealed_reply"] is None
        is_over = has_no_words and now - row["written_at"] >= WORDS_KEPT
        if said is None and first is not None and row["id"] > first:
            yield Difference(row["id"], f"comment {row['id']} was not written through this program")
        elif wrong := _in_a_comment(unit, row, said, is_over=is_over):
            yield Difference(row["id"], wrong)
        if wrong := _in_an_answer(unit, row, said, answered.get(row["id"]), is_over=is_over):
            yield Difference(row["id"], wrong)
    for id in sorted(written):
        yield Difference(id, f"comment {id} is gone")


def _in_a_comment(unit: "UnitOfWork", row: Any, said: dict[str, Any] | None, *, is_over: bool) -> str | None:
    """Return how a comment differs from its entry. One of before has no entry, but its words must open."""
    from storage.reports.comments import old_name, text_name

    if said is not None and not compare_digest(said["mark"], comment_mark(unit.vault, row)):
        return f"comment {row['id']} was altered"
    place = (row["plan_id"], row["person_id"], row["written_at"], row["subject"])
    words = opened(unit, row["sealed_text"], text_name(*place), before=old_name(*place))
    if is_over or (words is not None and (said is None or _are_words(unit, said, f"comment:{row['id']}", words))):
        return None
    return f"the words of comment {row['id']} were altered or are gone"


def _in_an_answer(
    unit: "UnitOfWork", row: Any, said: dict[str, Any] | None, answer: dict[str, Any] | None, *, is_over: bool
) -> str | None:
    """Return how what settled a comment differs from its entry. Of a comment of before, nothing is known."""
    from storage.reports.comments import old_name, reply_name

    if answer is None:
        is_settled = any(row[name] is not None for name in _OF_AN_ANSWER)
        return f"comment {row['id']} is settled, and the log does not say by whom" if said and is_settled else None
    if not compare_digest(answer["mark"], answer_mark(unit.vault, row)):
        return f"comment {row['id']} is not settled as the log says"
    place = (row["plan_id"], row["person_id"], row["written_at"], row["subject"])
    reply = opened(unit, row["sealed_reply"], reply_name(*place), before=old_name(*place))
    if is_over or _are_words(unit, answer, f"reply:{row['id']}", reply):
        return None
    return f"the answer to comment {row['id']} was altered or is gone"


def _are_words(unit: "UnitOfWork", said: dict[str, Any], place: str, words: str | None) -> bool:
    """Whether these are the words that the entry's mark says; none if it says none."""
    return compare_digest(said.get("words", ""), words_mark(unit.vault, place, words) if words else "")
