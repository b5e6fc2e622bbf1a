"""What a chat does with everything an XLSForm can say: the tables behind docs/xlsform.md and `form check`.

An author writes for a phone app or a web page, and a chat is neither. `form check` names every difference with its row
before a form is published. A word that is in no table is named as unknown. Nothing is dropped silently.

A `Feature` is "same" (as in ODK Collect or Kobo), "differs" (works, but looks or is asked otherwise) or "unsupported"
(has no counterpart; the form works without it). `way` is the catalogue's sentence that explains it: `way.WAY`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from conversations.wording import wording
from conversations.xforms.question_types import QUESTION_TYPES, Support
from conversations.xforms.xpath.functions.table import FUNCTIONS

Kind = Literal["column", "appearance", "parameter", "setting", "sheet"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One word of an XLSForm."""

    kind: Kind
    name: str
    support: Support
    way: str = ""


def _same(kind: Kind, names: str) -> list[Feature]:
    return [Feature(kind, name, "same") for name in names.split()]


def _differs(kind: Kind, way: str, names: str) -> list[Feature]:
    return [Feature(kind, name, "differs", way) for name in names.split()]


def _unsupported(kind: Kind, names: str) -> list[Feature]:
    return [Feature(kind, name, "unsupported", "unsupported") for name in names.split()]


FEATURES: tuple[Feature, ...] = (
    *_same("sheet", "survey choices settings"),
    *_unsupported("sheet", "entities external_choices osm cascades columns"),
    # survey and choices, by their plain names (`label::Español (es)` is label, `bind::relevant` relevant)
    *_same(
        "column",
        "type name label hint guidance_hint required required_message relevant constraint constraint_message"
        " calculation choice_filter default read_only trigger repeat_count parameters appearance media disabled"
        " list_name"
        " image audio video big-image enlace jr orx odk",
    ),
    *_differs(
        "column",
        "ignored",
        "autoplay rows instance tag no_app_error_string noapperrorstring hxl compact_tag accuracythreshold"
        " saveincomplete",
    ),
    *_unsupported(
        "column",
        "save_to intent sms_field sms_option sms_separator sms_allow_media sms_date_format sms_datetime_format"
        " sms_response",
    ),
    *_same(
        "appearance",
        "minimal quick quickcompact columns likert field-list multiline numbers month-year year no-calendar"
        " thousands-sep w",
    ),
    *_differs(
        "appearance",
        "ignored",
        "compact horizontal horizontal-compact counter bearing masked hide-input hidden-answer vertical"
        " no-ticks",
    ),
    *_differs("appearance", "map", "maps map placement-map"),
    *_differs("appearance", "photo", "signature draw annotate new new-front new-rear selfie"),
    *_differs(
        "appearance",
        "gregorian",
        "ethiopian coptic islamic bikram-sambat myanmar persian buddhist",
    ),
    *_differs("appearance", "typed", "autocomplete url picker"),
    *_differs("appearance", "buttons", "image-map columns-pack rating distress"),
    *_differs("appearance", "grid", "table-list list label list-nolabel summary"),
    *_unsupported("appearance", "ex search printer"),
    *_same("parameter", "start end step randomize seed max-pixels value label"),
    *_differs(
        "parameter",
        "ignored",
        "quality rows incremental tick_interval tick_labelset placeholder capture-accuracy warning-accuracy"
        " allow-mock-accuracy",
    ),
    *_unsupported(
        "parameter",
        "app location-priority location-min-interval location-max-age track-changes identify-user"
        " track-changes-reasons",
    ),
    *_same(
        "setting",
        "form_id id_string form_title title version default_language instance_name allow_choice_duplicates name"
        " namespaces clean_text_values style",
    ),
    *_differs("setting", "server", "submission_url auto_send auto_delete public_key instance_id omit_instanceid"),
    *_differs("setting", "ignored", "prefix delimiter sms_keyword sms_separator sms_allow_media sms_date_format"
              " sms_datetime_format sms_response compact_prefix compact_delimiter add_none_option"),
)  # fmt: skip

_BY_NAME = {(feature.kind, feature.name): feature for feature in FEATURES}

FOREIGN_FUNCTIONS = {
    "difference-in-months": "The Community Health Toolkit's own; use `int((today() - ${d}) div 30.4375)`.",
    "parse-timestamp-to-date": "The Community Health Toolkit's own.",
    "comment-status": "OpenClinica's own.",
    "search": "Put the list into a file and use `select_one_from_file`.",
}


def feature(kind: Kind, name: str) -> Feature:
    """The feature for this word. A word that is in no table is ignored and named as unknown."""
    plain = name.strip().casefold()
    if kind == "appearance":
        plain = _plain_appearance(plain)
    return _BY_NAME.get((kind, plain)) or Feature(kind, name, "differs", "unknown")


def _plain_appearance(word: str) -> str:
    """The appearance without its variable part: `columns-3`, `w2`, `ex:org.app(…)`, `search('x')`."""
    for head in ("columns-pack", "columns", "compact", "ex", "search", "printer"):
        if word == head or word.startswith((f"{head}-", f"{head}:", f"{head}(")):
            return head
    return "w" if word[:1] == "w" and word[1:].isdecimal() else word


# ------------------------------------------------------------------ docs/xlsform.md
def made() -> dict[str, str]:
    """The parts of docs/xlsform.md that are made from the tables, by the name in their markers."""
    kinds: tuple[tuple[Kind, str], ...] = (
        ("column", "columns"), ("appearance", "appearances"), ("parameter", "parameters"), ("setting", "settings"),
        ("sheet", "sheets"),
    )  # fmt: skip
    return {"types": _types(), "functions": _functions()} | {title: _features(kind) for kind, title in kinds}


_WORDS: dict[Support, str] = {"same": "yes", "differs": "differs in chat", "unsupported": "no"}


def _types() -> str:
    rows = [
        f"| {kind.name} | {'yes' if kind.is_asked else 'no'} | {_WORDS[kind.support]} | {kind.chat} |"
        for kind in QUESTION_TYPES.values()
    ]
    return "\n".join(["| type | asked | supported | in the chat |", "| --- | --- | --- | --- |", *rows])


def _features(kind: Kind) -> str:
    """One row for each way, with all its names: otherwise sixty equal rows would hide the ten that differ."""
    rows: dict[tuple[Support, str], list[str]] = {}
    for each in FEATURES:
        if each.kind == kind:
            rows.setdefault((each.support, each.way), []).append(each.name)
    lines = [f"| {kind} | supported | in the chat |", "| --- | --- | --- |"]
    lines += [f"| {_listed(names)} | {_WORDS[support]} | {_how(way)} |" for (support, way), names in rows.items()]
    return "\n".join(lines)


def _functions() -> str:
    lines = ["| function | supported | |", "| --- | --- | --- |", f"| {_listed(FUNCTIONS)} | yes | |"]
    lines += [f"| `{name}` | no | {why} |" for name, why in FOREIGN_FUNCTIONS.items()]
    return "\n".join(lines)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _how(way: str) -> str:
    return wording("en")(f"way.{way}") if way else ""
