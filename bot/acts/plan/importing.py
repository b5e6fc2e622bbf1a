"""Import the plan so that everything in it can be reported afterwards; otherwise nothing changes.

A worker reads and compares a plan that is sent to the bot (`bot/workers/imports.py`), because that takes seconds. The
shown workbook is in the file store under its content's number, which the buttons carry; the store deletes it after a
day. That content is applied to the very state of the plan it was compared with.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from bot.acts.reports.coverage import Gap, NotCovered, cover, gaps
from bot.chat.actor import Actor
from bot.chat.form_cache import FormCache
from conversations.plan.periods import PlanPhase, plan_phase
from conversations.wording import Wording
from storage.errors import NotFound
from storage.imports.history import Hanging
from storage.reports.forms import StoredForm
from storage.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from storage.imports.differences import Differences
    from storage.imports.history import Undo
    from storage.imports.reading import PlanDraft


APPLY, PAGE, SEND = "apply_plan", "page_plan", "send_plan"
KINDS: Final = (APPLY, PAGE, SEND)


@dataclass(frozen=True, slots=True)
class Imported:
    """The changes, and the shipped forms that were published again so that all of it can be reported.

    `phase`: where the plan stands then, if something changed.
    """

    found: "Differences"
    renewed: tuple[StoredForm, ...] = ()
    phase: PlanPhase = PlanPhase.UNDER_WAY


@dataclass(frozen=True, slots=True)
class Trial:
    """What an import would bring: the items that no form could report, and where the plan would stand."""

    gaps: tuple[Gap, ...] = ()
    phase: PlanPhase = PlanPhase.UNDER_WAY


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
) -> Imported:
    """Apply the draft. NotCovered, and the unit unchanged, if it would leave an item that no form can report.

    With `shown`, the fingerprint of the differences that somebody confirmed: if they differ now, nothing is done.
    """
    from storage.imports.applying import apply  # memory that a bot needs only while it imports

    with unit.aside():
        try:
            before = gaps(unit, forms, unit.plans.by_code(plan_code).id)
        except NotFound:
            before = ()
        found = apply(unit, draft, plan_code, by, now, shown=shown, timezone=timezone)
        if shown is not None and found.fingerprint() != shown:
            return Imported(found)
        plan = unit.plans.by_code(plan_code)
        today, periods = now.astimezone(ZoneInfo(plan.timezone)).date(), unit.plans.periods(plan.id)
        phase = plan_phase(plan.starts_on, periods, today) if found else PlanPhase.UNDER_WAY
        return Imported(found, cover(unit, forms, plan.id, before, now, by), phase)


class _Tried(Exception):
    """The trial succeeded. This exception never leaves the module."""


def try_plan(
    unit: UnitOfWork, forms: FormCache, draft: "PlanDraft", plan_code: str, now: datetime, *, timezone: str
) -> Trial:
    """Return what an import of this draft would bring. The import is tried, then undone."""
    phase = PlanPhase.UNDER_WAY
    try:
        with unit.aside():
            phase = import_plan(unit, forms, draft, plan_code, None, now, timezone=timezone).phase
            raise _Tried
    except NotCovered as refused:
        return Trial(refused.gaps)
    except _Tried:
        return Trial(phase=phase)


# ------------------------------------------------------------------ sent to the bot, shown, decided about
def apply_shown(actor: Actor, chat_id: int, number: str) -> None:
    """Have a worker apply the plan that was shown."""
    actor.unit.jobs.add(APPLY, _shown(actor, chat_id, number), actor.now, chat_id=chat_id)


def turn_page(actor: Actor, chat_id: int, number: str, page: int) -> None:
    """Have a worker show another page of the differences."""
    actor.unit.jobs.add(PAGE, _shown(actor, chat_id, number) | {"page": page}, actor.now, chat_id=chat_id)


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
