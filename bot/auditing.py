"""The audit log, read: in the chat by whom it concerns (DOMAIN §2.7), at the server by whoever looks after it.

A log that only a programmer can read keeps nobody honest: every act is one sentence in the reader's language. Who did
it is told as role and agency; only admins, who answer for access, see names.
"""

import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.complaint import Complaint
from bot.exchange import Denied, Exchange
from bot.opening import open_storage, plan_named
from bot.settings import Settings
from conversations.cards import Button, Card, Line, bold, italic, line
from conversations.engine import show_date
from conversations.plan import Role, period_name
from conversations.reading import Understood, read_date
from conversations.wording import Wording, wording
from storage.audit import KINDS, StoredAuditEntry
from storage.chain import Head, Verdict, sealed_until, stored_head, verify
from storage.database import open_database
from storage.errors import NotFound, StorageError
from storage.unit_of_work import UnitOfWork

PAGE: Final = 6
CHOICES: Final = 8
OVERSEERS: Final = frozenset({Role.ADMIN, Role.COORDINATOR})
"""They see everybody's acts; whoever else may look sees their own, and those that name them."""


# ------------------------------------------------------------------ one act, told
@dataclass(frozen=True, slots=True)
class Teller:
    """Tells acts of one plan in one language; `names`: with the names of people."""

    unit: UnitOfWork
    plan_id: int
    say: Wording
    zone: ZoneInfo
    names: bool

    def at(self, entry: StoredAuditEntry) -> str:
        local = entry.at.astimezone(self.zone)
        return f"{show_date(local.date().isoformat(), self.say.language)}, {local:%H:%M}"

    def who(self, entry: StoredAuditEntry) -> str:
        return self.say("audit.server") if entry.actor_id is None else self.person(entry.actor_id, entry.at)

    def person(self, person_id: int, at: datetime | None = None) -> str:
        """Role and agency of somebody, as they were then or are; with the name for those who may know it."""
        post = self.unit.people.post(person_id, self.plan_id, at)
        told = self.say("audit.no_role") if post is None else f"{self.say(f'role.{post[0]}')} {post[1]}".rstrip()
        return f"{told} · {self.unit.people.by_id(person_id).name}" if self.names else told

    def sentence(self, entry: StoredAuditEntry) -> str:
        """What was done. An act of a later version is told by its name."""
        key = f"audit.{entry.act}"
        return self.say(key).format_map(_Values(self._values(entry.details))) if key in self.say else entry.act

    def _values(self, details: Mapping[str, Any]) -> dict[str, str]:
        values = {name: str(value) for name, value in details.items() if isinstance(value, str | int) and value != ""}
        plans, say = self.unit.plans, self.say
        if isinstance(person := details.get("person"), int):
            values["person"] = self.person(person)
        if "role" in values and f"role.{values['role']}" in say:
            values["role"] = say(f"role.{values['role']}")
        if isinstance(agency_id := details.get("agency_id"), int):
            values["agency"] = plans.agency_by_id(agency_id).code
        if "period" in values:
            with contextlib.suppress(NotFound):
                values["period"] = period_name(plans.period(self.plan_id, values["period"]), say.language)
        if on := values.get("on") or values.get("until"):
            values["date"] = _day_told(on, say.language)
        for name, key in (("dataset", "table.{}"), ("audience", "table.audience.{}")):
            if name in values and key.format(values[name]) in say:
                values[name] = say(key.format(values[name])).lower()
        values["form"] = values.get("form_id", "–")
        return values


class _Values(dict[str, str]):
    """What a sentence asks for and the entry does not hold is a dash."""

    def __missing__(self, name: str) -> str:
        return "–"


def _day_told(day: str, language: str) -> str:
    try:
        return show_date(date.fromisoformat(day).isoformat(), language)
    except ValueError:
        return day


