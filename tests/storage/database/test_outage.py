"""The log is told of an outage when it begins, once a minute while it lasts, and when it is over."""

import logging

import pytest

from storage.database.outage import TELL_EVERY, Outage


class Hand:
    """A clock that is wound by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Away(Exception):
    sqlstate = "42P01"


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]


def test_what_lasts_is_told_once_a_minute_and_then_that_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    """However often it is tried in vain; with the driver's code, and how often that was."""
    caplog.set_level(logging.DEBUG)
    clock = Hand()
    outage = Outage("writer", clock)
    for _ in range(240):
        outage.lasts(Away("no table"))
        clock.at += TELL_EVERY / 120
    outage.ends()
    outage.ends()
    assert told(caplog) == ["database.unavailable", "database.unavailable", "database.recovered"]
    first, second = (record for record in caplog.records if record.levelno == logging.WARNING)
    assert (first.code, first.reason, first.times, second.times) == ("42P01", "Away: no table", 1, 120)  # type: ignore[attr-defined]
    assert caplog.records[-1].after == 2 * TELL_EVERY  # type: ignore[attr-defined]
    assert len(caplog.records) == 241, "at DEBUG all of it can be read"


def test_what_comes_and_goes_is_told_no_more_often_than_what_stays(caplog: pytest.LogCaptureFixture) -> None:
    """A disk on which there is room for some, tables of which one is gone."""
    caplog.set_level(logging.INFO)
    clock = Hand()
    outage = Outage("writer", clock)
    for _ in range(60):
        outage.lasts(Away("no table"))
        outage.ends()
        clock.at += TELL_EVERY / 60
    assert told(caplog) == ["database.unavailable", "database.recovered"]
    caplog.clear()
    outage.lasts(Away("no table"))
    outage.ends()
    assert told(caplog) == ["database.unavailable", "database.recovered"]
