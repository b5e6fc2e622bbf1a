"""Acts on comments: an observer writes to the coordination, and the coordination answers."""

from bot.chat.actor import Actor, Notification, told
from conversations.card import Button, Card, bold, cut, home_button, italic, line, paragraph
from conversations.plan.model import Activity, Indicator, Role
from conversations.routes import Route, tap
from conversations.wording import wording
from storage.reports.comments import StoredComment


def write(actor: Actor, item: Activity | Indicator | None, text: str, agency_code: str) -> list[Notification]:
    """Keep a comment about an item of the plan (None: about the plan). Return the notifications for the coordinators.

    For a restricted item the notification does not quote the comment, because it can be read on a lock screen (S24).
    `agency_code` is the agency of the writer.
    """
    subject, code = (item.subject, item.code) if item is not None else (None, "")
    number = actor.unit.comments.add(actor.plan_id, actor.oneself, subject, text, actor.now)
    news = []
    for coordinator in actor.unit.people.with_role(actor.plan_id, Role.COORDINATOR):
        say = wording(coordinator.language)
        about = code or say("comment.about_plan")
        head = say("comment.told", name=actor.name, agency=agency_code or "–", about=about)
        if item is not None and item.is_restricted:
            look = Button(say("review.look"), tap(Route.COMMENTS, number), "primary")
            news.append(told(coordinator.telegram_id, Card((line(bold(f"🔒 {head}")),), ((look,),))))
            continue
        rows = (
            (Button(say("comment.answer"), tap(Route.COMMENTS, "r", number), "primary"),),
            (Button(say("command.comentarios"), tap(Route.COMMENTS)),),
        )
        news.append(told(coordinator.telegram_id, Card((line(bold(head)), *paragraph(text)), rows)))
    return news


def answer(actor: Actor, comment: StoredComment, text: str, *, is_restricted: bool) -> list[Notification] | None:
    """Settle a comment with an answer. Return the notification for its writer; None if it was settled already.

    The list is empty if the writer has left the plan or is suspended (S17). About a restricted item the notification
    quotes nothing: it would stay in the chat (S15, S24).
    """
    if not actor.unit.comments.settle(comment.plan_id, comment.id, by=actor.oneself, now=actor.now, reply=text):
        return None
    if actor.unit.people.by_id(comment.person_id).membership_in(comment.plan_id) is None:
        return []
    say = wording(comment.language)
    head = line(bold(say("comment.answered", about=comment.code or say("comment.about_plan"))))
    if is_restricted:
        look = Button(say("review.look"), tap(Route.COMMENTS), "primary")
        return [told(comment.chat_id, Card((head,), ((look,),)))]
    quoted = line(italic(f"«{cut(comment.text, 200)}»"))
    return [told(comment.chat_id, Card((head, quoted, *paragraph(text)), ((home_button(say, anew=True),),)))]


def settle(actor: Actor, comment: StoredComment) -> None:
    """Mark a comment as read and done. Its writer gets no answer."""
    actor.unit.comments.settle(comment.plan_id, comment.id, by=actor.oneself, now=actor.now)
