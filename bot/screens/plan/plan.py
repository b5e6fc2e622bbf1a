"""/plan: read the plan on a phone: area, objective, then the card of an activity or indicator, in one message.

Most people who must carry out a plan have never held it: it is a PDF of ninety pages in somebody's mail. Here it is
three taps away, in the reader's language. Everybody sees what they may (docs/domain.md#who-sees-what): a focal point
what their agency leads, others all of it, a restricted activity by its code alone. The Global Compact's objectives are
shown to those who run the plan, and to others only if an admin has switched them on
(docs/domain.md#sdgs-and-the-global-compact).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.chat.exchange import Denied, Exchange
from bot.chat.permissions import REPORTERS
from bot.schedule import digests
from bot.screens.reports.changes import originals_of, propose_row
from conversations.card import Button, Card, Line, bold, cut, home_button, italic, line, page_of
from conversations.languages import translated
from conversations.plan.messages.changes import beside, shown
from conversations.plan.messages.digest_words import dates, number, title
from conversations.plan.messages.digests import shown_figure, shown_value
from conversations.plan.model import Activity, Indicator, Role
from conversations.plan.series import earlier
from conversations.routes import Route, tap
from conversations.wording import Wording
from storage.calendar.figures import Figures
from storage.plan.plans import Objective, Plan, StrategicArea
from storage.plan.settings import SHOW_GCM

RowT = TypeVar("RowT", Activity, Indicator)
LISTED = 8
"""Activities or indicators on one screen."""
RUNNERS = REPORTERS | {Role.COORDINATOR, Role.ADMIN}
"""Roles that see where the money comes from, and always the Global Compact's objectives."""


def plan(ex: Exchange, kind: str, code: str, page: int) -> None:
    """The screen that a button names; without a kind, the areas.

    `A` is an area, `O` a page of an objective, `I` a page of an area's indicators, `a` an activity, `i` an indicator.
    """
    match kind:
        case "":
            _areas(ex)
        case "A":
            _area(ex, code)
        case "O":
            _objective(ex, code, page)
        case "I":
            _indicators(ex, code, page)
        case "a":
            _activity(ex, code)
        case _:
            _indicator(ex, code)


# ------------------------------------------------------------------ what this person may see
def _activities(ex: Exchange) -> tuple[Activity, ...]:
    """The plan's; for who reports, those that their agency leads, alone or with another one."""
    plans, plan_id = ex.unit.plans, ex.membership.plan_id
    if not _is_own_only(ex):
        return plans.activities(plan_id)
    own, jointly = {each.id for each in plans.activities(plan_id, ex.agency_id)}, plans.led_jointly(ex.agency_id)
    return tuple(each for each in plans.activities(plan_id) if each.id in own | jointly)


def _all_indicators(ex: Exchange) -> tuple[Indicator, ...]:
    return ex.unit.plans.indicators(ex.membership.plan_id, ex.agency_id if _is_own_only(ex) else None)


def _is_own_only(ex: Exchange) -> bool:
    return ex.membership.role in REPORTERS


def _shows_gcm(ex: Exchange) -> bool:
    return ex.membership.role in RUNNERS or ex.unit.settings.is_on(ex.membership.plan_id, SHOW_GCM)


def _title(ex: Exchange, activity: Activity) -> str:
    return title(activity, ex.say, is_public=digests.VIEWS[ex.membership.role].is_public)


