"""What is refused before it is stored: rule by rule here, by measurement in test_guard_measured."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conversations.languages import LANGUAGES
from conversations.session.reading.vocabulary import MONTHS, known_words, numbered
from conversations.session.safeguards.guard import REWORDED, personal_data, refusal
from conversations.session.safeguards.known import known_of
from conversations.wording import wording

IDENTIFIERS = {
    "el ０１２３４５６ sigue": "digits",
    "12\u200b345\u200b67": "digits",
    "El caso 1234567 sigue abierto": "digits",
    "0 1 2 3 4 5 6": "phone",
    "uno dos tres cuatro cinco seis siete": "phone",
    "ocho cero nueve, 555 0147": "phone",
    "٠١٢٣٤٥٦": "digits",
    "001-1234567-8": "identity",
    "001 - 1234567 - 8": "identity",
    "001–1234567–8": "identity",
    "00113918205": "identity",
    "12345678Z": "identity",
    "pasaporte RD4567812": "identity",
    "llamar al 809-555-1234": "phone",
    "809*555*1234": "phone",
    "8O9-555-1234": "phone",
    "555-1234": "phone",
    "8095551234": "phone",
    "+509 3456 7890": "phone",
    "3412-5678": "phone",
    "tel. 34 56 78 90": "phone",
    "escribir a ana@example.org": "email",
    "ana＠example.org": "email",
    "ana arroba correo punto com": "email",
    "ana [at] correo.do": "email",
    "su usuario es @usuario": "handle",
    "ig: yule_rd22": "handle",
    "t.me/viajes": "link",
    "https://example.org/p": "link",
    "instagram . com / viajes.rd": "link",
    "wa punto me barra viajes": "link",
    "t me slash viajes": "link",
    "youtu.be/a1b2c3": "link",
    "her snap is night_0wl_7": "handle",
    "ochocientos nueve, quinientos cincuenta y cinco, cero uno cuarenta y dos": "phone",
    "trente-sept vingt-deux zéro un quarante-cinq": "phone",
    "eight twenty-nine, five fifty-five, oh one forty-four": "phone",
    "829five550118": "phone",
    "8O9-5S5-O133": "phone",
    "80 95 55 01 42": "phone",
    "kat idantifikasyon 01-01-99-1990-05-00012": "identity",
    "marcar 809 guion 555 guion 0142": "phone",
    "tél. 809 puis 555 puis 0142": "phone",
    "8x0x9x5x5x5x0x1x4x2": "phone",
    "829 triple cinco 0142": "phone",
    "zéro six douze trente-quatre cinquante-six soixante-dix-huit": "phone",
    "su cédula termina en 5678": "identity",
    "card ending 4455": "identity",
    "la trajeron en un motor placa K0123456": "identity",
    "immatriculation AB-123-CD": "identity",
    "cta. banreservas 960-123456-7": "identity",
    "nimewo kont lan 1520-1234567": "identity",
    "medical record number 234567": "identity",
    "dossier médical n° 45677": "identity",
    "acta: libro 12, folio 45": "identity",
    "yuli22 at hotmail": "email",
    "marie.pierre chez hotmail": "email",
    "imel: maripye22 nan gmail": "email",
    "su correo es yuleisy hotmail com": "email",
    "www yuli com": "link",
    "su instagram es morenita": "handle",
    "her snap is queenb": "handle",
    "fesbouk li se Mari Bèl": "handle",
    "son pseudo sur tiktok : mariebella": "handle",
    "perfil de Facebook Yuleisy Bella": "handle",
    "discord ghostgirl#1234": "handle",
    "mob 0044 7700 900318": "phone",
    "rappeler la victime au 06 39 98 41 27": "phone",
    "expediente 2025-0417-NNA de la niña": "identity",
    "exp. 2025-118 (la menor del bar)": "identity",
    "jeepeta negra L-41 27 83": "identity",
    "last 4 of SSN 6789": "identity",
    "the pimp's handle is bossman.rd": "handle",
    "FB: Ti Bèl Flè": "handle",
}


@pytest.mark.parametrize("text", IDENTIFIERS)
def test_an_identifier_is_seen_under_both_rules(text: str) -> None:
    """Spaces, stars, letters for digits, scripts and invisible characters hide nothing."""
    assert personal_data(text, strict=False) == IDENTIFIERS[text]
    assert personal_data(text, strict=True) == IDENTIFIERS[text]


HARMLESS = [
    "1500000",
    "Oficio DM-2018-0012345",
    "HH-0123456",
    "RD$12500000",
    "Presupuesto: 8 750 000 pesos",
    "Ministerio de la Mujer",
    "San Pedro de Macorís",
    "Ley 137-03",
    "Resolución 045-2018",
    "antes del 30 de octubre",
    "mayores de 18 años",
    "El plan dura 3 años",
    "jóvenes de 14 a 24 años",
    "Falta la firma de MIREX y de la PGR desde 201809",
    "Se llegó a 230 personas: 20 10 110 85",
    "Mujeres 12, hombres 8, niñas 3, niños 4",
    "1, 2, 3, 4, 5, 6 y 7",
    "Trimestre 2018Q3; semestre 2018S2; de 2018 a 2019, 2020",
    "Se atendió a niñ@s y compañer@s",
    "Publicado en www.mirex.gob.do",
    "La campaña se llama Corazón Azul",
    "Se llama a licitación",
    "PGR y CONANI responden en 48 horas",
    "Manque traductores\nFalta transporte",
    "",
    "70 50 10 5 5",
    "10+20+30+15",
    "70-50-10-5-5",
    "25/30/18/7",
    "120 145 130 90",
    "Enero 45, febrero 52, marzo 61",
    "treinta, cuarenta, cincuenta, sesenta",
    "doscientos cincuenta y cinco mujeres y ciento veinte hombres",
    "quatre cent cinquante personnes",
    "WhatsApp Image 2018-10-02 at 10.15.31.jpeg",
    "20181002_101531.jpg",
    "Signed MoU and ToR with the Attorney General's Office",
    "Resolución 005/2018 del Consejo Nacional de Drogas",
    "Se imprimió la guía Caminos Seguros",
    'Obra "Sin Cadenas" presentada en Moca',
    "b. Publicar la guía",
    "Ministè Kondisyon Fanm",
    "Fueron condenados a 20 años tres tratantes",
    "The trafficker was sentenced to 12 years",
    "Se entregó a los 12, no a todos",
    "40 familias viven en la comunidad intervenida",
    "Invoice 2018-00345 paid",
    "La página de Facebook del ministerio",
    "Facebook e Instagram: 45,000 impresiones",
    "Placas conmemorativas entregadas: 4",
    "La historia clínica de 12000 pacientes",
    "Monitor de 3840x2160",
    "Average age of participants: 27 years",
    "Bidjè a se 2,500,000 goud",
    "Yo te kondane 2 trafikan a 15 an prizon",
    "Eighth-grade teachers got the guide",
    "Charlas en octavo grado de 12 escuelas",
    "Se espera respuesta para el 15 de noviembre",
    'Guía "Mi Cuerpo, Mi Territorio" impresa',
    "Inspecciones en el Malecón y la Zona Colonial",
    "El convenio es del 2005",
    "Aula 204 del edificio de la Procuraduría",
    "Línea 809-200-1393 en afiches",
    "1-800-555-0199 gratuita",
    "Correo de la OAI: info@ejemplo.gob.do",
    "Expediente de compra 2025-118",
    "Línea presupuestaria, cuenta no. 2.2.4.1.01",
    "Mujeres de 18 a 35 en zonas turísticas",
    "Vict. atendidas T2: 14 (9F/5M)",
    "Caso 12 en proceso",
    "grupo 1: 24, grupo 2: 19",
    "El reglamento cumple 10 años en diciembre",
    "no llega a 100",
    "#CorazonAzul fue tendencia",
    "Le comité s'est réuni le 14 août",
    "taller en El Rosario de San Juan",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_officers_write_passes_both_rules(text: str) -> None:
    """A rule that refuses plain work is switched off by those who must work."""
    assert personal_data(text, strict=False) is None
    assert personal_data(text, strict=True) is None


STRICT = {
    "Juan Pérez espera": "name",
    "juan pérez espera": "name",
    "JUAN PÉREZ ESPERA": "name",
    "Pérez Soto, Juan": "name",
    "J. Pérez espera": "name",
    "Ｊｕａｎ Ｐｅｒｅｚ": "name",
    "Иван Петров": "name",
    "Jua\u0301n Pe\u0301rez": "name",
    "se llama ana": "name",
    "yo rele l Mari": "name",
    "doña Milagros": "name",
    "una niña de 15 años": "age",
    "a 15-year-old girl": "age",
    "tiene siete años": "age",
    "li gen sèt an": "age",
    "mujer de treinta y dos años": "age",
    "edad: 15": "age",
    "joven (17)": "age",
    "nació el 15/9/2003": "date",
    "rescatada el 15 de septiembre": "date",
    "May 3rd": "date",
    "li fèt 15 septanm": "date",
    "vive en la calle Sánchez 45": "address",
    "GPS 18.4861, -69.9312": "address",
    "she stays in Los Girasoles": "address",
    "en casa de su tía, calle Ozama": "address",
    "la joven es de 1999": "date",
    "fecha de nac. 03/05/04": "date",
    "f/n 22-08-99": "date",
    "ingreso: fem, '07": "date",
    "nació en el 99": "date",
    "plus code F3Q8+7C": "address",
    "hab. 214 hotel Brisa": "address",
    "45 Duarte st": "address",
}


@pytest.mark.parametrize("text", STRICT)
def test_strict_rules_take_no_names_ages_days_or_addresses(text: str) -> None:
    """About what is restricted the service is spoken of, not the person."""
    assert personal_data(text, strict=True) == STRICT[text]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("La víctima se llama Ana Pérez", "name"),
        ("la sobreviviente ana pérez habló", "name"),
        ("Una niña de 13 años fue rescatada", "age"),
        ("Nació en mayo de 2004", "date"),
        ("Ti fi a gen 15 an", "age"),
        ("La ministra Ana Pérez firmó el acta el 4 de mayo", None),
        ("El curso es para jóvenes de 15 años", None),
    ],
)
def test_an_ordinary_report_may_name_an_official_and_no_victim(text: str, kind: str | None) -> None:
    """Who signed an act is public; who was rescued is not, wherever it is written."""
    assert personal_data(text, strict=False) == kind


def test_what_the_plan_knows_is_allowed_by_construction() -> None:
    """Its agencies, titles and hotlines, even where they look like a name or a phone."""
    names = ["Fundación Juana Saltitopa", "Programa Yadira Vásquez"]
    known = known_of(names, hotlines=["809-555-0102"])
    for text in ["Juana Saltitopa", "Yadira Vásquez", "Línea: 809 555 0102"]:
        assert personal_data(text, strict=True) is not None
    for text in ["Acuerdo con la Fundación Juana Saltitopa", "Programa Yadira Vásquez", "Línea: 809 555 0102"]:
        assert personal_data(text, strict=True, known=known) is None
    assert personal_data("Juana Saltitopa espera", strict=True, known=known) == "name"


def test_a_question_may_ask_for_the_contact_of_an_institution() -> None:
    """Its phone, address and page; never a document, and nothing where the rules are strict."""
    for text in ["809-555-1234", "info@hospital.example", "www.hospital.example"]:
        assert personal_data(text, strict=False, may_give_contact=True) is None
        assert personal_data(text, strict=True, may_give_contact=True) is not None
    assert personal_data("001-1234567-8", strict=False, may_give_contact=True) == "identity"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_way_out_of_a_refusal_is_accepted(language: str) -> None:
    """What a sentence proposes instead, it must not refuse in turn."""
    for kind in sorted(REWORDED):
        said = wording(language)(refusal(kind))  # type: ignore[arg-type]
        examples = re.findall(r"[«“](.+?)[»”]", said)
        assert examples
        for example in examples:
            assert personal_data(example, strict=True) is None, example


@given(st.text(max_size=80), st.booleans())
def test_no_text_is_too_strange_for_the_guard(text: str, strict: bool) -> None:
    """Nothing raises, whatever is typed."""
    personal_data(text, strict=strict)


@given(st.from_regex(r"(?:809|829|849)[-. */_]{0,2}[3-9][0-9]{2}[-. */_]{0,2}[0-9]{4}", fullmatch=True))
def test_every_spelling_of_a_local_phone_is_one(number: str) -> None:
    """Whatever stands between its groups. What begins with 809 200 costs nothing, and is an office's."""
    assert personal_data(f"Su contacto es {number}, de noche", strict=False) is not None


