"""Observers: what they tell the coordination, and the right of some of them to report indicators of their own.

An invited member (IJM, OIM) sees from outside what a report leaves out. What they say reaches the coordination and is
answered, and never changes an agency's datum (DOMAIN §4.5). The same organisation may itself be the source of an
indicator (IND-14, 23, 24): then an admin gives one of its observers the right to report those, and only those.
"""

from collections.abc import Collection

from bot.exchange import Denied, Exchange, number_of
from bot.hands import Hand, News, told
from conversations.cards import Button, Card, Line, bold, italic, line, paragraph
from conversations.digests import cut
from conversations.engine import show_date
from conversations.plan import Role
from conversations.safeguards import clean
from conversations.wording import wording
from storage.comments import StoredComment
from storage.errors import NotFound
from storage.people import Membership, Person

LONGEST = 1000
"""Characters of a comment or an answer: what is read on a phone between two meetings."""
MOST_OPEN = 20
"""Of one observer: whoever has so many unanswered is asked to wait, not the coordinator to read on."""
LISTED = 6
BUTTON = 40


# ------------------------------------------------------------------ comments
def comment(ex: Exchange, argument: str) -> None:
    """/comentar: about what a button or a typed code names, or about the plan; what is typed next is the comment.

    So is what was typed behind the code.
    """
    code, _, text = argument.strip().partition(" ")
    about = _about(ex, code)
    if ex.unit.comments.count_open_of(ex.membership.plan_id, ex.person.id) >= MOST_OPEN:
        _say(ex, ex.say("comment.too_many", n=MOST_OPEN))
        return
    if text and not about:
        text = argument.strip()
    if text and not ex.query_id:
        if not ex.names_somebody(text, strict=False):
            hear_comment(ex, about, text)
        return
    title = f"{about} · {_title(ex, about)}" if about else ex.say("comment.about_plan")
    lines = (line(bold(title)), line(ex.say("comment.write")), line(italic(ex.say("comment.no_names"))))
    ex.show(Card(lines, ((Button(ex.say("comment.cancel"), "command:menu:"),),)))
    ex.stand(None, awaits=f"comentar:{about}")


def hear_comment(ex: Exchange, argument: str, text: str) -> None:
    """Keep it, thank for it, and tell those who coordinate."""
    text = clean(text)
    if not text or len(text) > LONGEST:
        ex.show(Card((line(ex.say("comment.too_long", n=len(text), limit=LONGEST)),), (_home(ex),)))
        ex.stand(None, awaits=f"comentar:{argument}")
        return
    about, plan_id = _about(ex, argument), ex.membership.plan_id
    if about and _is_restricted(ex, about) and ex.refuses(text):
        return
    subject = _subject(ex, about) if about else None
    number = ex.unit.comments.add(plan_id, ex.person.id, subject, text, ex.now)
    for coordinator in ex.unit.people.with_role(plan_id, Role.COORDINATOR):
        say = wording(coordinator.language)
        what = about or say("comment.about_plan")
        head = say("comment.told", name=ex.person.name, agency=ex.agency_code or "–", about=what)
        if about and _is_restricted(ex, about):  # a notification is read on lock screens (S24)
            look = Button(say("review.look"), f"command:comentarios:{number}", "primary")
            ex.tell(coordinator.telegram_id, Card((line(bold(f"🔒 {head}")),), ((look,),)))
            continue
        rows = (
            (Button(say("comment.answer"), f"command:comentarios:r.{number}", "primary"),),
            (Button(say("command.comentarios"), "command:comentarios:"),),
        )
        ex.tell(coordinator.telegram_id, Card((line(bold(head)), *paragraph(text)), rows))
    own = Button(ex.say("comment.own"), "command:comentarios:")
    ex.show(Card((line(ex.say("observer.contribute")),), ((own, *_home(ex)),)))
    ex.stand(None)


def comments(ex: Exchange, argument: str) -> None:
    """/comentarios: for a coordinator what is open, to read, answer and settle; for an observer what became of theirs.

    `argument`: a page `p1`, a comment `7`, `r.7` to answer it, `x.7` to settle it without.
    """
    if ex.membership.role != Role.COORDINATOR:
        _own_comments(ex)
        return
    act, _, number = argument.partition(".")
    if act in ("r", "x"):
        _settle(ex, act, _comment(ex, number))
    elif argument and not argument.startswith("p"):
        _show_comment(ex, _comment(ex, argument))
    else:
        _open_comments(ex, number_of(argument[1:] or "0"))


