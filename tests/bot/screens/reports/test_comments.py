"""Observers over the real dispatch: what they say reaches the coordination, and what a contributor may report."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.chat.permissions import PERMISSIONS
from bot.open_storage import open_storage
from bot.schedule.job import Moment
from bot.schedule.reminders import plan_reminders
from conversations.plan.model import Role
from conversations.wording import wording
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk
from tests.bot.house import ANA, CARMEN, GRACE, PEDRO, furnish, settings_in
from tests.taps import command_token

JANUARY = datetime(2019, 1, 3, 13, 30, tzinfo=UTC)
"""The year is open: what IJM supplies is due, and DGP's monthly reports are."""


class Office(Desk):
    """The desk in January, and what each phone was last shown."""

    def shown(self, handled: Any, chat: int) -> tuple[str, dict[str, str]]:
        """Text and buttons (text → data) of the last card for this chat."""
        rows = [row for row in handled.deliveries if row.chat_id == chat and "text" in row.payload]
        payload = rows[-1].payload
        keyboard = payload.get("reply_markup", {}).get("inline_keyboard", [])
        return payload["text"], {b["text"]: b["callback_data"] for row in keyboard for b in row}

    def rows(self, statement: str) -> list[Any]:
        with self.database.reader() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]

    def person(self, telegram_id: int) -> int:
        number: int = self.rows(f"SELECT id FROM person WHERE telegram_id = {telegram_id}")[0][0]
        return number


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    furnish(tmp_path)
    with open_storage(settings_in(tmp_path)) as database:
        made = Office(database)
        made.now = JANUARY
        yield made


def make_contributor(office: Office) -> None:
    office.tap(PEDRO, command_token("aporta", f"{office.person(GRACE)}.yes"))


def test_a_comment_reaches_the_coordination_is_answered_and_changes_no_datum(office: Office) -> None:
    """Typed in the chat, told to the coordinator, answered by typing; the observer reads the answer."""
    before = office.state()
    asked, _ = office.shown(office.say(GRACE, "/comment PRE-101"), GRACE)
    assert "PRE-101" in asked

    refused = office.say(GRACE, "Call 809-555-1234 please")
    assert office.rows("SELECT count(*) FROM comment") == [(0,)]
    assert any(row.method == "deleteMessage" for row in refused.deliveries)

    written = office.say(GRACE, "The school sessions have not begun in Azua.")
    assert office.shown(written, GRACE)[0] == wording("en")("observer.contribute")

    told, buttons = office.shown(written, CARMEN)
    assert "Grace Miller (IJM)" in told
    assert "PRE-101" in told
    assert "not begun in Azua" in told

    office.tap(CARMEN, buttons[wording("es")("comment.answer")])
    answered = office.say(CARMEN, "Empiezan el lunes.")
    text, _ = office.shown(answered, GRACE)
    assert "Empiezan el lunes." in text

    own, _ = office.shown(office.say(GRACE, "/comments"), GRACE)
    assert "Empiezan el lunes." in own

    listed, _ = office.shown(office.say(CARMEN, "/comentarios"), CARMEN)
    assert listed == wording("es")("comment.none_open")
    assert office.state() == before
    assert office.rows("SELECT subject FROM comment") == [("activity:PRE-101",)]


def test_what_stands_behind_the_code_is_the_comment(office: Office) -> None:
    """Typed in one go it is not asked for again; a code alone is, and personal data leaves the chat either way."""
    refused = office.say(GRACE, "/comment PRE-101 Call 809-555-1234 please")
    assert any(row.method == "deleteMessage" for row in refused.deliveries)
    assert office.rows("SELECT count(*) FROM comment") == [(0,)]

    told, _ = office.shown(office.say(GRACE, "/comment pre-101 Nothing has begun in Azua."), CARMEN)
    assert "PRE-101" in told
    assert told.endswith("Nothing has begun in Azua.")

    told, _ = office.shown(office.say(GRACE, "/comment The plan lacks a budget."), CARMEN)
    assert told.endswith("The plan lacks a budget.")

    asked, _ = office.shown(office.say(GRACE, "/comment PRE-999"), GRACE)
    assert wording("en")("comment.write") in asked
    assert office.rows("SELECT count(*) FROM comment") == [(2,)]


def reply_to(office: Office, number: int) -> str | None:
    plan_id = office.rows("SELECT id FROM plan")[0][0]
    found = office.database.units.submit(None, lambda unit: unit.comments.get(plan_id, number)).result()
    return found.reply


