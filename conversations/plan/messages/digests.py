"""The texts of the whole digests: the coordinator's week, the minister's month, the observer's view.

People read a digest before a meeting in which they have to decide. So it begins with what only they can decide and
shows the worst first (docs/domain.md#the-week). What comes by itself is shorter (`week`); this is one tap behind it.
Lists are shortened until the whole fits one message; counts stay. A light is always a shape and a word.

`SECTIONS` is read from top to bottom. A section is a function of the counted state (`monitoring.Standing`), the wording
and how many items a list may name. It returns lines, or none if there is nothing to say.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from conversations.card import Line, bold, cut, italic, line, unstyled
from conversations.languages import translated
from conversations.plan.calendar.agenda import IN_A_ROW, Agenda, Topic
from conversations.plan.figures.annual import IndicatorYear, Year
from conversations.plan.figures.lights import Light
from conversations.plan.figures.monitoring import (
    WORST_FIRST,
    AgencyStanding,
    Standing,
    days_between,
    due_within,
    percent_of,
)
from conversations.plan.figures.plenary import plenary_items
from conversations.plan.figures.suppression import Figure
from conversations.plan.messages.digest_words import (
    TITLE,
    and_more,
    closing_name,
    column_name,
    counted_list,
    day,
    decision_text,
    declared,
    has_got_worse,
    has_left_red,
    headed_list,
    light_counts,
    light_label,
    light_shape,
    light_word,
    named_activities,
    named_standings,
    number,
    plenary_line,
    progress_of,
    reason,
    rest_lines,
    title,
    trend,
    units,
    why,
    with_remark,
)
from conversations.plan.messages.entering import vacancy_remark
from conversations.plan.messages.reminders import closing_head, closing_remarks
from conversations.plan.model import ActivityStatus
from conversations.plan.periods import period_name, period_names
from conversations.wording import Wording, wording

LIMIT = 3600
"""Characters of a digest, as Telegram counts them (UTF-16 units): a message holds 4 096, the card adds a few lines."""
SHOWN = (100, 40, 20, 12, 8, 6, 5, 4, 3, 2, 1, 0)
"""Items of a list that are named: as many as leave the whole within the limit."""
LATE_EVIDENCE = 10
"""Days after which promised evidence is told as late."""
AHEAD = 14
VACANCIES = 3
"""Up to so many vacancies are named where they matter. If there are more, one line counts them."""
INDICATORS = 10
"""Indicators on one screen."""
ROWS = 20
"""Agencies in the picture. If there are more, the worst."""
Section = Callable[[Standing, Wording, int], list[Line]]


# ------------------------------------------------------------------ the coordinator's week
def heading(s: Standing, say: Wording) -> list[Line]:
    """Return the title; below it, for readers who see validated reports only, that they do."""
    key, name = "digest.title" if s.closing else "digest.title_plain", closing_name(s.closing, say)
    title_line = line(bold(say(key, date=day(s.today, s, say), period_name=name)))
    return [title_line, line(italic(say("digest.only_validated")))] if s.only_validated else [title_line]


def decisions(s: Standing, say: Wording, shown: int) -> list[Line]:
    """Say what only the coordinator or the plenary can decide. Open questions come first, then what waits longest."""
    waiting = plenary_items(s)
    if not waiting:
        return []
    lines = [line(bold(say("digest.decisions", n=len(waiting))))]
    lines += [line(f"• {plenary_line(item, s, say, 90)}") for item in waiting[:shown]]
    return [*lines, *rest_lines(len(waiting) - shown, say)]


def closing(s: Standing, say: Wording, shown: int) -> list[Line]:
    """Say who has closed, how many in time (compared with the closing before), who has not, and who was reminded.

    Before the due day nobody is late: then it is said until when reports are in time.
    """
    if s.closing is None:
        return [line(say("digest.no_closing"))]
    rate = s.rate
    if not rate.expected:
        return [line(bold(say("digest.closing")), " ", say("digest.nothing_expected"))]
    text = say(
        "digest.closed" if s.is_due else "digest.closed_so_far",
        closed=rate.closed,
        expected=rate.expected,
        percent=rate.closed_percent,
        on_time=rate.on_time,
        on_time_percent=rate.on_time_percent,
        due=day(s.due_on, s, say) if s.due_on else "",
    )
    lines = [line(bold(say("digest.closing")), " ", f"{text}{trend(s, say)}")]
    if missing := unclosed(s):
        vacant = sum(not agency.focal_points for agency in missing)
        names = [
            with_remark(agency.code, _why_missing(agency, say, tells_vacancy=vacant <= VACANCIES)) for agency in missing
        ]
        lines.append(counted_list("digest.missing" if s.is_due else "digest.to_close", names, say, shown * 2))
    reported, expected = (sum(getattr(a, name) for a in s.agencies) for name in ("reported", "expected"))
    lines.append(line(say("digest.reports", reported=reported, expected=expected)))
    return lines


def unclosed(s: Standing) -> list[AgencyStanding]:
    """Return the agencies that have not closed the present closing, those with most unclosed periods first."""
    missing = (agency for agency in s.agencies if agency.is_expected and not agency.is_closed)
    return sorted(missing, key=lambda agency: -agency.in_a_row)


def lapsed(topics: Sequence[Topic], agenda: Agenda, s: Standing, say: Wording, shown: int) -> list[Line]:
    """Say which agencies' grace has ended, or whose period has locked: the ladder's lines for coordinators."""
    lines: list[Line] = []
    order = {agency.code: (-agency.in_a_row, place) for place, agency in enumerate(s.agencies)}
    for topic in topics:
        remarks = {code: ", ".join(closing_remarks(agenda, topic, code, say.language)) for code in topic.agencies}
        named = sorted(topic.agencies, key=lambda code: (not remarks[code], *order.get(code, (0, len(order)))))
        head = f"{closing_head(topic, say.language)}."
        lines.append(line(bold(head), " ", say(f"closing.{topic.rung}_then")))
        lines.append(counted_list("closing.unclosed", [with_remark(c, remarks[c]) for c in named], say, shown * 2))
    return lines


def changes(s: Standing, say: Wording, shown: int) -> list[Line]:
    """Say what has changed since last week."""
    lines = []
    for status, shape, key in CHANGES:
        found = [each for each in s.changed if each.last is not None and each.last.status == status]
        if found:
            names = named_standings(found, light_shape, s, say, shown)
            key = key if len(found) > 1 else f"{key}_one"
            lines.append(line(f"{shape} {headed_list(say(key, n=len(found)), names, say)}"))
    for shape, key, moved in (
        ("🔴", "digest.turned_red", [each for each in s.activities if has_got_worse(each, Light.CRITICAL)]),
        ("🟡", "digest.turned_yellow", [each for each in s.activities if has_got_worse(each, Light.ATTENTION)]),
        ("👍", "digest.left_red", [each for each in s.activities if has_left_red(each)]),
    ):
        if moved:
            key = key if len(moved) > 1 else f"{key}_one"
            names = named_standings(moved, declared, s, say, shown)
            lines.append(line(f"{shape} {headed_list(say(key, n=len(moved)), names, say)}"))
    if s.started:
        key = "digest.started" if len(s.started) > 1 else "digest.started_one"
        names = named_activities(s.started, s, say, shown)
        lines.append(line(f"🔵 {headed_list(say(key, n=len(s.started)), names, say)}"))
    if s.received:
        lines.append(line(say("digest.received" if s.received > 1 else "digest.received_one", n=s.received)))
    head = [line(bold(say("digest.changed")))] if lines else []
    return [*head, *lines, line(_unchanged(s, say))]


def _unchanged(s: Standing, say: Wording) -> str:
    """Say in one line what did not change: how many activities, of how many agencies."""
    moved = {each.code for each in (*s.changed, *s.advanced)} | {activity.code for activity in s.started}
    moved |= {each.code for each in s.activities if each.light is not each.light_before}
    same = [each for each in s.activities if each.code not in moved and not each.is_over]
    agencies = {each.activity.agency_code for each in same}
    if not moved and not s.received:
        return say("digest.unchanged_all")
    return say("digest.unchanged", n=len(same), agencies=len(agencies))


CHANGES = (
    (ActivityStatus.SUSPENDED, "⏸️", "digest.suspended"),
    (ActivityStatus.DELAYED, "🟠", "digest.delayed"),
    (ActivityStatus.CANCELLED, "⛔", "digest.cancelled"),
    (ActivityStatus.COMPLETED, "✅", "digest.completed"),
)
"""Status, shape, and the key of its count, worst first."""


def lights(s: Standing, say: Wording, shown: int) -> list[Line]:
    """Say how many activities have which light, and what holds back the red ones."""
    if not s.activities:
        return []
    which = "digest.lights" if s.only_validated else "digest.lights_of_all"
    lines = [line(bold(say(which)), " ", light_counts(s.activities, say))]
    red = [each for each in s.activities if each.light is Light.CRITICAL and not each.is_completed]
    found = [(each, reason(each, s, say)) for each in red]
    told = [(each, because) for each, because in found if because]
    silent = [each for each, because in found if not because]
    if told:
        codes: dict[str, list[str]] = {}  # a reason that several have is said once
        for each, because in told[:shown]:
            codes.setdefault(cut(because, TITLE), []).append(with_remark(each.code, declared(each, say)))
        named = " · ".join(f"{', '.join(own)} {because}" for because, own in codes.items())
        lines.append(line(say("digest.red", what=and_more(named, len(told) - shown, say))))
    if silent:
        named = ", ".join(with_remark(each.code, declared(each, say)) for each in silent[: shown * 2])
        names = and_more(named, len(silent) - shown * 2, say)
        lines.append(line(headed_list(say("digest.red_silent", n=len(silent)), names, say)))
    return lines


def queue(s: Standing, say: Wording, shown: int) -> list[Line]:
    """Say how many reports wait for validation, and how long the oldest has waited."""
    if not s.queue.count or s.queue.oldest_at is None:
        return []
    days = days_between(s.queue.oldest_at, s.now, s.zone)
    who = " · ".join(part for part in (s.queue.oldest_agency, s.queue.oldest_code) if part)
    key = "digest.queue" if days != 1 else "digest.queue_day"
    return [line(bold(say("digest.to_validate")), " ", say(key, n=s.queue.count, days=days, who=who))]


def upcoming(s: Standing, say: Wording, shown: int) -> list[Line]:
    """Name the closings and activities that are due within two weeks."""
    items = [
        with_remark(
            say("digest.closing_of", period_name=period_names(periods, say.language)), periods[0].until(say.language)
        )
        for _, periods in due_within(s, AHEAD)
    ]
    today = s.today
    ending = sorted(
        (
            each.activity
            for each in s.activities
            if not each.is_over and 0 <= (each.activity.ends_on - today).days <= AHEAD
        ),
        key=lambda activity: (activity.ends_on, activity.code),
    )
    items += [f"{activity.code} {day(activity.ends_on, s, say)}" for activity in ending]
    if not items:
        return []
    text = and_more(" · ".join(items[: max(shown, 1)]), len(items) - max(shown, 1), say)
    return [line(bold(say("digest.upcoming", n=AHEAD)), " ", text)]


def evidence(s: Standing, say: Wording, shown: int) -> list[Line]:
    """Name the promised evidence that has not come; and once, what had not come when its period locked."""
    told = []
    if s.promised:
        late = sum(days_between(report.sent_at, s.now, s.zone) > LATE_EVIDENCE for report in s.promised)
        text = say("digest.promised" if len(s.promised) > 1 else "digest.promised_one", n=len(s.promised))
        told.append(text + say("digest.promised_late", late=late, days=LATE_EVIDENCE) if late else text)
    if s.missed:
        codes = [report.activity_code for report in s.missed]
        named = and_more(", ".join(codes[: max(shown, 1)]), len(codes) - max(shown, 1), say)
        told.append(say("digest.promised_missed", codes=named))
    return [line(bold(say("digest.evidence")), " ", " · ".join(told))] if told else []


def people(s: Standing, say: Wording, shown: int) -> list[Line]:
    """Name agencies without a focal point, people whom no message reaches, and agencies that close nothing.

    An agency whose unclosed periods wait for a decision stands there: one message names it once.
    """
    lines = []
    if vacant := sorted(vacancies(s), key=lambda agency: not agency.is_expected):
        names = [with_remark(agency.code, vacancy_remark(agency, s, say)) for agency in vacant]
        lines.append(counted_list("digest.vacant", names, say, shown * 2))
    if blocked := [f"{cut(name, 24)} ({agency.code})" for agency in s.agencies for name in agency.unreachable]:
        lines.append(counted_list("digest.unreachable", blocked, say, shown))
    with_decision = {item.agency.code for item in plenary_items(s) if item.passed}
    silent = [agency for agency in s.agencies if agency.in_a_row >= IN_A_ROW and agency.code not in with_decision]
    if silent:
        names = [f"{agency.code} ({agency.in_a_row})" for agency in sorted(silent, key=lambda agency: -agency.in_a_row)]
        lines.append(counted_list("digest.unclosed", names, say, shown * 2))
    return lines


def vacancies(s: Standing) -> list[AgencyStanding]:
    """Return the agencies that have something to report and no focal point: the list behind the digest's number."""
    return [each for each in s.agencies if not each.focal_points and _has_work(each) and each.agency.is_active(s.today)]


