"""/receptores, over the real dispatch: an administrator sets up a receiver, tries it, and looks at what it was told."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from bot.acts.sharing import receivers
from bot.chat.exchange import Exchange
from bot.open_storage import open_storage
from bot.screens.sharing.receivers import show_tried
from bot.workers.webhooks import REASONS
from conversations.plan.sharing.events import OFFERED, kinds_for, packed
from conversations.plan.sharing.export_request import AUDIENCES
from storage.messages.endpoints import GONE, MOST, Outcome, target_of
from storage.messages.outbox import LEASE, OutboxRow
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, press, said
from tests.bot.house import ANA, CARMEN, PEDRO, furnish, settings_in
from tests.taps import command_token

NOW = datetime(2018, 10, 3, 16, tzinfo=UTC)
URL = "https://hooks.example.org/services/T0123456789/809-555-0199?key=abc"


class Office(Desk):
    """The desk, and what the administrator is shown."""

    def asked(self, handled: Any) -> str:
        return said(handled, PEDRO)[-1]

    def paste(self, url: str, audience: str = "public") -> Any:
        self.tap(PEDRO, command_token("receptor", f"new.{audience}"))
        return self.say(PEDRO, url)

    def endpoints(self) -> list[Any]:
        return self.do(lambda unit: unit.endpoints.all(unit.plans.only().id))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    furnish(tmp_path)
    with open_storage(settings_in(tmp_path)) as database:
        made = Office(database)
        made.now = NOW
        yield made


def test_an_administrator_adds_a_receiver_and_sees_its_secret_once(office: Office) -> None:
    """For the public unless they say otherwise; the pasted address leaves the chat, the secret cannot be passed on."""
    assert "Receptores de eventos: 0" in office.asked(office.say(PEDRO, "/receptores"))

    handled = office.paste(URL)
    [made] = office.endpoints()
    assert (made.host, made.audience, made.kinds) == ("hooks.example.org", "public", kinds_for("public"))

    target = office.do(lambda unit: target_of(unit.vault, made))
    assert target.url == URL

    [shown] = [row for row in handled.deliveries if target.secret in str(row.payload)]
    assert shown.payload["protect_content"]
    assert shown.sensitive
    assert "deleteMessage" in [row.method for row in handled.deliveries]
    assert Webhook(target.secret)
    for later in (office.say(PEDRO, "/receptores"), office.tap(PEDRO, command_token("receptor", str(made.id)))):
        assert "hooks.example.org" in office.asked(later)
        assert target.secret not in str(later)
        assert "key=abc" not in str(later)


@pytest.mark.parametrize(
    ("url", "word"),
    [("http://example.org/x", "https://"), ("https://10.0.0.1/x", "ENLACE_EVENTS_INSIDE"), ("hola", "https://"),
     ("https://example.org:22/x", "ENLACE_EVENTS_PORTS"),
     ("https://ana:clave@example.org/", "contraseña"), ("https://example.org/" + "x" * 1000, "1000"),
     ("https://example.org /x", "https://example.org/enlace")],
)  # fmt: skip
def test_an_address_that_cannot_be_is_refused_with_its_remedy(office: Office, url: str, word: str) -> None:
    """And the next one that is pasted is taken."""
    assert word in office.asked(office.paste(url))
    assert office.endpoints() == []
    office.say(PEDRO, URL)
    assert len(office.endpoints()) == 1


def test_nobody_else_may(office: Office) -> None:
    """Neither by the word nor by a button of an administrator's."""
    office.paste(URL)
    [made] = office.endpoints()
    for person in (ANA, CARMEN):
        for handled in (
            office.say(person, "/receptores"),
            office.tap(person, command_token("receptor", f"{made.id}.remove.yes")),
            office.tap(person, command_token("receptor", "new.public")),
        ):
            assert "example.org" not in str(handled)
    assert len(office.endpoints()) == 1


