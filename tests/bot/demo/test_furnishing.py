"""What is in place when a demo begins: all of it, or nothing yet."""

from datetime import date
from pathlib import Path

import pytest

from bot.demo import demo, furnishing
from bot.demo.cast import BEGINS, DOES, PHONES
from bot.demo.receiver import Receiver
from bot.open_storage import open_storage
from bot.settings import Settings
from bot.setup import set_up
from conversations.languages import LANGUAGES
from tests.bot.house import settings_in

pytestmark = pytest.mark.slow


def people(settings: Settings) -> int:
    with open_storage(settings) as database, database.view() as unit:
        return len(unit.people.list(unit.plans.only().id))


def test_who_is_interrupted_at_furnishing_begins_it_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the people and their reports nothing is there; then everything is, and a second time changes nothing."""
    settings = settings_in(tmp_path)
    list(set_up(settings, BEGINS))

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(furnishing, "_report", interrupted)
        with pytest.raises(KeyboardInterrupt):
            furnishing.seed(settings)
    assert people(settings) == 0
    assert furnishing.seed(settings) is True
    assert furnishing.seed(settings) is False
    assert people(settings) == len(PHONES)
    with open_storage(settings) as database, database.reader() as connection:
        waiting = "SELECT count(*) FROM submission WHERE coalesce(validation_state, '') <> 'validated'"
        assert connection.exec_driver_sql(waiting).scalar_one() == len(furnishing.WAITING)


def test_a_demo_that_goes_on_forgets_the_cards_of_its_empty_phones(tmp_path: Path) -> None:
    """It begins where it began, or a minute after the last update that the bot has taken."""
    settings = settings_in(tmp_path)
    list(set_up(settings, BEGINS))
    furnishing.seed(settings)
    assert furnishing.wake(settings) == BEGINS
    with open_storage(settings) as database:
        taken = "INSERT INTO processed_update (bot_id, update_id, processed_at) VALUES (7, 7, '2018-11-01 12:00:00')"
        database.units.submit(None, lambda unit: unit.connection.exec_driver_sql(taken)).result()
    assert furnishing.wake(settings) > BEGINS


def test_another_process_furnishes_and_the_page_is_told_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it goes on, its holidays, a token; of two demos one after the other only the last one is told of events."""
    monkeypatch.chdir(tmp_path)
    demo.FOLDER.mkdir()
    settings = demo.demo_settings()
    for _ in range(2):
        receiver = Receiver()
        found = demo._furnish_apart(settings, receiver)
        receiver.server_close()
        assert found.start == BEGINS
        assert date(2018, 12, 25) in found.holidays
        with open_storage(settings) as database, database.view() as unit:
            plan_id = unit.plans.only().id
            [token] = unit.tokens.all(plan_id, only_open=True)
            assert unit.tokens.admitted(found.data_token) == token
            [heard] = unit.endpoints.all(plan_id)
            assert heard.host == furnishing.HERE


def test_above_each_phone_stands_what_its_role_does() -> None:
    """Somebody who has never seen a commission knows it from the page alone, in each of its languages, in one line."""
    for member in PHONES:
        titles = member.title
        assert set(titles) == set(LANGUAGES)
        for language, title in titles.items():
            assert title.endswith(DOES[member.role][language])
            assert len(title) <= 33
