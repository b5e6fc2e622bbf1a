"""/plan read by each role: three taps to a card, one's own agency's for a focal point, no restricted text outside."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from bot.open_storage import open_storage
from bot.workers.imports import Importing
from conversations.plan.model import Post, Role
from conversations.wording import wording
from storage.database.models import Activity, ActivitySupport, Agency, Code, Plan, Resource, table
from storage.plan.settings import SHOW_GCM
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import NOW, Desk
from tests.bot.house import ANA, CARMEN, GRACE, JEAN, PEDRO, furnish, settings_in
from tests.bot.second_plan import open_second_plan
from tests.taps import command_token


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("planning")
    furnish(folder)
    with open_storage(settings_in(folder)) as database:
        yield Desk(database)


def read(desk: Desk, who: int, argument: str) -> tuple[str, dict[str, str]]:
    """The card that a button leads to: its text, and its buttons by what they do."""
    handled = desk.tap(who, command_token("plan", argument))
    cards = [row.payload for row in handled.deliveries if "text" in row.payload]
    if not cards:
        return "", {}
    keyboard = cards[-1].get("reply_markup", {}).get("inline_keyboard", [])
    return cards[-1]["text"], {b["callback_data"]: b["text"] for row in keyboard for b in row}


def test_three_taps_lead_from_the_plan_to_an_activity(desk: Desk) -> None:
    """Area, objective, activity: each screen leads to the next and back, in the reader's language."""
    text, buttons = read(desk, CARMEN, "")
    assert "Plan Nacional de Acción" in text
    assert {"c:plan:A.PRE", "c:plan:A.PER", "c:plan:A.ASI", "c:libro:"} <= buttons.keys()
    assert "c:deshacer:" not in buttons

    text, buttons = read(desk, CARMEN, "A.PRE")
    assert "c:plan:O.PRE-1" in buttons

    text, buttons = read(desk, CARMEN, "O.PRE-1")
    assert {"c:plan:a.PRE-101", "c:plan:A.PRE"} <= buttons.keys()

    text, buttons = read(desk, CARMEN, "a.PRE-101")
    assert "campaña nacional en radio" in text
    assert "MMUJER" in text
    assert "30 meses de pauta" in text
    assert "Plan de medios" in text
    assert {"c:plan:O.PRE-1", "c:avance:PRE-101", "c:plan:i.IND-01"} <= buttons.keys()

    text, _ = read(desk, GRACE, "a.PRE-101")
    assert "national radio and social-media campaign" in text
    assert "every month" in text


def test_an_indicators_card_tells_its_target_and_no_small_figure(desk: Desk) -> None:
    """Baseline, target, SDG; the observer may comment from it."""
    text, buttons = read(desk, GRACE, "i.IND-01")
    assert "250000" in text
    assert "16.2" in text
    assert "c:comentar:IND-01" in buttons

    _, buttons = read(desk, GRACE, "I.PRE")
    assert "c:plan:i.IND-01" in buttons


def test_a_focal_point_reads_what_the_agency_leads(desk: Desk) -> None:
    """DGP leads PRE-103 and PRE-304: nothing else is there, by forged buttons neither."""
    _, buttons = read(desk, JEAN, "A.PRE")

    assert {data for data in buttons if data.startswith("c:plan:O.")} == {"c:plan:O.PRE-1", "c:plan:O.PRE-3"}
    assert "c:plan:a.PRE-103" in read(desk, JEAN, "O.PRE-1")[1]
    assert "c:plan:a.PRE-101" not in read(desk, JEAN, "O.PRE-1")[1]

    for argument in ("a.PRE-101", "i.IND-01", "O.PER-1", "A.XXX", "a.", "z.PRE-101", "O.PRE-1~x", "i.XXX", "a.ASI-101"):
        handled = desk.tap(JEAN, command_token("plan", argument))
        assert handled.answer is not None
        assert handled.answer.show_alert, argument


