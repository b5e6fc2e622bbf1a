"""The forms that people are filling.

People answer a form over days, on a bad line, with their phone in a pocket. Their answers are one row, which is loaded
and saved as a whole at every answer. Two officers of one agency may both want to report the same activity; only one row
can be open for it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Row,
    any_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    true,
    update,
)

from storage.database.ahead import Known
from storage.database.declared import in_columns
from storage.database.models import Chat, Membership, Person, Session, columns_of, table
from storage.database.statements import Prepared, insert_of, prepared
from storage.database.unit import Repository, Unit
from storage.errors import Conflict, NotFound
from storage.messages.restricted import RestrictedMessages

_S = table(Session)
_C = table(Chat)
_M = table(Membership)
_P = table(Person)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A draft to begin: its person, the version of its form, its subject, and when it expires."""

    plan_id: int
    person_id: int
    agency_id: int | None
    form_id: int
    form_version_id: int
    instance_id: str
    data: dict[str, Any] = field(repr=False)
    expires_at: datetime
    subject: str | None = None
    reporting_period_id: int | None = None
    supersedes_id: int | None = None
    sensitive: bool = False


class StoredSession(NamedTuple):
    """One form that is being filled, as it was saved last.

    `version` is its version when it was loaded: `save` refuses if somebody saved in between. This floor knows only that
    `data` is JSON. `subject` is `activity:A-101`, `indicator:I-01` or None.
    """

    id: int
    plan_id: int
    person_id: int
    agency_id: int | None
    form_id: int
    form_version_id: int
    instance_id: str
    subject: str | None
    reporting_period_id: int | None
    supersedes_id: int | None
    state: str
    version: int
    sensitive: bool
    data: dict[str, Any]
    opened_at: datetime
    touched_at: datetime
    expires_at: datetime

    def __repr__(self) -> str:
        """Leave out the answers, because the text may be logged."""
        return f"StoredSession(id={self.id}, state={self.state!r}, version={self.version})"


COLUMNS: tuple[Any, ...] = (*columns_of(StoredSession, _S), _S.c.sealed_data)
"""The columns that `load` expects, in this order. `chats` selects the same beside the chat."""
_DATA, _INSTANCE, _SEALED = (
    [column.name for column in COLUMNS].index(name) for name in ("data", "instance_id", "sealed_data")
)

# Written out: to see whether a partial index of open ones will do, SQLite prepares a statement anew each time a
# value is bound to what the index fixes (27 µs), and without the value it cannot take the index.
IS_OPEN = _S.c.state == literal_column("'open'")
# For sessions that are looked up by their number. Beside the plain condition, PostgreSQL looks for them in the index of
# all that are open while it takes that for short, and passes there whatever has ended since the last VACUUM.
IS_STILL_OPEN = _S.c.state + literal_column("''") == literal_column("'open'")