# ------------------------------------------------------------------ screens
def _areas(ex: Exchange) -> None:
    say, plan_id = ex.say, ex.membership.plan_id
    found = ex.unit.plans.by_id(plan_id)
    activities, indicators = _activities(ex), _all_indicators(ex)
    lines: list[Line] = [line(bold(translated(found.name, ex.language))), line("")]
    rows: list[tuple[Button, ...]] = []
    for area in ex.unit.plans.strategic_areas(plan_id):
        counts = [sum(each.area_code == area.code for each in some) for some in (activities, indicators)]
        if any(counts):
            name = translated(area.name, ex.language)
            lines.append(
                line(bold(f"{area.code} · {name}"), f"{say.colon}{say('plan.counts', n=counts[0], m=counts[1])}")
            )
            rows.append((Button(cut(f"{area.code} · {name}"), tap(Route.PLAN, "A", area.code)),))
    if not rows:
        lines.append(line(say("plan.nothing_yours")))
    if ex.allows(Route.IMPORT):
        lines += [line(""), line(italic(say("plan.how")))]
    rows.append((Button(say("balance.title"), tap(Route.BALANCE)),))
    if ex.allows(Route.END_PLAN) and not ex.is_over:
        rows.append((Button(say("ending.title"), tap(Route.END_PLAN)),))
    last = []
    if ex.allows(Route.WORKBOOK):
        last.append(Button(say("plan.download"), tap(Route.WORKBOOK)))
    if ex.allows(Route.UNDO_IMPORT):
        last.append(Button(say("import.undo"), tap(Route.UNDO_IMPORT)))
    if last:
        rows.append(tuple(last))
    _show_screen(ex, lines, rows, ())


def _area(ex: Exchange, code: str) -> None:
    area = _area_of(ex, code)
    own = {activity.objective_code for activity in _activities(ex)}
    indicators = [each for each in _all_indicators(ex) if each.area_code == code]
    lines: list[Line] = [line(bold(f"{code} · {translated(area.name, ex.language)}"))]
    if intent := translated(area.intent, ex.language):
        lines.append(line(italic(intent)))
    rows: list[tuple[Button, ...]] = []
    for objective in _objectives(ex):
        if objective.area_code == code and (objective.code in own or not _is_own_only(ex)):
            name = translated(objective.name, ex.language)
            lines.append(line(bold(objective.code), f" {name}"))
            rows.append((Button(cut(f"{objective.code} · {name}"), tap(Route.PLAN, "O", objective.code)),))
    if indicators:
        rows.append((Button(ex.say("plan.indicators", n=len(indicators)), tap(Route.PLAN, "I", code)),))
    _show_screen(ex, lines, rows, (Button(ex.say("nav.back"), tap(Route.PLAN)),))


def _objective(ex: Exchange, code: str, page: int) -> None:
    objective = next((one for one in _objectives(ex) if one.code == code), None)
    if objective is None:
        raise Denied
    found = [each for each in _activities(ex) if each.objective_code == code]
    if not found and _is_own_only(ex):
        raise Denied
    lines: list[Line] = [line(bold(f"{code} · {translated(objective.name, ex.language)}"))]
    lines += _goals(ex, objective.sdg_targets, objective.gcm_objectives)
    shown, following = page_of(found, page, LISTED)
    lines += [line(f"• {each.agency_code} · {_title(ex, each)}") for each in shown]
    rows = [(Button(cut(_title(ex, each)), tap(Route.PLAN, "a", each.code)),) for each in shown]
    if following is not None:
        rows.append((Button(ex.say("menu.more"), tap(Route.PLAN, "O", f"{code}~{following}")),))
    _show_screen(ex, lines, rows, (Button(ex.say("nav.back"), tap(Route.PLAN, "A", objective.area_code)),))


def _indicators(ex: Exchange, code: str, page: int) -> None:
    area = _area_of(ex, code)
    found = [each for each in _all_indicators(ex) if each.area_code == code]
    shown, following = page_of(found, page, LISTED)
    lines: list[Line] = [line(bold(ex.say("plan.indicators_of", area=translated(area.name, ex.language))))]
    lines += [line(f"• {each.code} {each.title(ex.language)}") for each in shown]
    rows = [
        (Button(cut(f"{each.code} · {each.title(ex.language)}"), tap(Route.PLAN, "i", each.code)),) for each in shown
    ]
    if following is not None:
        rows.append((Button(ex.say("menu.more"), tap(Route.PLAN, "I", f"{code}~{following}")),))
    _show_screen(ex, lines, rows, (Button(ex.say("nav.back"), tap(Route.PLAN, "A", code)),))


