"""A change of the plan from its card: an officer proposes it in two taps and a sentence, a coordinator decides.

A date that slips, a target that grows: the plan says so while it happens, and not with the next workbook. Nobody
changes their own promise, so somebody else decides (docs/domain.md#a-change-from-a-card).
"""

import contextlib
from collections.abc import Iterable
from datetime import date
from functools import partial

from bot.acts.plan import changes as acts
from bot.chat.exchange import Denied, Exchange, existing
from conversations.card import Button, Card, Line, bold, cut, home_button, italic, line, page_of, paragraph
from conversations.plan.messages.changes import (
    LONGEST_REASON,
    Change,
    Field,
    Item,
    Unclear,
    change_lines,
    fields_of,
    header_of,
    originals,
    read_change,
    said,
    shown,
)
from conversations.plan.model import Activity, Care
from conversations.routes import Route, tap
from storage.errors import Conflict, NotFound
from storage.plan.past_rows import PastRows
from storage.reports.comments import StoredComment

LISTED = 8


# ------------------------------------------------------------------ proposing
def propose_row(ex: Exchange, item: Item) -> list[tuple[Button, ...]]:
    """Return the button of a card with which an officer proposes a change of it; none for anybody else."""
    is_theirs = ex.allows(Route.PROPOSE) and item.agency_code == ex.agency_code and not ex.is_over
    return [(Button(ex.say("change.propose"), tap(Route.PROPOSE, item.code)),)] if is_theirs else []


def propose(ex: Exchange, code: str, act: str, number: int | None) -> None:
    """Choose what of a row is to change, then ask for the value and the reason; or take a proposal back (`undo`)."""
    item = _own_item(ex, code)
    if act == "undo" and number is not None:
        one = _proposal(ex, number)
        if one.person_id != ex.person.id:
            raise Denied
        ex.toast = ex.say("change.withdrawn" if acts.withdraw(ex.actor, one) else "change.settled")
    elif act in fields_of(item):
        _ask(ex, item, act)
        return
    _choose(ex, item)


def _choose(ex: Exchange, item: Item) -> None:
    say, to = ex.say, partial(tap, Route.PROPOSE, item.code)
    headers = {field: header_of(item, field, ex.language) for field in fields_of(item)}
    lines: list[Line] = [line(bold(_title(ex, item))), line(say("change.which")), line("")]
    for field, header in headers.items():
        value = shown(field, said(item, header), ex.language)
        lines.append(line(bold(f"{say(f'change.field.{field}')}{say.colon}"), value))
    rows = [tuple(Button(say(f"change.field.{field}"), to(field)) for field in headers)]
    for one in acts.own_waiting(ex.actor, item):
        lines += [line(""), line(say("change.waits")), *change_lines(acts.change_of(one), say)]
        rows.append((_undo(ex, item, one.id),))
    back = Button(say("nav.back"), tap(Route.PLAN, "a" if isinstance(item, Activity) else "i", item.code))
    ex.answer(Card(tuple(lines), (*rows, (back, home_button(say)))), restricted=item.is_restricted)


def _ask(ex: Exchange, item: Item, field: Field, problem: str = "") -> None:
    say, value = ex.say, said(item, header_of(item, field, ex.language))
    lines: list[Line] = [line(say(problem))] if problem else [line(bold(_title(ex, item)))]
    lines.append(line(bold(f"{say(f'change.field.{field}')}{say.colon}"), shown(field, value, ex.language)))
    lines += [line(""), line(say(f"change.ask.{field}")), line(italic(say("comment.no_names")))]
    rows = ((Button(say("nav.back"), tap(Route.PROPOSE, item.code)),),)
    ex.ask(Card(tuple(lines), rows), Route.PROPOSE, item.code, field, restricted=item.is_restricted)