@given(st.lists(st.integers(1, 79), min_size=5, max_size=8), st.sampled_from([" ", "  ", "+", " / ", "-"]))
def test_a_row_of_counts_is_no_phone(counts: list[int], between: str) -> None:
    """Somebody who is asked for one number may type five: they lead to nobody."""
    assume(max(counts) > 9)
    assert personal_data(between.join(map(str, counts)), strict=False) is None


AGES = {
    "gamine de 8 ans": "age",
    "l'enfant a 7 ans": "age",
    "elle vient d'avoir 15 ans": "age",
    "Masc. 19 años, haitiano": "age",
    "Fem., 16 a., procedente de otra provincia": "age",
    "treceañera con signos de abuso": "age",
    "14 años de edad, sexo femenino": "age",
    "dieciocho recién cumplidos": "age",
    "la captaron a los 12": "age",
    "at the age of 11 she was taken": "age",
    "todavía no tiene los 18": "age",
    "edad aparente 15-16": "age",
    "edad 14-24": None,
    "A los 3 meses se evaluará": None,
    "Compromisos: 3 cumplidos, 2 pendientes": None,
    "Condamnation à 15 ans": None,
    "una haitianita de 13 vendía flores": "age",
    "la señora, de cincuenta y dos, es la abuela": "age",
    "la niña tenía entonces doce": "age",
    "dice tener 19 pero aparenta menos": "age",
    "quinceañera traída de lejos": "age",
    "una muchacha de 16-17 añera": "age",
    "girl, approx. 12, no papers": "age",
    "F/15, at the border post": "age",
    "the younger one is only nine": "age",
    "twenty-two, mother of one": "age",
    "li fèk fè dizwitan": "age",
    "una señora mayor de 62 años": "age",
    "menor de 17 años rescatada": "age",
    "menores de 18 años": None,
    "jóvenes de 15 a 24 años": None,
    "Timoun ki gen 6 a 12 an nan lekòl": None,
    "víctima de 3 delitos": None,
    "caso de dos mujeres": None,
    "la víctima del 12 de marzo": "date",
    "cursa 5to de primaria": "age",
    "she's in 8th grade": "age",
    "li nan 9yèm ane": "age",
    "elle est en CM2": "age",
    "her 15th birthday is next month": "age",
    "cuarenta y tantos, dice la vecina": "age",
    "a man in his 50s": "age",
    "(15/F)": "age",
    "15F procedente de otra provincia": "age",
    "niña 15a": "age",
    "va para 17": "age",
    "bientôt 16 ans": "age",
    "sisters, 12 and 15": "age",
    "l'aînée, 17": "age",
    "un varoncito de cuatro": "age",
    "quinze printemps": "age",
    "at 13 she was sold": "age",
    "con apenas 11 la sacaron de la escuela": "age",
    "V1 16, V2 19": "age",
    "vict. 16 a.": "age",
    "fem 17 preg": "age",
    "8vo curso, NNA": "age",
    "Survivor (F, 22) moved": "age",
    "edad estimada entre 14 y 15": "age",
    "ti sè l gen nevan": "age",
    "elle aura bientôt dix-huit ans": "age",
    "pi gran an gen 17": "age",
    "15 años tiene la muchacha": "age",
    "ella: dieciséis": "age",
    "son tres hermanitos: 4, 7 y 10": "age",
}


