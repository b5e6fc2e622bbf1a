"""Functions of text. They count characters in UTF-16 units, as both reference engines do."""

import base64
import binascii
import hashlib
import math

import re2

from conversations.xforms.xpath.compiler import Compiler
from conversations.xforms.xpath.conversions import Compiled
from conversations.xforms.xpath.expression import Scope, joined
from conversations.xforms.xpath.functions.arguments import read_through
from conversations.xforms.xpath.syntax import Call, ExpressionError
from conversations.xforms.xpath.values import INFINITY, cut_units, length_of, pattern, to_text


def concat(compiler: Compiler, call: Call) -> Compiled:
    gets = [compiler.texts(compiler.compile(tree, all_instances=True)) for tree in call.arguments]
    return Compiled("string", lambda s: joined(s.session, "", [text for get in gets for text in get(s)]))


def join(compiler: Compiler, call: Call) -> Compiled:
    separator = compiler.text(compiler.compile(call.arguments[0]))
    gets = [compiler.texts(compiler.compile(tree, all_instances=True)) for tree in call.arguments[1:]]
    return Compiled("string", lambda s: joined(s.session, separator(s), [text for get in gets for text in get(s)]))


def regex(compiler: Compiler, call: Call) -> Compiled:
    """regex(): search for a pattern. A pattern in the form must compile; a pattern from an answer may be invalid."""
    text = read_through(compiler.text(compiler.compile(call.arguments[0])))
    source = compiler.compile(call.arguments[1])
    if source.constant:
        try:
            search = pattern(to_text(source.value)).search
        except re2.error as error:
            raise ExpressionError("regex", call.at, pattern=to_text(source.value), reason=_readable(error)) from None
        return Compiled("boolean", lambda s: search(text(s)) is not None)
    pattern_text = compiler.text(source)

    def regex(scope: Scope) -> bool:
        written = pattern_text(scope)
        scope.session.spend(100 + len(written))
        try:
            return pattern(written).search(text(scope)) is not None
        except re2.error:
            return False

    return Compiled("boolean", regex)


def _readable(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)


def uuid(compiler: Compiler, call: Call) -> Compiled:
    if call.arguments:
        length = compiler.number(compiler.compile(call.arguments[0]))

        def token(scope: Scope) -> str:
            wanted = length(scope)
            count = min(int(wanted), 1000) if wanted == wanted and wanted > 0 else 0
            text = ""
            while len(text) < count:
                text += scope.session.random_text()
            return text[:count]

        return Compiled("string", token)

    def uuid(scope: Scope) -> str:
        digits = scope.session.random_text()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"

    return Compiled("string", uuid)


def is_selected(chosen: str, value: str) -> bool:
    value = value.strip()
    return value != "" and value in chosen.split()


def selected_at(chosen: str, at: float) -> str:
    parts = chosen.split()
    return parts[int(at)] if at == at and 0 <= at < len(parts) else ""


def substr(text: str, start: float, end: float = INFINITY) -> str:
    """substr(): from 0, and a negative number counts from the end."""
    size = length_of(text)
    first, last = (_offset(value, size) for value in (start, end))
    return cut_units(text, first, last) if first < last else ""


def _offset(value: float, size: int) -> int:
    if value != value:
        return 0
    value = value + size if value < 0 else value
    return int(min(max(value, 0), size))


def substring(text: str, start: float, length: float = INFINITY) -> str:
    """substring(): XPath's own, from 1, and with a length."""
    if start != start or length != length:
        return ""
    first = _half_up(start)
    last = first + (_half_up(length) if math.isfinite(length) else length_of(text) + abs(first) + 1)
    return cut_units(text, max(first - 1, 0), max(last - 1, 0))


def _half_up(value: float) -> int:
    return math.floor(value + 0.5) if math.isfinite(value) else 0


def translate(text: str, old: str, new: str) -> str:
    table: dict[int, str | None] = {}
    for index, character in enumerate(old):
        table.setdefault(ord(character), new[index] if index < len(new) else None)
    return text.translate(table)


_DIGESTS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def digest(text: str, algorithm: str, encoding: str = "base64") -> str:
    name = _DIGESTS.get(algorithm.upper())
    if name is None:
        return ""
    value = hashlib.new(name, text.encode("utf-8", "replace"), usedforsecurity=False).digest()
    return value.hex() if encoding == "hex" else base64.b64encode(value).decode("ascii")


def base64_decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
