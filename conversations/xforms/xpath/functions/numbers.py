"""Functions of numbers. They return NaN or infinity where Python raises."""

import math
from collections.abc import Callable

from conversations.xforms.xpath.compiler import Compiler
from conversations.xforms.xpath.conversions import Compiled
from conversations.xforms.xpath.syntax import Call
from conversations.xforms.xpath.values import INFINITY, NAN, number_of


def random(_compiler: Compiler, _call: Call) -> Compiled:
    return Compiled("number", lambda s: int(s.session.random_text()[:12], 16) / 16**12)


def round_half_away(value: float, digits: float = 0.0) -> float:
    """Round half away from zero. The decimal point is shifted in binary, as in the web engine."""
    if not math.isfinite(value) or not math.isfinite(digits):
        return value if digits == digits else NAN
    shift = 10.0 ** max(-30.0, min(30.0, digits))
    shifted = abs(value) * shift
    return math.copysign(math.floor(shifted + 0.5) / shift, value) if shifted < 1e300 else value


def truncate(value: float) -> float:
    return float(math.trunc(value)) if math.isfinite(value) else value


def guarded(function: Callable[..., float]) -> Callable[..., float]:
    """Return NaN or infinity where a function of `math` raises."""

    def call(*values: float) -> float:
        try:
            return float(function(*values))
        except OverflowError:
            return INFINITY
        except (ValueError, ZeroDivisionError):
            return NAN

    return call


def logarithm(base: Callable[[float], float]) -> Callable[[float], float]:
    """A logarithm that is -infinity at 0 and NaN below."""
    return lambda value: -INFINITY if value == 0 else base(value) if value > 0 else NAN


def power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return INFINITY
    except ValueError:
        return INFINITY if base == 0 else NAN


def numbers_in(texts: list[str]) -> list[float]:
    """The texts that are numbers."""
    return [value for value in map(number_of, texts) if value == value]


def total(texts: list[str]) -> float:
    return math.fsum(numbers_in(texts)) if len(texts) > 2 else float(sum(numbers_in(texts)))