@pytest.mark.parametrize("text", AGES)
def test_a_number_that_counts_nothing_beside_somebody_is_an_age(text: str) -> None:
    """In figures or in words, with a unit or without. What is counted, a range and the law's limit are none."""
    assert personal_data(text, strict=True) == AGES[text]


NAMES = {
    "la menor Y.M.R. fue trasladada": "name",
    "la menor N.N. fue trasladada": None,
    "p. rodriguez espera": "name",
    "Yajaira.jpg": "name",
    "avocate d'yvrose": "name",
    "Comisión Permanente de Asuntos Migratorios": None,
    "Wilna ap tann papye li": "name",
    "Lajan ap rive pita": None,
    "Ministè a ap siyen akò a": None,
    "Wislande is afraid of him": "name",
    "Milagros no come desde ayer": "name",
    "Yvrose ak pitit li nan sant lan": "name",
    "Nadège's bail hearing was moved": "name",
    "caso de wilkin, pendiente": "name",
    "llevar a yudelka al médico": "name",
    "MariaPerez_audiencia.docx": "name",
    "declaracion-yuleisy.docx": "name",
    "M.R.P. ya declaró": "name",
    "s/ info de R.A. de la C.": "name",
    "Grace told the social worker": "name",
    "espérance ap kriye tout lannwit": "name",
    "caso ANGELITO cerrado": "name",
    "estudio nicauris2.jpg": "name",
    'testigo "El Cojo"': "name",
    "R.D. pidió apoyo": None,
    "LLEVAR A YOMAIRA AL HOSPITAL": "name",
    "20 policías de Politur": None,
    "Apoyo de Profamilia y Asonahores": None,
    "Reunión aplazada por la tormenta Isaías": None,
    "El caso pasó al Segundo Juzgado de la Instrucción": None,
}


