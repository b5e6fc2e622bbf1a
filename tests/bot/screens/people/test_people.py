"""People changed from a phone: what each tap does, and what no tap can do alone."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from bot.acts.people.enrolment import Newcomer, enrol
from bot.telegram.handled import Handled
from conversations.plan.model import Role
from conversations.wording import wording
from storage.people.people import Person
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import NOW, Desk, keys, text_of
from tests.bot.house import ANA, CARMEN, JEAN, PEDRO, ROSA
from tests.taps import command_token

MARTA, NELSON = 508, 509
"""Not of the cast: a second admin where a test wants one, and somebody new."""


def whois(desk: Desk, telegram_id: int) -> Person:
    person: Person = desk.do(lambda unit: unit.people.by_telegram_id(telegram_id))
    return person


def second_admin(desk: Desk) -> None:
    zone = "America/Santo_Domingo"
    desk.do(lambda unit: enrol(unit, Newcomer(MARTA, "Marta Reyes", Role.ADMIN, "", "en"), NOW, zone))


def tap(desk: Desk, who: int, name: str, argument: str = "") -> str:
    """Press it; what is said in their chat."""
    return text_of(desk.tap(who, command_token(name, argument)), who)


def say(desk: Desk, who: int, text: str) -> str:
    return text_of(desk.say(who, text), who)


def acts(desk: Desk) -> list[str]:
    return [entry.act for entry in reversed(desk.do(lambda unit: unit.audit.latest(limit=200)))]


# ------------------------------------------------------------------ finding people
def test_the_people_of_the_plan_are_shown_vacancies_first(desk: Desk) -> None:
    """How many there are of each kind, and the agencies that have to report and nobody to do it."""
    handled = desk.say(PEDRO, "/personas")
    text = text_of(handled, PEDRO)
    assert "Personas del plan: 7" in text
    assert "Sin punto focal" in text
    assert "MINERD" in text
    assert "MMUJER" not in text

    shown = [label for label, _ in keys(handled, PEDRO)]
    assert "Punto focal (3)" in shown
    assert shown[0].startswith("Sin punto focal (")


@pytest.mark.parametrize("typed", ["ana martinez", "MARTÍNEZ", "501", "  Ana  "])
def test_somebody_is_found_by_name_or_number(desk: Desk, typed: str) -> None:
    """Accents and case forgiven; one who is found is shown at once."""
    desk.say(PEDRO, "/personas")
    text = say(desk, PEDRO, typed)

    assert "Ana Martínez" in text
    assert "Punto focal · MMUJER" in text
    assert "Último reporte" in text


def test_an_agencys_people_are_found_by_its_code_or_its_name(desk: Desk) -> None:
    """And nobody by what nobody is called; a longer search goes on from there."""
    desk.say(PEDRO, "/personas")
    for typed in ("mmujer", "ministerio de la mujer"):
        handled = desk.say(PEDRO, typed)
        found = [label for label, data in keys(handled, PEDRO) if ":persona:" in data]
        assert [name.partition(" · ")[0] for name in found] == ["Ana Martínez", "Luis Peña"]
    assert "No encontré a nadie" in say(desk, PEDRO, "zzz")
    assert "Luis Peña" in say(desk, PEDRO, "luis")


def test_a_name_that_nobody_here_has_is_personal_data(desk: Desk) -> None:
    """Who may look people up finds those of the plan by writing their name; any other name goes, as everywhere (S8)."""
    desk.say(PEDRO, "/ayuda")
    assert "Punto focal · MMUJER" in say(desk, PEDRO, "Ana Martínez")

    desk.say(PEDRO, "/ayuda")
    handled = desk.say(PEDRO, "Juana Martínez")
    assert wording("es")("err.pii_name") in text_of(handled, PEDRO)
    assert any(row.method == "deleteMessage" for row in handled.deliveries)


@pytest.mark.parametrize("typed", ["juana altagracia", "la víctima Yomaira", "llamar al 809-555-0142"])
def test_who_is_looked_for_among_people_and_not_found_is_not_said_again(desk: Desk, typed: str) -> None:
    """S15: while people are looked for, any name may be typed. What is nobody's here may be a survivor's."""
    desk.say(PEDRO, "/personas")
    handled = desk.say(PEDRO, typed)
    assert "No encontré a nadie" in text_of(handled, PEDRO)
    assert not [word for word in typed.split() if len(word) > 3 and word in repr(handled.deliveries)]
    assert [row.payload for row in handled.deliveries if row.method == "deleteMessage"] == [
        {"message_id": desk.message_id}
    ]


def test_a_coordinator_sees_people_and_changes_nobody(desk: Desk) -> None:
    """docs/domain.md#who-sees-what: configuration is the administrator's; whom to call is the coordinator's daily
    bread.
    """
    ana = whois(desk, ANA)
    handled = desk.tap(CARMEN, command_token("persona", str(ana.id)))
    assert "Ana Martínez" in text_of(handled, CARMEN)
    assert not [data for _, data in keys(handled, CARMEN) if re.match("c:(funcion|suspender|invitar)", data)]

    vacant = keys(desk.tap(CARMEN, command_token("personas", "vacant")), CARMEN)
    assert vacant[0][1].startswith("c:vacante:")

    before = desk.state()
    for name in ("funcion", "suspender", "restaurar", "enlaces", "solicitud"):
        answer = desk.tap(CARMEN, command_token(name, f"{ana.id}.reader.0.yes")).answer
        assert answer is not None
        assert answer.show_alert
    assert desk.state() == before


def test_who_is_out_of_reach_is_marked_in_words(desk: Desk) -> None:
    """Word and shape, never colour alone."""
    desk.do(lambda unit: unit.people.mark_unreachable(ROSA, NOW))
    desk.do(lambda unit: unit.leaving.suspend(whois_in(unit, JEAN), now=NOW, by=None))
    text = say(desk, PEDRO, "/personas")
    assert "No reciben mensajes" in text
    assert "Con acceso suspendido: 1" in text

    shown = [label for label, _ in keys(desk.tap(PEDRO, command_token("personas", "unreachable.0")), PEDRO)]
    assert shown[0].startswith("🔕 Sin recibir: Rosa")
    assert "Acceso suspendido desde" in tap(desk, PEDRO, "persona", str(whois(desk, JEAN).id))


def whois_in(unit: UnitOfWork, telegram_id: int) -> int:
    person = unit.people.by_telegram_id(telegram_id)
    assert person is not None
    return person.id


# ------------------------------------------------------------------ changing people
def test_a_new_role_reaches_the_person_in_their_language_with_its_menu(desk: Desk) -> None:
    """What they could do is gone from their chat, what they can do is in it; the log knows who did it."""
    jean = whois(desk, JEAN)
    desk.tap(JEAN, command_token("reportar", "a.PRE-103.201809"))
    sure = tap(desk, PEDRO, "funcion", f"{jean.id}.observer.{jean.memberships[0].agency_id}")
    assert "Punto focal · DGP → Observación · DGP" in sure
    assert "Sus borradores (1) se descartan" in sure
    assert whois(desk, JEAN).memberships[0].role is Role.FOCAL_POINT

    handled = desk.tap(PEDRO, command_token("funcion", f"{jean.id}.observer.{jean.memberships[0].agency_id}.yes"))
    assert whois(desk, JEAN).memberships[0].role is Role.OBSERVER

    told = [row for row in handled.deliveries if row.chat_id == JEAN]
    assert [row.method for row in told] == ["setMyCommands", "sendMessage"]

    names = [command["command"] for command in told[0].payload["commands"]]
    assert "rapote" not in names
    assert "rezime" in names
    assert "Obsèvasyon · DGP" in told[1].payload["text"] or "DGP" in told[1].payload["text"]
    assert told[1].payload["text"].startswith("Wòl ou chanje")

    (draft,) = desk.do(lambda unit: unit.connection.exec_driver_sql("SELECT state FROM session").fetchall())
    assert draft[0] == "cancelled"


def test_nobody_changes_their_own_role(desk: Desk) -> None:
    """Neither up nor out: the last admin stays (S19), and with two it is the other one's to do."""
    second_admin(desk)
    pedro = whois(desk, PEDRO)
    before = desk.state()
    for name, rest in (("funcion", ".reader.0.yes"), ("suspender", ".yes"), ("restaurar", "")):
        answer = desk.tap(PEDRO, command_token(name, f"{pedro.id}{rest}")).answer
        assert answer is not None
        assert answer.show_alert

    assert desk.state() == before
    assert "otra persona que administra" in tap(desk, PEDRO, "persona", str(pedro.id))


