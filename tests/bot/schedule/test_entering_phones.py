"""A week on the phones, with somebody who stops at each station of the way in: the real bot, and a clock wound on."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.telegram import Person
from tests.bot.house import ANA, CARMEN, JEAN, PEDRO, ROSA, Town, furnish, town_in
from tests.deadlines import has_ended, wait_until

pytestmark = pytest.mark.slow

OPENED, CHOSEN, ACCEPTED, NEW_ACCOUNT = 611, 612, 613, 614


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Wednesday, 3 October 2018, eight o'clock."""
    furnish(tmp_path)
    with town_in(tmp_path, None) as town:
        for number in (OPENED, CHOSEN, ACCEPTED, NEW_ACCOUNT):
            town.sandbox.world.add_person(Person(number, f"Nueva {number}", language_code="es"))
        yield town


def invited(town: Town, agency: str) -> str:
    """The token of a link that Pedro makes on his phone."""
    pedro = town.officer(PEDRO)
    pedro.say("/invitar")
    pedro.tap("Punto focal")
    return str(re.findall(r"start=([\w-]{43})", pedro.tap(agency))[-1])


def enter(town: Town, who: int, agency: str, *taps: str) -> None:
    """Open a link of Pedro's on a phone, and go as far as these taps lead."""
    officer, link = town.officer(who), invited(town, agency)
    officer.do(lambda: officer.phone.start(link))
    for words in taps:
        officer.tap(words)


def shown(town: Town, who: int, words: str) -> list[str]:
    """All messages with these words that a phone was ever sent."""
    entries = town.sandbox.world.ledger.since(0, chat=who)
    texts = [str(entry.message.get("text", "")) for entry in entries if entry.what == "send" and entry.message]
    return [text for text in texts if words in text]


def wind(town: Town, to: str, **told: tuple[int, str, int]) -> None:
    """Set the clock, and wait until each of these phones has had so many messages with these words."""
    town.client.move_clock(to=f"2018-10-{to}-04:00")
    assert town.process is not None
    for who, words, times in told.values():
        wait_until(
            lambda who=who, words=words, times=times: len(shown(town, who, words)) >= times,  # type: ignore[misc]
            f"{who} is told {words!r}",
            show=lambda: f"{town.rows('SELECT person_id, what, window, state, reason FROM fire')}\n{town.logged()}",
            unless=has_ended(town.process),
        )
    town.rest()


def closing(town: Town) -> tuple[str, str]:
    """How many agencies the coordinator's summary expects, and its line of vacancies."""
    carmen = town.officer(CARMEN)
    carmen.say("/resumen")
    whole = carmen.tap("Ver completo")
    expected = re.search(r"Cierre: \d+ de (\d+)", whole)
    assert expected is not None
    return expected[1], next(line for line in whole.split("\n") if line.startswith("Sin punto focal ("))


def test_nobody_is_lost_on_the_way_in(town: Town) -> None:
    """Whoever stops is asked twice, then Pedro hears what to do; meanwhile each list says that the post is vacant."""
    pedro, opened = town.officer(PEDRO), town.officer(OPENED)
    expected, before = closing(town)
    invited(town, "MITUR")  # and nobody opens it
    enter(town, OPENED, "MINERD")
    enter(town, CHOSEN, "MIDE", "English")
    enter(town, ACCEPTED, "CONANI", "Español", "Entendido", "De acuerdo")
    town.officer(ROSA).phone.block()
    town.sandbox.world.people[JEAN].is_deactivated = True
    town.rest()
    assert [len(shown(town, PEDRO, f"ya entró: Punto focal · {code}")) for code in ("MINERD", "MIDE", "CONANI")] == [
        0, 0, 1,
    ]  # fmt: skip

    still_expected, vacant = closing(town)
    assert still_expected == expected
    assert int(vacant.partition("(")[2].partition(")")[0]) == int(before.partition("(")[2].partition(")")[0])
    assert "PGR (desde el 3 oct 2018, bloqueó al asistente)" in vacant
    assert "MINERD (desde el 3 oct 2018, no ha aceptado el aviso de privacidad)" in vacant
    assert "CONANI" not in vacant

    wind(
        town,
        "04T10:30:00",
        opened=(OPENED, "le falta un paso", 1),
        chosen=(CHOSEN, "one step away", 1),
        admin=(PEDRO, "Rosa Díaz", 1),
    )
    wind(town, "05T09:00:30", ana=(ANA, "Hoy vence", 1))
    ana = town.officer(ANA)
    ana.tap("Ya no soy yo")
    ana.tap("Sí")
    pedro.wait_for("Ana Martínez")  # who leaves is no news of a day later
    wind(town, "08T10:30:00", link=(PEDRO, "nadie ha abierto el enlace", 1), jean=(PEDRO, "Jean Baptiste", 1))
    wind(town, "10T10:30:00", opened=(OPENED, "le falta un paso", 2), chosen=(CHOSEN, "one step away", 2))
    wind(town, "11T10:30:00", admin=(PEDRO, "no ha enviado su primer reporte", 1))
    [news] = shown(town, PEDRO, "no ha enviado su primer reporte")
    assert all(f"Nueva {number} · Punto focal" in news for number in (OPENED, CHOSEN, ACCEPTED))
    assert "llámele" in news

    listed = town.enlace("people", "list")
    assert (listed.returncode, len(re.findall(r"not_accepted\s+opened", listed.stdout))) == (0, 2)
    assert "1 invited, 2 opened, 1 accepted" in listed.stderr
    assert "1 sin abrir su enlace · 2 sin aceptar · 1 sin primer reporte" in pedro.say("/personas")
    assert "Nueva 611 (MINERD)" in pedro.say("/estado")

    wind(town, "12T10:30:00")
    assert [len(shown(town, who, words)) for who, words in ((OPENED, "le falta un paso"), (CHOSEN, "one step"))] == [
        2,
        2,
    ]
    opened.tap("Continuar")
    opened.tap("Entendido")
    opened.tap("De acuerdo")
    pedro.wait_for("✅ Nueva 611 ya entró: Punto focal · MINERD.")
    enter(town, NEW_ACCOUNT, "DGP", "Español", "Entendido", "De acuerdo")
    _, vacant = closing(town)
    assert [code in vacant for code in ("MINERD", "DGP", "PGR", "MIDE")] == [False, False, True, True]
