"""What people write where nothing is asked, on the phones of all roles: heard, answered once, kept nowhere."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.telegram.handled import Handled
from conversations.wording import wording
from storage.database.models import Agency, Person, table
from tests.bot.desk import Desk, buttons, keys, press, said, tap
from tests.bot.house import ANA, CARMEN, GRACE, JEAN, PEDRO, ROSA


def later(desk: Desk, seconds: float = 60) -> None:
    desk.now += timedelta(seconds=seconds)


def methods(handled: Handled) -> list[str]:
    return [row.method for row in handled.deliveries]


def send(desk: Desk, who: int, **what: Any) -> Handled:
    """A message of another kind than text."""
    desk.message_id += 1
    return desk.give(
        message={
            "message_id": desk.message_id,
            "date": 1538568000,
            "chat": {"id": who, "type": "private"},
            "from": {"id": who, "is_bot": False, "first_name": "X", "language_code": "es"},
            **what,
        }
    )


def photo(number: int, album: str = "") -> dict[str, Any]:
    size = {"file_id": f"P{number}", "file_unique_id": f"U{number}", "width": 9, "height": 9, "file_size": 9}
    return {"photo": [size], **({"media_group_id": album} if album else {})}


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("hola", "¡Hola, Ana Martínez!"),
        ("¿Qué me falta?", "MMUJER"),
        ("menú", "MMUJER"),
        ("ayuda", "Si prefiere hablar con una persona: Carmen"),
        ("historail", "Sus últimos reportes"),
        ("ya lo mandé", "no me ha llegado nada"),
        ("hoy no puedo, tengo reunión", "a tiempo hasta el 5 oct; se recibe hasta el 14 oct."),
        ("Estoy de vacaciones hasta el lunes", "Gracias por avisar"),
        ("quiero hablar con una persona", "Carmen"),
        ("cancelar", "No hay un reporte abierto"),
        ("PRE-101", "Cómo va la actividad"),
        ("pre101", "Cómo va la actividad"),
        ("quiero reportar la pre 101 por favor", "Cómo va la actividad"),
        ("asdfgh", "No entendí ese mensaje"),
    ],
)
def test_a_focal_point_is_understood(desk: Desk, typed: str, answer: str) -> None:
    """Whatever case, accents, and slips of the finger there are; one answer, and the button that follows from it."""
    handled = desk.say(ANA, typed)
    assert [answer in text for text in said(handled, ANA)] == [True], said(handled, ANA)


@pytest.mark.parametrize(
    ("language", "typed", "answer"),
    [
        ("es", "¿dónde le pongo las fotos?", "van dentro del reporte"),
        ("es", "se fue la luz, ¿se guardó?", "queda guardado al momento"),
        ("es", "me robaron el celular ayer", "No hay clave"),
        ("en", "where do the pics go", "go inside the report"),
        ("en", "I've got a new mobile", "There is no password"),
        ("ht", "kouran an ale", "anrejistre menm lè a"),
        ("fr", "j'ai un nouveau portable", "pas de mot de passe"),
        ("es", "no me toca a mí esa actividad", "Ya no soy yo"),
        ("es", "230", "Parece una respuesta, pero ahora no hay ningún reporte abierto"),
        ("es", "quiero reportar la PER 103", "PER-103 no está entre lo que reporta MMUJER"),
        ("fr", "ça marche pas votre truc", "Carmen Soto"),
        ("ht", "bonswa chèf la", "Bonjou, Ana Martínez!"),
    ],
)
def test_what_officers_ask_beside_reporting_is_answered(desk: Desk, language: str, typed: str, answer: str) -> None:
    """Where a photo goes, what a power cut costs, another phone; and nobody is led straight to giving up the post."""
    tap(desk, ANA, "idioma", language)
    assert answer in said(desk.say(ANA, typed), ANA)[-1]


def test_of_two_wishes_both_are_offered(desk: Desk) -> None:
    """Whichever is said first stands first, and neither is followed unasked."""
    handled = desk.say(ANA, "póngamelo en inglés y dígame qué me falta")
    assert list(buttons(handled, ANA))[:2] == ["Cambiar de idioma", "Ver lo pendiente y reportar"]


def test_a_button_is_offered_once(desk: Desk) -> None:
    """The answer's own way on is also the likeliest of the other wishes."""
    shown = [words for words, _ in keys(desk.say(ANA, "borra el mensaje de ayer"), ANA)]
    assert (shown.count("Ver lo enviado y sus recibos"), len(shown)) == (1, len(set(shown)))


