"""The shipped bot, as a process of its own, before a Telegram that fails or says what the library does not know.

Hours of a 429 and a kill between a call and its record are in tests/faults (T4, T1: `before_marking`).
"""

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
import telegram

from bot.sandbox.faults import Fault
from bot.telegram.handled import TokenRejected
from tests.bot.house import ANA, PEDRO, Town, town_in
from tests.deadlines import ended, wait_until

pytestmark = pytest.mark.slow

PLACE = {"location": {"latitude": 18.4, "longitude": -69.9}}
UNREAD: dict[str, dict[str, Any]] = {
    "message": {"document": {"file_id": "x"}, "caption": "la víctima Yuleisi Peralta"},
    "edited_message": {"venue": PLACE, "caption": "x"},
    "callback_query": {"id": "1", "data": "c:menu", "chat_instance": "1", "message": {"message_id": 3}},
    "my_chat_member": {"new_chat_member": {"status": "kicked"}},
    "hologram": {"depth": 3},
}
"""By kind, what python-telegram-bot cannot read, or does not know."""


@pytest.mark.parametrize("webhook", [False, True], ids=["polling", "webhook"])
@pytest.mark.parametrize("status", [401, 404])
def test_a_token_that_is_revoked_while_the_bot_runs_ends_it(
    tmp_path: Path, furnished: Path, status: int, webhook: bool
) -> None:
    """One line names the setting; `enlace status` and the admins hear of it later; the token is nowhere."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    with town_in(tmp_path, None, webhook=webhook) as town:
        town.sandbox.world.faults.add(Fault("refuse", status=status, description="Unauthorized"))
        assert town.process is not None
        assert ended(town.process, show=town.logged) == 1
        assert town.logged().splitlines()[-1] == f"enlace: {TokenRejected()}"
        assert town.sandbox.token.partition(":")[2] not in town.logged()
        assert "Traceback" not in town.logged()
        assert town.rows("SELECT count(*) FROM fact WHERE name LIKE 'alarm.%' AND name LIKE '%token_rejected%'") == [
            (1,)
        ]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_page_of_somebody_on_the_way_is_no_word_of_telegrams(town: Town, status: int) -> None:
    """A captive portal answers each call for a while: nobody has blocked the bot, the token is as good as before."""
    for method in ("sendMessage", "getUpdates", "editMessageText", "getMe"):
        town.sandbox.world.faults.add(Fault("html", method, status=status, times=2))
    town.officer(ANA).say("/menu")
    wait_until(lambda: _hits(town) >= 4, "both have met the page", show=town.logged)
    assert town.officer(ANA).say("/menu")
    assert town.rows("SELECT count(*) FROM person WHERE unreachable_at IS NOT NULL") == [(0,)]
    assert town.rows("SELECT count(*) FROM outbox WHERE state NOT IN ('sent', 'queued', 'sending')") == [(0,)]


def test_answers_that_are_cut_in_half_lose_nothing(town: Town) -> None:
    """What was done is not known then: updates come again and change nothing, a reply is said again."""
    for method in ("sendMessage", "getUpdates"):
        town.sandbox.world.faults.add(Fault("truncated", method, when="after", times=2))
    town.officer(ANA).say("/menu")
    wait_until(lambda: _hits(town) == 4, "both were cut", show=town.logged)
    assert town.officer(ANA).say("/ayuda")
    town.rest()
    assert town.rows("SELECT count(*) FROM outbox WHERE state NOT IN ('sent', 'queued', 'sending')") == [(0,)]


def _hits(town: Town) -> int:
    return sum(rule.hits for rule in town.sandbox.world.faults.rules)


def _is_read_by_the_library(update: dict[str, Any]) -> bool:
    try:
        return telegram.Update.de_json(copy.deepcopy({"update_id": 1} | update)).effective_user is not None
    except (KeyError, TypeError):
        return False


@pytest.mark.parametrize("webhook", [False, True], ids=["polling", "webhook"])
def test_an_update_that_the_library_cannot_read_stops_nobody(tmp_path: Path, furnished: Path, webhook: bool) -> None:
    """Whoever writes behind it is answered, in the same chat too; the guard has read its words all the same."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    with town_in(tmp_path, None, webhook=webhook) as town:
        world = town.sandbox.world
        officer = {"id": ANA, "is_bot": False, "first_name": "Ana"}
        chat = {"id": ANA, "type": "private", "first_name": "Ana"}
        for number, (kind, content) in enumerate(UNREAD.items()):
            signed = content | {"from": officer, "chat": chat, "date": int(world.now())}
            update = {kind: {"message_id": 900 + number} | signed}
            assert not _is_read_by_the_library(update)
            world.inject(update)
        assert town.officer(PEDRO).say("/menu")
        assert town.officer(ANA).say("/menu")
        town.rest()
        assert not world.bot.pending
        assert town.process is not None
        assert town.process.poll() is None
        asked = [call.params for call in world.calls if call.method in ("deleteMessage", "deleteMessages")]
        assert any(900 in (each.get("message_id"), *each.get("message_ids", ())) for each in asked)