# ------------------------------------------------------------------ /auditoria
@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at: the page that begins before an entry, and what the others must be like."""

    before: int = 0
    kind: str = ""
    person: int = 0
    day: str = ""

    @classmethod
    def of(cls, argument: str) -> "Look | None":
        """As a button carries it; None for anything else."""
        found = re.fullmatch(r"(\d{0,17})-([a-z]*)-(\d{0,17})-(\d{8})?", argument, re.ASCII)
        if found is None or (found[2] and found[2] not in KINDS):
            return None
        return cls(int(found[1] or 0), found[2], int(found[3] or 0), found[4] or "")

    def tap(self, **changes: Any) -> str:
        look = replace(self, **changes)
        return f"command:auditoria:{look.before or ''}-{look.kind}-{look.person or ''}-{look.day}"


def log(ex: Exchange, argument: str) -> None:
    """The newest acts first, a page at a time; a typed day shows that day's."""
    if not argument:
        _show(ex, Look())
    elif argument in ("filter", "person", "day"):
        _choose(ex, argument)
    elif (look := Look.of(argument)) is not None:
        _show(ex, look)
    elif ex.query_id:
        raise Denied
    else:
        hear_day(ex, "", argument)


def hear_day(ex: Exchange, argument: str, text: str) -> None:
    """What is typed where a day is asked for."""
    match read_date(text, today=ex.today, language=ex.language, prefer="past"):
        case Understood(value):
            _show(ex, Look(day=value.replace("-", "")))
        case _:
            ex.notice(ex.say("err.date"))
            ex.stand(None, awaits="auditoria:day")


def _show(ex: Exchange, look: Look) -> None:
    say, membership = ex.say, ex.membership
    sees_all = membership.role in OVERSEERS
    teller = Teller(ex.unit, membership.plan_id, say, ex.zone, names=membership.role == Role.ADMIN)
    since, until = _bounds(look.day, ZoneInfo(ex.house.timezone))
    if look.day and since is None:
        raise Denied
    entries = ex.unit.audit.latest(
        membership.plan_id,
        limit=PAGE + 1,
        before=look.before or None,
        kind=look.kind,
        actor_id=look.person or None,
        since=since,
        until=until,
        concerning=None if sees_all else ex.person.id,
    )
    lines: list[Line] = [line(bold(say("audit.title" if sees_all else "audit.title_own")))]
    told = [say(f"audit.kind.{look.kind}")] if look.kind else []
    if look.person:
        told.append(teller.person(look.person) if sees_all and _is_known(ex, look.person) else "–")
    if look.day:
        told.append(_day_told(look.day, ex.language))
    if told:
        lines.append(line(italic(" · ".join(told))))
    if not entries:
        lines.append(line(say("audit.none")))
    for entry in entries[:PAGE]:
        lines += [line(""), line(italic(f"{teller.at(entry)} · {teller.who(entry)}")), line(teller.sentence(entry))]
    rows: list[tuple[Button, ...]] = []
    if len(entries) > PAGE:
        rows.append((Button(say("audit.older"), look.tap(before=entries[PAGE - 1].id)),))
    if sees_all:
        lines += [line(""), line(italic(_sealed(ex.unit, say)))]
        rows.append(
            (Button(say("audit.filter"), "command:auditoria:filter"), Button(say("audit.export"), "command:exportar:"))
        )
    if look != Look():
        rows.append((Button(say("audit.newest"), "command:auditoria:"),))
    ex.show(Card(tuple(lines), (*rows, (Button(say("menu.home"), "command:menu:"),))))
    ex.stand(None)


def _is_known(ex: Exchange, person_id: int) -> bool:
    return person_id in ex.unit.audit.actors(ex.membership.plan_id)


def _sealed(unit: UnitOfWork, say: Wording) -> str:
    """How far the chain reaches, in words."""
    try:
        head, waiting = sealed_until(unit)
    except StorageError:
        return say("audit.broken")
    if head is None:
        return say("audit.unsealed")
    return say("audit.sealed" if not waiting else "audit.sealed_but", head=head.note, n=waiting)