def test_a_receiver_is_paused_resumed_and_removed(office: Office) -> None:
    """To remove it asks once more, since what waits is lost; a button of a removed one shows the list."""
    office.paste(URL)
    [made] = office.endpoints()

    def tap(rest: str) -> str:
        return office.asked(office.tap(PEDRO, command_token("receptor", f"{made.id}{rest}")))

    assert "en pausa" in tap(".pause")
    assert "al día" in tap(".resume")
    assert "¿Quitar" in tap(".remove")
    assert len(office.endpoints()) == 1
    assert "Receptores de eventos: 0" in tap(".remove.yes")
    assert "Receptores de eventos: 0" in tap("")


def test_one_that_says_it_is_gone_is_off_and_its_admins_hear_how_to_switch_it_on(office: Office) -> None:
    """Once, each in their language; the list and its own screen say why, until it is resumed."""
    office.paste(URL)
    [made] = office.endpoints()

    def answer(unit: UnitOfWork) -> list[OutboxRow]:
        unit.events.record("period.locked", made.plan_id, {"period": "201809"}, NOW)
        [claimed] = unit.event_deliveries.claim(made.id, 9, NOW, NOW + LEASE)
        unit.event_deliveries.settle([Outcome(claimed, GONE, 410)], NOW)
        return [row for _ in range(2) for row in receivers.switch_off(unit, made.plan_id, made.id, NOW)]

    [told] = office.do(answer)
    assert told.chat_id == PEDRO
    assert "contestó que ya no existe (410)" in str(told.payload)

    assert "apagado: contestó 410" in office.asked(office.say(PEDRO, "/receptores"))
    shown = office.asked(office.tap(PEDRO, command_token("receptor", str(made.id))))
    assert "toque Reanudar" in shown
    assert office.do(lambda unit: unit.event_deliveries.claim(made.id, 9, NOW, NOW + LEASE)) == []

    office.tap(PEDRO, command_token("receptor", f"{made.id}.resume"))
    assert "por entregar: 1" in office.asked(office.say(PEDRO, "/receptores"))
    assert len(office.do(lambda unit: unit.event_deliveries.claim(made.id, 9, NOW, NOW + LEASE))) == 1


def test_what_was_delivered_and_what_is_dead_is_shown_and_replayed(office: Office) -> None:
    """The latest, each with its answer; the dead wait anew."""
    office.paste(URL)
    [made] = office.endpoints()

    def live(unit: UnitOfWork) -> None:
        for code in ("201809", "201810", "201811"):
            unit.events.record("period.locked", made.plan_id, {"period": code}, NOW)
        claimed = unit.event_deliveries.claim(made.id, 9, NOW, NOW)
        dead = Outcome(claimed[1], "redirect", 302)
        unit.event_deliveries.settle([Outcome(claimed[0], status=204), dead], NOW)
        unit.connection.exec_driver_sql(f"UPDATE event_delivery SET state = 'dead' WHERE id = {claimed[1].id}")

    office.do(live)
    shown = office.asked(office.tap(PEDRO, command_token("receptor", str(made.id))))

    assert "Entregados: 1 · por entregar: 1 · sin entregar: 1" in shown
    assert "manda a otra dirección (302)" in shown
    assert "sin entregar: 1" in office.asked(office.say(PEDRO, "/estado") and office.say(PEDRO, "/receptores"))
    assert "hooks.example.org (1)" in office.asked(office.say(PEDRO, "/estado"))
    assert "Se vuelven a entregar: 1" in office.asked(office.tap(PEDRO, command_token("receptor", f"{made.id}.replay")))


def test_everything_it_was_told_is_listed_by_pages_and_one_dead_letter_is_told_again(office: Office) -> None:
    """Each line says of what it was; the dead have a list of their own, with a button each and one for all."""
    office.paste(URL)
    [made] = office.endpoints()
    codes = [f"2018{month:02}" for month in range(1, 13)]

    def live(unit: UnitOfWork) -> None:
        for code in codes:
            unit.events.record("period.locked", made.plan_id, {"period": code}, NOW)
        unit.connection.exec_driver_sql("UPDATE event_delivery SET state = 'dead' WHERE id <= 3")

    office.do(live)
    first = press(office, PEDRO, office.tap(PEDRO, command_token("receptor", str(made.id))), "Ver todo lo entregado")
    older = press(office, PEDRO, first, "Más antiguas ›")
    assert [code for code in codes if code in office.asked(first)] == codes[4:]
    assert [code for code in codes if code in office.asked(older)] == codes[:4]

    card = office.tap(PEDRO, command_token("receptor", str(made.id)))
    dead = press(office, PEDRO, card, "Ver lo no entregado (3)")
    assert [code for code in codes if code in office.asked(dead)] == codes[:3]

    once = press(office, PEDRO, dead, "Entregar de nuevo: 201802")
    assert "Se vuelven a entregar: 1" in office.asked(once)
    assert "sin entregar: 2" in office.asked(once)

    press(office, PEDRO, dead, "Entregar de nuevo: 201802")  # the button stays on an old screen
    dead = press(office, PEDRO, once, "Ver lo no entregado (2)")
    assert "Se vuelven a entregar: 2" in office.asked(press(office, PEDRO, dead, "Entregar de nuevo (2)"))


