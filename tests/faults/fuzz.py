"""T10: every kind of update that the Bot API has, as its document describes it and mutated, at the shipped bot.

First strangers send them, then people with a role. A stranger's may be refused, ignored, set aside or answered, and
changes nothing that the bot knows; of nobody's does the bot die, and at the end everybody is still answered.
"""

import copy
import hashlib
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bot.sandbox import people
from bot.sandbox.schema import FACTS
from storage.database.models import Base
from tests.faults.deployment import Cast, Deployment, deployed, until
from tests.faults.outcome import Outcome

Json = dict[str, Any]

KINDS = tuple(field.name for field in FACTS.types["Update"] if field.name != "update_id")
STRANGERS = range(800_001, 800_041)
NONSENSE: tuple[Any, ...] = (
    None, "", "x", "ñ😀", "\x00", -1, 0, 2**31, 2**53, 2**63 - 1, 1.5, 1e300, True, [], {}, [[]],
    {"id": None}, {"type": "private"}, "a" * 5000, "<b>", "{", [{}] * 50,
)  # fmt: skip
SAID = (
    "/start", "/start x", "/start " + "A" * 43, "/help", "/pending", "/referrals", "/cancel", "/export", "/people",
    "/pause", "/remind", "/close", "50", "Yes", "no", "hola", "/" + "x" * 300, "/start@enlace_demo_bot", "١٢", "1e999",
)  # fmt: skip
PRESSED = (
    "f:1:1:y", "f:1:0:0", "f:ffffffffffff:1:0", "c:pending", "c:", "c:close", "c:people:1", "r:1", "x", ":", "f:",
    "f:1:1:next", "c:export:all", "c:pause:1", "c:cancel", "f:1:1:back", "f:-1:-1:-1",
)  # fmt: skip
TRACES = frozenset(
    {"processed_update", "poison_update", "outbox", "card", "chat", "stranger", "replica", "restricted_message"}
)
"""Tables in which an update leaves its trace whoever sent it: that it was seen, set aside, and what was replied or
taken out of the chat."""
UNREADABLE: Json = {"callback_query": {"id": "1", "from": None, "chat_instance": "x"}}
"""Set aside for certain, whatever the dice say of the others."""
OWN_FACTS = ("telegram.", "ready.", "alarm.", "coverage.", "vitals", "lineage")
"""How the names of facts begin that a running bot notes of itself, whoever writes to it."""


class Author:
    """Makes updates that one person might send, or somebody who can send anything in their name."""

    def __init__(self, dice: random.Random, number: int, pressed: Iterable[str] = ()) -> None:
        self.dice, self.number = dice, number
        self.pressed = (*PRESSED, *pressed)

    def update(self, kind: str) -> Json:
        types = next(field.types for field in FACTS.types["Update"] if field.name == kind)
        body = self.value(types, kind)
        if isinstance(body, dict) and self.dice.random() < 0.9:
            self._sign(body, kind)
        for _ in range(self.dice.choice((0, 0, 0, 1, 1, 3))):
            self._mutate(body)
        return {kind: body}

    def value(self, types: tuple[str, ...], name: str, depth: int = 0) -> Any:
        """What the document says."""
        dice, kind = self.dice, self.dice.choice(types)
        if kind.startswith("Array of "):
            inner = (kind.removeprefix("Array of "),)
            return [self.value(inner, name, depth + 1) for _ in range(dice.randint(0, 2))]
        match kind, name:
            case "Integer", "date" | "edit_date":
                return 1_538_553_600
            case "Integer", "message_id":
                return dice.randint(0, 30)
            case "Integer", _:
                return dice.choice((-1, 0, 1, 100, self.number))
            case "Float", _:
                return dice.choice((-91.0, 0, 18.5))
            case "Boolean" | "True", _:
                return True
            case "String", "data":
                return dice.choice(self.pressed)
            case "String", "text":
                return dice.choice(SAID)
            case "String", "type":
                return dice.choice(("private", "group", "supergroup", "channel", "bot_command", "regular"))
            case "String", "status":
                return dice.choice(("member", "left", "kicked", "administrator", "restricted"))
            case "String", _:
                return dice.choice(("", "x", "ñ😀", "a" * 200))
        if kind in FACTS.subtypes:
            kind = dice.choice(FACTS.subtypes[kind])
        return {
            field.name: self.value(field.types, field.name, depth + 1)
            for field in FACTS.types.get(kind, ())
            if (field.is_required and depth < 6) or (depth < 4 and dice.random() < 0.12)
        }

    def _sign(self, body: Json, kind: str) -> None:
        """Who sent it, and in which chat: their own, mostly."""
        author = {"id": self.number, "is_bot": False, "first_name": "X"}
        chat = {"id": self.number, "type": "private", "first_name": "X"}
        if self.dice.random() < 0.15:
            chat = {
                "id": -1_000_000_000_123,
                "type": self.dice.choice(("group", "supergroup", "channel")),
                "title": "G",
            }
        names = {field.name for field in FACTS.types[next(iter(self._types(kind)))]}
        body |= {name: author for name in ("from", "user") if name in names}
        body |= {"chat": chat} if "chat" in names else {}
        if kind == "callback_query":
            body["message"] = {"message_id": self.dice.randint(1, 30), "date": 1_538_553_600, "chat": chat}
            body |= {"id": str(self.dice.randrange(10**9)), "data": self.dice.choice(self.pressed)}
        if kind in ("message", "edited_message") and self.dice.random() < 0.7:
            body["text"] = self.dice.choice(SAID)

    @staticmethod
    def _types(kind: str) -> tuple[str, ...]:
        return next(field.types for field in FACTS.types["Update"] if field.name == kind)

    def _mutate(self, body: Any) -> None:
        """Somewhere in it something is missing, or something else."""
        while isinstance(body, dict | list) and body:
            keys = list(body) if isinstance(body, dict) else list(range(len(body)))
            key = self.dice.choice(keys)
            if isinstance(body[key], dict | list) and body[key] and self.dice.random() < 0.7:
                body = body[key]
            elif self.dice.random() < 0.4:
                del body[key]
                return
            else:
                body[key] = copy.deepcopy(self.dice.choice(NONSENSE))
                return


