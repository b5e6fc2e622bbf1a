"""An agency joins the plan, changes its name or its type, leaves, and comes back. Nothing of it is ever deleted."""

import json
from collections.abc import Mapping
from datetime import date

from bot.chat.actor import Actor, Notification, message
from conversations.card import Button, Card, line
from conversations.plan.model import Agency, Role
from conversations.routes import Route, tap
from conversations.wording import wording
from storage.errors import Conflict
from storage.people.agencies import NewAgency


def add(actor: Actor, code: str, names: Mapping[str, str], first_day: date, role_type: str = "member") -> Agency:
    """Add an agency. Conflict if its code is taken, ValueError if the code or a name cannot be used."""
    return actor.unit.agencies.add(
        actor.plan_id,
        NewAgency(code, dict(names), role_type=role_type, active_from=first_day),
        actor.now,
        by=actor.person_id,
    )


def rename(actor: Actor, agency: Agency, names: Mapping[str, str]) -> Agency:
    """Change an agency's name in these languages. A blank name removes the name in that language."""
    return actor.unit.agencies.rename(agency, actor.plan_id, dict(names), now=actor.now, by=actor.person_id)


def set_type(actor: Actor, agency: Agency, role_type: str) -> Agency:
    return actor.unit.agencies.set_type(agency, actor.plan_id, role_type, now=actor.now, by=actor.person_id)


def begin(actor: Actor, agency: Agency, first_day: date) -> Agency:
    """Set an agency's first day. ValueError if it would end before it begins."""
    return actor.unit.agencies.begin(agency, actor.plan_id, first_day, now=actor.now, by=actor.person_id)


def end(actor: Actor, agency: Agency, on: date) -> Agency:
    """End an agency's part in the plan. `on` is the first day without it.

    ValueError if it would end before it begins.
    """
    return actor.unit.agencies.end(agency, actor.plan_id, on, now=actor.now, by=actor.person_id)


def reactivate(actor: Actor, agency: Agency) -> Agency:
    return actor.unit.agencies.reactivate(agency, actor.plan_id, now=actor.now, by=actor.person_id)


# ------------------------------------------------------------------ shown before it is made
def propose(actor: Actor, code: str, name: str) -> None:
    """Keep a new agency as somebody typed it, until they confirm it."""
    actor.unit.facts.set(_proposal(actor), json.dumps([code, name]), actor.now)


def add_proposed(actor: Actor, language: str) -> tuple[str, Agency | None] | None:
    """Add the agency that was proposed. Return its code and the agency.

    None if nothing was proposed. The agency is None if another agency has taken the code since. `language` is the
    language of its name.
    """
    kept = actor.unit.facts.get(_proposal(actor))
    if not kept:
        return None
    code, name = json.loads(kept)
    actor.unit.facts.set(_proposal(actor), "", actor.now)
    try:
        return code, add(actor, code, {language: name}, actor.today)
    except Conflict:
        return code, None


def _proposal(actor: Actor) -> str:
    return f"agency_draft.{actor.plan_id}.{actor.person_id}"


# ------------------------------------------------------------------ a post that nobody holds
def ask_for_focal_point(actor: Actor, agency_code: str, today: date) -> list[Notification]:
    """Ask the admins to name somebody who reports for this agency. Return the notifications for them.

    On one day they are asked once: the second time there are no notifications.
    """
    name = f"vacancy.{actor.plan_id}.{agency_code}"
    if actor.unit.facts.get(name) == today.isoformat():
        return []
    actor.unit.facts.set(name, today.isoformat(), actor.now)
    news = []
    for admin in actor.unit.people.with_role(actor.plan_id, Role.ADMIN):
        say = wording(admin.language)
        invite = Button(say("digest.invite", agency=agency_code), tap(Route.INVITE, Role.FOCAL_POINT, agency_code))
        text = say("digest.vacancy", name=actor.name, agency=agency_code)
        news.append(Notification(admin.telegram_id, message(Card((line(text),), ((invite,),)))))
    return news
