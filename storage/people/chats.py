"""The state of each chat: the row that every update locks first.

Two replicas, or two workers, may have two updates of one person at the same moment. The one that locks the chat's row
applies its update. The other waits, and then sees what the first one did (G3).
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple, TypedDict, Unpack
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, BigInteger, Connection, and_, bindparam, func, literal_column, select, true, update

from conversations.plan.model import OF_AN_AGENCY
from storage.database.ahead import Known
from storage.database.models import (
    Agency,
    Chat,
    Membership,
    Person,
    Plan,
    RestrictedMessage,
    Session,
    columns_of,
    table,
)
from storage.database.statements import Prepared, insert_into
from storage.database.unit import Repository
from storage.messages.restricted import RestrictedMessages
from storage.reports import sessions
from storage.reports.sessions import StoredSession

_C, _R = table(Chat), table(RestrictedMessage)
_P = table(Person)
_M = table(Membership)
_A = table(Agency)
_L = table(Plan)
_S = table(Session)


class StoredChat(NamedTuple):
    """One private chat. `card_id` is the present card; `turn` counts the cards that were shown.

    `awaits` names a question outside a form that is answered by typing, as `command:argument`. It is mostly blank.
    `plan_id` is the plan of the present card. It is noted for people in several plans.
    """

    id: int
    person_id: int | None
    session_id: int | None
    card_id: int | None
    turn: int
    awaits: str = ""
    plan_id: int | None = None


class VisitPerson(NamedTuple):
    """The person who writes: the fields that every update needs."""

    id: int
    name: str
    language: str
    timezone: str
    is_suspended: bool
    is_unreachable: bool
    has_accepted_privacy: bool
    form_language: str


class VisitMembership(NamedTuple):
    """A role that somebody has now, in one plan."""

    id: int
    plan_id: int
    role: str
    agency_id: int | None
    agency_code: str | None
    is_contributor: bool
    until_on: date | None = None
    """The first day on which a role for a time is over."""
    agency_ends_on: date | None = None
    """The first day on which the agency no longer takes part."""
    plan_closes_on: date | None = None
    """The last day on which something of the plan is written, once it was decided that it ends."""
    plan_timezone: str = "UTC"
    plan_starts_on: date = date.min
    plan_ends_on: date = date.max

    def today(self, now: datetime) -> date:
        """The day in the plan's zone."""
        return now.astimezone(ZoneInfo(self.plan_timezone)).date()

    def is_held(self, today: date) -> bool:
        """Whether the role has not ended. A role for a time ends on its day."""
        return self.until_on is None or today < self.until_on

    def has_agency_left(self, today: date) -> bool:
        """Whether the agency has left the plan. It does not matter for coordinators."""
        return self.agency_ends_on is not None and self.agency_ends_on <= today and self.role in OF_AN_AGENCY

    def is_over(self, today: date) -> bool:
        """Whether the plan has been closed, and its last day is over."""
        return self.plan_closes_on is not None and today > self.plan_closes_on

    def is_at_work(self, today: date) -> bool:
        """Whether something is written with this role on that day."""
        return self.is_held(today) and not self.has_agency_left(today) and not self.is_over(today)


def under_way(memberships: Iterable[VisitMembership], now: datetime) -> VisitMembership | None:
    """Return the role in which somebody in several plans most likely writes.

    A role that is held comes before one that is lost; then a plan that runs, one whose last reports come in, one that
    has not begun, and one that has been closed. Of two that run, it is the one that began last.
    """

    def place(one: VisitMembership) -> tuple[bool, bool, bool, bool, int, int]:
        today = one.today(now)
        return (
            not one.is_held(today) or one.has_agency_left(today),
            one.is_over(today),
            today < one.plan_starts_on,
            today > one.plan_ends_on,
            -one.plan_starts_on.toordinal(),
            one.id,
        )

    return min(memberships, key=place, default=None)


class Visit:
    """What is known when somebody writes: their chat, who they are, what they may do, and what they are filling in.

    `person` is None for a stranger. Of several plans, `membership` is the one of the open session, else the one of the
    present card, and else None until somebody says in which plan this person stands (`stand_in`). The session is read
    (and unsealed) when it is asked for, so that a command does not pay for it. `is_card_restricted`: the present card
    shows something restricted, which must leave the chat again.
    """

    __slots__ = ("_load", "_session", "chat", "is_card_restricted", "membership", "memberships", "person")

    def __init__(
        self,
        chat: StoredChat,
        person: VisitPerson | None,
        memberships: tuple[VisitMembership, ...],
        session_plan_id: int | None,
        load: Callable[[], StoredSession] | None,
        *,
        is_card_restricted: bool = False,
    ) -> None:
        self.chat = chat
        self.is_card_restricted = is_card_restricted
        self.person = person
        self.memberships = memberships
        self.membership = memberships[0] if len(memberships) == 1 else None
        if self.is_in_several:
            self.stand_in(session_plan_id) or self.stand_in(chat.plan_id)
        self._load = load
        self._session: StoredSession | None = None

    @property
    def is_in_several(self) -> bool:
        """Whether this person has a role in several plans."""
        return len(self.memberships) > 1

    def stand_in(self, plan_id: int | None) -> bool:
        """Let this person act in this plan. False if they have no role in it: then nothing changes."""
        found = next((each for each in self.memberships if each.plan_id == plan_id), None)
        self.membership = found or self.membership
        return found is not None

    @property
    def session(self) -> StoredSession | None:
        """The person's own open session of this chat."""
        if self._load is not None:
            self._session, self._load = self._load(), None
        return self._session


