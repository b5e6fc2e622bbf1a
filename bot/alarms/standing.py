"""KINDS: the kinds of alarms. An alarm that stands is a fact in the database, so that every process sees it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import orjson

from conversations.dates import show_day
from conversations.wording import Wording
from storage.unit_of_work import UnitOfWork

Severity = Literal["warn", "bad"]
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """One row. Its words are `alarm.NAME.title` and `alarm.NAME`, which says what to do; the runbook says more."""

    severity: Severity
    lasts: timedelta = 3 * _MINUTE
    """The alarm is over when nobody has raised it for so long."""
    after: timedelta = timedelta(0)
    """An alarm that does not last so long is only logged."""
    stops_work: bool = False
    """Whether an important part of the bot does not work meanwhile. Then `/readyz` names it and answers 503."""


KINDS: Final[dict[str, Kind]] = {
    "token_rejected": Kind("bad", _MINUTE, stops_work=True),
    "second_poller": Kind("bad", stops_work=True),
    "foreign_webhook": Kind("bad", stops_work=True),
    "telegram": Kind("bad"),
    "database": Kind("bad", after=timedelta(seconds=10)),
    "disk": Kind("bad", stops_work=True),
    "files": Kind("bad", stops_work=True),
    "clock": Kind("bad", stops_work=True),
    "held": Kind("bad", stops_work=True),
    "keys": Kind("bad", 10 * _MINUTE, stops_work=True),
    "audit": Kind("bad", 10 * _MINUTE),
    "upkeep": Kind("bad", timedelta(hours=2)),
    "queue_age": Kind("bad", after=5 * _MINUTE),
    "repeated_deaths": Kind("bad"),
    "method_refused": Kind("warn", 10 * _MINUTE, after=2 * _MINUTE),
    "unreportable": Kind("bad"),
    "poison": Kind("warn"),
    "receivers": Kind("warn", 10 * _MINUTE),
}
"""Worst first: what stops everything before what stops one thing."""
OTHER: Final = Kind("bad", 10 * _MINUTE)
"""A kind that is not in the table is told all the same."""

PREFIX: Final = "alarm."
REFRESH: Final = timedelta(seconds=30)
"""How often an alarm that lasts is stored again."""
SHAPES: Final[dict[Severity, str]] = {"warn": "⚠️", "bad": "⛔"}


# ------------------------------------------------------------------ as the database has them
@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm that stands. `reason` is for the operator of the server, in English."""

    kind: str
    since: datetime
    raised_at: datetime
    reason: str

    @property
    def severity(self) -> Severity:
        return KINDS.get(self.kind, OTHER).severity

    def is_over(self, now: datetime) -> bool:
        """Whether the alarm is over. If the clock has gone back, all are over, and those that last are raised again."""
        return not -_MINUTE <= now - self.raised_at <= KINDS.get(self.kind, OTHER).lasts + REFRESH


def standing(unit: UnitOfWork) -> list[Standing]:
    """All standing alarms, worst first."""
    found = []
    for name, value, raised_at in unit.facts.starting(PREFIX):
        kept = orjson.loads(value)
        kind = name.removeprefix(PREFIX)
        found.append(Standing(kind, datetime.fromisoformat(kept["since"]), raised_at, kept["reason"]))
    order = {kind: number for number, kind in enumerate(KINDS)}
    return sorted(found, key=lambda one: (one.severity != "bad", order.get(one.kind, len(order)), one.kind))


def sentence(one: Standing, say: Wording, local: datetime) -> str:
    """The alarm's sentence, with what to do. `local` is the time on the server's clock."""
    words = words_of(one.kind)
    told = say(
        f"alarm.{words}",
        kind=one.kind,
        time=f"{local:%H:%M}",
        date=show_day(local.date(), say.language),
    )
    return f"{say(f'alarm.{words}.title')}. {told}"


def words_of(kind: str) -> str:
    return kind if kind in KINDS else "other"
