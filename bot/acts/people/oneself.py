"""Acts on oneself: language, time zone, and the consent to the privacy notice."""

from bot.acts.people.delegations import link_used
from bot.chat.actor import Actor, Notification


def set_language(actor: Actor, language: str) -> None:
    actor.unit.people.set_language(actor.oneself, language)


def set_form_language(actor: Actor, language: str) -> None:
    """Ask forms in this language if they speak it. Everything else stays."""
    actor.unit.people.set_form_language(actor.oneself, language)


def set_timezone(actor: Actor, name: str) -> None:
    """Set the person's time zone. `name` is a zone of the IANA database."""
    actor.unit.people.set_timezone(actor.oneself, name)


def accept_privacy(actor: Actor) -> list[Notification]:
    """Record the consent. The first time, return what tells those who had invited the person: only now they are in."""
    if not actor.unit.people.accept_privacy(actor.oneself, actor.now):
        return []
    person = actor.unit.people.by_id(actor.oneself)
    return [news for held in person.memberships for news in link_used(actor.unit, held)]
