"""What the bot knows about the shipped forms besides their XLSForm: what it fills in, and which answers "igual" copies.

A form that has `bind::enlace:…` columns says these things itself (`previous`, `chips`). The shipped forms are
plain XLSForms that also run in ODK and Kobo, so this table has them. It has one row for each form.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SubjectKind = Literal["activity", "indicator", "agency", "objective"]


@dataclass(frozen=True, slots=True)
class Profile:
    """What the bot adds to one form. All names are question names."""

    subject: SubjectKind = "agency"
    filled: frozenset[str] = frozenset()
    same_at: str = ""
    """The question whose card has the button "Igual que el reporte anterior"."""
    same_sets: Mapping[str, str] = field(default_factory=dict)
    same_copies: frozenset[str] = frozenset()
    same_asks: frozenset[str] = frozenset()
    never_copied: frozenset[str] = frozenset()
    """Never offered from the last report: copied people would be counted twice, and copied evidence proves nothing."""
    chips: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    highlights: tuple[tuple[str, str], ...] = ()
    """The lines that a coordinator reads first: a symbol, and the question whose answer follows it."""
    lead: tuple[str, ...] = ()
    """The first line of a review, without the questions' words: how the activity stands."""
    implied: Mapping[str, str] = field(default_factory=dict)
    """Answers that a review leaves out where the answer to this other question says it already."""
    sentences: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The sentence of the catalogue that a review says for an answer, in place of the question and its choice."""
    strict: bool = False
    always_sensitive: bool = False


FORM_OF: Mapping[SubjectKind, str] = {
    "activity": "activity_report",
    "indicator": "indicator_update",
    "agency": "incident_free_text",
    "objective": "objective_evaluation",
}
"""The form that reports on each kind of subject."""

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
        lead=("status", "progress"),
        implied={"reached": "ben_total", "photo_ok": "evidence_photo", "place": "gps"},
        sentences={
            ("evidence_type", "later"): "review.evidence_later",
            ("evidence_type", "none"): "review.evidence_none",
        },
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
    "objective_evaluation": Profile(
        subject="objective",
        filled=frozenset({"objective", "answerer"}),
        never_copied=frozenset({"send_action"}),
        strict=True,
    ),
}


_EMPTY = Profile()


def profile(form_id: str) -> Profile:
    """The profile of a form. A form that is not in the table has an empty one."""
    return PROFILES.get(form_id, _EMPTY)