def hear_answer(ex: Exchange, argument: str, text: str) -> None:
    """The answer to a comment, which settles it; whoever wrote it is told."""
    if ex.membership.role != Role.COORDINATOR:
        raise Denied  # the question was put to somebody who has another role by now
    found = _comment(ex, argument.removeprefix("r."))
    text = clean(text)
    if not text or len(text) > LONGEST:
        ex.show(Card((line(ex.say("comment.too_long", n=len(text), limit=LONGEST)),), (_home(ex),)))
        ex.stand(None, awaits=f"comentarios:{argument}")
        return
    if found.subject and _is_restricted(ex, found.code) and ex.refuses(text):
        return
    if not ex.unit.comments.settle(found.plan_id, found.id, by=ex.person.id, now=ex.now, reply=text):
        _say(ex, ex.say("comment.settled_already"))
        return
    is_there = ex.unit.people.by_id(found.person_id).membership_in(found.plan_id) is not None
    if is_there:  # whoever has left, or whose phone is lost, is told nothing (S17)
        say = wording(found.language)
        head = line(bold(say("comment.answered", about=found.code or say("comment.about_plan"))))
        quoted = line(italic(f"«{cut(found.text, 200)}»"))
        home = (Button(say("menu.home"), "command:menu:new"),)
        ex.tell(found.chat_id, Card((head, quoted, *paragraph(text)), (home,)))
    rows = ((Button(ex.say("command.comentarios"), "command:comentarios:"), _home(ex)[0]),)
    ex.show(Card((line(ex.say("comment.answer_sent" if is_there else "comment.answer_kept", name=found.name)),), rows))
    ex.stand(None)


