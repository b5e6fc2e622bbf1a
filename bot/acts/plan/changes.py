"""Acts on changes of the plan that officers propose: propose one, withdraw it, refuse it, accept it.

What is accepted is imported as a workbook in which this one cell has changed: the same history, undo and entry.
"""

from bot.acts.plan.importing import Effect, import_plan
from bot.chat.actor import Actor, Notification, told
from bot.chat.form_cache import FormCache
from conversations.card import Button, Card, Line, bold, home_button, line, paragraph
from conversations.plan.messages.changes import Change, Item, Outcome, change_lines
from conversations.plan.model import Role
from conversations.routes import Route, tap
from conversations.wording import wording
from storage.reports.comments import StoredComment


def change_of(one: StoredComment) -> Change:
    return Change.of(one.proposes, one.text)


def own_waiting(actor: Actor, item: Item) -> list[StoredComment]:
    """Return the actor's proposals about this row that nobody has decided."""
    found = actor.unit.comments.open(actor.plan_id, proposals=True)
    return [one for one in found if one.person_id == actor.person_id and one.subject == item.subject]


def propose(actor: Actor, item: Item, change: Change) -> int:
    """Keep a proposal; return its number. One of the same person about the same value is replaced."""
    for one in own_waiting(actor, item):
        if one.proposes == change.header:
            _settle(actor, one, "replaced")
    add = actor.unit.comments.add
    return add(actor.plan_id, actor.oneself, item.subject, change.kept(), actor.now, change.header)


def withdraw(actor: Actor, one: StoredComment) -> bool:
    """Take one's own proposal back. False if it has been decided."""
    return _settle(actor, one, "withdrawn")


def may_decide(actor: Actor, one: StoredComment) -> bool:
    """Whether the actor may decide: not on their own proposal, unless there is no other coordinator."""
    return one.person_id != actor.person_id or len(actor.unit.people.with_role(actor.plan_id, Role.COORDINATOR)) < 2


def accept(
    actor: Actor, forms: FormCache, one: StoredComment, *, is_restricted: bool
) -> tuple[Effect, list[Notification]] | None:
    """Change the plan as it is proposed. Return from when that holds, and the notification for the proposer; None if
    somebody was faster.

    Conflict, and nothing is changed, if the plan says something else by now than when it was proposed.
    """
    from storage.imports.applying import one_cell  # memory that a bot needs only while it imports

    unit, change = actor.unit, change_of(one)
    with unit.aside():
        if not _settle(actor, one, "accepted"):
            return None
        plan, table = unit.plans.by_id(actor.plan_id), (one.subject or "").partition(":")[0]
        draft = one_cell(unit, plan.code, table, one.code, change.header, change.old, change.new)
        done = import_plan(unit, forms, draft, plan.code, actor.person_id, actor.now, timezone=plan.timezone)
    since = map(line, done.effect.sentences(wording(one.language)))
    return done.effect, _answered(actor, one, "accepted", *since, is_restricted=is_restricted)


def refuse(actor: Actor, one: StoredComment, why: str, *, is_restricted: bool) -> list[Notification] | None:
    """Refuse a proposal. Return the notification for its proposer; None if somebody was faster."""
    if not _settle(actor, one, "refused", why):
        return None
    return _answered(actor, one, "refused", *paragraph(why), is_restricted=is_restricted)


def _settle(actor: Actor, one: StoredComment, outcome: Outcome, reply: str | None = None) -> bool:
    return actor.unit.comments.settle(
        one.plan_id, one.id, by=actor.oneself, now=actor.now, reply=reply, outcome=outcome
    )


def _answered(
    actor: Actor, one: StoredComment, outcome: Outcome, *more: Line, is_restricted: bool
) -> list[Notification]:
    """Return the answer to the proposer; none if they have left. About what is restricted it quotes nothing (S24)."""
    if actor.unit.people.by_id(one.person_id).membership_in(one.plan_id) is None:
        return []
    say = wording(one.language)
    head = line(bold(say(f"change.outcome.{outcome}", code=one.code)))
    if is_restricted:
        look = Button(say("review.look"), tap(Route.PROPOSE, one.code), "primary")
        return [told(one.chat_id, Card((head,), ((look,),)))]
    lines = (head, change_lines(change_of(one), say)[0], *more)
    return [told(one.chat_id, Card(lines, ((home_button(say, anew=True),),)))]
