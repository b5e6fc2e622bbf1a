"""The light of an activity, computed from dates (docs/domain.md#lights). The declared status is shown beside it."""

from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from conversations.plan.model import ActivityStatus
from conversations.wording import wording

SOON = timedelta(days=30)


# ------------------------------------------------------------------ the traffic light
class Light(StrEnum):
    GREY = "grey"
    CRITICAL = "critical"
    ATTENTION = "attention"
    NO_REPORT = "no_report"
    TO_VALIDATE = "to_validate"
    ON_TRACK = "on_track"

    @property
    def shape(self) -> str:
        return _SHAPES[self]

    def label(self, language: str) -> str:
        """The light's word and shape. Colour alone is never used."""
        return wording(language)(f"plan.light.{self.value}", shape=self.shape)


# Python 3.11 takes longer to find a member in its class than to compute a light.
_GREY, _CRITICAL, _ATTENTION, _ON_TRACK = Light.GREY, Light.CRITICAL, Light.ATTENTION, Light.ON_TRACK
_NO_REPORT, _TO_VALIDATE = Light.NO_REPORT, Light.TO_VALIDATE
_CANCELLED, _COMPLETED = ActivityStatus.CANCELLED, ActivityStatus.COMPLETED
_SUSPENDED = ActivityStatus.SUSPENDED
_SHAPES = {
    _GREY: "⚪", _CRITICAL: "🔴", _ATTENTION: "🟡", _NO_REPORT: "⬜", _TO_VALIDATE: "🔷", _ON_TRACK: "🟢",
}  # fmt: skip


def expected_progress(start_on: date, due_on: date, today: date) -> Fraction:
    """Return the share of its time that has passed, in percent, between 0 and 100."""
    gone, whole = _days_gone(start_on, due_on, today)
    return Fraction(100 * gone, whole)


def _days_gone(start_on: date, due_on: date, today: date) -> tuple[int, int]:
    """The number of days that have passed, and the number of all days."""
    if today < start_on:
        return 0, 1
    if today >= due_on:
        return 1, 1
    return (today - start_on).days, (due_on - start_on).days


class Declared(NamedTuple):
    """What the last report that a reader may count declares. Without one: no status and no progress."""

    status: ActivityStatus | None = None
    progress: int = 0
    is_evidence_pending: bool = False
    is_cancellation_approved: bool = False
    new_due_on: date | None = None
    """The new due date of a suspended activity."""
    is_waiting: bool = False
    """Where no report counts: whether one waits for validation."""


def traffic_light(start_on: date, due_on: date, today: date, declared: Declared, missed_in_a_row: int = 0) -> Light:
    """Compute the light of an activity by the rules of docs/domain.md#lights, from top to bottom. Nobody types a light.

    `missed_in_a_row` counts the expected reports that are missing, back from the last one.
    """
    status, progress, is_evidence_pending, is_cancellation_approved, new_due_on, is_waiting = declared
    if today < start_on or (status == _CANCELLED and is_cancellation_approved):
        return _GREY
    gone, whole = _days_gone(start_on, due_on, today)
    gap = 100 * gone - progress * whole  # in percent of `whole`: a plan of thousands is no place for fractions
    is_completed = status == _COMPLETED
    if (
        (today > due_on and not is_completed)
        or gap > 25 * whole
        or missed_in_a_row >= 2
        or (status == _SUSPENDED and new_due_on is None)
    ):
        return _CRITICAL
    if (
        gap > 10 * whole
        or (due_on - today <= SOON and progress < 80)
        or missed_in_a_row == 1
        or (is_completed and is_evidence_pending)
    ):
        return _ATTENTION
    if status is None:
        return _TO_VALIDATE if is_waiting else _NO_REPORT
    return _ON_TRACK
