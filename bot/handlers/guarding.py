"""What must not stay in a chat: words that name somebody, and messages beside a restricted form (S14, S15)."""

from bot.chat.exchange import Exchange
from bot.commands import CARE_OF
from bot.telegram.updates import Incoming, Unsupported, typed_in, words, written
from conversations.plan.model import ORDINARY, Care
from conversations.routes import read_awaited
from conversations.session.safeguards.guard import personal_data, refusal, tells_of_shelter


def forget_unread(ex: Exchange, incoming: Incoming) -> bool:
    """Delete what somebody writes who may not report now, if it seems to name somebody. Nobody reads it.

    They had a form a moment ago, or will have one. Of people whom the bot never met it deletes nothing. Whatever
    somebody writes who is suspended is deleted, and no rule reads it.
    """
    what, message_id = incoming.what, written(incoming.what)
    if ex.is_at_work or ex.visit.person is None or message_id is None:
        return False
    is_contact = isinstance(what, Unsupported) and what.is_contact
    if ex.visit.person.is_suspended or is_contact or names_somebody(ex, words(what)):
        ex.delete(message_id)
    return False


def note_restricted(ex: Exchange, incoming: Incoming) -> bool:
    """Note a message that was written beside something restricted, or quotes it. It is deleted later (S15)."""
    message_id, quoted = written(incoming.what), incoming.quoted
    if message_id is None:
        return False
    typed = typed_in(incoming.what)
    is_quote = quoted is not None and ex.unit.restricted.is_shown_in(ex.chat_id, quoted)
    if is_quote or is_restricted(ex, typed.text if typed is not None else ""):
        session = ex.visit.session
        session_id = session.id if session is not None else None
        ex.unit.restricted.note_written(ex.chat_id, message_id, ex.now, session_id=session_id)
    return False


def withholds(ex: Exchange, origin: int, said: str, *, is_place: bool = False) -> bool:
    """Delete a message if words in it that answer nothing seem to name somebody, and tell the person why.

    With `is_place` they are the name of a place on the map.
    """
    if not said:
        return False
    is_strict = ex.visit.session is None or care_now(ex).is_read_strictly
    is_shelter = is_place and tells_of_shelter(said)
    kind = "shelter" if is_shelter else personal_data(said, strict=is_strict, known=ex.known())
    if kind is None:
        return False
    ex.delete(origin)
    ex.notice(ex.say(refusal(kind)))
    return True


def must_go(ex: Exchange, said: str) -> bool:
    """Whether a message that answers nothing leaves the chat: beside something restricted, or if it names somebody."""
    return is_restricted(ex) or names_somebody(ex, said)


def names_somebody(ex: Exchange, said: str) -> bool:
    """Whether words that nobody asked for seem to name somebody. They are read strictly."""
    return personal_data(said, strict=True, known=ex.known()) is not None


def is_restricted(ex: Exchange, text: str = "") -> bool:
    """Whether a message that comes now is written beside a restricted form, or where words about one are awaited."""
    return care_now(ex, text).is_restricted


def care_now(ex: Exchange, text: str = "") -> Care:
    """Return how a message that comes now is treated, by the form beside which it is written, or by what is awaited."""
    if (stored := ex.visit.session) is not None:
        return Care(stored.sensitive, stored.sensitive or bool(stored.data.get("strict")))
    awaited = read_awaited(ex.visit.chat.awaits)
    if awaited is None or awaited[0] not in CARE_OF:
        return ORDINARY
    route, kept = awaited
    return CARE_OF[route](ex, *kept, text)
