"""The plan's lists as files. A form takes its agencies, activities, indicators and places from them.

A form names `plan_activities.csv` in `select_one_from_file` and has no list of its own. So a change of the plan changes
every form. The bot reads these files when it compiles a form; `enlace plan lists` writes them for others.

The laws:
* Ended rows stay in the lists, with the day of their end in `ended_on`, so that old answers keep their labels.
* `label` is in the plan's first language; `label_es`, `label_en` … are those of each language.
* Code that changes a row of the plan calls `touch`. Then forms with the old lists are compiled again.
"""

import csv
import io
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import bindparam, select, update

from conversations.languages import translated
from conversations.plan.model import Translations
from storage.database.models import Base
from storage.database.statements import Prepared
from storage.database.unit import Unit
from storage.plan.plans import Plans

PLACES: Final = ("province", "region")
"""The code lists of the plan that are places, in the order in which they are listed."""

_plan = Base.metadata.tables["plan"]
_agency = Base.metadata.tables["agency"]
_REVISION = Prepared(select(_plan.c.lists_revision).where(_plan.c.id == bindparam("id")))
_TOUCH = update(_plan).where(_plan.c.id == bindparam("of_plan")).values(lists_revision=bindparam("another"))
_REPORTS_REFERRALS = select(_agency.c.code).where(
    _agency.c.plan_id == bindparam("plan_id"), _agency.c.reports_referrals
)

Row = Mapping[str, object]


def revision(unit: Unit, plan_id: int) -> str:
    """Return a word that differs whenever the lists differ. It is never used twice, because a change may be undone."""
    found = _REVISION.first(unit.connection, {"id": plan_id})
    return "" if found is None else str(found[0])


def touch(unit: Unit, plan_id: int) -> None:
    """Note that the lists have changed."""
    unit.connection.execute(_TOUCH, {"of_plan": plan_id, "another": secrets.token_hex(8)})


def plan_lists(
    unit: Unit, plan_id: int, names: Iterable[str] | None = None, *, only_current: bool = False
) -> dict[str, bytes]:
    """File name → CSV in UTF-8, of the named files or of all. Names that are not the plan's are left out.

    With `only_current`, rows that have ended are left out: for a client that shows them to people.
    """
    wanted = _WRITERS if names is None else {name: _WRITERS[name] for name in names if name in _WRITERS}
    lists = {name: writer(unit, plan_id) for name, writer in wanted.items()}
    return {
        name: _written([row for row in rows if not only_current or not row.get("ended_on")])
        for name, rows in lists.items()
    }


def _agencies(unit: Unit, plan_id: int) -> list[Row]:
    reporting = set(unit.connection.execute(_REPORTS_REFERRALS, {"plan_id": plan_id}).scalars())
    return [
        {
            "name": agency.code,
            **_labels(agency.name, f"{agency.code} · "),
            "referrals": _yes(agency.code in reporting),
            "ended_on": agency.active_to,
        }
        for agency in unit.of(Plans).agencies(plan_id)
    ]


def _activities(unit: Unit, plan_id: int) -> list[Row]:
    return [
        {
            "name": activity.code,
            **_labels(dict(activity.name) | dict(activity.short_name), f"{activity.code} · "),
            "agency": activity.agency_code,
            "area": activity.area_code,
            "objective": activity.objective_code,
            "indicator": activity.indicator_code,
            "frequency": activity.frequency.value,
            "start_on": activity.start_on,
            "due_on": activity.due_on,
            "restricted": _yes(activity.is_restricted),
            "ended_on": activity.retired_on,
        }
        for activity in unit.of(Plans).activities(plan_id, include_retired=True)
    ]


def _indicators(unit: Unit, plan_id: int) -> list[Row]:
    return [
        {
            "name": indicator.code,
            **_labels(indicator.name, f"{indicator.code} · "),
            "agency": indicator.agency_code,
            "area": indicator.area_code,
            "unit": indicator.unit,
            "frequency": indicator.frequency.value,
            "exploit": int(indicator.by_exploitation),
            "min_cell": indicator.min_cell,
            "computed": _yes(indicator.is_computed),
            "ended_on": indicator.retired_on,
        }
        for indicator in unit.of(Plans).indicators(plan_id, include_retired=True)
    ]


def _places(unit: Unit, plan_id: int) -> list[Row]:
    plans = unit.of(Plans)
    return [
        {"name": place.code, **_labels(place.label), "kind": kind}
        for kind in PLACES
        for place in plans.code_list(plan_id, kind)
    ]


def _nationalities(unit: Unit, plan_id: int) -> list[Row]:
    """The nationalities by which people are divided, without "other" and "unknown": the form asks for these itself."""
    listed = unit.of(Plans).code_list(plan_id, "nationality")
    return [{"name": one.code, **_labels(one.label)} for one in listed if one.code.casefold() not in _REST]


_REST: Final = ("oth", "other", "unk", "unknown")
_WRITERS: Final = {
    "plan_activities.csv": _activities,
    "plan_agencies.csv": _agencies,
    "plan_indicators.csv": _indicators,
    "plan_nationalities.csv": _nationalities,
    "plan_places.csv": _places,
}


def _labels(texts: Translations, before: str = "") -> dict[str, str]:
    by_language = {f"label_{language}": before + text for language, text in sorted(texts.items()) if text}
    return {"label": before + translated(texts, ""), **by_language}


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _written(rows: Sequence[Row]) -> bytes:
    """Write a list as CSV. A list without rows still has its first columns, because an expression may name them."""
    columns = dict.fromkeys(column for row in rows for column in row) or dict.fromkeys(("name", "label"))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({column: "" if value is None else value for column, value in row.items()} for row in rows)
    return text.getvalue().encode()