def good_news(s: Standing, say: Wording, shown: int) -> list[Line]:
    """Name one good thing to say in the meeting."""
    text = _good_news(s, say)
    return [line(bold(say("digest.good_news")), " ", text)] if text else []


SECTIONS: tuple[Section, ...] = (
    decisions,
    closing,
    changes,
    queue,
    lights,
    upcoming,
    evidence,
    people,
    good_news,
)
"""The sections in the order in which a coordinator wants them on Monday at 08:30 (docs/domain.md#the-week)."""


def digest(
    s: Standing,
    language: str,
    topics: Sequence[Topic] = (),
    agenda: Agenda | None = None,
    *,
    is_public: bool = False,
    foot: Sequence[Line] = (),
) -> tuple[Line, ...]:
    """Write the coordinator's whole week: everything that one message can hold. `topics` are the ladder's of that day.

    `foot`: lines below it in the same message; their characters count too. `is_public`: for readers who may not see the
    text of restricted activities.
    """
    say, s = wording(language), replace(s, is_public=is_public)
    sections: Sequence[Section] = SECTIONS
    if topics and agenda is not None:
        after = SECTIONS.index(closing) + 1
        sections = (*SECTIONS[:after], partial(lapsed, topics, agenda), *SECTIONS[after:])
    return _within_limit(lambda shown: (*_composed(heading(s, say), s, say, shown, sections), *foot))


