"""The names of a plan, gathered for the guard of free text: every name and title in the plan's own rows."""

import re
from collections.abc import Iterable, Iterator

from conversations.plan.model import Translations
from conversations.session.safeguards.known import Known, known_of
from storage.database.unit import Unit
from storage.plan.lists import PLACES
from storage.plan.plans import Plans


def known_of_plan(unit: Unit, plan_id: int) -> Known:
    """Names of agencies and places, titles of areas, objectives, activities and indicators; and its public numbers."""
    plans = unit.of(Plans)
    return known_of(_texts(plans, plan_id), hotlines=re.split(r"[;,\n]", plans.by_id(plan_id).hotlines))


def _texts(plans: Plans, plan_id: int) -> Iterator[str]:
    for agency in plans.agencies(plan_id):
        yield from (agency.code, *_told(agency.name))
    for place in (place for kind in PLACES for place in plans.code_list(plan_id, kind)):
        yield from _told(place.label)
    for area in plans.strategic_areas(plan_id):
        yield from _told(area.name)
    for objective in plans.objectives(plan_id):
        yield from _told(objective.name)
    for activity in plans.activities(plan_id, include_retired=True):
        yield from _told(activity.name, activity.short_name, activity.means_of_verification, activity.target_unit)
    for indicator in plans.indicators(plan_id, include_retired=True):
        yield from _told(indicator.name)


def _told(*texts: Translations) -> Iterable[str]:
    return (text for each in texts for text in each.values() if text)
