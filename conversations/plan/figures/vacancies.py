"""Posts to which nothing can be said: nobody has them, or the person who does receives nothing."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from conversations.plan.entering import Absence
from conversations.plan.figures.standing_records import Reporter
from conversations.plan.model import Role


def vacant_since(reporters: Sequence[Reporter], zone: ZoneInfo) -> date | None:
    """Return since when nobody receives what is sent to the focal point. None if somebody does, or nobody ever came.

    A person who never accepted the privacy note never received anything: that of the focal point before counts.
    """
    focal_points = [reporter for reporter in reporters if reporter.role is Role.FOCAL_POINT]
    if any(each.is_there for each in focal_points):
        return None
    received = [each for each in focal_points if each.absence != "no_privacy"] or focal_points
    ends = [min(filter(None, (each.active_to, each.absent_since))) for each in received]
    return max(ends).astimezone(zone).date() if ends else None


def vacant_why(reporters: Sequence[Reporter]) -> Absence | None:
    """Return why nothing reaches the person who has the post. None if nobody has it, or somebody receives."""
    holders = [each for each in reporters if each.role is Role.FOCAL_POINT and each.active_to is None]
    return None if any(each.is_there for each in holders) else next((each.absence for each in holders), None)


def not_reached(reporters: Sequence[Reporter]) -> tuple[str, ...]:
    """Return the names of those who have a post and receive nothing. Suspended people were stopped by an admin."""
    return tuple(
        each.name for each in reporters if each.active_to is None and each.absence in ("unreachable", "no_privacy")
    )
