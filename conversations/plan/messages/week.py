"""The week in a few lines: what has changed since the last digest, and the one thing to do today.

A coordinator reads it on the way to a meeting, aloud if need be. So it has at most `LINES` lines. What did not change
is not said; the whole digest (`digests`) is one tap away. `offers` decides which act helps most; the buttons for the
acts are made where permissions are known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from conversations.card import Line, bold, line
from conversations.dates import short_date
from conversations.plan.expected import is_expected
from conversations.plan.figures.lights import Light
from conversations.plan.figures.monitoring import Standing, days_between
from conversations.plan.figures.plenary import PlenaryItem, plenary_items
from conversations.plan.messages.digest_words import (
    and_more,
    counted_list,
    day,
    has_got_worse,
    has_left_red,
    light_counts,
)
from conversations.plan.messages.digests import heading, unclosed, vacancies
from conversations.plan.model import ActivityStatus
from conversations.plan.periods import ReportingPeriod, period_name
from conversations.wording import Wording, wording

LINES = 12
CHANGES = 4
"""Lines about what has changed. Whatever else has changed is counted."""
NAMED = 4
"""Codes that are named in a line."""
OLD = 3
"""Days after which a report that waits for validation goes before other acts."""
SOON = timedelta(days=2)
"""How long before the due day a reminder goes before other acts."""


# ------------------------------------------------------------------ the one thing to do
class Act(StrEnum):
    """What a coordinator or an administrator can do for the plan. Catalogue keys: `week.act.…` and `week.waits.…`."""

    REMIND = "remind"
    VALIDATE = "validate"
    NAME = "name"
    LETTER = "letter"
    DECIDE = "decide"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Offer:
    """An act, and what it is about: its number is the length of a list that the reader can open."""

    act: Act
    n: int
    names: tuple[str, ...] = ()


def offers(s: Standing, to_remind: Sequence[str], letters: Sequence[str], proposed: int = 0) -> tuple[Offer, ...]:
    """Return the acts that help now, the one that helps most first.

    What has a last day goes first: agencies that can still report. Then reports that have waited long, because nobody
    sees them until they are validated; then posts that nobody holds, because from there nothing comes at all.

    `to_remind`: agencies of which somebody can be reminded now. `letters`: agencies whose head may get a letter.
    `proposed`: how many proposed changes of the plan wait.
    """
    waiting, vacant, decided = s.queue, [each.code for each in vacancies(s)], plenary_items(s)
    found = (
        Offer(Act.REMIND, len(to_remind), tuple(to_remind)),
        Offer(Act.VALIDATE, waiting.count),
        Offer(Act.NAME, len(vacant), tuple(vacant)),
        Offer(Act.LETTER, len(letters), tuple(letters)),
        Offer(Act.DECIDE, len(decided), tuple(map(_matter, decided))),
        Offer(Act.CHANGE, proposed),
    )
    is_old = waiting.oldest_at is not None and days_between(waiting.oldest_at, s.now, s.zone) >= OLD
    is_pressing = {Act.REMIND: s.due_on is not None and s.today >= s.due_on - SOON, Act.VALIDATE: is_old}
    last = {Act.REMIND: 1}  # who is early needs no reminder
    return tuple(
        sorted((each for each in found if each.n), key=lambda o: (not is_pressing.get(o.act), last.get(o.act, 0)))
    )


def _matter(item: PlenaryItem) -> str:
    return item.agency.code if item.each is None else f"{item.agency.code} {item.each.code}"


# ------------------------------------------------------------------ the text
def week(s: Standing, language: str, offered: Sequence[Offer], *, is_public: bool = False) -> tuple[Line, ...]:
    """Write the week in at most `LINES` lines. `is_public`: for readers who see a restricted activity by its code."""
    say, s = wording(language), replace(s, is_public=is_public)
    lines, told = heading(s, say), changes(s, say)
    left = len(told) - CHANGES
    if told:
        lines.append(line(bold(say("week.changed", date=day(s.since, s, say)))))
        lines += told[:CHANGES]
        lines += [line(say("week.more", n=left))] if left > 0 else []
    else:
        lines.append(line(say("week.unchanged", date=day(s.since, s, say))))
    lines.append(line(""))
    lines.append(line(bold(say("week.today")), " ", _to_do(offered[0], s, say) if offered else say("week.nothing")))
    if waits := [say(f"week.waits.{offer.act}", n=offer.n) for offer in offered[1:]]:
        lines.append(line(bold(say("week.waits")), " ", " · ".join(waits)))
    return (*lines, line(_numbers(s, say)))


def changes(s: Standing, say: Wording) -> list[Line]:
    """Say what has changed since `s.since`, a line for each kind, the worst first."""
    kinds: tuple[tuple[str, Sequence[str]], ...] = (
        ("week.turned_red", [each.code for each in s.activities if has_got_worse(each, Light.CRITICAL)]),
        *((f"week.{status}", _declared(s, status)) for status in CHANGED),
        ("week.turned_yellow", [each.code for each in s.activities if has_got_worse(each, Light.ATTENTION)]),
        ("week.left_red", [each.code for each in s.activities if has_left_red(each)]),
        ("week.closed", [each.code for each in s.agencies if each.closed_at and each.closed_at > s.since]),
        ("week.started", [activity.code for activity in s.started]),
    )
    lines = [*_events(s, say), *(counted_list(key, codes, say, NAMED) for key, codes in kinds if codes)]
    if s.received:
        lines.append(line(say("digest.received" if s.received > 1 else "digest.received_one", n=s.received)))
    return lines


CHANGED = (ActivityStatus.SUSPENDED, ActivityStatus.DELAYED, ActivityStatus.CANCELLED, ActivityStatus.COMPLETED)
"""Statuses that are news, worst first."""
_ENDINGS: tuple[tuple[str, Callable[[ReportingPeriod], date]], ...] = (
    ("closing.locked", lambda period: period.locks_on),
    ("closing.grace_ended", lambda period: period.grace_until_on + timedelta(days=1)),
)
"""What happens to a period of itself, and on which day."""


def _declared(s: Standing, status: ActivityStatus) -> list[str]:
    return [each.code for each in s.changed if each.last is not None and each.last.status == status]


def _events(s: Standing, say: Wording) -> list[Line]:
    """Say which periods have locked, and of which grace has ended; then who has not closed, if that became news."""
    then = s.since.astimezone(s.zone).date()
    running = [each.activity for each in s.activities if not each.is_over]
    lines: list[Line] = []
    for closing in s.closings[-2:]:
        for period in closing.periods:
            if any(is_expected(each, period, date.max) for each in running):
                ended = (key for key, on in _ENDINGS if then < on(period) <= s.today)
                lines += [line(say(key, period_name=period_name(period, say.language))) for key in list(ended)[:1]]
    is_news = bool(lines) or (s.due_on is not None and then <= s.due_on)
    if s.is_due and is_news and (missing := unclosed(s)):
        lines.append(counted_list("digest.missing", [agency.code for agency in missing], say, NAMED))
    return lines


def _to_do(offer: Offer, s: Standing, say: Wording) -> str:
    """Say the one thing to do, as a reader would say it to a colleague."""
    named = and_more(", ".join(offer.names[:NAMED]), len(offer.names) - NAMED, say)
    oldest = day(s.queue.oldest_at, s, say) if s.queue.oldest_at else ""
    open_ones = [period for period in s.closing.periods if period.is_open(s.today)] if s.closing else []
    last = max((period.last_on for period in open_ones), default=s.today)
    until = short_date(last, say.language)
    return say(f"week.act.{offer.act}", n=offer.n, names=named, date=oldest, until=until)


def _numbers(s: Standing, say: Wording) -> str:
    """Return the one line of numbers."""
    parts = []
    if s.rate.expected:
        reported, expected = (sum(getattr(a, name) for a in s.agencies) for name in ("reported", "expected"))
        rate = {"closed": s.rate.closed, "expected": s.rate.expected}
        parts.append(say("week.numbers", **rate, reported=reported, reports=expected))
    if s.activities:
        parts.append(light_counts(s.activities, say))
    return " · ".join(parts) or say("digest.no_closing")