def _activity(ex: Exchange, code: str) -> None:
    """An activity's agencies, days, money and evidence. Outsiders see no money, and no text of a restricted one."""
    say, language = ex.say, ex.language
    activity = next((each for each in _activities(ex) if each.code == code), None)
    if activity is None:
        raise Denied
    is_hidden = activity.is_restricted and digests.VIEWS[ex.membership.role].is_public
    name = say("digest.reserved") if is_hidden else translated(activity.name, language)
    was = originals_of(ex, activity)
    lines: list[Line] = [line(bold(f"{code} · {name}"))]
    if not is_hidden and "wording" in was:
        lines.append(line(italic(say("change.original", was=was["wording"]))))
    lines.append(line(""))
    jointly = ex.unit.plans.supporting(activity.id, leads=True)
    reports = say("plan.reports", agency=activity.agency_code) if jointly else activity.agency_code
    lines.append(_row(say, say("plan.responsible"), ", ".join((reports, *jointly))))
    if supporting := ex.unit.plans.supporting(activity.id):
        lines.append(_row(say, say("plan.supporting"), ", ".join(supporting)))
    lines.append(_row(say, say("plan.dates"), beside(dates(activity, say), "date", was, say)))
    lines.append(_row(say, say("plan.reported"), say(f"plan.frequency.{activity.frequency}")))
    if activity.target_quantity:
        amount = f"{activity.target_quantity} {translated(activity.target_unit, language)}".strip()
        lines.append(_row(say, say("plan.target"), beside(amount, "target", was, say)))
    if not is_hidden and ex.membership.role in RUNNERS:
        found = ex.unit.plans.resources(ex.membership.plan_id, activity_id=activity.id)
        amounts = [
            f"{source} {number(amount)} {currency}".strip() for source, amount, currency in found.get(activity.id, ())
        ]
        lines += [_row(say, say("plan.resources"), "; ".join(amounts))] * bool(amounts)
    if not is_hidden and (means := translated(activity.means_of_verification, language)):
        lines.append(_row(say, say("plan.means"), means))
    objective = next(one for one in _objectives(ex) if one.code == activity.objective_code)
    every = {each.code: each for each in ex.unit.plans.activities(ex.membership.plan_id, include_retired=True)}
    lines += [_row(say, say("plan.continues"), f"{each.code} · {_title(ex, each)}") for each in earlier(every, code)]
    for old, plan in _of_earlier_plan(ex, code, ex.unit.plans.activities):
        is_hidden = old.is_restricted and digests.VIEWS[ex.membership.role].is_public
        title = say("digest.reserved") if is_hidden else old.title(language)
        lines.append(_row(say, say("plan.earlier"), f"{plan.code} · {old.code} · {title}"))
    lines += _goals(ex, objective.sdg_targets, objective.gcm_objectives)
    is_anothers = _is_own_only(ex) and activity.agency_code != ex.agency_code
    rows = [] if is_anothers else [(Button(say("plan.state"), tap(Route.ACTIVITY, code)),)]
    known = {each.code for each in _all_indicators(ex)}
    if activity.indicator_code in known:
        rows.append((Button(activity.indicator_code, tap(Route.PLAN, "i", activity.indicator_code)),))
    _show_screen(
        ex, lines, _with_words(ex, rows, activity), (Button(say("nav.back"), tap(Route.PLAN, "O", objective.code)),)
    )


def _indicator(ex: Exchange, code: str) -> None:
    """An indicator's definition, baseline and target, and its figure as anybody may see it
    (docs/domain.md#small-numbers).
    """
    say, language, plan_id = ex.say, ex.language, ex.membership.plan_id
    indicator = next((each for each in _all_indicators(ex) if each.code == code), None)
    if indicator is None:
        raise Denied
    more, was = ex.unit.plans.indicator_details(indicator.id), originals_of(ex, indicator)
    lines: list[Line] = [line(bold(f"{code} · {indicator.title(language)}"))]
    if "wording" in was:
        lines.append(line(italic(say("change.original", was=was["wording"]))))
    lines.append(line(""))
    lines.append(_row(say, say("plan.responsible"), indicator.agency_code))
    lines.append(_row(say, say("plan.unit"), say(f"plan.unit.{indicator.unit}")))
    lines.append(_row(say, say("plan.direction"), say(f"plan.direction.{indicator.direction}")))
    lines.append(_row(say, say("plan.reported"), say(f"plan.frequency.{indicator.frequency}")))
    if indicator.baseline:
        period = f" ({more.baseline_period})" if more.baseline_period else ""
        lines.append(_row(say, say("plan.baseline"), f"{indicator.baseline}{period}"))
    for target in indicator.targets:
        until = f" ({ex.day(target.on)})" if target.on else ""
        lines.append(_row(say, say("plan.target"), f"{target.value}{until}"))
    if first := [shown(field, was[field], language) for field in ("target", "date") if field in was]:
        lines.append(line(italic(say("change.original", was=" · ".join(first)))))
    lines += _figures(ex, indicator)
    every = {each.code: each for each in ex.unit.plans.indicators(plan_id, include_retired=True)}
    for each in earlier(every, code):
        lines.append(_row(say, say("plan.continues"), f"{each.code} · {each.title(language)}"))
        lines += _figures(ex, each)
    for old, plan in _of_earlier_plan(ex, code, ex.unit.plans.indicators):
        lines.append(_row(say, say("plan.earlier"), f"{plan.code} · {old.code} · {old.title(language)}"))
        lines += _figures(ex, old, plan)
    lines += _goals(ex, " · ".join(part for part in (more.sdg_target, more.sdg_indicator) if part), more.gcm_objective)
    back = (Button(say("nav.back"), tap(Route.PLAN, "I", indicator.area_code)),)
    _show_screen(ex, lines, _with_words(ex, [], indicator), back)


