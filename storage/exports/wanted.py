"""What an exporter is asked for and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an export is to hold. Blank and None leave nothing out."""

    plan_id: int
    timezone: str
    form_id: str = ""
    period: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows went out, and what should have gone with them and is not on disk, one line each."""

    count: int
    lacking: tuple[str, ...] = ()


Progress = Callable[[int, int], None]
"""Called with how many rows are written and how many there are."""