def hear_change(ex: Exchange, code: str, field: str, text: str) -> None:
    """Read what is proposed and why. What is not clear is asked again."""
    item = _own_item(ex, code)
    if field not in fields_of(item):
        raise Denied
    try:
        change = read_change(item, field, text, ex.today, ex.language)
    except Unclear as problem:
        _ask(ex, item, field, str(problem))
        return
    number = acts.propose(ex.actor, item, change)
    lines = (line(bold(_title(ex, item))), *change_lines(change, ex.say), line(""), line(ex.say("change.sent")))
    rows = ((_undo(ex, item, number),), (home_button(ex.say),))
    ex.answer(Card(lines, rows), restricted=item.is_restricted)


def _undo(ex: Exchange, item: Item, number: int) -> Button:
    return Button(ex.say("change.undo"), tap(Route.PROPOSE, item.code, "undo", number))


def care_of_change(ex: Exchange, code: str, *_: int | str | None) -> Care:
    """Return how a proposal about this row is treated."""
    return _own_item(ex, code).care


def originals_of(ex: Exchange, item: Item) -> dict[Field, str]:
    """Return what the plan said at first of each field that has been revised since."""
    past, plan_id = ex.unit.of(PastRows), ex.membership.plan_id
    if isinstance(item, Activity):
        return originals(past.with_earlier(plan_id, "activity", [item]), ex.language)
    return originals(past.with_earlier(plan_id, "indicator", [item]), ex.language)


# ------------------------------------------------------------------ deciding
def waiting_row(ex: Exchange) -> list[tuple[Button, ...]]:
    """Return the button to the proposals that wait for a coordinator; none while there are none."""
    n = ex.unit.comments.count_proposals(ex.membership.plan_id)
    return [(Button(ex.say("change.waiting", n=n), tap(Route.CHANGES)),)] if n else []


def changes(ex: Exchange, act: int | str, number: int | None) -> None:
    """List the proposals that wait (a page: `p1`), show the one with a number, accept it (`yes`), or ask why it is
    refused (`no`).
    """
    if isinstance(act, int):
        _show(ex, _proposal(ex, act))
    elif act in ("yes", "no") and number is not None:
        one = _proposal(ex, number)
        if not acts.may_decide(ex.actor, one):
            raise Denied
        (_accept if act == "yes" else _ask_why)(ex, one)
    else:
        _list(ex, int(act.removeprefix("p") or 0))


def _list(ex: Exchange, page: int) -> None:
    say = ex.say
    found = ex.unit.comments.open(ex.membership.plan_id, proposals=True)
    if not found:
        ex.answer_line(say("change.none"))
        return
    rows_of, following = page_of(found, page, LISTED)
    rows: list[tuple[Button, ...]] = []
    for one in rows_of:
        field = say(f"change.field.{acts.change_of(one).field}")
        rows.append((Button(cut(f"{one.agency_code} · {one.code} · {field}"), tap(Route.CHANGES, one.id)),))
    if following is not None:
        rows.append((Button(say("menu.more"), tap(Route.CHANGES, f"p{following}")),))
    ex.answer(Card((line(bold(say("change.waiting", n=len(found)))),), (*rows, (home_button(say),))))


def _show(ex: Exchange, one: StoredComment, news: Iterable[str] = ()) -> None:
    say, item, change = ex.say, _item(ex, one.code), acts.change_of(one)
    now = said(item, change.header) if item is not None and item.retired_on is None else None
    head = f"{one.agency_code or '–'} · {_title(ex, item) if item else one.code}"
    lines = [line(bold(head)), *change_lines(change, say), line(italic(f"{one.name}, {ex.day(one.written_at)}"))]
    rows: list[tuple[Button, ...]] = []
    if one.settled_at is not None:
        lines += [line(""), line(say(f"change.outcome.{one.outcome}", code=one.code)), *map(line, news)]
        lines += paragraph(one.reply) if one.reply else ()
    elif not acts.may_decide(ex.actor, one):
        lines += [line(""), line(say("change.own"))]
    else:
        refuse = Button(say("change.refuse"), tap(Route.CHANGES, "no", one.id), "danger")
        accept = Button(say("change.accept"), tap(Route.CHANGES, "yes", one.id), "success")
        rows.append((accept, refuse) if now == change.old else (refuse,))
        if now != change.old:
            lines += [line(""), line(bold(say("change.stale", now=shown(change.field, now or "", ex.language))))]
        elif longer := _longer(ex, item, change):
            lines += [line(""), line(say("change.longer", date=ex.day(longer)))]
    if isinstance(item, Activity):
        rows.append((Button(item.code, tap(Route.ACTIVITY, item.code)),))
    rows.append((Button(say("nav.back"), tap(Route.CHANGES)), home_button(say)))
    ex.answer(Card(tuple(lines), tuple(rows)), restricted=_care(ex, one).is_restricted)


