"""Import the plan so that everything in it can be reported afterwards; otherwise nothing changes.

A worker reads and compares a plan that is sent to the bot (`bot/workers/imports.py`), because that takes seconds. The
shown workbook is in the file store under its content's number, which the buttons carry; the store deletes it after a
day. That content is applied to the very state of the plan it was compared with.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from bot.acts.reports.coverage import Gap, NotCovered, cover, gaps
from bot.chat.actor import Actor
from bot.chat.form_cache import FormCache
from conversations.plan.expected import rewritten
from conversations.plan.model import Activity, Agency, Indicator, Post, Role
from conversations.plan.periods import PlanPhase, ReportingPeriod, period_name, plan_phase
from conversations.plan.versions import changed_on, period_named
from conversations.wording import Wording
from storage.errors import NotFound
from storage.imports.history import Hanging
from storage.plan.plans import Plan
from storage.reports.forms import StoredForm
from storage.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from storage.imports.differences import Differences, Doubt
    from storage.imports.history import Undo
    from storage.imports.reading import PlanDraft


APPLY, PAGE, SEND = "apply_plan", "page_plan", "send_plan"
NAMED: Final = 20
"""So many rows are named of which a locked period tells otherwise."""
KINDS: Final = (APPLY, PAGE, SEND)
SAME, ANOTHER, FROM = "same", "another", "f"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an import cannot know, and somebody has said."""

    begins: str = ""
    """The period, or a day in one, from which the changes hold. Blank: the next one to lock."""
    same: Collection[str] = ()
    """The codes that were used before and stand for the same."""
    succeeds_id: int | None = None
    """The earlier plan that it follows."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Where the plan stands after an import that changes something, and which periods go by the changes."""

    phase: PlanPhase = PlanPhase.UNDER_WAY
    begins: ReportingPeriod | None = None
    """The first period that goes by them. None: the plan is new, or is over."""
    rewritten: tuple[str, ...] | None = None
    """The rows that say something else for a locked period. Only today's protection of survivors does that. None: the
    plan is new.
    """

    def sentences(self, say: Wording) -> Iterator[str]:
        """Say from when the changes hold, and what they change in locked periods."""
        if self.begins is not None:
            yield say("import.from", period_name=period_name(self.begins, say.language))
        if self.rewritten is not None:
            closed = "import.closed_changed" if self.rewritten else "import.closed_as_was"
            named = ", ".join(self.rewritten[:NAMED]) + ", …" * (len(self.rewritten) > NAMED)
            yield say(closed, codes=named)


@dataclass(frozen=True, slots=True)
class Imported:
    """The changes, and the shipped forms that were published again so that all of it can be reported."""

    found: "Differences"
    renewed: tuple[StoredForm, ...] = ()
    effect: Effect = Effect()


@dataclass(frozen=True, slots=True)
class Trial:
    """What an import would bring, or why there would be none."""

    effect: Effect = Effect()
    gaps: tuple[Gap, ...] = ()
    """The items that no form could report."""
    doubts: "tuple[Doubt, ...]" = ()
    """The codes of which somebody must say first that they stand for the same."""


class _Ever(NamedTuple):
    """All that a plan says for any period: its rows, with every version of each."""

    activities: tuple[Activity, ...]
    indicators: tuple[Indicator, ...]
    agencies: tuple[Agency, ...]

    @classmethod
    def of(cls, unit: UnitOfWork, plan_id: int) -> "_Ever":
        plans = unit.plans
        return cls(plans.activities_ever(plan_id), plans.indicators_ever(plan_id), plans.agencies_ever(plan_id))

    def rewritten(self, now: "_Ever", locked: Sequence[ReportingPeriod]) -> tuple[str, ...]:
        return (
            *rewritten(self.activities, now.activities, locked),
            *rewritten(self.indicators, now.indicators, locked),
            *rewritten(self.agencies, now.agencies, locked),
        )


def beside(unit: UnitOfWork, plan_code: str) -> list[str]:
    """Return the plans beside which an import under this code would make a new one. None of them: it is no second."""
    there = [plan.code for plan in unit.plans.all()]
    return [] if plan_code in there else there


def first_periods(unit: UnitOfWork, plan_id: int, today: date) -> list[ReportingPeriod]:
    """Return the periods that changes may hold from: those that have not locked, the next one to lock first."""
    return sorted((each for each in unit.plans.periods(plan_id) if each.seals_on > today), key=_by_seal)


def _by_seal(period: ReportingPeriod) -> date:
    return period.seals_on


def import_plan(
    unit: UnitOfWork,
    forms: FormCache,
    draft: "PlanDraft",
    plan_code: str,
    by: int | None,
    now: datetime,
    *,
    timezone: str,
    shown: str | None = None,
    terms: Terms = Terms(),
) -> Imported:
    """Apply the draft. NotCovered, and the unit unchanged, if it would leave an item that no form can report.

    ReusedCodes if somebody must first say what codes stand for, and NotFound if no change can hold from where `terms`
    say. With `shown`, the fingerprint of the differences that somebody confirmed: if they differ now, nothing is done.
    """
    from storage.imports.applying import apply  # memory that a bot needs only while it imports

    with unit.aside():
        try:
            plan = unit.plans.by_code(plan_code)
        except NotFound:
            was = held = None
            before: tuple[Gap, ...] = ()
        else:
            before, was = gaps(unit, forms, plan.id), _Ever.of(unit, plan.id)
            begins, held = _begins(unit, plan, terms.begins, now)
        found = apply(
            unit, draft, plan_code, by, now, shown=shown, timezone=timezone, changed_on=held, same=terms.same,
            succeeds_id=terms.succeeds_id,
        )  # fmt: skip
        if shown is not None and found.fingerprint() != shown:
            return Imported(found)
        plan = unit.plans.by_code(plan_code)
        today, periods = now.astimezone(ZoneInfo(plan.timezone)).date(), unit.plans.periods(plan.id)
        effect = Effect(plan_phase(plan.starts_on, periods, today)) if found else Effect()
        if found and was is not None:
            locked = [each for each in periods if each.seals_on <= today]
            effect = replace(effect, begins=begins, rewritten=was.rewritten(_Ever.of(unit, plan.id), locked))
        return Imported(found, cover(unit, forms, plan.id, before, now, by), effect)


