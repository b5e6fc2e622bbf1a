"""What a report or a judgement is about, found by its subject, and how the cards of its form name it."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from conversations.dates import show_date
from conversations.languages import LANGUAGES
from conversations.plan.model import Activity, Indicator, Judged, judge_of
from conversations.plan.periods import ReportingPeriod, period_name
from conversations.wording import wording
from storage.errors import NotFound
from storage.unit_of_work import UnitOfWork

Item = Activity | Indicator | Judged


def item_of(unit: UnitOfWork, plan_id: int, subject: str | None) -> Item | None:
    kind, _, code = (subject or "").partition(":")
    if (judge := judge_of(subject)) is not None:
        for item in judged(unit, plan_id, judge):
            if item.code == code:
                return item
        raise NotFound(f"no objective {code!r}")
    if kind == "activity":
        return unit.plans.activity(plan_id, code)
    if kind == "indicator":
        return unit.plans.indicator(plan_id, code)
    return None


def judged(unit: UnitOfWork, plan_id: int, person_id: int) -> Iterator[Judged]:
    """Yield the objectives of the plan, in its order, as this person judges them."""
    restricted = {each.objective_code for each in unit.plans.activities(plan_id) if each.is_restricted}
    for each in unit.plans.objectives(plan_id):
        yield Judged(each.code, each.name, person_id, each.code in restricted)


def names_of(item: Item) -> dict[str, str]:
    short = item.short_name if isinstance(item, Activity) else {}
    return {language: text for language, text in (dict(item.name) | dict(short)).items() if text}


def until_in_words(subject: str | None, period: ReportingPeriod) -> Mapping[str, str]:
    """The line about the period on each card of a form, by language: its name, and until when."""
    if judge_of(subject) is not None:
        day = period.last_on.isoformat()
        return {code: wording(code)("evaluation.until", date=show_date(day, code)) for code in LANGUAGES}
    return _until_in_words(period, period.is_reopened)  # periods are equal, whether one is reopened or not


@lru_cache(maxsize=256)
def _until_in_words(period: ReportingPeriod, _is_reopened: bool) -> Mapping[str, str]:
    return {code: f"{period_name(period, code)} · {period.until(code)}" for code in LANGUAGES}
