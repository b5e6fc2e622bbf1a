"""The words of a reminder. Reporters get one message about all that is left. Coordinators read who has not closed.

`notices` decides whether anybody is told at all. The words describe the state at the moment of sending: a message that
an outage delayed says "closed yesterday", not "closes today".
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import islice

from conversations.card import Button, Card, Line, bold, cut, line
from conversations.dates import show_day
from conversations.languages import translated
from conversations.plan.calendar.agenda import (
    IN_A_ROW,
    NEEDS,
    Agenda,
    Promise,
    Reason,
    Recipient,
    Topic,
    asks_why,
)
from conversations.plan.calendar.ladder import FOR_REPORTERS, Rung, ladder
from conversations.plan.calendar.notices import RANK
from conversations.plan.figures.plenary import PLENARY
from conversations.plan.messages.digest_words import counted_list
from conversations.plan.model import Role
from conversations.plan.periods import ONE_DAY, PeriodType, ReportingPeriod, period_name, period_names
from conversations.routes import Route, tap
from conversations.wording import Wording, wording

MINUTES_EACH = 2
LISTED = 6
"""Activities that one reminder names. The others are counted."""
PROMISES = 2
"""For how many reports one reminder asks for the promised evidence, each with a button."""
AGENCIES_LISTED = 16
LETTERS = 4
"""So many agencies have a letter button under one notice. If there are more, one button opens their list."""
STAGES = ("open", "before", "due", "late", "last")
FIRST_REASONS = 2
"""Reasons of the plan's list that have a button under a reminder. The whole list is longer than a phone's screen."""
PAST_DUE = STAGES[3:]
"""At these stages the message names the colleagues who were told too."""


def reminder(
    topics: Collection[Topic],
    who: Recipient,
    agenda: Agenda,
    *,
    colleague: Recipient | None = None,
    elsewhere: Sequence[Line] = (),
) -> Card:
    """Write one message about all topics, the newest step's topic in full, with buttons for all of them.

    Reports come first, then what is to be closed or sent later, then what other plans have (`elsewhere`), and a
    question last. `colleague` is somebody of the agency who gets the same message.
    """
    if who.reports:
        return _to_reporter(topics, who, agenda, colleague, elsewhere)
    card = _to_coordinator(topics, who, agenda)
    return card._replace(lines=(*card.lines, *elsewhere))


def of_another_plan(name: str, topics: Sequence[Topic], who: Recipient, agenda: Agenda) -> list[Line]:
    """Return what somebody has to hear of another plan of theirs, below its name. Empty if there is nothing."""
    if who.reports:
        lines = [line(_also(topic, who)) for topic in topics] + _drafts_and_evidence(who, agenda)
    else:
        say, key = wording(who.language), "closing.unclosed"
        lines = [
            line(f"{closing_head(topic, who.language)}. ", *counted_list(key, topic.agencies, say, AGENCIES_LISTED))
            for topic in topics
        ]
    return [line(""), line(bold(name)), *lines] if lines else []


def _drafts_and_evidence(who: Recipient, agenda: Agenda) -> list[Line]:
    """Return which drafts expire soon, and which promised evidence is awaited."""
    say, promised = wording(who.language), agenda.promised.get(who.person_id, ())[:PROMISES]
    drafts = [
        line(say("remind.draft", code=draft.code, date=show_day(draft.on - ONE_DAY, who.language)))
        for draft in agenda.lapsing.get(who.person_id, ())
    ]
    codes = [each.code for each in promised]
    return [*drafts, *([line(say("remind.promised", codes=say.listed(codes)))] if promised else [])]


def stage(period: ReportingPeriod, today: date, holidays: Collection[date]) -> str:
    """Return the key of the sentence for somebody who has something left in a period: the stage of the period."""
    if today < period.due_on:
        days = ladder(period, holidays)
        # The step's own day may be further back: a Friday, if the period begins on a Tuesday.
        is_near = today > days[Rung.OPEN] and ((period.due_on - today).days <= 3 or today >= days[Rung.BEFORE])
        return "before" if is_near else "open"
    if today == period.due_on:
        return "due"
    return "last" if today >= ladder(period, holidays)[Rung.LAST] else "late"


def _head(topics: Collection[Topic], agenda: Agenda) -> Topic:
    """Return the topic with the newest step. A report that is due today comes before one that has been late for longer.

    If several steps fall on one day, or there is no step, return the most urgent topic.
    """

    def newness(topic: Topic) -> tuple[date, int, int, int]:
        about = topic.closes or (topic.period,)
        came = [
            (step.on, -RANK[step.rung]) for step in agenda.steps if step.rung in FOR_REPORTERS and step.period in about
        ]
        urgency = STAGES.index(stage(topic.period, agenda.today, agenda.holidays)), -topic.period.due_on.toordinal()
        return (*max(came, default=(date.min, -len(RANK))), *urgency)

    return max(topics, key=newness)


def _to_reporter(
    topics: Collection[Topic],
    who: Recipient,
    agenda: Agenda,
    colleague: Recipient | None,
    elsewhere: Sequence[Line],
) -> Card:
    owed = [*_drafts_and_evidence(who, agenda), *elsewhere]
    if not topics:
        return _of_what_is_owed(who, agenda, owed)
    say, head = wording(who.language), _head(topics, agenda)
    key = stage(head.period, agenda.today, agenda.holidays)
    is_stuck = bool(head.left) and asks_why(agenda, who, head.period)
    lines = [line(_told(head, key, who)), line(period_until(_last(head), who.language)), *_left_lines(head, who)]
    lines += [line(_also(topic, who)) for topic in topics if topic is not head]
    lines += owed
    if key in PAST_DUE and colleague and head.left:
        is_copied = colleague.role is Role.ALTERNATE and who.role is not Role.ALTERNATE
        lines.append(line(say("remind.copied" if is_copied else "remind.told_too", colleague=colleague.name)))
    if is_stuck:  # a reworded question is no other question, and the day stays the same
        lines.append(line(bold(say("remind.why"))))
    return Card(tuple(lines), tuple(_ways_on(topics, head, who, agenda, is_stuck=is_stuck)))


def _of_what_is_owed(who: Recipient, agenda: Agenda, owed: Sequence[Line]) -> Card:
    """The message to somebody who has sent all reports: a draft expires, or evidence was promised."""
    drafts, promised = agenda.lapsing.get(who.person_id, ()), agenda.promised.get(who.person_id, ())[:PROMISES]
    start = [(_start_button(who, Route.INDICATORS if who.is_contributor else Route.DUE),)] if drafts else []
    return Card((*_greeted(who, bool(drafts), promised, agenda), *owed), (*start, *_evidence_rows(who, agenda)))


def _left_lines(head: Topic, who: Recipient) -> list[Line]:
    """Name what is left of a topic. If all has come back, the first line says so, and no report is marked."""
    say = wording(who.language)
    mark = f" · {say('remind.is_returned')}" if any(not left.is_returned for left in head.left) else ""
    lines = []
    for left in head.left[:LISTED]:
        # A lock screen shows it: something restricted is named by its code (S24).
        name = "🔒" if left.item.is_restricted else left.item.title(who.language)
        lines.append(line(f"• {left.item.code} ", name, mark if left.is_returned else ""))
    if len(head.left) > LISTED:
        lines.append(line(say("remind.more", n=len(head.left) - LISTED)))
    return lines


def _ways_on(
    topics: Collection[Topic], head: Topic, who: Recipient, agenda: Agenda, *, is_stuck: bool
) -> list[tuple[Button, ...]]:
    """The buttons of a reminder. A contributor has indicators alone, and no post to give up."""
    say = wording(who.language)
    tomorrow = Button(say("remind.tomorrow"), tap(Route.POSTPONE))
    if who.is_contributor:
        return [(_start_button(who, Route.INDICATORS),), (tomorrow,)]
    with_left = [topic for topic in (head, *topics) if topic.left]
    has_unsent = any(not left.is_returned for topic in with_left for left in topic.left)
    is_past_due = stage(head.period, agenda.today, agenda.holidays) in PAST_DUE
    rows = reason_rows(agenda.reasons, who.language, is_short=True) if is_stuck else []
    if closes := [period for topic in topics for period in topic.closes]:
        rows.append((close_button(closes, say),))
    if with_left:
        rows.append((_start_button(who, Route.BEGIN, with_left[0].period.code),))
    rows += _evidence_rows(who, agenda)
    rows.append((tomorrow, Button(say("remind.nothing_new"), tap(Route.NOTHING_NEW))) if has_unsent else (tomorrow,))
    if with_left and is_past_due and not is_stuck:
        rows.append((Button(say("remind.explain"), tap(Route.EXPLAIN)),))
    rows.append((Button(say("remind.not_me"), tap(Route.LEAVE_POST)),))
    return rows


def _start_button(who: Recipient, route: Route, *parts: str) -> Button:
    return Button(wording(who.language)("remind.start"), tap(route, *parts), "primary")


def _evidence_rows(who: Recipient, agenda: Agenda) -> list[tuple[Button, ...]]:
    """A button for each report that promised evidence."""
    say, promised = wording(who.language), agenda.promised.get(who.person_id, ())[:PROMISES]
    return [(Button(say("heard.evidence", code=each.code), tap(Route.CORRECT, each.id)),) for each in promised]


def _greeted(who: Recipient, has_drafts: bool, promised: Sequence[Promise], agenda: Agenda) -> list[Line]:
    """The beginning of a message that only asks for evidence: all reports are sent, and until when it is received."""
    about = next((period for each in promised for period in agenda.periods if period.code == each.period), None)
    if has_drafts or about is None:
        return []
    last = show_day(about.last_on, who.language)
    return [line(wording(who.language)("remind.evidence", name=who.name.partition(" ")[0], last=last))]


def close_button(periods: Sequence[ReportingPeriod], say: Wording, *, is_asked: bool = False) -> Button:
    """The button that closes these periods. It names the month if one is among them.

    If the card asks whether to close them (`is_asked`), the button is the answer. Otherwise it leads to that question.
    """
    has_month = any(period.type is PeriodType.MONTHLY for period in periods)
    closing = tap(Route.CLOSE, f"{periods[0].end_on:%Y%m%d}") if is_asked else tap(Route.CLOSE)
    return Button(say("menu.close" if has_month else "menu.close_period"), closing, "success")


def reason_rows(
    reasons: Mapping[str, Mapping[str, str]], language: str, *, is_short: bool = False
) -> list[tuple[Button, ...]]:
    """A button for each thing that can hold somebody back: the plan's own list, then what they need; two in a row.

    If `is_short`, only the beginning of the plan's list, and a button that opens all of it.
    """
    say = wording(language)
    shown = islice(reasons.items(), FIRST_REASONS if is_short else None)
    some = [Button(cut(translated(label, language)), tap(Route.EXPLAIN, code)) for code, label in shown]
    some += [Button(say(f"remind.need.{need}"), tap(Route.EXPLAIN, need)) for need in NEEDS]
    some += [Button(say("remind.other_reason"), tap(Route.EXPLAIN))] if is_short else []
    return [tuple(some[at : at + 2]) for at in range(0, len(some), 2)]


def period_until(period: ReportingPeriod, language: str) -> str:
    """Say until when the period can be reported, as a sentence of its own."""
    until = period.until(language)
    return f"{until[0].upper()}{until[1:]}."


def _last(topic: Topic) -> ReportingPeriod:
    """The period of a topic that locks last: an agency closes all by the latest of their days
    (docs/domain.md#calendar).
    """
    return max(topic.closes, key=lambda period: period.locks_on, default=topic.period)


def _told(topic: Topic, key: str, who: Recipient) -> str:
    """Write the beginning of the message: the first topic in full."""
    say, period, count = wording(who.language), topic.period, len(topic.left)
    name = who.name.partition(" ")[0]
    if topic.closes:
        return say("remind.close", name=name, period_name=period_names(topic.closes, who.language))
    if all(left.is_returned for left in topic.left):
        wanted = "remind.returned" if count > 1 else "remind.returned_one"
    elif who.is_contributor:
        wanted = "remind.indicators_late" if key in PAST_DUE else "remind.indicators"
    else:
        wanted = f"remind.{key}" if count > 1 else f"remind.{key}_one"
    return say(
        wanted,
        name=name,
        agency=who.agency_code,
        period_name=period_name(period, who.language),
        n=count,
        minutes=MINUTES_EACH * count,
        date=show_day(period.last_on, who.language),
    )


def _also(topic: Topic, who: Recipient) -> str:
    """Write one line for a topic that is not the first."""
    say = wording(who.language)
    if topic.closes:
        name = period_names(topic.closes, who.language)
        return say("remind.also_close", period_name=name, until=_last(topic).until(who.language))
    return say(
        "remind.also" if len(topic.left) > 1 else "remind.also_one",
        period_name=period_name(topic.period, who.language),
        n=len(topic.left),
        until=topic.period.until(who.language),
    )


def names_colleagues(agenda: Agenda) -> bool:
    """Whether a reminder of that day can name a colleague."""
    open_ones = (period for period in agenda.periods if period.is_open(agenda.today))
    return any(stage(period, agenda.today, agenda.holidays) in PAST_DUE for period in open_ones)


def _to_coordinator(topics: Collection[Topic], who: Recipient, agenda: Agenda) -> Card:
    say = wording(who.language)
    lines: list[Line] = []
    rows = closing_acts(agenda, topics, who.language)
    for topic in topics:
        if lines:
            lines.append(line(""))
        unclosed = say("closing.unclosed", n=len(topic.agencies))
        lines.append(line(bold(f"{closing_head(topic, who.language)}. {unclosed}")))
        for agency in topic.agencies[:AGENCIES_LISTED]:
            left = left_of(agenda, agency, (topic.period,), who.language)
            parts = [agency, left]
            if agency not in agenda.reachable:
                parts.append(silence_of(agenda.silent.get(agency, "no_role"), who.language))
            parts += closing_remarks(agenda, topic, agency, who.language)
            lines.append(line("• ", " · ".join(parts)))
        if len(topic.agencies) > AGENCIES_LISTED:
            lines.append(line(say("remind.more", n=len(topic.agencies) - AGENCIES_LISTED)))
        lines.append(line(say(f"closing.{topic.rung}_then")))
        name = period_name(topic.period, who.language)
        rows.append((Button(say("closing.progress", period_name=name), tap(Route.PROGRESS, topic.period.code)),))
        if topic.rung is not Rung.LOCKED and set(topic.agencies) & agenda.reachable:
            rows.insert(0, (Button(say("remind.chase"), tap(Route.CHASE), "primary"),))
    return Card(tuple(lines), tuple(rows))


def closing_head(topic: Topic, language: str) -> str:
    """Say that grace has ended or that the period has locked."""
    return wording(language)(f"closing.{topic.rung}", period_name=period_name(topic.period, language))


def silence_of(reason: Reason, language: str) -> str:
    """Say why nobody of an agency can be told anything."""
    return wording(language)("digest.no_focal_point" if reason == "no_role" else f"due.reason.{reason}")


def closing_remarks(agenda: Agenda, topic: Topic, agency: str, language: str) -> list[str]:
    """Say what an agency has said it needs, and how many periods in a row it has let lock, as remarks."""
    say, remarks = wording(language), []
    if (answer := agenda.answers.get(agency)) and (answer in NEEDS or answer in agenda.reasons):
        label = agenda.reasons.get(answer)
        remarks.append(translated(label, language) if label else say(f"remind.need.{answer}"))
    if topic.rung is Rung.LOCKED and (times := agenda.in_a_row.get(agency, 0)) >= IN_A_ROW:
        remarks.append(say("digest.passed" if times < PLENARY else "remind.to_plenary", n=times))
    return remarks


def closing_acts(agenda: Agenda, topics: Collection[Topic], language: str) -> list[tuple[Button, ...]]:
    """Buttons for a locked period that only coordinators have: reopen it for an agency, draft a letter."""
    say, locked = wording(language), [topic for topic in topics if topic.rung is Rung.LOCKED]
    rows: list[tuple[Button, ...]] = []
    for topic in locked:
        name = period_name(topic.period, language)
        rows.append((Button(say("closing.reopen", period_name=name), tap(Route.REOPEN, topic.period.code)),))
    letters = letters_offered(agenda, locked)
    if len(letters) > LETTERS:
        rows.append((Button(say("escalate.open_all", n=len(letters)), tap(Route.LETTERS)),))
    else:
        rows += [(Button(say("escalate.open", agency=agency), tap(Route.LETTERS, agency)),) for agency in letters]
    return rows


def letters_offered(agenda: Agenda, topics: Collection[Topic]) -> list[str]:
    """Return the agencies, of periods that have locked, whose head may get a letter now."""
    locked = (topic for topic in topics if topic.rung is Rung.LOCKED)
    passed = {code for topic in locked for code in topic.agencies if agenda.in_a_row.get(code, 0) >= IN_A_ROW}
    return sorted(passed - agenda.put_off)


def left_of(agenda: Agenda, agency_code: str, periods: Collection[ReportingPeriod], language: str) -> str:
    """Say to coordinators how many reports an agency has left in these periods, or that it only has to close."""
    say = wording(language)
    found = [left for left in agenda.left.get(agency_code, ()) if left.period in periods]
    if not found:
        return say("remind.left_none")
    count = say("remind.left_n" if len(found) > 1 else "remind.left_one", n=len(found))
    returned = sum(left.is_returned for left in found)
    return f"{count} {say('remind.left_returned', n=returned)}" if returned else count
