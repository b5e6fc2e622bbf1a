"""What somebody decides about themselves: their language, their time zone, and that they know what is kept."""

from bot.chat.actor import Actor


def set_language(actor: Actor, language: str) -> None:
    actor.unit.people.set_language(actor.oneself, language)


def set_form_language(actor: Actor, language: str) -> None:
    """Forms are asked in it where they speak it; everything else is said as before."""
    actor.unit.people.set_form_language(actor.oneself, language)


def set_timezone(actor: Actor, name: str) -> None:
    """`name` is a zone of the IANA database."""
    actor.unit.people.set_timezone(actor.oneself, name)


def accept_privacy(actor: Actor) -> None:
    actor.unit.people.accept_privacy(actor.oneself, actor.now)