def _choose(ex: Exchange, what: str) -> None:
    """What to filter by: a kind of act, a person, a day."""
    if ex.membership.role not in OVERSEERS:
        raise Denied
    say, look = ex.say, Look()
    back = (Button(say("nav.back"), "command:auditoria:"),)
    if what == "filter":
        kinds = [Button(say(f"audit.kind.{kind}"), look.tap(kind=kind)) for kind in KINDS]
        rows = [tuple(kinds[i : i + 2]) for i in range(0, len(kinds), 2)]
        rows.append(
            (
                Button(say("audit.by_person"), "command:auditoria:person"),
                Button(say("audit.by_day"), "command:auditoria:day"),
            )
        )
        ex.show(Card((line(say("audit.filter_by")),), (*rows, back)))
        ex.stand(None)
        return
    if what == "person":
        teller = Teller(ex.unit, ex.membership.plan_id, say, ex.zone, names=ex.membership.role == Role.ADMIN)
        people = [(teller.person(id), id) for id in ex.unit.audit.actors(ex.membership.plan_id)]
        buttons = [(Button(_short(told), look.tap(person=id)),) for told, id in sorted(people)]
        ex.show(Card((line(say("audit.which_person")),), (*buttons[: 4 * CHOICES], back)))
        ex.stand(None)
        return
    days = [ex.today - timedelta(days=number) for number in range(7)]
    buttons_of_days = [Button(show_date(day.isoformat(), ex.language), look.tap(day=f"{day:%Y%m%d}")) for day in days]
    rows = [tuple(buttons_of_days[i : i + 2]) for i in range(0, len(days), 2)]
    ex.show(Card((line(say("audit.which_day")),), (*rows, back)))
    ex.stand(None, awaits="auditoria:day")


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _bounds(day: str, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """A day of the plan's zone as instants; (None, None) for none, or for what is no day."""
    try:
        on = date.fromisoformat(day)
        return datetime.combine(on, time(), zone), datetime.combine(on + timedelta(days=1), time(), zone)
    except (ValueError, OverflowError):
        return None, None


# ------------------------------------------------------------------ at the server
def verified(settings: Settings, noted: str) -> Verdict:
    """What a look through the whole log finds; `noted` is a head somebody wrote down, or blank."""
    try:
        head = Head.read(noted) if noted else None
    except StorageError as error:
        raise Complaint(f"--head: {error}. `enlace audit verify`, /estado and every backup print one.") from None
    with open_storage(settings) as database, database.view() as unit:
        return verify(unit, noted=head)


def head_in(file: Path) -> Head | None:
    """Where the audit log ends in a backup, for somebody to write down; None if nothing was sealed yet."""
    with open_database(f"sqlite:///{file.absolute()}") as copy, copy.view() as unit:
        return stored_head(unit, is_trusted=True)


def listed(
    settings: Settings,
    limit: int,
    kind: str,
    language: str,
    *,
    plan_code: str = "",
    telegram_id: int | None = None,
    on: date | None = None,
) -> Iterable[dict[str, Any]]:
    """The newest entries, the newest first, as stored and told in a sentence: of every plan unless one is named.

    `telegram_id` is who did it, `on` a day of ENLACE_TIMEZONE.
    """
    zone = ZoneInfo(settings.timezone)
    since, until = _bounds(f"{on:%Y%m%d}", zone) if on else (None, None)
    if on is not None and since is None:
        raise Complaint(f"{on} is no day that anything was done on.")
    with open_storage(settings) as database, database.view() as unit:
        plan_id = plan_named(unit, plan_code).id if plan_code else None
        person = unit.people.by_telegram_id(telegram_id) if telegram_id is not None else None
        if telegram_id is not None and person is None:
            raise Complaint(
                f"Nobody with the Telegram number {telegram_id} was ever enrolled: see 'enlace people list'."
            )
        first = next((plan.id for plan in unit.plans.all()), 0)
        entries = unit.audit.latest(
            plan_id, limit=limit, kind=kind, actor_id=person.id if person else None, since=since, until=until
        )
        for entry in entries:
            teller = Teller(unit, entry.plan_id or first, wording(language), zone, names=True)
            yield {
                "id": entry.id,
                "at": entry.at.astimezone(teller.zone).isoformat(timespec="seconds"),
                "act": entry.act,
                "who": teller.who(entry),
                "told": teller.sentence(entry),
                "details": entry.details,
            }