def test_of_what_is_not_understood_the_likely_is_offered(desk: Desk) -> None:
    """By words of the table, wherever they stand; nothing follows by itself."""
    handled = desk.say(ANA, "no sé a quién andaré delegando cosas raras")
    assert said(handled, ANA)[-1].startswith("No entendí ese mensaje")
    assert next(iter(buttons(handled, ANA))) == "🤝 Delegar en un colega"
    assert 4 <= len(buttons(handled, ANA)) <= 5


@pytest.mark.parametrize(
    ("language", "typed", "answer"),
    [
        ("en", "I already sent it", "For what is open now, I have received nothing yet"),
        ("en", "can't today", "September 2018: on time until 5 Oct; received until 14 Oct."),
        ("ht", "m an vakans", "Mèsi paske ou fè m konnen"),
        ("ht", "mwen vle pale ak yon moun", "Mwen se yon pwogram"),
        ("fr", "je ne comprends pas", "Si vous préférez parler à une personne"),
        ("fr", "blablabla", "Je n'ai pas compris ce message"),
    ],
)
def test_it_listens_in_every_language(desk: Desk, language: str, typed: str, answer: str) -> None:
    """And answers in the person's own."""
    tap(desk, ANA, "idioma", language)
    assert answer in said(desk.say(ANA, typed), ANA)[-1]


def test_thanks_get_a_reaction_and_no_menu(desk: Desk) -> None:
    """To their message, and nothing is said."""
    handled = desk.say(ANA, "¡Muchas gracias!")
    assert methods(handled) == ["setMessageReaction"]
    assert handled.deliveries[0].payload["message_id"] == desk.message_id


def test_what_was_sent_is_named_and_what_is_left_is_shown(desk: Desk) -> None:
    """ "Ya lo mandé" is answered from the records."""
    tap(desk, ANA, "novedades", "waiting")
    later(desk)
    text = said(desk.say(ANA, "ya lo mandé"), ANA)[-1]

    assert text.startswith("Sí, lo tengo: ")
    assert "septiembre 2018, recibo n.º" in text


def test_one_menu_is_alive_at_a_time(desk: Desk) -> None:
    """The one above loses its buttons; what is in the chat beside menus keeps them."""
    desk.say(ANA, "hola")
    later(desk)
    assert methods(desk.say(ANA, "menú")) == ["editMessageReplyMarkup", "sendMessage"]

    later(desk)
    assert methods(desk.say(ANA, "/ayuda")) == ["editMessageReplyMarkup", "sendMessage"]

    later(desk)
    assert methods(desk.say(ANA, "historial")) == ["editMessageReplyMarkup", "sendMessage"]

    later(desk)
    assert methods(desk.say(ANA, "hola")) == ["sendMessage"]  # the history stays as it is


def test_messages_in_a_burst_are_answered_in_one_place(desk: Desk) -> None:
    """What comes within a few seconds gets no second menu: the first one moves to the end, where people look."""
    assert methods(desk.say(ANA, "hola")) == ["sendMessage"]

    later(desk, 2)
    assert methods(desk.say(ANA, "¿qué me falta?")) == ["deleteMessage", "sendMessage"]

    later(desk, 10)
    assert methods(desk.say(ANA, "menú")) == ["editMessageReplyMarkup", "sendMessage"]


