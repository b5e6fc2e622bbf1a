"""A request for an export: what a role may have, the job that makes it, and acts on that job."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from bot.chat.actor import Actor
from conversations.languages import translated
from conversations.plan.model import Role
from conversations.plan.sharing.export_request import AUDIENCES, Choice, Offer, Scope, fitted
from storage.errors import NotFound
from storage.exports.exporters import EXPORTERS, check_wanted, exporter, record_export
from storage.exports.wanted import INTERNAL, Wanted, gets_only_validated
from storage.messages.jobs import StoredJob
from storage.messages.outbox import OutboxDraft
from storage.unit_of_work import UnitOfWork

KIND = "export"
AT_ONCE = 3
"""How many exports one person may have in the making."""
KEPT = timedelta(hours=6)
"""How long a file stays on disk if its arrival is in doubt, to be sent again."""
INSIDERS = frozenset({Role.COORDINATOR, Role.ADMIN})


def usual() -> Choice:
    """The request that a schedule begins with: last month's reports, for the coordination."""
    choice = fitted(Choice(audience=INTERNAL, period="previous.month"), offers_of(Role.COORDINATOR))
    assert choice is not None
    return choice


def offers_of(role: Role) -> tuple[Offer, ...]:
    """Return the exports that this role may ask for. Outside the coordination, only those for observers."""
    audiences = AUDIENCES if role in INSIDERS else ("observers",)
    made = []
    for each in EXPORTERS:
        may = tuple(a for a in audiences if exporter(each.dataset, each.format, a, role) is not None)
        unvalidated = frozenset(a for a in may if not gets_only_validated(a, role))
        made.append(Offer(each.dataset, each.format, may, each.filters, unvalidated))
    return tuple(offer for offer in made if offer.audiences)


def scope_of(unit: UnitOfWork, plan_id: int, language: str) -> Scope:
    plans = unit.plans
    areas = {area.code: translated(area.name, language) for area in plans.strategic_areas(plan_id)}
    forms = {form.form_id: form.title for form in unit.forms.list(plan_id)}
    return Scope(plans.periods(plan_id), tuple(agency.code for agency in plans.agencies(plan_id)), areas, forms)


@dataclass(frozen=True, slots=True)
class Asker:
    """The person who asks for an export, with their role in a plan, and the chat that gets the file."""

    plan_id: int
    person_id: int
    role: Role
    chat_id: int
    language: str


def request(unit: UnitOfWork, choice: Choice, asker: Asker, now: datetime) -> int:
    """Queue the job and write its audit entry; return the job's number.

    NotFound if the plan has no such thing. Refused if the role may not have it.
    """
    used = exporter(choice.dataset, choice.format, choice.audience, asker.role)
    if used is None:
        raise NotFound("not exported")
    wanted = wanted_of(unit, choice, asker, now)
    check_wanted(unit, used, wanted)
    record_export(unit, used, wanted, asker.person_id)
    payload = {
        "plan": asker.plan_id,
        "person": asker.person_id,
        "role": asker.role.value,
        "choice": choice.kept(),
        "at": now.isoformat(),
    }
    return unit.jobs.add(KIND, payload, now, chat_id=asker.chat_id)


# ------------------------------------------------------------------ what somebody asked for last
def remembered(actor: Actor, language: str) -> Choice:
    """A person's last request. An agency, an area or a form that the plan no longer has is left out."""
    kept = actor.unit.facts.get(_fact(actor))
    choice = Choice.of(orjson.loads(kept)) if kept else Choice(audience=INTERNAL)
    scope = scope_of(actor.unit, actor.plan_id, language)
    if choice.agency and choice.agency not in scope.agencies:
        choice = replace(choice, agency="")
    if choice.form_id not in scope.forms:
        choice = replace(choice, form_id="")
    return replace(choice, area="") if choice.area and choice.area not in scope.areas else choice


def remember(actor: Actor, choice: Choice) -> None:
    actor.unit.facts.set(_fact(actor), orjson.dumps(choice.kept()).decode(), actor.now)


def _fact(actor: Actor) -> str:
    return f"export.{actor.plan_id}.{actor.person_id}"


# ------------------------------------------------------------------ a request that stands
def own_job(actor: Actor, role: str, number: int) -> StoredJob:
    """An export by its number. NotFound unless this person asked for it, in this plan and in their present role."""
    job = actor.unit.jobs.get(number)
    asked = (job.payload.get("person"), job.payload.get("plan"), job.payload.get("role"))
    if job.kind != KIND or asked != (actor.person_id, actor.plan_id, role):
        raise NotFound(f"export {number}")
    return job


def show_on(unit: UnitOfWork, number: int, card_id: int | None) -> None:
    """Show the progress of this export on this card."""
    unit.jobs.note(number, unit.jobs.get(number).payload | {"card": card_id})


def cancel(actor: Actor, job: StoredJob) -> bool:
    """Stop an export that is being made. False if its files are being sent already."""
    if not actor.unit.jobs.stop(job.id, actor.now):
        return False
    actor.unit.audit.record("export_cancelled", actor.person_id, actor.plan_id, {"job": job.id}, actor.now)
    return True


def send_again(actor: Actor, chat_id: int, job: StoredJob) -> int:
    """Send the files of an export again, because the person says that they have not arrived; return how many.

    Nothing else repeats an export (G7).
    """
    details = {"job": job.id, "parts": len(job.payload["parts"])}
    actor.unit.audit.record("export_sent_again", actor.person_id, actor.plan_id, details, actor.now)
    parts = [{**part, "outbox": send_part(actor.unit, chat_id, part, actor.now)} for part in job.payload["parts"]]
    actor.unit.jobs.hand_over(job.id, job.payload | {"parts": parts})
    return len(parts)


# ------------------------------------------------------------------ how it is made and sent
def wanted_of(unit: UnitOfWork, choice: Choice, asker: Asker, now: datetime) -> Wanted:
    """The request as an exporter reads it."""
    return Wanted(
        asker.plan_id,
        unit.plans.zone(asker.plan_id).key,
        now,
        audience=choice.audience,
        role=asker.role,
        language=asker.language,
        period=choice.period,
        agency=choice.agency,
        area=choice.area,
        status=choice.status,
        validation=choice.validation,
        form_id=choice.form_id,
    )


def send_part(unit: UnitOfWork, chat_id: int, part: dict[str, Any], now: datetime) -> int:
    """The outbox row of one file: protected, in the private chat (S5)."""
    upload = {"path": f"export:{part['file']}", "name": part["name"], "type": "application/octet-stream"}
    payload = {
        **part["caption"],
        "protect_content": True,
        "disable_content_type_detection": True,
        "@files": {"document": upload},
    }
    draft = OutboxDraft(chat_id, "export", "sendDocument", payload, is_restricted=part.get("restricted", False))
    return unit.outbox.add(draft, now=now).id
