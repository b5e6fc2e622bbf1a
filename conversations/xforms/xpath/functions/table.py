"""The functions that an expression may call: ODK's library, one row for each.

A form that calls another name is refused when it is published. docs/xlsform.md is made from this table.
"""

import math
import operator

from conversations.xforms.xpath.compiler import Functions
from conversations.xforms.xpath.conversions import fixed
from conversations.xforms.xpath.functions.arguments import of_all_texts, of_values, or_of_own_value
from conversations.xforms.xpath.functions.dates import date_function, date_time, decimal_time, format_date, now, today
from conversations.xforms.xpath.functions.geography import area, distance, geofence
from conversations.xforms.xpath.functions.logic import boolean, checklist, coalesce, if_, once, weighted_checklist
from conversations.xforms.xpath.functions.nodes import (
    choice_name,
    count,
    current,
    indexed_repeat,
    instance,
    itext,
    last,
    name_of,
    position,
    pulldata,
    randomize,
    version,
)
from conversations.xforms.xpath.functions.numbers import (
    guarded,
    logarithm,
    numbers_in,
    power,
    random,
    round_half_away,
    total,
    truncate,
)
from conversations.xforms.xpath.functions.text import (
    base64_decode,
    concat,
    digest,
    is_selected,
    join,
    regex,
    selected_at,
    substr,
    substring,
    translate,
    uuid,
)
from conversations.xforms.xpath.values import NAN, length_of

FUNCTIONS: Functions = {
    # name: fewest and most arguments, how it is compiled
    "if": (3, 3, if_),
    "coalesce": (1, None, coalesce),
    "once": (1, 1, once),
    # truth
    "true": (0, 0, lambda _c, _t: fixed(True, "boolean")),
    "false": (0, 0, lambda _c, _t: fixed(False, "boolean")),
    "not": (1, 1, of_values("boolean", "b", operator.not_)),
    "boolean": (1, 1, boolean),
    "boolean-from-string": (1, 1, of_values("boolean", "t", lambda text: text.lower() in ("true", "1"))),
    "checklist": (2, None, checklist),
    "weighted-checklist": (2, None, weighted_checklist),
    # choices
    "selected": (2, 2, of_values("boolean", "t", is_selected)),
    "selected-at": (2, 2, of_values("string", "tn", selected_at)),
    "count-selected": (1, 1, of_values("number", "t", lambda text: float(len(text.split())))),
    "jr:choice-name": (2, 2, choice_name),
    "choice-name": (2, 2, choice_name),
    "jr:itext": (1, 1, itext),
    "randomize": (1, 2, randomize),
    # text
    "string": (0, 1, or_of_own_value(of_values("string", "t", lambda text: text))),
    "concat": (1, None, concat),
    "join": (1, None, join),
    "contains": (2, 2, of_values("boolean", "t", lambda text, part: part in text)),
    "starts-with": (2, 2, of_values("boolean", "t", lambda text, part: text.startswith(part))),
    "ends-with": (2, 2, of_values("boolean", "t", lambda text, part: text.endswith(part))),
    "substr": (2, 3, of_values("string", "tn", substr)),
    "substring": (2, 3, of_values("string", "tn", substring)),
    "substring-before": (2, 2, of_values("string", "t", lambda t, p: t.partition(p)[0] if p and p in t else "")),
    "substring-after": (2, 2, of_values("string", "t", lambda t, p: t.partition(p)[2] if p else t)),
    "string-length": (0, 1, or_of_own_value(of_values("number", "t", lambda text: float(length_of(text))))),
    "normalize-space": (0, 1, or_of_own_value(of_values("string", "t", lambda text: " ".join(text.split())))),
    "translate": (3, 3, of_values("string", "t", translate)),
    "regex": (2, 2, regex),
    "digest": (2, 3, of_values("string", "t", digest)),
    "base64-decode": (1, 1, of_values("string", "t", base64_decode)),
    "uuid": (0, 1, uuid),
    # numbers
    "number": (0, 1, or_of_own_value(of_values("number", "n", float))),
    "int": (1, 1, of_values("number", "n", truncate)),
    "round": (1, 2, of_values("number", "n", round_half_away)),
    "floor": (1, 1, of_values("number", "n", lambda x: float(math.floor(x)) if math.isfinite(x) else x)),
    "ceiling": (1, 1, of_values("number", "n", lambda x: float(math.ceil(x)) if math.isfinite(x) else x)),
    "abs": (1, 1, of_values("number", "n", abs)),
    "pow": (2, 2, of_values("number", "n", power)),
    "sqrt": (1, 1, of_values("number", "n", guarded(math.sqrt))),
    "exp": (1, 1, of_values("number", "n", guarded(math.exp))),
    "exp10": (1, 1, of_values("number", "n", lambda x: power(10.0, x))),
    "log": (1, 1, of_values("number", "n", logarithm(math.log))),
    "log10": (1, 1, of_values("number", "n", logarithm(math.log10))),
    "pi": (0, 0, lambda _c, _t: fixed(math.pi, "number")),
    "sin": (1, 1, of_values("number", "n", guarded(math.sin))),
    "cos": (1, 1, of_values("number", "n", guarded(math.cos))),
    "tan": (1, 1, of_values("number", "n", guarded(math.tan))),
    "asin": (1, 1, of_values("number", "n", guarded(math.asin))),
    "acos": (1, 1, of_values("number", "n", guarded(math.acos))),
    "atan": (1, 1, of_values("number", "n", guarded(math.atan))),
    "atan2": (2, 2, of_values("number", "n", guarded(math.atan2))),
    "random": (0, 0, random),
    # many values
    "sum": (1, None, of_all_texts("number", total)),
    "max": (1, None, of_all_texts("number", lambda texts: max(numbers_in(texts), default=NAN))),
    "min": (1, None, of_all_texts("number", lambda texts: min(numbers_in(texts), default=NAN))),
    "count": (1, 1, count),
    "count-non-empty": (1, 1, of_all_texts("number", lambda texts: float(sum(1 for text in texts if text != "")))),
    # nodes
    "position": (0, 1, position),
    "last": (0, 0, last),
    "indexed-repeat": (3, None, indexed_repeat),
    "instance": (1, 1, instance),
    "current": (0, 0, current),
    "pulldata": (4, 4, pulldata),
    "name": (0, 1, name_of),
    "local-name": (0, 1, name_of),
    "version": (0, 0, version),
    # dates
    "today": (0, 0, today),
    "now": (0, 0, now),
    "date": (1, 1, date_function),
    "date-time": (1, 1, date_time),
    "decimal-date-time": (1, 1, of_values("number", "n", float)),
    "decimal-time": (1, 1, of_values("number", "t", decimal_time)),
    "format-date": (2, 2, of_values("string", "t", format_date)),
    "format-date-time": (2, 2, of_values("string", "t", format_date)),
    # geography
    "area": (1, 1, of_values("number", "t", area)),
    "distance": (1, None, of_values("number", "t", distance)),
    "geofence": (2, 2, of_values("boolean", "t", geofence)),
}
