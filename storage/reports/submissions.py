"""Final answers. A sent version never changes: a correction is a further version, and a receipt stays.

An officer who pressed "Enviar" on a bad line presses it again. The form session has one `instance_id`, and sending it
twice gives the same receipt (G6).
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, Boolean, bindparam, func, insert, literal_column, select, update

from conversations.plan.model import ValidationState
from conversations.plan.sharing.events import EventKind
from storage.database.declared import in_columns
from storage.database.events import Events, has_receiver
from storage.database.marks import OF_A_FILE, Row, submission_mark
from storage.database.models import Attachment, Plan, ReportingPeriod, Submission, columns_of, table
from storage.database.numbers import draw
from storage.database.statements import Prepared, Question
from storage.database.unit import Repository, Unit
from storage.errors import Conflict, NotFound
from storage.reports.standing import StandingChanges

IDS_A_GROUP: Final = 8
"""How many submissions a group numbers before it asks again."""

_S = table(Submission)
_P = table(ReportingPeriod)


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """A submission to store: who sent it, with which version of a form, about which subject."""

    plan_id: int
    form_id: int
    form_version_id: int
    instance_id: str
    person_id: int
    agency_id: int | None
    answers: dict[str, Any] = field(repr=False)
    language: str
    started_at: datetime
    subject: str | None = None
    reporting_period_id: int | None = None
    supersedes_id: int | None = None
    activity_status: str | None = None
    progress: int | None = None
    sensitive: bool = False
    validation_state: str = "submitted"
    zero_reason: str | None = None
    may_have_files: bool = True
    """False if its form asks for none."""


@dataclass(slots=True)
class _Series:
    """The receipts of a plan. On PostgreSQL it is locked: until the transaction ends, nobody else numbers any."""

    last: int
    is_heard: bool
    ids: deque[int]
    """Numbers of rows, drawn behind the lock: the last version of a chain has the highest one. Empty on SQLite."""

    def next(self) -> tuple[int, int | None]:
        """Return the next receipt's number, and that of its row."""
        self.last += 1
        return self.last, self.ids.popleft() if self.ids else None


@dataclass(frozen=True, slots=True)
class StoredSubmission:
    """One version of a submission. Its answers are read by `Submissions.answers`, which unseals them.

    All versions form a chain. `root_id` is the instance_id of the first version; exactly one version is current.
    """

    id: int
    plan_id: int
    form_id: int
    form_version_id: int
    instance_id: str
    deprecated_instance_id: str | None
    root_id: str
    version: int
    is_current: bool
    person_id: int
    agency_id: int | None
    subject: str | None
    reporting_period_id: int | None
    validation_state: str
    receipt_number: int
    activity_status: str | None
    progress: int | None
    sensitive: bool
    language: str
    started_at: datetime
    submitted_at: datetime
    zero_reason: str | None
    text: str | None = field(repr=False)
    sealed_text: bytes | None = field(repr=False)


_COLUMNS = columns_of(StoredSubmission, _S, text=_S.c.answers, sealed_text=_S.c.sealed_answers)

