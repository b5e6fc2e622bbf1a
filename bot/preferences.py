"""/ajustes and /misdatos: what each person decides about themselves and may know, and what admins decide for the plan.

Somebody who reports from a consulate wakes up in another zone than the plan's; a secretariat moves and its telephone
with it. Both are changed where they are noticed, in the chat. What a person may take away is what is kept about
them, as a file; the reports themselves are their agency's.
"""

from datetime import timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import orjson

from bot.exchange import Denied, Exchange
from conversations.cards import Button, Card, Line, bold, italic, line, paragraph
from conversations.engine import show_date
from conversations.reading import normalise
from conversations.wording import LANGUAGE_NAMES, LANGUAGES, Wording, wording
from storage.people import Person
from storage.retention import RETENTION
from storage.settings import CONTACT, SETTINGS, Setting, find
from storage.unit_of_work import UnitOfWork

NEAR = ("America/Port-au-Prince", "America/New_York", "Europe/Madrid")
"""Zones that are offered beside the plan's; all others by typing."""
FOUND = 8


# ------------------------------------------------------------------ oneself
def preferences(ex: Exchange, argument: str) -> None:
    """One's own language, zone and silence, and the way to what is kept; `zone.NAME` changes the zone."""
    what, _, name = argument.partition(".")
    if what == "zone" and name:
        if not is_zone(name):
            raise Denied
        ex.unit.people.set_timezone(ex.person.id, name)
        ex.toast = ex.say("preferences.zone_set")
        _show(ex, name)
    elif what == "zone":
        _choose_zone(ex, (ex.house.timezone, *NEAR), "preferences.zone_which")
    else:
        _show(ex, ex.zone.key)


def _show(ex: Exchange, zone: str) -> None:
    say = ex.say
    local = ex.now.astimezone(ZoneInfo(zone))
    lines: list[Line] = [
        line(bold(say("preferences.title"))),
        line(say("preferences.language", language=LANGUAGE_NAMES[ex.language])),
        line(say("preferences.zone", zone=zone.replace("_", " "), time=f"{local:%H:%M}")),
        line(italic(say("preferences.hours"))),
    ]
    rows = [
        (
            Button(say("preferences.change_language"), "command:idioma:"),
            Button(say("preferences.change_zone"), "command:ajustes:zone"),
        )
    ]
    second = [Button(say("command.misdatos"), "command:misdatos:")]
    if _may(ex, "pausar"):
        second.insert(0, Button(say("command.pausar"), "command:pausar:"))
    rows_all: list[tuple[Button, ...]] = [*rows, tuple(second)]
    if _may(ex, "ajuste"):
        rows_all.append((Button(say("settings.title"), "command:ajuste:", "primary"),))
    rows_all.append((Button(say("menu.home"), "command:menu:"),))
    ex.show(Card(tuple(lines), tuple(rows_all)))
    ex.stand(None)


def _choose_zone(ex: Exchange, zones: tuple[str, ...], key: str) -> None:
    rows = [(Button(zone_name(ex, zone), f"command:ajustes:zone.{zone}"),) for zone in dict.fromkeys(zones)]
    rows.append((Button(ex.say("nav.back"), "command:ajustes:"),))
    ex.show(Card((line(ex.say(key)),), tuple(rows)))
    ex.stand(None, awaits="ajustes:zone")


def zone_name(ex: Exchange, zone: str) -> str:
    """A zone and what its clocks show now."""
    return f"{zone.replace('_', ' ')} · {ex.now.astimezone(ZoneInfo(zone)):%H:%M}"


def hear_zone(ex: Exchange, argument: str, text: str) -> None:
    """A city, as people write it: every zone whose name has these words."""
    found = zones_called(text)
    _choose_zone(ex, found, "preferences.zone_found" if found else "preferences.zone_none")


def zones_called(text: str) -> tuple[str, ...]:
    """The zones that somebody means by "Europe/Madrid", "madrid" or "port au prince", the likeliest first.

    Accents and case are forgiven. One whose whole name or city it is, is the only one.
    """
    words = _spoken(text).split()
    found = [zone for spoken, zone in _zones().items() if words and all(word in spoken for word in words)]
    for exact in (text, text.rpartition("/")[2]):
        named = [zone for zone in found if _spoken(exact) in (_spoken(zone), _spoken(zone.rpartition("/")[2]))]
        if len(named) == 1:
            return tuple(named)
    return tuple(sorted(found, key=lambda zone: (zone.count("/"), zone))[:FOUND])