@pytest.mark.parametrize("text", NAMES)
def test_a_name_that_no_list_has_is_known_by_its_shape_and_its_neighbours(text: str) -> None:
    """New given names are made anew each year; courts, storms and what is blended of two words are none."""
    assert personal_data(text, strict=True) == NAMES[text]


PLACES_OF_LIVING = {
    "C/ Duarte #45": "address",
    "14, rue Capois, deuxième étage": "address",
    "au 27 de la rue du Quai": "address",
    "vive en el paraje El Rosario": "address",
    "lives up the hill from the school": "address",
    "Yon moun viv bezwen swen lopital": None,
    "Réunion au 3e étage de la Direction": None,
    "Presupuesto: RD$ 2,350,000.00": None,
    "detrás de la iglesia evangélica": "address",
    "residencial Palma Real, edif. 3 apto. 2B": "address",
    "kilómetro 9 de la autopista, al lado de la bomba": "address",
    "kay la dèyè legliz Sen Jozèf la": "address",
    "house number 22 on Beach Road": "address",
    "Taller en la escuela frente al parque": None,
    "La reunión fue al lado de la iglesia": None,
    "El hospital está en la calle 5 no. 3": None,
    "la mamá: Calle 4ta no. 18": "address",
    "ri 12 nimewo 34": "address",
    "c/ Duarte esq. Mella": "address",
    "casa 12 manz. F": "address",
    "GPS N18°32.9' W72°20.1'": "address",
    "segunda a la derecha, la única casa con verja": "address",
    "De 18 en adelante, a CONANI. Eso dice el protocolo": None,
    "no se acerque a la casa de la joven, sita en Calle Sánchez": "address",
    "chez la bénéficiaire, au n° 31 de la rue GY-12": "address",
    "ahí doblando, la última casita": "address",
    "rue 10 x 15": "address",
    "La primera casa de acogida abrió": None,
    "Taller en la calle Duarte esq. Mella": None,
    "sector Villa Altagracia: 45 mujeres": None,
    "Costo: RD$ 85,000": None,
}


