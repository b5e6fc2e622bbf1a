"""A file that somebody sent becomes an answer, whatever the database or the disk does meanwhile."""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from bot.demo.cast import BEGINS
from bot.sandbox.faults import Fault
from bot.sandbox.server import running_sandbox
from bot.workers.evidence import TRIES
from tests.bot.house import ANA, PEDRO, Town, furnish
from tests.bot.officers import asked_for_a_photo
from tests.bot.photos import photo_with_gps
from tests.bot.workers.sent_forms import ONE, send, workbook
from tests.deadlines import has_ended, wait_until
from tests.faults.torn import Proxy
from tests.storage.database import scratch

pytestmark = pytest.mark.slow

ROWS = 4_900
"""Of a form; it may have no more than five thousand."""


def heavy() -> bytes:
    """A form that may be published, and takes a quarter of a minute of processor time."""
    rows = [
        ["integer", f"n{at}", "¿?", " or ".join(f"${{n{at * k % 4_000 // 2}}} > {k}" for k in range(1, 25))]
        for at in range(2_001, ROWS)
    ]
    return workbook("1", *(["integer", f"n{at}", "¿?"] for at in range(2_001)), *rows)


Act = Callable[[], Any]


@contextlib.contextmanager
def town_whose_database_can_go(kind: str, folder: Path, furnished: Path) -> Iterator[tuple[Town, Act, Act]]:
    """A town, and what makes its database go away and come back: another process's lock, or a wire that is cut."""
    with contextlib.ExitStack() as stack:
        url = ""
        if kind == "sqlite":
            shutil.copytree(furnished, folder, dirs_exist_ok=True)
            other = sqlite3.connect(folder / "enlace.db", check_same_thread=False, isolation_level=None)
            stack.callback(other.close)
            goes, returns = (lambda: other.execute("BEGIN IMMEDIATE")), (lambda: other.execute("ROLLBACK"))
        else:
            direct = make_url(stack.enter_context(scratch.schema_or_skip(bots=1)))
            furnish(folder, direct.render_as_string(hide_password=False))
            proxy = Proxy(direct.port or 5432)
            stack.callback(proxy.close)
            through = direct.set(host="127.0.0.1", port=proxy.port).update_query_dict({"sslmode": "disable"})
            url = through.render_as_string(hide_password=False)
            goes, returns = proxy.go_down, proxy.come_back
        sandbox = stack.enter_context(running_sandbox(start=BEGINS.timestamp()))
        town = Town(sandbox, folder, database_url=url)
        stack.callback(town.stop)
        town.log_level = "DEBUG"  # there each worker says for itself what the log is told once for all
        town.start()
        yield town, goes, returns


def when_downloaded(town: Town, act: Act) -> list[str]:
    """Do it once, in the moment in which the bot fetches a file; whether it was done is in what is returned."""
    world, draw, done = town.sandbox.world, town.sandbox.world.faults.draw, []

    def drawn(method: str, chat: object) -> Any:
        if method == "download" and not done:
            done.append(method)
            act()
        return draw(method, chat)

    world.faults.draw = drawn  # type: ignore[method-assign]
    return done


def files_of(town: Town) -> list[Path]:
    return sorted(town.settings.files.glob("*/*/*"))


def until_unavailable(town: Town) -> None:
    assert town.process is not None
    wait_until(
        lambda: "evidence.unavailable" in town.logged(),
        "the worker has found the database away",
        show=town.logged,
        unless=has_ended(town.process),
    )


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_that_goes_away_while_a_file_is_fetched_costs_a_second_fetch(
    tmp_path: Path, furnished: Path, kind: str
) -> None:
    """Its job is taken up again as soon as the database answers, not when its lease of five minutes ends."""
    with town_whose_database_can_go(kind, tmp_path, furnished) as (town, goes, returns):
        ana = asked_for_a_photo(town, ANA)
        struck = when_downloaded(town, goes)
        ana.phone.send_files("document", ("jornada.jpg", photo_with_gps()))
        until_unavailable(town)
        returns()

        assert "Confirmo que la foto" in ana.wait_for("Confirmo que la foto")
        assert struck

        town.rest()


