"""Drafts of an agency that somebody else began: colleagues' drafts, and those of people who left."""

from bot.chat.exchange import Exchange
from conversations.plan.model import AGENCY_ROLES
from conversations.session.session import Session
from storage.people.people import Person


def drafts_of_others(ex: Exchange, *, only_left: bool = False) -> list[tuple[int, str]]:
    """Number and title of the agency's open drafts of other people.

    With `only_left`, only the drafts of people who left.
    """
    left = [(draft, ex.say("delegate.somebody_left")) for draft in ex.unit.sessions.left_in(ex.agency_id)]
    theirs = (
        []
        if only_left
        else [(draft, one.name) for one in others_of_agency(ex) for draft in ex.unit.sessions.drafts_of(one.id)]
    )
    return [
        (draft.id, f"✎ {_title(draft.data, ex.language)} · {name}")
        for draft, name in (*theirs, *left)
        if draft.agency_id == ex.agency_id and draft.expires_at > ex.now and ex.may_report(draft.subject)
    ]


def _title(data: dict[str, object], language: str) -> str:
    about = Session.from_json(data).about
    return str(about.get("code") or about.get("title", {}).get(language, ""))


def others_of_agency(ex: Exchange) -> list[Person]:
    there = ex.unit.people.of_agency(ex.membership.plan_id, ex.agency_id)
    return [one for one in there if one.id != ex.person.id and one.memberships[0].role in AGENCY_ROLES]
