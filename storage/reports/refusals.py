"""The reasons to refuse a file, and how much of a file is opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_PIXELS = 50_000_000
"""A decoded picture takes 4 bytes a pixel, and drawing it anew takes them twice."""
MAX_PAGES = 50


@dataclass(frozen=True, slots=True)
class Refused:
    """`reason` is one of REASONS; `values` fill its sentence."""

    reason: str
    values: Mapping[str, object] = field(default_factory=dict)
