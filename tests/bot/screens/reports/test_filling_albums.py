"""Albums at a phone, with the real bot: each photo in an instance of its own, also over kills and from elsewhere."""

import io
import json
import zipfile

import pytest
from PIL import Image

from tests.bot.house import ANA, PEDRO, Officer, Town
from tests.deadlines import wait_until

pytestmark = pytest.mark.slow

PHOTOS = """
| survey |
| | type | name | label | required | media::image |
| | text | what | ¿Qué se hizo? | yes | |
| | begin repeat | evidence | Evidencia | | |
| | image | photo | Envíe la foto | yes | how.jpg |
| | end repeat | | | | |
| settings |
| | form_id | form_title | version |
| | shots | Fotos | 1 |
"""


def picture(red: int) -> tuple[str, bytes]:
    written = io.BytesIO()
    Image.new("RGB", (40, 30), (red, 0, 0)).save(written, "JPEG")
    return f"{red}.jpg", written.getvalue()


def asked_for_a_photo(town: Town) -> Officer:
    admin, ana = town.officer(PEDRO), town.officer(ANA)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("shots.md", PHOTOS)
        archive.writestr("how.jpg", picture(250)[1])
    admin.do(lambda: admin.phone.send_files("document", ("shots.zip", written.getvalue())))
    admin.wait_for("shots ·")
    admin.tap("✅ Publicar")
    admin.wait_for("Publicado: Fotos")
    ana.say("/formularios")
    ana.tap("Fotos")
    ana.wait_for("¿Qué se hizo?")
    ana.say("Un taller")
    ana.wait_for("Envíe la foto")
    return ana


def sent(ana: Officer, town: Town) -> dict[str, str]:
    ana.tap("Listo (")
    ana.wait_for("Revise antes de enviar")
    ana.tap("Enviar")
    ana.wait_for("Recibo")
    [(answers,)] = town.rows("SELECT answers FROM submission ORDER BY id DESC LIMIT 1")
    return {ref: value for ref, value in json.loads(answers).items() if ref.endswith("/photo")}


def test_an_album_is_kept_whole_in_its_order_also_over_kills(town: Town) -> None:
    """Killed before the album is seen, before its first file is there, and after some are."""
    ana = asked_for_a_photo(town)
    town.kill()
    ana.phone.send_files("photo", *(picture(number * 40) for number in (1, 2, 3, 4)))
    ana.phone.say("son cuatro")
    rule = town.client.add_fault("5xx", method="getFile", times=1)
    town.start()
    wait_until(lambda: town.client.fault_hits(rule) > 0, "the first file is asked for", show=town.logged)
    town.kill()
    town.start()
    wait_until(lambda: town.rows("SELECT 1 FROM attachment") != [], "the first file is kept", show=town.logged)
    town.kill()
    town.start()
    ana.wait_for("Guardé 4 archivos.")

    files = dict(town.rows("SELECT ref, file_name FROM attachment ORDER BY id"))
    assert list(files) == [f"/data/evidence[{number}]/photo" for number in (1, 2, 3, 4)]
    assert len(set(files.values())) == 4
    assert sent(ana, town) == files
    assert len([message for message in ana.from_bot if "photo" in message]) == 1  # how to take one is shown once
    assert "Traceback" not in town.logged()


def test_who_leaves_the_form_meanwhile_finds_the_album_kept(town: Town) -> None:
    """Somebody looks at the menu while the files are on their way: they arrive in the draft, and nothing is said."""
    ana = asked_for_a_photo(town)
    town.kill()
    ana.phone.send_files("photo", *(picture(number * 40) for number in (1, 2, 3)))
    ana.phone.say("/menu")
    town.start()
    wait_until(lambda: len(town.rows("SELECT 1 FROM attachment")) == 3, "three files are kept", show=town.logged)
    town.rest()
    assert "Guardé" not in ana.text

    ana.say("/formularios")
    ana.tap("Fotos")
    ana.wait_for("3. 📷")
    assert len(sent(ana, town)) == 3


def test_a_file_that_was_given_up_does_not_take_the_place_of_the_one_that_is_there(town: Town) -> None:
    """Another photo for the second instance, and back before it has come: the answer keeps the file that it names."""
    ana = asked_for_a_photo(town)
    ana.phone.send_files("photo", picture(40), picture(80))
    ana.wait_for("Guardé 2 archivos.")
    before = town.rows("SELECT ref, sha256, file_name FROM attachment ORDER BY ref")
    ana.say("editar 2")
    town.kill()
    ana.phone.send_files("photo", picture(120))
    ana.phone.say("atrás")
    town.start()
    ana.wait_for("no se guardó")
    town.rest()

    assert town.rows("SELECT ref, sha256, file_name FROM attachment ORDER BY ref") == before