def test_an_album_gets_one_answer(desk: Desk) -> None:
    """However slowly its files arrive; the next one gets its own."""
    assert "no lo guardé" in said(send(desk, ANA, **photo(1, "7001")), ANA)[-1]
    for number in (2, 3):
        later(desk, 30)
        assert not send(desk, ANA, **photo(number, "7001")).deliveries
    later(desk)
    assert said(send(desk, ANA, **photo(4, "7002")), ANA)


@pytest.mark.parametrize(
    ("what", "answer"),
    [
        ({"voice": {"file_id": "V", "file_unique_id": "W", "duration": 3}}, "No puedo escuchar notas de voz"),
        ({"location": {"latitude": 18.4, "longitude": -69.9}}, "Una ubicación solo me sirve"),
        ({"sticker": {"file_id": "S", "file_unique_id": "T", "type": "regular"}}, "no lo puedo leer"),
        ({"text": "x", "forward_date": 1538568000}, "No leo mensajes reenviados"),
    ],
)
def test_what_is_no_text_is_answered_in_words(desk: Desk, what: dict[str, Any], answer: str) -> None:
    """What becomes of it, and what could be done instead."""
    handled = send(desk, ANA, **what)
    assert answer in said(handled, ANA)[-1]
    assert any(text.startswith("PRE-101") for text in buttons(handled, ANA))


@pytest.mark.parametrize(
    "what",
    [
        {"text": "eso mismo", "external_reply": {}, "quote": {"text": "la víctima se llama Yuleisi Peralta"}},
        {"text": "es ella", "external_reply": {"contact": {"first_name": "Y", "phone_number": "8095550142"}}},
        {"venue": {"location": {"latitude": 1, "longitude": 9}, "address": "víctima Yuleisi Peralta", "title": "Casa"}},
        {"venue": {"location": {"latitude": 18, "longitude": 9}, "address": "", "title": "Casa de acogida"}},
        {"audio": {"file_id": "A", "file_unique_id": "B", "duration": 3, "title": "víctima Yuleisi Peralta"}},
        {"text": "es esta", "external_reply": {"document": {"file_name": "víctima Yuleisi Peralta.pdf"}}},
        {"text": "es aquí", "external_reply": {"venue": {"title": "Casa de la víctima Yuleisi Peralta"}}},
        {"text": "es ella", "entities": [{"type": "text_link", "offset": 0, "length": 7, "url": "tel:+18095550142"}]},
        {
            "text": "es ella",
            "entities": [{"type": "text_mention", "user": {"first_name": "Víctima", "last_name": "Yuleisi Peralta"}}],
        },
        {
            "photo": [{"file_id": "P", "file_unique_id": "Q", "width": 9, "height": 9}],
            "caption": "acta",
            "caption_entities": [{"type": "text_link", "offset": 0, "length": 4, "url": "https://t.me/yuleisiperalta"}],
        },
        {"poll": {"id": "1", "question": "¿Va?", "options": [], "explanation": "es la víctima Yuleisi Peralta"}},
        {"text": "ok", "forward_origin": {"type": "hidden_user", "sender_user_name": "Yuleisi Peralta"}},
        {"a_kind_of_next_year": {"pages": [{"lines": ["la víctima Yuleisi Peralta"]}]}},
        {"text": "/comentar ASI-201 la víctima Yuleisi Peralta"},
        {"text": "/reportar la víctima Yuleisi Peralta"},
    ],
)
@pytest.mark.parametrize("is_filling", [False, True])
def test_words_that_no_question_takes_leave_the_chat_if_they_name_somebody(
    desk: Desk, what: dict[str, Any], is_filling: bool
) -> None:
    """The name of a place or a sound, what is quoted of another chat, where a link leads, words behind a command that
    is not one's own, whatever a later version of Telegram has.
    """
    if is_filling:
        desk.say(ANA, "PRE-101")
    handled = send(desk, ANA, **what)
    assert ("deleteMessage", desk.message_id) in [
        (row.method, row.payload.get("message_id")) for row in handled.deliveries
    ]
    assert said(handled, ANA)


