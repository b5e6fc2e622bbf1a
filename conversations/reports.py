"""What the bot knows about the shipped forms beyond their XLSForm: what it fills in, what "igual" copies.

A form that brings `bind::enlace:…` columns says these things itself (`previous`, `chips`); the three shipped
forms are plain XLSForms that also run in ODK and Kobo, so what a chat adds to them is told here. One row a form.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SubjectKind = Literal["activity", "indicator", "agency"]


@dataclass(frozen=True, slots=True)
class Profile:
    """How the bot accompanies one form. Names are question names."""

    subject: SubjectKind = "agency"
    filled: frozenset[str] = frozenset()
    same_at: str = ""
    """The question whose card offers "Igual que el reporte anterior"."""
    same_sets: Mapping[str, str] = field(default_factory=dict)
    same_copies: frozenset[str] = frozenset()
    same_asks: frozenset[str] = frozenset()
    never_copied: frozenset[str] = frozenset()
    """Not even offered: copying people would count them twice, copying evidence would prove nothing."""
    chips: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    highlights: tuple[tuple[str, str], ...] = ()
    """What a coordinator reads first: a shape and the question whose answer stands beside it."""
    strict: bool = False
    always_sensitive: bool = False


PROFILES: Mapping[str, Profile] = {
    "activity_report": Profile(
        subject="activity",
        filled=frozenset({"agency", "activity", "period", "prev_progress", "restricted"}),
        same_at="status",
        same_sets={"reached": "no", "evidence_type": "none"},
        same_copies=frozenset({"status", "progress", "qty_done"}),
        same_asks=frozenset({"next_step"}),
        never_copied=frozenset(
            {
                "completion_date",
                "drop_reason",
                "reached",
                "ben_total",
                "ben_women",
                "ben_men",
                "ben_girls",
                "ben_boys",
                "ben_group",
                "evidence_type",
                "evidence_photo",
                "photo_ok",
                "evidence_doc",
                "evidence_link",
                "evidence_desc",
                "gps",
                "send_action",
            }
        ),
        chips={"progress": ("10", "25", "50", "75", "90")},
        highlights=(
            ("📅", "completion_date"),
            ("📅", "new_due_date"),
            ("📉", "drop_reason"),
            ("👥", "ben_total"),
            ("📎", "evidence_type"),
            ("🚧", "obstacle"),
            ("🚧", "obstacle_other"),
            ("🚧", "obstacle_detail"),
            ("🗳", "decision_text"),
            ("➡️", "next_step"),
        ),
    ),
    "indicator_update": Profile(
        subject="indicator",
        filled=frozenset({"agency", "indicator", "period"}),
        never_copied=frozenset({"support_doc", "is_correction", "correction_reason", "send_action"}),
    ),
    "incident_free_text": Profile(
        subject="agency",
        filled=frozenset({"agency", "period"}),
        never_copied=frozenset({"privacy_ok", "no_names_ok", "send_action", "gap_text"}),
        strict=True,
        always_sensitive=True,
    ),
}


def profile(form_id: str) -> Profile:
    """The profile of a form; one that is not in the table is accompanied plainly."""
    return PROFILES.get(form_id, Profile())
