"""Identifiers by class: the pieces of a number, what is said between them, and the work that has numbers in a row."""

from itertools import product

import pytest

from conversations.session.safeguards.guard import personal_data

PIECES = {
    "es": (("809", "ocho cero nueve", "ochocientos nueve"), ("555", "cinco cinco cinco", "sinco sinco sinco")),
    "en": (("829", "eight two nine", "eight twenty-nine"), ("555", "five five five", "five fifty-five")),
}
LAST = {
    "es": ("0142", "cero uno cuatro dos", "cero uno cuarenta y dos"),
    "en": ("0142", "zero one four two", "oh one forty-two"),
}
FRAMES = {
    "es": "su contacto es {}, luego {} y después {}|{} - {} - {}|empieza con {} y sigue {} y termina en {}|{} ({}) {}|"
    "tel:\n{}\n{}\n{}",
    "en": "reach her on {}, then {}, then {}|{} - {} - {}|it starts with {}, then {} and ends in {}|{} ({}) {}",
}


@pytest.mark.parametrize("language", FRAMES)
def test_a_phone_in_pieces_is_one_however_each_piece_is_said(language: str) -> None:
    """In figures, digit by digit, in tens and hundreds, misspelt; with signs, words or lines between."""
    told = [
        frame.format(*pieces)
        for frame in FRAMES[language].split("|")
        for pieces in product(*PIECES[language], LAST[language])
    ]
    assert [text for text in told if personal_data(text, strict=False) not in {"phone", "digits"}] == []


SAID = """el 402 y después 1234567 y al final 8|402, 1234567, 8 es su cédula
cero cero uno uno dos tres cuatro cinco seis siete ocho
pasaporte erre de cuatro cinco seis siete ocho nueve uno|placa K cero uno dos tres cuatro cinco seis
licence plate alpha one two three four five six|paspò R D kat senk sis sèt uit|06 - douze - 34 - 56 - 78
el expediente de la menor es 0456-2024|en instagram sale como bella morena 22|829 cincocincocinco 0142
rele nan 37 22 zewo en 45|8,2,9,5,5,5,0,1,4,2|appelle-la au 06 12 34 cinquante-six 78"""


@pytest.mark.parametrize("text", SAID.replace("\n", "|").split("|"))
def test_a_document_or_an_account_may_be_told_in_pieces(text: str) -> None:
    """What is named before a number says how few of its digits are enough."""
    assert personal_data(text, strict=False) in {"identity", "phone", "handle", "digits"}


@pytest.mark.parametrize(
    "text",
    ["GPS 18.47, -69.90", "lat 18.4655 long -69.9012", "ubicación: ///tabla.mango.nube", "w3w: table.mango.cloud"],
)
def test_a_position_is_an_address(text: str) -> None:
    """Two decimals are a kilometre, three words are three metres."""
    assert personal_data(text, strict=True) == "address"


WORK = """El indicador pasó de 809 a 955|De 402 casos, 120 siguen en juicio|Ocho de nueve provincias reportaron
Fueron ocho talleres, cinco charlas y dos foros|Primero 45, luego 52 y después 61
Cinco, seis y siete de mayo
Se imprimieron 809 guías y luego 555 más|Resolución 402-2018 y Decreto 1234
9:00, 10:30, 12:00, 2:00
La reunión es de 9 a 11, luego de 2 a 4|Enero 12, febrero 15, marzo 18, abril 20|Horario: 8 a 12 y 2 a 5
Presupuesto: RD$ 1,250,000.00; ejecutado RD$ 809,555.00|El 45 % en 2018, 52 % en 2019, 61 % en 2020
Se envió el oficio PGR-2019-00345 a Migración|El comité sesionó los martes de 9:00 a 11:30
Oficio núm. 0456-2024
Aprobado con ocho votos, dos en contra, cero abstenciones|entre 2018 y 2022, luego hasta 2025
veinte, treinta, cuarenta y cincuenta por trimestre|2018: 120, 2019: 145, 2020: 160|Grupo 1: 20, grupo 2: 25
We trained 809 agents, then 555 more|First 120, then 145, then 160
Eight of nine agencies, five of six courts
120 fanm, epi 45 gason, epi 30 timoun|120 femmes, puis 45 hommes, puis 30 enfants
Punto uno: presupuesto. Punto dos: agenda
Se publicó en el Instagram de la Procuraduría
Grupo de WhatsApp de la mesa|Versión 1.2.3 del sistema|Ticket 45, aula 204"""


@pytest.mark.parametrize("text", WORK.replace("\n", "|").split("|"))
def test_counts_terms_and_amounts_in_a_row_lead_to_nobody(text: str) -> None:
    """Small words stand between counts too."""
    assert personal_data(text, strict=True) is None
