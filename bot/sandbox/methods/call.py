"""One call of the Bot API, as a method gets it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.schema import Upload
from bot.sandbox.telegram import Bot, World

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the bot, the method, its parameters as schema.py read them, and all attached files."""

    world: World
    bot: Bot
    method: str
    params: Json
    uploads: Mapping[str, Upload]
    is_counted: bool = False  # already counted against the limits
    forgets: bool = True  # getUpdates only; a `repeat` fault makes it false

    def user(self, user_id: int) -> Json | None:
        """A person whom this bot has met."""
        person = self.world.people.get(user_id)
        return person.user() if person is not None else None


@dataclass(frozen=True, slots=True)
class Described:
    """The result True, with the sentence that Telegram adds to it."""

    description: str


Method = Callable[[Call], Any]