def test_who_leads_with_another_reads_it_and_that_the_other_reports_it(desk: Desk) -> None:
    """MMUJER reports PRE-101. DGP, which leads it too, has its card and no way to its reports."""

    def leads(is_so: bool) -> None:
        beside, agency, activity = table(ActivitySupport), table(Agency), table(Activity)
        dgp = select(agency.c.id).where(agency.c.code == "DGP").scalar_subquery()
        pre = select(activity.c.id).where(activity.c.code == "PRE-101").scalar_subquery()
        row = {"activity_id": pre, "agency_id": dgp}
        of_it = beside.c.activity_id == pre, beside.c.agency_id == dgp
        act = insert(beside).values(**row, leads=True) if is_so else delete(beside).where(*of_it)
        desk.database.units.submit(None, lambda unit: unit.connection.execute(act)).result()

    leads(True)
    assert "c:plan:a.PRE-101" in read(desk, JEAN, "O.PRE-1")[1]
    for who in (JEAN, CARMEN):
        text, buttons = read(desk, who, "a.PRE-101")
        assert re.search(r"MMUJER \((reporta|bay rapò)\), DGP", text), text
        assert ("c:avance:PRE-101" in buttons) is (who == CARMEN)
    leads(False)
    assert desk.tap(JEAN, command_token("plan", "a.PRE-101")).answer.show_alert  # type: ignore[union-attr]


@pytest.mark.parametrize(("who", "is_told"), [(CARMEN, True), (PEDRO, False), (GRACE, False)])
def test_a_restricted_activity_is_a_code_to_who_does_not_coordinate(desk: Desk, who: int, is_told: bool) -> None:
    """ASI and PER-2: name and means of verification stay inside (docs/domain.md#who-sees-what); agency, days do not."""
    text, _ = read(desk, who, "a.ASI-101")
    assert "ASI-101" in text

    listed, _ = read(desk, who, "O.ASI-1")
    name = desk.database.units.submit(None, _name_of).result()
    assert (name["name"] in text) is is_told
    assert (name["means"] in text) is is_told
    assert (name["short"][:20] in listed) is is_told


@pytest.mark.parametrize(
    ("code", "who", "sees"),
    [
        ("PRE-101", CARMEN, True),
        ("PRE-101", ANA, True),
        ("PRE-101", PEDRO, True),
        ("PRE-101", GRACE, False),
        ("ASI-101", CARMEN, True),
        ("ASI-101", PEDRO, False),
        ("PRE-102", CARMEN, False),
    ],
)
def test_who_runs_the_plan_sees_the_money_by_source(desk: Desk, code: str, who: int, sees: bool) -> None:
    """Outsiders do not, nor who reads a restricted activity by its code; an activity without it has no such line."""

    def write(unit: UnitOfWork) -> None:
        plan_id, resource = unit.plans.only().id, table(Resource)
        unit.connection.execute(delete(resource))
        for each in ("PRE-101", "ASI-101"):
            row = {"activity_id": unit.plans.activity(plan_id, each).id, "currency": ""}
            unit.connection.execute(insert(resource), row | {"source": "UNICEF", "amount": "1200000"})

    desk.database.units.submit(None, write).result()
    text, _ = read(desk, who, f"a.{code}")
    assert (re.search(r"UNICEF 1\s200\s000 DOP", text) is not None) is sees, text
    assert ("UNICEF" in text) is sees


def _name_of(unit: UnitOfWork) -> dict[str, str]:
    activity = unit.plans.activity(unit.plans.only().id, "ASI-101")
    language = "es"
    return {
        "name": activity.name[language],
        "short": activity.short_name[language],
        "means": activity.means_of_verification[language],
    }


def test_the_global_compact_is_shown_outside_only_where_it_is_switched_on(desk: Desk) -> None:
    """docs/domain.md#sdgs-and-the-global-compact: off by default for observers and ministers, always there for who runs
    the plan.
    """
    told = {language: wording(language)("plan.gcm") for language in ("es", "en")}
    assert told["es"] in read(desk, CARMEN, "O.PRE-1")[0]
    assert told["es"] in read(desk, ANA, "a.PRE-101")[0]
    for argument in ("O.PRE-1", "a.PRE-101", "i.IND-01"):
        assert told["en"] not in read(desk, GRACE, argument)[0]

    def switch(unit: UnitOfWork, value: str) -> None:
        unit.settings.set(unit.plans.only().id, SHOW_GCM, value, now=NOW, by=None)

    desk.database.units.submit(None, lambda unit: switch(unit, "yes")).result()
    for argument in ("O.PRE-1", "a.PRE-101", "i.IND-01"):
        assert told["en"] in read(desk, GRACE, argument)[0]

    desk.database.units.submit(None, lambda unit: switch(unit, "no")).result()


