"""/exportar: a request for a file, made by buttons or typed, and what may be done with it afterwards.

What leaves cannot be called back (S5). So a request is a job with its audit entry in the unit of the tap; the worker
(`bot.export_worker`) makes the file and asks again whether this person, in this role, may have it. The request stands
as it was last made for each person, since who exports in October wants the same in November.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

import orjson

from bot.exchange import Denied, Exchange
from bot.occasion import Job, Message, Moment, Planned, as_planned, regular
from conversations.cards import Button, Card, line
from conversations.exports import (
    AUDIENCES,
    Choice,
    Offer,
    Scope,
    answered,
    ended_card,
    fit,
    fitted,
    known_part,
    obstacles,
    options_card,
    previous_period,
    read_words,
    refused,
    request_card,
    sending_card,
    working_card,
)
from conversations.plan import Role, translated
from conversations.reminders import Recipient
from storage.errors import Conflict, NotFound
from storage.exports import EXPORTERS, check_wanted, exporter, record_export
from storage.exports.wanted import INTERNAL, Refused, Wanted, gets_only_validated
from storage.jobs import StoredJob
from storage.outbox import OutboxDraft
from storage.schedule import StoredSchedule
from storage.unit_of_work import UnitOfWork

KIND = "export"
TAKERS = frozenset({Role.COORDINATOR, Role.ADMIN, Role.OBSERVER, Role.READER})
INSIDERS = frozenset({Role.COORDINATOR, Role.ADMIN})
AT_ONCE = 3
"""Files one person may have in the making."""
KEPT = timedelta(hours=6)
"""For how long a file whose arrival is in doubt stays on disk, to be sent again."""


# ------------------------------------------------------------------ /exportar
def export(ex: Exchange, argument: str) -> None:
    """The request as it stands, one of its questions, or what a button of it does."""
    act, _, value = argument.partition(".")
    if ex.query_id and act in _OF_A_JOB:
        _OF_A_JOB[act](ex, value)
        return
    offers = offers_of(Role(ex.membership.role))
    found = fit(_last(ex), offers)
    if found is None:
        _show(ex, Card((line(ex.say("export.none")),), ((Button(ex.say("menu.home"), "command:menu:"),),)))
        return
    choice, left = found
    if not argument:
        _show(ex, request_card(choice, offers, ex.say, left))
    elif not ex.query_id:
        scope = scope_of(ex.unit, ex.membership.plan_id, ex.language)
        choice, left = read_words(argument, offers, scope, choice)
        _keep(ex, choice)
        _show(ex, request_card(choice, offers, ex.say, left))
    elif act == "go":
        _request(ex, choice, offers, value)
    else:
        _answer(ex, choice, offers, act, value)


def usual() -> Choice:
    """What a schedule begins with: last month's reports, for the coordination."""
    choice = fitted(Choice(audience=INTERNAL, period="previous.month"), offers_of(Role.COORDINATOR))
    assert choice is not None
    return choice


def offers_of(role: Role) -> tuple[Offer, ...]:
    """What this role may take out. Whoever is not of the plan's coordination has the observers' view and no other."""
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


def _answer(ex: Exchange, choice: Choice, offers: tuple[Offer, ...], act: str, value: str) -> None:
    scope = scope_of(ex.unit, ex.membership.plan_id, ex.language)
    if not value:
        card = options_card(act, choice, offers, scope, ex.today, ex.say)
        if card is None:
            raise Denied
        _show(ex, card)
        return
    changed = answered(act, value, choice, scope)
    found = fit(changed, offers) if changed is not None else None
    if found is None:
        raise Denied
    changed, left = found
    _keep(ex, changed)
    _show(ex, request_card(changed, offers, ex.say, left))