def test_a_comment_about_what_is_restricted_is_read_in_the_bot_and_not_on_a_lock_screen(office: Office) -> None:
    """The notification names the code; the text is a tap away (S24)."""
    office.say(GRACE, "/comment ASI-101")
    named = office.say(GRACE, "Maria Perez is there, aged 14.")
    assert [row.method for row in named.deliveries] == ["deleteMessage", "sendMessage"]
    assert office.rows("SELECT count(*) FROM comment") == [(0,)]

    written = office.say(GRACE, "The house in the north is full.")
    assert "deleteMessage" in [row.method for row in written.deliveries]

    told, buttons = office.shown(written, CARMEN)
    assert "ASI-101" in told
    assert "north" not in told

    shown, _ = office.shown(office.tap(CARMEN, buttons[wording("es")("review.look")]), CARMEN)
    assert "north" in shown


def test_an_answer_about_what_is_restricted_is_read_in_the_bot_too(office: Office) -> None:
    """Its notification quotes neither side: it makes a sound, can be passed on, and stays in the chat (S15, S24)."""
    office.say(GRACE, "/comment ASI-101")
    office.say(GRACE, "The house in the north is full.")
    office.tap(CARMEN, command_token("comentarios", "r.1"))
    answered = office.say(CARMEN, "La del sur tiene lugar.")
    told, buttons = office.shown(answered, GRACE)
    assert "ASI-101" in told
    assert not [word for word in ("north", "sur") if word in told]

    looked_at = office.tap(GRACE, buttons[wording("en")("review.look")])
    shown, _ = office.shown(looked_at, GRACE)
    assert "north" in shown
    assert "sur" in shown
    assert all(row.payload["protect_content"] for row in looked_at.deliveries if row.method == "sendMessage")


@pytest.mark.parametrize(
    "typed",
    [
        "/comment ASI-101\nThe house in the north is full.",
        "/comment ASI-101: the house in the north is full.",
        "/comment In asi 101 the house in the north is full.",
        "/comment " + "The plan goes on. " * 20 + "In ASI-101 the house in the north is full.",
    ],
)
def test_a_comment_is_about_the_restricted_item_that_it_names(office: Office, typed: str) -> None:
    """However the code is written behind the command, and wherever in the text."""
    written = office.say(GRACE, typed)
    assert "deleteMessage" in [row.method for row in written.deliveries]
    assert office.rows("SELECT subject FROM comment") == [("activity:ASI-101",)]
    assert "north" not in office.shown(written, CARMEN)[0]


def test_a_restricted_comment_leaves_the_chat_when_it_is_too_long_too(office: Office) -> None:
    """It was written, though it was not kept (S15)."""
    office.say(GRACE, "/comment ASI-101")
    refused = office.say(GRACE, "The house in the north is full. " * 40)
    assert "deleteMessage" in [row.method for row in refused.deliveries]
    assert office.rows("SELECT count(*) FROM comment") == [(0,)]


def test_an_answer_does_not_reach_whoever_has_left_or_was_suspended(office: Office) -> None:
    """The phone may be in somebody else's hands; the answer is kept, and the coordinator is told that it did not go."""
    office.say(GRACE, "/comment PRE-101")
    office.say(GRACE, "The school sessions have not begun in Azua.")
    office.tap(PEDRO, command_token("suspender", f"{office.person(GRACE)}.yes"))
    office.tap(CARMEN, command_token("comentarios", "r.1"))
    answered = office.say(CARMEN, "Empiezan el lunes.")

    assert [row for row in answered.deliveries if row.chat_id == GRACE] == []
    assert office.shown(answered, CARMEN)[0] == wording("es")("comment.answer_kept", name="Grace Miller")
    assert reply_to(office, 1) == "Empiezan el lunes."


def test_a_comment_is_settled_once_and_only_by_who_coordinates(office: Office) -> None:
    """A forged, foreign or second tap settles nothing; an observer's flood is stopped."""
    office.say(GRACE, "/comment")
    office.say(GRACE, "About the plan as a whole.")
    office.tap(CARMEN, command_token("comentarios", "x.1"))
    assert office.rows("SELECT settled_at IS NOT NULL, sealed_reply FROM comment") == [(1, None)]

    office.tap(CARMEN, command_token("comentarios", "r.1"))
    office.say(CARMEN, "Tarde.")
    assert office.rows("SELECT sealed_reply FROM comment") == [(None,)]

    for argument in ("x.1", "r.1", "1", "p0", "x.99", "zz", "x.-1"):
        for who in (GRACE, ANA, PEDRO):
            office.tap(who, command_token("comentarios", argument))
    office.say(GRACE, "This is typed without having been asked.")
    assert office.rows("SELECT count(*), count(sealed_reply) FROM comment") == [(1, 0)]

    for _ in range(25):
        office.say(GRACE, "/comment")
        office.say(GRACE, "Again.")
    assert office.rows("SELECT count(*) FROM comment WHERE settled_at IS NULL") == [(20,)]

    office.say(GRACE, "/comment")
    assert office.rows("SELECT count(*) FROM comment WHERE length(sealed_text) > 1200") == [(0,)]


