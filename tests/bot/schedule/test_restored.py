"""A restored database says nothing by itself until somebody has looked; then nothing old, and one question to a few."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.acts.upkeep.status import look, readings
from bot.alarms.raising import keep
from bot.alarms.standing import Standing
from bot.chat.actor import Notification, tell_later
from bot.open_storage import open_storage
from bot.schedule.restored import RESTORED
from bot.schedule.resuming import resume
from bot.schedule.scheduler import Scheduler
from conversations.plan.model import Role
from conversations.routes import Route
from storage.database.models import Fire, OutboxMessage, Person, table
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from storage.upkeep.holding import concerned, held, settle_and_hold
from tests.bot.desk import Desk, buttons, press, said, tap
from tests.bot.house import ANA, LUIS, ROSA, furnish, settings_in
from tests.bot.schedule.wound import NINE, Wound, claimed, ledger
from tests.storage.database import scratch

TEN = NINE + timedelta(hours=1)
NIGHT = NINE + timedelta(hours=14)


@pytest.fixture
def clock() -> Wound:
    return Wound()


@pytest.fixture
def scheduler(database: Database, clock: Wound) -> Scheduler:
    return Scheduler(database, clock, said=lambda: None)


def hold(database: Database, since: datetime = NINE) -> None:
    database.units.submit(None, lambda unit: settle_and_hold(unit.connection, since)).result()


def speak_again(database: Database, now: datetime) -> bool:
    return database.units.submit(None, lambda unit: resume(unit, now)).result() is not None


def fires(database: Database, what: str) -> dict[int, tuple[str, str]]:
    """What the ledger says of everybody, by Telegram's number."""
    fire, person = table(Fire), table(Person)
    with database.reader() as connection:
        rows = connection.execute(
            select(person.c.telegram_id, fire.c.state, fire.c.reason)
            .join(person, person.c.id == fire.c.person_id)
            .where(fire.c.what == what)
        )
        return {row.telegram_id: (row.state, row.reason) for row in rows}


def begin_a_report(database: Database) -> None:
    desk = Desk(database)
    desk.now = NINE - timedelta(hours=1)
    tap(desk, ANA, Route.BEGIN)
    assert desk.do(lambda unit: concerned(unit, NINE))


async def test_while_it_is_held_nothing_is_said_of_its_own_accord(database: Database, scheduler: Scheduler) -> None:
    """Neither what is due nor what somebody left in the outbox by hand; without the hold Ana is reminded."""
    hold(database)
    await scheduler.look()
    assert (scheduler.is_held, scheduler.looked_at) == (True, None)
    assert claimed(database, NINE, scheduler.second_look) == {}

    database.units.submit(None, lambda unit: unit.facts.set("held", "", NINE)).result()
    await scheduler.look()
    assert (scheduler.is_held, scheduler.looked_at) == (False, NINE)
    assert ANA in claimed(database, NINE, scheduler.second_look)


async def test_what_was_due_before_the_restore_is_never_said(database: Database, scheduler: Scheduler) -> None:
    """The ledger says why, and nothing is missing from it: a scan of the same day has nothing to add."""
    hold(database)

    assert speak_again(database, TEN)
    assert ledger(database) == ("skipped", "restored")
    assert await scheduler.scan(TEN) == 0
    assert not speak_again(database, TEN)


async def test_a_restore_at_night_skips_the_day_before_it(database: Database, scheduler: Scheduler) -> None:
    """Nothing may be said at that hour, so a scan of it finds nothing; the day's windows are over all the same."""
    hold(database, NIGHT)
    assert speak_again(database, NIGHT + timedelta(minutes=1))
    assert ledger(database) == ("skipped", "restored")

    monday = NINE + timedelta(days=3)
    await scheduler.scan(monday)
    said = {chat: row.payload["text"] for chat, row in claimed(database, monday, scheduler.second_look).items()}
    assert not any("2018-10-05" in text for text in said.values())


async def test_whoever_was_writing_is_asked_once_to_look(database: Database, scheduler: Scheduler) -> None:
    """With the moment of the copy and a button to what is due; who had nothing under way hears nothing."""
    begin_a_report(database)
    hold(database)
    assert speak_again(database, TEN)

    asked = fires(database, RESTORED.what)
    assert asked[ANA] == ("queued", "")
    assert ROSA not in asked

    row = claimed(database, TEN, scheduler.second_look)[ANA]
    assert "se restauró con los datos del 5 oct 2018 a las 08:00" in row.payload["text"]
    assert row.payload["reply_markup"]["inline_keyboard"]

    hold(database, TEN)
    assert speak_again(database, TEN + timedelta(minutes=5))
    assert claimed(database, TEN + timedelta(minutes=5), scheduler.second_look) == {}


async def test_the_question_keeps_quiet_hours(database: Database, scheduler: Scheduler) -> None:
    """Somebody resumes at night: it comes in the morning."""
    begin_a_report(database)
    hold(database, NIGHT)

    assert speak_again(database, NIGHT)
    assert claimed(database, NIGHT, scheduler.second_look) == {}
    assert ANA in claimed(database, NINE + timedelta(days=3), scheduler.second_look)


