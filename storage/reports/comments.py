"""What is written to the coordination about the plan and its items: observers' comments and officers' proposals.

Each is settled once: a comment with an answer or without one, a proposal by a decision.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update

from storage.database.audit import Act, Audit
from storage.database.marks import answer_mark, comment_mark, words_mark
from storage.database.models import Agency, Comment, Membership, Person, table
from storage.database.unit import Repository
from storage.errors import NotFound

_C = table(Comment)
_P = table(Person)
_M = table(Membership)
_A = table(Agency)


@dataclass(frozen=True, slots=True)
class StoredComment:
    """One comment or proposal. `subject` is the item that it is about (`activity:A-101`), or None for the plan.

    It is open until it is settled. `text` is blank if its words have been forgotten.
    """

    id: int
    plan_id: int
    person_id: int
    subject: str | None
    text: str = field(repr=False)
    written_at: datetime
    reply: str | None = field(repr=False)
    settled_at: datetime | None
    name: str = field(repr=False)
    """The name of the writer."""
    chat_id: int
    language: str
    agency_code: str = ""
    """The writer's present agency; blank if they have left it."""
    proposes: str = ""
    """The header of the value that a proposal would change; `text` is a `Change`. Blank: a comment."""
    outcome: str = ""

    @property
    def code(self) -> str:
        return (self.subject or "").partition(":")[2]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open comment: its number, its subject, and the writer's agency."""

    id: int
    subject: str | None
    agency_code: str
    written_at: datetime

    @property
    def code(self) -> str:
        return (self.subject or "").partition(":")[2]


_NAMES = (
    "id", "plan_id", "person_id", "subject", "sealed_text", "written_at", "sealed_reply", "settled_at", "proposes",
    "outcome",
)  # fmt: skip
_COLUMNS = (
    *(_C.c[name] for name in _NAMES),
    _P.c.name,
    _P.c.telegram_id,
    _P.c.language,
    func.coalesce(_A.c.code, "").label("agency_code"),
)
_OF_WRITERS = (
    _C.join(_P, _P.c.id == _C.c.person_id)
    .outerjoin(_M, (_M.c.person_id == _C.c.person_id) & (_M.c.plan_id == _C.c.plan_id) & _M.c.active_to.is_(None))
    .outerjoin(_A, _A.c.id == _M.c.agency_id)
)
_COMMENTS = select(*_COLUMNS).select_from(_OF_WRITERS)
_WAITING = select(_C.c.id, _C.c.subject, _COLUMNS[-1], _C.c.written_at).select_from(_OF_WRITERS)


