"""Somebody without a role writes, or somebody who is suspended: one line a day says whom to ask."""

from bot.chat.contact import contact, only_plan
from bot.chat.exchange import Exchange
from bot.telegram.updates import Edited, Incoming, Reworded, Sender, typed_in
from conversations.languages import LANGUAGES
from conversations.session.reading.utterances import language_of
from conversations.wording import wording
from storage.plan.settings import LANGUAGE


def answer_stranger(ex: Exchange, incoming: Incoming) -> bool:
    """Turn away a person without a role: one polite line a day, in the language that they write."""
    if ex.visit.person is not None and ex.has_role:
        return False
    is_new = not isinstance(incoming.what, Edited | Reworded)
    if is_new and ex.unit.people.may_answer_stranger(ex.telegram_id, ex.now):
        language = newcomers_language(ex, incoming.sender)
        if (typed := typed_in(incoming.what)) is not None:
            language = language_of(typed.text, language)
        ex.notice(wording(language)("stranger", contact=contact(ex.unit, language)))
    return True


def answer_suspended(ex: Exchange, _: Incoming) -> bool:
    """Turn away a person who is suspended, and say once a day whom to ask."""
    if not ex.person.is_suspended:
        return False
    if ex.unit.people.may_answer_stranger(ex.telegram_id, ex.now):
        ex.notice(ex.say("suspended", contact=contact(ex.unit, ex.language, ex.membership.plan_id)))
    return True


def newcomers_language(ex: Exchange, sender: Sender | None) -> str:
    """A newcomer's language: the phone's if it is one of ours, else the plan's, else the deployment's."""
    code = sender.language_code if sender else ""
    for known in (code, code.partition("-")[0]):
        if known in LANGUAGES:
            return known
    plan_id = only_plan(ex.unit)
    chosen = ex.unit.settings.text(plan_id, LANGUAGE) if plan_id is not None else ""
    return chosen or ex.house.language
