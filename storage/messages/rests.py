"""Until when a row rests that is to be tried again.

The moment is written, because a start must keep to it. But a clock that was 400 days ahead has written one that lies
400 days ahead. No row of its kind rests for so long: a moment that is further away than the longest rest was written by
a wrong clock, and the row is due. What is scheduled may lie far ahead, and is not judged in this way.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam

LONGEST_REFUSAL: Final = timedelta(days=1)
"""For so long at most, Telegram is believed that it wants no call (429). No reply and no job rests for longer."""


def is_over(moment: ColumnElement[Any], *are_never_scheduled: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the rest until this moment is over. A statement with this condition is given the values of `at`."""
    is_wrong = and_(moment > bindparam("furthest"), *are_never_scheduled)
    return moment.is_(None) | (moment <= bindparam("now")) | is_wrong


def at(now: datetime, longest: timedelta) -> dict[str, datetime]:
    """Return the values of `is_over` for rows that never rest for longer than this."""
    return {"now": now, "furthest": now + longest}
