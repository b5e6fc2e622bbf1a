"""What is refused before it is stored, and what looks like somebody in danger."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.safeguards import clean, emergency, personal_data

ALWAYS = {
    "El caso 1234567 sigue abierto": "digits7",
    "el ０１２３４５６ sigue": "digits7",
    "12\u200b345\u200b67": "digits7",
    "0 1 2 3 4 5 6": "digits7",
    "0-1-2-3-4-5-6": "digits7",
    "uno dos tres cuatro cinco seis siete": "digits7",
    "٠١٢٣٤٥٦": "digits7",
    "001-1234567-8": "cedula",
    "001 1234567 8": "cedula",
    "00112345678": "cedula",
    "001 - 1234567 - 8": "cedula",
    "001–1234567–8": "cedula",
    "0 0 1 - 1 2 3 4 5 6 7 - 8": "digits7",
    "llamar al 809-555-1234": "phone",
    "(809) 555-1234": "phone",
    "809.555.1234": "phone",
    "8095551234": "phone",
    "+509 3456 7890": "phone",
    "tel. 555-1234": "phone",
    "WhatsApp: 34 56 78 90": "phone",
    "escribir a ana@example.org": "email",
    "ana＠example.org": "email",
    "ana arroba correo": "email",
    "ana [at] correo.do": "email",
    "@usuario": "email",
}


@pytest.mark.parametrize("text", ALWAYS)
def test_documents_phones_and_addresses_are_seen_in_every_free_text(text: str) -> None:
    """Spaces, scripts and invisible characters hide nothing."""
    assert personal_data(text, strict=False) == ALWAYS[text]
    assert personal_data(text, strict=True) is not None


HARMLESS = [
    "Visitar 12 centros antes del 30 de octubre",
    "Ana Pérez firma el acta",
    "Falta la firma de MIREX y de la PGR desde 201809",
    "Se llegó a 230 personas: 20 10 110 85",
    "PRE-101: 15/9/2018, presupuesto RD$ 1,250,000.00",
    "Mujeres 12, hombres 8, niñas 3, niños 4",
    "1, 2, 3, 4, 5, 6 y 7",
    "Trimestre 2018Q3; semestre 2018S2",
    "de 2018 a 2019, 2020",
    "",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_reports_pass_the_basic_rules(text: str) -> None:
    """A rule that refuses plain work is switched off by those who must work."""
    assert personal_data(text, strict=False) is None


STRICT = {
    "Juan Pérez espera": "names",
    "la joven María de la Cruz": "names",
    "María de los Ángeles": "names",
    "Ｊｕａｎ Ｐｅｒｅｚ": "names",
    "Jean\u200b-Baptiste Pierre": "names",
    "Иван Петров": "names",
    "Jua\u0301n Pe\u0301rez": "names",
    "una niña de 15 años": "age",
    "15 anos": "age",
    "li gen 15 an": "age",
    "edad: 15": "age",
    "quince años": "age",
    "fifteen year old": "age",
    "el 15/9/2018": "exact_date",
    "el 15-09-2018": "exact_date",
    "2018-09-15": "exact_date",
    "15 de septiembre": "exact_date",
    "15 septanm": "exact_date",
    "September 15": "exact_date",
    "se llama ana": "phrase",
    "SE LLAMA": "phrase",
    "de nombre ana": "phrase",
    "su cedula": "phrase",
    "el expediente": "phrase",
    "her name": "phrase",
    "li rele mari": "phrase",
    "una joven llamada Ana": "phrase",
}


@pytest.mark.parametrize("text", STRICT)
def test_a_referral_form_takes_no_names_ages_dates_or_introductions(text: str) -> None:
    """In restricted forms the service is spoken of, not the person."""
    assert personal_data(text, strict=True) == STRICT[text]
    assert personal_data(text, strict=False) is None


@pytest.mark.parametrize(
    "text",
    [
        "Faltan camas en acogida. Hay demora en salud",
        "PGR y CONANI responden en 48 horas",
        "La llamada no entra de noche",
        "Hacen falta 15 se van sin atención",
        "Manque traductores\nFalta transporte",
        "MIREX DGM PGR",
    ],
)
def test_sentences_acronyms_and_services_pass_the_strict_rules(text: str) -> None:
    """Acronyms are how institutions are named there."""
    assert personal_data(text, strict=True) is None


# gap_text of the shipped form, as its author wrote it.
FORM = [
    r"[0-9]{7,}",
    r"[0-9]{3}[- .]?[0-9]{7}[- .]?[0-9]",
    r"[0-9]{3}[- .]?[0-9]{3}[- .]?[0-9]{4}",
    r"@",
    r"[A-ZÁÉÍÓÚÑÈÒÀ][a-záéíóúñèòàü]+[ ]+(de |del |de la |la )?[A-ZÁÉÍÓÚÑÈÒÀ][a-záéíóúñèòàü]+",
    r"([Ss]e llama|[Dd]e nombre|[Nn]ombre:|[Aa]pellido|[Cc](é|e)dula|[Pp]asaporte|[Nn]amed |[Ll]i rele|[Nn]on li"
    r"|[Ee]xpediente)",
    r"[0-9]{1,2} *(años|anos|year|an gen|lane)",
    r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}",
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FORM).flatmap(lambda p: st.from_regex(p, fullmatch=True)), st.sampled_from(["", "x ", "· "]))
def test_what_the_referral_form_refuses_is_refused_here_too(text: str, before: str) -> None:
    """The bot and the form's own constraint agree."""
    typed = clean(f"{before}{text}")
    if any(re.search(pattern, typed) for pattern in FORM):
        assert personal_data(typed, strict=True) is not None


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80), st.booleans())
def test_no_text_is_too_strange_for_the_safeguards(text: str, strict: bool) -> None:
    """Nothing raises; cleaning is done once and for all."""
    assert clean(clean(text)) == clean(text)
    assert personal_data(text, strict=strict) in {
        None,
        *("email", "cedula", "phone", "digits7", "names", "age", "exact_date", "phrase"),
    }
    emergency(text)


