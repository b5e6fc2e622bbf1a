"""What became of an activity: only what a coordinator has validated counts, and only with its evidence."""

from datetime import UTC, date, datetime

import pytest

from conversations.plan.figures.balance import Outcome, outcome
from conversations.plan.figures.standing_records import Report
from conversations.plan.model import ActivityStatus, ValidationState

NOW = datetime(2021, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "progress", "owes_evidence", "became"),
    [
        (ActivityStatus.COMPLETED, 100, False, Outcome.DONE),
        (ActivityStatus.COMPLETED, 100, True, Outcome.IN_PART),
        (ActivityStatus.IN_PROGRESS, 95, False, Outcome.IN_PART),
        (ActivityStatus.SUSPENDED, 0, False, Outcome.IN_PART),
        (ActivityStatus.NOT_STARTED, 0, False, Outcome.NOT_BEGUN),
        (ActivityStatus.NOT_STARTED, 5, False, Outcome.IN_PART),
        (ActivityStatus.CANCELLED, 40, False, Outcome.CANCELLED),
    ],
)
def test_what_became_of_it(status: ActivityStatus, progress: int, owes_evidence: bool, became: Outcome) -> None:
    """By the last validated report."""
    last = Report(1, "A", 1, date(2020, 12, 31), ValidationState.VALIDATED, status, progress, NOW, owes_evidence)
    assert outcome(last) is became


def test_without_a_validated_report_it_was_not_begun() -> None:
    assert outcome(None) is Outcome.NOT_BEGUN
