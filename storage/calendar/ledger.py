"""The ledger: what was said to whom for which local window, or why not.

A process may be killed after it has decided that something is due, or two processes may decide it at once. So the
decision is a row of the ledger, unique for person, job and local window. It is inserted in one transaction with the
outbox row of the message (G8). The second process inserts nothing and sends nothing. If somebody is not
told, the reason is a row too.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    update,
)

from conversations.plan.calendar.ladder import Rung
from conversations.plan.calendar.ledger import LADDER, SAID, UNSAID, LedgerRow
from storage.database.models import Base, columns_of
from storage.database.statements import insert_of
from storage.database.unit import Repository
from storage.messages.outbox import Outbox, OutboxDraft


@dataclass(frozen=True, slots=True)
class StoredFire:
    """One row of the ledger."""

    id: int
    plan_id: int
    person_id: int
    what: str
    window: str
    state: str
    reason: str
    rungs: str
    answer: str
    lead_id: int | None
    outbox_id: int | None
    is_by_hand: bool
    broadcast_id: int | None
    fired_at: datetime

    @property
    def messages(self) -> tuple[int, ...]:
        """Return the numbers of its messages in the outbox, in order."""
        return tuple(id for id in (self.lead_id, self.outbox_id) if id is not None)

    @property
    def on(self) -> date:
        return date.fromisoformat(self.window)

    @property
    def told_rungs(self) -> tuple[Rung, ...]:
        return tuple(Rung(rung) for rung in self.rungs.split(",") if rung)


@dataclass(frozen=True, slots=True)
class Replaced:
    """A notice of the ladder that a newer one has replaced: its message, its language, its steps and its time."""

    chat_id: int
    card_id: int
    language: str
    rungs: str
    fired_at: datetime


@dataclass(frozen=True, slots=True)
class NewFire:
    """A ledger row to add.

    `drafts` are the outbox rows of its message. Before it may come a message that leads up to it, if no earlier row has
    brought that.
    """

    person_id: int
    what: str
    window: date
    state: str = "queued"
    reason: str = ""
    rungs: tuple[Rung, ...] = ()
    drafts: Callable[[], Iterable[OutboxDraft]] = tuple


_tables = Base.metadata.tables
_fire = _tables["fire"]
_person = _tables["person"]
_membership = _tables["membership"]
_outbox = _tables["outbox"]
_plan = _tables["plan"]
_card = _tables["card"]
_OF_PLAN: Any = bindparam("plan_id")
_FIRE_COLUMNS = columns_of(StoredFire, _fire)
_FIRES = (
    select(*_FIRE_COLUMNS).where(_fire.c.plan_id == _OF_PLAN, _fire.c.window >= bindparam("since")).order_by(_fire.c.id)
)
_SPOKEN: Any = (
    select(
        *columns_of(LedgerRow, _fire),
        _person.c.timezone,
        _plan.c.timezone,
    )
    .join(_person, _person.c.id == _fire.c.person_id)
    .join(_plan, _plan.c.id == _fire.c.plan_id)
    .where(
        _fire.c.plan_id.in_(select(_plan.alias().c.id)),  # the index on (plan, person) finds them
        _fire.c.person_id.in_(bindparam("people", expanding=True)),
        _fire.c.state.in_(SAID),
        or_(
            _fire.c.state == literal_column("'queued'"),
            func.coalesce(_fire.c.settled_at, _fire.c.fired_at) >= bindparam("since"),
        ),
    )
)
_LAST_SAID: Any = (
    select(_fire.c.person_id, func.max(_fire.c.fired_at, type_=_fire.c.fired_at.type).label("last_at"))
    .where(
        _fire.c.plan_id == _OF_PLAN,
        _fire.c.person_id.in_(bindparam("people", expanding=True)),
        or_(_fire.c.what == bindparam("what"), _fire.c.what.startswith(bindparam("schedules"))),
        _fire.c.state.in_(SAID),
        _fire.c.fired_at < bindparam("before"),
    )
    .group_by(_fire.c.person_id)
)
_ONE_SCAN = text("SELECT pg_advisory_xact_lock(CAST(CAST(to_regclass('fire') AS oid) AS integer), 0)")
_IDS: Any = bindparam("ids", expanding=True)
_OF_OUTBOX = select(*_FIRE_COLUMNS).where(or_(_fire.c.outbox_id.in_(_IDS), _fire.c.lead_id.in_(_IDS)))
_IS_QUEUED = _fire.c.state == literal_column("'queued'")
_OF_ITS_ROW = _outbox.c.id == _fire.c.outbox_id
_LEARN = (
    update(_fire)
    .where(
        _IS_QUEUED,
        _fire.c.outbox_id.in_(
            select(_outbox.c.id).where(
                _outbox.c.id.in_(select(_fire.c.outbox_id).where(_IS_QUEUED)),
                _outbox.c.state.in_(("sent", "ambiguous", "undeliverable")),
            )
        ),
    )
    .values(
        state=select(_outbox.c.state).where(_OF_ITS_ROW).scalar_subquery(),
        settled_at=select(_outbox.c.settled_at).where(_OF_ITS_ROW).scalar_subquery(),
    )
    .returning(_fire.c.id, _fire.c.plan_id, _fire.c.person_id, _fire.c.what, _fire.c.window, _fire.c.state)
)
_older = _fire.alias("older")
_between = _fire.alias("between")


def _is_earlier(fire: Any, than: Any) -> Any:
    """Return the condition that a row is an earlier notice of the ladder which arrived at the same person."""
    return and_(
        fire.c.plan_id == than.c.plan_id,
        fire.c.person_id == than.c.person_id,
        fire.c.what == than.c.what,
        fire.c.state == literal_column("'sent'"),
        fire.c.fired_at < than.c.fired_at,
    )


_REPLACED = (
    select(_outbox.c.chat_id, _outbox.c.card_id, _person.c.language, _older.c.rungs, _older.c.fired_at)
    .select_from(_fire)
    .join(_older, _is_earlier(_older, _fire))
    .join(_outbox, _outbox.c.id == _older.c.outbox_id)
    .join(_card, _card.c.id == _outbox.c.card_id)
    .join(_person, _person.c.id == _older.c.person_id)
    .where(
        _fire.c.id.in_(_IDS),
        _older.c.fired_at
        == select(func.max(_between.c.fired_at)).where(_is_earlier(_between, _fire)).correlate(_fire).scalar_subquery(),
        _card.c.message_id.is_not(None),
        ~_card.c.is_gone,
    )
    .order_by(_outbox.c.card_id)
)
_PURGE_MESSAGES = delete(_outbox).where(
    _outbox.c.settled_at < bindparam("before"),
    ~exists().where(
        or_(
            and_(_IS_QUEUED, or_(_fire.c.outbox_id == _outbox.c.id, _fire.c.lead_id == _outbox.c.id)),
            and_(
                _fire.c.outbox_id == _outbox.c.id,
                _fire.c.what == LADDER,
                _fire.c.state == literal_column("'sent'"),
                ~exists().where(_is_earlier(_fire, _between), _between.c.state == literal_column("'sent'")),
            ),
        )
    ),
)
_colleague = _membership.alias("colleague")
# People who got nothing that day because another person came first, whom no message reaches any more.
_PASSED_OVER = delete(_fire).where(
    _fire.c.plan_id == _OF_PLAN,
    _fire.c.what == LADDER,
    _fire.c.window == bindparam("window"),
    _fire.c.reason == literal_column("'focal_point_told'"),
    _fire.c.person_id.in_(
        select(_colleague.c.person_id)
        .join(_membership, _membership.c.agency_id == _colleague.c.agency_id)
        .join(_person, _person.c.id == _membership.c.person_id)
        .where(
            _person.c.id == bindparam("person_id"),
            _person.c.unreachable_at.is_not(None),
            _membership.c.active_to.is_(None),
            _colleague.c.active_to.is_(None),
        )
    ),
)
_TAKEN_OVER = ("state", "reason", "rungs", "fired_at", "is_by_hand", "broadcast_id", "settled_at")
"""The columns that are replaced when something is said after all."""
_FOLLOWS = (
    update(_fire)
    .where(_fire.c.id == bindparam("fire_id"))
    .values(outbox_id=bindparam("message_id"), lead_id=bindparam("before_id"))
)


@cache
def _fire_statement(dialect: str, *, is_by_hand: bool) -> Any:
    statement = insert_of(dialect, _fire)
    if is_by_hand:
        statement = statement.on_conflict_do_update(
            index_elements=["plan_id", "person_id", "what", "window"],
            set_={name: statement.excluded[name] for name in _TAKEN_OVER},
            # Spelled out: an IN is expanded anew at every execution, and cannot be executed for many rows at once.
            where=or_(*(_fire.c.state == state for state in UNSAID)),
        )
    else:
        statement = statement.on_conflict_do_nothing()
    return statement.returning(_fire.c.id, _fire.c.person_id, _fire.c.what, _fire.c.window)


class Ledger(Repository):
    """The rows of the ledger."""

    def fire_all(
        self,
        plan_id: int,
        fires: Sequence[NewFire],
        now: datetime,
        *,
        is_by_hand: bool = False,
        broadcast_id: int | None = None,
    ) -> list[bool]:
        """Add ledger rows with their messages. Return, for each, whether it is new.

        A row that exists stays as it is, and nothing is said. If a row has two messages, its state follows the second.

        What somebody sends by hand replaces a row that says why nothing was said, once. What is said regularly replaces
        an open row; the ladder's open rows stay, because each of its days is a window of its own.
        """
        if not fires:
            return []
        rows = [
            {
                "plan_id": plan_id,
                "person_id": fire.person_id,
                "what": fire.what,
                "window": fire.window.isoformat(),
                "state": fire.state,
                "reason": fire.reason,
                "rungs": ",".join(fire.rungs),
                "fired_at": now,
                "is_by_hand": is_by_hand,
                "broadcast_id": broadcast_id,
                "settled_at": None if fire.state == "queued" else now,
            }
            for fire in fires
        ]
        regular = [(fire.person_id, fire.what, fire.window.isoformat()) for fire in fires if fire.what != LADDER]
        if regular and not is_by_hand:
            self._connection.execute(
                delete(_fire).where(
                    _fire.c.plan_id == plan_id,
                    _fire.c.state == "open",
                    tuple_(_fire.c.person_id, _fire.c.what, _fire.c.window).in_(regular),
                )
            )
        statement = _fire_statement(self._connection.dialect.name, is_by_hand=is_by_hand)
        made = {(row.person_id, row.what, row.window): row.id for row in self._connection.execute(statement, rows)}
        new: list[bool] = []
        said: list[dict[str, int | None]] = []
        for fire in fires:
            number = made.pop((fire.person_id, fire.what, fire.window.isoformat()), None)
            new.append(number is not None)
            if number is None:
                continue
            messages = [self._unit.of(Outbox).add(draft, now=now).id for draft in fire.drafts()]
            if messages:
                *before, message = messages
                said.append({"fire_id": number, "message_id": message, "before_id": before[0] if before else None})
        if said:
            self._connection.execute(_FOLLOWS, said)
        return new

    def messages_since(self, people: Collection[int], since: datetime) -> list[LedgerRow]:
        """The messages of any plan to these people since then, sent or waiting.

        On PostgreSQL only one scan at a time gets an answer, until its unit ends. Otherwise two scans could both hear
        that nothing was said.
        """
        if self._unit.is_postgresql:
            self._connection.execute(_ONE_SCAN)
        values = {"people": list(people), "since": since}
        return [LedgerRow(*row) for row in self._connection.execute(_SPOKEN, values)]

    def last_said(self, plan_id: int, what: str, people: Collection[int], before: datetime) -> dict[int, datetime]:
        """Return, by person, when this job last told them something before an instant, by any of its schedules."""
        values = {"plan_id": plan_id, "what": what, "schedules": f"{what}.", "people": list(people), "before": before}
        return {row.person_id: row.last_at for row in self._connection.execute(_LAST_SAID, values)}

    def of_outbox(self, ids: Collection[int]) -> dict[int, StoredFire]:
        """The ledger's rows behind these messages, by their numbers."""
        if not ids:
            return {}
        fires = [StoredFire(*row) for row in self._connection.execute(_OF_OUTBOX, {"ids": list(ids)})]
        return {id: fire for fire in fires for id in fire.messages if id in ids}

    def settle(self) -> list[int]:
        """Take over the outcomes of messages from the outbox, in one statement.

        One more statement is needed for each reminder that could not be delivered. Return the notices of the ladder
        that have arrived.
        """
        settled = self._connection.execute(_LEARN).all()
        for fire in settled:
            if fire.state == "undeliverable":
                self._decide_anew(fire)
        return [fire.id for fire in settled if fire.what == LADDER and fire.state == "sent"]

    def replaced(self, ids: Collection[int]) -> list[Replaced]:
        """Return the older notices of the ladder that these ones replace, and whose message still stands.

        One statement.
        """
        if not ids:
            return []
        return [Replaced(*row) for row in self._connection.execute(_REPLACED, {"ids": list(ids)})]

    def _decide_anew(self, fire: Any) -> None:
        """Decide again about people who got nothing because another person came first, if that person cannot be
        reached.

        This happens once, because a message is settled once.
        """
        if fire.what == LADDER:
            values = {"plan_id": fire.plan_id, "person_id": fire.person_id, "window": fire.window}
            self._connection.execute(_PASSED_OVER, values)

    def cancel(self, fire: StoredFire, reason: str, now: datetime, *, is_open: bool) -> None:
        """Record that a message is not said after all.

        If `is_open`, the message may be sent on another day, and then covers the same days.
        """
        self._connection.execute(
            update(_fire)
            .where(_fire.c.id == fire.id)
            .values(state="open" if is_open else "cancelled", reason=reason, settled_at=now)
        )
        if reason == "unreachable":
            self._decide_anew(fire)
        if is_open:
            self._connection.execute(
                update(_fire)
                .where(
                    _fire.c.plan_id == fire.plan_id,
                    _fire.c.person_id == fire.person_id,
                    _fire.c.what == fire.what,
                    _fire.c.reason == literal_column("'told_later'"),
                    _fire.c.fired_at == fire.fired_at,
                )
                .values(state="open", reason=reason)
            )

    def fires(self, plan_id: int, since: date, what: str | None = None) -> list[StoredFire]:
        """The ledger since a day, oldest first."""
        statement = _FIRES if what is None else _FIRES.where(_fire.c.what == what)
        rows = self._connection.execute(statement, {"plan_id": plan_id, "since": since.isoformat()})
        return [StoredFire(*row) for row in rows]

    def answer(self, plan_id: int, person_id: int, what: str, answer: str) -> None:
        """Record the button that a person pressed under the last message of this job."""
        latest = (
            select(func.max(_fire.c.id))
            .where(_fire.c.plan_id == plan_id, _fire.c.person_id == person_id, _fire.c.what == what)
            .scalar_subquery()
        )
        self._connection.execute(update(_fire).where(_fire.c.id == latest).values(answer=answer))

    def counts(self) -> dict[str, int]:
        """Return how many rows of the ledger are in each state."""
        rows = self._connection.execute(select(_fire.c.state, func.count()).group_by(_fire.c.state))
        return {state: number for state, number in rows}  # noqa: C416

    def purge_messages(self, before: datetime) -> int:
        """Forget messages settled before then, except those that the ledger still needs.

        It needs those whose outcome it has not taken over, and each person's last reminder: the next one replaces it.
        """
        return self._connection.execute(_PURGE_MESSAGES, {"before": before}).rowcount

    def purge(self, before: datetime) -> int:
        """Delete the rows of messages that were said before then. Return how many."""
        done = self._connection.execute(delete(_fire).where(_fire.c.fired_at < before))
        return done.rowcount