class Comments(Repository):
    """Comments and proposals of a plan."""

    def add(
        self, plan_id: int, person_id: int, subject: str | None, text: str, now: datetime, proposes: str | None = None
    ) -> int:
        """Add a comment, or a proposal; return its number. Like a decision, it leaves an entry in the log, without its
        words (S13).
        """
        sealed = self._unit.vault.seal(text, text_name(plan_id, person_id, now, subject))
        values: dict[str, Any] = {"plan_id": plan_id, "person_id": person_id, "subject": subject}
        values |= {"sealed_text": sealed, "written_at": now, "proposes": proposes}
        id: int = self._connection.execute(insert(_C).values(values).returning(_C.c.id)).scalar_one()
        vault = self._unit.vault
        details = {
            "comment": id,
            "code": (subject or "").partition(":")[2],
            "mark": comment_mark(vault, values | {"id": id}),
            "words": words_mark(vault, f"comment:{id}", text),
        }
        details |= {"column": proposes} if proposes else {}
        act: Act = "change.proposed" if proposes else "comment.written"
        self._unit.of(Audit).record(act, person_id, plan_id, details, now)
        return id

    def get(self, plan_id: int, id: int) -> StoredComment:
        """Return a comment. NotFound if there is none, or if it belongs to another plan."""
        found = self._connection.execute(_COMMENTS.where(_C.c.plan_id == plan_id, _C.c.id == id)).first()
        if found is None:
            raise NotFound(f"comment {id}")
        return self._load(found)

    def open(self, plan_id: int, *, proposals: bool = False) -> list[StoredComment]:
        """The comments that nobody has settled, or the proposals that nobody has decided, the oldest first."""
        statement = _COMMENTS.where(_C.c.plan_id == plan_id, _is_open(proposals=proposals)).order_by(_C.c.id)
        return [self._load(found) for found in self._connection.execute(statement)]

    def count_proposals(self, plan_id: int) -> int:
        """Return how many proposals wait for a decision."""
        statement = select(func.count()).where(_C.c.plan_id == plan_id, _is_open(proposals=True))
        return int(self._connection.execute(statement).scalar_one())

    def of_person(self, plan_id: int, person_id: int, *, limit: int = 20) -> list[StoredComment]:
        """The comments of a person, the newest first."""
        own = _C.c.plan_id == plan_id, _C.c.person_id == person_id, _C.c.proposes.is_(None)
        statement = _COMMENTS.where(*own).order_by(_C.c.id.desc())
        return [self._load(found) for found in self._connection.execute(statement.limit(limit))]

    def waiting(self, plan_id: int) -> list[Waiting]:
        """The open comments without their words, for people who may not read them."""
        statement = _WAITING.where(_C.c.plan_id == plan_id, _is_open(proposals=False)).order_by(_C.c.id)
        return [Waiting(*found) for found in self._connection.execute(statement)]

    def count_open_of(self, plan_id: int, person_id: int) -> int:
        statement = select(func.count()).where(
            _C.c.plan_id == plan_id, _C.c.person_id == person_id, _is_open(proposals=False)
        )
        number: int = self._connection.execute(statement).scalar_one()
        return number

    def settle(
        self, plan_id: int, id: int, *, by: int, now: datetime, reply: str | None = None, outcome: str | None = None
    ) -> bool:
        """Settle a comment: it was answered, or read and done; or a proposal, with its outcome. False, and nothing
        changed, if somebody was faster.
        """
        sealed = None
        if reply is not None:
            about = self.get(plan_id, id)
            name = reply_name(plan_id, about.person_id, about.written_at, about.subject)
            sealed = self._unit.vault.seal(reply, name)
        settled = {"settled_at": now, "settled_by_id": by, "outcome": outcome}
        done = self._connection.execute(
            update(_C)
            .where(_C.c.plan_id == plan_id, _C.c.id == id, _C.c.settled_at.is_(None))
            .values(**settled, sealed_reply=sealed)
        )
        if done.rowcount != 1:
            return False
        details: dict[str, Any] = {"comment": id, "mark": answer_mark(self._unit.vault, settled | {"id": id})}
        if reply is not None:
            details["words"] = words_mark(self._unit.vault, f"reply:{id}", reply)
        act: Act = "comment.settled" if reply is None else "comment.answered"
        if outcome is not None:
            act, details = "change.decided", details | {"outcome": outcome}
        self._unit.of(Audit).record(act, by, plan_id, details, now)
        return True

    def _load(self, found: Any) -> StoredComment:
        place = (found.plan_id, found.person_id, found.written_at)
        before = old_name(*place, found.subject)

        def said(sealed: bytes | None, name: str) -> str | None:
            return None if sealed is None else self._unit.vault.open(bytes(sealed), name, before=before)

        return StoredComment(
            id=found.id,
            plan_id=found.plan_id,
            person_id=found.person_id,
            subject=found.subject,
            text=said(found.sealed_text, text_name(*place, found.subject)) or "",
            written_at=found.written_at,
            reply=said(found.sealed_reply, reply_name(*place, found.subject)),
            settled_at=found.settled_at,
            name=found.name,
            chat_id=found.telegram_id,
            language=found.language,
            agency_code=found.agency_code,
            proposes=found.proposes or "",
            outcome=found.outcome or "",
        )


def _is_open(*, proposals: bool) -> ColumnElement[bool]:
    return _C.c.settled_at.is_(None) & (_C.c.proposes.is_not(None) if proposals else _C.c.proposes.is_(None))


def text_name(plan_id: int, person_id: int, written_at: datetime, subject: str | None) -> str:
    """Return the name that the seal of a comment's words is bound to.

    The item is part of it: words about something restricted cannot be passed off as words about something else.
    """
    return f"{old_name(plan_id, person_id, written_at, subject)}:text:{subject or ''}"


def reply_name(plan_id: int, person_id: int, written_at: datetime, subject: str | None) -> str:
    """Return the name that the seal of its answer is bound to. Words and answer cannot change places."""
    return f"{old_name(plan_id, person_id, written_at, subject)}:reply:{subject or ''}"


def old_name(plan_id: int, person_id: int, written_at: datetime, _subject: str | None) -> str:
    """Return the name that both were bound to in format 1 of seals: writer, plan and instant of writing."""
    return f"comment:{plan_id}:{person_id}:{written_at.astimezone(UTC).isoformat(timespec='microseconds')}"
