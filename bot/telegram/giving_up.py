"""What becomes of an update that is not tried any more."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Any

import structlog

from bot.log import place_of
from bot.telegram.handled import Handled
from storage.errors import Unavailable
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)


class Deadly(Exception):
    """How often the process has died while only this update was being applied."""

    def __init__(self, deaths: int) -> None:
        super().__init__(f"the process ended {deaths} times while this alone was being applied")
        self.deaths = deaths


class Unmarked(Enum):
    """Why an update that may be deadly was not marked."""

    APPLIED = auto()
    LATER = auto()


def no_apology(unit: UnitOfWork, update: Mapping[str, Any], now: datetime) -> Handled:
    """Return an empty outcome: no apology is sent."""
    return Handled()


def if_it_can_be_said(unit: UnitOfWork, say: Callable[[], Handled]) -> Handled:
    """Make the apology for an update that is set aside.

    If that fails, say nothing and set the update aside all the same.
    """
    try:
        with unit.aside():
            return say()
    except Unavailable:
        raise
    except Exception as failure:  # noqa: BLE001
        logger.error("update.not_told", reason=place_of(failure))
        return Handled()


def yield_up(give_up: Callable[[UnitOfWork, Exception], Handled], why: Exception, unit: UnitOfWork) -> Handled:
    return give_up(unit, why)
