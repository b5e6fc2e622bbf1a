"""The silence for all that Telegram asks for with a 429: it outlives the process that was told of it."""

from datetime import datetime
from typing import Final

from storage.database.facts import Facts
from storage.database.unit import Unit

_ENDS_AT: Final = "telegram.not_before"


def silent_until(unit: Unit, now: datetime) -> datetime | None:
    """Return when the last silence for all ends or has ended. None: Telegram has wanted none.

    It is no longer than it was when it was noted, also if the clock has been set back since.
    """
    facts = unit.of(Facts)
    noted, noted_at = facts.get(_ENDS_AT), facts.learnt_at(_ENDS_AT)
    if noted is None or noted_at is None:
        return None
    ends_at = datetime.fromisoformat(noted)
    return min(ends_at, now + (ends_at - noted_at))


def note_silence(unit: Unit, ends_at: datetime, now: datetime) -> None:
    unit.of(Facts).set(_ENDS_AT, ends_at.isoformat(), now)
