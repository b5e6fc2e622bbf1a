"""Albums at a phone, with the real bot: each photo in an instance of its own, also over kills and from elsewhere."""

import io
import json

import pytest
from PIL import Image

from tests.bot.house import ANA, PEDRO, Officer, Town
from tests.deadlines import wait_until

pytestmark = pytest.mark.slow

PHOTOS = """
| survey |
| | type | name | label | required |
| | text | what | ¿Qué se hizo? | yes |
| | begin repeat | evidence | Evidencia | |
| | image | photo | Envíe la foto | yes |
| | end repeat | | | |
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
    admin.do(lambda: admin.phone.send_files("document", ("shots.md", PHOTOS.encode())))
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
