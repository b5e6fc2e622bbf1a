"""A form with repeats inside repeats, pictures and a shape, filled at a phone: the whole way, with the real bot."""

import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from bot.settings import inherited_environment
from tests.bot.cli import forked
from tests.bot.house import ANA, PEDRO, Officer, Town

pytestmark = pytest.mark.slow

HOUSEHOLD = """
| survey |
| | type | name | label | repeat_count | media::image |
| | select_one kinds | kind | ¿Qué casa es? | | plan.png |
| | begin repeat | person | Persona | | |
| | text | name | ¿Cómo se llama? | | |
| | begin repeat | pet | Mascota | | |
| | text | petname | ¿Qué nombre tiene? | | |
| | end repeat | | | | |
| | end repeat | | | | |
| | geoshape | land | ¿Qué terreno es? | | |
| | integer | n | ¿Cuántas visitas? | | |
| | begin repeat | visit | Visita | ${n} | |
| | time | hour | ¿A qué hora? | | |
| | end repeat | | | | |
| choices |
| | list_name | name | label | media::image |
| | kinds | wood | Madera | wood.png |
| | kinds | block | Bloque | |
| settings |
| | form_id | form_title | version |
| | homes | Casas | 1 |
"""


def bundle() -> bytes:
    """The form and its pictures in one ZIP."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("homes.md", HOUSEHOLD)
        for name, colour in (("plan.png", "blue"), ("wood.png", "brown")):
            picture = io.BytesIO()
            Image.new("RGB", (40, 30), colour).save(picture, "PNG")
            archive.writestr(name, picture.getvalue())
    return written.getvalue()


def publish(town: Town) -> None:
    admin = town.officer(PEDRO)
    admin.do(lambda: admin.phone.send_files("document", ("homes.zip", bundle())))
    admin.wait_for("homes ·")
    admin.tap("✅ Publicar")
    admin.wait_for("Publicado: Casas")


def pictures(who: Officer) -> list[str]:
    return [message.get("caption", "") for message in who.from_bot if "photo" in message]


def test_a_household_is_filled_at_a_phone(town: Town) -> None:
    """Pictures before the card, two people and a dog, one taken away, a kill in the middle, a shape, an hour."""
    publish(town)
    ana = town.officer(ANA)
    ana.say("/formularios")
    ana.tap("Casas")
    ana.wait_for("¿Qué casa es?")
    assert pictures(ana) == ["", "Madera"]
    assert max(m["message_id"] for m in ana.from_bot if "photo" in m) < ana.card["message_id"]

    ana.tap("Madera")
    assert "Persona 1" in ana.text

    ana.say("Luis")
    ana.say("Fido")
    assert ana.buttons == ["➕ Agregar: Mascota", "✏️ Editar", "🗑 Quitar", "Listo (1)", "‹ Atrás", "Salir"]

    ana.tap("Listo (1)")
    ana.tap("➕ Agregar: Persona")
    town.kill()
    town.start()
    ana.say("Eva")
    assert "Mascota" in ana.text

    ana.tap("Listo")
    ana.wait_for("2. Eva")
    ana.tap("🗑 Quitar")
    ana.tap("1. Luis")
    assert "Fido" in ana.text

    ana.tap("Sí, quitar")
    ana.wait_for("1. Eva")
    ana.tap("Listo (1)")
    ana.wait_for("¿Qué terreno es?")
    for place in ((18.5, -69.9), (18.6, -69.8), (18.4, -69.7)):
        ana.do(lambda place=place: ana.phone.send_location(*place))
    ana.wait_for("3. 18.4, -69.7")
    ana.say("Listo")
    ana.wait_for("¿Cuántas visitas?")
    ana.say("1")
    ana.wait_for("Visita 1 de 1")
    ana.tap("07")
    ana.tap("07:30")
    ana.wait_for("Revise antes de enviar")
    ana.tap("Enviar")
    ana.wait_for("Recibo")
    assert pictures(ana) == ["", "Madera"]  # once, not on every tap

    [(answers,)] = town.rows("SELECT answers FROM submission ORDER BY id DESC LIMIT 1")
    sent = json.loads(answers)
    assert sent["/data/person[1]/name"] == "Eva"
    assert not [ref for ref in sent if ref.startswith("/data/person[2]") or "pet[" in ref]
    assert sent["/data/land"].count(";") == 3
    assert sent["/data/visit[1]/hour"].startswith("07:30:00.000")

    ana.say("/historial")
    ana.tap("Casas")
    ana.wait_for("Persona 1 · Cómo se llama: Eva")
    assert "Visita 1 de 1 · A qué hora: 07:30" in ana.text
    assert "Traceback" not in town.logged()


def test_double_and_old_taps_on_a_repeat_change_nothing(town: Town) -> None:
    """Two fingers on "Agregar" add one; the card of before is stale."""
    publish(town)
    ana = town.officer(ANA)
    ana.say("/formularios")
    ana.tap("Casas")
    ana.wait_for("¿Qué casa es?")
    ana.tap("Bloque")
    ana.say("Luis")
    ana.tap("🗑 Quitar: Mascota 1")
    ana.tap("Listo")
    ana.wait_for("1. Luis")
    card = ana.card
    data = next(b for row in card["reply_markup"]["inline_keyboard"] for b in row if "Agregar" in b["text"])
    ana.do(lambda: [ana.phone.tap(card["message_id"], data=data["callback_data"]) for _ in range(2)])
    ana.town.rest()
    [(state,)] = town.rows("SELECT data FROM session WHERE state = 'open' ORDER BY id DESC LIMIT 1")
    assert state.count("Luis") == 1
    assert "Persona 2" in ana.text

    ana.tap("‹ Atrás")
    assert "1. Luis" in ana.text


PHOTOS = """
| survey |
| | type | name | label |
| | begin repeat | place | Lugar |
| | image | photo | ¿Cómo se ve? |
| | end repeat | | |
| settings |
| | form_id | form_title | version |
| | homes | Casas | 2 |
"""


def test_photos_follow_their_instance(town: Town) -> None:
    """The first of three goes with its photo; the others are sent with theirs, under their new numbers."""
    admin = town.officer(PEDRO)
    admin.do(lambda: admin.phone.send_files("document", ("homes.md", PHOTOS.encode())))
    admin.wait_for("homes ·")
    admin.tap("✅ Publicar")
    admin.wait_for("Publicado: Casas")
    ana = town.officer(ANA)
    ana.say("/formularios")
    ana.tap("Casas")
    for number in (1, 2, 3):
        ana.wait_for("¿Cómo se ve?")
        picture = io.BytesIO()
        Image.new("RGB", (40, 30), (number * 60, 0, 0)).save(picture, "JPEG")
        ana.do(lambda picture=picture: ana.phone.send_files("photo", ("a.jpg", picture.getvalue())))
        ana.wait_for(f"{number}. 📷")
        if number < 3:
            ana.tap("➕ Agregar: Lugar")
    before = town.rows("SELECT ref, sha256 FROM attachment ORDER BY ref")
    assert [ref for ref, _ in before] == [f"/data/place[{number}]/photo" for number in (1, 2, 3)]

    ana.say("quitar 1")
    ana.say("sí")
    ana.wait_for("2. 📷")
    ana.tap("Listo (2)")
    ana.wait_for("Revise antes de enviar")
    ana.tap("Enviar")
    ana.wait_for("Recibo")
    after = town.rows("SELECT ref, sha256, file_name FROM attachment ORDER BY ref")
    assert [content for _, content, _ in after] == [content for _, content in before[1:]]
    [(answers,)] = town.rows("SELECT answers FROM submission ORDER BY id DESC LIMIT 1")
    assert json.loads(answers).items() >= {ref: name for ref, _, name in after}.items()
    assert len(after) == 2


PEOPLE = """
| survey |
| | type | name | label |
| | begin repeat | person | Persona |
| | text | name | ¿Cómo se llama? |
| | begin repeat | pet | Mascota |
| | text | petname | ¿Qué nombre tiene? |
| | end repeat | | |
| | end repeat | | |
"""


def test_repeats_within_repeats_are_filled_in_a_terminal(tmp_path: Path) -> None:
    """Added, edited, taken away by number and by word; the script that is kept adds and removes the same."""
    form, script = tmp_path / "people.md", tmp_path / "script.json"
    form.write_text(PEOPLE, "utf-8")
    people = ["Ana", "Fido", "otra", "Misu", "listo", "otra", "Luis", "listo"]
    changes = ["editar 2", "cómo se llama", "Luisa", "quitar 1", "sí", "otra", "Eva", "listo", "no", "enviar"]

    done = enlace("form", "try", form, "--save", script, said="\n".join([*people, *changes, ""]))

    assert done.returncode == 0, done.stderr
    assert "• Qué nombre tiene: Misu" in done.stderr
    handed_over = "<person><name>Luisa</name></person><person><name>Eva</name></person>"
    assert handed_over in done.stdout
    played = enlace("form", "replay", form, script)
    final = json.loads(played.stdout.splitlines()[-1])
    assert final["failedSteps"] == 0
    assert handed_over in final["xml"]


def enlace(*words: str | Path, said: str = "") -> subprocess.CompletedProcess[str]:
    return forked.run(*map(str, words), env=inherited_environment(), input=said)
