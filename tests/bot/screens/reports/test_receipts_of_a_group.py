"""Receipts that are given in one transaction, on PostgreSQL: each says what is left when all of them are stored."""

import re
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.open_storage import open_storage
from bot.telegram.handled import Handled
from storage.database.models import RestrictedMessage, table
from storage.database.unit import Opening
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import BOT, Desk, buttons, press, tap, text_of
from tests.bot.house import ANA, LUIS, furnish, settings_in
from tests.deadlines import PATIENCE
from tests.storage.database import scratch
from tests.storage.database.groups import gathered


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with scratch.schema_or_skip() as url:
        furnish(tmp_path, url)
        with open_storage(settings_in(tmp_path, database_url=url)) as database:
            yield Desk(database)


def to_be_sent(desk: Desk, who: int, code: str) -> str:
    """This report, as last month, waits to be sent. Return what the button carries."""
    asked = press(desk, who, tap(desk, who, "reportar", f"a.{code}.201809"), "Igual que el reporte anterior")
    assert asked.deliveries
    review = buttons(desk.say(who, "Seguir con la pauta"), who)
    return next(data for words, data in review.items() if "Enviar ahora" in words)


def standing(unit: UnitOfWork) -> list[Any]:
    """The restricted messages that no call takes out of their chat."""
    rows = table(RestrictedMessage)
    return list(unit.connection.execute(select(rows.c.id).where(rows.c.outbox_id.is_(None))))


def test_receipts_of_one_group_say_what_is_left_after_all_of_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two colleagues send the last reports of their agency at once: nothing is left to either of them, and both may
    close. What was restricted leaves its chat.
    """
    send = {ANA: to_be_sent(desk, ANA, "PRE-101"), LUIS: to_be_sent(desk, LUIS, "ASI-201")}
    assert desk.do(standing)
    sent = {}
    with gathered(desk.database), monkeypatch.context() as patch:
        for who, data in send.items():

            def begin(who: int = who, **update: Any) -> Future[Handled]:
                desk.update_id += 1
                work = partial(desk._handle, raw={"update_id": desk.update_id, **update})
                return desk.database.units.submit(who, work, opening=Opening(who, BOT, desk.update_id))

            patch.setattr(desk, "give", begin)
            sent[who] = desk.tap(who, data)
    receipts = {who: future.result(PATIENCE) for who, future in sent.items()}
    assert desk.database.units.parted == 0
    for who, receipt in receipts.items():
        assert "Era el último" in text_of(receipt, who)
    assert len({re.findall(r"Recibo n.º (\d+)", text_of(receipt))[0] for receipt in receipts.values()}) == 2
    assert not desk.do(standing)
