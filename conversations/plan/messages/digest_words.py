"""Words that several digests use: a light, a reason, a day, a shortened list."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Final

from conversations.card import Line, bold, cut, line
from conversations.dates import show_day
from conversations.languages import translated
from conversations.plan.figures.lights import Light, expected_progress
from conversations.plan.figures.monitoring import WORST_FIRST, ActivityStanding, Standing
from conversations.plan.figures.plenary import PlenaryItem
from conversations.plan.figures.standing_records import Closing
from conversations.plan.model import Activity
from conversations.plan.periods import PeriodName, PeriodType, period_name
from conversations.wording import Wording

TITLE = 34
"""Characters of an activity's title in a list."""


def plenary_line(item: PlenaryItem, s: Standing, say: Wording, room: int) -> str:
    """Return one line: the agency, the matter in at most `room` characters, and since when."""
    if item.each is None:
        head = f"{item.agency.code}{say.colon}{say('digest.passed', n=len(item.passed))}"
    else:
        text = decision_text(item.each, s, say) if item.is_asked_for else say("digest.unexplained")
        code = item.each.code if item.is_asked_for else with_remark(item.each.code, declared(item.each, say))
        head = f"{item.agency.code} · {code}{say.colon}{cut(text, room)}"
    return say("digest.since", what=head, date=day(item.since, s, say))


def decision_text(each: ActivityStanding, s: Standing, say: Wording) -> str:
    """Return the decision that is asked for.

    For a restricted activity, return only the code of the reason, never its words.
    """
    detail = each.last.detail if each.last else None
    if each.activity.is_restricted or detail is None or not detail.decision:
        return say("digest.reserved")
    return " ".join(detail.decision.split())


def reason(each: ActivityStanding, s: Standing, say: Wording) -> str:
    """Return what holds an activity back, in the plan's own words. "" if nobody has said."""
    if each.last is None:
        return ""
    codes = each.last.detail.reasons if each.last.detail else ()
    labels = [translated(s.reasons[code], say.language) if code in s.reasons else code for code in codes]
    if each.last.zero_reason:
        labels.append(say(f"nothing.reason.{each.last.zero_reason}"))
    return ", ".join(labels)


def declared(each: ActivityStanding, say: Wording) -> str:
    """Return the status that was declared last; a light is shown beside it (docs/domain.md#status-and-validation). ""
    if nobody has reported.
    """
    return "" if each.last is None else say(f"export.status.{each.last.status}")


_SOON: Final = {0: "digest.why_today", 1: "digest.why_tomorrow"}


def why(each: ActivityStanding, today: date, say: Wording) -> list[str]:
    """Return why the activity's light is yellow or red, in the order of the rule (docs/domain.md#lights)."""
    if each.light not in (Light.CRITICAL, Light.ATTENTION):
        return []
    progress, left = progress_of(each), (each.activity.ends_on - today).days
    found = _behind(each, today, say)
    if left < 0 and not each.is_completed:
        found.insert(0, say("digest.why_due"))
    if 0 <= left <= 30 and progress < 80:
        found.append(say(_SOON.get(left, "digest.why_soon"), n=left))
    if each.is_completed and each.last is not None and each.last.promises_evidence:
        found.append(say("digest.why_evidence"))
    return found


def _behind(each: ActivityStanding, today: date, say: Wording) -> list[str]:
    """Return how far the activity is below what is expected by today, and whether reports are missing."""
    gap = expected_progress(each.activity.start_on, each.activity.ends_on, today) - progress_of(each)
    found = [say("digest.why_gap", gap=round(gap))] if gap > 10 else []
    if each.missed:
        key = "digest.why_missing" if each.missed > 1 else "digest.why_missing_one"
        found.append(say(key, n=each.missed))
    return found


def why_late(each: ActivityStanding, today: date, say: Wording) -> list[str]:
    """Return how late an activity is: for how many days its date has passed, how far it is below, what is missing."""
    days = (today - each.activity.ends_on).days
    passed = [say("late.days" if days > 1 else "late.day", n=days)] if days > 0 else []
    return passed + _behind(each, today, say)


def light_counts(activities: Iterable[ActivityStanding], say: Wording) -> str:
    """Return shape, word and number of each light, the worst first. Completed activities are counted separately."""
    activities = list(activities)
    done = sum(each.is_completed for each in activities)
    open_ones = [each.light for each in activities if not each.is_completed]
    counts = [
        f"{light.label(say.language)} {open_ones.count(light)}" for light in WORST_FIRST[:-1] if light in open_ones
    ]
    if done:
        counts.append(say("digest.completed_count", n=done))
    if ahead := sum(each.light is Light.GREY and not each.is_over for each in activities):
        counts.append(say("digest.grey_count", n=ahead))
    if dropped := sum(each.light is Light.GREY and each.is_over for each in activities):
        counts.append(say("digest.cancelled_count", n=dropped))
    return " · ".join(counts)


def has_got_worse(each: ActivityStanding, light: Light) -> bool:
    """Whether the activity has got worse this week, to this light."""
    worst = list(WORST_FIRST)
    return each.light is light and worst.index(light) < worst.index(each.light_before)