def test_only_an_admin_changes_the_plan(desk: Desk) -> None:
    """Apply, undo and download: forged by anybody else they are denied, stale ones decide nothing."""
    before = desk.state()
    for who in (CARMEN, ANA, GRACE):
        for name, argument in (("importar", "yes." + "0" * 32), ("deshacer", ""), ("deshacer", "yes.1")):
            answer: Any = desk.tap(who, command_token(name, argument)).answer
            assert answer.show_alert

    for argument in ("yes." + "0" * 32, "p1." + "f" * 32):
        assert desk.tap(PEDRO, command_token("importar", argument)).answer.text == wording("es")("publish.stale")  # type: ignore[union-attr]
    for argument in ("yes.1", "", "maybe." + "0" * 32):
        assert desk.tap(PEDRO, command_token("importar", argument)).answer.show_alert  # type: ignore[union-attr]
    assert desk.state() == before

    with desk.database.reader() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM job").scalar() == 0


def test_a_continuous_activity_says_since_when_on_both_of_its_cards(desk: Desk) -> None:
    def due_on(day: date | None) -> None:
        row = update(table(Activity)).where(table(Activity).c.code == "PRE-101").values(due_on=day)
        desk.database.units.submit(None, lambda unit: unit.connection.execute(row)).result()

    due_on(None)
    for token in (command_token("plan", "a.PRE-101"), command_token("avance", "PRE-101")):
        [text] = [row.payload["text"] for row in desk.tap(CARMEN, token).deliveries if "text" in row.payload]
        assert "Continua, desde el 1 jul 2018" in text
    due_on(date(2020, 11, 30))


def test_the_workbook_is_of_the_plan_in_which_it_was_asked_for(desk: Desk) -> None:
    """Whoever coordinates one plan and reads another gets the workbook of the first, whichever is older."""
    both = 7_700

    def join(unit: UnitOfWork) -> int:
        first = unit.plans.only()
        values = {"code": "OTHER", "name": {"es": "Otro plan"}, "starts_on": first.starts_on, "ends_on": first.ends_on}
        values |= {"imported_at": NOW, "timezone": first.timezone}
        other: int = unit.connection.execute(
            insert(table(Plan)).values(**values).returning(table(Plan).c.id)
        ).scalar_one()
        person = unit.people.add(both, "Rosa Vidal", "es", NOW, timezone=first.timezone)
        unit.roles.grant(person.id, other, Post(Role.COORDINATOR), now=NOW)
        unit.roles.grant(person.id, first.id, Post(Role.READER), now=NOW)
        unit.people.accept_privacy(person.id, NOW)
        return other

    other = desk.database.units.submit(None, join).result()
    desk.tap(both, command_token("libro", ""))
    [job] = desk.database.units.submit(None, lambda unit: unit.jobs.of_kind("send_plan", chat_id=both)).result()

    assert job.payload["plan_id"] == other

    with desk.database.view() as unit:
        assert Importing(desk.database, None, None, None).plan_code(unit, job) == "OTHER"


def test_what_goes_on_from_an_earlier_plan_says_so_on_its_card_with_what_was_reported_there(desk: Desk) -> None:
    """Its plan, code and title; of a restricted one no title outside. Nobody needs a role in the earlier plan."""
    reader = 7_800
    new = open_second_plan(desk, ())

    def work(unit: UnitOfWork) -> None:
        old = unit.plans.all()[0]
        unit.connection.execute(update(table(Plan)).where(table(Plan).c.id == new).values(succeeds_id=old.id))
        for was, became in (("PRE-101", "PRE-103"), ("ASI-302", "PRE-103"), ("IND-01", "IND-02")):
            told = {"relation": "continued", "new_codes": became}
            values = {"plan_id": new, "list": "succession", "code": was, "label": {}, "attributes": told, "position": 1}
            unit.connection.execute(insert(table(Code)).values(**values))
        restricted = update(table(Activity)).where(
            table(Activity).c.code == "ASI-302", table(Activity).c.plan_id == old.id
        )
        unit.connection.execute(restricted.values(sensitivity="restricted"))
        person = unit.people.add(reader, "Rosa Vidal", "es", NOW, timezone=old.timezone)
        unit.roles.grant(person.id, new, Post(Role.READER), now=NOW)
        unit.people.accept_privacy(person.id, NOW)

    desk.do(work)
    text, _ = read(desk, reader, "a.PRE-103")
    assert re.findall("Plan anterior:.*(do-trata-2017-2020 · .*)", text) == [
        "do-trata-2017-2020 · ASI-302 · texto restringido 🔒",
        "do-trata-2017-2020 · PRE-101 · Campaña nacional en radio y redes",
    ]
    text, _ = read(desk, reader, "i.IND-02")
    assert re.findall("Plan anterior:.*(do-trata-2017-2020 · .*)", text) == [
        "do-trata-2017-2020 · IND-01 · Personas alcanzadas por acciones de sensibilización"
    ]
