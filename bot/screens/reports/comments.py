"""Observers' comments to the coordination.

An invited member sees from outside what a report leaves out. Their comment reaches the coordination and is answered. It
never changes an agency's datum (docs/domain.md#comments).
"""

import contextlib

from bot.acts.reports import comments as acts
from bot.chat.exchange import Denied, Exchange, existing
from conversations.card import Button, Card, Line, bold, cut, home_button, italic, line, line_card, page_of, paragraph
from conversations.plan.model import ORDINARY, Activity, Care, Indicator, Role
from conversations.routes import Part, Route, tap
from conversations.session.reading.utterances import LONGEST as LONGEST_SAYING
from conversations.session.reading.utterances import mentioned_code
from storage.errors import NotFound
from storage.reports.comments import StoredComment

LONGEST = 1000
"""Characters of a comment or an answer: short enough to be read on a phone between two meetings."""
MOST_OPEN = 20
"""An observer with this many open comments is asked to wait."""
LISTED = 6


# ------------------------------------------------------------------ comments
def comment(ex: Exchange, code: str) -> None:
    """/comentar: comment on the item of the button, or on the plan. The next typed text is the comment."""
    about = _about(ex, code)
    if not _has_too_many(ex):
        _ask_comment(ex, about)


def comment_typed(ex: Exchange, argument: str) -> None:
    """A comment typed behind the command, after the code of its item. A code alone asks for the comment."""
    code, *rest = argument.strip().split(maxsplit=1)
    about, text = _about(ex, code.rstrip(":,;.")), "".join(rest)
    if not about and text:
        text = argument.strip()
    if _has_too_many(ex):
        return
    if not text:
        _ask_comment(ex, about)
    elif not ex.refuses(text, care_of_comment(ex, about, text)):
        hear_comment(ex, about, text)


def _has_too_many(ex: Exchange) -> bool:
    """Whether the person has too many open comments. If so, ask them to wait."""
    if ex.unit.comments.count_open_of(ex.membership.plan_id, ex.person.id) >= MOST_OPEN:
        ex.answer_line(ex.say("comment.too_many", n=MOST_OPEN))
        return True
    return False


def _ask_comment(ex: Exchange, about: str) -> None:
    title = f"{about} · {_title(ex, about)}" if about else ex.say("comment.about_plan")
    lines = (line(bold(title)), line(ex.say("comment.write")), line(italic(ex.say("comment.no_names"))))
    ex.ask(Card(lines, ((Button(ex.say("comment.cancel"), tap(Route.HOME)),),)), Route.COMMENT, about)


def hear_comment(ex: Exchange, argument: str, text: str) -> None:
    """Keep the comment, thank for it, and notify the coordinators."""
    if len(text) > LONGEST:
        _ask_shorter(ex, text, Route.COMMENT, argument)
        return
    item = _commented(ex, argument, text)
    ex.pass_on(acts.write(ex.actor, item, text, ex.agency_code))
    own = Button(ex.say("comment.own"), tap(Route.COMMENTS))
    ex.answer(Card((line(ex.say("observer.contribute")),), ((own, home_button(ex.say)),)))


def _ask_shorter(ex: Exchange, text: str, route: Route, *kept: Part) -> None:
    ex.ask(line_card(ex.say("comment.too_long", n=len(text), limit=LONGEST), ex.say), route, *kept)


def comments(ex: Exchange, act: int | str, number: int | None) -> None:
    """/comentarios: a coordinator reads, answers and settles open comments; an observer sees the answers to their own.

    `act` is a page `p1`, or the number of a comment `7`. `r` answers the comment `number`, `x` settles it without an
    answer.
    """
    if ex.membership.role != Role.COORDINATOR:
        _own_comments(ex)
        return
    if isinstance(act, int):
        _show_comment(ex, _comment(ex, act))
    elif act in ("r", "x"):
        if number is None:
            raise Denied
        _settle(ex, act, _comment(ex, number))
    else:
        _open_comments(ex, int(act.removeprefix("p") or 0))


def hear_answer(ex: Exchange, _: str, number: int, text: str) -> None:
    """Read the answer to a comment, which settles it. Its writer is notified."""
    if ex.membership.role != Role.COORDINATOR:
        raise Denied  # the question was put to somebody whose role has changed since
    found = _comment(ex, number)
    if len(text) > LONGEST:
        _ask_shorter(ex, text, Route.COMMENTS, "r", number)
        return
    news = acts.answer(ex.actor, found, text, is_restricted=_care(ex, found.code).is_restricted)
    if news is None:
        ex.answer_line(ex.say("comment.settled_already"))
        return
    ex.pass_on(news)
    rows = ((Button(ex.say("command.comentarios"), tap(Route.COMMENTS)), home_button(ex.say)),)
    ex.answer(Card((line(ex.say("comment.answer_sent" if news else "comment.answer_kept", name=found.name)),), rows))


def _open_comments(ex: Exchange, page: int) -> None:
    found = ex.unit.comments.open(ex.membership.plan_id)
    if not found:
        ex.answer_line(ex.say("comment.none_open"))
        return
    shown, following = page_of(found, page, LISTED)
    rows: list[tuple[Button, ...]] = []
    for one in shown:
        head = " · ".join(part for part in (one.agency_code, one.code) if part)
        text = (
            f"🔒 {head}"
            if _care(ex, one.code).is_restricted
            else cut(f"{head}{ex.say.colon}{' '.join(one.text.split())}")
        )
        rows.append((Button(text, tap(Route.COMMENTS, one.id)),))
    if following is not None:
        rows.append((Button(ex.say("menu.more"), tap(Route.COMMENTS, f"p{following}")),))
    ex.answer(Card((line(bold(ex.say("comment.open", n=len(found)))),), (*rows, (home_button(ex.say),))))