def _is_deleted(desk: Desk, handled: Handled) -> bool:
    return desk.message_id in [row.payload.get("message_id") for row in handled.deliveries]


def test_what_telegram_says_in_somebodys_name_is_read_and_not_answered(desk: Desk) -> None:
    """A contact that was shared with a button shows a name in the chat."""
    shared = {"request_id": 1, "users": [{"user_id": 5, "first_name": "Yuleisi", "last_name": "Peralta"}]}
    assert _is_deleted(desk, send(desk, ANA, users_shared=shared))
    assert not send(desk, ANA, pinned_message={"message_id": 1, "text": "la víctima Yuleisi Peralta"}).deliveries
    assert not send(desk, 999, users_shared=shared).deliveries


def test_words_quoted_from_the_bot_are_no_new_words(desk: Desk) -> None:
    """Whoever quotes the card is heard."""
    card = {"message_id": 1, "from": {"is_bot": True}}
    handled = send(desk, ANA, text="PRE-101", quote={"text": "la víctima Yuleisi Peralta"}, reply_to_message=card)
    assert not _is_deleted(desk, handled)


@pytest.mark.parametrize("how", ["has no role", "is suspended", "has not accepted", "has no agency"])
def test_who_may_not_report_leaves_no_name_in_the_chat_either(desk: Desk, how: str) -> None:
    """The form was there a moment ago, or is about to come. Nothing is read, and nothing is kept."""
    ana = desk.do(lambda unit: unit.people.by_telegram_id(ANA))
    plan_id = desk.do(lambda unit: unit.plans.only().id)
    person = table(Person)
    lose = {
        "has no role": lambda unit: unit.leaving.end_membership(ana.id, plan_id, now=desk.now, by=None),
        "is suspended": lambda unit: unit.leaving.suspend(ana.id, now=desk.now, by=None),
        "has not accepted": lambda unit: unit.connection.execute(
            person.update().where(person.c.id == ana.id).values(privacy_accepted_at=None)
        ),
        "has no agency": lambda unit: unit.connection.execute(
            table(Agency).update().where(table(Agency).c.code == "MMUJER").values(active_to=date(2018, 1, 1))
        ),
    }
    desk.do(lose[how])
    for what in (
        {"text": "es la víctima Yuleisi Peralta, de 14 años"},
        {"contact": {"first_name": "Y", "phone_number": "8095550142"}},
        {"document": {"file_id": "D", "file_unique_id": "E", "file_name": "víctima Yuleisi Peralta.pdf"}},
        {"text": "/menu víctima Yuleisi Peralta"},
    ):
        assert _is_deleted(desk, send(desk, ANA, **what)), what
    # Of somebody who is suspended nothing is read, so nothing stays.
    assert _is_deleted(desk, send(desk, ANA, text="¿cuándo puedo entrar?")) == (how == "is suspended")
    assert not _is_deleted(desk, send(desk, 999, text="es la víctima Yuleisi Peralta, de 14 años"))


def test_words_of_a_title_lead_to_the_activity(desk: Desk) -> None:
    """Words that one title alone has open it; what may be one of several is offered."""
    due = buttons(desk.say(ANA, "menú"), ANA)
    title = next(text for text in due if text.startswith("PRE-101")).partition(" · ")[2]
    later(desk)
    assert "Cómo va la actividad" in said(desk.say(ANA, title), ANA)[-1]


@pytest.mark.parametrize(
    ("who", "typed", "answer"),
    [
        (CARMEN, "MINERD", "Ministerio de Educación"),
        (CARMEN, "ministerio de educacion", "MINERD · Ministerio de Educación"),
        (CARMEN, "busco a Ana Martínez", "MMUJER"),
        (PEDRO, "ana martinez", "MMUJER"),
        (CARMEN, "per102", "PER-102"),
        (CARMEN, "¿quién falta?", "Reportes"),
        (CARMEN, "por validar", "validar"),
        (GRACE, "¿cómo vamos?", ""),
        (JEAN, "hola", "Jean"),
        (GRACE, "invitar", "no lo puede hacer aquí con su función"),
        (PEDRO, "a quién llamo", "persona"),
    ],
)
def test_other_roles_are_understood_as_far_as_they_may(desk: Desk, who: int, typed: str, answer: str) -> None:
    """Names and agencies search for those who may look people up."""
    tap(desk, who, "idioma", "es")
    later(desk)
    handled = desk.say(who, typed)
    assert answer in "\n".join(said(handled, who)), said(handled, who)