def is_zone(name: str) -> bool:
    """Whether it is one that people live in."""
    return name in _zones().values()


def _spoken(name: str) -> str:
    return normalise(name.replace("/", " ").replace("_", " ").replace("-", " "))


@cache
def _zones() -> dict[str, str]:
    """Zones of cities, by what they are called; `Etc/…` and old abbreviations are nobody's home."""
    return {
        _spoken(name): name
        for name in sorted(available_timezones())
        if "/" in name and not name.startswith(("Etc/", "SystemV/", "posix/", "right/", "US/"))
    }


# ------------------------------------------------------------------ what is kept about oneself
def my_data(ex: Exchange, argument: str) -> None:
    """What is kept about the person who asks (law 172-13): told, and as a file for a program to read."""
    say = ex.say
    person = ex.unit.people.by_id(ex.person.id)
    if argument == "file":
        # Sealed on its way: it says when somebody worked, and for whom.
        upload = {"path": f"inline:{_record(ex, person)}", "name": say("mydata.file_name"), "type": "application/json"}
        payload = {"caption": say("mydata.file_caption"), "@files": {"document": upload}}
        ex.post("sendDocument", payload, kind="notice", sensitive=True)
        ex.toast = say("mydata.file_coming")
        return
    if argument == "kept":
        told = [f"• {say(f'kept.{rule.name}')}: {kept_for(rule.kept, say)}" for rule in RETENTION]
        back = (Button(say("nav.back"), "command:misdatos:"),)
        text = (line(bold(say("kept.title"))), *map(line, told), line(""), line(italic(say("kept.record"))))
        ex.show(Card(text, (back,)))
        ex.stand(None)
        return
    sent = ex.unit.submissions.of_person(person.id, limit=MOST_REPORTS, only_current=False)
    body = say(
        "mydata.body",
        name=person.name,
        role=say(f"role.{ex.membership.role}"),
        agency=ex.agency_code or "–",
        language=LANGUAGE_NAMES.get(person.language, person.language),
        telegram_id=person.telegram_id,
        since=show_date(person.joined_at.astimezone(ex.zone).date().isoformat(), ex.language),
        reports=len(sent),
        drafts=len(ex.unit.sessions.drafts_of(person.id)),
    )
    lines = (line(bold(say("mydata.title"))), *paragraph(body), line(""), line(italic(say("mydata.rights"))))
    rows = (
        (Button(say("mydata.file"), "command:misdatos:file"),),
        (Button(say("kept.title"), "command:misdatos:kept"),),
        (Button(say("menu.home"), "command:menu:"),),
    )
    ex.show(Card(lines, rows))
    ex.stand(None)


def kept_for(kept: timedelta, say: Wording) -> str:
    """A lifetime in the largest unit that fits."""
    return say("kept.years", n=kept.days // 365) if kept.days % 365 == 0 else say("kept.days", n=kept.days)


MOST_REPORTS = 1000
MOST_ACTS = 1000


def _record(ex: Exchange, person: Person) -> str:
    """Everything about the person, as JSON. Of reports what and when, not the answers: those are the agency's."""
    unit = ex.unit
    sent = unit.submissions.of_person(person.id, limit=MOST_REPORTS, only_current=False)
    record: dict[str, Any] = {
        "made_at": ex.now,
        "person": {
            "name": person.name,
            "telegram_id": person.telegram_id,
            "language": person.language,
            "timezone": person.timezone,
            "joined_at": person.joined_at,
            "privacy_accepted_at": person.privacy_accepted_at,
            "unreachable_at": person.unreachable_at,
        },
        "roles": [
            {"role": role, "agency": agency, "from": begun_at, "to": ended_at}
            for role, agency, begun_at, ended_at in unit.people.history(person.id)
        ],
        "reports": [
            {
                "receipt": one.receipt_number,
                "version": one.version,
                "about": one.subject,
                "period_id": one.reporting_period_id,
                "submitted_at": one.submitted_at,
                "state": one.validation_state,
            }
            for one in sent
        ],
        "drafts": [
            {"about": draft.subject, "opened_at": draft.opened_at, "expires_at": draft.expires_at}
            for draft in unit.sessions.drafts_of(person.id)
        ],
        "audit": [
            {"at": entry.at, "act": entry.act, "by_me": entry.actor_id == person.id}
            for entry in unit.audit.latest(ex.membership.plan_id, concerning=person.id, limit=MOST_ACTS)
        ],
    }
    return orjson.dumps(record, option=orjson.OPT_INDENT_2).decode()


# ------------------------------------------------------------------ the plan's settings
def settings(ex: Exchange, argument: str) -> None:
    """What admins decide for the plan: the list, one setting, or `name.value`, which changes it."""
    name, has_value, value = argument.partition(".")
    if not name:
        _list_settings(ex)
        return
    setting = _setting(name)
    if has_value:
        _decide(ex, setting, setting.default if value == "default" else value)
    else:
        _show_setting(ex, setting)


def _list_settings(ex: Exchange) -> None:
    say = ex.say
    lines: list[Line] = [line(bold(say("settings.title")))]
    rows: list[tuple[Button, ...]] = []
    for setting in SETTINGS:
        shown = shown_value(say, setting, ex.unit.settings.text(ex.membership.plan_id, setting))
        lines.append(line("• ", f"{say(f'settings.{setting.name}')}: ", bold(shown)))
        rows.append((Button(say(f"settings.{setting.name}"), f"command:ajuste:{setting.name}"),))
    lines += [line(""), line(italic(say("settings.not_here")))]
    rows.append((Button(say("nav.back"), "command:ajustes:"), Button(say("menu.home"), "command:menu:")))
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None)