def _show_comment(ex: Exchange, one: StoredComment) -> None:
    say = ex.say
    when = ex.day(one.written_at)
    about = f"{one.code} · {_title(ex, one.code)}" if one.code else say("comment.about_plan")
    lines = [line(bold(about)), line(italic(f"{one.name} ({one.agency_code or '–'}), {when}")), *paragraph(one.text)]
    rows: list[tuple[Button, ...]] = []
    if one.settled_at is None:
        answer = Button(say("comment.answer"), tap(Route.COMMENTS, "r", one.id), "primary")
        rows.append((answer, Button(say("comment.settle"), tap(Route.COMMENTS, "x", one.id))))
    else:
        lines += [line(""), *_outcome(ex, one)]
    if one.subject and one.subject.startswith("activity:"):
        rows.append((Button(one.code, tap(Route.ACTIVITY, one.code)),))
    rows.append((Button(say("command.comentarios"), tap(Route.COMMENTS)), home_button(ex.say)))
    ex.answer(Card(tuple(lines), tuple(rows)), restricted=_care(ex, one.code).is_restricted)


def _settle(ex: Exchange, act: str, one: StoredComment) -> None:
    if one.settled_at is not None:
        ex.toast = ex.say("comment.settled_already")
        _show_comment(ex, one)
    elif act == "r":
        lines = (line(bold(ex.say("comment.answer_to", name=one.name))), *paragraph(cut(one.text, 300)))
        rows = ((Button(ex.say("comment.cancel"), tap(Route.COMMENTS)),),)
        card = Card((*lines, line(""), line(ex.say("comment.write_answer"))), rows)
        ex.ask(card, Route.COMMENTS, "r", one.id, restricted=_care(ex, one.code).is_restricted)
    else:
        acts.settle(ex.actor, one)
        ex.toast = ex.say("comment.settled")
        _open_comments(ex, 0)


def _own_comments(ex: Exchange) -> None:
    found = ex.unit.comments.of_person(ex.membership.plan_id, ex.person.id, limit=LISTED)
    lines: list[Line] = [line(bold(ex.say("comment.own")))]
    if not found:
        lines.append(line(ex.say("comment.none_own")))
    for one in found:
        when = ex.day(one.written_at)
        about = one.code or ex.say("comment.about_plan")
        lines += [line(""), line(bold(about), f" · {when}"), line(italic(cut(" ".join(one.text.split()), 200)))]
        lines += _outcome(ex, one)
    rows = ((Button(ex.say("command.comentar"), tap(Route.COMMENT)), home_button(ex.say)),)
    ex.answer(Card(tuple(lines), rows), restricted=any(_care(ex, one.code).is_restricted for one in found))


def _outcome(ex: Exchange, one: StoredComment) -> tuple[Line, ...]:
    if one.settled_at is None:
        return (line(f"⏳ {ex.say('comment.waiting')}"),)
    if one.reply is None:
        return (line(f"✅ {ex.say('comment.read')}"),)
    return paragraph(f"↩️ {cut(one.reply, 400)}")


def _comment(ex: Exchange, comment_id: int) -> StoredComment:
    return existing(ex.unit.comments.get, ex.membership.plan_id, comment_id)


def _about(ex: Exchange, argument: str) -> str:
    """Return the code that was named, if the plan has it. "" means the plan as a whole."""
    code = argument.strip().upper()
    return code if code and len(code) <= 32 and _item(ex, code) else ""


def care_of_comment(ex: Exchange, argument: str, text: str) -> Care:
    """Return how a comment with these words is treated."""
    item = _commented(ex, argument, text)
    return ORDINARY if item is None else item.care


def care_of_answer(ex: Exchange, _: str, number: int, text: str) -> Care:
    """Return how an answer to this comment is treated: as the comment."""
    return _care(ex, _comment(ex, number).code)


def _commented(ex: Exchange, argument: str, text: str) -> Activity | Indicator | None:
    """The item that a comment is about: the one it was asked for, else one that it names whose notes are read strictly,
    a restricted one first.
    """
    asked_for = _item(ex, _about(ex, argument))
    if asked_for is not None:
        return asked_for
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    items: list[Activity | Indicator] = [*plans.activities(plan_id), *plans.indicators(plan_id)]
    pieces = [text[at : at + LONGEST_SAYING] for at in range(0, len(text), LONGEST_SAYING // 2)]
    for care in (Care(True, True), Care(False, True)):
        codes = {each.code: each for each in items if each.care == care}
        named = next(filter(None, (mentioned_code(piece, codes) for piece in pieces)), None)
        if named is not None:
            return codes[named]
    return None


def _item(ex: Exchange, code: str) -> Activity | Indicator | None:
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    for find in (plans.activity, plans.indicator):
        with contextlib.suppress(NotFound):
            return find(plan_id, code)
    return None


def _care(ex: Exchange, code: str) -> Care:
    """Return how a comment on this item is treated. One that the plan no longer knows counts as restricted."""
    if not code:
        return ORDINARY
    item = _item(ex, code)
    return Care(True, True) if item is None else item.care


def _title(ex: Exchange, code: str) -> str:
    """The item's title. Only its agency and the coordination see the text of a restricted activity."""
    item = _item(ex, code)
    if item is None:
        return "–"
    if isinstance(item, Activity) and item.is_restricted and ex.membership.role != Role.COORDINATOR:
        return "🔒"
    return item.title(ex.language)