class ChatChange(TypedDict, total=False):
    """The columns of a chat that can be changed."""

    person_id: int | None
    session_id: int | None
    card_id: int | None
    turn: int
    awaits: str
    plan_id: int | None


# Whether no call deletes the present card, which is restricted; NULL if it is not. Asked by itself: this table is often
# empty, and of a join with an empty table PostgreSQL makes a plan that reads all of it later.
_DOES_CARD_STAND = select(_R.c.outbox_id.is_(None)).where(_R.c.card_id == _C.c.card_id).correlate(_C).scalar_subquery()


def _opened(chat_id: Any, telegram_id: Any) -> Any:
    """Return the SELECT of everything that is known when this person writes in this chat."""
    # `+ 0` for the same reason as IS_STILL_OPEN: a person's sessions become many, and one of them is looked up.
    is_its_own = _S.c.person_id + literal_column("0") == _P.c.id
    return (
        select(
            *sessions.COLUMNS,
            _C.c.id.label("chat_id"),
            _C.c.person_id.label("chat_person_id"),
            _C.c.session_id.label("chat_session_id"),
            _C.c.card_id.label("chat_card_id"),
            _C.c.turn.label("chat_turn"),
            _C.c.awaits.label("chat_awaits"),
            _C.c.plan_id.label("chat_plan_id"),
            _DOES_CARD_STAND.label("does_card_stand"),
            _P.c.id.label("p_id"),
            _P.c.name.label("p_name"),
            _P.c.language.label("p_language"),
            _P.c.timezone.label("p_timezone"),
            _P.c.suspended_at.is_not(None).label("p_suspended"),
            _P.c.unreachable_at.is_not(None).label("p_unreachable"),
            _P.c.privacy_accepted_at.is_not(None).label("p_privacy"),
            _P.c.form_language.label("p_form_language"),
            _M.c.id.label("m_id"),
            _M.c.plan_id.label("m_plan_id"),
            _M.c.role.label("m_role"),
            _M.c.agency_id.label("m_agency_id"),
            _A.c.code.label("a_code"),
            _M.c.is_contributor.label("m_contributor"),
            _M.c.until_on.label("m_until_on"),
            _A.c.active_to.label("a_active_to"),
            _L.c.closes_on.label("l_closes_on"),
            _L.c.timezone.label("l_timezone"),
            _L.c.starts_on.label("l_starts_on"),
            _L.c.ends_on.label("l_ends_on"),
        )
        .select_from(_C)
        .outerjoin(_P, _P.c.telegram_id == telegram_id)
        .outerjoin(_M, and_(_M.c.person_id == _P.c.id, _M.c.active_to.is_(None)))
        .outerjoin(_A, _A.c.id == _M.c.agency_id)
        .outerjoin(_L, _L.c.id == _M.c.plan_id)
        .outerjoin(_S, and_(_S.c.id == _C.c.session_id, is_its_own, sessions.IS_STILL_OPEN))
        .where(_C.c.id == chat_id)
        .order_by(_M.c.id)
    )


_OPEN = Prepared(_opened(bindparam("chat_id"), bindparam("telegram_id")))
# OFFSET keeps it apart: the plan that is kept is that for one chat, over and over, and joins no whole tables.
_ASKED = (
    func.unnest(bindparam("chats", type_=ARRAY(BigInteger)), type_=BigInteger)
    .table_valued("id")
    .render_derived(name="asked")
)
_EACH = _opened(_ASKED.c.id, _ASKED.c.id).offset(literal_column("0")).lateral("each_chat")
_OPEN_ALL = Prepared(select(*_EACH.c).select_from(_ASKED).join(_EACH, true()).order_by(_EACH.c.chat_id, _EACH.c.m_id))
_LOCK = Prepared(select(_C.c.id).where(_C.c.id == bindparam("chat_id")).with_for_update())
_GET = select(*columns_of(StoredChat, _C)).where(_C.c.id == bindparam("chat_id"))
_GET_LOCKED = _GET.with_for_update()
_SESSION_WIDTH = len(sessions.COLUMNS)
_STANDS_AT = _SESSION_WIDTH + len(StoredChat._fields)
_PERSON_AT = _STANDS_AT + 1
_MEMBERSHIP_AT = _PERSON_AT + len(VisitPerson._fields)


