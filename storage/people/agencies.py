"""The commission's members, which its admins change: they join, are renamed, leave and come back.

The members of a commission change by decree and by election, but an agency's reports stay its own. So an agency is
never deleted. It takes part from one day until another. After that day its people report nothing, until it takes part
again (docs/domain.md#agencies).
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, insert, select, update

from conversations.languages import FIRST
from conversations.plan.entering import absence
from conversations.plan.model import ROLE_TYPES, Agency, Role
from conversations.session.safeguards.characters import read_name
from storage.database.audit import Act, Audit
from storage.database.marks import told_anew
from storage.database.models import Base
from storage.database.unit import Repository
from storage.errors import Conflict
from storage.plan.lists import touch
from storage.plan.past_rows import PastRows, plain
from storage.plan.plans import Plans

LONGEST_NAME = 160
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{1,15}", re.ASCII)

_tables = Base.metadata.tables
_agency = _tables["agency"]
_TOLD = ("agency", "past_row")
"""The tables that an act on an agency changes."""
_person = _tables["person"]
_membership = _tables["membership"]


@dataclass(frozen=True, slots=True)
class Belongings:
    """What belongs to an agency: people with a role now, and the activities it leads that are not over."""

    people: int = 0
    focal_points: int = 0
    activities: int = 0


@dataclass(frozen=True, slots=True)
class NewAgency:
    """An agency to add. `name` is by language; `active_from` is its first day in the commission."""

    code: str
    name: Mapping[str, str]
    role_type: str = "member"
    active_from: date | None = None


def read_code(text: str) -> str | None:
    """Read a code as it is stored, in capitals. None if it is not 2 to 16 of A-Z, 0-9, "-" and "_"."""
    code = text.strip().upper()
    return code if _CODE.fullmatch(code) else None


_OF_ABSENCE = (_person.c.suspended_at, _person.c.unreachable_at, _person.c.privacy_accepted_at)


class Agencies(Repository):
    """Agencies, changed one at a time in chat or at the server; the plan's workbook changes them too (`imports`)."""

    def belongings(self, plan_id: int) -> dict[int, Belongings]:
        """Return agency id → its people, focal points and activities, in a fixed number of statements.

        Those whom no message reaches count as people of their agency, but not as focal points.
        """
        people, focal = Counter[int](), Counter[int]()
        current = (
            select(_membership.c.agency_id, _membership.c.role, *_OF_ABSENCE, func.count())
            .join(_person, _person.c.id == _membership.c.person_id)
            .where(
                _membership.c.plan_id == plan_id,
                _membership.c.active_to.is_(None),
                _membership.c.agency_id.is_not(None),
            )
            .group_by(_membership.c.agency_id, _membership.c.role, *_OF_ABSENCE)
        )
        for agency_id, role, *known, count in self._connection.execute(current):
            people[agency_id] += count
            if role == Role.FOCAL_POINT and absence(*known) is None:
                focal[agency_id] += count
        plans = self._unit.of(Plans)
        ids, ended = {agency.code: agency.id for agency in plans.agencies(plan_id)}, plans.ended(plan_id)
        activities = Counter(
            ids[activity.agency_code] for activity in plans.activities(plan_id) if activity.code not in ended
        )
        return {
            agency_id: Belongings(people[agency_id], focal[agency_id], activities[agency_id])
            for agency_id in people.keys() | activities.keys()
        }

    def add(self, plan_id: int, new: NewAgency, now: datetime, *, by: int | None) -> Agency:
        """Add an agency to the plan. Conflict if the code is taken. ValueError for an impossible code, name or type."""
        kept = read_code(new.code)
        if kept is None:
            raise ValueError("a code has 2 to 16 of A-Z, 0-9, - and _")
        if new.role_type not in ROLE_TYPES:
            raise ValueError(f"an agency is one of {', '.join(ROLE_TYPES)}")
        names = _names(dict(new.name))
        if not any(names.values()):
            raise ValueError("an agency needs a name, in Spanish or another language")
        if any(agency.code.upper() == kept for agency in self._unit.of(Plans).agencies(plan_id)):
            raise Conflict(f"there is an agency {kept} already")
        touch(self._unit, plan_id)
        with told_anew(self._unit, plan_id, *_TOLD) as details:
            self._connection.execute(
                insert(_agency).values(
                    plan_id=plan_id,
                    code=kept,
                    name=names,
                    role_type=new.role_type,
                    active_from=new.active_from,
                    founding_member=False,
                )
            )
        details |= {"agency": kept, "type": new.role_type, "from": _iso(new.active_from)}
        self._unit.of(Audit).record("agency.added", by, plan_id, details, now)
        return self._unit.of(Plans).agency(plan_id, kept)

    def rename(self, agency: Agency, plan_id: int, name: dict[str, str], *, now: datetime, by: int | None) -> Agency:
        """Set the name in these languages; a blank one is removed. ValueError if the name shown by default is blank."""
        names = {language: text for language, text in {**agency.name, **_names(name)}.items() if text}
        if not names or (agency.name.get(FIRST) and FIRST not in names):
            raise ValueError("an agency needs a name, in Spanish or another language")
        return self._change(agency, plan_id, "agency.renamed", {"languages": sorted(name)}, now, by, name=names)

    def set_type(self, agency: Agency, plan_id: int, role_type: str, *, now: datetime, by: int | None) -> Agency:
        if role_type not in ROLE_TYPES:
            raise ValueError(f"an agency is one of {', '.join(ROLE_TYPES)}")
        details = {"from": agency.role_type, "to": role_type}
        return self._change(agency, plan_id, "agency.changed", details, now, by, role_type=role_type)

    def begin(self, agency: Agency, plan_id: int, on: date, *, now: datetime, by: int | None) -> Agency:
        """Let it take part from that day. ValueError if the day is not before its end."""
        if agency.active_to is not None and on >= agency.active_to:
            raise ValueError("an agency begins before it ends")
        return self._change(agency, plan_id, "agency.begun", {"on": _iso(on)}, now, by, active_from=on)

    def end(self, agency: Agency, plan_id: int, on: date, *, now: datetime, by: int | None) -> Agency:
        """End its part in the plan on that day. ValueError if the day is not after its first one."""
        if agency.active_from is not None and on <= agency.active_from:
            raise ValueError("an agency ends after it begins")
        return self._change(agency, plan_id, "agency.ended", {"on": _iso(on)}, now, by, active_to=on)

    def reactivate(self, agency: Agency, plan_id: int, *, now: datetime, by: int | None) -> Agency:
        """Let the agency take part again, as if it had never ended."""
        return self._change(
            agency, plan_id, "agency.reactivated", {"was": _iso(agency.active_to)}, now, by, active_to=None
        )

    def _change(
        self,
        agency: Agency,
        plan_id: int,
        act: Act,
        details: Mapping[str, object],
        now: datetime,
        by: int | None,
        **values: object,
    ) -> Agency:
        here = (_agency.c.id == agency.id, _agency.c.plan_id == plan_id)
        touch(self._unit, plan_id)
        with told_anew(self._unit, plan_id, *_TOLD) as told:
            whole = select(_agency).where(*here)
            before = self._connection.execute(whole).mappings().one()
            self._connection.execute(update(_agency).where(*here).values(**values))
            edit = before, self._connection.execute(whole).mappings().one()
            was, is_now = ({"agency": {agency.id: {name: plain(value) for name, value in row.items()}}} for row in edit)
            self._unit.of(PastRows).note(plan_id, was, is_now, now)
        self._unit.of(Audit).record(act, by, plan_id, {"agency": agency.code, **details, **told}, now)
        return self._unit.of(Plans).agency_by_id(agency.id)


def _names(name: dict[str, str]) -> dict[str, str]:
    return {language: read_name(text)[:LONGEST_NAME].rstrip() for language, text in name.items()}


def _iso(on: date | None) -> str:
    return on.isoformat() if on else ""
