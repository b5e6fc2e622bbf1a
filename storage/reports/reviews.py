"""Decisions of coordinators about reports, and the reports that wait for one.

Two coordinators may read the same report at the same moment, and its reporter may correct it meanwhile. So a decision
is one conditional change of the version that was read. It is made if that version is still the current one and in the
same state. Otherwise nothing is written, and the slower person is told.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import bindparam, func, insert, literal_column, or_, select, update

from conversations.plan.calendar.ledger import SAID
from conversations.plan.model import WAITING, ValidationState
from conversations.plan.review import TAKE_BACK, Pace, may_move
from storage.database.audit import Act, Audit
from storage.database.marks import decision_mark, words_mark
from storage.database.models import Agency, Fire, ReviewDecision, Submission, columns_of, table
from storage.database.unit import Repository
from storage.errors import Conflict
from storage.reports.submissions import StoredSubmission, Submissions

Decision = Literal["validated", "returned", "answered", "taken_back", "remarked"]
"""Coordinators decide, except for `answered`: the reporter's answer to a returned report, which goes back unchanged.

`remarked` is a remark of either side on a report that waits. It decides nothing, and the report stays where it is.
"""

LEADS_TO: dict[str, ValidationState] = {
    "validated": ValidationState.VALIDATED,
    "returned": ValidationState.RETURNED,
    "answered": ValidationState.SUBMITTED,
}


ACTS: dict[str, Act] = {
    "validated": "report.validated",
    "returned": "report.returned",
    "answered": "report.answered",
    "taken_back": "report.taken_back",
    "remarked": "report.remarked",
}


class OwnReport(Conflict):
    """The person has sent a version of this report, so they may not decide about it."""


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """One decision. The reason is not in it: ask `Reviews.reason`, which unseals it."""

    id: int
    submission_id: int
    root_id: str
    person_id: int
    decision: str
    questions: list[str]
    decided_at: datetime
    text: str | None = field(repr=False)
    sealed_text: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A report in the coordinators' queue. `reviewer_id` is the person who returned it and reads it again."""

    id: int
    root_id: str
    subject: str | None
    agency_code: str
    form_version_id: int
    reporting_period_id: int | None
    person_id: int
    version: int
    validation_state: str
    activity_status: str | None
    progress: int | None
    sensitive: bool
    submitted_at: datetime
    reviewer_id: int | None = None

    @property
    def code(self) -> str:
        return (self.subject or "").partition(":")[2]


_D = table(ReviewDecision)
_S = table(Submission)
_A = table(Agency)
_COLUMNS = columns_of(StoredDecision, _D, text=_D.c.reason, sealed_text=_D.c.sealed_reason)
_OF_CHAIN = select(*_COLUMNS).where(_D.c.root_id == bindparam("root_id")).order_by(_D.c.id)
_SENDERS = select(_S.c.person_id).where(_S.c.root_id == bindparam("root_id"))
_IS_WAITING = or_(*(_S.c.validation_state == literal_column(f"'{state.value}'") for state in sorted(WAITING)))
_WAITING = (
    select(*columns_of(Waiting, _S, agency_code=_A.c.code))
    .outerjoin(_A, _A.c.id == _S.c.agency_id)
    .where(_S.c.plan_id == bindparam("plan_id"), _S.c.is_current, _IS_WAITING)
    .order_by(_S.c.submitted_at, _S.c.id)
)
_COUNT = select(func.count()).select_from(_S).where(_S.c.plan_id == bindparam("plan_id"), _S.c.is_current, _IS_WAITING)
_RETURNERS = (
    select(_D.c.root_id, _D.c.person_id, _D.c.decision)
    .where(
        _D.c.root_id.in_(select(_S.c.root_id).where(_S.c.plan_id == bindparam("plan_id"), _S.c.is_current, _IS_WAITING))
    )
    .order_by(_D.c.id)
)
_RETURNED = select(_S.c.subject, _S.c.reporting_period_id).where(
    _S.c.plan_id == bindparam("plan_id"), _S.c.is_current, _S.c.validation_state == "returned"
)
_MOVE = (
    update(_S)
    .where(_S.c.id == bindparam("submission"), _S.c.is_current, _S.c.validation_state == bindparam("before"))
    .values(validation_state=bindparam("after"))
)
_SPANS = (
    select(_D.c.submission_id, _D.c.decision, _D.c.decided_at, _S.c.submitted_at)
    .join(_S, _S.c.id == _D.c.submission_id)
    .where(_D.c.plan_id == bindparam("plan_id"), _D.c.decided_at > bindparam("since"))
    .order_by(_D.c.id)
)


