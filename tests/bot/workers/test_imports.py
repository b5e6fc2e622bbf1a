"""The plan's workbook sent to the bot, with the real bot: differences, apply, undo, download, and what is refused."""

import io
import json
from collections.abc import Callable, Iterator

import pytest
from openpyxl import Workbook

from tests.bot.house import CARMEN, PEDRO, Officer, Town, furnish, town_in
from tests.deadlines import wait_until
from tests.storage.imports.plan_books import Book

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    furnished = tmp_path_factory.mktemp("furnished")
    furnish(furnished)
    with town_in(tmp_path_factory.mktemp("town"), furnished) as town:
        yield town


@pytest.fixture
def admin(town: Town) -> Officer:
    return town.officer(PEDRO)


def send(who: Officer, name: str, data: bytes, words: str) -> str:
    earlier = {message["message_id"] for message in who.from_bot}  # the card of another workbook says much the same
    who.do(lambda: who.phone.send_files("document", (name, data)))

    def answers() -> Iterator[str]:
        return (m.get("text", "") for m in who.from_bot if m["message_id"] not in earlier)

    return until(who, lambda: next((text for text in answers() if words in text), ""))


def until(who: Officer, look: Callable[[], str]) -> str:
    return wait_until(look, "the phone shows it", show=lambda: f"{who.town.logged()}\n{who.text!r}")


def due(town: Town, code: str = "PRE-101") -> str:
    [(day,)] = town.rows("SELECT due_on FROM activity WHERE code = ?", code)
    return str(day)


def test_a_plan_is_looked_at_applied_and_undone(town: Town, admin: Officer) -> None:
    """What it would change, page by page; nothing before Aplicar; then all of it, on record; then none of it again."""
    book = Book()
    for number in range(1, 6):
        book.put("activities", f"PRE-10{number}", "due_date", f"2020-12-0{number}")
        book.put("activities", f"PRE-10{number}", "budget_status", "aprobado")
    text = send(admin, "plan.xlsx", book.data(), "Cambios al plan")
    assert "actividad: cambios 5" in text
    assert "PRE-101 · due_date: 2020-11-30 → 2020-12-01" in text
    assert "1 de 2" in text
    assert due(town) == "2020-11-30"

    admin.tap("Ver más")
    assert "PRE-105 · due_date" in admin.wait_for("2 de 2")

    admin.tap("✅ Aplicar")
    admin.wait_for("✅ Plan actualizado")
    assert due(town) == "2020-12-01"
    [(details,)] = town.rows("SELECT details FROM audit_entry WHERE act = 'plan.imported' AND actor_id IS NOT NULL")
    assert json.loads(details)["rows"] == {"activity": {"changed": 5}}

    asked = admin.tap("↩️ Deshacer importación")
    assert "Vuelven a ser como eran (5): PRE-101" in asked
    assert due(town) == "2020-12-01"
    assert "deshecha" in admin.tap("Sí, deshacer")
    assert due(town) == "2020-11-30"


def test_an_import_asks_what_it_cannot_know(town: Town, admin: Officer) -> None:
    """From when it holds, and whether a code that is used again is the same; and says what locked months see."""
    file = town.folder / "without.xlsx"
    file.write_bytes(Book().drop("activities", "PRE-303").data())
    without = town.enlace("plan", "import", str(file))
    assert "En los períodos cerrados no cambia nada." in without.stderr
    book = Book().put("activities", "PRE-303", "short_es", "Comprar vehículos")
    text = send(admin, "again.xlsx", book.data(), "¿Es lo mismo con otro nombre?")
    assert "PRE-303: se llamaba" in text
    assert "✅ Aplicar" not in admin.buttons
    admin.tap("Es otra cosa")
    admin.wait_for("«Comprar vehículos» un código que nadie haya usado")

    file.write_bytes(book.data())
    for more in ([], ["--dry-run"]):
        refused = town.enlace("plan", "import", str(file), *more)
        assert (refused.returncode, "se llamaba" in refused.stderr) == (0 if more else 1, True)
    assert "--from" not in refused.stderr
    assert "enlace periods correct" in town.enlace("plan", "import", str(file), "--from", "201801").stderr

    send(admin, "again.xlsx", book.data(), "¿Es lo mismo con otro nombre?")
    admin.tap("Es lo mismo")
    assert "Vale desde: septiembre 2018" in admin.wait_for("En los períodos cerrados no cambia nada.")
    admin.tap("Desde octubre 2018")
    admin.wait_for("Vale desde: octubre 2018")
    admin.tap("✅ Aplicar")
    assert "Vale desde: octubre 2018" in admin.wait_for("✅ Plan actualizado")
    assert town.rows("SELECT valid_to FROM past_row WHERE of_table = 'activity' ORDER BY valid_to")[-1] == (
        "2018-11-01",
    )
    assert town.enlace("plan", "undo").returncode == 0


