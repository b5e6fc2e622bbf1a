"""The Bot API's methods, their parameters, and the types inside them.

Telegram ignores a parameter that it does not know, and reads `"limit": "many"` as no limit, so a typing error may live
for years. The sandbox reads the same facts (`bot_api.json`, version 10.1: names, types, required or not). It is
stricter than Telegram in exactly two places: a value of the wrong type is always refused, and unknown parameters are
remembered (`Call.unknown`) so that a test can insist that there are none.

Values arrive as JSON, as form fields or in the query string; nested ones may be JSON inside a string. After `read` they
are all the same: numbers, strings, booleans, lists and dicts, and `Upload` for an attached file.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

from bot.sandbox.refusals import Refusal, bad_request

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a call."""

    name: str
    data: bytes
    mime: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of a method or one field of a type."""

    name: str
    types: tuple[str, ...]
    is_required: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """The Bot API as its document describes it."""

    version: str
    methods: Mapping[str, tuple[Field, ...]]
    returns: Mapping[str, tuple[str, ...]]
    types: Mapping[str, tuple[Field, ...]]
    subtypes: Mapping[str, tuple[str, ...]]


def _load() -> Facts:
    raw = orjson.loads(files("bot.sandbox").joinpath("bot_api.json").read_bytes())

    def fields(entry: Json) -> tuple[Field, ...]:
        return tuple(Field(name, tuple(types), needed) for name, types, needed in entry["fields"])

    return Facts(
        raw["version"],
        {name: fields(entry) for name, entry in raw["methods"].items()},
        {name: tuple(entry["returns"]) for name, entry in raw["methods"].items()},
        {name: fields(entry) for name, entry in raw["types"].items()},
        {name: tuple(entry["subtypes"]) for name, entry in raw["types"].items() if "subtypes" in entry},
    )


FACTS: Final = _load()
_METHOD_NAMES: Final = {name.lower(): name for name in FACTS.methods}

# What Telegram says if a parameter is missing. For all others: parameter "x" is required.
MISSING: Final[Mapping[str, str]] = {
    "chat_id": "chat_id is empty",
    "from_chat_id": "chat_id is empty",
    "user_id": "invalid user_id specified",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "message_ids": "message identifiers are not specified",
    "file_id": "file_id not specified",
    "callback_query_id": "query is too old and response timeout expired or query ID is invalid",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "audio": "there is no audio in the request",
    "video": "there is no video in the request",
    "voice": "there is no voice in the request",
    "animation": "there is no animation in the request",
    "sticker": "there is no sticker in the request",
    "video_note": "there is no video note in the request",
}
# How Telegram names a thing that it cannot read.
SPOKEN: Final[Mapping[str, str]] = {
    "InlineKeyboardButton": "inline keyboard button",
    "KeyboardButton": "keyboard button",
    "reply_markup": "reply markup",
    "scope": "BotCommandScope",
    "menu_button": "menu button",
}
_LIMIT_OF_INTEGER: Final = 2**63


def method_named(name: str) -> str | None:
    """The method as the document writes it. Telegram ignores upper and lower case."""
    return _METHOD_NAMES.get(name.lower())


def read(method: str, given: Mapping[str, Any], uploads: Mapping[str, Upload]) -> tuple[Json, list[str]]:
    """The parameters of one call, checked and typed, and the unknown names.

    An upload stands at its field; the method resolves `attach://name`. Raises Refusal in Telegram's words at the first
    parameter that is missing or has the wrong type.
    """
    known = _readers(method)
    parameters: Json = {}
    for field, reader in known.items():
        if field.name in uploads and any(kind == "InputFile" for kind in field.types):
            parameters[field.name] = uploads[field.name]
            continue
        value = given.get(field.name)
        if value is None or (value == "" and (not field.is_required or field.types != ("String",))):
            if field.is_required:
                raise bad_request(MISSING.get(field.name, f'parameter "{field.name}" is required'))
            continue
        parameters[field.name] = reader(value, field.name)
    names = {field.name for field in known}
    return parameters, sorted(name for name in given if name not in names and name != "method")


def conform(kind: str, value: object) -> object:
    """The value itself, if it is of the type that the document calls `kind`. Raises Refusal otherwise.

    It checks the sandbox's own answers: a test compares them with the document that the bot's library was written from.
    """
    return _reader((kind,), nested=True)(value, kind)


Reader = Callable[[Any, str], Any]


@cache
def _readers(method: str) -> Mapping[Field, Reader]:
    return {field: _reader(field.types, nested=False) for field in FACTS.methods[method]}


@cache
def _reader(types: tuple[str, ...], *, nested: bool) -> Reader:
    if types == ("Integer", "String"):
        return _integer_or_string
    if len(types) > 1:
        if all(kind.startswith("Array of ") for kind in types):  # sendMediaGroup: each item names its own type
            return _array(_one_of(tuple(kind.removeprefix("Array of ") for kind in types)), nested, "InputMedia")
        if types == ("InputFile", "String"):
            return _string
        return _object(_one_of(types), nested)
    kind = types[0]
    if kind.startswith("Array of "):
        item = kind.removeprefix("Array of ")
        return _array(_reader((item,), nested=True), nested, item)
    match kind:
        case "Integer":
            return _integer
        case "Float":
            return _float
        case "Boolean" | "True":
            return _boolean if nested else _spoken_boolean
        case "String" | "InputFile":
            return _string
        case "RichText" | "RichBlock" | "InputMessageContent" | "InlineQueryResult" | "CallbackGame":
            return _object(_anything, nested)
    if kind in FACTS.subtypes:
        return _object(_one_of(FACTS.subtypes[kind], kind), nested)
    return _object(_fields_of(kind), nested)


def _integer(value: Any, name: str) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        value = int(value)
    if type(value) is not int or not -_LIMIT_OF_INTEGER <= value < _LIMIT_OF_INTEGER:
        raise bad_request(f'field "{name}" must be of type Number')
    return value


def _integer_or_string(value: Any, name: str) -> int | str:
    if isinstance(value, str) and not re.fullmatch(r"-?\d{1,19}", value):
        return value
    return _integer(value, name)


def _float(value: Any, name: str) -> float:
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", value):
        return float(value)
    if type(value) in (int, float):
        return float(value)
    raise bad_request(f'field "{name}" must be of type Number')


def _boolean(value: Any, name: str) -> bool:
    if type(value) is bool:
        return value
    raise bad_request(f'field "{name}" must be of type Boolean')


def _spoken_boolean(value: Any, name: str) -> bool:
    if isinstance(value, str):
        if value.lower() in ("true", "t", "yes", "y", "1"):
            return True
        if value.lower() in ("false", "f", "no", "n", "0", ""):
            return False
    return _boolean(bool(value) if value in (0, 1) else value, name)


def _string(value: Any, name: str) -> str:
    if type(value) is str:
        return value
    if type(value) in (int, float):
        return str(value)
    raise bad_request(f'field "{name}" must be of type String')


def _anything(value: Any, name: str) -> Any:
    return value


def _from_text(value: Any, name: str) -> Any:
    if isinstance(value, str):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            words = "reply keyboard markup" if name == "reply_markup" else SPOKEN.get(name, name)
            raise bad_request(f"can't parse {words} JSON object") from None
    return value


def _array(item: Reader, nested: bool, item_name: str) -> Reader:
    def read_array(value: Any, name: str) -> list[Any]:
        value = value if nested else _from_text(value, name)
        if not isinstance(value, list):
            raise bad_request(
                f'field "{name}" must be of type Array' if nested else f"expected an Array of {item_name}"
            )
        return [item(entry, name) for entry in value]

    return read_array


def _object(inner: Reader, nested: bool) -> Reader:
    def read_object(value: Any, name: str) -> Any:
        return inner(value if nested else _from_text(value, name), name)

    return read_object


def _fields_of(kind: str) -> Reader:
    spoken = SPOKEN.get(kind, kind)

    def read_fields(value: Any, name: str) -> Json:
        if kind == "KeyboardButton" and isinstance(value, str):
            return {"text": value}
        if not isinstance(value, dict):
            raise bad_request(f"{spoken} must be an Object" if name == kind else f"object expected as {name}")
        result: Json = {}
        for field, reader in _type_readers(kind).items():
            entry = value.get(field.name)
            if entry is None:
                if field.is_required:
                    if kind == "InlineKeyboardMarkup":
                        raise bad_request("inline keyboard expected")
                    raise bad_request(f"can't parse {spoken}: Can't find field \"{field.name}\"")
                continue
            try:
                result[field.name] = reader(entry, field.name)
            except Refusal as refusal:
                if refusal.description.startswith('Bad Request: field "'):
                    words = refusal.description.removeprefix("Bad Request: field")
                    raise bad_request(f"can't parse {spoken}: Field{words}") from None
                raise
        return result

    return read_fields


@cache
def _type_readers(kind: str) -> Mapping[Field, Reader]:
    return {field: _reader(field.types, nested=True) for field in FACTS.types[kind]}


def _one_of(kinds: tuple[str, ...], family: str = "") -> Reader:
    """Return the reader that the value's `type` names. If it has no `type`, return the reader of its fields."""

    def read_one(value: Any, name: str) -> Any:
        if not isinstance(value, dict):
            raise bad_request(f"object expected as {SPOKEN.get(name, name)}")
        for kind in kinds:
            if _is_named(value, kind, family):
                return _fields_of(kind)(value, name)
        raise bad_request(f"can't parse {SPOKEN.get(name, name)}: Unsupported type specified")

    return read_one


def _is_named(value: Json, kind: str, family: str) -> bool:
    fields = FACTS.types[kind]
    names = {field.name for field in fields}
    for key in ("type", "status", "source"):
        if key in names and isinstance(value.get(key), str):
            return str(value[key]) in (_snake(kind, family), _NAMED_OTHERWISE.get(kind))
    return all(field.name in value for field in fields if field.is_required)


# The values of `type` and `status` that do not follow from the name of the type.
_NAMED_OTHERWISE: Final[Mapping[str, str]] = {
    "ChatMemberOwner": "creator",
    "ChatMemberBanned": "kicked",
}


@cache
def _snake(kind: str, family: str) -> str:
    prefix = family or next((p for p in ("InputMedia", "InputPaidMedia") if kind.startswith(p)), "")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.removeprefix(prefix)).lower()
