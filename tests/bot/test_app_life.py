"""A bot's life from its start to its end, as the composition root orders it: nothing that lies there is forgotten."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from bot.acts.sharing import exports
from bot.demo.cast import BEGINS
from bot.open_storage import BOT_USERNAME, open_storage
from bot.workers import evidence, trying
from conversations.languages import LANGUAGES
from conversations.wording import wording
from storage.database.models import Job, PoisonUpdate, table
from storage.messages.kept import BOT_FACT
from storage.messages.outbox import OutboxDraft
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import BOT, settings_in
from tests.bot.house import ANA, LUIS, PEDRO, Town, town_in
from tests.deadlines import ended, wait_until

pytestmark = pytest.mark.slow

KINDS = (*evidence.KINDS, *(f"{evidence.SLOW}{kind}" for kind in evidence.KINDS), *trying.KINDS, exports.KIND)
"""Of every worker."""


def leave(unit: UnitOfWork) -> None:
    """What a bot that was killed has left: an update that is acknowledged, a message, jobs, and a defect."""
    unit.replicas.add(BEGINS)
    who: dict[str, Any] = {"id": ANA, "type": "private", "is_bot": False, "first_name": "X"}
    said = {"message_id": 9, "date": int(BEGINS.timestamp()), "chat": who, "from": who, "text": "/menu"}
    unit.kept.keep(BOT, ANA, [{"update_id": 9, "message": said}], BEGINS)
    unit.outbox.add(OutboxDraft(LUIS, "notice", "sendMessage", {"text": "left behind"}), now=BEGINS)
    poison = {"bot_id": BOT, "update_id": 8, "update_type": "message", "reason": "x", "set_aside_at": BEGINS}
    unit.connection.execute(insert(table(PoisonUpdate)).values(**poison))
    jobs = [{"kind": kind, "payload": {}, "state": "queued", "created_at": BEGINS} for kind in KINDS]
    unit.connection.execute(insert(table(Job)), jobs)


def test_all_that_a_dead_bot_left_is_taken_up_and_an_end_leaves_nothing(tmp_path: Path, furnished: Path) -> None:
    """Its update is applied, its message sent, its jobs are begun, its trouble is told; then it ends, and is gone."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    with open_storage(settings_in(tmp_path)) as database:
        database.units.submit(None, leave).result()
    with town_in(tmp_path, None) as town:
        title = wording("es")("alarm.poison.title")
        town.officer(PEDRO).wait_for(title)
        town.officer(LUIS).wait_for("left behind")
        wait_until(lambda: town.officer(ANA).from_bot, "the update that was kept is answered", show=town.logged)
        wait_until(
            lambda: town.rows("SELECT count(*) FROM job WHERE attempts = 0") == [(0,)],
            "each worker has begun its jobs",
            show=lambda: town.rows("SELECT kind FROM job WHERE attempts = 0"),
        )
        wait_until(lambda: menus(town) == len(LANGUAGES), "the menus are set", show=town.logged)
        facts = dict(town.rows("SELECT name, value FROM fact"))
        assert (facts[BOT_USERNAME], facts[BOT_FACT]) == (town.sandbox.world.bot.username, str(BOT))
        assert json.loads(facts["vitals"])["version"]
        assert "ended uncleanly" in town.logged()

    assert town.process is not None
    assert ended(town.process, show=town.logged) == 0
    assert town.rows("SELECT id FROM replica") == []
    assert town.logged().count("bot.stopped") == 1


def menus(town: Town) -> int:
    return sum(call.method == "setMyCommands" for call in town.sandbox.world.calls)