def _request(ex: Exchange, choice: Choice, offers: tuple[Offer, ...], mark: str) -> None:
    if mark != choice.mark:
        ex.toast = ex.say("export.changed")  # the button is of another request than the one that stands
        _show(ex, request_card(choice, offers, ex.say))
        return
    if in_the_way := obstacles(choice, offers):
        _refuse(ex, choice, offers, refused(in_the_way[0], choice, ex.say))
        return
    open_ones = ex.unit.jobs.of_kind(KIND, chat_id=ex.chat_id)
    if any(Choice.of(job.payload["choice"]) == choice for job in open_ones):
        ex.toast = ex.say("export.already")
        return
    if len(open_ones) >= AT_ONCE:
        ex.toast, ex.is_alert = ex.say("export.busy", n=len(open_ones)), True
        return
    try:
        number = request(
            ex.unit, choice, plan_id=ex.membership.plan_id, person_id=ex.person.id, role=Role(ex.membership.role),
            chat_id=ex.chat_id, language=ex.language, timezone=ex.house.timezone, now=ex.now,
        )  # fmt: skip
    except Refused as why:
        _refuse(ex, choice, offers, refused(why.why, choice, ex.say))
        return
    except (NotFound, Conflict):
        _refuse(ex, choice, offers, ex.say("export.not_in_plan"))
        return
    _keep(ex, choice)
    ex.return_to_tapped()
    card_id = ex.show(working_card(choice, number, 0, 0, ex.say), is_last=True)
    ex.unit.jobs.note(number, ex.unit.jobs.get(number).payload | {"card": card_id})
    ex.stand(None)


def _refuse(ex: Exchange, choice: Choice, offers: tuple[Offer, ...], why: str) -> None:
    ex.toast, ex.is_alert = why, True
    _show(ex, request_card(choice, offers, ex.say))


def request(
    unit: UnitOfWork,
    choice: Choice,
    *,
    plan_id: int,
    person_id: int,
    role: Role,
    chat_id: int,
    language: str,
    timezone: str,
    now: datetime,
) -> int:
    """The number of a new job, with its audit entry. NotFound where the plan has no such thing, Refused otherwise."""
    used = exporter(choice.dataset, choice.format, choice.audience, role)
    if used is None:
        raise NotFound("not exported")
    wanted = wanted_of(choice, plan_id, role, language, timezone, now)
    check_wanted(unit, used, wanted)
    record_export(unit, used, wanted, person_id)
    payload = {"plan": plan_id, "person": person_id, "role": role.value, "choice": choice.kept(), "at": now.isoformat()}
    return unit.jobs.add(KIND, payload, now, chat_id=chat_id)


def wanted_of(choice: Choice, plan_id: int, role: Role, language: str, timezone: str, now: datetime) -> Wanted:
    """What the request means to an exporter."""
    return Wanted(
        plan_id,
        timezone,
        now,
        audience=choice.audience,
        role=role,
        language=language,
        period=choice.period,
        agency=choice.agency,
        area=choice.area,
        status=choice.status,
        validation=choice.validation,
        form_id=choice.form_id,
    )


# ------------------------------------------------------------------ what is made, or was
def _stop(ex: Exchange, number: str) -> None:
    job = _own_job(ex, number)
    if not ex.unit.jobs.stop(job.id, ex.now):
        ex.toast = ex.say("export.sending")
        return
    ex.unit.audit.record("export_cancelled", ex.person.id, ex.membership.plan_id, {"job": job.id}, ex.now)
    ex.return_to_tapped()
    ex.show(ended_card(Choice.of(job.payload["choice"]), "cancelled", ex.say), is_last=True)
    ex.stand(None)


def _again(ex: Exchange, number: str) -> None:
    """Send what may not have arrived, because the person says so: nothing else repeats an export (G7)."""
    job = _own_job(ex, number)
    choice = Choice.of(job.payload["choice"])
    if job.state != "done" or not job.error:
        ex.toast = ex.say("export.already")
        return
    ex.return_to_tapped()
    if ex.now - job.created_at > KEPT:
        ex.show(ended_card(choice, "gone", ex.say), is_last=True)
        ex.stand(None)
        return
    details = {"job": job.id, "parts": len(job.payload["parts"])}
    ex.unit.audit.record("export_sent_again", ex.person.id, ex.membership.plan_id, details, ex.now)
    parts = [{**part, "outbox": send_part(ex.unit, ex.chat_id, part, ex.now)} for part in job.payload["parts"]]
    ex.unit.jobs.hand_over(job.id, job.payload | {"parts": parts})
    ex.show(sending_card(choice, len(parts), ex.say), is_last=True)
    ex.stand(None)


_OF_A_JOB = {"stop": _stop, "again": _again}