# ------------------------------------------------------------------ inside
def _of_earlier_plan(ex: Exchange, code: str, rows: Callable[..., Iterable[RowT]]) -> Iterator[tuple[RowT, Plan]]:
    """The rows of the earlier plan that became this one, in their order on the sheet `succession`."""
    plans = ex.unit.plans
    became = ex.unit.succession.earlier(ex.membership.plan_id, code)
    earlier_id = plans.by_id(ex.membership.plan_id).succeeds_id
    if earlier_id is not None and became:
        had = {each.code: each for each in rows(earlier_id, include_retired=True)}
        yield from ((had[old], plans.by_id(earlier_id)) for old in became if old in had)


def _figures(ex: Exchange, indicator: Indicator, plan: Plan | None = None) -> list[Line]:
    """The figures of an indicator under its own code, as anybody may see them; of the earlier plan if it is given."""
    say = ex.say
    plan_id, zone = (ex.membership.plan_id, ex.timezone) if plan is None else (plan.id, plan.timezone)
    found = Figures(ex.unit).indicator(plan_id, indicator, ex.now, ZoneInfo(zone))
    lines: list[Line] = []
    if found.year.reported:
        value, until = shown_value(found.year, say)
        lines.append(_row(say, say("plan.value", year=found.year.first.year), value + until))
    if found.so_far is not None:
        lines.append(_row(say, say("state.so_far"), shown_figure(found.so_far, say)))
    return lines


def _goals(ex: Exchange, sdg: str, gcm: str) -> list[Line]:
    lines = []
    if sdg:
        lines.append(_row(ex.say, ex.say("plan.sdg"), sdg.replace(";", ", ")))
    if gcm and _shows_gcm(ex):
        lines.append(_row(ex.say, ex.say("plan.gcm"), gcm.replace(";", ", ")))
    return lines


def _row(say: Wording, what: str, text: str) -> Line:
    return line(bold(f"{what}{say.colon}"), text)


def _with_words(
    ex: Exchange, rows: Sequence[tuple[Button, ...]], item: Activity | Indicator
) -> list[tuple[Button, ...]]:
    """Return the rows, and the button with which an observer comments on the item, or its officer proposes a change."""
    comment = (Button(ex.say("command.comentar"), tap(Route.COMMENT, item.code)),)
    return [*rows, *([comment] if ex.allows(Route.COMMENT) else propose_row(ex, item))]


def _area_of(ex: Exchange, code: str) -> StrategicArea:
    for area in ex.unit.plans.strategic_areas(ex.membership.plan_id):
        if area.code == code:
            return area
    raise Denied


def _objectives(ex: Exchange) -> tuple[Objective, ...]:
    return ex.unit.plans.objectives(ex.membership.plan_id)


def _show_screen(ex: Exchange, lines: list[Line], rows: Sequence[tuple[Button, ...]], back: tuple[Button, ...]) -> None:
    ex.answer(Card(tuple(lines), (*rows, (*back, home_button(ex.say)))))