def test_what_it_is_told_of_is_chosen_when_it_is_added(office: Office) -> None:
    """Everything, unless they leave something out; a refused address keeps the choice."""
    asked = press(office, PEDRO, office.tap(PEDRO, command_token("receptor", "new.public")), "✅ período bloqueado")
    press(office, PEDRO, asked, "✅ cambio del plan")
    office.say(PEDRO, "hola")
    office.say(PEDRO, URL)
    [made] = office.endpoints()

    assert set(kinds_for("public")) - set(made.kinds) == {"period.locked", "plan.changed"}


def test_what_it_is_told_of_is_changed_later(office: Office) -> None:
    """Nothing before it is kept; the last kind cannot be left out; no button adds what its audience may not hear."""
    office.paste(URL)
    [made] = office.endpoints()
    card = office.tap(PEDRO, command_token("receptor", str(made.id)))
    asked = press(office, PEDRO, press(office, PEDRO, card, "De qué se le avisa"), "✅ reporte validado")
    assert office.endpoints() == [made]
    assert "reporte validado" not in office.asked(press(office, PEDRO, asked, "Guardar"))

    office.tap(PEDRO, command_token("receptor", f"{made.id}.tell.{packed(OFFERED)}"))
    assert office.endpoints()[0].kinds == kinds_for("public")

    office.tap(PEDRO, command_token("receptor", f"{made.id}.tell.{packed(['plan.changed'])}"))
    last = office.tap(PEDRO, command_token("receptor", f"{made.id}.kinds.{packed(['plan.changed'])}"))
    press(office, PEDRO, press(office, PEDRO, last, "✅ cambio del plan"), "Guardar")
    for stray in (packed(["report.submitted"]), "0", "zz", "-1", "f" * 40):
        office.tap(PEDRO, command_token("receptor", f"{made.id}.tell.{stray}"))
        assert office.endpoints()[0].kinds
        assert set(office.endpoints()[0].kinds) <= set(kinds_for("public"))


def test_trying_it_is_a_job_and_its_answer_is_said(office: Office) -> None:
    """The call happens in no unit; whatever comes of it has its sentence."""
    office.paste(URL)
    [made] = office.endpoints()

    assert "Se está probando" in office.asked(office.tap(PEDRO, command_token("receptor", f"{made.id}.test")))
    assert [job.payload["endpoint_id"] for job in office.do(lambda unit: unit.jobs.of_kind(receivers.TRY))] == [made.id]

    for reason in ("", *REASONS):
        told = office.do(partial(_tried, office, made.id, reason))
        assert ("Funciona" in told) == (not reason)


def _tried(office: Office, endpoint_id: int, reason: str, unit: UnitOfWork) -> str:
    """What the worker's answer says in the chat."""
    ex = Exchange(unit, unit.chats.open(PEDRO, PEDRO), NOW, office.house, PEDRO)
    show_tried(ex, endpoint_id, reason, 500)
    return str(ex.deliveries[-1].payload["text"])


def test_a_plan_has_so_many_receivers_and_no_more(office: Office) -> None:
    """Then one must go before another comes."""
    for number in range(MOST):
        office.now = NOW.replace(minute=number)
        office.paste(f"https://example.org/{number}", AUDIENCES[number % 3])
    assert f"El plan ya tiene {MOST}" in office.asked(office.tap(PEDRO, command_token("receptor", "new.public")))