@given(st.text(st.characters(categories=["Cf", "Cc", "Cs", "Co", "Zs", "Lu", "Ll", "Nd", "Mn"]), max_size=60))
def test_cleaned_text_holds_nothing_invisible(text: str) -> None:
    """Bidi controls could make a stored answer read otherwise (S7)."""
    for character in clean(text):
        assert character == "\n" or unicodedata.category(character) not in {"Cf", "Cc", "Cs", "Co"}


def test_cleaning_keeps_what_people_meant_to_write() -> None:
    """Emoji, ñ and line breaks are content."""
    assert (
        clean("  Campaña\u00a0 en\tradio \r\n\r\n\r\n\r\n👩\u200d👧 👍🏽 ❤\ufe0f ")
        == "Campaña en radio\n\n👩\u200d👧 👍🏽 ❤\ufe0f"
    )
    assert clean("ac\u202etxt.exe") == "actxt.exe"
    assert clean("n\u0303") == "ñ"
    assert clean("a" + "\u0301" * 50) == "á" + "\u0301" * 3
    assert clean("\u3164\u2800") == ""


EMERGENCIES = [
    "Auxilio!!",
    "socorro",
    "Anmwe!",
    "hay una niña, está en peligro",
    "estoy en peligro",
    "Sí, ella está en peligro ahora",
    "La van a matar",
    "la están golpeando",
    "me tienen encerrada",
    "necesito ayuda urgente",
    "es una emergencia",
    "help me please now",
    "someone is in danger",
    "she is being beaten",
    "this is an emergency",
    "mwen an danje",
    "yon tifi an danje kounye a",
    "se yon ijans",
    "y ap bat li",
    "No sé qué hacer, la están golpeando",
]
CALM = [
    "Número de víctimas en peligro atendidas",
    "Campaña: llame al 9-1-1 ante una emergencia",
    "Emergencia (huracán)",
    "Kantite moun an danje",
    "Mujeres en peligro: 25",
    "No hay nadie en peligro",
    "si alguien está en peligro, usar los canales",
    "Las llamadas de emergencia aumentaron",
    "El proyecto está en peligro por falta de presupuesto",
    "They are in danger of missing the deadline",
    "ayuda",
    "ayúdame con el formulario",
    "Ayuda humanitaria entregada a 25 personas",
    "Se atendió a víctimas golpeadas",
    "estamos trabajando en el plan de emergencia",
    "25",
    "",
]


@pytest.mark.parametrize("text", EMERGENCIES)
def test_a_person_in_danger_now_is_noticed(text: str) -> None:
    """The bot reads nothing in real time, and must say so at once."""
    assert emergency(text)


@pytest.mark.parametrize("text", CALM)
def test_reports_about_danger_are_not_emergencies(text: str) -> None:
    """A bot that cries wolf at every report is not listened to."""
    assert not emergency(text)
