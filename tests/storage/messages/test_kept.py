"""What one chat sends in excess waits here (S16): what becomes of it if its writer may not be answered any more."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.messages.kept import BOT_FACT
from storage.unit_of_work import UnitOfWork
from storage.upkeep.retention import RETENTION

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
BOT = 7_000_000_001


@pytest.mark.parametrize(("is_restricted", "leave"), [(True, [11, 12]), (False, [])])
def test_what_is_kept_beside_a_restricted_form_leaves_the_chat_also_if_its_writer_is_suspended(
    world: Any, apply: Apply, is_restricted: bool, leave: list[int]
) -> None:
    """S15: nobody reads it then, so nobody would note it. Taps have no message of the person's."""
    chat_id, person_id = world.telegram_ids[0], world.person_ids[0]

    def keep(unit: UnitOfWork) -> None:
        session = world.open(unit, "uuid:kept", sensitive=is_restricted)
        unit.chats.lock(chat_id, person_id)
        unit.chats.set(chat_id, session_id=session.id)
        written: list[dict[str, Any]] = [
            {"update_id": number, "message": {"message_id": number, "text": "la mesa zorzal"}} for number in (11, 12)
        ]
        other: list[dict[str, Any]] = [
            {"update_id": 13, "callback_query": {"id": "1", "message": {"message_id": 5}}},
            {"update_id": 14, "message": "nothing that Telegram sends"},
        ]
        unit.kept.keep(BOT, chat_id, [*written, *other], NOW)

    apply(keep)
    apply(lambda unit: unit.leaving.suspend(person_id, now=NOW, by=None))
    due = apply(lambda unit: unit.restricted.due(NOW + timedelta(seconds=1), chat_id=chat_id))
    assert sorted(number for each in due for number in _numbers(each.payload)) == leave


def test_what_is_kept_for_the_bot_that_runs_here_is_never_deleted_unapplied(apply: Apply) -> None:
    """It was acknowledged. It may look a week old only because the clock has jumped, or the bot was down."""
    update = {"update_id": 1, "message": {"message_id": 1}}
    apply(lambda unit: [unit.kept.keep(bot_id, 601, [update], NOW) for bot_id in (BOT, BOT + 1)])
    later = NOW + timedelta(days=8)
    rule = next(rule for rule in RETENTION if rule.name == "updates")
    assert apply(lambda unit: rule.at(unit, later)) == 0, "whose is not known"
    apply(lambda unit: unit.facts.set(BOT_FACT, str(BOT), later))
    assert apply(lambda unit: rule.at(unit, later)) == 1
    assert apply(lambda unit: [unit.kept.chats(bot_id).keys() for bot_id in (BOT, BOT + 1)]) == [{601}, set()]


def _numbers(payload: dict[str, Any]) -> list[int]:
    return list(payload.get("message_ids", ())) or [payload["message_id"]]