def send_part(unit: UnitOfWork, chat_id: int, part: dict[str, Any], now: datetime) -> int:
    """The outbox row of one file: protected, in the private chat (S5)."""
    upload = {"path": f"export:{part['file']}", "name": part["name"], "type": "application/octet-stream"}
    payload = {
        **part["caption"],
        "protect_content": True,
        "disable_content_type_detection": True,
        "@files": {"document": upload},
    }
    return unit.outbox.add(OutboxDraft(chat_id, "export", "sendDocument", payload), now=now)


def _own_job(ex: Exchange, number: str) -> StoredJob:
    """The export a button is about. Denied unless it is this person's, asked for in the role they have now (S3)."""
    if not (number.isascii() and number.isdecimal() and len(number) < 18):
        raise Denied
    try:
        job = ex.unit.jobs.get(int(number))
    except NotFound:
        raise Denied from None
    mine = (ex.person.id, ex.membership.plan_id, ex.membership.role)
    if job.kind != KIND or (job.payload["person"], job.payload["plan"], job.payload["role"]) != mine:
        raise Denied
    return job


# ------------------------------------------------------------------ on schedule
def plan_exports(unit: UnitOfWork, schedule: StoredSchedule, moment: Moment) -> Sequence[Planned]:
    """A request in the name of each recipient, once a window; what their role may not have is noted as such (S5).

    `previous.month` and the like are taken on the day of the window: made late, it is still of the month it is about.
    """
    planned = regular(_as_job, TAKERS)(unit, schedule, moment)
    periods = unit.plans.periods(moment.plan_id)
    timezone = unit.plans.by_id(moment.plan_id).timezone
    made: list[Planned] = []
    for one in planned:
        found = replace(one, messages=())
        if one.messages:
            kept = Choice.of(schedule.details)
            dated = replace(kept, period=previous_period(periods, kept.period, one.window))
            used = exporter(kept.dataset, kept.format, kept.audience, one.who.role)
            choice = known_part(dated, used.filters) if used is not None else dated
            work = partial(
                request, choice=choice, plan_id=moment.plan_id, person_id=one.who.person_id, role=one.who.role,
                chat_id=one.who.chat_id, language=one.who.language, timezone=timezone, now=moment.now,
            )  # fmt: skip
            is_good = _can_be_had(unit, choice, moment, one.who.role, timezone) and bool(dated.period) == bool(
                kept.period
            )
            found = replace(found, work=work) if is_good else replace(found, reason="not_exported")
        made.append(found)
    return made


def _as_job(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Message, ...]]:
    """Something for everybody: the file itself comes later."""
    return {who.person_id: (Message({}),) for who in people}


def _can_be_had(unit: UnitOfWork, choice: Choice, moment: Moment, role: Role, timezone: str) -> bool:
    used = exporter(choice.dataset, choice.format, choice.audience, role)
    if used is None:
        return False
    try:
        check_wanted(unit, used, wanted_of(choice, moment.plan_id, role, "es", timezone, moment.now))
    except (NotFound, Conflict):
        return False
    return True


SCHEDULED = Job(KIND, "export", TAKERS, "month:16", time(8), plan_exports, as_planned, is_shipped=False)
"""A file that comes by itself, when the month is locked; admins make as many as they need."""


# ------------------------------------------------------------------ inside
def _name(ex: Exchange) -> str:
    return f"export.{ex.membership.plan_id}.{ex.person.id}"


def _last(ex: Exchange) -> Choice:
    kept = ex.unit.facts.get(_name(ex))
    choice = Choice.of(orjson.loads(kept)) if kept else Choice(audience=INTERNAL)
    scope = scope_of(ex.unit, ex.membership.plan_id, ex.language)
    if choice.agency and choice.agency not in scope.agencies:  # it may have left the plan since
        choice = replace(choice, agency="")
    if choice.form_id not in scope.forms:
        choice = replace(choice, form_id="")
    return replace(choice, area="") if choice.area and choice.area not in scope.areas else choice


def _keep(ex: Exchange, choice: Choice) -> None:
    ex.unit.facts.set(_name(ex), orjson.dumps(choice.kept()).decode(), ex.now)


def _show(ex: Exchange, card: Card) -> None:
    ex.return_to_tapped()
    ex.show(card)
    ex.stand(None)
