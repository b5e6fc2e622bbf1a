"""The answer to "what is late?": the late activities themselves, the longest first, and how late each one is.

Who asks that wants names to call and not totals. An activity is late if its date has passed, if it is more than ten
points below what is expected by today, if the report expected last is missing, or if its agency declared it delayed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from conversations.card import Line, bold, italic, line
from conversations.plan.figures.lights import Light, expected_progress
from conversations.plan.figures.monitoring import ActivityStanding, Standing
from conversations.plan.messages.digest_words import declared, progress_of, title, why_late, with_remark
from conversations.plan.model import ActivityStatus
from conversations.wording import Wording

LISTED = 8
"""Activities of one page: each has a line of the text and a button."""
NOTABLE = 10
"""Points below what is expected that the light ignores (docs/domain.md#lights)."""


@dataclass(frozen=True, slots=True)
class LateActivity:
    """A late activity, with what makes it late."""

    each: ActivityStanding
    days: int
    """Days since its date. 0: that has not passed."""
    gap: Fraction
    """Points below what is expected by today; 0 if they are too few to count."""

    @property
    def order(self) -> tuple[int, Fraction, int]:
        """Sort key: past its date the longest, then the most points below, then the most reports missing."""
        return -self.days, -self.gap, -self.each.missed


def late_activities(s: Standing) -> tuple[LateActivity, ...]:
    """Return the late activities, the longest first. Those that are equally late stay in the plan's own order."""
    today = s.today
    found = [late for each in s.activities if (late := _late(each, today)) is not None]
    return tuple(sorted(found, key=lambda late: late.order))


def _late(each: ActivityStanding, today: date) -> LateActivity | None:
    if each.is_over or not each.is_started or each.light is Light.GREY:
        return None
    activity = each.activity
    days = max(0, (today - activity.ends_on).days)
    gap = expected_progress(activity.start_on, activity.ends_on, today) - progress_of(each)
    gap = gap if gap > NOTABLE else Fraction(0)
    is_declared = each.last is not None and each.last.status == ActivityStatus.DELAYED
    return LateActivity(each, days, gap) if days or gap or each.missed or is_declared else None


def late_lines(
    found: Sequence[LateActivity], page: int, s: Standing, say: Wording, *, is_public: bool
) -> tuple[Line, ...]:
    """Return one page of the list. With `is_public`, a restricted activity has its code and no title."""
    if not found:
        return (line(bold(say("late.none"))), *_whose(s, say))
    lines = [line(bold(say("late.title" if len(found) > 1 else "late.title_one", n=len(found)))), *_whose(s, say)]
    lines += [line(italic(say("late.order"))), line("")]
    for late in shown_on(found, page):
        each = late.each
        name = f"{each.activity.agency_code} · {title(each.activity, say, is_public=is_public)}"
        how = ", ".join(why_late(each, s.today, say))
        told = with_remark(name, declared(each, say))
        lines.append(line(f"{each.light.shape} {told}{say.colon}{how}" if how else f"{each.light.shape} {told}"))
    return tuple(lines)


def shown_on(found: Sequence[LateActivity], page: int) -> Sequence[LateActivity]:
    """Return the activities of a page. Behind the last page comes the first."""
    page %= max(1, -(-len(found) // LISTED))
    return found[page * LISTED : (page + 1) * LISTED]


def count_after(found: Sequence[LateActivity], page: int) -> int:
    """Return how many activities come after this page."""
    page %= max(1, -(-len(found) // LISTED))
    return max(0, len(found) - (page + 1) * LISTED)


def _whose(s: Standing, say: Wording) -> tuple[Line, ...]:
    return (line(italic(say("digest.only_validated"))),) if s.only_validated else ()
