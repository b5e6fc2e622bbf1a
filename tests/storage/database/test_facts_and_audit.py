"""What the bot has learnt, and who did what."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.unit_of_work import UnitOfWork

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def test_a_fact_is_the_last_thing_learnt(apply: Any) -> None:
    """And when."""
    assert apply(lambda unit: unit.facts.get("bot.name")) is None
    apply(lambda unit: unit.facts.set("bot.name", "enlace_bot", NOW))
    apply(lambda unit: unit.facts.set("bot.name", "citim_bot", LATER))
    assert apply(lambda unit: (unit.facts.get("bot.name"), unit.facts.learnt_at("bot.name"))) == ("citim_bot", LATER)


def test_an_audit_entry_exists_exactly_if_the_act_does(apply: Any, world: Any) -> None:
    """They commit together."""
    apply(lambda unit: unit.audit.record("grant", world.person_ids[2], world.plan_id, {"role": "observer"}, NOW))

    def act_and_fail(unit: UnitOfWork) -> None:
        unit.audit.record("revoke", world.person_ids[2], world.plan_id, {}, NOW)
        raise KeyError

    with pytest.raises(KeyError):
        apply(act_and_fail)
    (entry,) = apply(lambda unit: unit.audit.latest(world.plan_id))
    assert (entry.act, entry.actor_id, entry.details, entry.at) == (
        "grant",
        world.person_ids[2],
        {"role": "observer"},
        NOW,
    )


def test_the_log_is_read_newest_first_page_by_page(apply: Any, world: Any) -> None:
    """Of one plan or of all; an act of the command line has no actor."""
    for number in range(5):
        apply(lambda unit, n=number: unit.audit.record(f"act {n}", None, None if n == 0 else world.plan_id, {}, NOW))
    first = apply(lambda unit: unit.audit.latest(limit=3))
    second = apply(lambda unit: unit.audit.latest(limit=3, before=first[-1].id))
    assert [entry.act for entry in first + second] == [f"act {n}" for n in (4, 3, 2, 1, 0)]
    assert len(apply(lambda unit: unit.audit.latest(world.plan_id))) == 4