class Chats(Repository):
    """All private chats of the bot."""

    def open(self, chat_id: int, telegram_id: int) -> Visit:
        """Read what every update begins with.

        The chat is locked (and made, the first time); the rest comes in one select.
        """
        values = {"chat_id": chat_id, "telegram_id": telegram_id}
        self._lock(chat_id)
        rows = _OPEN.rows(self._connection, values)
        if not rows:
            self._create(chat_id)
            rows = _OPEN.rows(self._connection, values)
        first = rows[0]
        chat, who = StoredChat._make(first[_SESSION_WIDTH:_STANDS_AT]), first[_PERSON_AT:_MEMBERSHIP_AT]
        does_stand = first[_STANDS_AT]
        is_restricted = does_stand is not None
        if does_stand and chat.card_id is not None:
            self._unit.of(RestrictedMessages).know(chat.card_id)
        person = None if who[0] is None else VisitPerson._make(who)
        memberships = tuple(
            [VisitMembership._make(row[_MEMBERSHIP_AT:]) for row in rows if row[_MEMBERSHIP_AT] is not None]
        )
        if first[0] is None:
            return Visit(chat, person, memberships, None, None, is_card_restricted=is_restricted)
        load = lambda: sessions.load(first[:_SESSION_WIDTH], self._unit)  # noqa: E731 - only if it is asked for
        return Visit(chat, person, memberships, first[1], load, is_card_restricted=is_restricted)

    def lock(self, chat_id: int, person_id: int | None = None) -> StoredChat:
        """Return the chat, locked until the unit ends.

        It is made if it is new, and given to `person_id` if it is not theirs.
        """
        self._unit.must_lock(chat_id)
        found = self._connection.execute(_GET_LOCKED, {"chat_id": chat_id}).first()
        if found is None:
            self._create(chat_id)
            found = self._connection.execute(_GET_LOCKED, {"chat_id": chat_id}).one()
        self._unit.locked_chats.add(chat_id)
        chat = StoredChat(*found)
        if person_id is not None and chat.person_id != person_id:
            self.set(chat_id, person_id=person_id)
            chat = chat._replace(person_id=person_id)
        return chat

    def get(self, chat_id: int) -> StoredChat | None:
        """Return the chat without locking it."""
        found = self._connection.execute(_GET, {"chat_id": chat_id}).first()
        return None if found is None else StoredChat(*found)

    def set(self, chat_id: int, **changes: Unpack[ChatChange]) -> None:
        """Change the given columns in one statement; None empties a column. The chat is made if it is new."""
        if not changes:
            return
        change, names = _change(tuple(changes))
        values = dict(zip(names, (chat_id, *changes.values()), strict=True))
        self._unit.must_lock(chat_id)
        if self._unit.write(change, values, rows=1) == 0:
            self._create(chat_id)
            change.count(self._connection, values)

    def _lock(self, chat_id: int) -> None:
        """Lock the row, in a separate statement: a statement that waits for a lock does not see what was committed
        meanwhile."""
        if self._unit.must_lock(chat_id):
            _LOCK.first(self._connection, {"chat_id": chat_id})
            self._unit.locked_chats.add(chat_id)

    def _create(self, chat_id: int) -> None:
        self._connection.execute(
            insert_into(self._connection, _C).on_conflict_do_nothing(),
            {
                "id": chat_id,
                "person_id": None,
                "session_id": None,
                "card_id": None,
                "turn": 0,
                "awaits": "",
                "plan_id": None,
            },
        )
        self._unit.locked_chats.discard(chat_id)
        self._lock(chat_id)


def visits(chats: Collection[int]) -> tuple[Prepared, dict[str, Any]]:
    """Return one question for what `Chats.open` asks about each of these chats, for who locks them in the same journey.

    Whoever writes in a private chat has its number.
    """
    return _OPEN_ALL, {"chats": [*set(chats)]}


def known_visits(
    connection: Connection, chats: Iterable[int], rows: Iterable[Any]
) -> Iterator[tuple[int, Any, dict[str, Known]]]:
    """Return for each chat the first of its rows, and all of them as the answer to what `Chats.open` will ask."""
    found: dict[int, list[Any]] = {chat_id: [] for chat_id in chats}
    for row in rows:
        found[row.chat_id].append(row)
    for chat_id, own in found.items():
        yield (
            chat_id,
            own[0] if own else None,
            _OPEN.known(connection, {"chat_id": chat_id, "telegram_id": chat_id}, own),
        )


@cache
def _change(columns: tuple[str, ...]) -> tuple[Prepared, tuple[str, ...]]:
    """Return the UPDATE for these columns, and the names of its parameters: the chat's number is the first.

    There are few combinations, and each statement is made once.
    """
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
    statement = update(_C).where(_C.c.id == bindparam("chat_id")).values(values)
    return Prepared(statement), ("chat_id", *(f"new_{name}" for name in columns))
