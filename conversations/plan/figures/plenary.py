"""The matters for the plenary: what only the coordination or all institutions together can deal with."""

from dataclasses import dataclass
from datetime import date

from conversations.plan.figures.monitoring import ActivityStanding, Standing
from conversations.plan.model import Agency
from conversations.plan.periods import ReportingPeriod

PLENARY = 3
"""After so many periods in a row without a closing, the plenary is told (docs/domain.md#reminders)."""


@dataclass(frozen=True, slots=True)
class PlenaryItem:
    """An activity or an agency that only the coordination or the plenary can deal with (docs/domain.md#reminders)."""

    agency: Agency
    since: date
    each: ActivityStanding | None = None
    """The activity whose report asks for a decision, or that is red without an explanation."""
    passed: tuple[ReportingPeriod, ...] = ()

    @property
    def is_asked_for(self) -> bool:
        """Whether a report asks for a decision. If not, the item is only unexplained."""
        return self.each is not None and self.each.asked_at is not None


def plenary_items(s: Standing) -> tuple[PlenaryItem, ...]:
    """Return the matters for the plenary, those that have waited longest first.

    Decisions that are asked for come first, then agencies that have let PLENARY periods pass, then red activities
    without an explanation. An agency that let periods pass is named instead of its unexplained activities.
    """
    asked, passed, unexplained = [], [], []
    for agency in s.agencies:
        is_silent = agency.in_a_row >= PLENARY
        if is_silent:
            passed.append(PlenaryItem(agency.agency, agency.passed[0].locks_on, passed=agency.passed))
        for each in agency.activities:
            if each.asked_at is not None:
                asked.append(PlenaryItem(agency.agency, each.asked_at.astimezone(s.zone).date(), each))
            elif each.unexplained_since is not None and not is_silent:
                unexplained.append(PlenaryItem(agency.agency, each.unexplained_since, each))
    return tuple(
        item
        for items in (asked, passed, unexplained)
        for item in sorted(items, key=lambda one: (one.since, one.agency.code, one.each.code if one.each else ""))
    )