def test_who_may_not_look_people_up_learns_nothing(desk: Desk) -> None:
    """A name is refused as everywhere; of another agency's code is said what is said of a code that nobody has."""
    assert "Carmen" not in "\n".join(said(desk.say(ROSA, "busco a Carmen Díaz"), ROSA))

    later(desk)
    others = said(desk.say(ROSA, "PRE-101"), ROSA)[-1]
    assert others.startswith("PRE-101 no está entre lo que reporta PGR.")

    later(desk)
    assert said(desk.say(ROSA, "la pre 909 ya"), ROSA)[-1] == others.replace("PRE-101", "PRE-909")

    later(desk)
    assert "No entendí" in said(desk.say(ROSA, "MMUJER"), ROSA)[-1]


def test_a_cry_for_help_goes_before_everything(desk: Desk) -> None:
    """Whatever else the sentence could mean."""
    assert "9-1-1" in said(desk.say(ANA, "ayuda, me van a matar"), ANA)[-1]


def test_who_is_asked_for_words_can_leave(desk: Desk) -> None:
    """ "cancelar" is no comment."""
    tap(desk, GRACE, "idioma", "es")
    desk.say(GRACE, "/comentar PRE-101")
    with desk.database.view() as unit:
        assert unit.chats.get(GRACE).awaits
    desk.say(GRACE, "Cancelar")
    with desk.database.view() as unit:
        assert unit.connection.exec_driver_sql("SELECT count(*) FROM comment").scalar() == 0


def test_nothing_of_it_is_kept(desk: Desk, tmp_path: Path) -> None:
    """Neither what was typed nor a draft; the outbox has our own words alone."""
    for typed in ("quizás azulejo", "gracias azulejo", "hola azulejo"):
        later(desk)
        assert desk.say(ANA, typed).deliveries
    assert all(b"azulejo" not in path.read_bytes() for path in tmp_path.glob("enlace.db*"))


def edit(desk: Desk, who: int, message_id: int, text: str) -> Handled:
    """One's own message, edited."""
    chat, sender = {"id": who, "type": "private"}, {"id": who, "is_bot": False, "first_name": "X"}
    return desk.give(
        edited_message={"message_id": message_id, "date": 1, "edit_date": 2, "chat": chat, "from": sender, "text": text}
    )


def test_after_sending_an_edited_message_is_answered_and_what_did_not_change_makes_no_version(desk: Desk) -> None:
    """Editing an answer changes nothing that was sent, and says so; sending the same again makes no version."""
    opened = tap(desk, ANA, "reportar", "a.PRE-101.201809")
    asked = press(desk, ANA, opened, "Igual que el reporte anterior")
    assert asked

    review = desk.say(ANA, "Grabar tres cuñas con la radio")
    typed = desk.message_id
    press(desk, ANA, review, "📨 Enviar ahora")
    assert not edit(desk, ANA, typed - 1, "azulejo").deliveries  # it answered nothing

    told = edit(desk, ANA, typed, "Grabar cuatro azulejos con la radio")
    assert said(told, ANA)[-1].startswith("El reporte de PRE-101 ya se envió (recibo n.º ")

    again = press(desk, ANA, told, "✏️ Corregir")
    assert any("Grabar tres" in words for words in buttons(again, ANA))

    same = press(desk, ANA, press(desk, ANA, again, "‹ Atrás"), "📨 Enviar ahora")
    assert said(same, ANA)[-1] == "No cambió nada: el reporte queda como se envió."

    with desk.database.view() as unit:
        statement = "SELECT count(*), max(version) FROM submission WHERE instance_id LIKE 'uuid:test-%'"
        assert tuple(unit.connection.exec_driver_sql(statement).one()) == (1, 1)


