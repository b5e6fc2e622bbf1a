"""The balance of a plan: what of it was done, and what held it back (docs/domain.md#the-end-of-a-plan).

It counts what a coordinator has validated. An activity is done if its last validated report completes it and owes no
evidence. Everything else is counted by the standing that digests and files show, so no two of them can disagree.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from conversations.plan.figures.monitoring import ActivityStanding, Standing, standing
from conversations.plan.figures.standing_records import Records, Report
from conversations.plan.model import ActivityStatus


class Outcome(StrEnum):
    """What became of an activity."""

    DONE = "done"
    IN_PART = "in_part"
    NOT_BEGUN = "not_begun"
    CANCELLED = "cancelled"


def outcome(last: Report | None) -> Outcome:
    """Return what became of an activity whose last validated report is this one; None if it has none."""
    if last is None or (last.status is ActivityStatus.NOT_STARTED and not last.progress):
        return Outcome.NOT_BEGUN
    if last.status is ActivityStatus.CANCELLED:
        return Outcome.CANCELLED
    is_done = last.status is ActivityStatus.COMPLETED and not last.promises_evidence
    return Outcome.DONE if is_done else Outcome.IN_PART


@dataclass(frozen=True, slots=True)
class Balance:
    """What became of each activity, and the obstacles that validated reports tell, the most frequent first."""

    activities: tuple[tuple[ActivityStanding, Outcome], ...]
    obstacles: tuple[tuple[str, int], ...]
    """Code of the plan's list of obstacles → how many reports tell it."""
    found: Standing

    def counts(self, *, area: str = "", agency: str = "") -> Mapping[Outcome, int]:
        """Return how many activities have each outcome: all of them, or those of an area or of an agency."""
        own = Counter(
            became
            for each, became in self.activities
            if area in ("", each.activity.area_code) and agency in ("", each.activity.agency_code)
        )
        return {each: own[each] for each in Outcome}


def balance(records: Records, now: datetime, zone: ZoneInfo) -> Balance:
    """Return the balance of a plan at that instant. `records` are the whole of its history."""
    found = standing(records, now, now, zone, only_validated=True)
    told = Counter(
        code
        for each in records.reports
        if each.is_read(only_validated=True) and each.detail is not None
        for code in each.detail.reasons
    )
    return Balance(
        activities=tuple((each, outcome(each.last)) for each in found.activities),
        obstacles=tuple(sorted(told.items(), key=lambda pair: (-pair[1], pair[0]))),
        found=found,
    )