@pytest.mark.parametrize("text", PLACES_OF_LIVING)
def test_what_a_house_stands_by_is_an_address(text: str) -> None:
    """Where streets have no numbers, people say what is near. Where work was done is no address."""
    assert personal_data(text, strict=True) == PLACES_OF_LIVING[text]


HOMES = {
    "la víctima vive en la calle Sánchez 45": "address",
    "la menor vive en Los Girasoles": "address",
    "the survivor lives at 22 Mella Avenue": "address",
    "viktim nan abite nan lari Ozama 14": "address",
    "La casa de acogida de la víctima queda en la calle Duarte 45": "shelter",
    "Taller con sobrevivientes en la calle Duarte 45": None,
    "Las víctimas reciben atención en la oficina de la calle Hincado 3": None,
    "Unidad de víctimas, av. Bolívar 202": None,
    "El director vive en la calle Sánchez 45": None,
}


@pytest.mark.parametrize("text", HOMES)
def test_a_victims_home_is_refused_in_ordinary_reports_too(text: str) -> None:
    """Where work was done is no home, and an official's home is not asked about."""
    assert personal_data(text, strict=False) == HOMES[text]


DAYS = {
    "clase de 2007, según ella": "date",
    "la rescataron el martes 4/9 en la noche": "date",
    "yo te pran l 20 out": "date",
    "Reyinyon an ap fèt 15 novanm": None,
    "Trabajo de campo del 2 al 5 de julio": None,
    "Van 4/9 talleres": None,
}