def test_a_restricted_correction_that_changes_nothing_leaves_the_chat(desk: Desk) -> None:
    """What was said and typed for it goes with its draft, as with one that is sent."""
    opened = tap(desk, ANA, "reportar", "a.ASI-201.201809")
    press(desk, ANA, opened, "Igual que el reporte anterior")
    receipt = press(desk, ANA, desk.say(ANA, "Abrir dos plazas en octubre"), "📨 Enviar ahora")
    answers = press(desk, ANA, receipt, "✏️ Corregir")
    press(desk, ANA, answers, next(words for words in buttons(answers, ANA) if "próximo paso" in words))
    same = press(desk, ANA, desk.say(ANA, "Abrir dos plazas en octubre"), "📨 Enviar ahora")
    assert said(same, ANA)[-1] == "No cambió nada: el reporte queda como se envió."

    standing = f"SELECT count(*) FROM restricted_message WHERE outbox_id IS NULL AND chat_id = {ANA}"
    assert desk.do(lambda unit: unit.connection.exec_driver_sql(standing).scalar()) == 0


def sent_with_a_typed_step(desk: Desk) -> int:
    """Send a report whose next step was typed; return the number of that message."""
    opened = tap(desk, ANA, "reportar", "a.PRE-101.201809")
    press(desk, ANA, opened, "Igual que el reporte anterior")
    review = desk.say(ANA, "Visitar Azua en octubre")
    typed = desk.message_id
    press(desk, ANA, review, "📨 Enviar ahora")
    return typed


def test_a_short_edited_answer_is_quoted_and_one_tap_puts_it_in(desk: Desk) -> None:
    """Then the review says it, and sending it makes a new version."""
    typed = sent_with_a_typed_step(desk)
    told = edit(desk, ANA, typed, "Visitar Baní en mayo")
    assert "Si quiere, lo corrijo a «Visitar Baní en mayo»." in said(told, ANA)[-1]

    review = press(desk, ANA, told, "Sí: Visitar Baní en mayo")
    assert "Visitar Baní en mayo" in said(review, ANA)[-1]

    press(desk, ANA, review, "📨 Enviar ahora")
    with desk.database.view() as unit:
        latest = unit.submissions.of_agency(unit.people.by_telegram_id(ANA).memberships[0].agency_id, limit=1)[0]
        assert latest.version == 2
        assert "Visitar Baní en mayo" in unit.submissions.answers(latest).values()


def test_an_answer_edited_after_its_period_has_locked_is_promised_nothing(desk: Desk) -> None:
    """What can still be done is offered at once, and not behind a button that would refuse."""
    typed = sent_with_a_typed_step(desk)
    later(desk, 22 * 86_400)
    told = edit(desk, ANA, typed, "Visitar Baní en mayo")

    assert said(told, ANA)[-1].startswith("Septiembre 2018 ya cerró.")
    assert list(buttons(told, ANA)) == ["✋ Pedir reapertura", "‹ Menú"]


def test_of_a_restricted_report_an_edited_answer_is_not_quoted(desk: Desk) -> None:
    """Nor does its button carry it."""
    typed = sent_with_a_typed_step(desk)
    desk.do(lambda unit: unit.connection.exec_driver_sql("UPDATE submission SET sensitive = 1"))
    told = edit(desk, ANA, typed, "Visitar Baní en mayo")

    assert "Baní" not in f"{said(told, ANA)} {buttons(told, ANA)}"
    assert "✏️ Corregir" in buttons(told, ANA)