def _open_comments(ex: Exchange, page: int) -> None:
    found = ex.unit.comments.open(ex.membership.plan_id)
    if not found:
        _say(ex, ex.say("comment.none_open"))
        return
    pages = -(-len(found) // LISTED)
    page %= pages
    rows: list[tuple[Button, ...]] = []
    for one in found[page * LISTED : (page + 1) * LISTED]:
        head = " · ".join(part for part in (one.agency_code, one.code) if part)
        text = cut(f"{head}: {' '.join(one.text.split())}", BUTTON)
        rows.append((Button(text, f"command:comentarios:{one.id}"),))
    if pages > 1:
        rows.append((Button(ex.say("menu.more"), f"command:comentarios:p{page + 1}"),))
    ex.show(Card((line(bold(ex.say("comment.open", n=len(found)))),), (*rows, _home(ex))))
    ex.stand(None)


def _show_comment(ex: Exchange, one: StoredComment) -> None:
    say = ex.say
    when = show_date(one.written_at.astimezone(ex.zone).date().isoformat(), ex.language)
    about = f"{one.code} · {_title(ex, one.code)}" if one.code else say("comment.about_plan")
    lines = [line(bold(about)), line(italic(f"{one.name} ({one.agency_code or '–'}), {when}")), *paragraph(one.text)]
    rows: list[tuple[Button, ...]] = []
    if one.settled_at is None:
        answer = Button(say("comment.answer"), f"command:comentarios:r.{one.id}", "primary")
        rows.append((answer, Button(say("comment.settle"), f"command:comentarios:x.{one.id}")))
    else:
        lines += [line(""), *_outcome(ex, one)]
    if one.subject and one.subject.startswith("activity:"):
        rows.append((Button(one.code, f"command:avance:{one.code}"),))
    rows.append((Button(say("command.comentarios"), "command:comentarios:"), _home(ex)[0]))
    ex.show(Card(tuple(lines), tuple(rows)))
    ex.stand(None)


def _settle(ex: Exchange, act: str, one: StoredComment) -> None:
    if one.settled_at is not None:
        ex.toast = ex.say("comment.settled_already")
        _show_comment(ex, one)
    elif act == "r":
        lines = (line(bold(ex.say("comment.answer_to", name=one.name))), *paragraph(cut(one.text, 300)))
        rows = ((Button(ex.say("comment.cancel"), "command:comentarios:"),),)
        ex.show(Card((*lines, line(""), line(ex.say("comment.write_answer"))), rows))
        ex.stand(None, awaits=f"comentarios:r.{one.id}")
    else:
        ex.unit.comments.settle(one.plan_id, one.id, by=ex.person.id, now=ex.now)
        ex.toast = ex.say("comment.settled")
        _open_comments(ex, 0)


def _own_comments(ex: Exchange) -> None:
    found = ex.unit.comments.of_person(ex.membership.plan_id, ex.person.id, limit=LISTED)
    lines: list[Line] = [line(bold(ex.say("comment.own")))]
    if not found:
        lines.append(line(ex.say("comment.none_own")))
    for one in found:
        when = show_date(one.written_at.astimezone(ex.zone).date().isoformat(), ex.language)
        about = one.code or ex.say("comment.about_plan")
        lines += [line(""), line(bold(about), f" · {when}"), line(italic(cut(" ".join(one.text.split()), 200)))]
        lines += _outcome(ex, one)
    ex.show(Card(tuple(lines), ((Button(ex.say("command.comentar"), "command:comentar:"), _home(ex)[0]),)))
    ex.stand(None)


def _outcome(ex: Exchange, one: StoredComment) -> tuple[Line, ...]:
    if one.settled_at is None:
        return (line(f"⏳ {ex.say('comment.waiting')}"),)
    if one.reply is None:
        return (line(f"✅ {ex.say('comment.read')}"),)
    return paragraph(f"↩️ {cut(one.reply, 400)}")


def _comment(ex: Exchange, number: str) -> StoredComment:
    try:
        return ex.unit.comments.get(ex.membership.plan_id, number_of(number))
    except NotFound:
        raise Denied from None


def _about(ex: Exchange, argument: str) -> str:
    """The code that was named, if the plan has it; "" for anything else, which is about the plan as a whole."""
    code = argument.strip().upper()
    return code if code and len(code) <= 32 and _subject(ex, code) else ""


def _subject(ex: Exchange, code: str) -> str | None:
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    for find in (plans.activity, plans.indicator):
        try:
            return find(plan_id, code).subject
        except NotFound:
            continue
    return None


def _is_restricted(ex: Exchange, code: str) -> bool:
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    try:
        return plans.activity(plan_id, code).is_restricted
    except NotFound:
        return plans.indicator(plan_id, code).is_restricted


def _title(ex: Exchange, code: str) -> str:
    """What it is called; a restricted activity's text stays with its agency and the coordination."""
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    try:
        activity = plans.activity(plan_id, code)
    except NotFound:
        return plans.indicator(plan_id, code).title(ex.language)
    if activity.is_restricted and ex.membership.role != Role.COORDINATOR:
        return "🔒"
    return activity.title(ex.language)


# ------------------------------------------------------------------ the right to report
def contribution(ex: Exchange, argument: str) -> None:
    """Give an observer the right to report their agency's indicators, or take it away: `PERSON` asks, `.yes`, `.no`."""
    number, _, answer = argument.partition(".")
    plan_id, say = ex.membership.plan_id, ex.say
    try:
        person = ex.unit.people.by_id(number_of(number))
    except NotFound:
        raise Denied from None
    membership = person.membership_in(plan_id)
    if membership is None or membership.role is not Role.OBSERVER or membership.agency_id is None:
        raise Denied
    if answer in ("yes", "no"):
        ex.pass_on(set_contributor(ex.hand, person, membership, answer == "yes"))
    is_contributor = answer == "yes" if answer in ("yes", "no") else membership.is_contributor
    led = indicators_led(ex, membership.agency_id)
    lines = [
        line(bold(f"{person.name} · {membership.agency_code}")),
        line(say("contributor.is" if is_contributor else "contributor.is_not", codes=", ".join(led) or "–")),
    ]
    toggle = Button(
        say("contributor.end" if is_contributor else "contributor.grant"),
        f"command:aporta:{person.id}.{'no' if is_contributor else 'yes'}",
    )
    ex.show(Card(tuple(lines), ((toggle,), _home(ex))))
    ex.stand(None)


def set_contributor(hand: Hand, who: Person, membership: Membership, is_contributor: bool) -> list[News]:
    """Give an observer the right, or take it away, and what they are told; nothing if that is how it was.

    ValueError for whoever is no observer of an agency.
    """
    if not hand.unit.people.set_contributor(
        who.id, membership.plan_id, is_contributor, now=hand.now, by=hand.person_id
    ):
        return []
    say = wording(who.language)
    text = say("contributor.granted" if is_contributor else "contributor.ended", agency=membership.agency_code)
    return [told(who.telegram_id, Card((line(text),), ((Button(say("menu.home"), "command:menu:new"),),)))]


def ask_right(ex: Exchange, tap: str, led: Collection[str]) -> None:
    """Of an invitation to observe: whether to report these indicators as well; the answer is added to `tap`."""
    rows = (
        (Button(ex.say("contributor.observes"), f"{tap}.observes"),),
        (Button(ex.say("contributor.reports"), f"{tap}.reports"),),
        _home(ex),
    )
    ex.show(Card((line(ex.say("contributor.ask", codes=", ".join(led))),), rows))
    ex.stand(None)


def indicators_led(ex: Exchange, agency_id: int) -> tuple[str, ...]:
    """The codes of what an agency leads and somebody has to report."""
    led = ex.unit.plans.indicators(ex.membership.plan_id, agency_id)
    return tuple(indicator.code for indicator in led if not indicator.is_computed)


# ------------------------------------------------------------------ inside
def _home(ex: Exchange) -> tuple[Button, ...]:
    return (Button(ex.say("menu.home"), "command:menu:"),)


def _say(ex: Exchange, text: str) -> None:
    ex.show(Card((line(text),), (_home(ex),)))
    ex.stand(None)
