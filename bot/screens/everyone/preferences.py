"""/ajustes and /misdatos: what each person decides about themselves, and what is kept about them.

Somebody who reports from a consulate lives in another zone than the plan. A person can take away what is kept about
them, as a file. The reports belong to their agency.
"""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from bot.acts.people.oneself import set_timezone
from bot.chat.exchange import Denied, Exchange
from bot.chat.zones import NEAR, is_zone, zone_name, zones_called
from conversations.card import Button, Card, Line, bold, home_button, italic, line, paragraph
from conversations.languages import language_name
from conversations.routes import Route, tap
from conversations.wording import Wording
from storage.database.audit import Search
from storage.people.people import Person
from storage.upkeep.retention import RETENTION


# ------------------------------------------------------------------ oneself
def preferences(ex: Exchange, what: str, name: str) -> None:
    """Show one's own language, zone and pause, and the way to /misdatos. If `name` is given, set this zone."""
    if what == "zone" and name:
        if not is_zone(name):
            raise Denied
        set_timezone(ex.actor, name)
        ex.toast = ex.say("preferences.zone_set")
        _show_zone(ex, name)
    elif what == "zone":
        _choose_zone(ex, (ex.timezone, *NEAR), "preferences.zone_which")
    else:
        _show_zone(ex, ex.zone.key)


def _show_zone(ex: Exchange, zone: str) -> None:
    say = ex.say
    local = ex.now.astimezone(ZoneInfo(zone))
    lines: list[Line] = [
        line(bold(say("preferences.title"))),
        line(say("preferences.language", language=_languages(ex.language, ex.person.form_language))),
        line(say("preferences.zone", zone=zone.replace("_", " "), time=f"{local:%H:%M}")),
        line(italic(say("preferences.hours"))),
    ]
    rows = [
        (
            Button(say("preferences.change_language"), tap(Route.LANGUAGE)),
            Button(say("preferences.change_zone"), tap(Route.PREFERENCES, "zone")),
        )
    ]
    second = [Button(say("command.misdatos"), tap(Route.MY_DATA))]
    if ex.allows(Route.PAUSE):
        second.insert(0, Button(say("command.pausar"), tap(Route.PAUSE)))
    rows_all: list[tuple[Button, ...]] = [*rows, tuple(second)]
    if ex.allows(Route.SETTING):
        rows_all.append((Button(say("settings.title"), tap(Route.SETTING), "primary"),))
    rows_all.append((home_button(say),))
    ex.answer(Card(tuple(lines), tuple(rows_all)))


def _choose_zone(ex: Exchange, zones: tuple[str, ...], key: str) -> None:
    rows = [(Button(zone_name(ex, zone), tap(Route.PREFERENCES, "zone", zone)),) for zone in dict.fromkeys(zones)]
    rows.append((Button(ex.say("nav.back"), tap(Route.PREFERENCES)),))
    ex.ask(Card((line(ex.say(key)),), tuple(rows)), Route.PREFERENCES, "zone")


def hear_zone(ex: Exchange, _: str, text: str) -> None:
    """Read a city as people write it. Offer every time zone with these words in its name."""
    found = zones_called(text)
    _choose_zone(ex, found, "preferences.zone_found" if found else "preferences.zone_none")


# ------------------------------------------------------------------ what is kept about oneself
def my_data(ex: Exchange, what: str) -> None:
    """Show all data stored about the person who asks (law 172-13), and offer it as a file for programs."""
    say = ex.say
    person = ex.unit.people.by_id(ex.person.id)
    if what == "file":
        # Sealed in the outbox: it says when somebody worked, and for whom.
        upload = {"path": f"inline:{_record(ex, person)}", "name": say("mydata.file_name"), "type": "application/json"}
        payload = {"caption": say("mydata.file_caption"), "@files": {"document": upload}}
        ex.post("sendDocument", payload, kind="notice", sealed=True)
        ex.toast = say("mydata.file_coming")
        return
    if what == "kept":
        told = [f"• {say(f'kept.{rule.name}')}{say.colon}{kept_for(rule.kept, say)}" for rule in RETENTION]
        back = (Button(say("nav.back"), tap(Route.MY_DATA)),)
        text = (line(bold(say("kept.title"))), *map(line, told), line(""), line(italic(say("kept.record"))))
        ex.answer(Card(text, (back,)))
        return
    sent = ex.unit.submissions.of_person(person.id, limit=MOST_REPORTS, only_current=False)
    body = say(
        "mydata.body",
        name=person.name,
        role=say(f"role.{ex.membership.role}"),
        agency=ex.agency_code or "–",
        language=_languages(person.language, person.form_language),
        telegram_id=person.telegram_id,
        since=ex.day(person.joined_at),
        reports=len(sent),
        drafts=len(ex.unit.sessions.drafts_of(person.id)),
    )
    lines = (line(bold(say("mydata.title"))), *paragraph(body), line(""), line(italic(say("mydata.rights"))))
    rows = (
        (Button(say("mydata.file"), tap(Route.MY_DATA, "file")),),
        (Button(say("kept.title"), tap(Route.MY_DATA, "kept")),),
        (home_button(say),),
    )
    ex.answer(Card(lines, rows))


def _languages(language: str, form_language: str) -> str:
    """The person's language, and the language of their forms if that is another one."""
    return f"{language_name(language)} · {form_language}" if form_language else language_name(language)


def kept_for(kept: timedelta, say: Wording) -> str:
    """A lifetime in the largest unit that fits."""
    return say("kept.years", n=kept.days // 365) if kept.days % 365 == 0 else say("kept.days", n=kept.days)


MOST_REPORTS = 1000
MOST_ACTS = 1000


def _record(ex: Exchange, person: Person) -> str:
    """Return everything about the person, as JSON. Reports come without answers, which belong to the agency."""
    unit = ex.unit
    sent = unit.submissions.of_person(person.id, limit=MOST_REPORTS, only_current=False)
    record: dict[str, Any] = {
        "made_at": ex.now,
        "person": {
            "name": person.name,
            "telegram_id": person.telegram_id,
            "language": person.language,
            "form_language": person.form_language,
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
            for entry in unit.audit.latest(ex.membership.plan_id, Search(concerning=person.id), limit=MOST_ACTS)
        ],
    }
    return orjson.dumps(record, option=orjson.OPT_INDENT_2).decode()