def test_a_file_sent_at_rest_is_offered_to_the_report_that_promised_evidence(desk: Desk) -> None:
    """Only as long as it can be corrected; without a promise it is refused in words."""
    opened = tap(desk, ANA, "reportar", "a.PRE-101.201809")
    press(desk, ANA, opened, "Igual que el reporte anterior")
    press(desk, ANA, desk.say(ANA, "Visitar Azua en octubre"), "📨 Enviar ahora")
    later(desk)
    assert "no lo guardé" in said(send(desk, ANA, **photo(1)), ANA)[-1]

    last = "SELECT max(id) FROM submission"
    desk.do(
        lambda unit: unit.connection.exec_driver_sql(f"UPDATE submission SET promises_evidence = 1 WHERE id = ({last})")
    )
    later(desk)
    offered = send(desk, ANA, **photo(2))
    assert "Si es la evidencia que prometió" in said(offered, ANA)[-1]

    answers = press(desk, ANA, offered, "📎 PRE-101: la evidencia")
    assert any(words.startswith("Qué evidencia va a adjuntar") for words in buttons(answers, ANA))

    tap(desk, ANA, "menu")
    desk.now += timedelta(days=14)
    assert "ningún reporte abierto" in said(send(desk, ANA, **photo(3)), ANA)[-1], "on the 15th all has locked"
    later(desk)
    assert "ningún reporte abierto" in said(send(desk, CARMEN, **photo(4)), CARMEN)[-1]


def test_a_draft_that_is_left_names_the_last_day_that_every_screen_names(desk: Desk) -> None:
    """September is received until the 14th: its draft is not promised for the 15th."""
    tap(desk, ANA, "reportar", "a.PRE-101.201809")
    assert "se conserva hasta el 14 oct 2018" in said(desk.say(ANA, "/cancelar"), ANA)[-1]

    [draft] = desk.do(lambda unit: unit.sessions.drafts_of(unit.people.by_telegram_id(ANA).id))
    again = tap(desk, ANA, "continuar", str(draft.id))
    assert "se conserva hasta el 14 oct 2018" in said(press(desk, ANA, again, "Salir"), ANA)[-1]


@pytest.mark.parametrize(
    "typed", ["el próximo mes salen los anuncios", "se mandan los resultados del mes a la agencia"]
)
def test_who_left_a_draft_is_always_offered_to_go_on_with_it(desk: Desk, typed: str) -> None:
    """They may be writing the answer to the question that they have just left."""
    tap(desk, ANA, "reportar", "a.PRE-101.201809")
    desk.say(ANA, "/cancelar")
    later(desk)
    offered = list(buttons(desk.say(ANA, typed), ANA))
    assert any("PRE-101" in each for each in offered), offered


def test_the_third_equal_complaint_offers_another_way(desk: Desk) -> None:
    """Not the second, not another complaint, and not after an answer that was taken."""
    press(desk, ANA, tap(desk, ANA, "reportar", "a.PRE-101.201809"), "🔵 En curso")
    other = "no es culpa suya"

    assert [other in said(desk.say(ANA, "azulejo"), ANA)[-1] for _ in range(3)] == [False, False, True]
    assert "Carmen Soto" in said(desk.say(ANA, "azulejo"), ANA)[-1]
    assert other not in said(desk.say(ANA, "25"), ANA)[-1]
    assert other not in said(desk.say(ANA, "azulejo"), ANA)[-1]


@pytest.mark.parametrize(
    ("typed", "language"), [("me estan golpeando, ayuda", "es"), ("help me they are beating me", "en")]
)
def test_a_cry_for_help_is_answered_at_the_door_too(desk: Desk, typed: str, language: str) -> None:
    """In the language that they write, once a day (S16), whether or not they were answered something else before."""
    for who in (9_001, 9_002):
        if who == 9_002:
            assert len(said(desk.say(who, "hello"), who)) == 1
        assert said(desk.say(who, typed), who) == [wording(language)("err.emergency")]
        assert said(desk.say(who, typed), who) == []
        assert said(desk.say(9_001, "hello"), 9_001) == (
            [wording("en")("stranger", contact="the plan's coordination team")] if who == 9_001 else []
        )
    desk.now += timedelta(days=1, minutes=1)
    assert said(desk.say(9_001, typed), 9_001) == [wording(language)("err.emergency")]