def test_a_contributor_reports_the_indicators_of_their_agency_and_nothing_else(office: Office) -> None:
    """Before the right nothing; with it IND-14, 23 and 24 (docs/domain.md#who-sees-what), their receipt and correction,
    and no more.
    """
    open_one = command_token("reportar", "i.IND-14.2018")
    assert office.tap(GRACE, open_one).answer.show_alert  # type: ignore[union-attr]
    assert wording("en")("contributor.own") not in office.shown(office.say(GRACE, "/menu"), GRACE)[1]

    make_contributor(office)
    home, buttons = office.shown(office.say(GRACE, "/menu"), GRACE)
    assert home.startswith("Observer view · December 2018")

    listed = office.shown(office.tap(GRACE, buttons[wording("en")("contributor.own")]), GRACE)[1]
    assert [text.partition(" ")[0] for text in listed][:3] == ["IND-14", "IND-23", "IND-24"]

    office.tap(GRACE, open_one)
    assert office.rows("SELECT subject, sensitive FROM session WHERE state = 'open'") == [("indicator:IND-14", 0)]


def test_what_a_contributor_sends_is_reviewed_like_any_report(office: Office) -> None:
    """It waits in the queue; returned, it comes back to them with what to answer again; corrected, it waits again."""
    make_contributor(office)
    office.tap(GRACE, command_token("reportar", "i.IND-14.2018"))
    office.say(GRACE, "Confirmed zero")
    _, buttons = office.shown(office.say(GRACE, "No"), GRACE)
    _, buttons = office.shown(office.tap(GRACE, buttons["Skip"]), GRACE)
    office.tap(GRACE, next(data for data in buttons.values() if data.endswith(("pick:0", "send:"))))
    sent = "SELECT id, validation_state, version FROM submission WHERE subject = 'indicator:IND-14' AND is_current"
    [(number, state, version)] = office.rows(sent)
    assert (state, version) == ("submitted", 1)

    queue, _ = office.shown(office.say(CARMEN, "/revisar"), CARMEN)
    assert "1" in queue

    office.tap(CARMEN, command_token("revision", str(number)))
    _, buttons = office.shown(office.tap(CARMEN, command_token("devolver", str(number))), CARMEN)
    _, buttons = office.shown(office.tap(CARMEN, next(iter(buttons.values()))), CARMEN)
    office.tap(CARMEN, next(data for data in buttons.values() if data.endswith(".why")))
    returned = office.say(CARMEN, "Falta la fuente.")
    told, buttons = office.shown(returned, GRACE)
    assert "IND-14" in told
    [(_, state, _)] = office.rows(sent)
    assert state == "returned"

    correct = next(data for data in buttons.values() if data.startswith("c:corregir:"))
    office.tap(GRACE, correct)
    assert office.rows("SELECT subject, supersedes_id FROM session WHERE state = 'open'") == [
        ("indicator:IND-14", number)
    ]


def test_an_agencys_activities_stay_with_its_focal_points(office: Office) -> None:
    """An observer of MMUJER who contributes finds none of its activities: not to open, read, correct or take over."""
    agency = "(SELECT id FROM agency WHERE code = 'MMUJER')"
    office.database.units.submit(
        None,
        lambda unit: unit.connection.exec_driver_sql(
            f"UPDATE membership SET agency_id = {agency} WHERE person_id = {office.person(GRACE)}"
        ).close(),
    ).result()
    make_contributor(office)
    office.tap(ANA, command_token("reportar", "a.PRE-101.201812"))
    [(draft,)] = office.rows("SELECT id FROM session WHERE state = 'open' AND subject = 'activity:PRE-101'")
    sent = office.rows(f"SELECT id FROM submission WHERE agency_id = {agency}")
    assert sent

    before = office.state()
    for argument in ("a.PRE-101.201812", "a.ASI-101.201812", "PRE-101"):
        office.tap(GRACE, command_token("reportar", argument))
    for (number,) in [*sent, (draft,)]:
        for name in ("recibo", "corregir", "tomar", "continuar", "descartar"):
            assert office.tap(GRACE, command_token(name, str(number))).answer.show_alert  # type: ignore[union-attr]
    assert office.shown(office.say(GRACE, "/history"), GRACE)[0] == wording("en")("history.none")
    for name in ("pendientes", "cerrar", "referimientos", "novedades", "empezar", "llenar", "relevo", "delegar"):
        assert office.tap(GRACE, command_token(name, "")).answer.show_alert  # type: ignore[union-attr]
    assert office.tap(GRACE, command_token("pausar", "0")).answer.show_alert  # type: ignore[union-attr]
    assert office.state() == before