def _begins(unit: UnitOfWork, plan: Plan, name: str, now: datetime) -> tuple[ReportingPeriod | None, date]:
    """Return the first period that goes by the changes, and the last day for whose periods they do not hold."""
    today, periods = now.astimezone(ZoneInfo(plan.timezone)).date(), unit.plans.periods(plan.id)
    ahead = first_periods(unit, plan.id, today)
    if not name:
        return next(iter(ahead), None), today
    period = period_named(periods, name)
    if period not in ahead:
        raise NotFound(name)
    return period, changed_on(period, periods, today)


class _Tried(Exception):
    """The trial succeeded. This exception never leaves the module."""


def try_plan(
    unit: UnitOfWork,
    forms: FormCache,
    draft: "PlanDraft",
    plan_code: str,
    now: datetime,
    *,
    timezone: str,
    terms: Terms = Terms(),
) -> Trial:
    """Return what an import of this draft would bring. The import is tried, then undone."""
    from storage.imports.differences import ReusedCodes

    try:
        with unit.aside():
            effect = import_plan(unit, forms, draft, plan_code, None, now, timezone=timezone, terms=terms).effect
            raise _Tried
    except NotCovered as refused:
        return Trial(gaps=refused.gaps)
    except ReusedCodes as asked:
        return Trial(doubts=asked.doubts)
    except _Tried:
        return Trial(effect)


# ------------------------------------------------------------------ sent to the bot, shown, decided about
def apply_shown(actor: Actor, chat_id: int, number: str) -> None:
    """Have a worker apply the plan that was shown."""
    actor.unit.jobs.add(APPLY, _shown(actor, chat_id, number), actor.now, chat_id=chat_id)


def turn_page(actor: Actor, chat_id: int, number: str, page: int) -> None:
    """Have a worker show another page of the differences."""
    actor.unit.jobs.add(PAGE, _shown(actor, chat_id, number) | {"page": page}, actor.now, chat_id=chat_id)


def answer_question(actor: Actor, chat_id: int, number: str, said: str) -> None:
    """Have a worker show the differences again, as somebody has said what the import cannot know: SAME, ANOTHER, or
    FROM and a period.
    """
    actor.unit.jobs.add(PAGE, _shown(actor, chat_id, number) | {"said": said}, actor.now, chat_id=chat_id)


def record_download(actor: Actor, workbook: bytes) -> None:
    """Write an audit entry: somebody downloads the plan as its workbook."""
    details = {"workbook": hashlib.sha256(workbook).hexdigest()}
    actor.unit.audit.record("plan.downloaded", actor.person_id, actor.plan_id, details, actor.now)


def send_workbook(actor: Actor, chat_id: int) -> None:
    """Have a worker send the plan as its workbook."""
    actor.unit.jobs.add(SEND, {"telegram_id": chat_id, "plan_id": actor.plan_id}, actor.now, chat_id=chat_id)


def _shown(actor: Actor, chat_id: int, number: str) -> dict[str, object]:
    return {"telegram_id": chat_id, "plan_id": actor.plan_id, "key": number}


def wait_for_decision(actor: Actor, number: str) -> None:
    """Store which plan was shown to this person. An earlier one can no longer be applied."""
    actor.unit.facts.set(_fact(actor.oneself), number, actor.now)


def waiting(unit: UnitOfWork, person_id: int) -> str:
    """The number of the workbook that this person was shown and has not decided about; "" if there is none."""
    return unit.facts.get(_fact(person_id)) or ""


def settle(actor: Actor) -> None:
    """The waiting plan was applied or discarded."""
    wait_for_decision(actor, "")


def _fact(person_id: int) -> str:
    return f"plan_upload:{person_id}"


def administer(actor: Actor, plan_code: str) -> None:
    """Let whoever made a plan in the chat administer it: there is nobody else in it who could give them the role."""
    plan = actor.unit.plans.by_code(plan_code)
    actor.unit.roles.grant(actor.oneself, plan.id, Post(Role.ADMIN), now=actor.now, by=actor.person_id)


# ------------------------------------------------------------------ taken back
def undo(actor: Actor, import_id: int) -> "Undo | None":
    """Take back an import. None, and nothing is changed, if it is not the last one or was taken back before."""
    from storage.imports import history

    return history.undo(actor.unit, actor.plan_id, import_id, actor_id=actor.person_id, now=actor.now)


def hanging_sentence(one: Hanging, say: Wording) -> str:
    """Return what depends on a row that would be removed, such as "actividad A-199: reportes, 2"."""
    key = f"plan.hangs.{one.what}"
    what = say(key) if key in say else say("plan.hangs.other")
    return f"{say(f'plan.table.{one.table}')} {one.code}{say.colon}{what}, {one.count}"