def test_a_number_that_somebody_has_is_no_age_at_rest(desk: Desk) -> None:
    """Nothing is kept there, so nothing is refused but what tells of a victim: their age stays personal."""
    tap(desk, ANA, "idioma", "ht")
    say = wording("ht")
    assert say("err.pii_age") not in "\n".join(said(desk.say(ANA, "m gen 54"), ANA))
    tap(desk, ANA, "idioma", "es")
    assert said(desk.say(ANA, "una niña de 14 años en Villa Mella"), ANA)[0].startswith(
        wording("es")("err.pii_age").split("\n")[0][:20]
    )


@pytest.mark.parametrize(
    ("who", "typed", "first", "second"),
    [
        (PEDRO, "agrega un punto focal nuevo para CONANI", "Invitar a una persona", "CONANI · "),
        (CARMEN, "recuérdele a PGR y a nadie más que falta uno solo", "Recordar a quien falta", "PGR · "),
    ],
)
def test_what_is_wanted_stands_beside_whom_it_is_about(
    desk: Desk, who: int, typed: str, first: str, second: str
) -> None:
    """Neither is followed: the person taps one."""
    wanted, named, *_ = buttons(desk.say(who, typed), who)
    assert wanted == first
    assert named.startswith(second)


def test_what_one_may_not_do_names_who_may(desk: Desk) -> None:
    """A coordinator invites nobody; an admin does."""
    assert "Pedro Núñez (Administración)" in said(desk.say(CARMEN, "quiero invitar a un colega"), CARMEN)[-1]


@pytest.mark.parametrize(
    ("who", "answer"), [(ANA, "no está entre lo que reporta MMUJER"), (CARMEN, "En el plan no hay ABC-77")]
)
def test_a_code_that_leads_nowhere_is_told_so(desk: Desk, who: int, answer: str) -> None:
    """Reporters are not told whether somebody else has it."""
    assert answer in said(desk.say(who, "¿qué significa ABC-77?"), who)[-1]


def test_an_answer_that_was_typed_at_the_wrong_time_opens_nothing(desk: Desk) -> None:
    """ "20 mujeres" names the shelter for women at most."""
    desk.say(ANA, "20 mujeres")
    with desk.database.view() as unit:
        assert unit.connection.exec_driver_sql("SELECT count(*) FROM session WHERE state = 'open'").scalar() == 0


def test_what_is_understood_word_by_word_is_followed_only_if_it_is_the_likeliest(desk: Desk) -> None:
    """ "pero si eso yo lo reporté el viernes": a day alone would put the report off."""
    shown = "\n".join(said(desk.say(ANA, "pero si eso yo lo reporté el viernes"), ANA))
    assert wording("es")("heard.not_today") not in shown


def test_an_activity_is_offered_by_a_rare_word_of_its_title(desk: Desk) -> None:
    """To who may not report too: the answer is not only "that is not yours"."""
    offered = list(buttons(desk.say(CARMEN, "quiero llenar lo de los bateyes"), CARMEN))
    assert any("PRE-104" in each for each in offered), offered


@pytest.mark.parametrize(("who", "named"), [(ANA, "Carmen Soto"), (PEDRO, "Carmen Soto"), (CARMEN, "Pedro Núñez")])
def test_help_names_a_person_to_everybody(desk: Desk, who: int, named: str) -> None:
    """To the only admin too: the coordinators."""
    assert named in said(desk.say(who, "/ayuda"), who)[-1]


def test_personal_data_is_refused_and_the_wish_beside_it_is_done(desk: Desk) -> None:
    """S15: the message goes, the refusal is said, and one button leaves the post."""
    handled = desk.say(ANA, "me trasladaron de departamento, ahora eso lo ve Yokasta Pérez")
    shown = said(handled, ANA)[-1]
    assert shown.startswith(wording("es")("heard.deleted"))
    assert "Ya no soy yo" in shown
    assert "deleteMessage" in [row.method for row in handled.deliveries]