# ------------------------------------------------------------------ the minister's month
def minister_card(s: Standing, language: str) -> tuple[Line, ...]:
    """Write one screen: what is done, the lights, whether people report in time, and the decisions that wait.

    `s` is counted from validated reports only.
    """
    say = wording(language)
    done = sum(each.is_completed for each in s.activities)
    lines = [line(bold(say("digest.minister", period_name=closing_name(s.closing, say))))]
    lines += [line(italic(say("digest.only_validated")))] if s.only_validated else []
    lines.append(line(say("digest.done", completed=done, total=len(s.activities))))
    lines.append(line(light_counts([each for each in s.activities if not each.is_completed], say)))
    lines += _on_time(s, say)
    lines.append(line(say("digest.for_you", n=len(plenary_items(s)))))
    return tuple(lines)


def decision_card(s: Standing, number: int, language: str) -> tuple[Line, ...]:
    """Return the card of one decision: the agency, the obstacle, the request, and since when. Facts only."""
    say = wording(language)
    waiting = plenary_items(s)
    if not waiting:
        return (line(say("digest.no_decisions")),)
    item = waiting[number % len(waiting)]
    each = item.each
    if each is None:
        head = f"{item.agency.code} · {translated(item.agency.name, language)}"
        periods = ", ".join(period_name(period, language) for period in item.passed)
        held, asked = f"{say('digest.passed', n=len(item.passed))} ({periods})", say("digest.ask_passed")
        stands = ""
    else:
        head = f"{item.agency.code} · {title(each.activity, say, is_public=True)}"
        status = say("digest.progress", status=declared(each, say), progress=each.last.progress) if each.last else ""
        stands = " · ".join(filter(None, [light_label(each, say), status]))
        if item.is_asked_for:
            held = ("" if each.activity.is_restricted else reason(each, s, say)) or "–"
            asked = decision_text(each, s, say)
        else:
            held, asked = ", ".join([say("digest.unexplained"), *why(each, s.today, say)]), say("digest.ask_reason")
    return (
        line(bold(say("digest.decision", i=number % len(waiting) + 1, n=len(waiting)))),
        line(head),
        *([line(stands)] if stands else ()),
        line(say("digest.held_back", what=held)),
        line(say("digest.asked", what=asked)),
        line(say("digest.since_when", date=day(item.since, s, say))),
    )