@pytest.mark.parametrize(
    "rest",
    ["", ".king", ".focal_point.0", ".focal_point.999", ".focal_point.x.yes", ".reader.0.yes.yes", ".observer.-1.yes"],
)
@pytest.mark.parametrize("whose", ["999999", "x", "-1", "٣"])
def test_forged_names_and_numbers_change_nobody(desk: Desk, whose: str, rest: str) -> None:
    """S3: the number of a person is input; so are role and agency."""
    before = desk.state()
    desk.tap(PEDRO, command_token("funcion", f"{whose}{rest}"))
    if rest not in ("", ".reader.0.yes.yes"):
        desk.tap(PEDRO, command_token("funcion", f"{whois(desk, ANA).id}{rest}"))
    assert desk.state() == before


def test_a_suspended_person_is_out_at_once_and_is_not_told(desk: Desk) -> None:
    """S17, S18: the phone may be in somebody else's hands, so nothing is said there; the menu goes."""
    ana = whois(desk, ANA)
    desk.tap(ANA, command_token("reportar", "a.PRE-101.201809"))
    assert "borradores (1)" in tap(desk, PEDRO, "suspender", str(ana.id))
    assert not whois(desk, ANA).is_suspended

    handled = desk.tap(PEDRO, command_token("suspender", f"{ana.id}.yes"))
    assert whois(desk, ANA).is_suspended
    assert [row.method for row in handled.deliveries if row.chat_id == ANA] == ["deleteMyCommands"]
    assert "suspendido" in say(desk, ANA, "/pendientes")
    assert "suspended" not in say(desk, PEDRO, "/start")


