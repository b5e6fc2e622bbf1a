"""The way into a plan: invited, opened, accepted, arrived. Where is this person, and does anything reach them?

A link that was opened is not yet a person who reports. Somebody may open it and never accept the privacy note, accept
it and never send a report, or block the bot later. Each time the bot is silent and nothing fails, so an agency can be
dead for months and look alive. So this is asked in one place: whoever lists, counts, reminds or names a vacancy asks
here.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from conversations.plan.model import Role


class Station(StrEnum):
    """A station of the way. `entering.stopped.…` in the catalogue says that somebody stopped there."""

    INVITED = "invited"
    """There is a link, and nobody has used it."""
    OPENED = "opened"
    """The link was opened: the person is known, and has not accepted the privacy note."""
    ACCEPTED = "accepted"
    """A focal point has accepted, and has not sent a first report."""
    ARRIVED = "arrived"
    """The first report was sent. Other roles arrive when they accept: nobody waits for a report of theirs."""


Absence = Literal["suspended", "unreachable", "no_privacy"]
"""Why somebody with a role receives nothing. Catalogue keys are `due.reason.…`."""

NUDGED_AFTER: Final = (timedelta(days=1), timedelta(days=7))
"""When somebody who has stopped on the way is asked to go on."""
TOLD_AFTER: Final = timedelta(days=8)
"""When the admins hear of somebody who has stopped: after the last nudge."""
LOST_AFTER: Final = timedelta(days=1)
"""When the admins hear of a link that has expired unused, and of somebody whom Telegram no longer reaches."""


def absence(
    suspended_at: datetime | None, unreachable_at: datetime | None, accepted_at: datetime | None
) -> Absence | None:
    """Return why nothing reaches a person who has a role. None: messages reach them.

    A person who can only be called is told apart from one who can still be nudged.
    """
    if suspended_at is not None:
        return "suspended"
    if unreachable_at is not None:
        return "unreachable"
    return "no_privacy" if accepted_at is None else None


@dataclass(frozen=True, slots=True)
class Way:
    """What is known of a person's way into a plan in which they have a role."""

    person_id: int
    name: str
    role: Role
    agency_code: str
    entered_at: datetime
    """Since when they have the role: when they opened the link, or when they were enrolled."""
    accepted_at: datetime | None = None
    suspended_at: datetime | None = None
    unreachable_at: datetime | None = None
    has_reported: bool = False
    invited_by_id: int | None = None

    @property
    def station(self) -> Station:
        if self.accepted_at is None:
            return Station.OPENED
        is_awaited = self.role is Role.FOCAL_POINT and not self.has_reported
        return Station.ACCEPTED if is_awaited else Station.ARRIVED

    @property
    def reached_at(self) -> datetime:
        """Return since when they stand at `station`, as long as they have not arrived."""
        return self.entered_at if self.accepted_at is None else max(self.entered_at, self.accepted_at)

    @property
    def absence(self) -> Absence | None:
        return absence(self.suspended_at, self.unreachable_at, self.accepted_at)

    @property
    def absent_since(self) -> datetime | None:
        """Return since when nothing reaches them. None: messages do."""
        return absent_since(self.entered_at, self.suspended_at, self.unreachable_at, self.accepted_at)

    @property
    def is_under_way(self) -> bool:
        """Whether they are listed as stopped: they receive nothing, or their first report is awaited."""
        return self.absence is not None or self.station is not Station.ARRIVED

    @property
    def stopped_at(self) -> datetime:
        """Return since when they have been where they are."""
        return self.absent_since or self.reached_at

    @property
    def told_after(self) -> timedelta:
        """Return how long after `stopped_at` their admins are told."""
        return LOST_AFTER if self.absence == "unreachable" else TOLD_AFTER

    def is_lost(self, now: datetime) -> bool:
        """Whether nothing has reached them for so long that their admins were told."""
        is_out = self.absence in ("unreachable", "no_privacy")
        return is_out and self.stopped_at + self.told_after <= now


def absent_since(
    entered_at: datetime, suspended_at: datetime | None, unreachable_at: datetime | None, accepted_at: datetime | None
) -> datetime | None:
    """Return since when nothing reaches a person who has a role. None: messages reach them."""
    match absence(suspended_at, unreachable_at, accepted_at):
        case None:
            return None
        case "no_privacy":
            return entered_at
        case _:
            # Whoever blocked the bot before they accepted never received anything.
            gone_at = suspended_at or unreachable_at
            return entered_at if accepted_at is None or gone_at is None else max(entered_at, gone_at)


@dataclass(frozen=True, slots=True)
class UnusedLink:
    """A link for a post that nobody has used, and that no newer link or person has made needless."""

    id: int
    role: Role
    agency_code: str
    created_at: datetime
    expires_at: datetime
    created_by_id: int | None = None

    @property
    def station(self) -> Station:
        return Station.INVITED


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many stand at each station, and whom nothing reaches."""

    at: Counter[Station]
    silent: int
    """How many of them receive nothing now: they have not accepted, or Telegram does not deliver."""
    lost: tuple[Way, ...] = ()
    """Those of them of whom the admins were told, the longest first."""


NOBODY: Final = Funnel(Counter(), 0)


def funnel(ways: Iterable[Way], links: Iterable[UnusedLink], now: datetime) -> Funnel:
    """Count a plan's people by station. Suspended people are not on the way: an admin has stopped them."""
    there = [way for way in ways if way.absence != "suspended"]
    at = Counter([way.station for way in there] + [link.station for link in links])
    lost = sorted((way for way in there if way.is_lost(now)), key=lambda way: way.stopped_at)
    return Funnel(at, sum(way.absence is not None for way in there), tuple(lost))


def is_nudged(stopped_on: date, last_on: date | None, today: date) -> bool:
    """Whether somebody who stopped on a day is asked to go on today. `last_on`: the last day on which they were asked.

    If an outage or a holiday delays the first nudge beyond the second one's day, one covers both.
    """
    return any((last_on or date.min) < stopped_on + after <= today for after in NUDGED_AFTER)


def is_told(on: date, last_on: date | None, today: date) -> bool:
    """Whether an admin hears today of something that became news on a day. `last_on`: when the admin heard last."""
    return (last_on or date.min) < on <= today