def _show_setting(ex: Exchange, setting: Setting, *, is_again: bool = False) -> None:
    say, tap = ex.say, f"command:ajuste:{setting.name}"
    kept = ex.unit.settings.text(ex.membership.plan_id, setting)
    lines: list[Line] = [
        line(bold(say(f"settings.{setting.name}")), ": ", shown_value(say, setting, kept)),
        line(say(f"settings.{setting.name}.what")),
    ]
    rows: list[tuple[Button, ...]] = []
    match setting.kind:
        case "yes_no":
            rows.append(tuple(Button(say(f"settings.{each}"), f"{tap}.{each}") for each in ("yes", "no")))
        case "choice":
            rows += [(Button(shown_value(say, setting, each), f"{tap}.{each}"),) for each in setting.choices]
        case "number":
            lines.append(line(italic(say("settings.type_number", least=setting.least, most=setting.most))))
        case "text":
            lines.append(line(italic(say("settings.type_text", most=setting.most))))
    if kept != setting.default:
        rows.append((Button(say("settings.back_to_default"), f"{tap}.default"),))
    rows.append((Button(say("nav.back"), "command:ajuste:"),))
    if is_again:
        lines.insert(0, line(say("settings.no_value")))
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None, awaits=f"ajuste:{setting.name}" if setting.kind in ("number", "text") else "")


def hear_setting(ex: Exchange, argument: str, text: str) -> None:
    setting = _setting(argument)
    if setting.read(text) is None:
        _show_setting(ex, setting, is_again=True)
    else:
        _decide(ex, setting, text)


def _decide(ex: Exchange, setting: Setting, value: str) -> None:
    try:
        ex.unit.settings.set(ex.membership.plan_id, setting, value, now=ex.now, by=ex.person.id)
    except ValueError:
        raise Denied from None
    ex.toast = ex.say("settings.set")
    _list_settings(ex)


def _setting(name: str) -> Setting:
    found = find(name)
    if found is None:
        raise Denied
    return found


def shown_value(say: Wording, setting: Setting, kept: str) -> str:
    """A setting's value as people read it."""
    if not kept:
        return say(f"settings.{setting.name}.default")
    if setting.kind == "yes_no":
        return say(f"settings.{kept}")
    return LANGUAGE_NAMES[kept] if kept in LANGUAGES else kept


# ------------------------------------------------------------------ for whoever has no plan yet
def contact(unit: UnitOfWork, language: str, plan_id: int | None = None) -> str:
    """Whom somebody asks who cannot get in; of several plans, none is named to a stranger."""
    say = wording(language)
    if plan_id is None:
        plan_id = only_plan(unit)
    kept = unit.settings.text(plan_id, CONTACT) if plan_id is not None else ""
    return kept or say("settings.contact.default")


def only_plan(unit: UnitOfWork) -> int | None:
    plans = unit.plans.all()
    return plans[0].id if len(plans) == 1 else None


def _may(ex: Exchange, name: str) -> bool:
    from bot import commands  # the table that this module's handlers are in

    command = commands.find(name)
    return command is not None and ex.membership.role in command.roles