def test_no_tap_takes_protection_from_figures(town: Town, admin: Officer) -> None:
    """A workbook that would open what is suppressed is shown with what it opens, and has no button; nothing changes."""
    book = Book().put("indicators", "IND-20", "min_cell", 5).put("indicators", "IND-21", "sensitivity", "public")
    book.put("activities", "PRE-101", "due_date", "2020-12-01")
    text = send(admin, "weaker.xlsx", book.data(), "Quitaría protección")

    assert "IND-20 · min_cell: 10 → 5" in text
    assert "IND-21 · sensitivity: restricted → public" in text
    assert "PRE-101" not in text
    assert not [button for button in admin.buttons if "Aplicar" in button]
    assert town.rows("SELECT min_cell FROM indicator WHERE code = 'IND-20'") == [(10,)]
    assert due(town) == "2020-11-30"


def test_what_changed_meanwhile_is_shown_again(town: Town, admin: Officer) -> None:
    """Another import between the look and the tap: nothing is applied until that has been read."""
    send(admin, "plan.xlsx", Book().put("activities", "PRE-201", "due_date", "2020-12-24").data(), "Cambios al plan")
    file = town.folder / "server.xlsx"
    file.write_bytes(Book().put("activities", "PRE-201", "due_date", "2020-06-06").data())
    assert town.enlace("plan", "import", str(file)).returncode == 0

    admin.tap("✅ Aplicar")
    card = admin.wait_for("mientras usted miraba")
    assert "PRE-201 · due_date: 2020-06-06 → 2020-12-24" in card
    assert due(town, "PRE-201") == "2020-06-06"

    admin.tap("Cancelar")
    admin.wait_for("Nada cambió")
    undone = town.enlace("plan", "undo")
    assert "PRE-201" in undone.stdout
    assert town.enlace("plan", "undo").returncode == 1
    assert due(town, "PRE-201") != "2020-06-06"


def test_every_mistake_is_named_with_its_place_and_remedy(town: Town, admin: Officer) -> None:
    """A plan with two errors: sheet, row and remedy of each, and no button to apply."""
    book = (
        Book()
        .put("activities", "PRE-101", "due_date", "pronto")
        .put("activities", "PRE-102", "responsible", "MMUJERES")
    )
    text = send(admin, "malo.xlsx", book.data(), "No se puede leer el plan")

    assert "«pronto» no es una fecha" in text
    assert "(¿MMUJER?)" in text
    assert "activities" in text
    assert "✅ Aplicar" not in admin.buttons


def test_the_workbook_that_goes_out_comes_back_without_a_difference(town: Town, admin: Officer) -> None:
    """A coordinator downloads it from /plan; an admin who sends it back is told that there is nothing to do."""
    carmen = town.officer(CARMEN)
    carmen.say("/plan")
    carmen.tap("⬇️ Libro del plan")
    name = until(carmen, lambda: next((m["document"]["file_name"] for m in carmen.from_bot if "document" in m), ""))
    assert name == "do-trata-2017-2020-2018-10-03.xlsx"

    [document] = [m["document"] for m in carmen.from_bot if "document" in m]
    data = town.sandbox.world.files[document["file_id"]].data
    text = send(admin, name, data, "Cambios al plan")
    assert "Sin diferencias" in text
    assert "✅ Aplicar" not in admin.buttons

    out = town.folder / "out.xlsx"
    assert town.enlace("plan", "export", "--out", str(out)).returncode == 0

    looked = town.enlace("plan", "import", str(out), "--dry-run")
    assert (looked.returncode, looked.stdout) == (0, "")


