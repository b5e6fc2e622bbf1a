"""The audit log: who did what to other people's access and data. Entries are added and never changed (S13).

An administrator of a national plan has power over colleagues. The log keeps that power honest. An entry commits with
the act itself, under a mark that only this keyring can make. `storage.upkeep.chain` links the entries afterwards, so
that commits do not wait for each other.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import bindparam, func, insert, or_, select

from conversations.plan.sharing.events import EventKind
from storage.database.events import Events, is_heard
from storage.database.models import AuditEntry, Plan, columns_of, table
from storage.database.statements import Prepared
from storage.database.unit import Repository
from storage.database.vault import Vault
from storage.errors import PlanClosed

_E, _P = table(AuditEntry), table(Plan)
_RECORD = insert(_E)
_RECORD_AND_ASK = insert(_E).returning(is_heard(_E))

Act = Literal[
    "membership.granted",
    "membership.ended",
    "membership.contributor",
    "person.suspended",
    "person.restored",
    "invitation.issued",
    "invitation.revoked",
    "invitation.declined",
    "delegation.begun",
    "delegation.ended",
    "role.requested",
    "role.granted",
    "role.refused",
    "role.withdrawn",
    "agency.added",
    "agency.renamed",
    "agency.changed",
    "agency.begun",
    "agency.ended",
    "agency.reactivated",
    "plan.imported",
    "plan.undone",
    "plan.corrected",
    "plan.downloaded",
    "plan.close_asked",
    "plan.closed",
    "plan.kept_open",
    "plan.dropped",
    "plan.succeeded",
    "form_published",
    "exported",
    "export_cancelled",
    "export_sent_again",
    "token.made",
    "token.revoked",
    "token.read",
    "schedule_changed",
    "holiday_changed",
    "reminders.paused",
    "reminders.resumed",
    "setting.changed",
    "period.moved",
    "period.reopening_asked",
    "period.reopening_refused",
    "period.reopened",
    "period.locked_again",
    "report.validated",
    "report.returned",
    "report.answered",
    "report.taken_back",
    "report.remarked",
    "comment.written",
    "comment.answered",
    "comment.settled",
    "change.proposed",
    "change.decided",
    "restricted.viewed",
    "endpoint.added",
    "endpoint.changed",
    "endpoint.removed",
    "endpoint.paused",
    "endpoint.gone",
    "endpoint.resumed",
    "endpoint.tried",
    "endpoint.replayed",
]
"""Every act that leaves an entry. Each has its sentence `audit.ACT` in the catalogues."""
AUDITED_ACTS: Final[tuple[Act, ...]] = get_args(Act)

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "people": ("membership", "person", "invitation", "role", "delegation"),
    "plan": ("plan", "agency", "form", "setting", "change"),
    "reports": ("period", "report", "restricted", "comment"),
    "exports": ("exported", "export", "endpoint", "token"),
    "messages": ("schedule", "holiday", "reminders"),
}
"""The kinds of acts: the first word of an act's name. The log can be filtered by them. Labels are `audit.kind.…`."""

EVENTS: Final[dict[Act, EventKind]] = {
    "report.validated": "report.validated",
    "report.returned": "report.returned",
    "report.answered": "report.answered",
    "report.taken_back": "report.taken_back",
    "period.moved": "period.moved",
    "period.reopened": "period.reopened",
    "period.locked_again": "period.locked",
    "plan.imported": "plan.changed",
    "plan.undone": "plan.changed",
    "plan.corrected": "plan.changed",
    "plan.closed": "plan.changed",
    "plan.kept_open": "plan.changed",
    "plan.dropped": "plan.changed",
    "agency.added": "plan.changed",
    "agency.renamed": "plan.changed",
    "agency.changed": "plan.changed",
    "agency.begun": "plan.changed",
    "agency.ended": "plan.changed",
    "agency.reactivated": "plan.changed",
    "form_published": "plan.changed",
}
"""The acts that become events for receivers outside, and the event of each (`storage.database.events`). Sending,
correcting and closing leave no entry here: they are recorded where they are stored.
"""
UNTOLD: Final[tuple[str, ...]] = (
    *("membership.", "person.", "invitation.", "delegation.", "role.", "restricted.", "comment.", "change."),
    *("export", "schedule_", "holiday_", "reminders.", "setting.", "endpoint.", "token."),
    *("plan.downloaded", "plan.close_asked", "plan.succeeded", "report.remarked"),
    *("period.reopening_asked", "period.reopening_refused"),
)
"""Prefixes of the acts that are told to nobody outside: acts on people, and acts of the bot itself. A test fails for
an act that is in neither table.
"""

CALENDAR: Final = ("schedule_", "holiday_", "reminders.", "period.", "plan.", "agency.")
"""Prefixes of the acts that change what is sent on schedule, or when."""

NONCE: Final = 16
"""How many hexadecimal digits at the start of a mark make it different each time."""


@dataclass(frozen=True, slots=True)
class StoredAuditEntry:
    """One act. `details` holds codes and numbers, never answers or tokens."""

    id: int
    plan_id: int | None
    at: datetime
    actor_id: int | None
    act: str
    details: dict[str, Any] = field(repr=False)

    def canonical(self) -> bytes:
        """The bytes that the mark covers; always the same for the same entry.

        The id is left out: the database gives it later.
        """
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return orjson.dumps([self.plan_id, at, self.actor_id, self.act, self.details], option=orjson.OPT_SORT_KEYS)

    def mark(self, vault: Vault, nonce: str) -> str:
        """Return `nonce`, followed by a keyed hash of the entry."""
        return nonce + vault.mac(nonce.encode() + self.canonical(), "audit entry")[:32]