def test_a_file_for_which_telegram_wants_silence_is_fetched_when_that_is_over(tmp_path: Path, furnished: Path) -> None:
    """However often it is refused so: being told to wait is no failure, and nobody has to send the file again."""
    with town_whose_database_can_go("sqlite", tmp_path, furnished) as (town, _, _):
        ana = asked_for_a_photo(town, ANA)
        rule = town.sandbox.world.faults.add(Fault("429", "getFile", retry_after=1, times=TRIES + 1))
        ana.phone.send_files("document", ("jornada.jpg", photo_with_gps()))

        assert "Confirmo que la foto" in ana.wait_for("Confirmo que la foto")
        assert rule.hits == TRIES + 1
        assert town.rows("SELECT failures FROM job WHERE kind = 'fetch_file'") == [(0,)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("way", [("suspend",), ("role", "--role", "observer")], ids=["suspended", "another role"])
def test_of_who_is_shut_out_while_their_file_comes_nothing_stays(
    tmp_path: Path, furnished: Path, kind: str, way: tuple[str, ...]
) -> None:
    """The folder has no file when the job has ended, and the draft that a colleague may take over has none either."""
    with town_whose_database_can_go(kind, tmp_path, furnished) as (town, _, _):
        ana, before = asked_for_a_photo(town, ANA), files_of(town)
        command = ("people", *way, "--telegram-id", str(ANA))
        shut_out = when_downloaded(town, lambda: town.enlace(*command).check_returncode())
        ana.phone.send_files("document", ("jornada.jpg", photo_with_gps()))
        wait_until(lambda: bool(shut_out), "she is shut out", show=town.logged)
        town.rest()

        wait_until(lambda: files_of(town) == before, "no file of hers is left", show=lambda: files_of(town))
        assert "Confirmo que la foto" not in ana.text
        assert "evidence.poison" not in town.logged()
        engine = create_engine(town.settings.database_url, poolclass=NullPool)
        with engine.connect() as connection:
            assert not connection.execute(text("SELECT file_name FROM attachment")).all()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_file_that_takes_long_holds_up_nobody_elses(tmp_path: Path, furnished: Path, kind: str) -> None:
    """A form of thousands of questions is looked through meanwhile. What else its sender sends comes after others'."""
    with town_whose_database_can_go(kind, tmp_path, furnished) as (town, _, _):
        ana, admin = asked_for_a_photo(town, ANA), town.officer(PEDRO)
        begun = when_downloaded(town, lambda: None)
        for number, form in enumerate([heavy()] * 3):
            admin.phone.send_files("document", (f"visits{number}.xlsx", form))
        wait_until(lambda: bool(begun), "it is being looked through", show=town.logged)
        ana.phone.send_files("document", ("jornada.jpg", photo_with_gps()))
        ana.wait_for("Confirmo que la foto")

        assert "✅ Publicar" not in str(admin.from_bot), "the form is still being looked through"


def test_the_same_for_a_form_that_an_admin_sends(tmp_path: Path, furnished: Path) -> None:
    """The check that was lost is made again, and the form can be published."""
    with town_whose_database_can_go("sqlite", tmp_path, furnished) as (town, goes, returns):
        admin = town.officer(PEDRO)
        struck = when_downloaded(town, goes)
        admin.phone.send_files("document", ("visits.xlsx", ONE))
        until_unavailable(town)
        returns()
        admin.wait_for("visits ·")

        assert struck

        town.rest()
        admin.tap("✅ Publicar")
        admin.wait_for("Publicado: Visitas")


def test_a_job_that_cannot_be_done_is_told_and_the_bot_goes_on(tmp_path: Path, furnished: Path) -> None:
    """A file stands where what was sent is to be kept: the admin reads so, and what comes next is worked on."""
    with town_whose_database_can_go("sqlite", tmp_path, furnished) as (town, _, _):
        admin, plain = town.officer(PEDRO), town.settings.files / "plain"
        shutil.rmtree(plain, ignore_errors=True)
        plain.write_bytes(b"")
        admin.phone.send_files("document", ("visits.xlsx", ONE))
        admin.wait_for("No pude terminar")
        assert "evidence.defect" in town.logged()

        plain.unlink()
        assert send(admin, "visits.xlsx", ONE, "visits ·")
