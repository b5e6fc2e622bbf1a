"""/exportar: ask for a file, by buttons or by typing, and stop the request or repeat it afterwards."""

from dataclasses import replace

from bot.acts.sharing import exports as acts
from bot.acts.sharing.exports import AT_ONCE, KEPT, KIND, Asker, offers_of, request, scope_of
from bot.chat.exchange import Denied, Exchange, existing, number_of
from conversations.card import Card, home_button, line
from conversations.plan.model import Role
from conversations.plan.sharing.export_progress import ended_card, sending_card, working_card
from conversations.plan.sharing.export_request import (
    Choice,
    Left,
    Offer,
    answered,
    fit,
    fitted,
    obstacles,
    options_card,
    read_words,
    refused,
    request_card,
)
from storage.errors import Conflict, NotFound
from storage.exports.wanted import INTERNAL, Refused
from storage.messages.jobs import StoredJob

ONE_PAGE = Choice(dataset="plan-state", format="pdf", audience=INTERNAL)
"""The plan on one page. A role that may see less gets the page of its own audience."""


# ------------------------------------------------------------------ /exportar
def export(ex: Exchange, act: str, value: str) -> None:
    """Show the request, ask one of its questions, or do the act of a button."""
    if act in _OF_A_JOB:
        _OF_A_JOB[act](ex, number_of(value))
    elif act == "page":
        _page(ex, value or ONE_PAGE.dataset)
    elif (standing := _standing(ex)) is None:
        return
    elif not act:
        choice, offers, left = standing
        _answer_in_place(ex, request_card(choice, offers, ex.say, left))
    elif act == "go":
        _request(ex, standing[0], standing[1], value)
    else:
        _answer(ex, standing[0], standing[1], act, value)


def export_typed(ex: Exchange, text: str) -> None:
    """Change the request by the words typed behind the command: dataset, period, audience, format."""
    standing = _standing(ex)
    if standing is None:
        return
    choice, offers, _ = standing
    scope = scope_of(ex.unit, ex.membership.plan_id, ex.language)
    choice, left = read_words(text, offers, scope, choice)
    acts.remember(ex.actor, choice)
    _answer_in_place(ex, request_card(choice, offers, ex.say, left))


def _standing(ex: Exchange) -> tuple[Choice, tuple[Offer, ...], Left] | None:
    """The last request, the offers for this role, and what had to be dropped from it.

    None, with a message, if there are no offers.
    """
    offers = offers_of(Role(ex.membership.role))
    found = fit(acts.remembered(ex.actor, ex.language), offers)
    if found is None:
        _answer_in_place(ex, Card((line(ex.say("export.none")),), ((home_button(ex.say),),)))
        return None
    choice, left = found
    return choice, offers, left


def _answer(ex: Exchange, choice: Choice, offers: tuple[Offer, ...], act: str, value: str) -> None:
    scope = scope_of(ex.unit, ex.membership.plan_id, ex.language)
    if not value:
        card = options_card(act, choice, offers, scope, ex.today, ex.say)
        if card is None:
            raise Denied
        _answer_in_place(ex, card)
        return
    changed = answered(act, value, choice, scope)
    found = fit(changed, offers) if changed is not None else None
    if found is None:
        raise Denied
    changed, left = found
    acts.remember(ex.actor, changed)
    _answer_in_place(ex, request_card(changed, offers, ex.say, left))


def _page(ex: Exchange, dataset: str) -> None:
    """Make a page at once, without questions: the plan on one, or its balance on two. The remembered request stays."""
    offers = offers_of(Role(ex.membership.role))
    wanted = replace(ONE_PAGE, dataset=dataset)
    choice = fitted(wanted, offers)
    if choice is None or (choice.dataset, choice.format) != (dataset, ONE_PAGE.format):
        raise Denied
    number = _asked_for(ex, choice, offers)
    if number is not None:
        ex.forget_card()  # the menu stays above
        _show_working(ex, choice, number)


def _request(ex: Exchange, choice: Choice, offers: tuple[Offer, ...], mark: str) -> None:
    if mark != choice.mark:
        ex.toast = ex.say("export.changed")  # the button belongs to an earlier request
        _answer_in_place(ex, request_card(choice, offers, ex.say))
        return
    number = _asked_for(ex, choice, offers)
    if number is not None:
        acts.remember(ex.actor, choice)
        ex.return_to_tapped()
        _show_working(ex, choice, number)


def _asked_for(ex: Exchange, choice: Choice, offers: tuple[Offer, ...]) -> int | None:
    """Queue the export; return the number of its job.

    None, with a message, if it cannot be made or is being made already.
    """
    if in_the_way := obstacles(choice, offers):
        _refuse(ex, choice, offers, refused(in_the_way[0], choice, ex.say))
        return None
    open_ones = ex.unit.jobs.of_kind(KIND, chat_id=ex.chat_id)
    if any(Choice.of(job.payload["choice"]) == choice for job in open_ones):
        ex.toast = ex.say("export.already")
        return None
    if len(open_ones) >= AT_ONCE:
        ex.toast, ex.is_alert = ex.say("export.busy", n=len(open_ones)), True
        return None
    try:
        return request(ex.unit, choice, _asker(ex), ex.now)
    except Refused as why:
        _refuse(ex, choice, offers, refused(why.why, choice, ex.say))
    except (NotFound, Conflict):
        _refuse(ex, choice, offers, ex.say("export.not_in_plan"))
    return None


def _asker(ex: Exchange) -> Asker:
    return Asker(
        plan_id=ex.membership.plan_id,
        person_id=ex.person.id,
        role=Role(ex.membership.role),
        chat_id=ex.chat_id,
        language=ex.language,
    )


def _show_working(ex: Exchange, choice: Choice, number: int) -> None:
    card_id = ex.show(working_card(choice, number, 0, 0, ex.say), is_last=True)
    acts.show_on(ex.unit, number, card_id)
    ex.stand(None)


def _refuse(ex: Exchange, choice: Choice, offers: tuple[Offer, ...], why: str) -> None:
    ex.toast, ex.is_alert = why, True
    _answer_in_place(ex, request_card(choice, offers, ex.say))


# ------------------------------------------------------------------ what is made, or was
def _stop(ex: Exchange, number: int) -> None:
    job = _own_job(ex, number)
    if not acts.cancel(ex.actor, job):
        ex.toast = ex.say("export.sending")
        return
    ex.return_to_tapped()
    ex.answer(ended_card(Choice.of(job.payload["choice"]), "cancelled", ex.say), is_last=True)


def _again(ex: Exchange, number: int) -> None:
    """Send the files again, because the person says that they have not arrived. Nothing else repeats an export (G7)."""
    job = _own_job(ex, number)
    choice = Choice.of(job.payload["choice"])
    if job.state != "done" or not job.error:
        ex.toast = ex.say("export.already")
        return
    ex.return_to_tapped()
    if ex.now - job.created_at > KEPT:
        ex.answer(ended_card(choice, "gone", ex.say), is_last=True)
        return
    ex.answer(sending_card(choice, acts.send_again(ex.actor, ex.chat_id, job), ex.say), is_last=True)


_OF_A_JOB = {"stop": _stop, "again": _again}


def _own_job(ex: Exchange, number: int) -> StoredJob:
    """The export that a button names. Denied unless this person asked for it, in the role they have now (S3)."""
    return existing(acts.own_job, ex.actor, ex.membership.role, number)


# ------------------------------------------------------------------ inside
def _answer_in_place(ex: Exchange, card: Card) -> None:
    ex.return_to_tapped()
    ex.answer(card)