_BY_ID = Prepared(select(*COLUMNS).where(_S.c.id == bindparam("id")))
_BY_INSTANCE = Prepared(select(*COLUMNS).where(_S.c.instance_id == bindparam("instance_id")))
_BY_CHAT = Prepared(
    select(*COLUMNS).join(_C, _C.c.session_id == _S.c.id).where(_C.c.id == bindparam("chat_id"), IS_OPEN)
)
_LOCK_CHAT = select(_C.c.id).where(_C.c.id == bindparam("chat_id")).with_for_update()
_OF_PERSON = Prepared(
    select(*COLUMNS)
    .where(_S.c.person_id == bindparam("person_id"), IS_OPEN)
    .order_by(_S.c.touched_at.desc(), _S.c.id.desc()),
)
# LATERAL, OFFSET 0 and a state that is bound: the person's own rows by their index, chat by chat. A plan is kept, and
# one that was made while the tables were small would go through all open sessions for each group.
_WHO = select(_P.c.id).where(_P.c.telegram_id == _C.c.id).correlate(_C).scalar_subquery()
_OF_CHAT = (
    select(*COLUMNS)
    .where(_S.c.person_id == _WHO, _S.c.state == bindparam("is_open"))
    .correlate(_C)
    .offset(literal_column("0"))
    .lateral("of_chat")
)
_OF_IDLE = Prepared(
    select(*_OF_CHAT.c)
    .select_from(_C)
    .join(_OF_CHAT, true())
    .where(_C.c.id == any_(bindparam("chats", type_=ARRAY(BigInteger))), _C.c.session_id.is_(None))
    .order_by(_OF_CHAT.c.touched_at.desc(), _OF_CHAT.c.id.desc())
)
_SENT_BY = (
    select(*COLUMNS)
    .where(_S.c.person_id == bindparam("person_id"), _S.c.state == "submitted")
    .order_by(_S.c.id.desc())
    .limit(bindparam("most"))
)
_LEFT_IN = (
    select(*COLUMNS)
    .where(
        _S.c.agency_id == bindparam("agency_id"),
        IS_OPEN,
        ~exists().where(
            _M.c.person_id == _S.c.person_id,
            _M.c.plan_id == _S.c.plan_id,
            _M.c.agency_id == _S.c.agency_id,
            _M.c.active_to.is_(None),
        ),
    )
    .order_by(_S.c.touched_at.desc(), _S.c.id.desc())
)
_HOLDER = Prepared(
    select(*COLUMNS).where(
        _S.c.plan_id == bindparam("plan_id"),
        _S.c.form_id == bindparam("form_id"),
        _S.c.subject == bindparam("subject"),
        _S.c.reporting_period_id == bindparam("reporting_period_id"),
        IS_OPEN,
    )
)
_CORRECTING = Prepared(select(*COLUMNS).where(_S.c.supersedes_id == bindparam("submission_id"), IS_OPEN))
_OPEN = Prepared(lambda dialect: insert_of(dialect, _S).on_conflict_do_nothing().returning(_S.c.id))
_OPEN_NUMBERED = Prepared(lambda dialect: insert_of(dialect, _S).on_conflict_do_nothing())
# No column of an index: SQLite writes an entry anew even if it stays the same.
_SAVE = Prepared(
    update(_S)
    .where(_S.c.id == bindparam("session_id"), _S.c.version == bindparam("loaded"), IS_STILL_OPEN)
    .values(
        version=bindparam("saved"),
        data=bindparam("text"),
        sealed_data=bindparam("sealed"),
        touched_at=bindparam("now"),
    )
)
_CLOSE = Prepared(
    update(_S)
    .where(_S.c.id == bindparam("session_id"), IS_STILL_OPEN)
    .values(state=bindparam("new_state"), version=_S.c.version + 1)
)
_LEAVE_CHATS = Prepared(update(_C).where(_C.c.session_id == bindparam("closed_id")).values(session_id=None))
_REASSIGN = (
    update(_S)
    .where(_S.c.id == bindparam("session_id"), IS_OPEN)
    .values(person_id=bindparam("new_person"), version=_S.c.version + 1)
)
_LAPSING = (
    select(*COLUMNS)
    .where(IS_OPEN, _S.c.expires_at <= bindparam("before"), _S.c.expires_at > bindparam("after"))
    .order_by(_S.c.expires_at, _S.c.id)
)
_LAPSED = select(_S.c.id).where(IS_OPEN, _S.c.expires_at <= bindparam("before")).with_for_update(skip_locked=True)


