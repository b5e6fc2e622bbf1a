"""What a phone shows of a session: one card, drawn from the state of the session.

A card is one message with buttons. It is edited in place as long as the respondent only taps
(docs/domain.md#words-in-the-chat). Its texts are plain characters. Only the renderer (`bot/telegram/render.py`) knows
how a style is written. So nothing that a person typed can act as markup (S7).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from conversations.card import Button, Card, bold, line
from conversations.routes import form_tap
from conversations.session.cards.question import question_card, which_reading_card
from conversations.session.cards.repeats import choosing_card, confirming_card, removing_card, repeat_card
from conversations.session.cards.review import listing_card, review_card
from conversations.session.cards.view import View, heading, topic, topic_of, view_of
from conversations.session.effects import Answered, Effect, Notice, Reject
from conversations.session.questions import is_sending
from conversations.session.repeats import is_stop, repeat_stop
from conversations.session.session import Choosing, Confirming, Listing, Reading, Removing, Session
from conversations.session.shown import shown
from conversations.wording import Wording, wording
from conversations.xforms.form import Form
from conversations.xforms.instance import Instance
from conversations.xforms.limits import Exhausted


def session_card(
    form: Form,
    session: Session,
    instance: Instance,
    *,
    now: datetime,
    notices: Sequence[str] = (),
    is_trial: bool = False,
) -> Card:
    """Draw the card of a session. It depends on the session alone.

    Drawing has its own budget. If the texts of the form need more, the card says so, and the respondent can leave.
    """
    instance.refill()
    try:
        return _drawn(view_of(form, session, instance, now, notices))
    except Exhausted as limit:
        if is_trial:
            raise
        say = wording(session.language)
        told = notices or (say(f"err.too_much_{limit.measure}"),)
        lines = (*heading(form, session), *(line("⚠️ ", text) for text in told))
        return Card(lines, ((Button(say("nav.back"), form_tap("back")), Button(say("nav.leave"), form_tap("leave"))),))


def _drawn(view: View) -> Card:
    """Draw the open question about an act. If there is none: the question, the stop of a repeat, or the review."""
    session = view.session
    current = stop = None
    if is_stop(session.at):
        stop = repeat_stop(view.instance, session.at) if session.at in view.stops else None
    elif session.at in view.questions:
        current = view.instance.node(session.at)
    match session.pending:
        case None:
            pass
        case Confirming(_, _, lost, _):
            return confirming_card(view, lost)
        case Reading(values, _) if current is not None:
            return which_reading_card(view, current, values)
        case Listing(within):
            return listing_card(view, within)
        case Removing(ref, lost):
            return removing_card(view, ref, lost)
        case Choosing(act) if stop is not None:
            return choosing_card(view, stop, act)
        case _:
            pass
    if stop is not None:
        return repeat_card(view, stop)
    if current is None or is_sending(current.question):
        return review_card(view, current)
    return question_card(view, current)


def notices_of(effects: Iterable[Effect], say: Wording) -> list[str]:
    """Return the lines that the effects of a step add to its card: refusals and notices, in their order."""
    found = []
    for effect in effects:
        match effect:
            case Reject(message):
                found.append(message)
            case Notice(key, values):
                found.append(say(key, **dict(values)))
            case _:
                pass
    return found


def answered_card(session: Session, instance: Instance, answered: Answered) -> Card:
    """Draw what remains of a card when its question was answered by typing. Its words were drawn before."""
    instance.refill()
    say = wording(session.language)
    if answered.ref:
        node = instance.node(answered.ref)
        label, text = topic_of(instance, node), shown(instance, node, session.language)
    else:
        label, text = topic(answered.label), answered.shown
    return Card((line(f"✓ {label}{say.colon}", bold(text)),))
