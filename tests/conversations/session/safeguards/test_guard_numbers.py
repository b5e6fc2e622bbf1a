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


SOMEBODYS = """su código de beneficiaria: BEN-00456|número de la interna 4567|reclusa núm. 12345|paciente #0345
her phone number ends in 4517|le numéro finit par 5678|el número del cel termina en 4517|nimewo a fini pa 4517
la clave del celular es 4512|password: luna2005|su pin es 4512|le mot de passe est luna05|modpas li se luna05
folio 45, libro 12|acta 345 año 2003 oficialía 2|extrait naissance n° 1432 / 2008
0091-555-908 (léanlo al revés)|à lire à l'envers : 24 10 555 87|l@.morena.del.cibao|IMG_passport_P0412287_scan.jpg
apunta, ochocientos cuarenta y nueve, eeh, cinco cincuenta y cinco, cero cero, ochenta y tres
es O-CH-O-dos-nueve 555 dos ceros y un 19|dial fife-oh-wun then 6I5 then O1Z9|call 829-\\nStep 2: 555-\\nStep 3: 0163
plaque « A-A deux-neuf-un K-B »|tag reads Charlie Yankee Dash Four Four One Eight|plak la se AA tiret 0-9-3-1-2
la yipeta blanca del imputado, se alcanza a ver G 4 9 8 – 1 2 1|7️⃣7️⃣ 555 zéro trois 1️⃣9️⃣
batistè ti gason an, se nimewo 318 rejis 12|rele l nan trant twa, senkant senk, zewo sèt, disnèf
829,555,0142|829:555:0142|ochoceronuevecincocincocincocerounocuatrodos|UNHCR 123-18C00456
mac 001a.2b3c.4d5e|2001:0db8:85a3:0000:0000:8a2e:0370:7334|1Z999AA10123456784
Corolla gris, A876543|DK-4471-BC, la voiture grise|motor 5VZFE1234567|immat DK-4471-BC"""


@pytest.mark.parametrize("text", SOMEBODYS.replace("\n", "|").split("|"))
def test_a_number_is_somebodys_by_its_owner_its_end_its_maker_or_what_it_opens(text: str) -> None:
    """Each of these words stands before a number that one person has."""
    assert personal_data(text.replace("\\n", "\n"), strict=False) in {"identity", "phone", "digits", "handle"}


@pytest.mark.parametrize("text", ["folio M2290817 a su nombre", "sello K88412X", "récord 123456", "(A-44712-B)"])
def test_a_code_that_no_paper_explains_is_somebodys_under_strict_rules(text: str) -> None:
    """Nobody can list what numbers there are; what an office numbers can be listed."""
    assert personal_data(text, strict=True) in {"digits", "identity"}


PAPERS = """factura B0100004521|cheque 004512 entregado|ref. MEM-25-11811|oficio A44712|código SNIP 14122
orden de compra 00345|invoice K88412|lèt A44712|facture K88412|Norma ISO27001|120000personas
RD45000|HH-0123456|corte a 201809|scan_A44712.pdf|el número de casos subió a 120|número de víctimas 1204
código penal art 334|la clave es la prevención: 12 provincias|visas humanitarias: 12
reserva de hotel para 45 personas|compra de Toyota Hilux 2023|clave 2025|En Facebook, como Ministerio de la Mujer
Facebook: publicado|Instagram: 45 publicaciones
charla sobre Snapchat y sexting|Roblox: taller|le projet compte 12000 bénéficiaires|the call for proposals ends 2025"""


@pytest.mark.parametrize("text", PAPERS.replace("\n", "|").split("|"))
def test_what_an_office_numbers_passes_both_rules(text: str) -> None:
    """An identifier has no way out, so the reference of a paper must not be taken for one."""
    assert personal_data(text, strict=True) is None


ONLINE = """lunita05@|snap: lunita|Snapchat lunita-05|onlyfans/luna|$lunabella05|tiktok de la niña: princesita.rd
Messenger, donde aparece como Princesa Del Sur|sells on Facebook Marketplace as Mimi's Sweet Hand
sou Facebook nan men yon kont ki rele Bos Lakay|profil Facebook, qui s'affiche comme Tata Placement
tik tok lunamaria05|en instagram sale como lunamaria_|correo: lunam en gmail
citas[.]com|hxxps://citas(.)top/x|w w w punto citas punto com|citas punto com|citas.club/rd
queen underscore bee|bella guion bajo 22|belle tiret bas 22|bel tirè ba 22
snap: at lildree|ig: la punto chula punto rd"""


@pytest.mark.parametrize("text", ONLINE.replace("\n", "|").split("|"))
def test_the_signs_of_a_page_and_of_an_account_may_be_said_or_bracketed(text: str) -> None:
    """Those who sell people write so that nobody opens it."""
    assert personal_data(text, strict=False) in {"link", "handle", "email"}


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