@pytest.mark.parametrize("text", DAYS)
def test_the_day_of_what_happened_to_somebody_is_a_date(text: str) -> None:
    """However short it is written; a stretch of days and what takes place are of work."""
    assert personal_data(text, strict=True) == DAYS[text]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_day_is_seen_with_each_name_of_a_month(language: str) -> None:
    """However the two are joined. A name that is another word too ("20 out") is one behind a blank alone."""
    ways = ("15 {}", "15{}", "15. {}", "3rd of {}")
    months = set(numbered(language, MONTHS)) - known_words("personal.not_dates")
    texts = [f"la rescataron el {way.format(month)}" for month in months for way in ways]
    if language == "en":
        texts += [f"she was rescued {month} 15" for month in months if len(month) > 3]
    assert [text for text in texts if personal_data(text, strict=True) != "date"] == []


@pytest.mark.parametrize(
    "text",
    ["0801-1990-12345", "DUI 01234567-8", "2547 12345 0101", "my number's 8095550166", "504 2222-1234", "2222-1234"],
)
def test_documents_and_phones_of_central_america_are_identifiers(text: str) -> None:
    """Who is trafficked through the isthmus has them; a range of people or of years is neither."""
    assert personal_data(text, strict=False) in {"identity", "phone", "digits"}
    for harmless in ("de 2017-2018", "entre 2500-3000 personas", "Oficio 0456-2018", "RD$ 2,222,1234"):
        assert personal_data(harmless, strict=False) is None, harmless


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Nurys quiere irse", "name"),
        ("Yulenny se escapó", "name"),
        ("Wideline pè", "name"),
        ("li gen kenzan", "age"),
        ("ella cumple 18 el mes que viene", "age"),
        ("Hacienda dijo que no hay fondos", None),
        ("La Procuraduría quiere firmar", None),
        ("Nadie quiere firmar", None),
        ("El plan dice otra cosa", None),
    ],
)
def test_what_only_somebody_does_makes_a_name_of_the_word_before_it(text: str, kind: str | None) -> None:
    """A rare name is in no list and begins the sentence, where every word has a capital."""
    assert personal_data(text, strict=True) == kind