COLUMNS = columns_of(StoredAuditEntry, _E)


@dataclass(frozen=True, slots=True)
class Search:
    """A search in the log. A field that is left out does not restrict it."""

    kind: str = ""
    """One of KINDS."""
    actor_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    concerning: int | None = None
    """A person: their own acts, and the acts that name them."""
    act: Act | None = None


class Audit(Repository):
    """The log of audited acts: grants, imports, exports, reviews, reopenings, views of restricted text."""

    def record(
        self, act: Act, actor_id: int | None, plan_id: int | None, details: Mapping[str, Any], now: datetime
    ) -> None:
        """Add an entry to this unit: it exists exactly if the act does. PlanClosed if the plan has been closed.

        `actor_id` is None for the command line and the clock.
        """
        if plan_id is not None and act not in AFTER_THE_END:
            self.expect_open(plan_id, now)
        entry = StoredAuditEntry(0, plan_id, now, actor_id, act, dict(details))
        kind = EVENTS.get(act) if plan_id is not None else None
        made = self._connection.execute(
            _RECORD if kind is None else _RECORD_AND_ASK,
            {
                "act": act,
                "actor_id": actor_id,
                "plan_id": plan_id,
                "details": entry.details,
                "at": now,
                "hash": None,
                "position": None,
                "mark": entry.mark(self._unit.vault, secrets.token_hex(NONCE // 2)),
            },
        )
        if kind is not None and plan_id is not None and made.scalar_one():
            self._unit.of(Events).record(kind, plan_id, {"change": act, **details}, now)

    def expect_open(self, plan_id: int, now: datetime) -> None:
        """PlanClosed if the plan has been closed and its last day is over."""
        closes_on, zone = _CLOSES.first(self._connection, {"plan_id": plan_id}) or (None, "UTC")
        if closes_on is not None and now.astimezone(ZoneInfo(zone)).date() > closes_on:
            raise PlanClosed(f"the plan was closed on {closes_on}; it is read, searched, exported and verified")

    def latest(
        self,
        plan_id: int | None = None,
        search: Search | None = None,
        *,
        limit: int = 20,
        before: int | None = None,
    ) -> list[StoredAuditEntry]:
        """Return entries, the newest first. To get the next page, pass the last entry's id as `before`."""
        search = search or Search()
        statement = select(*COLUMNS).order_by(_E.c.id.desc()).limit(limit)
        if plan_id is not None:
            statement = statement.where(_E.c.plan_id == plan_id)
        if before is not None:
            statement = statement.where(_E.c.id < before)
        if search.kind:
            statement = statement.where(_E.c.act.in_([act for act in AUDITED_ACTS if kind_of(act) == search.kind]))
        if search.act is not None:
            statement = statement.where(_E.c.act == search.act)
        if search.actor_id is not None:
            statement = statement.where(_E.c.actor_id == search.actor_id)
        if search.since is not None:
            statement = statement.where(_E.c.at >= search.since)
        if search.until is not None:
            statement = statement.where(_E.c.at < search.until)
        if search.concerning is not None:
            is_named = _E.c.details["person"].as_integer() == search.concerning
            statement = statement.where((_E.c.actor_id == search.concerning) | is_named)
        return [StoredAuditEntry(*row) for row in self._connection.execute(statement)]

    def last_on_calendar(self, after: int | None) -> int:
        """Return the number of the last act after this one that changes what is sent on schedule, or `after`.

        Without `after`: of the last act of all.
        """
        if after is None:
            return _LAST.first(self._connection, {})[0] or 0
        return _ON_CALENDAR.first(self._connection, {"after": after})[0] or after

    def actors(self, plan_id: int) -> list[int]:
        """Return everybody who did an audited act in this plan."""
        return list(self._connection.execute(_ACTORS, {"plan_id": plan_id}).scalars())


_CLOSES = Prepared(select(_P.c.closes_on, _P.c.timezone).where(_P.c.id == bindparam("plan_id")))
_LAST = Prepared(select(func.max(_E.c.id)))
_ON_CALENDAR = Prepared(
    select(func.max(_E.c.id)).where(
        _E.c.id > bindparam("after"), or_(*(_E.c.act.startswith(prefix, autoescape=True) for prefix in CALENDAR))
    )
)
_ACTORS = (
    select(_E.c.actor_id)
    .where(_E.c.plan_id == bindparam("plan_id"), _E.c.actor_id.is_not(None))
    .distinct()
    .order_by(_E.c.actor_id)
)


def kind_of(act: str) -> str:
    """The kind of an act; "" if this version does not know the act."""
    word = re.split("[._]", act)[0]
    return next((kind for kind, words in KINDS.items() if word in words), "")


AFTER_THE_END: Final = frozenset(
    act
    for act in AUDITED_ACTS
    if kind_of(act) in ("people", "exports") or act in ("plan.downloaded", "restricted.viewed", "setting.changed")
)
"""The acts on a plan that has been closed: it is still read, and people still come and go."""
