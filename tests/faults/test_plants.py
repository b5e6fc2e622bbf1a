"""A planted defect counts as found only by what it breaks (`plants`)."""

import pytest

from conversations.wording import wording
from tests.faults.plants import sound


def test_a_defect_that_only_makes_units_fail_is_no_find() -> None:
    """Its own code is out of date: each unit fails, people are told so, and no promise was tried."""
    told = f"100001 was asked out of order, after 2 answers: {wording('en')('trouble')!r}"
    with pytest.raises(AssertionError, match="only makes units fail"):
        sound("stale_taps", [told, "100001 has lost ['progress']"])


def test_a_broken_promise_is_a_find() -> None:
    """Even if units fail because of it, later."""
    found = ["100001 has lost ['progress']", wording("en")("trouble")]
    assert sound("acknowledge_first", found) == found