def test_what_a_suspended_person_writes_is_deleted_unread(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """S16: no rule reads it, whatever it is, and one reply a day is the most it costs; a cry for help is heard."""
    desk.tap(PEDRO, command_token("suspender", f"{whois(desk, ANA).id}.yes"))
    monkeypatch.setattr("bot.handlers.guarding.personal_data", lambda *given, **more: pytest.fail("read"))

    written = [
        desk.say(ANA, "Seguimos igual"),
        desk.say(ANA, "a.b." * 1024),
        desk.say(ANA, None, photo=[{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}], caption="x"),
        desk.say(ANA, None, sticker={"file_id": "f"}),
    ]
    deleted = [
        [row.payload["message_id"] for row in each.deliveries if row.method == "deleteMessage"] for each in written
    ]
    assert [len(each) for each in deleted] == [1, 1, 1, 1]
    assert [bool(text_of(each, ANA)) for each in written] == [True, False, False, False]
    assert "9-1-1" in text_of(desk.say(ANA, "auxilio"), ANA)


def test_a_suspended_person_comes_back_when_an_admin_says_so_and_by_no_link(desk: Desk) -> None:
    """S18: after they were checked in person; with the role of before. An admin comes back at the server alone."""
    ana = whois(desk, ANA)
    desk.tap(PEDRO, command_token("suspender", f"{ana.id}.yes"))
    assert "en persona" in tap(desk, PEDRO, "restaurar", str(ana.id))

    desk.now = NOW + timedelta(minutes=5)
    made = desk.tap(PEDRO, command_token("invitar", "focal_point.MMUJER"))
    (link,) = re.findall(r"start=(\S+)", text_of(made, PEDRO))
    assert whois(desk, ANA).is_suspended

    desk.say(ANA, f"/start {link}")
    assert whois(desk, ANA).is_suspended

    handled = desk.tap(PEDRO, command_token("restaurar", f"{ana.id}.yes"))
    assert [row.method for row in handled.deliveries if row.chat_id == ANA] == ["setMyCommands", "sendMessage"]

    back = whois(desk, ANA)
    assert (back.is_suspended, back.memberships[0].role, back.memberships[0].agency_code) == (
        False,
        Role.FOCAL_POINT,
        "MMUJER",
    )


# ------------------------------------------------------------------ links
def test_open_links_are_listed_and_can_be_made_useless(desk: Desk) -> None:
    """The link itself is shown once; the list knows whose it is and until when."""
    made = desk.tap(PEDRO, command_token("invitar", "alternate.PGR"))
    (link,) = re.findall(r"start=(\S+)", text_of(made, PEDRO))
    listed = desk.tap(PEDRO, command_token("enlaces", ""))
    assert "Suplente · PGR · lo creó Pedro Núñez" in text_of(listed, PEDRO)
    assert link not in json.dumps([row.payload for row in listed.deliveries])

    (revoke,) = [data for label, data in keys(listed, PEDRO) if label.startswith("Anular")]
    desk.tap(PEDRO, revoke)
    desk.say(NELSON, f"/start {link}")
    assert desk.do(lambda unit: unit.people.by_telegram_id(NELSON)) is None

    again = desk.tap(PEDRO, revoke)
    assert again.answer is not None
    assert again.answer.text == wording("es")("links.gone")


# ------------------------------------------------------------------ the second admin
@pytest.mark.parametrize("role", [Role.ADMIN, Role.COORDINATOR])
def test_with_one_admin_a_role_that_decides_takes_effect_at_once(desk: Desk, role: Role) -> None:
    """There is nobody to ask."""
    ana = whois(desk, ANA)
    assert "start=" in tap(desk, PEDRO, "invitar", str(role))
    tap(desk, PEDRO, "funcion", f"{ana.id}.{role}.0.yes")
    assert whois(desk, ANA).memberships[0].role is role


def test_with_two_admins_nothing_happens_before_the_other_one_grants_it(desk: Desk) -> None:
    """Asked, seen by the other in their language, granted once; the person, the asker and the log know."""
    second_admin(desk)
    ana = whois(desk, ANA)
    assert "Otra persona que administra tendrá que concederlo" in tap(desk, PEDRO, "funcion", f"{ana.id}.coordinator.0")

    asked = desk.tap(PEDRO, command_token("funcion", f"{ana.id}.coordinator.0.yes"))
    assert whois(desk, ANA).memberships[0].role is Role.FOCAL_POINT
    assert "Marta Reyes" in text_of(asked, PEDRO)
    assert "Pedro Núñez asks that Ana Martínez become Coordination" in text_of(asked, MARTA)

    grant, refuse = (data for _, data in keys(asked, MARTA))
    for forger in (PEDRO, ANA, CARMEN):
        desk.tap(forger, grant)
    assert whois(desk, ANA).memberships[0].role is Role.FOCAL_POINT

    granted = desk.tap(MARTA, grant)
    assert whois(desk, ANA).memberships[0].role is Role.COORDINATOR
    assert "Marta Reyes lo concedió" in text_of(granted, PEDRO)
    assert "Coordinación" in text_of(granted, ANA)

    desk.tap(MARTA, refuse)
    assert whois(desk, ANA).memberships[0].role is Role.COORDINATOR
    assert acts(desk)[-3:] == ["role.requested", "role.granted", "membership.granted"]


def test_an_admins_link_too_waits_and_goes_to_who_asked_for_it(desk: Desk) -> None:
    """The link is made when it is granted; it is in nobody's chat and in no table before."""
    second_admin(desk)
    asked = desk.tap(PEDRO, command_token("invitar", "admin"))
    assert "start=" not in text_of(asked, PEDRO)
    assert desk.do(lambda unit: unit.invitations.open(1, NOW)) == ()

    grant = next(data for label, data in keys(asked, MARTA) if "Grant" in label)
    granted = desk.tap(MARTA, grant)
    assert "start=" not in text_of(granted, MARTA)

    (row,) = [row for row in granted.deliveries if row.chat_id == PEDRO]
    assert row.sensitive

    (link,) = re.findall(r"start=(\S+)", row.payload["text"])
    desk.say(NELSON, f"/start {link}")
    assert whois(desk, NELSON).memberships[0].role is Role.ADMIN


def test_a_request_can_be_refused_withdrawn_and_runs_out(desk: Desk) -> None:
    """Each time nothing has changed, and a later tap says that it is over."""
    second_admin(desk)
    ana = whois(desk, ANA)
    over = wording("en")("requests.over")
    for end in ("no", "withdraw", "late"):
        asked = desk.tap(PEDRO, command_token("funcion", f"{ana.id}.admin.0.yes"))
        grant = next(data for label, data in keys(asked, MARTA) if "Grant" in label)
        number = grant.split(":")[2].partition(".")[0]
        assert "Pedro Núñez asks" in tap(desk, MARTA, "solicitudes")
        if end == "no":
            assert "Marta Reyes lo rechazó" in text_of(
                desk.tap(MARTA, command_token("solicitud", f"{number}.no")), PEDRO
            )
        elif end == "withdraw":
            tap(desk, PEDRO, "solicitud", f"{number}.withdraw")
        else:
            desk.now = NOW + timedelta(days=7, minutes=1)
        assert over in text_of(desk.tap(MARTA, grant), MARTA)
        assert whois(desk, ANA).memberships[0].role is Role.FOCAL_POINT


def test_an_admin_who_is_shut_out_is_seen_by_the_others(desk: Desk) -> None:
    """Suspending is at once (S18), so it must not be a quiet way to become the only admin."""
    second_admin(desk)
    handled = desk.tap(PEDRO, command_token("suspender", f"{whois(desk, MARTA).id}.yes"))
    assert "Pedro Núñez suspendió el acceso de Marta Reyes" in text_of(handled, CARMEN)


# ------------------------------------------------------------------ agencies
def agency_of(desk: Desk, code: str) -> Any:
    return desk.do(lambda unit: unit.plans.agency(unit.plans.only().id, code))


def test_agencies_are_listed_with_their_days_and_what_hangs_on_them(desk: Desk) -> None:
    """Those that take part first; a page at a time."""
    handled = desk.say(PEDRO, "/instituciones")
    text = text_of(handled, PEDRO)
    assert "Instituciones: 26 (22 participan)" in text
    assert re.search(r"MMUJER · \S.* · actividades abiertas: \d+ · personas: 2", text)

    last = tap(desk, PEDRO, "instituciones", "2")
    assert "Propuesta" in last


def test_a_new_agency_is_shown_before_it_is_made(desk: Desk) -> None:
    """Code and name in one line; what is typed wrongly is asked again with an example; taken codes are named."""
    desk.say(PEDRO, "/instituciones")
    tap(desk, PEDRO, "agencia", "new")
    assert "Ya existe PGR" in say(desk, PEDRO, "pgr Procuraduría")
    assert "No lo entendí" in say(desk, PEDRO, "X")

    shown = say(desk, PEDRO, "fiscal Fiscalía  Especial")
    assert "FISCAL · Fiscalía Especial" in shown
    assert "FISCAL" not in [a.code for a in desk.do(lambda unit: unit.plans.agencies(1))]
    assert "desde el 3 oct 2018" in tap(desk, PEDRO, "agencia", "create")

    made = agency_of(desk, "FISCAL")
    assert (made.name, made.role_type) == ({"es": "Fiscalía Especial"}, "member")

    before = len(desk.do(lambda unit: unit.plans.agencies(1)))
    again = desk.tap(PEDRO, command_token("agencia", "create"))
    assert again.answer is not None
    assert again.answer.show_alert
    assert len(desk.do(lambda unit: unit.plans.agencies(1))) == before


def test_an_agency_is_named_in_the_language_of_whoever_types_it(desk: Desk) -> None:
    """An admin who speaks French names it in French; it is shown in it to everybody until it has another name."""
    desk.say(PEDRO, "/langue fr")
    desk.say(PEDRO, "/institutions")
    tap(desk, PEDRO, "agencia", "new")
    assert "FISCAL · Parquet spécial" in say(desk, PEDRO, "fiscal Parquet spécial")
    assert "depuis le 3 oct 2018" in tap(desk, PEDRO, "agencia", "create")

    made = agency_of(desk, "FISCAL")
    assert made.name == {"fr": "Parquet spécial"}

    asked = desk.tap(PEDRO, command_token("agencia", f"{made.id}.name"))
    assert {"Español", "English", "Français", "Kreyòl ayisyen"} <= {label for label, _ in keys(asked, PEDRO)}

    tap(desk, PEDRO, "agencia", f"{made.id}.name.es")
    assert "ES Fiscalía" in say(desk, PEDRO, "Fiscalía")


def test_an_agencys_name_is_what_can_be_seen_of_it(desk: Desk) -> None:
    """What cannot be seen is left out of everything that is typed where it is awaited; no letter, no name."""
    inm = agency_of(desk, "INM")
    for typed, told in (("🏢", "no tiene ninguna letra"), ("\u202eMigra\u200bción", "Migración")):
        tap(desk, PEDRO, "agencia", f"{inm.id}.name.es")
        assert told in say(desk, PEDRO, typed)
    assert agency_of(desk, "INM").name["es"] == "Migración"

    tap(desk, PEDRO, "agencia", f"{inm.id}.name.fr")
    say(desk, PEDRO, "\u200b\u200b")
    tap(desk, PEDRO, "agencia", "new")
    assert "Primero la sigla" in say(desk, PEDRO, "FISCAL \u200b🏢")
    assert agency_of(desk, "INM").name == inm.name | {"es": "Migración"}


def test_an_agency_is_renamed_in_a_language_and_becomes_something_else(desk: Desk) -> None:
    """One question at a time, from its card."""
    inm = agency_of(desk, "INM")
    tap(desk, PEDRO, "agencia", f"{inm.id}.name.ht")
    assert "Enstiti pou Migrasyon" in say(desk, PEDRO, "Enstiti pou Migrasyon")

    tap(desk, PEDRO, "agencia", f"{inm.id}.type.member")
    changed = agency_of(desk, "INM")
    assert (changed.name["ht"], changed.name["es"], changed.role_type) == (
        "Enstiti pou Migrasyon",
        inm.name["es"],
        "member",
    )


def test_what_hangs_on_an_agency_is_said_before_it_is_ended(desk: Desk) -> None:
    """Nothing is deleted; its people can report no more, also what they had begun; and it can come back."""
    mmujer = agency_of(desk, "MMUJER")
    desk.tap(ANA, command_token("reportar", "a.PRE-101.201809"))
    desk.say(ANA, "/cancelar")
    tap(desk, PEDRO, "agencia", f"{mmujer.id}.end")
    warned = say(desk, PEDRO, "3/10/2018")
    assert "deja de participar el 3 oct 2018" in warned
    assert "Actividades abiertas:" in warned
    assert "Personas: 2" in warned
    assert agency_of(desk, "MMUJER").active_to is None
    assert "terminó el 3 oct 2018" in tap(desk, PEDRO, "agencia", f"{mmujer.id}.end.20181003.yes")

    before = desk.do(lambda unit: unit.connection.exec_driver_sql("SELECT count(*) FROM submission").scalar())
    assert "ya no participa" in tap(desk, ANA, "reportar", "a.ASI-201.201809")

    tap(desk, ANA, "novedades", "waiting")
    assert before == desk.do(lambda unit: unit.connection.exec_driver_sql("SELECT count(*) FROM submission").scalar())
    assert "terminó" not in tap(desk, PEDRO, "agencia", f"{mmujer.id}.back")
    assert "ya no participa" not in tap(desk, ANA, "reportar", "a.ASI-201.201809")


@pytest.mark.parametrize(
    "rest", ["", ".end.20181003.yes", ".name.fr", ".type.king", ".from.99999999", ".end.x", ".zap"]
)
def test_forged_agencies_and_days_change_nothing(desk: Desk, rest: str) -> None:
    """S3: also for an admin, whose buttons are input like anybody's."""
    before = desk.do(lambda unit: unit.plans.agencies(1))
    for number in ("999", "x", "-1", ""):
        desk.tap(PEDRO, command_token("agencia", f"{number}{rest}"))
    if rest not in ("", ".end.20181003.yes"):
        desk.tap(PEDRO, command_token("agencia", f"{before[0].id}{rest}"))
    assert desk.do(lambda unit: unit.plans.agencies(1)) == before


# ------------------------------------------------------------------ settings, one's own and the plan's
def test_everybody_has_settings_of_their_own(desk: Desk) -> None:
    """Language, zone, silence and what is kept, one tap each; the plan's settings are not among a reporter's."""
    handled = desk.say(ANA, "/ajustes")
    assert "America/Santo Domingo (ahora son las 08:00)" in text_of(handled, ANA)

    labels = [label for label, _ in keys(handled, ANA)]
    assert wording("es")("settings.title") not in labels
    assert wording("es")("settings.title") in [label for label, _ in keys(desk.say(PEDRO, "/ajustes"), PEDRO)]


@pytest.mark.parametrize(("typed", "zone"), [("madrid", "Europe/Madrid"), ("Nueva York", ""), ("port au prince", "")])
def test_a_zone_is_found_by_its_city(desk: Desk, typed: str, zone: str) -> None:
    """Typed as people write it; tapped, it is theirs; what is no zone is nobody's."""
    desk.say(ANA, "/ajustes")
    tap(desk, ANA, "ajustes", "zone")
    handled = desk.say(ANA, typed)
    offered = [data for _, data in keys(handled, ANA) if data.startswith("c:ajustes:zone.")]
    if zone:
        desk.tap(ANA, offered[0])
        assert whois(desk, ANA).timezone == zone
    before = desk.state()
    for forged in ("zone.Mars/Base", "zone.UTC", "zone../etc/passwd"):
        answer = desk.tap(ANA, command_token("ajustes", forged)).answer
        assert answer is not None
        assert answer.show_alert

    assert desk.state() == before


def test_an_admin_decides_what_may_be_decided_and_it_takes_effect(desk: Desk) -> None:
    """The contact is what strangers are told; a link lives as long as was said; nothing else is a setting."""
    assert "Pida su enlace a la coordinación del plan" in say(desk, 601, "hola")

    tap(desk, PEDRO, "ajuste", "contact")
    assert "Oficina CITIM, 809 555 0100" in say(desk, PEDRO, "Oficina\u202e CITIM, \u200b809 555 0100")
    assert "Pida su enlace a Oficina CITIM, 809 555 0100" in say(desk, 602, "hola")
    assert "Pida uno nuevo a Oficina CITIM" in say(desk, 603, "/start nonsense")

    tap(desk, PEDRO, "ajuste", "link_hours")
    assert "Eso no sirve" in say(desk, PEDRO, "500")

    say(desk, PEDRO, "2")
    tap(desk, PEDRO, "invitar", "reader")
    (link,) = desk.do(lambda unit: unit.invitations.open(1, NOW))
    assert link.expires_at == NOW + timedelta(hours=2)

    tap(desk, PEDRO, "ajuste", "language.ht")
    assert "Asistan sa a" in text_of(stranger(desk, 604, "pt"), 604)

    before = acts(desk)
    for forged in ("min_cell.1", "link_hours.999", "language.pt", "show_gcm.maybe", "contact.a\u202eb"):
        answer = desk.tap(PEDRO, command_token("ajuste", forged)).answer
        assert answer is not None
        assert answer.show_alert
    assert acts(desk) == before
    assert before.count("setting.changed") == 3


def stranger(desk: Desk, who: int, language: str) -> Handled:
    return desk.give(
        message={
            "message_id": 1,
            "date": 1538568000,
            "chat": {"id": who, "type": "private"},
            "from": {"id": who, "is_bot": False, "first_name": "X", "language_code": language},
            "text": "salut",
        }
    )


def test_ones_own_data_come_as_a_file_and_only_ones_own(desk: Desk) -> None:
    """Law 172-13: roles, reports, drafts and what the log says, in a private chat; no answers, nobody else."""
    handled = desk.tap(ANA, command_token("misdatos", "file"))
    (row,) = handled.deliveries
    assert (row.method, row.chat_id, row.sensitive) == ("sendDocument", ANA, True)

    upload = row.payload["@files"]["document"]
    record = json.loads(upload["path"].removeprefix("inline:"))
    assert record["person"]["name"] == "Ana Martínez"
    assert record["roles"] == [
        {"role": "focal_point", "agency": "MMUJER", "from": record["roles"][0]["from"], "to": None}
    ]
    assert record["reports"]
    assert "Luis" not in upload["path"]
    assert "next_step" not in upload["path"]

    with desk.database.reader() as connection:
        kept = connection.exec_driver_sql("SELECT payload FROM outbox ORDER BY id DESC LIMIT 1").scalar()
    assert kept is None