def _longer(ex: Exchange, item: Item | None, change: Change) -> date | None:
    """Return the day until which the plan would last, if the change makes it longer."""
    if not isinstance(item, Activity) or change.field != "date":
        return None
    end = date(date.fromisoformat(change.new).year, 12, 31)
    return end if end > ex.unit.plans.by_id(ex.membership.plan_id).ends_on else None


def _accept(ex: Exchange, one: StoredComment) -> None:
    try:
        done = acts.accept(ex.actor, ex.house.forms, one, is_restricted=_care(ex, one).is_restricted)
    except Conflict:  # the card says what has changed
        _show(ex, one)
        return
    if done is None:
        ex.toast = ex.say("change.settled")
    effect, news = done or (None, ())
    ex.pass_on(news)
    _show(ex, _proposal(ex, one.id), effect.sentences(ex.say) if effect else ())


def _ask_why(ex: Exchange, one: StoredComment, problem: str = "") -> None:
    if one.settled_at is not None:
        ex.toast = ex.say("change.settled")
        _show(ex, one)
        return
    lines = [line(problem)] if problem else [line(bold(one.code)), *change_lines(acts.change_of(one), ex.say)]
    rows = ((Button(ex.say("nav.back"), tap(Route.CHANGES, one.id)),),)
    card = Card((*lines, line(""), line(ex.say("change.why_not"))), rows)
    ex.ask(card, Route.CHANGES, "no", one.id, restricted=_care(ex, one).is_restricted)


def hear_why_not(ex: Exchange, _: str, number: int, text: str) -> None:
    """Read why a proposal is refused. Its proposer is told."""
    one = _proposal(ex, number)
    if not acts.may_decide(ex.actor, one):
        raise Denied  # the other coordinator came after the question
    if len(text) > LONGEST_REASON:
        _ask_why(ex, one, ex.say("reopening.too_long", n=LONGEST_REASON))
        return
    news = acts.refuse(ex.actor, one, text, is_restricted=_care(ex, one).is_restricted)
    ex.toast = ex.say("change.settled") if news is None else ""
    ex.pass_on(news or ())
    _show(ex, _proposal(ex, number))


def care_of_decision(ex: Exchange, _: str, number: int, __: str) -> Care:
    """Return how the answer to a proposal is treated: as the proposal."""
    return _care(ex, _proposal(ex, number))


# ------------------------------------------------------------------ inside
def _own_item(ex: Exchange, code: str) -> Item:
    """Return a row of the person's own agency. Denied for any other, and for one that has left the plan."""
    item = _item(ex, code)
    if item is None or item.agency_code != ex.agency_code or item.retired_on is not None:
        raise Denied
    return item


def _item(ex: Exchange, code: str) -> Item | None:
    for find in (ex.unit.plans.activity, ex.unit.plans.indicator):
        with contextlib.suppress(NotFound):
            return find(ex.membership.plan_id, code)
    return None


def _care(ex: Exchange, one: StoredComment) -> Care:
    """Return how a proposal is treated; as restricted if the plan has its row no more."""
    item = _item(ex, one.code)
    return Care(True, True) if item is None else item.care


def _proposal(ex: Exchange, number: int) -> StoredComment:
    one = existing(ex.unit.comments.get, ex.membership.plan_id, number)
    if not one.proposes:
        raise Denied
    return one


def _title(ex: Exchange, item: Item) -> str:
    return f"{item.code} · {item.title(ex.language)}"
