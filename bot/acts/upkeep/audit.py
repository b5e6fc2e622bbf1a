"""The audit log in sentences: in the chat for the people whom it concerns (docs/domain.md#who-sees-what), at the server
for its operator.

A log that only a programmer can read keeps nobody honest. So every act is one sentence in the reader's language. It
names the actor by role and agency. Only admins see names, because they answer for access.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.settings import Settings
from conversations.dates import day_and_hour, show_day
from conversations.plan.periods import period_name
from conversations.wording import Wording
from storage.database.audit import StoredAuditEntry
from storage.errors import NotFound, StorageError
from storage.open_database import open_database
from storage.unit_of_work import UnitOfWork
from storage.upkeep.chain import Head, stored_head


@dataclass(frozen=True, slots=True)
class Teller:
    """Writes the sentences of one plan in one language; with `names`, people's names too."""

    unit: UnitOfWork
    plan_id: int
    say: Wording
    zone: ZoneInfo
    names: bool

    def at(self, entry: StoredAuditEntry) -> str:
        return day_and_hour(entry.at, self.zone, self.say.language)

    def who(self, entry: StoredAuditEntry) -> str:
        return self.say("audit.server") if entry.actor_id is None else self.person(entry.actor_id, entry.at)

    def person(self, person_id: int, at: datetime | None = None) -> str:
        """Return somebody's role and agency at that time, or now; with the name for readers who may know it."""
        post = self.unit.people.post(person_id, self.plan_id, at)
        told = self.say("audit.no_role") if post is None else f"{self.say(f'role.{post[0]}')} {post[1]}".rstrip()
        return f"{told} · {self.unit.people.by_id(person_id).name}" if self.names else told

    def sentence(self, entry: StoredAuditEntry) -> str:
        """Say what was done, in one sentence. If the act is of a later version of the bot, return its name."""
        key = f"audit.{entry.act}"
        if key not in self.say:
            return entry.act
        return self.say(key).format_map(_Values(self._values(entry.details))).replace(f" ({MISSING})", "")

    def _values(self, details: Mapping[str, Any]) -> dict[str, str]:
        values = {name: str(value) for name, value in details.items() if isinstance(value, str | int) and value != ""}
        plans, say = self.unit.plans, self.say
        if isinstance(person := details.get("person"), int):
            values["person"] = self.person(person)
        if "role" in values and f"role.{values['role']}" in say:
            values["role"] = say(f"role.{values['role']}")
        if isinstance(agency_id := details.get("agency_id"), int):
            values["agency"] = plans.agency_by_id(agency_id).code
        if "period" in values:
            with contextlib.suppress(NotFound):
                values["period"] = period_name(plans.period(self.plan_id, values["period"]), say.language)
        if on := values.get("on") or values.get("until"):
            values["date"] = day_told(on, say.language)
        for name, key in (("dataset", "export.data.{}"), ("audience", "table.audience.{}")):
            if name in values and key.format(values[name]) in say:
                label = say(key.format(values[name]))
                values[name] = f"{label[0].lower()}{label[1:]}"
        values["form"] = values.get("form_id", "–")
        return values


MISSING: Final = "–"


class _Values(dict[str, str]):
    """The values of a sentence. A value that the entry lacks is a dash; in parentheses it is left out."""

    def __missing__(self, name: str) -> str:
        return MISSING


def day_told(day: str, language: str) -> str:
    try:
        return show_day(date.fromisoformat(day), language)
    except ValueError:
        return day


def bounds_of(day: str, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Return the instants at which a day of this zone begins and ends. (None, None) if `day` is not a day."""
    try:
        on = date.fromisoformat(day)
        return datetime.combine(on, time(), zone), datetime.combine(on + timedelta(days=1), time(), zone)
    except (ValueError, OverflowError):
        return None, None


def head_now(settings: Settings) -> Head | None:
    """Return the last seal of the audit log, so that somebody can write it down.

    None if there is no seal, or if it cannot be read. Before a backup, ask first: then the copy contains the seal.
    """
    with contextlib.suppress(StorageError), open_database(settings.database_url) as database, database.view() as unit:
        return stored_head(unit, is_trusted=True)
    return None
