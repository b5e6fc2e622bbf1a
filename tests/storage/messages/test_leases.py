"""Who watches a claim of another process takes it over when it has stood for its lease, by no wall clock (G7, G9)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storage.messages.leases import Claim, Watch

LASTS = timedelta(seconds=26)
CLAIM = Claim(1, 1, datetime(2018, 10, 3, 12, tzinfo=UTC), LASTS)


def test_a_claim_that_stands_runs_out_when_it_has_been_seen_for_its_lease() -> None:
    """Who sees it for the first time does not know how old it is, whatever moment it bears."""
    watch = Watch()
    assert [watch.run_out([CLAIM], at) for at in (100.0, 125.9, 126.0)] == [[], [], [CLAIM]]


def test_a_claim_that_was_renewed_or_made_anew_is_another_one() -> None:
    """Its holder lives, or somebody else has it now."""
    watch = Watch()
    renewed = replace(CLAIM, lease_until=CLAIM.lease_until + LASTS)
    again = replace(renewed, attempts=2)
    assert [watch.run_out([claim], at) for claim, at in ((CLAIM, 0.0), (renewed, 26.0), (again, 52.0))] == [[], [], []]


def test_a_claim_that_was_gone_meanwhile_is_seen_anew() -> None:
    watch = Watch()
    watch.run_out([CLAIM], 0.0)
    watch.run_out([], 13.0)
    assert watch.run_out([CLAIM], 26.0) == []
