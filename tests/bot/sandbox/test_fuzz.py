"""Whatever a bot sends, the sandbox answers: with a result of the promised type or a refusal, never with a crash."""

import inspect
import random
from typing import Any

import pytest

from bot.sandbox import people
from bot.sandbox.methods import EMPTY, METHODS, perform
from bot.sandbox.methods.call import Call
from bot.sandbox.refusals import Refusal
from bot.sandbox.schema import FACTS, Upload, conform, read
from bot.sandbox.telegram import Person, World

ANA = 501
ROUNDS = 150
NONSENSE: tuple[Any, ...] = (
    None,
    "",
    "x",
    "ñ😀",
    -1,
    0,
    2**70,
    1.5,
    True,
    [],
    {},
    [[]],
    {"type": "x"},
    "{",
    "[",
    "<b>",
    "@x",
)


@pytest.fixture
def world() -> World:
    """A chat with every kind of message in it, and a group."""
    world = World(start=1_538_553_600)
    world.add_person(Person(ANA, "Ana"), started=True)
    people.say(world, ANA, "hola")
    people.send_files(world, ANA, "document", [Upload("a.txt", b"x")])
    people.add_to_group(world, -100123, "Grupo", [ANA])
    do(
        world,
        "sendMessage",
        chat_id=ANA,
        text="x",
        reply_markup={"inline_keyboard": [[{"text": "a", "callback_data": "a"}]]},
    )
    do(world, "sendPoll", chat_id=ANA, question="x", options=[{"text": "a"}, {"text": "b"}])
    do(world, "sendDocument", chat_id=ANA, document=next(iter(world.files)))
    people.tap(world, ANA, 3, data="a")
    return world


def do(world: World, method: str, **given: Any) -> Any:
    return perform(Call(world, world.bot, method, read(method, given, {})[0], {}))


def value_for(dice: random.Random, world: World, types: tuple[str, ...], name: str, depth: int = 0) -> Any:
    """Mostly what the document says, sometimes not."""
    if dice.random() < 0.07:
        return dice.choice(NONSENSE)
    kind = dice.choice(types)
    if kind.startswith("Array of "):
        inner = (kind.removeprefix("Array of "),)
        return [value_for(dice, world, inner, name, depth + 1) for _ in range(dice.randint(0, 3))]
    match kind, name:
        case _, "chat_id" | "from_chat_id":
            return dice.choice([ANA, ANA, -100123, 42, "@x"])
        case _, "message_id" | "message_ids":
            return dice.randint(0, 8)
        case "String" | "InputFile", "file_id" | "media" | "document" | "photo":
            return dice.choice([*world.files, "x", "attach://x"])
        case _, "callback_query_id":
            return dice.choice([*world.bot.queries, "x"])
        case _, "parse_mode":
            return dice.choice(["HTML", "html", "x"])
        case _, "type":
            return dice.choice(
                ["photo", "document", "emoji", "chat", "default", "web_app", "bold", "all_private_chats"]
            )
        case _, "url":
            return dice.choice(["", "https://example.org/x", "http://127.0.0.1:9/x", "a b"])
        case ("Integer", _):
            return dice.choice([-1, 0, 1, 3, 100, ANA])
        case ("Float", _):
            return dice.choice([-91.0, 0, 18.5])
        case ("Boolean", _):
            return dice.random() < 0.5
        case ("String" | "InputFile", _):
            return dice.choice(["", "x", "<b>y</b>", "<b>", "a" * 5000, "😀/start", "typing", "👍", "a_b"])
    if depth > 3 or kind not in FACTS.types:
        return {}
    if kind in FACTS.subtypes:
        kind = dice.choice(FACTS.subtypes[kind])
    fields = FACTS.types[kind]
    return {
        field.name: value_for(dice, world, field.types, field.name, depth + 1)
        for field in fields
        if dice.random() < (0.95 if field.is_required else 0.3)
    }


@pytest.mark.parametrize("method", sorted((set(METHODS) | set(EMPTY)) - {"getUpdates"}))
def test_any_parameters_are_answered_or_refused(world: World, method: str) -> None:
    """Results conform to the document, refusals say why, and a refused call shows no phone anything."""
    dice = random.Random(method)
    for _ in range(ROUNDS):
        given = {
            field.name: value_for(dice, world, field.types, field.name)
            for field in FACTS.methods[method]
            if dice.random() < (0.95 if field.is_required else 0.25)
        }
        before = len(world.ledger.entries)
        try:
            result = perform(Call(world, world.bot, method, read(method, given, {})[0], {}))
        except Refusal as refusal:
            words = refusal.description
            refused = True
        else:
            refused = False
        if refused:
            assert words.startswith(("Bad Request: ", "Forbidden: ", "Request Entity"))
            assert len(world.ledger.entries) == before
            continue
        assert not inspect.isawaitable(result)
        promised = FACTS.returns[method][0]
        if promised not in ("Boolean", "Integer", "String"):
            conform(promised, result)


def test_any_control_request_is_answered(world: World) -> None:
    """Acts of people with nonsense in them are impossible or refused, never a crash."""
    dice = random.Random(1)
    for _ in range(500):
        act = dice.choice([people.say, people.edit, people.tap, people.start, people.forward])
        try:
            match act:
                case people.edit:
                    people.edit(world, ANA, dice.randint(-1, 9), dice.choice(["x", "", "a" * 5000]))
                case people.tap:
                    people.tap(
                        world,
                        ANA,
                        dice.randint(-1, 9),
                        data=dice.choice(["a", "", None]),
                        text=dice.choice([None, "a"]),
                    )
                case people.start:
                    people.start(world, ANA, dice.choice(["", "x", "ñ"]))
                case people.forward:
                    people.forward(world, ANA, {"text": "x"})
                case _:
                    people.say(world, dice.choice([ANA, 7]), dice.choice(["x", "", "\x00", "a" * 5000]))
        except (people.ImpossibleError, Refusal):
            continue
    for pending in world.bot.pending:
        conform("Update", {"update_id": pending.update_id, **pending.body})
