"""Somebody who writes is in danger. They are answered before anybody asks who they are."""

from bot.chat.exchange import Exchange
from bot.handlers.strangers import newcomers_language
from bot.telegram.updates import Incoming, typed_in
from conversations.session.events import Typed
from conversations.session.reading.utterances import language_of
from conversations.session.safeguards.emergencies import emergency
from conversations.wording import Wording, wording


def answer_cry(ex: Exchange, incoming: Incoming) -> bool:
    """Name the hotline to somebody in danger who may not report now. Their open form does it for everybody else."""
    cry = typed_in(incoming.what)
    if ex.is_at_work or cry is None or not emergency(cry.text):
        return False
    if ex.unit.people.may_tell_the_hotline(ex.telegram_id, ex.now):
        language = ex.language if ex.visit.person is not None else newcomers_language(ex, incoming.sender)
        answer(ex, cry, wording(language_of(cry.text, language)))
    return True


def answer(ex: Exchange, cry: Typed, say: Wording) -> None:
    """Name the hotline, and take what was written out of the chat."""
    ex.delete(cry.origin)
    ex.notice(say("err.emergency"))