# ------------------------------------------------------------------ the observer's view
def observer_card(s: Standing, language: str, areas: Sequence[tuple[str, str]], min_cell: int) -> tuple[Line, ...]:
    """Write validated progress by strategic area; `areas` are their codes and names, in order."""
    say = wording(language)
    lines = [
        line(bold(say("digest.observer", period_name=closing_name(s.closing, say)))),
        line(italic(say("digest.observer_note", k=min_cell))),
        *([line(italic(say("digest.only_validated")))] if s.only_validated else []),
    ]
    for code, name in areas:
        own = [each for each in s.activities if each.activity.area_code == code]
        if own:
            started = [each for each in own if each.is_started]
            mean = percent_of(sum(map(progress_of, started)), 100 * len(started))
            lines += [line(""), line(bold(f"{code} · {cut(name, 60)}"))]
            lines.append(line(f"{light_counts(own, say)} · {say('digest.mean', percent=mean)}"))
    if on_time := _on_time(s, say):
        lines += [line(""), *on_time]
    return tuple(lines)


def indicators_card(found: Sequence[IndicatorYear], page: int, language: str) -> tuple[Line, ...]:
    """Write a page of indicators with their targets: validated figures, small ones protected
    (docs/domain.md#small-numbers).
    """
    say = wording(language)
    known = [each for each in found if each.year.reported]
    if not known:
        return (line(say("digest.indicators_none")),)
    pages = indicator_pages(found)
    lines = [line(bold(say("digest.indicators_title", year=known[0].year.first.year)))]
    for each in known[page % pages * INDICATORS : (page % pages + 1) * INDICATORS]:
        value, until = shown_value(each.year, say)
        target = number(each.target)
        name, code = cut(each.indicator.title(language), 60), each.indicator.code
        if target and each.so_far is not None:
            total = shown_figure(each.so_far, say)
            told = say("digest.indicator_so_far", code=code, name=name, value=value + until, total=total, target=target)
        else:
            key = "digest.indicator_target" if target else "digest.indicator"
            told = say(key, code=code, name=name, value=value + until, target=target)
        lines.append(line(told))
    return tuple(lines)