def sent(database: Database, now: datetime) -> list[int]:
    """To whom anything goes that is in the outbox at this moment, replies that are under way included."""
    rows = table(OutboxMessage)
    with database.reader() as connection:
        under_way = connection.execute(select(rows.c.chat_id).where(rows.c.state == "sending")).scalars().all()

    def take(unit: UnitOfWork) -> list[int]:
        return [row.chat_id for row in unit.outbox.claim(now, now + timedelta(minutes=1), 100)]

    return [*under_way, *database.units.submit(None, take).result()]


def test_who_acts_is_answered_and_whom_it_concerns_hears_of_it_when_it_is_released(either_database: Database) -> None:
    """Ana leaves her post to Luis: she reads so, and he does once somebody has looked, before anything later."""
    hold(either_database)
    desk = Desk(either_database)
    desk.now = TEN
    until = press(desk, ANA, desk.say(ANA, "/delegar"), "Luis Peña")
    begun = press(desk, ANA, until, next(words for words in buttons(until, ANA) if words.startswith("7 días")))
    assert said(begun, ANA)[-1].startswith("Luis Peña reporta por usted")
    assert said(begun, LUIS) == []
    assert set(sent(either_database, TEN)) == {ANA}

    menu = desk.say(LUIS, "/menu")
    assert (said(menu, LUIS) != [], [row.is_behind for row in menu.deliveries]) == (True, [False])
    assert speak_again(either_database, TEN)
    assert LUIS in sent(either_database, TEN)

    with either_database.view() as unit:
        assert "held" not in unit.outbox.counts()


def test_what_a_command_tells_people_waits_too(either_database: Database) -> None:
    """The server answers whoever typed it; those in the chats hear of it later. Who leaves meanwhile hears nothing."""
    hold(either_database)
    news = [Notification(chat, {"text": "changed"}) for chat in (ANA, LUIS)]
    either_database.units.submit(None, lambda unit: tell_later(unit, news, TEN, 0)).result()

    assert sent(either_database, TEN) == []
    assert either_database.units.submit(None, lambda unit: unit.outbox.cancel(ANA, TEN)).result() == 1
    assert speak_again(either_database, TEN)
    assert sent(either_database, TEN) == [LUIS]


def test_the_hold_itself_is_told_to_admins(either_database: Database) -> None:
    """They are to let it speak again: what stands now is not stale."""
    hold(either_database)
    raised = Standing("held", TEN, TEN, "restored")
    told = either_database.units.submit(None, lambda unit: keep(unit, raised, TEN)).result()

    assert {row.chat_id for row in told} == set(admins(either_database))
    assert not any(row.is_held for row in told)


def test_long_work_that_was_open_in_the_copy_is_not_begun(either_database: Database) -> None:
    """It may have been done since: an export would be sent again, a file's answer is not that of today."""

    def ask(unit: UnitOfWork) -> list[int]:
        return [unit.jobs.add(kind, {}, NINE, chat_id=ANA) for kind in ("export", "fetch_file")]

    either_database.units.submit(None, ask).result()
    hold(either_database)

    def claim(unit: UnitOfWork) -> list[str]:
        return [job.kind for job in unit.jobs.claim(TEN, TEN + timedelta(minutes=1), 9)]

    assert either_database.units.submit(None, claim).result() == []


def test_status_names_it_and_an_admin_lets_it_speak_again(database: Database) -> None:
    """/estado is the way out for whoever has a phone and no shell."""
    hold(database)
    desk = Desk(database)
    desk.now = TEN
    with database.view() as unit:
        assert ("restored", "bad") in [(name, reading.state) for name, reading in readings(look(unit, TEN))]
    admin = admins(database)[0]
    shown = desk.say(admin, "/estado")

    assert "Reanudar los avisos" not in buttons(press(desk, admin, shown, "Reanudar los avisos"), admin)

    with database.view() as unit:
        assert held(unit) is None


def admins(database: Database) -> list[int]:
    with database.view() as unit:
        return [one.telegram_id for one in unit.people.with_role(unit.plans.only().id, Role.ADMIN)]


async def test_on_postgresql_too(tmp_path: Path) -> None:
    """The same settling, skipping and asking."""
    with scratch.schema_or_skip() as url:
        furnish(tmp_path, url)
        with open_storage(settings_in(tmp_path, database_url=url)) as database:
            begin_a_report(database)
            draft = OutboxDraft(ROSA, "reminder", "sendMessage", {"text": "old"})
            database.units.submit(None, lambda unit: unit.outbox.add(draft, now=NINE)).result()
            hold(database)
            with database.view() as unit:
                assert "queued" not in unit.outbox.counts()
            assert speak_again(database, TEN)
            assert fires(database, "reminders")[ANA] == ("skipped", "restored")
            assert fires(database, RESTORED.what)[ANA] == ("queued", "")
