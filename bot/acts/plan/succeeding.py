"""Let a new plan follow an earlier one: its workbook says of each open row what became of it (docs/succession.md).

Nothing of the earlier plan is copied or counted again. What the workbook does not say is asked at the server, row by
row, before anything is written; then both are imported as one workbook, and one undo takes all of it back.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from bot.acts.plan.ending import balance_of, open_activities
from bot.acts.plan.importing import Imported, Terms, import_plan
from bot.chat.actor import Actor
from bot.chat.form_cache import FormCache
from conversations.languages import FIRST
from conversations.plan.model import DEFINITION, FOLLOWERS, SUCCESSION, Agency, Indicator
from storage.calendar.figures import Figures
from storage.errors import Conflict

if TYPE_CHECKING:
    from storage.imports.reading import PlanDraft
    from storage.imports.sheets import Value


class Item(NamedTuple):
    """A row of the earlier plan of which the new plan must say what became of it."""

    code: str
    table: str
    title: str


class Baseline(NamedTuple):
    """The last validated figure of an indicator that goes on, as anybody may see it."""

    code: str
    value: str
    year: str
    earlier: str


def with_dropped(actor: Actor, draft: "PlanDraft") -> "PlanDraft":
    """Return the draft with the activities that were dropped when the earlier plan (the actor's) was closed."""
    for code, because in actor.unit.endings.dropped(actor.plan_id).items():
        if f"{SUCCESSION}/{code}" not in draft.rows["code"]:
            draft = with_word(draft, code, "dropped", (), because)
    return draft


def with_word(draft: "PlanDraft", code: str, relation: str, codes: Collection[str], because: str = "") -> "PlanDraft":
    """Return the draft with what became of a row, as if its sheet said so. ValueError if that cannot be."""
    least, most = FOLLOWERS.get(relation, (1, 0))
    if not least <= len(codes) <= most:
        raise ValueError(f"{relation} takes {'no code' if most == 0 else 'one code' if most == 1 else 'two codes'}")
    known = draft.rows["activity"].keys() | draft.rows.get("indicator", {}).keys()
    if strangers := sorted({*codes} - known):
        raise ValueError(f"the new plan has no {', '.join(strangers)}")
    if relation == "dropped" and not because:
        raise ValueError("say why: dropped REASON")
    listed = [each for each in draft.rows["code"] if each.startswith(f"{SUCCESSION}/")]
    row: dict[str, Value] = {
        f"label_{FIRST}": because,
        "attributes": {"relation": relation} | ({"new_codes": " ".join(codes)} if codes else {}),
        "position": len(listed) + 1,
    }
    return replace(draft, rows={**draft.rows, "code": {**draft.rows["code"], f"{SUCCESSION}/{code}": row}})


def unsaid(actor: Actor, draft: "PlanDraft", language: str) -> list[Item]:
    """Return what is open of the earlier plan and not on the sheet: activities that are not done, and indicators."""
    plans, opened = actor.unit.plans, frozenset(open_activities(balance_of(actor)))
    found = [
        *(Item(each.code, "activity", each.title(language)) for each in plans.activities(actor.plan_id)
          if each.code in opened),
        *(Item(each.code, "indicator", each.title(language)) for each in plans.indicators(actor.plan_id)),
    ]  # fmt: skip
    return [each for each in found if f"{SUCCESSION}/{each.code}" not in draft.rows["code"]]


def unknown(actor: Actor, draft: "PlanDraft") -> list[str]:
    """Return the codes on the sheet that the earlier plan never had."""
    plans, plan_id = actor.unit.plans, actor.plan_id
    had = {each.code for each in plans.activities(plan_id, include_retired=True)}
    had |= {each.code for each in plans.indicators(plan_id, include_retired=True)}
    return [code for code, _ in _said(draft) if code not in had]


def agencies_on(draft: "PlanDraft", day: date) -> set[str]:
    """Return the agencies that the new plan says take part on this day."""
    active = set()
    for code, row in draft.rows["agency"].items():
        said: dict[str, Any] = {name: row[name] for name in ("role_type", "active_from", "active_to") if row.get(name)}
        if Agency(code, {}, **said).is_active(day):
            active.add(code)
    return active


def baselines(actor: Actor, draft: "PlanDraft") -> list[Baseline]:
    """Return the baselines that the new plan leaves blank and the earlier one can give.

    Only for one indicator that continues as one: a sum of several would be a new figure. Nothing restricted, and
    nothing that suppression hides.
    """
    figures = {
        each.indicator.code: each
        for each in Figures(actor.unit).indicators(actor.plan_id, actor.now, actor.plan_zone, protect=True)
    }
    found = []
    for code, attributes in _said(draft):
        new = attributes.get("new_codes", "")
        row, last = draft.rows.get("indicator", {}).get(new), figures.get(code)
        if attributes["relation"] != "continued" or row is None or row.get("baseline") or last is None:
            continue
        year, told = last.year, last.year.value
        number = year.percent if year.percent is not None else None if told is None else told.value
        if number is not None and year.reported and not _differs(last.indicator, row):
            found.append(Baseline(new, f"{number:g}", str(year.first.year), code))
    return found


def with_baselines(draft: "PlanDraft", found: Collection[Baseline], plan_code: str) -> "PlanDraft":
    """Return the draft with these baselines; each names the plan and the indicator that it is from."""
    rows = dict(draft.rows["indicator"])
    for each in found:
        source = f"{plan_code} · {each.earlier}"
        rows[each.code] = {
            **rows[each.code], "baseline": each.value, "baseline_period": each.year, "baseline_source": source
        }  # fmt: skip
    return replace(draft, rows={**draft.rows, "indicator": rows})


def succeed(
    actor: Actor, forms: FormCache, draft: "PlanDraft", plan_code: str, now: datetime, *, timezone: str
) -> Imported:
    """Import the plan that follows the actor's. Conflict if it is there already and follows another one, or none."""
    for plan in actor.unit.plans.all():
        if plan.code == plan_code and plan.succeeds_id != actor.plan_id:
            raise Conflict(f"the plan {plan_code} is there already and does not follow this one")
    if left := unsaid(actor, draft, FIRST):
        raise Conflict(f"nobody has said what became of {', '.join(each.code for each in left)}")
    unit, terms = actor.unit, Terms(succeeds_id=actor.plan_id)
    done = import_plan(unit, forms, draft, plan_code, actor.person_id, now, timezone=timezone, terms=terms)
    details = {"plan": plan_code, "follows": unit.plans.by_id(actor.plan_id).code}
    unit.audit.record("plan.succeeded", actor.person_id, unit.plans.by_code(plan_code).id, details, now)
    return done


def _said(draft: "PlanDraft") -> Iterator[tuple[str, Mapping[str, str]]]:
    for key, row in draft.rows["code"].items():
        name, _, code = key.partition("/")
        if name == SUCCESSION and isinstance(attributes := row["attributes"], dict):
            yield code, attributes


def _differs(old: Indicator, new: Mapping[str, object]) -> bool:
    """Whether the new indicator counts something else, so that a figure of the old one says nothing of it."""
    return any(getattr(old, name) != str(new.get(name) or "") for name in DEFINITION)
