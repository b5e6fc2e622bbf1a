"""Labels for codes: a program reads `outcome`, a person who opens the workbook reads "resultado".

CSV and JSON Lines keep codes, which never change and mean the same in every language. People read workbooks, so there a
code is shown as its label, and the cover lists both. In one column no two codes have the same label, so each code can
be found from its label.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from conversations.languages import LANGUAGES, language_name, translated
from conversations.plan.figures.annual import CALENDARS, DIMENSIONS, PILLARS
from conversations.plan.model import ROLE_TYPES, ActivityStatus, Role, ValidationState
from conversations.plan.periods import Frequency
from conversations.wording import wording

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

WORDED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "dimension": ("table.dimension.", ("total", *DIMENSIONS)),
    "direction": ("plan.direction.", ("increase", "decrease", "contextual")),
    "frequency": ("plan.frequency.", tuple(Frequency)),
    "role": ("role.", tuple(Role)),
    "role_type": ("agencies.type.", ROLE_TYPES),
    "status": ("export.status.", tuple(ActivityStatus)),
    "unit": ("plan.unit.", ("people", "count", "percent")),
    "validation": ("history.", tuple(ValidationState)[1:]),  # a draft is no report
    "aggregation": ("table.code.aggregation.", ("sum", "latest", "ratio", "average")),
    "balance": ("balance.", ("done", "in_part", "not_begun", "cancelled")),
    "calendar": ("table.calendar.", CALENDARS),
    "coverage": ("table.code.coverage.", ("complete", "partial", "missing", "running")),
    "data_source": ("table.code.data_source.", ("admin", "system", "minutes", "survey", "estimate")),
    "data_status": ("table.code.data_status.", ("final", "preliminary", "zero", "not_available", "missing")),
    "evidence": ("table.code.evidence.", ("photo", "document", "link", "later", "none")),
    "expectation": ("table.code.expectation.", ("open", "sealed", "late", "corrected")),
    "level": ("table.code.level.", ("output", "outcome", "impact", "other")),
    "outcome": (
        "table.code.outcome.",
        ("queued", "sent", "ambiguous", "undeliverable", "cancelled", "skipped", "open"),
    ),
    "pillar": ("table.pillar.", PILLARS),
    "place": ("table.code.place.", ("national", "province", "gps", "skip")),
    "sensitivity": ("table.code.sensitivity.", ("public", "internal", "restricted")),
    "value_status": (
        "table.code.value_status.",
        ("told", "missing", "no_figure", "not_expected", "suppressed", "not_allowed"),
    ),
    "withdrawal": ("table.code.withdrawal.", ("corrected", "taken_back")),
    "zero_reason": ("nothing.reason.", ("no_progress", "waiting", "budget", "season")),
}
"""Columns whose codes have labels in the catalogue → the prefix of the keys, and the codes."""
LISTED: Mapping[str, str] = {"obstacles": "obstacle", "province": "province"}
"""Columns whose codes come from one of the plan's own lists."""
BETWEEN = "; "
"""Separates the labels in a cell with several codes."""


def labels_of(name: str, language: str) -> Mapping[str, str]:
    """Code → label, for a column with labels in the catalogue. A column of answers has the name `_name`."""
    return _worded(name.lstrip("_"), language)


@cache
def _worded(name: str, language: str) -> Mapping[str, str]:
    if name == "language":
        return {code: language_name(code) for code in LANGUAGES}
    prefix, codes = WORDED.get(name, ("", ()))
    say = wording(language)
    return unique_labels((code, say(prefix + code)) for code in codes)


def plans_own(unit: "UnitOfWork", plan_id: int, language: str) -> dict[str, Mapping[str, str]]:
    """Column → code → label, for columns with the plan's own lists."""
    return {
        name: unique_labels(
            (each.code, translated(each.label, language)) for each in unit.plans.code_list(plan_id, listed)
        )
        for name, listed in LISTED.items()
    }


def unique_labels(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Add the code to each label that another code has too."""
    found = [(code, label or code) for code, label in pairs]
    labels = [label for _, label in found]
    return {code: label if labels.count(label) == 1 else f"{label} ({code})" for code, label in found}


def shown(cell: str, labels: Mapping[str, str]) -> str:
    """The label of a code, or the labels of several codes. Other text stays as it is."""
    if cell in labels:
        return labels[cell]
    parts = cell.split()
    return BETWEEN.join(labels[part] for part in parts) if parts and all(map(labels.__contains__, parts)) else cell
