"""What people do on their phones, and the updates that Telegram makes of it."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bot.sandbox import people
from bot.sandbox.methods import perform
from bot.sandbox.methods.call import Call
from bot.sandbox.people import ImpossibleError, Sender
from bot.sandbox.schema import Upload, conform, read
from bot.sandbox.telegram import Person, World

ANA, LUIS = 501, 502


@pytest.fixture
def world() -> World:
    world = World(start=1_538_553_600)
    world.add_person(Person(ANA, "Ana", language_code="es", username="ana"))
    world.add_person(Person(LUIS, "Luis"))
    return world


def do(world: World, method: str, **given: Any) -> Any:
    return perform(Call(world, world.bot, method, read(method, given, {})[0], {}))


def updates(world: World) -> list[dict[str, Any]]:
    """What the bot would get; each of them as the document describes it."""
    bodies = [pending.body for pending in world.bot.pending]
    for body in bodies:
        conform("Update", {"update_id": 1, **body})
    return bodies


def last(world: World, kind: str = "message") -> dict[str, Any]:
    return dict(updates(world)[-1][kind])


def card(world: World, *buttons: tuple[str, str]) -> int:
    """A message of the bot with these buttons."""
    people.start(world, ANA)
    keyboard = {"inline_keyboard": [[{"text": text, "callback_data": data} for text, data in buttons]]}
    return int(do(world, "sendMessage", chat_id=ANA, text="?", reply_markup=keyboard)["message_id"])


def jpeg() -> bytes:
    buffer = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "18.48, -69.90"
    Image.new("RGB", (400, 200), "teal").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_a_text_arrives_with_what_telegram_marks_in_it(world: World) -> None:
    """From the person, in the private chat, at the sandbox's time."""
    people.say(world, ANA, "/reportar 15% https://gob.do")
    assert last(world) == {
        "message_id": 1,
        "from": {"id": ANA, "is_bot": False, "first_name": "Ana", "username": "ana", "language_code": "es"},
        "chat": {"id": ANA, "type": "private", "first_name": "Ana", "username": "ana"},
        "date": 1_538_553_600,
        "text": "/reportar 15% https://gob.do",
        "entities": [{"type": "bot_command", "offset": 0, "length": 9}, {"type": "url", "offset": 14, "length": 14}],
    }


def test_a_deep_link_is_start_with_its_payload(world: World) -> None:
    """64 letters, digits, _ and - at most."""
    people.start(world, ANA, "a_B-9")
    assert last(world)["text"] == "/start a_B-9"
    with pytest.raises(ImpossibleError):
        people.start(world, ANA, "x" * 65)


def test_an_edited_message_is_the_same_message_with_a_date_of_edit(world: World) -> None:
    """Only one's own."""
    said = people.say(world, ANA, "12")
    people.edit(world, ANA, said["message_id"], "13")
    edited = last(world, "edited_message")
    assert (edited["message_id"], edited["text"], edited["date"]) == (said["message_id"], "13", said["date"])
    assert "edit_date" in edited
    with pytest.raises(ImpossibleError):
        people.edit(world, ANA, card(world, ("a", "a")), "x")


def test_a_tap_brings_the_whole_message(world: World) -> None:
    """As it stands in the chat now."""
    message_id = card(world, ("Sí", "y"), ("No", "n"))
    query = people.tap(world, ANA, message_id, text="Sí")
    body = last(world, "callback_query")
    assert (body["id"], body["data"], body["from"]["id"]) == (query, "y", ANA)
    assert body["message"] == world.chat(ANA).messages[message_id].message


def test_a_button_must_be_there_to_be_tapped_by_its_text(world: World) -> None:
    """One and only one fits; the error shows what is there."""
    message_id = card(world, ("Sí, enviar", "y"), ("No", "n"))
    people.tap(world, ANA, message_id, text="enviar")
    with pytest.raises(ImpossibleError, match=r"there are: Sí, enviar, No"):
        people.tap(world, ANA, message_id, text="Quizás")


def test_a_stale_button_can_still_be_tapped(world: World) -> None:
    """A phone may show a keyboard that is no longer true, or a message that is gone."""
    message_id = card(world, ("a", "a"))
    people.tap(world, ANA, message_id, data="old")
    assert last(world, "callback_query")["data"] == "old"
    do(world, "deleteMessage", chat_id=ANA, message_id=message_id)
    people.tap(world, ANA, message_id, data="old")
    message = last(world, "callback_query")["message"]
    assert message == {"chat": world.chat(ANA).brief(), "message_id": message_id, "date": 0}


def test_a_photo_comes_in_sizes_and_without_its_place(world: World) -> None:
    """Recompressed, as a phone does; a document keeps every byte."""
    people.send_files(world, ANA, "photo", [Upload("a.jpg", jpeg())], caption="evidencia")
    message = last(world)
    assert [size["width"] for size in message["photo"]] == [90, 320, 400]
    assert message["caption"] == "evidencia"
    assert b"18.48" not in world.files[message["photo"][-1]["file_id"]].data
    people.send_files(world, ANA, "document", [Upload("a.jpg", jpeg())])
    document = last(world)["document"]
    assert (document["file_name"], document["mime_type"]) == ("a.jpg", "image/jpeg")
    assert world.files[document["file_id"]].data == jpeg()


def test_several_files_at_once_are_an_album(world: World) -> None:
    """One message each, one group, the caption on the first."""
    people.send_files(world, ANA, "document", [Upload("a.pdf", b"a"), Upload("b.pdf", b"b")], caption="dos")
    first, second = (update["message"] for update in updates(world))
    assert first["media_group_id"] == second["media_group_id"]
    assert (first.get("caption"), second.get("caption")) == ("dos", None)