def indicator_pages(found: Sequence[IndicatorYear]) -> int:
    return max(1, -(-sum(bool(each.year.reported) for each in found) // INDICATORS))


def _on_time(s: Standing, say: Wording) -> list[Line]:
    """Say how many reported in time; before the due day, until when they can: a share of what is not due is no news."""
    if s.due_on is None:
        return []
    if not s.is_due:
        return [line(say("digest.due_until", due=day(s.due_on, s, say)))]
    return [line(say("digest.on_time", percent=s.rate.on_time_percent), trend(s, say))]


def shown_value(year: Year, say: Wording) -> tuple[str, str]:
    """Return the figure of a year as it may be told.

    If later months were reported, also return the month up to which it counts.
    """
    if year.percent is not None:
        return say.percent(round(year.percent)), ""
    assert year.value is not None, "there is a figure of this year"
    if year.value.value is None:
        return shown_figure(year.value, say), ""
    until = ""
    if year.until is not None and year.until != year.reported_until:
        until = say("digest.until", month=say(f"plan.month.{year.until.month}"))
    return shown_figure(year.value, say), until


def shown_figure(figure: Figure, say: Wording) -> str:
    return figure.text(say("digest.protected")) if figure.is_hidden else number(str(figure.value))


# ------------------------------------------------------------------ the picture
def matrix(s: Standing, language: str, *, plan: str = "", alphabetical: bool = False) -> dict[str, Any]:
    """Return what the picture shows, as JSON: for each agency and closing, the worst light and how many have it.

    Readers who have to act see the worst agency first. Readers who must not rank see alphabetical order
    (docs/domain.md#ministers). A picture is passed on without the words around it, so it names its `plan`.
    """
    say = wording(language)
    agencies = [agency for agency in s.agencies if any(agency.cells)]
    agencies.sort(key=(lambda a: (a.code,)) if alphabetical else urgency)
    kept = agencies[:ROWS]
    used = [number for number in range(len(s.closings)) if any(agency.cells[number] for agency in kept)]
    return {
        "title": say("digest.picture", date=day(s.today, s, say)),
        "columns": [column_name(s.closings[number], say) for number in used],
        "rows": [
            [
                agency.code,
                [[cell.light.value, cell.count] if cell else None for cell in (agency.cells[n] for n in used)],
            ]
            for agency in kept
        ],
        "legend": [[light.value, light_word(light, say)] for light in WORST_FIRST],
        "note": say("digest.picture_note"),
        "plan": plan,
        "more": say("digest.more", n=len(agencies) - ROWS) if len(agencies) > ROWS else "",
    }


def caption(s: Standing, language: str, *, ranked: bool = True) -> str:
    """Return the text below the picture, also for people who cannot see it. With `ranked` it names the slowest.

    It ends with what a colour means: a reader who sees an agency in yellow asks "compared with what?".
    """
    say = wording(language)
    if not ranked:
        text = f"{say('digest.picture', date=day(s.today, s, say))}. {light_counts(s.activities, say)}"
        return f"{text}. {say('digest.light_meaning')}"
    worst = [agency.code for agency in sorted(s.agencies, key=urgency) if agency.worst.light is Light.CRITICAL]
    head = say("digest.picture", date=day(s.today, s, say))
    if not worst:
        return f"{head}. {say('digest.no_red')} {say('digest.light_meaning')}"
    named = and_more(", ".join(worst[:12]), len(worst) - 12, say)
    return f"{head}. {light_word(Light.CRITICAL, say)}{say.colon}{named}. {say('digest.light_meaning')}"


def silence(agency: AgencyStanding) -> tuple[int, tuple[int, int]]:
    """Return a sort key of agencies for readers who have to act: the longest silence first, then the worst light.

    Equals stay in the plan's own order, as in every list of agencies of which nothing else is said.
    """
    return -agency.in_a_row, urgency(agency)


def urgency(agency: AgencyStanding) -> tuple[int, int]:
    """Return a sort key of agencies: the worst light first; among equals, the one that has more of it, then the plan's
    own order.
    """
    cell = agency.worst
    return WORST_FIRST.index(cell.light), -cell.count


# ------------------------------------------------------------------ inside
def _composed(
    head: Sequence[Line], s: Standing, say: Wording, shown: int, sections: Sequence[Section]
) -> tuple[Line, ...]:
    lines = [*head]
    for section in sections:
        if told := section(s, say, shown):
            lines += [line(""), *told]
    return tuple(lines)


def _within_limit(compose: Callable[[int], tuple[Line, ...]]) -> tuple[Line, ...]:
    for shown in SHOWN:
        lines = compose(shown)
        if sum(units(unstyled(each)) for each in lines) + len(lines) - 1 <= LIMIT:
            break
    return lines


def _has_work(agency: AgencyStanding) -> bool:
    return any(not each.is_over for each in agency.activities)


def _why_missing(agency: AgencyStanding, say: Wording, *, tells_vacancy: bool) -> str:
    if not agency.focal_points and tells_vacancy:
        return say("digest.no_focal_point")
    if agency.reminders:
        return say("digest.reminded_once") if agency.reminders == 1 else say("digest.reminded", n=agency.reminders)
    if agency.reported == agency.expected:
        return say("digest.to_be_closed")
    return f"{agency.reported}/{agency.expected}" if agency.reported else ""


def _good_news(s: Standing, say: Wording) -> str:
    """Return the good news of this week only."""
    closed = [agency for agency in s.agencies if agency.is_on_time and agency.closed_at and agency.closed_at > s.since]
    proved = [agency for agency in closed if _is_backed_up(agency, s)]
    for found, key in ((proved, "digest.good_proved"), (closed, "digest.good_closed")):
        if found:
            first = min(found, key=lambda agency: (agency.closed_at or s.now, agency.code))
            return say(key, agency=first.code, date=day(first.closed_at or s.now, s, say))
    done = [each for each in s.changed if each.is_completed]
    if done:
        first_done = done[0].activity
        what = title(first_done, say, is_public=s.is_public)
        return say("digest.good_done", agency=first_done.agency_code, what=what)
    return ""


def _is_backed_up(agency: AgencyStanding, s: Standing) -> bool:
    """Whether each of the agency's reports for the present closing came with its evidence."""
    end = s.closing.month_end if s.closing else None
    sent = [each.last for each in agency.activities if each.last is not None and each.last.end_on == end]
    return bool(sent) and all(report.has_files and not report.promises_evidence for report in sent)
