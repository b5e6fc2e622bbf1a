"""The dispatch over a real database, fed with raw updates, for what needs no process and no wire."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from bot.chat.exchange import Deployment
from bot.chat.form_cache import FormCache
from bot.dispatch import Dispatch
from bot.settings import Settings
from bot.telegram.handled import Handled
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.taps import command_token

T = TypeVar("T")

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
BOT = 7000000001


def settings_in(folder: Path, api: str = "http://127.0.0.1:1", database_url: str = "") -> Settings:
    return Settings(
        telegram_token=SecretStr("7000000001:SANDBOX-token-for-the-demo-only"),
        telegram_api=api,
        database_url=database_url or f"sqlite:///{folder / 'enlace.db'}",
        timezone="America/Santo_Domingo",
        language="es",
        files=folder / "evidence",
        keys=folder / "keys.json",
        webhook_url=None,
    )


class Desk:
    """The dispatch over a real database, fed with raw updates; nothing is sent anywhere."""

    def __init__(self, database: Database) -> None:
        self.database = database
        if database.units.replica_id is None:  # as `enlace run`, which sends what it says
            database.units.replica_id = self.do(lambda unit: unit.replicas.add(NOW))
        numbers = iter(range(1, 10**9))
        self.house = Deployment(
            bot_id=BOT,
            bot_username=lambda: "enlace_demo_bot",
            language="es",
            timezone="America/Santo_Domingo",
            forms=FormCache("America/Santo_Domingo"),
            new_instance_id=lambda: f"uuid:test-{next(numbers)}",
        )
        self.dispatch = Dispatch(self.house)
        self.now = NOW
        self.update_id = 10
        self.message_id = 100

    def do(self, work: Callable[[UnitOfWork], T]) -> T:
        """In a unit of its own."""
        return self.database.units.submit(None, work).result()

    def give(self, **update: Any) -> Handled:
        self.update_id += 1
        raw = {"update_id": self.update_id, **update}
        return self.database.units.submit(None, partial(self._handle, raw=raw)).result()

    def _handle(self, unit: Any, raw: dict[str, Any]) -> Handled:
        return self.dispatch.handle(unit, raw, self.now)

    def say(self, who: int, text: str | None, *, chat: dict[str, Any] | None = None, **more: Any) -> Handled:
        self.message_id += 1
        return self.give(
            message={
                "message_id": self.message_id,
                "date": 1538568000,
                "chat": chat or {"id": who, "type": "private"},
                "from": {"id": who, "is_bot": False, "first_name": "X", "language_code": "es"},
                "text": text,
                **more,
            }
        )

    def tap(self, who: int, data: str, *, chat: dict[str, Any] | None = None) -> Handled:
        return self.give(
            callback_query={
                "id": str(self.update_id),
                "from": {"id": who, "is_bot": False, "first_name": "X", "language_code": "es"},
                "message": {"message_id": 1, "date": 1, "chat": chat or {"id": who, "type": "private"}},
                "chat_instance": "1",
                "data": data,
            }
        )

    def state(self) -> list[Any]:
        """Everything that an act could change, but not what was said about it."""
        with self.database.reader() as connection:
            return [
                connection.exec_driver_sql(statement).fetchall()
                for statement in (
                    "SELECT id, person_id, state, version, data, sealed_data FROM session",
                    "SELECT id, version, is_current, answers FROM submission",
                    "SELECT id, role, active_to FROM membership",
                    "SELECT count(*) FROM invitation",
                    "SELECT count(*) FROM closing",
                    "SELECT id, language, privacy_accepted_at, suspended_at FROM person",
                )
            ]


def said(handled: Handled, to: int) -> list[str]:
    """What somebody's phone shows of it, oldest first."""
    return [str(row.payload["text"]) for row in handled.deliveries if row.chat_id == to and "text" in row.payload]


def buttons(handled: Handled, to: int) -> dict[str, str]:
    """The buttons of the last message to somebody: words and what they do."""
    marked = [row for row in handled.deliveries if row.chat_id == to and row.payload.get("reply_markup")]
    rows: list[list[dict[str, Any]]] = marked[-1].payload["reply_markup"]["inline_keyboard"]
    return {button["text"]: button.get("callback_data", "") for row in rows for button in row}


def press(desk: Desk, who: int, handled: Handled, words: str) -> Handled:
    return desk.tap(who, buttons(handled, who)[words])


def tap(desk: Desk, who: int, name: str, argument: str = "") -> Handled:
    return desk.tap(who, command_token(name, argument))


def text_of(handled: Handled, to: int | None = None) -> str:
    """All that is said, in one chat or in every one; of a file, its caption."""
    rows = [row for row in handled.deliveries if to is None or row.chat_id == to]
    return "\n".join(str(row.payload.get("text", row.payload.get("caption", ""))) for row in rows)


def keys(handled: Handled, to: int | None = None) -> list[tuple[str, str]]:
    """Every button that is shown, in one chat or in every one: its words and what it carries."""
    return [
        (button["text"], button.get("callback_data", ""))
        for row in handled.deliveries
        if to is None or row.chat_id == to
        for line in row.payload.get("reply_markup", {}).get("inline_keyboard", [])
        for button in line
    ]


def taps(handled: Handled, to: int | None = None) -> list[str]:
    """What every button carries."""
    return [carried for _, carried in keys(handled, to)]


def is_denied(handled: Handled) -> bool:
    """An alert, and nothing else."""
    return handled.answer is not None and handled.answer.show_alert and not handled.deliveries