def has_left_red(each: ActivityStanding) -> bool:
    return each.light_before is Light.CRITICAL and each.light is not Light.CRITICAL and not each.is_over


def light_label(each: ActivityStanding, say: Wording) -> str:
    """Return shape and word of its light. What is grey because it was cancelled does not wait to be started."""
    return say("digest.grey") if each.light is Light.GREY and not each.is_over else each.light.label(say.language)


def light_shape(each: ActivityStanding, say: Wording) -> str:
    """Return its light's shape, in a message that counts the lights with their words. "" if it is completed."""
    return "" if each.is_completed else each.light.shape


def light_word(light: Light, say: Wording) -> str:
    label = say("digest.grey") if light is Light.GREY else light.label(say.language)
    return label.replace(light.shape, "").strip()


def title(activity: Activity, say: Wording, *, is_public: bool = False) -> str:
    """Return code and title. If the reader may not read a restricted activity's text, return the code alone."""
    if is_public and activity.is_restricted:
        return f"{activity.code} 🔒"
    return f"{activity.code} {cut(activity.title(say.language), TITLE)}"


def trend(s: Standing, say: Wording) -> str:
    """Return " ▲ 7 pts": punctual closings compared with the closing before. "" if there is nothing to compare with.

    Nobody is late before the last due day of the present closing. Periods that locked before the calendar was kept do
    not count.
    """
    if not s.is_due or len(s.closings) < 2:
        return ""
    earlier = s.rates[-2]
    if not earlier.expected or not s.rate.expected or s.closings[-2].locks_on <= s.kept_since:
        return ""
    points = s.rate.on_time_percent - earlier.on_time_percent
    if points == 0:
        return say("digest.trend_same")
    way = "up" if points > 0 else "down"
    return say(f"digest.trend_{way}" if abs(points) > 1 else f"digest.trend_{way}_one", n=abs(points))


def closing_name(closing: Closing | None, say: Wording) -> PeriodName:
    """Return the month that is closed, as a person says it."""
    if closing is None:
        return PeriodName("–", "–", "–")
    month = next((p for p in closing.periods if p.type == PeriodType.MONTHLY), closing.periods[0])
    return period_name(month, say.language)


def day(on: date | datetime, s: Standing, say: Wording) -> str:
    """ "15 oct 2018", in the plan's zone."""
    return show_day(on.astimezone(s.zone) if isinstance(on, datetime) else on, say.language)


def dates(activity: Activity, say: Wording) -> str:
    """ "1 sep 2018 to 30 jun 2019"; of a continuous activity, since when."""
    start = show_day(activity.start_on, say.language)
    if activity.due_on is None:
        return say("digest.continuous", start=start)
    return say("digest.dates", start=start, due=show_day(activity.due_on, say.language))


def units(text: str) -> int:
    """Return the length as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def number(text: str) -> str:
    """Return a number with a non-breaking space between its thousands. Any other text stays as it is."""
    return f"{int(text):,}".replace(",", "\N{NO-BREAK SPACE}") if text.isascii() and text.isdecimal() else text


def progress_of(each: ActivityStanding) -> int:
    """Progress in percent, from the reports that this reader may see."""
    if each.last is None:
        return 0
    return 100 if each.is_completed else each.last.progress


def column_name(closing: Closing, say: Wording) -> str:
    """Return the month as the language shortens it: with three letters, French June and July would be the same."""
    return say("months.short").split("|")[closing.month_end.month - 1]


def named_activities(activities: Sequence[Activity], s: Standing, say: Wording, shown: int) -> str:
    named = " · ".join(title(activity, say, is_public=s.is_public) for activity in activities[:shown])
    return and_more(named, len(activities) - shown, say)


def named_standings(
    found: Sequence[ActivityStanding],
    remark: Callable[[ActivityStanding, Wording], str],
    s: Standing,
    say: Wording,
    shown: int,
) -> str:
    """Name the first activities, each with a remark: the light of a declared status, the status beside a light."""
    titles = [
        with_remark(title(each.activity, say, is_public=s.is_public), remark(each, say)) for each in found[:shown]
    ]
    return and_more(" · ".join(titles), len(found) - shown, say)


def headed_list(head: str, names: str, say: Wording) -> str:
    return f"{head}{say.colon}{names}" if names else head


def counted_list(key: str, names: Sequence[str], say: Wording, shown: int) -> Line:
    """Return a list under its own number: `n` of the head is the length of the list, never another figure."""
    named = and_more(", ".join(names[:shown]), len(names) - shown, say)
    return line(bold(say(key, n=len(names))), " ", named)


def with_remark(code: str, remark: str) -> str:
    return f"{code} ({remark})" if remark else code


def and_more(named: str, left: int, say: Wording) -> str:
    if left <= 0:
        return named
    more = say("digest.more", n=left)
    return f"{named} {more}" if named else more


def rest_lines(left: int, say: Wording) -> list[Line]:
    return [line(say("digest.more", n=left))] if left > 0 else []