@pytest.mark.parametrize("kind", ["video", "audio", "voice", "sticker"])
def test_other_kinds_of_file_arrive_as_what_they_are(world: World, kind: Any) -> None:
    """Each with the fields that the document requires of it."""
    people.send_files(world, ANA, kind, [Upload(f"a.{kind}", b"x")])
    assert kind in last(world)


def test_places_and_contacts_arrive(world: World) -> None:
    """A location may know how exact it is; a venue has both fields; one's own contact carries one's id."""
    people.send_location(world, ANA, {"latitude": 18.48, "longitude": -69.9, "horizontal_accuracy": 15.0})
    assert last(world)["location"]["horizontal_accuracy"] == 15.0
    people.send_venue(world, ANA, {"latitude": 18.48, "longitude": -69.9}, "IJM", "Santo Domingo")
    assert {"venue", "location"} <= set(last(world))
    people.send_contact(world, ANA)
    assert last(world)["contact"]["user_id"] == ANA


def test_words_that_are_not_ones_own_say_so(world: World) -> None:
    """Forwards have an origin, inline bots a name."""
    people.forward(world, ANA, {"text": "reenviado"})
    assert last(world)["forward_origin"]["type"] == "hidden_user"
    gif = {"id": 9, "is_bot": True, "first_name": "gif", "username": "gif"}
    people.say(world, ANA, "x", sender=Sender(via_bot=gif))
    assert last(world)["via_bot"] == gif


def test_blocking_and_unblocking_are_told(world: World) -> None:
    """my_chat_member: member → kicked → member; a blocked person cannot write."""
    people.say(world, ANA, "hola")
    people.block(world, ANA)
    change = last(world, "my_chat_member")
    assert (change["old_chat_member"]["status"], change["new_chat_member"]["status"]) == ("member", "kicked")
    with pytest.raises(ImpossibleError):
        people.say(world, ANA, "hola")
    people.unblock(world, ANA)
    assert last(world, "my_chat_member")["new_chat_member"]["status"] == "member"


def test_in_a_group_many_may_speak_and_some_hide(world: World) -> None:
    """Members, anonymous administrators, channels: the numeric `from` is Telegram's own account for the latter two."""
    people.add_to_group(world, -100123, "Mesa técnica", [ANA, LUIS])
    assert [next(iter(update)) for update in updates(world)] == ["my_chat_member", "message"]
    people.say(world, -100123, "hola", sender=Sender(person=LUIS))
    assert last(world)["from"]["id"] == LUIS
    assert last(world)["chat"] == {"id": -100123, "type": "supergroup", "title": "Mesa técnica"}
    people.say(world, -100123, "hola", sender=Sender(is_anonymous=True))
    assert (last(world)["from"]["username"], last(world)["sender_chat"]["id"]) == ("GroupAnonymousBot", -100123)
    people.say(world, -100123, "hola", sender=Sender(channel={"id": -100999, "title": "Canal"}))
    assert (last(world)["from"]["username"], last(world)["sender_chat"]["id"]) == ("Channel_Bot", -100999)
    with pytest.raises(ImpossibleError):
        people.say(world, -100123, "¿quién?")


def test_a_channel_posts_without_a_sender(world: World) -> None:
    """channel_post, sender_chat, no from."""
    people.add_to_group(world, -100999, "Canal", [], kind="channel")
    people.say(world, -100999, "aviso")
    post = last(world, "channel_post")
    assert ("from" in post, post["sender_chat"]["id"]) == (False, -100999)


def test_leaving_a_group_is_told(world: World) -> None:
    """The bot itself is who did it."""
    people.add_to_group(world, -100123, "Grupo", [ANA])
    do(world, "leaveChat", chat_id=-100123)
    change = last(world, "my_chat_member")
    assert (change["from"]["id"], change["new_chat_member"]["status"]) == (world.bot.id, "left")


def test_a_one_time_keyboard_goes_with_its_key(world: World) -> None:
    """Other words leave it."""
    people.start(world, ANA)
    keyboard = {"keyboard": [[{"text": "Sí"}]], "one_time_keyboard": True}
    do(world, "sendMessage", chat_id=ANA, text="?", reply_markup=keyboard)
    people.say(world, ANA, "no sé")
    assert world.chat(ANA).reply_keyboard == keyboard
    people.say(world, ANA, "Sí")
    assert world.chat(ANA).reply_keyboard is None


def test_clearing_a_chat_goes_unnoticed(world: World) -> None:
    """The bot is not told, and message numbers go on."""
    people.say(world, ANA, "a")
    people.clear(world, ANA)
    assert world.chat(ANA).messages == {}
    assert people.say(world, ANA, "b")["message_id"] == 2
    assert len(updates(world)) == 2


def test_what_was_not_read_is_counted(world: World) -> None:
    """Messages of the bot since the person last did something."""
    people.start(world, ANA)
    for _ in range(3):
        do(world, "sendMessage", chat_id=ANA, text="x")
    assert world.chat(ANA).unread == 3
    people.say(world, ANA, "ya")
    assert world.chat(ANA).unread == 0


def test_the_clock_only_moves_forward(world: World) -> None:
    """Messages are never dated before earlier ones."""
    world.move_clock(to=1_538_640_000)
    assert people.say(world, ANA, "mañana")["date"] == 1_538_640_000
    with pytest.raises(ValueError):
        world.move_clock(to=1_538_553_600)
    with pytest.raises(ValueError):
        world.move_clock(by=-1)