def test_a_form_is_still_a_form(town: Town, admin: Officer) -> None:
    """What has a sheet named survey is checked as one."""
    made = Workbook()
    made.active.title = "survey"
    made.active.append(["type", "name", "label"])
    made.active.append(["text", "a", "A"])
    settings = made.create_sheet("settings")
    settings.append(["form_id", "form_title", "version"])
    settings.append(["visits", "Visitas", "1"])
    written = io.BytesIO()
    made.save(written)

    assert "formulario nuevo" in send(admin, "plan.xlsx", written.getvalue(), "visits ·")


def test_a_plan_whose_periods_are_all_locked_says_so(town: Town, admin: Officer) -> None:
    """Before it is applied: nobody could report with these dates. A plan with a period to come says nothing of it."""
    book = Book().put("activities", "PRE-101", "due_date", "2020-12-02")
    words = "Todos los períodos de este plan ya cerraron"
    assert words not in send(admin, "plan.xlsx", book.data(), "Cambios al plan")

    town.stop()
    town.change("UPDATE reporting_period SET locks_on = '2018-10-01'")
    town.start()
    assert words in send(admin, "again.xlsx", book.data(), "Cambios al plan")
    admin.tap("Cancelar")


def test_a_workbook_that_does_not_say_who_meets_victims_is_asked_about_it(town: Town, admin: Officer) -> None:
    """In the chat and at the server: which activities look as if. It is imported all the same, as it was before."""
    book = Book().drop_column("activities", "meets_victims").put("activities", "PRE-101", "due_date", "2020-12-03")
    words = "pueden encontrarse con víctimas"
    assert words not in send(admin, "plan.xlsx", book.data(), "Cambios al plan"), "the stored plan says it"

    town.stop()
    town.change("UPDATE activity SET meets_victims = NULL")
    file = town.folder / "before.xlsx"
    file.write_bytes(book.data())
    looked = town.enlace("plan", "import", str(file), "--dry-run")
    assert (looked.returncode, words in looked.stderr, "PRE-302" in looked.stderr) == (0, True, True)
    town.start()

    asked = send(admin, "again.xlsx", book.data(), "Cambios al plan")
    assert words in asked
    assert "PRE-302" in asked
    admin.tap("✅ Aplicar")
    assert words in admin.wait_for("✅ Plan actualizado")
    assert due(town) == "2020-12-03"


def test_a_workbook_of_no_plan_makes_a_new_one_when_its_button_says_so(town: Town, admin: Officer) -> None:
    """Beside which plan it would be is said first. Afterwards whoever made it administers it, and the workbook is its
    own, wherever its sender stands; of a plan that they do not administer nothing is changed.
    """
    said = "SELECT code FROM plan ORDER BY id"
    [(first,)] = town.rows(said)
    book = Book().put("settings", first, "code", "do-otro")
    text = send(admin, "otro.xlsx", book.data(), "haría un plan NUEVO al lado de Plan")
    assert "«do-otro»" in text
    assert not [button for button in admin.buttons if "Aplicar" in button or "Desde" in button]
    admin.tap("Cancelar")
    admin.wait_for("Nada cambió")
    assert town.rows(said) == [(first,)]

    send(admin, "otro.xlsx", book.data(), "haría un plan NUEVO al lado de Plan")
    admin.tap("➕ Hacer el plan nuevo")
    admin.wait_for("✅ Plan nuevo: do-otro")
    assert town.rows(said) == [(first,), ("do-otro",)]
    held = "SELECT role FROM membership WHERE active_to IS NULL AND plan_id = (SELECT id FROM plan WHERE code = ?)"
    assert town.rows(held, "do-otro") == [("admin",)]

    changed = book.put("activities", "PRE-101", "due_date", "2020-10-10").data()
    assert "PRE-101 · due_date" in send(admin, "otro.xlsx", changed, "actividad: cambios 1")
    admin.tap("✅ Aplicar")
    admin.wait_for("✅ Plan actualizado")
    of_day = "SELECT plan.code FROM activity JOIN plan ON plan_id = plan.id WHERE due_on = ?"
    assert town.rows(of_day, "2020-10-10") == [("do-otro",)]

    town.stop()
    town.change("DELETE FROM membership WHERE plan_id = (SELECT id FROM plan WHERE code = 'do-otro')")
    town.start()
    send(admin, "otro.xlsx", book.data(), "que usted no administra")