_BY_ID = Prepared(select(*_COLUMNS).where(_S.c.id == bindparam("id")))
_PROMISES = select(_S.c.promises_evidence).where(_S.c.id == bindparam("id"))
_BY_INSTANCE = Prepared(select(*_COLUMNS).where(_S.c.instance_id == bindparam("instance_id")))
_VERSIONS = select(*_COLUMNS).where(_S.c.root_id == bindparam("root_id")).order_by(_S.c.version)
_CURRENT = Prepared(
    select(*_COLUMNS).where(
        _S.c.plan_id == bindparam("plan_id"),
        _S.c.form_id == bindparam("form_id"),
        _S.c.subject == bindparam("subject"),
        _S.c.reporting_period_id == bindparam("reporting_period_id"),
        _S.c.is_current,
    )
)
_OLD = (
    update(_S)
    .where(_S.c.id == bindparam("old_id"), _S.c.is_current)
    .values(is_current=False, is_standing=_S.c.is_standing & bindparam("stays", type_=Boolean))
)
_CHAIN = _S.alias("chain")
_STANDS = _S.c.id == func.coalesce(
    select(func.max(_CHAIN.c.id))
    .where(_CHAIN.c.root_id == bindparam("root"), _CHAIN.c.validation_state == ValidationState.VALIDATED.value)
    .scalar_subquery(),
    0,
)
_STAND = (
    update(_S)
    .where(_S.c.root_id == bindparam("root"), _S.c.is_standing != _STANDS)
    .values(is_standing=_STANDS)
    .returning(_S.c.plan_id)
)
# NO KEY UPDATE: submissions of one plan number themselves one after the other, everything else goes on.
_PLAN = table(Plan)
_LOCK_PLAN = Prepared(select(_PLAN.c.id).where(_PLAN.c.id == bindparam("plan_id")).with_for_update(key_share=True))
# Not by max(): while there are few, PostgreSQL makes a plan that reads all submissions of the plan, and keeps it.
_NEWEST = select(_S.c.receipt_number).where(_S.c.plan_id == bindparam("plan_id")).order_by(_S.c.receipt_number.desc())
_LAST = Prepared(
    select(
        func.coalesce(_NEWEST.limit(literal_column("1")).scalar_subquery(), 0).label("receipt_number"),
        has_receiver(bindparam("of_plan", type_=BigInteger)),
    )
)
_FILE = table(Attachment)
_FILES = Prepared(select(*(_FILE.c[name] for name in OF_A_FILE)).where(_FILE.c.instance_id == bindparam("instance_id")))
_ADD = Prepared(insert(_S).returning(_S.c.id))
_ADD_NUMBERED = Prepared(insert(_S))
_REPORTED = select(_S.c.subject).where(
    _S.c.plan_id == bindparam("plan_id"),
    _S.c.reporting_period_id == bindparam("reporting_period_id"),
    _S.c.is_current,
    _S.c.subject.is_not(None),
)