def test_the_right_is_given_and_taken_by_an_admin_alone(office: Office) -> None:
    """Not by the person, not for another role, not twice; what was begun goes with it, and the person is told."""
    grace, ana = office.person(GRACE), office.person(ANA)
    for who in (GRACE, ANA, CARMEN):
        office.tap(who, command_token("aporta", f"{grace}.yes"))
    for argument in (f"{ana}.yes", "9999.yes", "x.yes", ".yes"):
        office.tap(PEDRO, command_token("aporta", argument))
    assert office.rows("SELECT count(*) FROM membership WHERE is_contributor") == [(0,)]

    given = office.tap(PEDRO, command_token("aporta", f"{grace}.yes"))
    assert "IJM" in office.shown(given, GRACE)[0]

    office.tap(GRACE, command_token("reportar", "i.IND-14.2018"))
    office.tap(PEDRO, command_token("aporta", f"{grace}.no"))
    assert office.rows("SELECT count(*) FROM session WHERE state = 'open'") == [(0,)]
    assert office.rows("SELECT count(*) FROM audit_entry WHERE act = 'membership.contributor'") == [(2,)]


def test_an_admin_is_asked_whether_an_observer_reports_only_where_there_is_something_to(office: Office) -> None:
    """IJM leads indicators, ONU leads none: its link is made at once."""
    asked, buttons = office.shown(office.tap(PEDRO, command_token("invitar", "observer.IJM")), PEDRO)
    assert "IND-14, IND-23, IND-24" in asked

    office.tap(PEDRO, buttons[wording("es")("contributor.reports")])
    office.tap(PEDRO, buttons[wording("es")("contributor.observes")])
    office.tap(PEDRO, command_token("invitar", "observer.DPD.reports"))
    assert office.rows("SELECT is_contributor FROM invitation ORDER BY id DESC LIMIT 3") == [(0,), (0,), (1,)]


def test_a_contributor_is_reminded_of_what_their_agency_has_left(office: Office) -> None:
    """The ladder of any reporter, with the way to their list; an observer without the right hears nothing."""

    def told(unit: UnitOfWork) -> list[Any]:
        from bot.schedule import scheduler

        plan = unit.plans.only()
        scheduler.ensure_schedules(unit, plan.id, JANUARY)
        [schedule] = [each for each in unit.schedules.all() if each.what == "reminders"]
        planned = plan_reminders(unit, schedule, Moment.of(unit, plan.id, JANUARY))
        return [one for one in planned if one.who.role is Role.OBSERVER]

    ask = lambda: office.database.units.submit(None, told).result()  # noqa: E731
    assert ask() == []

    make_contributor(office)
    [one] = ask()
    [message] = one.messages
    assert "IJM" in message.payload["text"]
    assert "IND-14" in message.payload["text"]
    assert message.payload["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "c:indicadores:"


def test_what_a_contributor_may_is_declared_in_the_table() -> None:
    """No command of a contributor's is about activities, closing or the agency's people."""
    also = {one.route for one in PERMISSIONS if one.also_contributors}
    assert also == {
        "reportar",
        "indicadores",
        "historial",
        "cancelar",
        "posponer",
        "recibo",
        "tomar",
        "responder",
        "versiones",
    }


@pytest.mark.parametrize("typed", ["/Wendy García Pérez, de 14 años", "/pendientes Wendy García Pérez 809-555-1234"])
def test_a_name_behind_a_slash_leaves_the_chat(office: Office, typed: str) -> None:
    """No command reads it, and it is somebody's (S15)."""
    assert office.say(ANA, typed).deliveries[0].method == "deleteMessage"
    assert "deleteMessage" not in [row.method for row in office.say(ANA, "/pendientes PRE-101").deliveries]
