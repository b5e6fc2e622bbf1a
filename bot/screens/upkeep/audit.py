"""/auditoria: the audit log in the chat, for the people whom it concerns (docs/domain.md#who-sees-what)."""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.acts.upkeep.audit import Teller, bounds_of, day_told
from bot.chat.exchange import Denied, Exchange
from conversations.card import Button, Card, Line, bold, cut, home_button, in_rows, italic, line
from conversations.plan.model import Role
from conversations.routes import ButtonTap, Route, awaiting, tap
from conversations.session.reading.dates import read_date
from conversations.session.reading.results import Understood
from conversations.wording import Wording
from storage.database.audit import KINDS, Search
from storage.errors import StorageError
from storage.unit_of_work import UnitOfWork
from storage.upkeep.chain import sealed_until

PAGE: Final = 6
CHOICES: Final = 8
OVERSEERS: Final = frozenset({Role.ADMIN, Role.COORDINATOR})
"""Roles that see everybody's acts. Other readers see their own acts, and acts that name them."""


# ------------------------------------------------------------------ /auditoria
@dataclass(frozen=True, slots=True)
class Look:
    """The part of the log to look at: the entry before which the page begins, and the filters."""

    before: int = 0
    kind: str = ""
    person: int = 0
    day: str = ""

    @classmethod
    def of(cls, argument: str) -> "Look | None":
        """Read it from a button. None for anything else."""
        found = re.fullmatch(r"(\d{0,17})-([a-z]*)-(\d{0,17})-(\d{8})?", argument, re.ASCII)
        if found is None or (found[2] and found[2] not in KINDS):
            return None
        return cls(int(found[1] or 0), found[2], int(found[3] or 0), found[4] or "")

    def tap(self, **changes: Any) -> ButtonTap:
        look = replace(self, **changes)
        return tap(Route.AUDIT, f"{look.before or ''}-{look.kind}-{look.person or ''}-{look.day}")


def log(ex: Exchange, argument: str) -> None:
    """Show a page of acts, the newest first, with the filters of the button."""
    if not argument:
        _show_log(ex, Look())
    elif argument in ("filter", "person", "day"):
        _choose(ex, argument)
    elif (look := Look.of(argument)) is not None:
        _show_log(ex, look)
    else:
        raise Denied


def log_typed(ex: Exchange, text: str) -> None:
    """Show the acts of the day that is typed behind the command."""
    hear_day(ex, "day", text)


def hear_day(ex: Exchange, _: str, text: str) -> None:
    """Read the day that was asked for."""
    match read_date(text, today=ex.today, language=ex.language, prefer="past"):
        case Understood(value):
            _show_log(ex, Look(day=value.replace("-", "")))
        case _:
            ex.notice(ex.say("err.date"))
            ex.stand(None, awaits=awaiting(Route.AUDIT, "day"))


def _show_log(ex: Exchange, look: Look) -> None:
    say, membership = ex.say, ex.membership
    sees_all = membership.role in OVERSEERS
    teller = Teller(ex.unit, membership.plan_id, say, ex.zone, names=membership.role == Role.ADMIN)
    since, until = bounds_of(look.day, ZoneInfo(ex.timezone))
    if look.day and since is None:
        raise Denied
    concerning = None if sees_all else ex.person.id
    search = Search(look.kind, look.person or None, since, until, concerning)
    entries = ex.unit.audit.latest(membership.plan_id, search, limit=PAGE + 1, before=look.before or None)
    lines: list[Line] = [line(bold(say("audit.title" if sees_all else "audit.title_own")))]
    told = [say(f"audit.kind.{look.kind}")] if look.kind else []
    if look.person:
        told.append(teller.person(look.person) if sees_all and _is_known(ex, look.person) else "–")
    if look.day:
        told.append(day_told(look.day, ex.language))
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
            (Button(say("audit.filter"), tap(Route.AUDIT, "filter")), Button(say("audit.export"), tap(Route.EXPORT)))
        )
    if look != Look():
        rows.append((Button(say("audit.newest"), tap(Route.AUDIT)),))
    ex.answer(Card(tuple(lines), (*rows, (home_button(say),))))


def _is_known(ex: Exchange, person_id: int) -> bool:
    return person_id in ex.unit.audit.actors(ex.membership.plan_id)


def _sealed(unit: UnitOfWork, say: Wording) -> str:
    """Say how far the chain is sealed."""
    try:
        head, waiting = sealed_until(unit)
    except StorageError:
        return say("audit.broken")
    if head is None:
        return say("audit.unsealed")
    return say("audit.sealed" if not waiting else "audit.sealed_but", head=head.note, n=waiting)


def _choose(ex: Exchange, what: str) -> None:
    """Ask for a filter: a kind of act, a person, or a day."""
    if ex.membership.role not in OVERSEERS:
        raise Denied
    say, look = ex.say, Look()
    back = (Button(say("nav.back"), tap(Route.AUDIT)),)
    if what == "filter":
        kinds = [Button(say(f"audit.kind.{kind}"), look.tap(kind=kind)) for kind in KINDS]
        by_person = Button(say("audit.by_person"), tap(Route.AUDIT, "person"))
        by_day = Button(say("audit.by_day"), tap(Route.AUDIT, "day"))
        ex.answer(Card((line(say("audit.filter_by")),), (*in_rows(kinds, 2), (by_person, by_day), back)))
        return
    if what == "person":
        teller = Teller(ex.unit, ex.membership.plan_id, say, ex.zone, names=ex.membership.role == Role.ADMIN)
        people = [(teller.person(id), id) for id in ex.unit.audit.actors(ex.membership.plan_id)]
        buttons = [(Button(cut(told), look.tap(person=id)),) for told, id in sorted(people)]
        ex.answer(Card((line(say("audit.which_person")),), (*buttons[: 4 * CHOICES], back)))
        return
    days = [ex.today - timedelta(days=number) for number in range(7)]
    of_days = [Button(ex.day(day), look.tap(day=f"{day:%Y%m%d}")) for day in days]
    ex.ask(Card((line(say("audit.which_day")),), (*in_rows(of_days, 2), back)), Route.AUDIT, "day")
