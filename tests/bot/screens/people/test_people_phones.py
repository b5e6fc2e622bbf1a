"""Administration on the phones: what one person presses arrives in another one's chat, by the real bot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.telegram import Person
from tests.bot.house import ANA, CARMEN, LUIS, PEDRO, Town, furnish, town_in

pytestmark = pytest.mark.slow
MARTA = 508
"""A second admin."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder: Path = tmp_path_factory.mktemp("town")
    furnish(folder)
    with town_in(folder, None) as town:
        town.sandbox.world.add_person(Person(MARTA, "Marta Reyes", language_code="en"), started=True)
        who = ("--telegram-id", str(MARTA), "--name", "Marta Reyes", "--language", "en")
        assert town.enlace("people", "add", *who, "--role", "admin").returncode == 0
        yield town


def test_a_coordinator_is_made_by_two_admins(town: Town) -> None:
    """Pedro asks, Marta reads it in English and grants, Luis is told and has another menu, Pedro hears of it."""
    pedro, marta, luis = town.officer(PEDRO), town.officer(MARTA), town.officer(LUIS)
    pedro.say("/personas")
    pedro.say("luis peña")
    pedro.tap("Cambiar función")
    pedro.tap("Coordinación")
    assert "Otra persona que administra" in pedro.text

    pedro.tap("Sí, cambiar")
    assert "Marta Reyes" in pedro.text

    marta.wait_for("Pedro Núñez asks that Luis Peña become Coordination")
    marta.tap("Grant")
    assert "✅ Granted" in marta.text

    luis.wait_for("Ahora usted es: Coordinación")
    pedro.wait_for("Marta Reyes lo concedió")
    luis.tap("Menú")
    assert "Reportar" not in " ".join(luis.buttons)

    luis.say("/revisar")
    assert "no es para su función" not in luis.text


def test_a_lost_phone_is_shut_out_until_an_admin_lets_it_in(town: Town) -> None:
    """S18 as a drill: suspended in three taps, silent, and back in the same role with what she had reported."""
    pedro, ana = town.officer(PEDRO), town.officer(ANA)
    before = len(ana.from_bot)
    pedro.say("/personas")
    pedro.say("ana")
    pedro.tap("Suspender acceso")
    pedro.tap("Sí, suspender")
    assert "Acceso suspendido" in pedro.text
    assert len(ana.from_bot) == before

    ana.say("/pendientes")
    assert "suspendido" in ana.text

    pedro.tap("Restaurar acceso")
    assert "Nunca por este mismo chat" in pedro.text

    pedro.tap("Ya lo comprobé")
    ana.wait_for("Su acceso está de vuelta. Usted es: Punto focal · MMUJER.")
    town.rest()
    ana.say("/historial")
    assert "recibo" in ana.text.lower() or "n.º" in " ".join(ana.buttons)


def test_ones_own_data_arrive_as_a_document(town: Town) -> None:
    """In the private chat of whoever asks."""
    luis = town.officer(LUIS)
    luis.say("/misdatos")
    luis.tap("archivo")
    assert luis.from_bot[-1]["document"]["file_name"] == "mis-datos.json"


def test_what_the_server_changes_is_told_in_the_chat(town: Town) -> None:
    """`enlace people role` sends nothing itself: the bot finds it in the outbox, by the clock that both have."""
    carmen = town.officer(CARMEN)
    done = town.enlace("people", "role", "--telegram-id", str(CARMEN), "--role", "reader")

    assert done.returncode == 0, done.stderr
    carmen.wait_for("Ahora usted es: Lectura ministerial")
    [(changed_at,)] = town.rows("SELECT max(created_at) FROM outbox WHERE chat_id = ?", CARMEN)
    assert changed_at.startswith("2018-10-")
