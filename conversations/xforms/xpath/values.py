"""Convert texts, numbers and dates into each other as ODK does.

Every answer is stored as text. A text that is no number is NaN, a date that does not exist is blank. Nothing raises.
"""

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import re2

NAN = math.nan
INFINITY = math.inf
DATE_PATTERN = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?\s*$"
)
EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or a dateTime as it is written: the time on the wall, and its offset if it has one."""

    wall: datetime
    has_time: bool
    offset: str

    @property
    def days(self) -> float:
        """Days since 1970-01-01, with the time as a fraction."""
        whole = self.wall.toordinal() - EPOCH
        if not self.has_time:
            return float(whole)
        seconds = self.wall.hour * 3600 + self.wall.minute * 60 + self.wall.second + self.wall.microsecond / 1e6
        return whole + seconds / 86_400

    @property
    def text(self) -> str:
        if not self.has_time:
            return f"{self.wall:%Y-%m-%d}" if self.wall.year > 999 else self.wall.date().isoformat()
        return self.wall.isoformat(timespec="milliseconds") + self.offset


def moment(text: str) -> Moment | None:
    """Read a date or dateTime. None if the text is neither, or if there is no such day."""
    found = DATE_PATTERN.match(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        wall = datetime(  # noqa: DTZ001  (wall time: the offset is kept beside it)
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
        )  # fmt: skip
    except ValueError:
        return None
    return Moment(wall, hour is not None, written_offset(offset))


def written_offset(offset: str | None) -> str:
    """An offset as ODK writes it: `+00:00`, never `Z` or `-0400`."""
    if not offset:
        return ""
    if offset == "Z":
        return "+00:00"
    digits = offset[1:].replace(":", "").ljust(4, "0")
    return f"{offset[0]}{digits[:2]}:{digits[2:]}"


def number_of(text: str) -> float:
    """Convert text to a number. A date is its days since 1970-01-01; any other text is NaN."""
    if not text:
        return NAN
    try:
        value = float(text)
    except ValueError:
        if len(text) < 8:
            return NAN
        found = moment(text)
        return NAN if found is None else found.days
    if "_" in text or (not math.isfinite(value) and text.strip().lstrip("+-") != "Infinity"):
        return NAN
    return value


def text_of(value: float) -> str:
    """Write a number as ODK does: no exponent below 1e21, no ".0"; NaN is blank."""
    if value != value:
        return ""
    if value in (INFINITY, -INFINITY):
        return "Infinity" if value > 0 else "-Infinity"
    if value == (whole := int(value)) and abs(whole) < 10**21:
        return str(whole)
    written = repr(float(value))
    if "e-" in written:
        digits, exponent = written.split("e-")
        if int(exponent) <= 6:
            return format(Decimal(written), "f")
        return f"{digits}e-{int(exponent)}"
    return written


def to_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    return text_of(value)  # type: ignore[arg-type]


def to_number(value: object) -> float:
    return number_of(value) if isinstance(value, str) else float(value)  # type: ignore[arg-type]


def to_truth(value: object) -> bool:
    if isinstance(value, str):
        return value != ""
    return bool(value) and value == value


def units(text: str) -> bytes:
    """The text in UTF-16 units of two bytes."""
    return text.encode("utf-16-le", "surrogatepass")


def length_of(text: str) -> int:
    """The length of a text as both reference engines count it: in UTF-16 units."""
    return len(text) if text.isascii() else len(units(text)) // 2


def cut_units(text: str, start: int, end: int) -> str:
    """Cut a text at UTF-16 units."""
    if text.isascii():
        return text[start:end]
    # Half of a surrogate pair cannot be stored as UTF-8; JavaRosa's "?" stands for it.
    return units(text)[2 * start : 2 * end].decode("utf-16-le", "replace").replace("�", "?")


@lru_cache(maxsize=2048)
def pattern(source: str) -> Any:
    """Compile a regular expression that runs in linear time. Raises re2.error if it cannot."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(re.sub(r"\\u([0-9A-Fa-f]{4})", r"\\x{\1}", source), options)