class Sessions(Repository):
    """The forms being filled in every chat."""

    # -------------------------------------------------------------- finding
    def lock(self, chat_id: int) -> StoredSession | None:
        """Return the open session of a chat. Nobody else applies an update of this chat until the unit ends (G3)."""
        if self._unit.must_lock(chat_id):
            # In a statement of its own: a statement that waits for a lock sees the session as it was before the wait.
            self._connection.execute(_LOCK_CHAT, {"chat_id": chat_id})
            self._unit.locked_chats.add(chat_id)
        return self._one(_BY_CHAT, {"chat_id": chat_id})

    def get(self, id: int) -> StoredSession:
        """Return the session, open or not. NotFound."""
        found = self._one(_BY_ID, {"id": id})
        if found is None:
            raise NotFound(f"session {id}")
        return found

    def by_instance(self, instance_id: str) -> StoredSession | None:
        return self._one(_BY_INSTANCE, {"instance_id": instance_id})

    def holder(self, plan_id: int, form_id: int, subject: str, reporting_period_id: int) -> StoredSession | None:
        """Return the session of the person who is reporting on this subject for this period now."""
        return self._one(
            _HOLDER,
            {"plan_id": plan_id, "form_id": form_id, "subject": subject, "reporting_period_id": reporting_period_id},
        )

    def correcting(self, submission_id: int) -> StoredSession | None:
        """Return the session of the person who is correcting this submission now."""
        return self._one(_CORRECTING, {"submission_id": submission_id})

    def drafts_of(self, person_id: int) -> list[StoredSession]:
        """Return everything that the person has begun and not finished, latest first."""
        rows = _OF_PERSON.rows(self._connection, {"person_id": person_id})
        return [load(row, self._unit) for row in rows]

    def lapsing(self, after: datetime, before: datetime) -> list[StoredSession]:
        """Return the open sessions that expire in this span: the expiry is announced before it happens."""
        return [load(row, self._unit) for row in self._connection.execute(_LAPSING, {"after": after, "before": before})]

    # -------------------------------------------------------------- changing
    def open(self, new: NewSession, now: datetime) -> StoredSession:
        """Open a session. Conflict if the subject is open for the period already (see `holder`); the unit can go on."""
        values: dict[str, Any] = {
            **in_columns(new, _S, but="data"),
            "state": "open",
            "version": 1,
            "opened_at": now,
            "touched_at": now,
        }
        text, sealed = self._kept(new.data, new.instance_id, sensitive=new.sensitive)
        row = values | {"data": text, "sealed_data": sealed}
        number = self._unit.drawn_number(_S.name)
        if number is not None:
            self._unit.write(_OPEN_NUMBERED, row | {"id": number}, rows=1)
        elif (made := _OPEN.first(self._connection, row)) is not None:
            number = int(made[0])
        else:
            raise Conflict("somebody is reporting on this already")
        return StoredSession(id=number, data=new.data, **values)

    def save(self, session: StoredSession, now: datetime, *, data: dict[str, Any] | None = None) -> StoredSession:
        """Save the session's `data`, or the given `data`. Return it with its new version.

        Conflict, and nothing is written, if it was saved, closed or taken over since it was loaded.
        """
        kept = session.data if data is None else data
        text, sealed = self._kept(kept, session.instance_id, sensitive=session.sensitive)
        done = self._unit.write(
            _SAVE,
            {
                "session_id": session.id,
                "loaded": session.version,
                "saved": session.version + 1,
                "text": text,
                "sealed": sealed,
                "now": now,
            },
            rows=1,
        )
        if done != 1:
            raise Conflict(f"session {session.id} is no longer at version {session.version}")
        return session._replace(data=kept, version=session.version + 1, touched_at=now)

    def close(self, id: int, state: str) -> bool:
        """End a session as `submitted`, `cancelled` or `expired`, and take it off every chat.

        Its messages are due. False if it had ended before.
        """
        done = self.end(id, state)
        self._unit.of(RestrictedMessages).end_of_session(id)
        return done

    def end(self, id: int, state: str) -> bool:
        """Do the same as `close`, for a unit that deletes the session's messages itself (`RestrictedMessages.left_by`).

        So it writes each of them once: with the call that deletes it.
        """
        done = self._unit.write(_CLOSE, {"session_id": id, "new_state": state}, rows=1)
        self._unit.write(_LEAVE_CHATS, {"closed_id": id})
        return done == 1

    def reassign(self, id: int, person_id: int) -> StoredSession:
        """Give an open session to somebody else; it leaves the chat it was filled in. NotFound if it has ended."""
        done = self._connection.execute(_REASSIGN, {"session_id": id, "new_person": person_id})
        if done.rowcount != 1:
            raise NotFound(f"open session {id}")
        _LEAVE_CHATS.count(self._connection, {"closed_id": id})
        self._unit.of(RestrictedMessages).end_of_session(id)
        return self.get(id)

    def hand_over(self, person_id: int, plan_id: int, heir_id: int | None) -> int:
        """Give the open sessions of somebody who leaves to an heir, or leave them in the agency; return how many.

        In both cases they leave their chat and get a new version, so that nobody can save them there any more.
        """
        ids = self._connection.execute(
            select(_S.c.id).where(_S.c.person_id == person_id, _S.c.plan_id == plan_id, IS_OPEN)
        ).scalars()
        changed: dict[str, Any] = {} if heir_id is None else {"person_id": heir_id}
        numbers = list(ids)
        for number in numbers:
            self._connection.execute(
                update(_S).where(_S.c.id == number, IS_OPEN).values(version=_S.c.version + 1, **changed)
            )
            _LEAVE_CHATS.count(self._connection, {"closed_id": number})
            self._unit.of(RestrictedMessages).end_of_session(number)
        return len(numbers)

    def sent_by(self, person_id: int, most: int) -> list[StoredSession]:
        """Return the sessions that this person has sent, the latest first. Emptied ones have no data."""
        values = {"person_id": person_id, "most": most}
        return [load(row, self._unit) for row in prepared(_SENT_BY).rows(self._connection, values)]

    def left_in(self, agency_id: int) -> list[StoredSession]:
        """Return the open sessions of an agency that were begun by somebody who no longer reports for it."""
        return [load(row, self._unit) for row in prepared(_LEFT_IN).rows(self._connection, {"agency_id": agency_id})]

    def expire(self, before: datetime) -> list[StoredSession]:
        """Close the sessions that have expired by then. Return them as they were."""
        numbers = self._connection.execute(_LAPSED, {"before": before}).scalars().all()
        lapsed = [self.get(number) for number in numbers]
        for session in lapsed:
            self.close(session.id, "expired")
        return lapsed

    def purge(self, before: datetime) -> int:
        """Empty the ended sessions last touched before then (S14). The rows stay, because others refer to them."""
        done = self._connection.execute(
            update(_S)
            .where(
                _S.c.state != "open",
                _S.c.touched_at < before,
                func.coalesce(_S.c.data, "sealed") != "{}",
            )
            .values(data="{}", sealed_data=None)
        )
        return done.rowcount

    def _one(self, statement: Prepared, values: dict[str, Any]) -> StoredSession | None:
        found = statement.first(self._connection, values)
        return None if found is None else load(found, self._unit)

    def _kept(
        self, data: dict[str, Any], instance_id: str, *, sensitive: bool
    ) -> tuple[str, None] | tuple[None, bytes]:
        """Return the two columns of its data: in the clear, or sealed."""
        said = orjson.dumps(data)
        if sensitive:
            return None, self._unit.vault.seal_bytes(said, row(instance_id))
        return said.decode(), None


def row(instance_id: str) -> str:
    """The name that a session's seal is bound to. It is known before the row has a number, and it is unique."""
    return f"session:{instance_id}"


def load(found: "Row[*tuple[Any, ...]] | tuple[Any, ...]", unit: Unit) -> StoredSession:
    """Read the session from the first columns of a row (see COLUMNS), unsealed if it is sealed."""
    sealed = found[_SEALED]
    said = found[_DATA] if sealed is None else unit.vault.open_bytes(sealed, row(found[_INSTANCE]))
    return StoredSession._make((*found[:_DATA], orjson.loads(said), *found[_DATA + 1 : _SEALED]))


def idle_drafts(chats: Collection[int]) -> tuple[Prepared, dict[str, Any]]:
    """Return one question for the drafts of everybody who is filling nothing in these chats (see `known_drafts`)."""
    return _OF_IDLE, {"chats": [*chats], "is_open": "open"}


def known_drafts(connection: Connection, person_id: int, rows: Iterable[Any]) -> dict[str, Known]:
    """Return those of the rows that are of this person, as the answer to what `drafts_of` will ask."""
    own = [row for row in rows if row.person_id == person_id]
    return _OF_PERSON.known(connection, {"person_id": person_id}, own)
