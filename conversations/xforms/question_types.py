"""The question types of XLSForm: some forty. ODK fixes what is stored for each, down to the decimals.

Kobo, ODK Central and spreadsheets read submissions. They know "12", "2018-10-03" and "18.47 -69.89 0.0 5.0". So
whatever a chat accepts is cast to exactly that or refused. `QUESTION_TYPES` is the table of all types: how each appears
in an XForm, whether it is asked, how it is cast, and what a chat does differently. The conformance table of
docs/xlsform.md and the notes of `enlace form check` are made from it.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from conversations.xforms.limits import FILE_MB
from conversations.xforms.xpath.values import moment, number_of, text_of, written_offset

Support = Literal["same", "differs", "unsupported"]
Cast = Callable[[str, Mapping[str, str]], str | None]

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TIME = re.compile(r"\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?\s*$")
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff￾￿]")
_INT_LIMIT = 2**31


def clean(text: str) -> str:
    """The text without characters that XML or a database cannot hold: control characters and half surrogates."""
    return _UNSTORABLE.sub("", text)


def decimal_text(value: float) -> str:
    """A decimal as ODK stores it: always with a fraction, `37.0`."""
    written = "-0" if value == 0 and math.copysign(1, value) < 0 else text_of(value)
    return written if "." in written or "e" in written else f"{written}.0"


def _text(value: str, _parameters: Mapping[str, str]) -> str | None:
    return clean(value)


def _integer(value: str, _parameters: Mapping[str, str]) -> str | None:
    value = value.strip()
    if not _INTEGER.fullmatch(value):
        return None
    number = int(value)
    return str(number) if -_INT_LIMIT <= number < _INT_LIMIT else None


def _decimal(value: str, _parameters: Mapping[str, str]) -> str | None:
    value = value.strip()
    if not _DECIMAL.fullmatch(value):
        return None
    number = float(value)
    return decimal_text(number) if math.isfinite(number) else None


def _date(value: str, _parameters: Mapping[str, str]) -> str | None:
    found = moment(value)
    return found.wall.date().isoformat() if found is not None else None


def _date_time(value: str, parameters: Mapping[str, str]) -> str | None:
    found = moment(value)
    if found is None:
        return None
    return found.wall.isoformat(timespec="milliseconds") + (found.offset or parameters.get("offset", ""))


def _time(value: str, parameters: Mapping[str, str]) -> str | None:
    found = _TIME.match(value)
    if found is None:
        return None
    hour, minute, second, fraction, offset = found.groups()
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 59:
        return None
    milliseconds = (fraction or "0")[:3].ljust(3, "0")
    written = written_offset(offset) or parameters.get("offset", "")
    return f"{int(hour):02d}:{minute}:{second or '00'}.{milliseconds}{written}"


def _point(value: str, _parameters: Mapping[str, str]) -> str | None:
    parts = value.split()
    numbers = [number_of(part) for part in parts]
    if not 2 <= len(parts) <= 4 or not all(math.isfinite(number) for number in numbers):
        return None
    if abs(numbers[0]) > 90 or abs(numbers[1]) > 180:
        return None
    if not any(numbers):
        # A phone without a position sends this; both reference engines take it for no answer.
        return None
    return " ".join(decimal_text(number) for number in numbers)


def _origin(value: str) -> str | None:
    """Refuse the point 0 0: nobody is there. It may be a point of a line, though."""
    numbers = [number_of(part) for part in value.split()]
    is_origin = 2 <= len(numbers) <= 4 and all(number == 0 for number in numbers)
    return " ".join(decimal_text(number) for number in numbers) if is_origin else None


def _points(least: int, *, closed: bool) -> Cast:
    def cast(value: str, parameters: Mapping[str, str]) -> str | None:
        parts = [part for part in value.split(";") if part.strip()]
        found = [_point(part, parameters) or _origin(part) for part in parts]
        if len(found) < least or None in found or (closed and found[0] != found[-1]):
            return None
        return ";".join(point for point in found if point is not None)

    return cast


_trace = _points(2, closed=False)
_shape = _points(4, closed=True)


def _range(value: str, parameters: Mapping[str, str]) -> str | None:
    number = number_of(value)
    start, end = number_of(parameters.get("start", "")), number_of(parameters.get("end", ""))
    if not math.isfinite(number) or number < min(start, end) or number > max(start, end):
        return None
    if parameters.get("value_type") == "int":
        return _integer(value, parameters)
    return decimal_text(number)


def _acknowledge(value: str, _parameters: Mapping[str, str]) -> str | None:
    return "OK" if value == "OK" else None


def _words(value: str, _parameters: Mapping[str, str]) -> str | None:
    return " ".join(clean(value).split())


@dataclass(frozen=True, slots=True)
class QuestionType:
    """One question type.

    `cast` turns an understood answer into exactly what ODK stores, or None if the type cannot hold it. A blank is never
    cast. `chat` says what a chat does differently; the docs and `form check` print it.
    """

    name: str
    control: str
    value_type: str
    is_asked: bool
    cast: Cast
    support: Support
    chat: str

    @property
    def is_free(self) -> bool:
        """Whether an answer is words, a place or a file, and not a figure, a date or a choice.

        Such answers about a restricted activity are forgotten after some months (`storage/upkeep/retention.py`).
        """
        return self.is_asked and (self.name == "text" or self.value_type in _FREE)


_FREE = frozenset({"barcode", "geopoint", "geotrace", "geoshape", "binary"})
_type = QuestionType


QUESTION_TYPES: dict[str, QuestionType] = {
    entry.name: entry
    for entry in (
        #     name                control    value type  asked  cast          support
        _type("text", "input", "string", True, _text, "same", "A typed reply."),
        _type("integer", "input", "int", True, _integer, "same", "A typed reply, read as people write numbers."),
        _type("decimal", "input", "decimal", True, _decimal, "same", "A typed reply, read as people write numbers."),
        _type("date", "input", "date", True, _date, "same", "A calendar keyboard, or typed."),
        _type("time", "input", "time", True, _time, "same", "An hour, then a minute; or typed."),
        _type("dateTime", "input", "dateTime", True, _date_time, "same", "A calendar, an hour, a minute; or typed."),
        _type("select_one", "select1", "string", True, _text, "same", "Buttons; paged over 8, searched over 20."),
        _type("select_multiple", "select", "string", True, _words, "same", "Toggles and Done."),
        _type("rank", "rank", "string", True, _words, "same", "Tapped in order, with undo."),
        _type("range", "range", "decimal", True, _range, "same", "Value buttons or, over 20 steps, a stepper."),
        _type("acknowledge", "trigger", "string", True, _acknowledge, "same", "One button."),
        _type("note", "input", "string", True, _text, "same", "Text without a reply; notes in a row are merged."),
        _type("barcode", "input", "barcode", True, _text, "differs", "Typed: a chat has no scanner."),
        _type("geopoint", "input", "geopoint", True, _point, "same", "Shared location or venue, with its accuracy."),
        _type("geotrace", "input", "geotrace", True, _trace, "differs", "Points one by one, shared or typed."),
        _type("geoshape", "input", "geoshape", True, _shape, "differs", "Points one by one; it closes itself."),
        _type("image", "upload", "binary", True, _text, "same", f"A photo, {FILE_MB} MB; its metadata is removed."),
        _type("audio", "upload", "binary", True, _text, "same", f"A voice message or audio file, {FILE_MB} MB."),
        _type("video", "upload", "binary", True, _text, "same", f"A video, {FILE_MB} MB."),
        _type("file", "upload", "binary", True, _text, "same", f"A document, {FILE_MB} MB; its bytes are kept."),
        _type("osm", "upload", "binary", True, _text, "unsupported", "OpenStreetMap editing needs a map editor."),
        _type("calculate", "", "string", False, _text, "same", "Not shown."),
        _type("hidden", "", "string", False, _text, "same", "Not shown; the bot may fill it in."),
        _type("start", "", "dateTime", False, _date_time, "same", "When the session began."),
        _type("end", "", "dateTime", False, _date_time, "same", "When it was sent."),
        _type("today", "", "date", False, _date, "same", "The day the session began."),
        _type("username", "", "string", False, _text, "same", "The person's name in the bot."),
        _type("deviceid", "", "string", False, _text, "differs", "Blank: a bot does not see the phone."),
        _type("phonenumber", "", "string", False, _text, "differs", "Blank: a bot does not see the number."),
        _type("email", "", "string", False, _text, "differs", "Blank: a bot does not know it."),
        _type("start-geopoint", "", "geopoint", False, _point, "unsupported", "A bot cannot read a location unasked."),
        _type("background-audio", "", "binary", False, _text, "unsupported", "A bot cannot listen."),
        _type("audit", "", "binary", False, _text, "unsupported", "No log of taps is kept beside the submission."),
        _type("entity", "", "string", False, _text, "unsupported", "Entity lists are read, not written."),
    )
}


_UPLOADS = {"image": "image", "audio": "audio", "video": "video", "osm": "osm"}
_INPUTS = {
    "int": "integer", "integer": "integer", "long": "integer", "decimal": "decimal", "date": "date", "time": "time",
    "dateTime": "dateTime", "geopoint": "geopoint", "geotrace": "geotrace", "geoshape": "geoshape",
    "barcode": "barcode",
}  # fmt: skip
_CONTROLS = {"select1": "select_one", "select": "select_multiple", "rank": "rank", "trigger": "acknowledge"}


def type_of(control: str, value_type: str, *, mediatype: str = "", readonly: bool = False) -> str:
    """The question type that a control of an XForm stands for; "" for a control that is not known."""
    if control in _CONTROLS:
        return _CONTROLS[control]
    if control == "range":
        return "range"
    if control == "upload":
        return _UPLOADS.get(mediatype.partition("/")[0], "file")
    if control in ("input", "secret"):
        return "note" if readonly else _INPUTS.get(value_type, "text")
    return ""


def coerce(value_type: str, value: str) -> str:
    """A calculated or scripted value as ODK's engines store it: tolerant where they are, blank if it cannot be used.

    12.9 becomes the integer 12, a dateTime becomes the date. A person's answer goes through `QuestionType.cast`
    instead.
    """
    if value == "":
        return ""
    match value_type:
        case "int" | "integer" | "long":
            number = number_of(value)
            whole = math.trunc(number) if math.isfinite(number) else _INT_LIMIT
            return str(whole) if -_INT_LIMIT <= whole < _INT_LIMIT else ""
        case "decimal":
            number = number_of(value)
            return decimal_text(number) if math.isfinite(number) else ""
        case _:
            return _COERCED.get(value_type, _text)(value, {}) or ""


_line = _points(1, closed=False)
_COERCED: Mapping[str, Cast] = {
    "date": _date, "dateTime": _date_time, "time": _time, "geopoint": _point, "geotrace": _line, "geoshape": _line,
}  # fmt: skip
