"""The silence for all that Telegram asks for with a 429: it outlives the process that was told of it."""

from datetime import datetime
from typing import Final

from storage.database.facts import Facts
from storage.database.unit import Unit

_ENDS_AT: Final = "telegram.not_before"


def silent_until(unit: Unit) -> datetime | None:
    """Return when the last silence for all ends or has ended. None: Telegram has wanted none."""
    ends_at = unit.of(Facts).get(_ENDS_AT)
    return None if ends_at is None else datetime.fromisoformat(ends_at)


def note_silence(unit: Unit, ends_at: datetime, now: datetime) -> None:
    unit.of(Facts).set(_ENDS_AT, ends_at.isoformat(), now)
