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


FUSED = {
    "es": ("8cero9 cinco5cinco 01cuatro2", "ocho09 5cinco5 cero142", "809 dos veces cinco, 5, cero uno cuatro dos"),
    "en": ("8zero9 five5five 01four2", "eight09 5five5 zero142", "809, two times five, 5, zero one four two"),
    "ht": ("8zewo9 senk5senk 01kat2", "uit09 5senk5 zewo142", "809, de fwa senk, 5, zewo youn kat de"),
    "fr": ("8zero9 cinq5cinq 01quatre2", "huit09 5cinq5 zero142", "809, deux fois cinq, 5, zero un quatre deux"),
}
THOUSANDS = """ocho cero nueve, quinientos doce, mil doscientos treinta|ocho veintinueve, 3 uno uno, mil ciento quince
trente-sept, douze, mille deux cent douze|rele l nan trant sèt, douz, mil desan douz"""


@pytest.mark.parametrize("text", [*(each for told in FUSED.values() for each in told), *THOUSANDS.splitlines()])
def test_digits_are_digits_however_words_and_figures_are_mixed(text: str) -> None:
    """Words between figures, a digit said so many times, and the last four as one number."""
    assert [each for each in text.split("|") if personal_data(each, strict=False) != "phone"] == []


OWNED = """el caso de la joven, expediente 0456-2024|la niña (exp. 2025-0118)|the girl, file 2025/TIP/0044
historia clínica 12 34 56|récord médico 88-21-45|dossier médical 12 45 78|SC7214409 es su pasaporte
PNR JK82LM|reserva de vuelo RT5K9P|tarjeta 4509 **** **** 7721
3C:5A:B4:11:22:33|desde 190.80.134.22 se conectó|ES91 2100 0418 4502 0005 1332|DO28BAGR00000001212453611324
1HGCM82633A004352|0x52908400098527886E0F7030069857D2E4169EE7|2b1e9f3c-1234-4c7f-9d2e-000011112222
P<DOMXXXXX<<XXXXX<<<<<<<<<<|iccid 8901260852291044568"""


@pytest.mark.parametrize("text", OWNED.replace("\n", "|").split("|"))
def test_a_number_that_one_person_has_needs_no_word_for_it(text: str) -> None:
    """A machine's number is known by its shape, a file by who stands before it, a ticket by its letters."""
    assert personal_data(text, strict=False) == "identity"


ONLINE = """citas[.]com|hxxps://citas(.)top/x|w w w punto citas punto com|citas punto com|citas.club/rd
queen underscore bee|bella guion bajo 22|belle tiret bas 22|bel tirè ba 22
snap: at lildree|ig: la punto chula punto rd"""


@pytest.mark.parametrize("text", ONLINE.replace("\n", "|").split("|"))
def test_the_signs_of_a_page_and_of_an_account_may_be_said_or_bracketed(text: str) -> None:
    """Those who sell people write so that nobody opens it."""
    assert personal_data(text, strict=False) in {"link", "handle"}


@pytest.mark.parametrize("behind", [" de la niña", " (su mamá)", " de Yesenia", ", her mother", " li manman l"])
@pytest.mark.parametrize("line", ["línea vida", "hotline", "línea de ayuda", "liy dirèk"])
def test_the_number_of_a_line_is_public_unless_it_is_somebodys(line: str, behind: str) -> None:
    """Whoever writes "línea vida" before a number does not make it public."""
    assert personal_data(f"{line} 829-374-0192{behind}", strict=False) == "phone"
    assert personal_data(f"{line} 829-374-0192 recibió 40 llamadas de mujeres", strict=False) is None


@pytest.mark.parametrize("text", SAID.replace("\n", "|").split("|"))
def test_a_document_or_an_account_may_be_told_in_pieces(text: str) -> None:
    """What is named before a number says how few of its digits are enough."""
    assert personal_data(text, strict=False) in {"identity", "phone", "handle", "digits"}


@pytest.mark.parametrize("number", ["8095550142", "18295550142", "40212345678", "001-1873452-6"])
@pytest.mark.parametrize("above", ["Ana\n", "hola\r\n", "Taller\n\n", "OK\n1 "])
def test_a_number_under_a_line_of_words_is_no_code_of_theirs(number: str, above: str) -> None:
    """As a contact is read: a name, and below it a phone."""
    assert personal_data(above + number, strict=False) in {"phone", "identity", "digits"}


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
Facebook: nuevo punto de orientación|se hizo tres veces el taller y dos veces la charla|Versión 2.10.14.22 del sistema
RD$ 1.250.125.50|de 10000 placas|Le ministre a souligné l'importance|texto subrayado en rojo|10-10-10-10-10-10
La línea de ayuda 809-555-0100, de la Procuraduría|línea de denuncia 809-555-0100 de Santiago
mil doscientos afiches y mil quinientos volantes|dos mil veinticuatro, dos mil veinticinco y dos mil veintiséis
Oficio SEG-2018-001|3 víctimas, expediente 0456-2024|COVID19 redujo 30 talleres|12GB y 500GB de disco
Grupo de WhatsApp de la mesa|Versión 1.2.3 del sistema|Ticket 45, aula 204"""


@pytest.mark.parametrize("text", WORK.replace("\n", "|").split("|"))
def test_counts_terms_and_amounts_in_a_row_lead_to_nobody(text: str) -> None:
    """Small words stand between counts too."""
    assert personal_data(text, strict=True) is None
