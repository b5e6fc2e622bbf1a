"""A walk through each shipped form: every screen that an officer sees on the way."""

from collections.abc import Iterator
from typing import Any

from conversations.card import Card
from conversations.languages import LANGUAGES
from conversations.plan.periods import period_name, reporting_period
from conversations.wording import wording
from tests.conversations.session.phone import Phone, drawn
from tests.forms import shipped

# ------------------------------------------------------------------ golden cards
ACTIVITY = {"es": "Jornadas en escuelas", "en": "School sessions", "ht": "Seyans nan lekòl"}
SEPTEMBER = reporting_period("201809")
UNTIL = {code: f"{period_name(SEPTEMBER, code)} · {SEPTEMBER.until(code)}" for code in LANGUAGES}

ABOUT: dict[str, Any] = {
    "code": "PRE-102",
    "name": ACTIVITY,
    "due_on": "2020-06-30",
    "period": "201809",
    "agency": "MINERD",
}

ABOUT |= {"until": UNTIL}

BEGUN: dict[str, dict[str, Any]] = {
    "activity_report": {
        "values": {
            "agency": "MINERD", "activity": "PRE-102", "period": "201809", "prev_progress": "12", "restricted": "no",
        },
        "previous": {
            "status": "in_progress", "progress": "12", "progress_final": "12", "qty_done": "40", "next_step": "Nada",
        },
        "about": ABOUT,
    },
    "indicator_update": {
        "values": {"agency": "PGR", "indicator": "IND-20", "period": "2018Q3"},
        "about": ABOUT | {"code": "IND-20", "name": {"es": "Víctimas", "en": "Victims", "ht": "Viktim yo"}},
    },
    "incident_free_text": {
        "values": {"agency": "MISPAS", "period": "201809"},
        "about": {"title": {language: wording(language)("form_title.incident_free_text") for language in LANGUAGES}},
    },
}  # fmt: skip

ANSWERS: dict[str, dict[str, str]] = {
    "activity_report": {
        "status": "delayed", "progress": "25", "qty_done": "60", "new_due_date": "2020-05-29", "reached": "yes",
        "ben_total": "27", "ben_women": "12 8 3 4", "ben_group": "students", "obstacle": "budget",
        "obstacle_detail": "Falta transporte", "needs_decision": "no", "evidence_type": "photo", "evidence_photo": "x",
        "photo_ok": "OK", "evidence_desc": "Lista de asistencia", "place": "gps", "province": "DO-01",
        "gps": "18.47 -69.89", "next_step": "Convocar a tres escuelas",
    },
    "indicator_update": {
        "data_status": "final", "value_people": "27",
        "sa_women": "12 8 3 4 0", "ex_sexual": "10 9 3 2 1 1 1", "nat_available": "yes", "na_1": "9 9 9 0 0",
        "is_correction": "no", "support_doc": "x", "comment": "Registro propio",
    },
    "incident_free_text": {
        "privacy_ok": "OK", "ref_total": "20", "rs_women": "9 3 4 3 1", "out_served": "10 5 3 2",
        "no_names_ok": "OK",
    },
}  # fmt: skip
"""By question name; what is not here is answered with the first choice, or skipped."""


def walk(form_name: str, language: str) -> Iterator[tuple[str, Card]]:
    """Every screen on the way to the review, then: change an answer, the list, what would be dropped, sent."""
    phone = Phone(shipped(form_name).form, language, **BEGUN[form_name])
    for _ in range(60):
        node = phone.taken.instance.node(phone.session.at)
        question = node.question
        yield question.name, phone.card
        if question.name == "send_action":
            break
        at = phone.session.at
        value = ANSWERS[form_name].get(question.name)
        if value is None and question.type.startswith("select"):
            value = phone.taken.instance.choices(node)[0].value
        if value is not None:
            phone.answer(value)
        else:
            phone.tap("form:skip")
        if phone.session.at == at:
            yield f"{question.name}, refused", phone.card
            raise AssertionError(f"{at} stands still:\n{drawn(phone.card)}")
    phone.tap("form:list")
    yield "which answer to change", phone.card
    phone.tap("form:review")
    first = next(q.number for q in phone.form.questions if q.name in ("status", "data_status", "region"))
    phone.tap("form:list").tap(f"form:edit:{first}")
    yield "an answer again", phone.card
    if form_name == "activity_report":
        phone.answer("not_started")
        yield "what would be dropped", phone.card
        phone.tap("form:cancel")
    phone.say("¿¿??")
    yield "not understood", phone.card