class Submissions(Repository):
    """The submissions of every plan."""

    def add(self, new: NewSubmission, now: datetime) -> StoredSubmission:
        """Store a submission. Return it with its receipt number, the next one of its plan.

        If its `instance_id` was sent before, nothing changes, and the first submission is returned. With
        `supersedes_id`, it becomes the next version of that submission, which stays but is no longer current. Conflict
        if the subject was already reported for the period, or if the submission to correct is no longer current. The
        unit can go on after a Conflict.
        """
        sent, series, files = self._begun(new)
        if sent is not None:
            return sent
        old = self._corrected(new)
        if old is not None:
            stays = new.validation_state != ValidationState.VALIDATED
            self._connection.execute(_OLD, {"old_id": old.id, "stays": stays})
        said = orjson.dumps(new.answers).decode()
        sealed = self._unit.vault.seal(said, row(new.instance_id)) if new.sensitive else None
        text = None if new.sensitive else said
        number, id = series.next()
        values = {
            **in_columns(new, _S, but="answers"),
            **_place_after(old, new),
            "receipt_number": number,
            "submitted_at": now,
        }
        promises = any(path.endswith("/evidence_type") and said == "later" for path, said in new.answers.items())
        beside = {
            "mark": submission_mark(self._unit.vault, values, state=new.validation_state, text=said, files=files),
            "answers": text,
            "sealed_answers": sealed,
            "promises_evidence": promises,
            "is_standing": new.validation_state == ValidationState.VALIDATED,
        }
        id = self._add(id, values | beside)
        if series.is_heard:
            kind: EventKind = "report.submitted" if old is None else "report.corrected"
            self._unit.of(Events).record(kind, new.plan_id, {"receipt": values["receipt_number"]}, now)
        if beside["is_standing"]:
            self._unit.of(StandingChanges).note(new.plan_id, values["root_id"])
        return StoredSubmission(id=id, text=text, sealed_text=sealed, **values)

    def _add(self, id: int | None, values: dict[str, Any]) -> int:
        """Add a row, later if it has a number already. Return its number."""
        if id is None:
            return int(_ADD.first(self._connection, values)[0])
        self._unit.write(_ADD_NUMBERED, values | {"id": id}, rows=1)
        return id

    def _corrected(self, new: NewSubmission) -> StoredSubmission | None:
        """Return the submission that this one corrects, if any.

        Conflict if it was corrected already, or if somebody else has reported the subject for this period.
        """
        old = None if new.supersedes_id is None else self.get(new.supersedes_id)
        if old is not None and not old.is_current:
            raise Conflict(f"submission {old.id} has been corrected already")
        if new.subject is not None and new.reporting_period_id is not None:
            other = self.current(new.plan_id, new.form_id, new.subject, new.reporting_period_id)
            if other is not None and (old is None or other.id != old.id):
                raise Conflict(f"{new.subject} has been reported: receipt {other.receipt_number}")
        return old

    def _begun(self, new: NewSubmission) -> tuple[StoredSubmission | None, _Series, list[Row]]:
        """Return what was sent under this `instance_id`, the receipts of the plan, and the rows of its files.

        On PostgreSQL the plan is locked. A group that has locked it counts on by itself; then only files are asked for.
        A second submission of an instance would be refused by its unique key, and its group given up.
        """
        instance, kept = {"instance_id": new.instance_id}, self._unit.series()
        series: _Series | None = kept.get((_S.name, new.plan_id))
        if series is not None and series.ids:
            files = _FILES.rows(self._connection, instance) if new.may_have_files else []
            return None, series, [file._asdict() for file in files]
        plan = {"plan_id": new.plan_id}
        asked: list[Question] = [
            (_BY_INSTANCE, instance),
            (_FILES, instance),
            (_LAST, plan | {"of_plan": new.plan_id}),
        ]
        ids = []
        if self._unit.is_postgresql:
            asked = [(_LOCK_PLAN, plan), draw({_S.name: IDS_A_GROUP if self._unit.is_shared else 1}), *asked]
            _, ids, *answers = Prepared.rows_of_all(self._connection, asked)
        else:
            answers = Prepared.rows_of_all(self._connection, asked)
        sent, files, [last] = answers
        series = _Series(last.receipt_number, last.is_heard, deque(number for _, number in ids))
        kept[_S.name, new.plan_id] = series
        return _load(sent[0]) if sent else None, series, [file._asdict() for file in files]

    def answers(self, submission: StoredSubmission) -> dict[str, Any]:
        """Return the answers; sealed ones are unsealed.

        VaultError if the sealed text was moved here from another row.
        """
        text = submission.text
        if submission.sealed_text is not None:
            text = self._unit.vault.open(submission.sealed_text, row(submission.instance_id))
        answers: dict[str, Any] = orjson.loads(text or "{}")
        return answers

    def stand(self, root_id: str) -> None:
        """Mark the last validated version of a chain as the valid one (`stands`). If none is validated, none is marked.

        Call it whenever the validation state of one of its versions has changed.
        """
        changed = self._connection.execute(_STAND, {"root": root_id}).first()
        if changed is not None:
            self._unit.of(StandingChanges).note(changed.plan_id, root_id)

    # -------------------------------------------------------------- finding
    def promises_evidence(self, sent: StoredSubmission) -> bool:
        """Whether the report says that its evidence comes later."""
        return bool(self._connection.execute(_PROMISES, {"id": sent.id}).scalar_one())

    def get(self, id: int) -> StoredSubmission:
        """Return a submission. NotFound."""
        found = self._one(_BY_ID, {"id": id})
        if found is None:
            raise NotFound(f"submission {id}")
        return found

    def by_instance(self, instance_id: str) -> StoredSubmission | None:
        return self._one(_BY_INSTANCE, {"instance_id": instance_id})

    def versions(self, root_id: str) -> list[StoredSubmission]:
        """Return the chain of versions, first version first."""
        return [_load(found) for found in self._connection.execute(_VERSIONS, {"root_id": root_id})]

    def current(self, plan_id: int, form_id: int, subject: str, reporting_period_id: int) -> StoredSubmission | None:
        """The current submission about this subject and period."""
        return self._one(
            _CURRENT,
            {"plan_id": plan_id, "form_id": form_id, "subject": subject, "reporting_period_id": reporting_period_id},
        )

    def latest(
        self, plan_id: int, subject: str, *, before_period_id: int | None = None, form_id: int | None = None
    ) -> StoredSubmission | None:
        """The last report of a period that began before the given one: the "reporte anterior"."""
        statement = (
            select(*_COLUMNS)
            .join(_P, _P.c.id == _S.c.reporting_period_id)
            .where(_S.c.plan_id == plan_id, _S.c.subject == subject, _S.c.is_current)
            .order_by(_P.c.start_on.desc(), _S.c.id.desc())
            .limit(1)
        )
        if form_id is not None:
            statement = statement.where(_S.c.form_id == form_id)
        if before_period_id is not None:
            start = select(_P.c.start_on).where(_P.c.id == before_period_id).scalar_subquery()
            statement = statement.where(_P.c.start_on < start)
        found = self._connection.execute(statement).first()
        return None if found is None else _load(found)

    def of_person(
        self, person_id: int, *, limit: int = 10, before: int | None = None, only_current: bool = True
    ) -> list[StoredSubmission]:
        """Return what the person sent, newest first. For the next page, pass the last one's id as `before`."""
        return self._page(_S.c.person_id == person_id, limit, before, only_current)

    def of_agency(
        self,
        agency_id: int,
        *,
        limit: int = 10,
        before: int | None = None,
        only_current: bool = True,
        kind: str | None = None,
    ) -> list[StoredSubmission]:
        """Return what the agency sent, newest first; paged as `of_person`. What its people judge is their own.

        `kind`: only about activities, or indicators.
        """
        whose = (_S.c.agency_id == agency_id) & _S.c.subject.startswith("objective/").is_not(True)
        if kind is not None:
            whose = whose & _S.c.subject.startswith(f"{kind}:")
        return self._page(whose, limit, before, only_current)

    def current_for(self, plan_id: int, reporting_period_id: int) -> set[str]:
        """Return the subjects that have been reported for the period."""
        values = {"plan_id": plan_id, "reporting_period_id": reporting_period_id}
        return set(self._connection.execute(_REPORTED, values).scalars())

    def _page(self, whose: Any, limit: int, before: int | None, only_current: bool) -> list[StoredSubmission]:
        statement = select(*_COLUMNS).where(whose).order_by(_S.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(_S.c.id < before)
        if only_current:
            statement = statement.where(_S.c.is_current)
        return [_load(found) for found in self._connection.execute(statement)]

    def _one(self, statement: Prepared, values: dict[str, Any]) -> StoredSubmission | None:
        found = statement.first(self._connection, values)
        return None if found is None else _load(found)


def _place_after(old: StoredSubmission | None, new: NewSubmission) -> dict[str, Any]:
    """Return the place in its chain of versions: after the version that it corrects, or first."""
    if old is None:
        return {"deprecated_instance_id": None, "root_id": new.instance_id, "version": 1, "is_current": True}
    return {
        "deprecated_instance_id": old.instance_id,
        "root_id": old.root_id,
        "version": old.version + 1,
        "is_current": True,
    }


def row(instance_id: str) -> str:
    """The name that a submission's seal is bound to."""
    return f"submission:{instance_id}"


def named_answers(unit: Unit, found: Any) -> dict[str, str]:
    """Return the answers of a row by the name of their question; sealed ones are unsealed."""
    text = found.answers
    if found.sealed_answers is not None:
        text = unit.vault.open(found.sealed_answers, row(found.instance_id))
    return by_name(text or "{}")


def by_name(answers: str) -> dict[str, str]:
    """Return answers by the name of their question."""
    return {ref[ref.rfind("/") + 1 :]: str(value) for ref, value in orjson.loads(answers).items()}


def _load(found: Sequence[Any]) -> StoredSubmission:
    return StoredSubmission(*found)