_F = table(Fire)
_TOLD = (
    select(_F.c.person_id, func.max(_F.c.fired_at).label("at"))
    .where(
        _F.c.plan_id == bindparam("plan_id"),
        or_(_F.c.what == bindparam("what"), _F.c.what.like(bindparam("what") + ".%")),
        _F.c.fired_at > bindparam("since"),
        or_(_F.c.state.in_(SAID), _F.c.reason.in_(("nothing_validated", "nothing_left"))),
    )
    .group_by(_F.c.person_id)
)
_VALIDATED = (
    select(_S.c.person_id, _S.c.subject, _S.c.receipt_number, _D.c.decided_at)
    .join(_S, _S.c.id == _D.c.submission_id)
    .where(
        _D.c.plan_id == bindparam("plan_id"),
        _D.c.decision == "validated",
        _D.c.decided_at > bindparam("since"),
        _D.c.decided_at <= bindparam("until"),
        _S.c.is_current,
        _S.c.validation_state == "validated",
    )
    .order_by(_D.c.id)
)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A decision, the state it leads to, and which questions it is about."""

    decision: Decision
    after: ValidationState
    questions: Collection[str] = ()
    reason: str = ""


class Reviews(Repository):
    """Decisions about reports. Each is audited in the transaction in which it is made (S13)."""

    # -------------------------------------------------------------- deciding
    def decide(
        self,
        sent: StoredSubmission,
        decision: Decision,
        person_id: int,
        now: datetime,
        *,
        questions: Collection[str] = (),
        reason: str = "",
    ) -> StoredDecision:
        """Record the decision, and move the report to the state it leads to.

        Conflict, and nothing is written, if the state has changed since `sent` was read, or if the decision is not
        possible in that state. OwnReport if this person sent any version of the report.
        """
        before, after = ValidationState(sent.validation_state), LEADS_TO[decision]
        if not may_move(before, after):
            raise Conflict(f"a {before} report does not become {after}")
        if decision != "answered" and person_id in self.senders(sent.root_id):
            raise OwnReport(f"submission {sent.id} is their own")
        return self._decide(sent, person_id, now, _Verdict(decision, after, questions, reason))

    def remark(self, sent: StoredSubmission, person_id: int, now: datetime, text: str) -> StoredDecision:
        """Store a remark about a report that waits for review. Conflict if it no longer waits."""
        state = ValidationState(sent.validation_state)
        if state not in WAITING:
            raise Conflict(f"submission {sent.id} is {state}")
        return self._decide(sent, person_id, now, _Verdict("remarked", state, reason=text))

    def take_back(self, sent: StoredSubmission, person_id: int, now: datetime) -> StoredDecision:
        """Undo this person's own validation before its sender hears of it. The report waits for review again.

        Conflict if somebody else validated it, if the validation is older than TAKE_BACK, or if another decision
        followed.
        """
        chain = self.of_chain(sent.root_id)
        last = chain[-1] if chain else None
        if (
            last is None
            or (last.decision, last.person_id, last.submission_id) != ("validated", person_id, sent.id)
            or now - last.decided_at > TAKE_BACK
            or sent.validation_state != ValidationState.VALIDATED
        ):
            raise Conflict(f"the validation of submission {sent.id} cannot be taken back")
        before = {each.submission_id for each in chain if each.decision == "validated"} - {sent.id}
        was = ValidationState.CORRECTED if before else ValidationState.SUBMITTED
        return self._decide(sent, person_id, now, _Verdict("taken_back", was))

    def _decide(self, sent: StoredSubmission, person_id: int, now: datetime, verdict: _Verdict) -> StoredDecision:
        decision, questions, reason = verdict.decision, verdict.questions, verdict.reason
        moved = self._connection.execute(
            _MOVE, {"submission": sent.id, "before": sent.validation_state, "after": verdict.after.value}
        )
        if moved.rowcount != 1:
            raise Conflict(f"submission {sent.id} no longer is {sent.validation_state}")
        self._unit.of(Submissions).stand(sent.root_id)
        text: str | None = reason
        sealed = None
        if sent.sensitive and reason:
            sealed, text = self._unit.vault.seal(reason, row(sent.root_id, person_id, now)), None
        values: dict[str, Any] = {
            "submission_id": sent.id,
            "root_id": sent.root_id,
            "person_id": person_id,
            "decision": decision,
            "questions": list(questions),
            "decided_at": now,
        }
        made: int = self._connection.execute(
            insert(_D).returning(_D.c.id),
            values | {"plan_id": sent.plan_id, "reason": text, "sealed_reason": sealed},
        ).scalar_one()
        vault = self._unit.vault
        details: dict[str, Any] = {
            "receipt": sent.receipt_number,
            "version": sent.version,
            "questions": len(questions),
            "decision": made,
            "mark": decision_mark(vault, values | {"id": made, "plan_id": sent.plan_id}),
        }
        if reason:
            details["words"] = words_mark(vault, f"decision:{made}", reason)
        self._unit.of(Audit).record(ACTS[decision], person_id, sent.plan_id, details, now)
        return StoredDecision(id=made, text=text, sealed_text=sealed, **values)

    def viewed(self, sent: StoredSubmission, person_id: int, now: datetime, what: str = "text") -> None:
        """Add an audit entry: somebody reads restricted text."""
        details = {"receipt": sent.receipt_number, "version": sent.version, "what": what}
        self._unit.of(Audit).record("restricted.viewed", person_id, sent.plan_id, details, now)

    # -------------------------------------------------------------- finding
    def of_chain(self, root_id: str) -> list[StoredDecision]:
        """Return every decision about any version of a report, in order."""
        return [StoredDecision(*found) for found in self._connection.execute(_OF_CHAIN, {"root_id": root_id})]

    def asked(self, root_id: str) -> StoredDecision | None:
        """Return the decision that asked for changes, if no validation has followed it."""
        asked: StoredDecision | None = _unsettled(self.of_chain(root_id))
        return asked

    def reason(self, decision: StoredDecision) -> str:
        """Return the reason of a decision, or the words of a remark, unsealed if they are sealed."""
        if decision.sealed_text is None:
            return decision.text or ""
        name = row(decision.root_id, decision.person_id, decision.decided_at)
        return self._unit.vault.open(decision.sealed_text, name)

    def senders(self, root_id: str) -> frozenset[int]:
        """Return everybody who sent a version of the report."""
        return frozenset(self._connection.execute(_SENDERS, {"root_id": root_id}).scalars())

    def queue(self, plan_id: int, reviewer_id: int | None = None) -> list[Waiting]:
        """Return the reports that wait, oldest first. Those that come back to this reviewer are before all others."""
        chains: dict[str, list[Any]] = {}
        for found in self._connection.execute(_RETURNERS, {"plan_id": plan_id}):
            chains.setdefault(found.root_id, []).append(found)
        waiting = []
        for one in self._connection.execute(_WAITING, {"plan_id": plan_id}):
            asked = _unsettled(chains.get(one.root_id, ()))
            values = dict(one._mapping) | {"agency_code": one.agency_code or ""}
            waiting.append(Waiting(**values, reviewer_id=asked.person_id if asked else None))
        return sorted(waiting, key=lambda one: reviewer_id is None or one.reviewer_id != reviewer_id)

    def count_waiting(self, plan_id: int) -> int:
        """Return how many reports wait in the queue."""
        return int(self._connection.execute(_COUNT, {"plan_id": plan_id}).scalar_one())

    def validations_to_tell(self, plan_id: int, what: str, now: datetime, back: timedelta) -> dict[int, list[str]]:
        """Return, by sender, the reports that were validated since their last message of this kind: codes, or receipts.

        A validation is left out if it can still be taken back, if it was replaced, or if it is older than `back`.
        """
        since = now - back
        told = {
            row.person_id: row.at
            for row in self._connection.execute(_TOLD, {"plan_id": plan_id, "what": what, "since": since})
        }
        found: dict[int, list[str]] = {}
        values = {"plan_id": plan_id, "since": since, "until": now - TAKE_BACK}
        for one in self._connection.execute(_VALIDATED, values):
            last = told.get(one.person_id)
            if last is None or one.decided_at > last - TAKE_BACK:
                code = (one.subject or "").partition(":")[2]
                found.setdefault(one.person_id, []).append(code or f"n.º {one.receipt_number:04d}")
        return found

    def returned(self, plan_id: int) -> list[tuple[str | None, int | None]]:
        """Subject and period of each report that was returned and waits for its reporter."""
        found = self._connection.execute(_RETURNED, {"plan_id": plan_id})
        return [(one.subject, one.reporting_period_id) for one in found]

    def pace(self, plan_id: int, since: datetime) -> Pace:
        """Return how long the reports had waited that were validated since then and not taken back."""
        spans: dict[int, timedelta] = {}
        for found in self._connection.execute(_SPANS, {"plan_id": plan_id, "since": since}):
            if found.decision == "validated":
                spans[found.submission_id] = found.decided_at - found.submitted_at
            elif found.decision == "taken_back":
                spans.pop(found.submission_id, None)
        return Pace.of(list(spans.values()))


def row(root_id: str, person_id: int, decided_at: datetime) -> str:
    """The name that a reason's seal is bound to: the report, the person who gave it, and the time."""
    return f"review:{root_id}:{person_id}:{decided_at.astimezone(UTC).isoformat(timespec='microseconds')}"


def _unsettled(chain: Sequence[Any]) -> Any:
    """Return the last return that no validation has settled. A validation that was taken back does not count."""
    asked = settled = None
    for decision in chain:
        match decision.decision:
            case "returned":
                asked = decision
            case "validated":
                asked, settled = None, asked
            case "taken_back":
                asked = settled
            case _:
                pass
    return asked