def fuzzed(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(8, 2),
    rounds: int = 8,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """So many updates of every kind from strangers, and as many from people with a role (T10)."""
    outcome = Outcome()
    with deployed(folder, kind, cast, webhook=webhook) as deployment:
        deployment.start(plant=plant)
        for number in cast.numbers:
            people.say(deployment.world, number, "/pending")
        settle(deployment)
        known = knowledge(deployment)
        send(deployment, dice, STRANGERS, rounds, outcome, "of strangers", until_time)
        changed = sorted(name for name, said in knowledge(deployment).items() if said != known[name])
        outcome.violations += [f"strangers have changed {name}" for name in changed]
        if deployment.bot.is_alive:
            drawn = {
                button["callback_data"]
                for seen in list(deployment.world.ledger.since(0))
                for row in (seen.message or {}).get("reply_markup", {}).get("inline_keyboard", ())
                for button in row
                if "callback_data" in button
            }
            send(deployment, dice, cast.numbers, rounds, outcome, "of people", until_time, tuple(drawn))
        outcome.violations += unanswered(deployment)
        outcome.counts["set aside"] = deployment.rows("SELECT count(*) FROM poison_update")[0][0]
        log = deployment.bot.log()
        outcome.violations += [f"the log speaks of {word}" for word in ("update.not_set_aside",) if word in log]
        deployment.bot.stop()
    return outcome


def send(
    deployment: Deployment,
    dice: random.Random,
    authors: range,
    rounds: int,
    outcome: Outcome,
    name: str,
    until_time: float | None,
    pressed: tuple[str, ...] = (),
) -> None:
    for _ in range(rounds):
        if until_time is not None and time.monotonic() > until_time:
            break
        for kind in KINDS:
            deployment.world.inject(copy.deepcopy(Author(dice, dice.choice(authors), pressed).update(kind)))
            outcome.counts[name] += 1
            outcome.counts["answers"] += 1
    deployment.world.inject(copy.deepcopy(UNREADABLE))
    settle(deployment)
    if not deployment.bot.is_alive:
        outcome.violations.append(f"the bot has died of updates {name}: {deployment.bot.log()[-300:]}")


def settle(deployment: Deployment) -> None:
    """Until Telegram keeps nothing for the bot, and it has nothing left to say."""
    until(
        lambda: not deployment.bot.is_alive or (not deployment.world.bot.pending and not deployment.is_anything_open()),
        lambda: f"{[each.body for each in deployment.world.bot.pending[:3]]}\n{deployment.bot.log()[-3000:]}",
    )


def knowledge(deployment: Deployment) -> dict[str, str]:
    """By table, what the bot knows, in a few letters."""
    known = {}
    for name in Base.metadata.tables.keys() - TRACES:
        rows = deployment.rows(f'SELECT * FROM "{name}"')
        if name == "fact":
            rows = [row for row in rows if not row[0].startswith(OWN_FACTS)]
        known[name] = hashlib.sha256(repr(sorted(map(repr, rows))).encode()).hexdigest()
    return known


def unanswered(deployment: Deployment) -> list[str]:
    """Everybody asks for help: their chat is not stuck."""
    if not deployment.bot.is_alive:
        return []
    asked = deployment.world.ledger.entries.total
    for number in deployment.cast.numbers:
        deployment.world.bot.chats[number].blocked = False
        people.start(deployment.world, number)
        people.say(deployment.world, number, "/help")
    settle(deployment)
    heard = {seen.chat for seen in list(deployment.world.ledger.since(asked)) if seen.what == "send"}
    return [f"nobody answers {number}" for number in deployment.cast.numbers if number not in heard]
